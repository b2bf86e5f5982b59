"""The shipped judge: what it says of simple claims, where it marks, and what it does with input that is none."""

import shutil

import numpy as np
import pytest

from common.errors import NotReady
from evaluation import judges, local
from evaluation.labelled import Claim
from evaluation.local import Local

PASSAGE = (
    "The committee approved the merger of Halden Bank and Northern Credit in May 2021, after the regulator withdrew its "
    "objections. Shareholders received 14 crowns a share. The branch in Tromso remains open until December."
)


@pytest.fixture(scope="module")
def judge(encoder) -> Local:
    return Local()


def score(judge: Local, text: str, passages: tuple[str, ...] = (PASSAGE,), question: str = "") -> float:
    return float(judge.scores([Claim(text, passages, question)])[0])


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Shareholders received 14 crowns a share.", "Shareholders received 19 crowns a share."),
        ("The committee approved the merger in May 2021.", "The committee rejected the merger in May 2021."),
        ("The branch in Tromso remains open until December.", "The branch in Bergen remains open until December."),
        ("The regulator withdrew its objections.", "The regulator did not withdraw its objections."),
        ("The branch in Tromso remains open.", "I love skiing, do you?"),
    ],
)
def test_what_the_passage_says_scores_above_what_it_does_not(judge, true, false) -> None:
    assert score(judge, true) > score(judge, false) + 1


def test_an_answer_is_as_good_as_its_worst_sentence(judge) -> None:
    good, bad = "Shareholders received 14 crowns a share.", "The branch in Bergen closes in March."
    both = judge.read([Claim(f"{good} {bad}", (PASSAGE,))])[0]
    assert both.score == min(s.logit for s in both.sentences) < both.sentences[0].logit
    assert [s.span.text for s in both.sentences] == [good, bad]


def test_unsupported_words_are_marked_where_they_stand(judge) -> None:
    text = "Shareholders received 14 crowns a share. The branch in Bergen remains open until December."
    marks = judge.read([Claim(text, (PASSAGE,))])[0].marks
    assert marks and all(text[m.start : m.end] == m.text for m in marks)
    assert any("Bergen" in m.text for m in marks) and not any("14" in m.text for m in marks)


def test_a_number_without_a_source_is_marked_by_rule_and_costs(judge) -> None:
    one, other = judge.read(
        [Claim("Dividends reached 77 crowns.", (p,)) for p in ("Dividends reached 77 crowns.", "Dividends rose.")]
    )
    assert any("77" in m.text for m in other.marks) and not any("77" in m.text for m in one.marks)


def test_a_name_without_a_source_is_marked_by_rule_and_costs(judge) -> None:
    one, other = judge.read(
        [Claim("The merger pleased Halden Bank.", (p,)) for p in (PASSAGE, PASSAGE.replace("Halden", "Nordby"))]
    )
    assert any("Halden" in m.text for m in other.marks) and not any("Halden" in m.text for m in one.marks)
    assert one.score > other.score + 1


def test_an_unrelated_remark_is_further_from_the_evidence_than_other_words_for_it(judge) -> None:
    said, other = "The tie-up of the two lenders got the go-ahead.", "My favourite season is winter."
    near, far = (judge._likeness(text, Claim(text, (PASSAGE,)), PASSAGE) for text in (said, other))
    assert near > far + 0.1


def test_the_question_is_read_behind_the_evidence_and_counts_in_its_budget() -> None:
    claim = Claim("14", (PASSAGE, "Cattle graze. " * 200), "How many crowns a share did shareholders receive?")
    read = local.nearest("14", claim) + local.asked(claim)
    assert "Shareholders received 14 crowns a share." in read and read.endswith(f"Question: {claim.question}")
    assert len(read.split()) <= local.BUDGET


