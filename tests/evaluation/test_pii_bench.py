"""Recall, precision and false alarms: on texts made here, and on the labelled ones where they are."""

import gzip
import json

import pytest

from common.errors import BadInput
from domains.pack import load, names
from evaluation import pii, pii_bench
from evaluation.pii_bench import Labelled
from evaluation.recognisers import Found


def row(text: str, *marked: tuple[str, str], template: int = 1) -> dict:
    spans = [
        {"entity_type": kind, "start_position": text.index(value), "end_position": text.index(value) + len(value)}
        for kind, value in marked
    ]
    return {"full_text": text, "template_id": template, "spans": spans}


def test_labelled_texts_are_read_plain_and_gzipped(tmp_path) -> None:
    rows = [row("I am Ann", ("PERSON", "Ann"))]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    plain = pii_bench.read(tmp_path / "a.json")
    assert plain == pii_bench.read(tmp_path / "a.json.gz")
    assert plain == [Labelled("I am Ann", (Found("PERSON", 5, 8, 1.0),), "1")]


@pytest.mark.parametrize("content", ["{", "[1]", '[{"full_text": "x"}]'])
def test_what_is_no_labelled_text_is_refused(content, tmp_path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadInput, match="cannot read labelled texts"):
        pii_bench.read(tmp_path / "a.json")


def test_recall_and_precision_are_what_they_are_called() -> None:
    """Two of three labels are found, one by another kind; one of three found spans is wrong."""
    rows = [
        Labelled("a b c d", (Found("PERSON", 0, 1, 1.0), Found("GPE", 2, 3, 1.0)), "1"),
        Labelled("a b c d", (Found("PERSON", 4, 5, 1.0),), "2"),
    ]
    found = iter([[Found("PERSON", 0, 1, 1.0), Found("PERSON", 2, 3, 1.0)], [Found("URL", 6, 7, 1.0)]])
    got = pii_bench.quality(rows, lambda _: next(found))
    assert got.recall.value == pytest.approx(2 / 3) and got.precision.value == pytest.approx(2 / 3)
    person, place = got.by_label["PERSON"], got.by_label["GPE"]
    assert person["recall"].value == 0.5 and person["precision"].value == 0.5
    assert place["recall by any kind"].value == 1 and place["recall"].value == 0 and place["precision"] is None


def test_nothing_found_is_an_error_and_no_precision() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        pii_bench.quality([Labelled("a", (Found("PERSON", 0, 1, 1.0),), "1")], lambda _: [])


def test_alarms_are_documents_in_a_hundred() -> None:
    got = pii_bench.alarms(["a", "b", "b", "c"], lambda t: {"a": [], "b": ["X", "X"], "c": ["Y"]}[t])
    assert (got["any"].value, got["X"].value, got["Y"].value) == (75, 50, 25) and got["X"].high > 50


@pytest.mark.parametrize("name", names())
def test_no_gating_kind_is_found_in_what_a_pack_says(name) -> None:
    pack = load(name)
    texts = [p.text for p in pack.passages] + [q.answer for q in pack.questions]
    found = pii_bench.alarms(texts, lambda t: [i.kind for i in pii.identifiers(t, 0.4, pack.config.privacy.forbidden)])
    assert found["any"].value == 0, found


def test_recall_and_precision_on_texts_that_people_labelled(labelled_data) -> None:
    """A quarter of presidio-research's texts. The goals are those of the gate, for names and places together."""
    file = labelled_data("pii_presidio_synth_v2.json.gz")
    got = pii_bench.quality(pii_bench.read(file)[::4])
    assert got.recall.value >= 0.93 and got.precision.value >= 0.85
