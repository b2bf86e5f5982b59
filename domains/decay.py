"""How a pack's champion decays, and why: the analysis behind the pack's page.

Five questions, each answered with numbers that `make bench-domains` makes again:

time    how good is the champion in the reference, and in each later window? (AUC, Brier score, calibration gap)
split   what would a random split have promised? Rows of one storm or one ward share their outcome, so a random hold-out
        looks into the neighbour's row; the reference holds out whole days
signal  what could the inputs tell in that window at all? The same recipe, cross-validated inside the window by blocks
base    how much of the gap is the base rate alone? The champion's odds, moved to the window's own rate
blame   which input is it? The champion fitted again without each input in turn

What this cannot do: prove a cause. It shows which explanation fits and which does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common import console, stats
from common.contracts import Estimate, now
from domains.champion import fit, split
from domains.pack import Pack
from domains.periods import windows

if TYPE_CHECKING:
    import pandas as pd

Vector = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class Moment:
    """The champion in one window, with 95 % block-bootstrap intervals."""

    label: str
    rows: int
    base_rate: float
    auc: Estimate
    brier: Estimate
    gap: Estimate
    brier_corrected: float
    signal: float


@dataclass(frozen=True)
class Decay:
    """The whole analysis. `without`: input -> (AUC, mean absolute gap) over all later rows, of the champion fitted without it;
    the whole champion's stand under "". `shift`: input -> its distance from the reference in each window, 0 to 1."""

    reference: Moment
    later: list[Moment]
    random_split: Estimate
    without: dict[str, tuple[Estimate, float]]
    aucs_without: dict[str, list[float]]
    gaps_without: dict[str, list[float]]
    shift: dict[str, list[float]]

    @property
    def blamed(self) -> str:
        """The input without which the champion keeps its calibration best; empty where leaving one out mends less than half
        of the gap."""
        best = min(self.without, key=lambda name: self.without[name][1])
        return best if self.without[best][1] < self.without[""][1] / 2 else ""


def moment(pack: Pack, label: str, y: Vector, p: Vector, base: float, signal: float, resamples: int) -> Moment:
    """Measures of outcomes y and probabilities p, both (n); `base`: the base rate the champion was trained on."""
    blocks = np.arange(len(y)) // pack.config.champion.block
    interval = lambda f: stats.bootstrap(f, y, p, clusters=blocks, resamples=resamples)  # noqa: E731
    rate = float(y.mean())
    moved = p * rate / base / (p * rate / base + (1 - p) * (1 - rate) / (1 - base))
    return Moment(
        label,
        len(y),
        rate,
        interval(stats.auc),
        interval(lambda t, q: float(np.mean((t - q) ** 2))),
        interval(lambda t, q: float(np.mean(t - q))),
        float(np.mean((y - moved) ** 2)),
        signal,
    )


def scored(model: Any, table: "pd.DataFrame") -> Vector:
    """P(target) of each row by the scikit-learn pipeline, shape (n)."""
    return np.asarray(model.predict_proba(table[list(model.feature_names_in_)])[:, 1], float)


def inside(pack: Pack, rows: "pd.DataFrame") -> float:
    """AUC of the recipe cross-validated inside a window: whole stretches of rows are held out, so that a storm or a ward is
    never on both sides."""
    folds = np.arange(len(rows)) * FOLDS // len(rows)
    p = np.empty(len(rows))
    for fold in range(FOLDS):
        p[folds == fold] = scored(fit(pack, rows[folds != fold]), rows[folds == fold])
    return stats.auc(rows[pack.config.records.target].to_numpy(), p)


def distance(a: "pd.Series[Any]", b: "pd.Series[Any]", numerical: bool) -> float:
    """Largest gap between two distribution functions (numbers), or total variation (categories): 0 equal, 1 apart."""
    if numerical:
        from scipy.stats import ks_2samp

        return float(ks_2samp(a.dropna(), b.dropna(), method="asymp").statistic)
    shares = a.value_counts(normalize=True), b.value_counts(normalize=True)
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


