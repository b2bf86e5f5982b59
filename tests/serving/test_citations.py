import pytest

from serving.answer import support, with_ids

ZONES = "How many exceptions put a model into the red zone?"


@pytest.mark.parametrize(
    ("answer", "supported"),
    [
        ("Ten or more exceptions put a model in the red zone.", True),
        ("12 or more exceptions put a model in the red zone.", False),
        ("Bananas grow in warm countries far away.", False),
        ("", False),
    ],
)
def test_support_wants_meaning_words_and_numbers(finance, encoder, answer, supported) -> None:
    passage = next(p for p in finance.passages if p.id == "backtesting#zones")
    assert support(ZONES, answer, [passage], encoder) == ([passage.id] if supported else [])


def test_the_pack_s_own_answers_are_supported_by_their_passages_and_by_few_others(finance, encoder) -> None:
    by_id = {p.id: p for p in finance.passages}
    asked = [q for q in finance.questions if q.passages]
    proving = sum(bool(support(q.question, q.answer, [by_id[q.passages[0]]], encoder)) for q in asked)
    others = sum(
        bool(support(q.question, q.answer, [by_id[asked[i - 7].passages[0]]], encoder)) for i, q in enumerate(asked)
    )
    assert proving / len(asked) >= 0.75 and others / len(asked) <= 0.05


def test_each_sentence_of_an_answer_carries_the_ids_of_its_evidence(finance, encoder) -> None:
    passage = next(p for p in finance.passages if p.id == "backtesting#zones")
    answer = "Ten or more exceptions put a model in the red zone. Bananas grow in warm countries far away."
    marked, cites = with_ids(ZONES, f"1. {answer}", [passage], encoder)
    assert marked.startswith("1. Ten") and cites == ["backtesting#zones"]
    assert "red zone. [backtesting#zones]" in marked and marked.endswith("far away.")
