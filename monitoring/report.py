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


def datasets(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame") -> tuple[Any, Any]:
    """(current, reference) as Evidently data sets with the pack's column roles."""
    from evidently import BinaryClassification, DataDefinition, Dataset

    r = pack.config.records
    definition = DataDefinition(
        numerical_columns=[*r.numerical, "probability"],
        categorical_columns=[*r.categorical, r.target],
        classification=[BinaryClassification(target=r.target, prediction_probas="probability")],
    )
    columns = [*r.numerical, *r.categorical, r.target, "probability"]
    return Dataset.from_pandas(current[columns], definition), Dataset.from_pandas(reference[columns], definition)


def share(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame") -> float:
    """Share of the inputs that Evidently's default tests call drifted."""
    from evidently import Report
    from evidently.metrics import DriftedColumnsCount

    snapshot = Report([DriftedColumnsCount(columns=pack.features)]).run(*datasets(pack, reference, current))
    return float(snapshot.dict()["metrics"][0]["value"]["share"])


def page(pack: Pack, reference: "pd.DataFrame", current: "pd.DataFrame", path: Path) -> Path:
    """Write Evidently's drift and classification report as HTML, all or nothing."""
    from evidently import Report
    from evidently.presets import ClassificationQuality, DataDriftPreset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined precision where the model never says "yes" at .5
        snapshot = Report([DataDriftPreset(columns=pack.features), ClassificationQuality()]).run(
            *datasets(pack, reference, current)
        )
        temporary = path.with_suffix(".tmp.html")
        snapshot.save_html(str(temporary))
    return temporary.replace(path)
