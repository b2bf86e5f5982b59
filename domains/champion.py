"""The pack's predictive model: which rows it is trained on, how, and how an exported one is asked.

One recipe for every pack. `optimization` exports, registers and compares it; `monitoring` and `domains.decay` ask it.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import BadInput
from domains.pack import Pack
from domains.periods import day_after, held_out

if TYPE_CHECKING:
    import pandas as pd

LEAST = 500  # training rows: with fewer, the recipe's leaves of 60 rows say nothing


def split(pack: Pack, until: str) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """(training rows up to `until`, reference rows). BadInput where too few rows are left to train on."""
    table, c = pack.records().dropna(subset=[pack.config.records.target]), pack.config.champion
    time = table[pack.config.records.time]
    try:
        end = day_after(until)
    except ValueError as error:
        raise BadInput(f"{until} is not a date", "--until 2006-12-31") from error
    reference = held_out(pack, time)
    train = table[(time >= c.train_from) & (time < end) & ~reference]
    if len(train) < LEAST:
        raise BadInput(
            f"{len(train)} training rows up to {until}",
            f"a date after {c.train_from} with at least {LEAST} rows before it",
        )
    return train, table[reference]


def fit(pack: Pack, train: "pd.DataFrame", without: str = "") -> Any:
    """A scikit-learn pipeline. Shallow and slow-learning: the signal is weak and calibration matters more than rank.
    `without`: an input to leave out, to see what it is to blame for.

    Not HistGradientBoosting: skl2onnx 1.20 hands its uint32 node ids to onnx 1.23, which refuses them.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    r = pack.config.records
    numerical = [c for c in r.numerical if c != without]
    categorical = [c for c in r.categorical if c != without]
    gaps = any(r.columns[c].missing for c in numerical)
    columns = ColumnTransformer(
        [
            ("numerical", SimpleImputer(strategy="median") if gaps else "passthrough", numerical),
            ("categorical", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categorical),
        ]
    )
    trees = GradientBoostingClassifier(
        learning_rate=0.04, n_estimators=120, max_depth=3, min_samples_leaf=60, subsample=0.7, random_state=0
    )
    return make_pipeline(columns, trees).fit(train[[*numerical, *categorical]], train[r.target])


def probabilities(model: Any, pack: Pack, table: "pd.DataFrame") -> NDArray[np.float64]:
    """P(target) of each row, shape (n), of an ONNX model by ONNX Runtime. BadInput where a column is absent."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    # the inputs it was trained on, which need not be those of today's pack.toml
    kinds = {i.name: np.float32 if "float" in i.type else object for i in session.get_inputs()}
    absent = [c for c in kinds if c not in table]
    if absent:
        raise BadInput(
            f"the records of {pack.name} have no column {', '.join(absent)}",
            "add the columns, or train a champion without them",
        )
    return np.asarray(session.run(None, {c: table[[c]].to_numpy(kind) for c, kind in kinds.items()})[1][:, 1], float)