def test_a_sentence_longer_than_the_network_reads_is_read_to_its_end(judge) -> None:
    true = ", and ".join([PASSAGE.rstrip(".").replace(". ", ", and ")] * 4)
    invented = "and the directors resigned in shame after a scandal over bribes"
    right, wrong = judge.read([Claim(text, (PASSAGE,)) for text in (f"{true}.", f"{true}, {invented}.")])
    assert right.score > 2 and wrong.score < 0 and len(wrong.sentences) == 1
    assert [m.text for m in wrong.marks][-1] in invented
    assert all(f"{true}, {invented}."[m.start : m.end] == m.text for m in wrong.marks)


def test_another_weight_of_a_rule_makes_another_judge(judge, monkeypatch) -> None:
    before = local.version(local.WEIGHTS / "model.onnx")
    monkeypatch.setattr(local, "LIKENESS", local.LIKENESS + 1)
    assert judge.version == before != local.version(local.WEIGHTS / "model.onnx")


def test_another_tokenizer_makes_another_judge(tmp_path) -> None:
    folder = shutil.copytree(local.WEIGHTS, tmp_path / "mine")
    assert local.version(folder / "model.onnx") == local.version(local.WEIGHTS / "model.onnx")
    for name in ("model.json", "tokenizer.json"):
        before = local.version(folder / "model.onnx")
        (folder / name).write_text((folder / name).read_text() + "\n")
        assert local.version(folder / "model.onnx") != before


def test_your_own_calibration_comes_first_and_leaves_the_shipped_card_alone(judge, home) -> None:
    place, shipped = judges.card_of("local", judge), judges.grounded("local").card
    assert place.is_relative_to(home) and not place.parent.exists()  # asking makes nothing
    mine = shipped.model_copy(update={"version": judge.version, "data": "mine"})
    mine.save(place)
    assert judges.grounded("local").card.data == "mine"
    mine.model_copy(update={"version": "of older weights"}).save(place)
    assert judges.grounded("local").card.data == shipped.data


def test_a_judge_of_your_own_has_a_name_and_a_card_of_its_own(judge, home, tmp_path) -> None:
    folder = shutil.copytree(local.WEIGHTS, tmp_path / "mine")
    found = judges.judge(str(folder))
    assert found.name == "mine" and judge.name == "local"
    assert judges.card_of(str(folder), found) == folder / "card.json"


def test_company_does_not_change_a_score(judge) -> None:
    claims = [
        Claim(t, (PASSAGE,))
        for t in (
            "Shareholders received 14 crowns.",
            "No.",
            "The regulator objected to the merger for years and then gave in.",
        )
    ]
    assert list(judge.scores(claims)) == [judge.scores([c])[0] for c in claims]


@pytest.mark.parametrize("text", ["", " ", "...", "🙂"])
def test_an_answer_that_says_nothing_says_nothing_wrong(judge, text) -> None:
    assert score(judge, text) == local.SURE


def test_long_passages_and_claims_are_cut_to_what_is_nearest(judge) -> None:
    filler = " ".join(f"Paragraph {i} speaks of weather and of cattle." for i in range(800))
    assert score(judge, "Shareholders received 14 crowns a share.", (filler, PASSAGE, filler)) > 0
    assert np.isfinite(score(judge, "word " * 3000))


def test_marks_that_touch_are_one_and_whole_words() -> None:
    assert local.merged([(1, 3), (4, 6)], "abcd efgh") == [(0, 9)]
    assert local.merged([(0, 1), (8, 9)], "abc def ghi") == [(0, 3), (8, 11)]


def test_a_folder_without_a_judge_is_told(tmp_path) -> None:
    with pytest.raises(NotReady, match="no judge in"):
        Local(tmp_path)


def test_the_shipped_card_is_of_the_shipped_weights_and_small_enough_for_a_repository(judge) -> None:
    found = judges.grounded("local")
    assert found.card.data and found.card.version == found.judge.version  # else it would be uncalibrated
    size = sum(f.stat().st_size for f in local.WEIGHTS.iterdir())
    assert size <= 25e6
    assert all(a.why for a in found.card.admissions)
