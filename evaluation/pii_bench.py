"""How well identifiers and names are found: recall and precision on labelled texts, false alarms on ordinary ones.

Labelled texts are a JSON list (plain or gzipped) in the form of presidio-research: `full_text`, `template_id`, and
`spans` with `entity_type`, `start_position` and `end_position`. Texts of one template are alike, so they are split and
resampled together.
"""

import gzip
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import stats
from common.contracts import Estimate
from common.errors import BadInput
from evaluation import names, pii
from evaluation.recognisers import GATING, Found

# What the labels call it -> what we do, where the words differ.
OURS = {
    "CREDIT_CARD": ("CREDIT_CARD", "CARD_LIKE"),
    "DOMAIN_NAME": ("URL",),
    "GPE": ("LOCATION",),
    "PHONE_NUMBER": ("PHONE_NUMBER", "PHONE_LIKE"),
}

Finder = Callable[[str], list[Found]]


@dataclass(frozen=True)
class Labelled:
    """A text, what people said is in it, and the template that it was made from."""

    text: str
    spans: tuple[Found, ...]
    template: str


@dataclass(frozen=True)
class Quality:
    """Of all kinds together (does a span overlap one of any kind), and of each label.

    recall, precision   any kind; of found spans, those that lie inside another are not counted
    by_label            label -> recall by any kind, recall and precision by our kind of the same meaning (None: none found)
    """

    recall: Estimate
    precision: Estimate
    by_label: dict[str, dict[str, Estimate | None]]


def read(path: Path) -> list[Labelled]:
    """The texts of a file. BadInput where it is none."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            return [labelled(row) for row in json.load(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"cannot read labelled texts from {path}: {type(error).__name__} {error}",
            "a JSON list with full_text, template_id and spans, as presidio-research makes it",
        ) from error


def labelled(row: Mapping[str, Any]) -> Labelled:
    """One text."""
    found = (Found(s["entity_type"], s["start_position"], s["end_position"], 1.0) for s in row["spans"])
    return Labelled(str(row["full_text"]), tuple(found), str(row["template_id"]))


def everything(text: str) -> list[Found]:
    """What is found in a text as it stands, of the kinds that gate and of those that are reported."""
    return pii.spans(text, 0.4, (*GATING, *pii.REPORTED))


def overlaps(span: Found, others: Iterable[Found], kinds: Collection[str] | None = None) -> bool:
    """Whether a span shares a character with another (of one of some kinds)."""
    return any(o.start < span.end and o.end > span.start for o in others if kinds is None or o.kind in kinds)


def quality(rows: Sequence[Labelled], find: Finder = everything) -> Quality:
    """Recall and precision with 95 % intervals, resampling templates."""
    found = [find(row.text) for row in rows]
    whole = [names.resolved(f) for f in found]
    labels = sorted({s.kind for row in rows for s in row.spans})
    any_hit = [(overlaps(s, f), row.template) for row, f in zip(rows, whole, strict=True) for s in row.spans]
    any_right = [(overlaps(f, row.spans), row.template) for row, fs in zip(rows, whole, strict=True) for f in fs]
    by_label = {}
    for label in labels:
        ours = OURS.get(label, (label,))
        pairs = [(row, f, s) for row, f in zip(rows, found, strict=True) for s in row.spans if s.kind == label]
        right = [(overlaps(f, row.spans, {label}), row.template) for row, fs in zip(rows, found, strict=True) for f in fs if f.kind in ours]  # fmt: skip
        by_label[label] = {
            "recall by any kind": share((overlaps(s, f), row.template) for row, f, s in pairs),
            "recall": share((overlaps(s, f, ours), row.template) for row, f, s in pairs),
            "precision": share(right),
        }
    recall, precision = share(any_hit), share(any_right)
    if recall is None or precision is None:
        raise ValueError("no labelled or no found span: there is nothing to measure")
    return Quality(recall, precision, by_label)


def share(hits: Iterable[tuple[bool, str]]) -> Estimate | None:
    """A mean over clusters, within 0 and 1; None where there is nothing.

    Where all are hits (or none is) a bootstrap says [1, 1]; then each cluster counts as one trial of an exact interval.
    """
    rows = list(hits)
    if not rows:
        return None
    values, clusters = [hit for hit, _ in rows], [cluster for _, cluster in rows]
    trials = len(set(clusters))
    if len(set(values)) == 1:
        e = stats.proportion(values[0] * trials, trials)
    else:
        e = stats.mean(values, clusters=clusters)
    return Estimate(value=e.value, low=max(e.low, 0.0), high=min(e.high, 1.0), n=len(rows))


def alarms(texts: Sequence[str], find: Callable[[str], Iterable[str]]) -> dict[str, Estimate]:
    """Documents in a hundred in which a kind is found, with the exact interval; "any" is any of them.

    find: the kinds that are found in a text, such as `lambda t: [i.kind for i in pii.identifiers(t, 0.4)]`
    """
    kinds = [set(find(text)) for text in texts]
    counted = {
        "any": sum(map(bool, kinds)),
        **{k: sum(k in found for found in kinds) for k in sorted(set().union(*kinds))},
    }
    return {kind: percent(stats.proportion(n, len(texts))) for kind, n in counted.items()}


def percent(share: Estimate) -> Estimate:
    """A share as documents in a hundred."""
    return Estimate(value=100 * share.value, low=100 * share.low, high=100 * share.high, n=share.n)
