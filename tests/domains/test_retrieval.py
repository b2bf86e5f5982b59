import numpy as np
import pytest

from domains.forms import Passage
from domains.pack import load, names
from domains.retrieval import Index, blend, fuse


def test_fusion_prefers_what_both_rankings_like() -> None:
    scores = fuse(np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.1, 0.9, 0.5, 0.0]))
    assert list(np.argsort(-scores)) == [1, 0, 2, 3]


def test_fusion_gives_ties_the_same_rank() -> None:
    assert np.ptp(fuse(np.zeros(4))) == 0


def test_a_blend_keeps_how_sure_a_half_is_and_counts_nothing_for_nothing() -> None:
    assert list(blend(np.array([10.0, 1.0]), np.array([0.5, 0.6]))) == pytest.approx([(1 + 5 / 6) / 2, (0.1 + 1) / 2])
    assert list(blend(np.zeros(2), np.array([1.0, 0.5]))) == [0.5, 0.25]


@pytest.mark.parametrize("name", names())
def test_the_proving_passage_is_among_the_first_five(name, encoder, tmp_path) -> None:
    pack = load(name)
    index = Index(pack.passages, encoder, cache=tmp_path)
    asked = [q for q in pack.questions if q.passages and q.kind != "multi"]
    hits = sum(bool({p.id for p, _ in index.search(q.question, 5)} & set(q.passages)) for q in asked)
    assert hits / len(asked) >= 0.9
    assert list(tmp_path.glob("*.npy"))  # and the embeddings are kept


def test_a_question_of_stop_words_is_answered_by_meaning_alone(finance, encoder) -> None:
    assert len(Index(finance.passages[:10], encoder).search("the of and", 3)) == 3


def test_stems_find_what_words_do_not(encoder) -> None:
    passages = [Passage(id=f"d#{i}", title="T", text=t) for i, t in enumerate(["It exceeds the limit.", "Nothing."])]
    scores = Index(passages, encoder).scores("exceeded limits")["lexical"]
    assert scores[0] > 0 == scores[1]


def test_a_superseded_rule_is_demoted_unless_the_past_is_asked_for(encoder) -> None:
    text = "Precautions end after some days without fever."
    passages = [
        Passage(id="old#a", title="Rule", text=text, superseded=True),
        Passage(id="new#a", title="Rule", text=text),
    ]
    index = Index(passages, encoder)
    assert index.search("When do precautions end?", 1)[0][0].id == "new#a"
    assert index.search("When did precautions end in April 2020?", 1)[0][0].id == "old#a"
