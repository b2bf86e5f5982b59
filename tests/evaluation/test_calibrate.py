"""Calibration and admission, on judges whose quality is known because they are made here."""

import gzip
import json

import numpy as np
import pytest

from common.errors import BadInput
from evaluation import calibrate, labelled, page
from evaluation.labelled import Claim


class Known:
    """A judge that sees the truth through noise."""

    name = "known"

    def __init__(self, noise: float):
        self.noise = noise

    def scores(self, claims):
        random = np.random.default_rng(0)
        return np.array([float(c.grounded) for c in claims]) + self.noise * random.standard_normal(len(claims))


def claims(n: int = 1200, domain: str = "finance") -> list[Claim]:
    random = np.random.default_rng(1)
    return [
        Claim(f"claim {i}", ("passage",), "", bool(random.random() < 0.5), "made", f"g{i // 3}", domain)
        for i in range(n)
    ]


def test_a_good_judge_may_block_and_a_poor_one_may_not() -> None:
    good = calibrate.calibrate(Known(0.3), "1", claims(), resamples=200).card
    poor = calibrate.calibrate(Known(3.0), "1", claims(), resamples=200).card
    assert good.admission("finance").may_block and good.overall["ece"].value < 0.05
    refused = poor.admission("finance")
    assert not refused.may_block and "auroc at least" in refused.why and "kappa at least" in refused.why


def test_few_claims_admit_nobody() -> None:
    card = calibrate.calibrate(Known(0.1), "1", claims(300), resamples=200).card
    found = card.admission("finance")
    assert not found.may_block and 100 < found.n < 200  # of 300: only the half that set nothing counts, and it says so
    assert f"{found.n} labelled claims in the reported half, 200 are asked" in found.why


def test_a_domain_that_was_never_measured_is_not_admitted() -> None:
    card = calibrate.calibrate(Known(0.1), "1", claims(), resamples=200).card
    assert not card.admission("climate").may_block and "never compared" in card.admission("climate").why


def test_groups_stay_in_one_half() -> None:
    """A judge that remembers groups would look good if they were split."""
    halves = {c.group: labelled.half(c.group) for c in claims()}
    assert 0.4 < np.mean(list(halves.values())) < 0.6


def test_a_source_with_one_label_is_left_out_of_the_table() -> None:
    more = [Claim("x", ("p",), "", True, "only true", f"t{i}") for i in range(50)]
    card = calibrate.calibrate(Known(0.3), "1", [*claims(), *more], resamples=100).card
    assert set(card.sources) == {"made"}


def test_the_card_survives_its_file(tmp_path) -> None:
    card = calibrate.calibrate(Known(0.3), "1", claims(), resamples=100).card
    again = calibrate.load_card(card.save(tmp_path / "card.json"))
    assert again == card and again.probability(np.array([2.0]))[0] > 0.9


def test_a_source_whose_reported_claims_come_from_one_document_is_unknown_and_no_obstacle(tmp_path) -> None:
    group = next(f"only {i}" for i in range(99) if labelled.half(f"only {i}") == 1)
    more = [Claim(f"x {i}", ("p",), "", i % 2 == 0, "one", group) for i in range(20)]
    found = calibrate.calibrate(Known(0.3), "1", [*claims(), *more], resamples=100)
    card = calibrate.load_card(found.card.save(tmp_path / "card.json"))
    assert np.isnan(card.sources["one"]["auroc"].low) and not card.admission("general").may_block
    assert "| one |" in page.write(found, tmp_path).read_text()


def test_the_page_says_who_may_block_and_shows_every_source(tmp_path) -> None:
    text = page.write(calibrate.calibrate(Known(0.3), "1", claims(), resamples=100), tmp_path).read_text()
    assert "May block on finance" in text and "| made |" in text and (tmp_path / "known.png").stat().st_size > 10_000


def rows(**changes) -> dict:
    return {"source": "s", "group": 1, "context": "c", "claim": "x", "grounded": 1} | changes


def test_labelled_claims_are_read_plain_and_gzipped(tmp_path) -> None:
    lines = "\n".join(json.dumps(rows(grounded=i % 2, context="c\nQuestion: why?")) for i in range(4))
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    plain = labelled.read(tmp_path / "a.jsonl")
    assert (
        plain == labelled.read(tmp_path / "a.jsonl.gz") and plain[0].question == "why?" and plain[0].passages == ("c",)
    )


def test_passages_may_be_a_list_and_a_text_may_hold_any_character(tmp_path) -> None:
    made = [rows(context=["one", "two"], claim="a\u2028b\x85c", question="why?"), rows(grounded=0)]
    text = "\ufeff" + "\r\n".join(json.dumps(r, ensure_ascii=False) for r in made)  # as a spreadsheet saves it
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    first, second = labelled.read(tmp_path / "a.jsonl")
    assert first.passages == ("one", "two") and first.text == "a\u2028b\x85c" and first.question == "why?"
    assert second.passages == ("c",)


def test_a_file_that_was_cut_off_is_told(tmp_path) -> None:
    whole = gzip.compress("\n".join(json.dumps(rows(grounded=i % 2, claim=f"{i}")) for i in range(99)).encode())
    for broken in (whole[: len(whole) // 2], whole[:40] + b"\xff" * 40 + whole[80:]):
        (tmp_path / "a.jsonl.gz").write_bytes(broken)
        with pytest.raises(BadInput, match="cannot read"):
            labelled.read(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"), (json.dumps(rows(grounded=2)), "line 1: grounded is 2"), (json.dumps({"claim": "x"}), "line 1: no source"),
        (json.dumps(rows(grounded="1")), "line 1: grounded is '1', not 0 or 1"), (json.dumps(rows(claim=None)), "claim is None"),
        (json.dumps(rows(context=["p", 2])), "context is 2"), (json.dumps(rows(group=None)), "group is None"), ("[]", "line 1"),
        (json.dumps(rows(claim=" ")), "an empty claim"), (json.dumps(rows()), "not both labels"), ("", "not both labels"),
    ],
)  # fmt: skip
def test_bad_rows_are_named(tmp_path, text, said) -> None:
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(BadInput, match=said):
        labelled.read(tmp_path / "bad.jsonl")
    with pytest.raises(BadInput, match="cannot read"):
        labelled.read(tmp_path / "none.jsonl")
