"""An LLM as judge: the schema, the log probabilities, what is kept."""

import math

import pytest

from common.errors import EngineFailed
from common.llm import LLM, Answer
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
    for text in ("yes", '{"other": 1}', "[1]"):
        with pytest.raises(EngineFailed, match="is not the JSON that was asked for"):
            supported(answer(text), "u")


@pytest.mark.slow
def test_a_small_model_judges_in_the_schema_and_nothing_is_judged_twice(home, tmp_path, serve) -> None:
    judge = Endpoint(LLM(serve("llamacpp")), tmp_path)
    first = judge.scores(CLAIMS)
    assert all(0 <= p <= 1 for p in first)
    file = next(tmp_path.glob("judged-*.jsonl"))
    before = file.read_text()
    assert list(Endpoint(LLM(serve("llamacpp")), tmp_path).scores(CLAIMS)) == list(first) and file.read_text() == before
