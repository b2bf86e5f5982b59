"""An LLM as judge: the schema, the log probabilities, what is kept."""

import math

import pytest

from common.errors import EngineFailed
from common.llm import LLM, Answer
from evaluation import endpoint
from evaluation.endpoint import Endpoint, supported
from evaluation.labelled import Claim

CLAIMS = [
    Claim(
        "The limit is 6 million dollars.", ("The VaR limit of the desk is 6 million dollars.",), "What is the limit?"
    ),
    Claim("Employees enjoy yoga under palms.", ("The VaR limit of the desk is 6 million dollars.",)),
]


def answer(text: str, *offered: tuple[tuple[str, float], ...]) -> Answer:
    return Answer(text, 1, 1, 0.0, 0.0, "stop", offered=offered)


def test_the_probability_is_that_of_true_beside_false() -> None:
    at_the_word = (("true", math.log(0.6)), (" false", math.log(0.2)), ("maybe", math.log(0.1)))
    assert supported(answer('{"supported": true}', (('{"', 0.0),), at_the_word), "u") == pytest.approx(0.75)
    assert (
        supported(answer('{"supported": false}'), "u") == 0.0 and supported(answer('{"supported": true}'), "u") == 1.0
    )


def test_an_endpoint_that_does_not_bind_its_answers_is_told(home, tmp_path, echo_url) -> None:
    with pytest.raises(EngineFailed, match="has no JSON schema"):
        Endpoint(LLM(echo_url), tmp_path).scores(CLAIMS)
    for text in ("yes", '{"other": 1}', "[1]", '{"supported": "false"}', '{"supported": null}'):
        with pytest.raises(EngineFailed, match="is not the JSON that was asked for"):
            supported(answer(text), "u")


def test_the_same_name_at_another_address_is_another_judge_that_keeps_its_own(tmp_path, monkeypatch) -> None:
    first, same, other = (
        Endpoint(LLM(url, "model"), tmp_path) for url in ("http://a/v1", "http://a/v1/", "http://b/v1")
    )
    assert first.version == same.version != other.version
    first._kept.add("claim", 1.0)
    assert "claim" in Endpoint(LLM("http://a/v1", "model"), tmp_path)._kept
    assert "claim" not in Endpoint(LLM("http://b/v1", "model"), tmp_path)._kept
    for name, value in (("SCHEMA", {}), ("USER", "{passages} {asked} {statement}")):
        with monkeypatch.context() as changed:
            changed.setattr(endpoint, name, value)
            assert Endpoint(LLM("http://a/v1", "model"), tmp_path).version != first.version


@pytest.mark.slow
def test_a_small_model_judges_in_the_schema_and_nothing_is_judged_twice(home, tmp_path, serve) -> None:
    judge = Endpoint(LLM(serve("llamacpp")), tmp_path)
    first = judge.scores(CLAIMS)
    assert all(0 <= p <= 1 for p in first)
    file = next(tmp_path.glob("judged-*.jsonl"))
    before = file.read_text()
    assert list(Endpoint(LLM(serve("llamacpp")), tmp_path).scores(CLAIMS)) == list(first) and file.read_text() == before
