"""How a pack's champion decays, and why: the analysis behind the pack's page.

Six questions, each answered with numbers that `make bench-domains` makes again:

time    how good is the champion in the reference, and in each later window? (AUC, Brier score, calibration gap)
leak    what would a random split have promised too much? Rows of one storm or one ward share their outcome, so a model that
        was trained on a row's neighbours knows more than one that was not: both are asked about the same rows
signal  what could the inputs tell in that window at all? The recipe, cross-validated inside the window by blocks; it has
        far fewer rows than the champion, so that it is a hint and no ceiling
base    how much of the gap is the base rate alone? The champion's odds, moved to the window's own rate
cure    would retraining help? The recipe, fitted on everything before the window
blame   which input is it? The champion fitted again without each input in turn

What this cannot do: prove a cause. It shows which explanation fits and which does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common import console, stats
from common.contracts import Estimate
from common.errors import BadInput
from domains.champion import fit, split
from domains.pack import Pack
from domains.periods import held_out, last_day_before, windows

if TYPE_CHECKING:
    import pandas as pd

Vector = NDArray[np.float64]
FOLDS = 5
UNKNOWN = Estimate(value=np.nan, low=np.nan, high=np.nan, n=0)


@dataclass(frozen=True)
class Moment:
    """The champion in one window, with 95 % block-bootstrap intervals. `signal`: AUC of the recipe inside the window;
    `cure`: (calibration gap, Brier score minus the champion's) of the recipe fitted on everything before it."""

    label: str
    rows: int
    base_rate: float
    auc: Estimate
    brier: Estimate
    gap: Estimate
    brier_corrected: float
    signal: Estimate = UNKNOWN
    cure: tuple[float, Estimate] = (np.nan, UNKNOWN)


@dataclass(frozen=True)
class Without:
    """The champion fitted without one input, over all later windows. `mended`: by how much the mean absolute gap is smaller
    than the whole champion's (paired)."""

    auc: Estimate
    gap: float
    mended: Estimate
    aucs: list[float]
    gaps: list[float]


@dataclass(frozen=True)
class Decay:
    """The whole analysis. `without`: input -> the champion without it; the whole champion stands under "". `shift`: input ->
    its distance from the reference in each window, 0 to 1. `leak`: AUC that a random split adds on the same rows."""

    reference: Moment
    later: list[Moment]
    leak: Estimate
    without: dict[str, Without]
    shift: dict[str, list[float]]

    @property
    def blamed(self) -> str:
        """The input without which the champion keeps its calibration: the gap is less than half, and smaller beyond doubt.
        Empty where there is none."""
        whole = self.without[""].gap
        best = min(self.without, key=lambda name: self.without[name].gap)
        return best if self.without[best].gap < whole / 2 and self.without[best].mended.low > 0 else ""


def blocks_of(pack: Pack, n: int) -> NDArray[np.int64]:
    """Which rows stay together, shape (n)."""
    return np.arange(n) // pack.config.champion.block


def auc(y: Vector, p: Vector) -> float:
    """AUC, NaN where one class is absent."""
    return stats.auc(y, p) if 0 < y.mean() < 1 else float("nan")


def brier(y: Vector, p: Vector) -> float:
    """Mean squared distance of probability and outcome."""
    return float(np.mean((y - p) ** 2))


def moment(pack: Pack, label: str, y: Vector, p: Vector, base: float, resamples: int, **more: Any) -> Moment:
    """Measures of outcomes y and probabilities p, both (n); `base`: the base rate the champion was trained on."""

    def interval(statistic: Callable[..., float]) -> Estimate:
        return stats.bootstrap(statistic, y, p, clusters=blocks_of(pack, len(y)), resamples=resamples)

    rate = float(y.mean())
    moved = p * rate / base / (p * rate / base + (1 - p) * (1 - rate) / (1 - base))
    gap = interval(lambda t, q: float(np.mean(t - q)))
    return Moment(label, len(y), rate, interval(auc), interval(brier), gap, brier(y, moved), **more)


def scored(model: Any, table: "pd.DataFrame") -> Vector:
    """P(target) of each row by the scikit-learn pipeline, shape (n)."""
    return np.asarray(model.predict_proba(table[list(model.feature_names_in_)])[:, 1], float)


def inside(pack: Pack, rows: "pd.DataFrame") -> Estimate:
    """AUC of the recipe cross-validated inside a window, mean over the folds: whole stretches of blocks are held out, so that a
    storm or a ward is never on both sides. Unknown where fewer than two folds have both classes."""
    blocks, target = blocks_of(pack, len(rows)), rows[pack.config.records.target].to_numpy(float)
    folds = blocks * FOLDS // (blocks.max() + 1)
    found = []
    for fold in range(FOLDS):
        held = folds == fold
        if all(0 < target[side].mean() < 1 for side in (held, ~held) if side.any()) and held.any() and (~held).any():
            found.append(stats.auc(target[held], scored(fit(pack, rows[~held]), rows[held])))
    return stats.mean(found) if len(found) > 1 else UNKNOWN


def distance(a: "pd.Series[Any]", b: "pd.Series[Any]", numerical: bool) -> float:
    """Largest gap between two distribution functions (numbers), or total variation (categories): 0 equal, 1 apart; NaN
    where one of them is empty."""
    if a.dropna().empty or b.dropna().empty:
        return float("nan")
    if numerical:
        from scipy.stats import ks_2samp

        return float(ks_2samp(a.dropna(), b.dropna(), method="asymp").statistic)
    shares = a.value_counts(normalize=True), b.value_counts(normalize=True)
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


def leak(pack: Pack, early: "pd.DataFrame", champion: Any, resamples: int) -> Estimate:
    """How much AUC a random split of the training period adds, paired on the same rows: those of the reference that a random
    fifth holds out. The champion has seen none of their days, the other model their neighbours."""
    r = pack.config.records
    random = np.random.default_rng(0).random(len(early)) < 1 / FOLDS
    both = random & held_out(pack, early[r.time]).to_numpy()
    rows, neighbour = early[both], fit(pack, early[~random])
    return stats.bootstrap(
        lambda t, a, b: auc(t, a) - auc(t, b),
        rows[r.target].to_numpy(float), scored(neighbour, rows), scored(champion, rows),
        clusters=np.flatnonzero(both) // pack.config.champion.block, resamples=resamples,
    )  # fmt: skip


def mean_gap(window: NDArray[np.int64], y: Vector, p: Vector) -> float:
    """Mean over the windows of the absolute calibration gap; `window`: index of each row's window, shape (n)."""
    n = np.bincount(window)
    return float(np.mean(np.abs(np.bincount(window, y - p)[n > 0] / n[n > 0])))


def analyse(pack: Pack, resamples: int = 400) -> Decay:
    """Train the champion on its period and look at everything that came later. Minutes. BadInput where nothing came later."""
    import pandas as pd

    r = pack.config.records
    train, reference = split(pack, pack.config.champion.train_until)
    table = pack.records().dropna(subset=[r.target])
    parts = list(windows(pack, table[table[r.time] >= pack.config.monitor.start]))
    if not parts:
        raise BadInput(
            f"no window of {pack.name} has {pack.config.monitor.min_rows} labelled rows",
            "lower monitor.min_rows in pack.toml, or add records",
        )
    later, champion, base = pd.concat([rows for _, rows in parts]), fit(pack, train), float(train[r.target].mean())
    window = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
    y, whole = later[r.target].to_numpy(float), scored(champion, later)
    blocks = blocks_of(pack, len(later))
    names = ["", *(pack.features if len(pack.features) > 1 else [])]
    without: dict[str, Without] = {}
    moments = []
    with console.progress(f"decay of {pack.name}", len(names) + len(parts)) as advance:
        for name in names:
            p = scored(fit(pack, train, without=name), later) if name else whole
            without[name] = Without(
                stats.bootstrap(auc, y, p, clusters=blocks, resamples=resamples),
                mean_gap(window, y, p),
                stats.bootstrap(
                    lambda w, t, a, b: mean_gap(w, t, a) - mean_gap(w, t, b), window, y, whole, p, clusters=blocks, resamples=resamples
                ),
                [auc(y[window == i], p[window == i]) for i in range(len(parts))],
                [float(np.mean((y - p)[window == i])) for i in range(len(parts))],
            )  # fmt: skip
            advance(1)
        for i, (label, rows) in enumerate(parts):
            t, p = y[window == i], whole[window == i]
            before = split(pack, last_day_before(pack, rows[r.time].min()))[0]
            again = scored(fit(pack, before), rows)
            gain = stats.bootstrap(
                lambda t, a, b: brier(t, a) - brier(t, b), t, again, p, clusters=blocks_of(pack, len(t)), resamples=resamples
            )  # fmt: skip
            cure = float(np.mean(t - again)), gain
            moments.append(moment(pack, label, t, p, base, resamples, signal=inside(pack, rows), cure=cure))
            advance(1)
    early = pd.concat([train, reference]).sort_values(r.time, kind="stable")
    of_reference = reference[r.target].to_numpy(float), scored(champion, reference)
    return Decay(
        moment(pack, "reference", *of_reference, base, resamples),
        moments,
        leak(pack, early, champion, resamples),
        without,
        {c: [distance(reference[c], rows[c], c in r.numerical) for _, rows in parts] for c in pack.features},
    )


def table(found: Decay) -> list[dict[str, Any]]:
    """One row a moment, for a page."""
    rows = []
    for m in (found.reference, *found.later):
        known = m is not found.reference
        rows.append(
            {
                "window": m.label,
                "rows": m.rows,
                "base rate": f"{m.base_rate:.3f}",
                "AUC": str(m.auc),
                "AUC inside": f"{m.signal.value:.3f}" if known else "",
                "calibration gap": str(m.gap),
                "gap, retrained before": f"{m.cure[0]:.3f}" if known else "",
                "Brier": str(m.brier),
                "at the window's base rate": f"{m.brier_corrected:.3f}",
                "retrained minus champion": str(m.cure[1]) if known else "",
            }
        )
    return rows


def blame(found: Decay) -> list[dict[str, Any]]:
    """One row an input: the champion without it, over all later windows; the most telling first."""
    order = sorted(found.without, key=lambda name: (name != "", found.without[name].gap))
    return [
        {
            "champion without": name or "(nothing: the whole champion)",
            "AUC later": str(found.without[name].auc),
            "mean absolute gap": f"{found.without[name].gap:.3f}",
            "smaller by": str(found.without[name].mended) if name else "",
            "distance from the reference, mean": f"{np.nanmean(found.shift[name]):.2f}" if name else "",
        }
        for name in order
    ]
