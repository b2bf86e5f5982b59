"""Evidently's view of a window: its own verdict for comparison, and the page that a person opens.

Above 1,000 reference rows Evidently's defaults compare a distance (Wasserstein in standard deviations, Jensen-Shannon) with
.1, whatever the sample size and the series; our verdict comes from `monitoring.drift`. The page takes seconds and 4 MB, so it is made only where somebody will look.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domains.pack import Pack

if TYPE_CHECKING:
    import pandas as pd


def filled(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame") -> list[str]:
    """The inputs that hold a value on both sides: Evidently refuses a column that is empty, as a dead sensor's is."""
    return [c for c in pack.features if reference[c].notna().any() and current[c].notna().any()]


def datasets(pack: Pack, kept: list[str], reference: "pd.DataFrame", current: "pd.DataFrame") -> tuple[Any, Any]:
    """(current, reference) as Evidently data sets with the pack's column roles. kept: the inputs that are shown."""
    from evidently import BinaryClassification, DataDefinition, Dataset

    r = pack.config.records
    definition = DataDefinition(
        numerical_columns=[*(c for c in r.numerical if c in kept), "probability"],
        categorical_columns=[*(c for c in r.categorical if c in kept), r.target],
        classification=[BinaryClassification(target=r.target, prediction_probas="probability")],
    )
    columns = [*kept, r.target, "probability"]
    # a target with a label missing elsewhere is a float, which Evidently takes for no class
    ours, theirs = (frame[columns].astype({r.target: int}) for frame in (current, reference))
    return Dataset.from_pandas(ours, definition), Dataset.from_pandas(theirs, definition)


def share(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame") -> float:
    """Share of the inputs that Evidently's default tests call drifted, and of those that hold nothing any more."""
    from evidently import Report
    from evidently.metrics import DriftedColumnsCount

    kept = filled(pack, reference, current)
    emptied = sum(bool(reference[c].notna().any()) for c in pack.features if c not in kept)
    drifted = 0.0
    if kept:
        snapshot = Report([DriftedColumnsCount(columns=kept)]).run(*datasets(pack, kept, reference, current))
        drifted = float(snapshot.dict()["metrics"][0]["value"]["count"])
    return (drifted + emptied) / len(pack.features)


def page(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame", path: Path) -> Path:
    """Write Evidently's drift and classification report as HTML, all or nothing."""
    from evidently import Report
    from evidently.presets import ClassificationQuality, DataDriftPreset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined precision where the model never says "yes" at .5
        kept = filled(pack, reference, current)
        presets = [DataDriftPreset(columns=kept), ClassificationQuality()]
        snapshot = Report(presets).run(*datasets(pack, kept, reference, current))
        temporary = path.with_suffix(".tmp.html")
        snapshot.save_html(str(temporary))
    return temporary.replace(path)
