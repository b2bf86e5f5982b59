import numpy as np
import pytest

from common import tracking
from common.errors import BadInput, Refused
from domains.pack import load
from domains.periods import held_out
from optimization import champion, recipe


def test_training_never_sees_the_reference_or_the_future(finance) -> None:
    rows, reference = champion.split(finance, "1986-12-31")
    assert rows.date.max().year == 1986 and not held_out(finance, rows.date).any()
    assert set(reference.date.dt.year) == {1966, 1971, 1976, 1981, 1985} and held_out(finance, reference.date).all()


def test_a_champion_is_registered_once_with_signature_and_alias(home, finance) -> None:
    made = champion.train(finance, "1986-12-31")
    again = champion.train(finance, "1986-12-31")
    assert (again.version, again.run_id) == (made.version, made.run_id) and again.brier == made.brier
    champion.set_alias(made.name, "champion", made.version)
    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{made.name}@champion")
    assert [c.name for c in loaded.metadata.signature.inputs] == finance.features
    onnx_model = mlflow.onnx.load_model(f"models:/{made.name}@champion")
    _, reference = champion.split(finance, "1986-12-31")
    p, y = champion.probabilities(onnx_model, finance, reference), reference.large_move.to_numpy()
    assert np.mean((p - y) ** 2) == pytest.approx(made.brier.value, abs=1e-6)
    assert made.brier.high < y.mean() * (1 - y.mean()) * 1.2  # about as good as the base rate or better
    metrics = tracking.mlflow_client().get_run(made.run_id).data.metrics
    assert metrics["onnx_parity"] <= recipe.load("champion").parity  # type: ignore[union-attr]


def test_a_later_champion_is_a_new_version_and_can_be_compared(home, finance) -> None:
    old, new = champion.train(finance, "1986-12-31"), champion.train(finance, "2007-12-31")
    assert (old.version, new.version) == ("1", "2")
    found = champion.compare(finance, "1", "2", "2008-01-01", "2008-12-31")
    assert found["difference"].value == pytest.approx(found["new"].value - found["old"].value)
    assert found["difference"].high < 0  # trained through 2007, it is better in 2008
    with pytest.raises(BadInput, match="no records"):
        champion.compare(finance, "1", "2", "2030-01-01", "2030-12-31")
    with pytest.raises(BadInput, match="no version 9"):
        champion.compare(finance, "1", "9", "2008-01-01", "2008-12-31")


@pytest.mark.slow
def test_a_champion_with_missing_values_is_exported_with_them(home) -> None:
    """The climate pack's pressure has gaps; the imputation travels inside the ONNX model."""
    pack = load("climate")
    made = champion.train(pack, pack.config.champion.train_until)
    import mlflow

    onnx_model = mlflow.onnx.load_model(f"models:/{made.name}/{made.version}")
    rows = pack.records().tail(2000)
    assert rows.pressure.isna().any()
    p = champion.probabilities(onnx_model, pack, rows)
    assert np.isfinite(p).all() and 0 < p.min() < p.max() < 1


def test_rows_without_a_label_decide_nothing(home, finance, monkeypatch) -> None:
    old, new = champion.train(finance, "1986-12-31"), champion.train(finance, "2007-12-31")
    whole = champion.compare(finance, old.version, new.version, "2008-01-01", "2008-12-31")
    table = finance.records().astype({"large_move": float})
    late = (table.date >= "2008-10-01") & (table.date <= "2008-12-31")
    monkeypatch.setattr(type(finance), "records", lambda self: table.assign(large_move=table.large_move.mask(late)))
    part = champion.compare(finance, old.version, new.version, "2008-01-01", "2008-12-31")
    assert np.isfinite(part["difference"].value) and part["difference"].n < whole["difference"].n


def test_the_recipe_s_parity_is_held() -> None:
    champion.check_parity(1e-7)
    for difference in (1e-3, float("nan")):
        with pytest.raises(Refused, match="differs from scikit-learn"):
            champion.check_parity(difference)


def test_onnx_answers_as_scikit_learn_does_one_row_at_a_time(finance) -> None:
    row = champion.against_scikit(finance, rows=40)
    assert row["pack"] == "finance" and float(row["largest difference"]) < 1e-5 and row["KB"] > 10
