import numpy as np
import pytest

from domains.forms import Passage
from domains.pack import load, names
from domains.retrieval import Index, fuse


def test_fusion_prefers_what_both_rankings_like() -> None:
    scores = fuse(np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.1, 0.9, 0.5, 0.0]))
    assert list(np.argsort(-scores)) == [1, 0, 2, 3]


def test_fusion_gives_ties_the_same_rank() -> None:
    assert np.ptp(fuse(np.zeros(4))) == 0


def test_words_count_by_the_share_of_the_question_that_is_matched(encoder) -> None:
    passages = [
        Passage(id=f"d#{i}", title="T", text=t) for i, t in enumerate(["Gates open late.", "Storms close gates."])
    ]
    index = Index(passages, encoder)
    all_, half, none = (index.coverage(q) for q in ("storms close gates", "storms and zebras", "the of and"))
    assert 0 < half[1] < all_[1] < 1 and half[0] == 0 and not none.any()


def test_the_nearest_sentence_counts_beside_the_whole(encoder) -> None:
    filler = " ".join(f"Paragraph {i} is about the rota of the canteen and its opening hours." for i in range(12))
    passages = [
        Passage(id="d#0", title="Canteen", text=f"{filler} Masks are worn in the operating room."),
        Passage(id="d#1", title="Canteen", text=filler),
    ]
    scores = Index(passages, encoder).meaning("Where do people have to cover mouth and nose?")
    assert scores[0] > scores[1] + 0.05


@pytest.mark.parametrize("name", names())
def test_the_proving_passage_is_among_the_first_five(name, encoder, tmp_path) -> None:
    pack = load(name)
    index = Index(pack.passages, encoder, cache=tmp_path)
    asked = [q for q in pack.questions if q.passages and q.kind != "multi"]
    hits = sum(bool({p.id for p, _ in index.search(q.question, 5)} & set(q.passages)) for q in asked)
    assert hits / len(asked) >= 0.9
    assert list(tmp_path.glob("*.npy"))  # and the embeddings are kept


@pytest.mark.parametrize("name", names())
def test_other_words_than_the_documents_find_it_more_often_by_meaning_than_by_words(name, encoder, tmp_path) -> None:
    pack = load(name)
    index = Index(pack.passages, encoder, cache=tmp_path)
    hits = {"lexical": 0, "hybrid": 0}
    asked = [q for q in pack.questions if q.other_words]
    for q in asked:
        scores = index.scores(q.other_words)
        for how in hits:
            five = {index.passages[i].id for i in np.argsort(-scores[how], kind="stable")[:5]}
            hits[how] += bool(five & set(q.passages))
    assert hits["hybrid"] >= 0.7 * len(asked) and hits["hybrid"] > hits["lexical"] + 0.2 * len(asked)


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
    assert index.search("When do precautions end for 2000 performers?", 1)[0][0].id == "new#a"
