"""The calibration page of a judge: Markdown with a picture, for the room's README and for whoever has to believe it."""

from pathlib import Path
from typing import Any

from common import files
from common.contracts import Estimate
from common.plot import figure, interval, save
from evaluation.calibrate import AUROC, KAPPA, LEAST, Calibration, Card

COLUMNS = ("auroc", "balanced_accuracy", "kappa", "sensitivity", "specificity", "ece")


def write(c: Calibration, folder: Path) -> Path:
    """FOLDER/NAME.md and NAME.png."""
    name = c.card.judge.replace(" ", "-").replace("/", "-")
    picture = draw(c, folder / f"{name}.png")
    return files.write_text(folder / f"{name}.md", text(c.card, picture.name))


def text(card: Card, picture: str) -> str:
    """The page."""
    blocking = [a.domain for a in card.admissions if a.may_block]
    lines = [
        f"# The judge `{card.judge}` against people", "",
        f"**{'May block on ' + ', '.join(blocking) if blocking else 'Advisory everywhere: it may not block a release'}.**"
        f" A judge may block on a domain where, on at least {LEAST} reported claims that people labelled, the lower bounds of its AUROC and kappa reach {AUROC:.2f} and {KAPPA:.2f}.", "",
        f"![reliability and AUROC]({picture})", "",
        f"Half of the groups (documents, conversations) set the scaling ({card.scaling}) and the threshold ({card.threshold:.3f}); the numbers below are of the other half,"
        " with 95 % intervals that resample whole groups. \"Positive\" is \"grounded\".", "",
        row(["", "claims", *COLUMNS]), row(["---"] * (2 + len(COLUMNS))),
        row(["all", str(card.overall["auroc"].n), *cells(card.overall)]),
        *(row([f"domain {a.domain}", str(a.n), *cells(a.measures)]) for a in card.admissions),
        *(row([s, str(m["auroc"].n), *cells(m)]) for s, m in card.sources.items()), "",
        f"Before scaling, the calibration error was {card.ece_unscaled}. Admission:", "",
        *(f"- {a.domain}: {'may block' if a.may_block else 'advisory'} ({a.why})" for a in card.admissions), "",
        f"Judge version `{card.version}`, labelled claims `{card.data[:12]}`.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def row(columns: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(columns)} |"


def cells(measures: dict[str, Estimate]) -> list[str]:
    """Numbers in the order of the columns."""
    return [f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]" for e in (measures[name] for name in COLUMNS)]


def draw(c: Calibration, path: Path) -> Path:
    """Reliability before and after scaling above, AUROC by source below."""
    sources = list(c.card.sources.items())[::-1]
    plot, (top, bottom) = figure(height=5.4 + 0.25 * len(sources), rows=2, sharex=False)
    top.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=":")
    for (name, bins), colour in zip(c.curves.items(), ("#bdbdbd", "#1b9e77"), strict=True):
        error = [[max(0.0, e.value - e.low) for _, e in bins], [max(0.0, e.high - e.value) for _, e in bins]]
        top.errorbar([x for x, _ in bins], [e.value for _, e in bins], yerr=error, fmt="o-", ms=4, lw=1, capsize=2, color=colour, label=name)  # fmt: skip
    top.set_xlim(0, 1)
    top.set_ylim(0, 1)
    top.set_xlabel("probability that the judge gives, tenths of the claims", fontsize=8)
    top.set_ylabel("share that people call grounded", fontsize=8)
    top.legend(frameon=False, fontsize=8, loc="upper left")
    top.set_title(f"{c.card.judge}: what it says, and what people say ({c.card.overall['auroc'].n} claims)", loc="left", fontsize=10)  # fmt: skip
    for y, (_, measures) in enumerate(sources):
        reached = measures["auroc"].low >= AUROC
        interval(bottom, measures["auroc"], y, "#1b9e77" if reached else "#7570b3")
    bottom.axvline(0.5, color="#999999", lw=0.8, ls=":")
    bottom.axvline(AUROC, color="#d95f02", lw=0.8)
    bottom.set_yticks(range(len(sources)), [f"{s} (n {m['auroc'].n})" for s, m in sources], fontsize=8)
    bottom.set_xlabel("AUROC by source, 95 % (orange: what admission asks of the lower bound; dotted: chance)", fontsize=8)  # fmt: skip
    return save(plot, path)


def summary(card: Card) -> dict[str, Any]:
    """One line about a judge, for a table of several."""
    return {"judge": card.judge, "claims": card.overall["auroc"].n} | dict(
        zip(COLUMNS, cells(card.overall), strict=True)
    )
