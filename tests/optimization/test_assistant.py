"""A small language model at fewer bits: the arithmetic, and one real build."""

import numpy as np
import pytest

from optimization import assistant, recipe
from optimization.recipe import Language


def test_perplexity_is_paired_by_token_and_resampled_by_document() -> None:
    random = np.random.default_rng(0)
    theirs = [random.normal(-3 - d, 0.1, 50) for d in range(8)]  # documents differ much more than tokens do
    ours = [s - 0.05 for s in theirs]
    found = {n: {"tokens_per_second": [1.0, 3.0, 2.0], "first_token": [0.1], "peak": 9.0} for n in (1, 2)}
    row = assistant.row("x", 1.0, ours, theirs, found)
    ratio = [float(x) for x in row["times PyTorch's"].replace("[", "").replace("]", "").replace(",", "").split()]
    assert ratio == pytest.approx([np.exp(0.05)] * 3, abs=1e-3)  # the same loss on each token: no spread is left
    value, low, high = (float(x) for x in row["perplexity"].replace("[", "").replace("]", "").replace(",", "").split())
    assert low < value / 2 and high > value * 1.5 and row["tokens/s"] == 2.0


@pytest.mark.slow
def test_the_packaged_model_is_built_small_and_generates(home, store) -> None:
    if not (store / "smollm2").exists():
        pytest.skip("the store has no smollm2: make setup-torch")
    small = recipe.load("assistant", precisions=["int4-small"], tokens=3200, decode=8)
    assert isinstance(small, Language)
    plain, int4 = assistant.compare(small)
    assert int4["MB"] < plain["MB"] / 5 and int4["tokens/s"] > 0
    assert 1.0 < float(int4["times PyTorch's"].split()[0]) < 1.6
    assert assistant.build(small, "int4-small").exists()
