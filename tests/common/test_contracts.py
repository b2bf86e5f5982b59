import json
import math

import pytest
from pydantic import ValidationError

from common import contracts
from common.errors import BadInput

ESTIMATE = {"value": 0.1, "low": 0.0, "high": 0.2, "n": 10}
ALERT = {
    "id": "a", "domain": "finance", "model": "m", "model_version": "1", "window": "2008", "window_start": "2008-01-02",
    "window_end": "2008-12-31", "rows": 253, "verdict": "retrain", "drifted": {"x": 0.01}, "metric": "calibration gap",
    "reference": ESTIMATE, "current": ESTIMATE, "run_id": "r",
}  # fmt: skip


@pytest.mark.parametrize("contract", contracts.CONTRACTS)
def test_published_schemas_are_those_of_the_classes(contract: type[contracts.Record]) -> None:
    file = contracts.SCHEMAS / f"{contract.__name__}.v{contract.model_fields['schema_version'].default}.json"
    assert json.loads(file.read_text()) == contract.model_json_schema(), "python -m common.contracts"


def test_a_record_survives_the_disk(tmp_path) -> None:
    alert = contracts.Alert.model_validate(ALERT)
    assert contracts.Alert.load(alert.save(tmp_path / "alert.json"), "-") == alert


def test_what_is_not_known_is_null_in_a_file_and_comes_back(tmp_path) -> None:
    unknown = contracts.Estimate(value=0.5, low=math.nan, high=math.inf, n=1)
    file = contracts.Alert.model_validate(ALERT | {"current": unknown}).save(tmp_path / "alert.json")
    again = contracts.Alert.load(file, "-").current
    assert again.value == 0.5 and math.isnan(again.low) and math.isnan(again.high) and not again.beyond(0.0)
    for written in (file.read_text(), json.dumps(unknown.model_dump(mode="json"))):
        json.loads(written, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_unknown_fields_and_versions_are_refused() -> None:
    with pytest.raises(ValidationError):
        contracts.Alert.model_validate(ALERT | {"colour": "red"})
    with pytest.raises(ValidationError):
        contracts.Alert.model_validate(ALERT | {"schema_version": 2})


def test_a_broken_file_ends_with_the_mend(tmp_path) -> None:
    (tmp_path / "alert.json").write_text("{")
    with pytest.raises(BadInput) as caught:
        contracts.Alert.load(tmp_path / "alert.json", "make it again")
    assert caught.value.mend == "make it again"


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError):
        contracts.Alert.model_validate(ALERT).rows = 1  # type: ignore[misc]
