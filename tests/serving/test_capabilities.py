import pytest

from common.settings import ROOT
from serving import capabilities, smoke


def test_the_readme_shows_the_table() -> None:
    assert capabilities.markdown() in (ROOT / "serving" / "README.md").read_text()


def test_every_row_is_tried_or_tested_by_name() -> None:
    """What smoke cannot try on one running engine has a test of its own: adapters, the key, overload."""
    elsewhere = {"LoRA adapters", "API key", "503 with Retry-After"}
    assert set(smoke.GENERATE) | set(smoke.EMBED) | elsewhere == set(capabilities.TABLE)


def test_every_engine_has_a_word_on_every_feature() -> None:
    assert all(set(by) == {"vllm", "llamacpp", "echo"} for by in capabilities.TABLE.values())


@pytest.mark.parametrize("old", list(capabilities.RENAMED))
def test_old_names_are_refused_on_every_engine(old) -> None:
    assert "would be ignored" in capabilities.refusal("vllm", "/v1/chat/completions", {old: 1})


def test_an_engine_that_is_not_ours_is_left_to_answer_for_itself() -> None:
    assert capabilities.refusal("remote", "/v1/chat/completions", {"tools": [1], "logprobs": True}) == ""