def random_split(pack: Pack, early: "pd.DataFrame", resamples: int) -> Estimate:
    """AUC on every fifth row of the training period, drawn at random: the number that a careless split promises."""
    held = np.random.default_rng(0).random(len(early)) < 1 / FOLDS
    rows = early[held]
    y, p = rows[pack.config.records.target].to_numpy(float), scored(fit(pack, early[~held]), rows)
    return stats.bootstrap(
        stats.auc, y, p, clusters=np.arange(len(y)) // pack.config.champion.block, resamples=resamples
    )


def analyse(pack: Pack, resamples: int = 400) -> Decay:
    """Train the champion on its period and look at everything that came later. Minutes."""
    import pandas as pd

    r = pack.config.records
    train, reference = split(pack, pack.config.champion.train_until)
    table = pack.records().dropna(subset=[r.target])
    parts = list(windows(pack, table[table[r.time] >= pack.config.monitor.start]))
    later = pd.concat([rows for _, rows in parts])
    y_later, base = later[r.target].to_numpy(float), float(train[r.target].mean())
    blocks = np.arange(len(later)) // pack.config.champion.block
    without: dict[str, tuple[Estimate, float]] = {}
    gaps: dict[str, list[float]] = {}
    aucs: dict[str, list[float]] = {}
    with console.progress(f"decay of {pack.name}", len(pack.features) + 1 + len(parts)) as advance:
        for name in ("", *pack.features):
            model = fit(pack, train, without=name)
            if not name:
                whole = model
            p = scored(model, later)
            auc = stats.bootstrap(stats.auc, y_later, p, clusters=blocks, resamples=resamples)
            of_window = [(rows[r.target].to_numpy(float), scored(model, rows)) for _, rows in parts]
            gaps[name] = [float(np.mean(y - q)) for y, q in of_window]
            aucs[name] = [stats.auc(y, q) for y, q in of_window]
            without[name] = (auc, float(np.mean(np.abs(gaps[name]))))
            advance(1)
        moments = []
        for label, rows in parts:
            y, p = rows[r.target].to_numpy(float), scored(whole, rows)
            moments.append(moment(pack, label, y, p, base, inside(pack, rows), resamples))
            advance(1)
    y, p = reference[r.target].to_numpy(float), scored(whole, reference)
    early = pd.concat([train, reference]).sort_values(r.time, kind="stable")
    return Decay(
        moment(pack, "reference", y, p, base, inside(pack, early), resamples),
        moments,
        random_split(pack, early, resamples),
        without,
        aucs,
        gaps,
        {c: [distance(reference[c], rows[c], c in r.numerical) for _, rows in parts] for c in pack.features},
    )


def table(found: Decay) -> list[dict[str, Any]]:
    """One row a moment, for a page."""
    return [
        {
            "window": m.label,
            "rows": m.rows,
            "base rate": f"{m.base_rate:.3f}",
            "AUC": str(m.auc),
            "AUC possible inside": f"{m.signal:.3f}",
            "calibration gap": str(m.gap),
            "Brier": str(m.brier),
            "Brier at the window's base rate": f"{m.brier_corrected:.3f}",
        }
        for m in (found.reference, *found.later)
    ]


def blame(found: Decay) -> list[dict[str, Any]]:
    """One row an input: the champion without it, over all later windows; the most telling first."""
    order: Sequence[str] = sorted(found.without, key=lambda name: (name != "", found.without[name][1]))
    return [
        {
            "champion without": name or "(nothing: the whole champion)",
            "AUC later": str(found.without[name][0]),
            "mean absolute gap": f"{found.without[name][1]:.3f}",
            "distance from the reference, mean": f"{np.mean(found.shift[name]):.2f}" if name else "",
        }
        for name in order
    ]


def save(pack: Pack, found: Decay) -> None:
    """Write `decay.json` and `decay.png` into the pack's folder."""
    from common import files
    from domains import plot

    content = {
        "made_at": now().isoformat(timespec="seconds"),
        "command": f"python -m domains decay {pack.name}",
        "records": pack.config.records.sha256,
        "reference_auc": str(found.reference.auc),
        "random_split_auc": str(found.random_split),
        "blamed": found.blamed,
        "moments": table(found),
        "blame": blame(found),
    }
    files.write_json(pack.folder / "decay.json", content)
    plot.decay(pack, found, pack.folder / "decay.png")
