"""An answer declines where it says in any words that its sources do not hold it, and claims nothing besides."""

import pytest

from domains.pack import load
from evaluation.declines import declines


@pytest.mark.parametrize(
    "text",
    [
        "The documents do not say.",
        "The documents don't say.",
        "It isn't stated in the documents.",
        "It isn’t stated in the documents.",
        "I don't know.",
        "There is no mention of that.",
        "The documents do not include this information.",
        "The documents do not mention a profit in 2008.",
        "The passages don't explicitly give the number of beds.",
        "The passages say nothing about it.",
        "None of the passages mentions a bonus.",
        "The answer is not in the documents.",
        "The answer can't be determined from the passages.",
        "This information is not available.",
        "The name of the head is not specified.",
        "I'm unable to answer that.",
        "Based on the passages, I cannot answer this question.",
        "Unknown.",
    ],
)
def test_it_is_told_in_many_words(text) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "The effect was not statistically significant.",
        "The antibiotic is not indicated.",
        "The result is not disclosed to the employer.",
        "Cancelled flights are not included.",
        "Nothing: the scale says nothing about rain and surge.",
        "The documents do not only state the limit.",
        "The limit is 9 million.",
        "",
        "...",
    ],
)
def test_an_answer_with_a_not_is_no_decline(text) -> None:
    assert not declines(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The documents do not say when, but the limit is 9 million.", False),
        ("The documents do not say. The head is Maria Keller.", False),
        ("The limit is 6 million. The documents do not say since when.", False),
        ("I'm sorry, but the documents do not say. Please contact the desk.", True),
        ("The passages mention the desk but do not state its limit; they only describe the other desks.", True),
        ("The documents do not say. The passage is a summary of the document, but it is not an answer.", True),
        ("The documents do not give it. You may want to ask Market Risk Control.", True),
    ],
)
def test_a_claim_beside_it_makes_it_an_answer_and_an_aside_does_not(text, expected) -> None:
    assert declines(text) is expected


@pytest.mark.parametrize("name", ["finance", "climate", "healthcare"])
def test_the_packs_answers_decline_where_the_documents_do_not_say(name) -> None:
    assert [q.id for q in load(name).questions if declines(q.answer) == q.answerable] == []
