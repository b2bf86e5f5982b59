import json
import struct

import pytest

from common.errors import Refused
from serving import memory
from serving.config import ServingSettings

GIB = memory.GIB


@pytest.fixture
def model(tmp_path):
    """A checkpoint whose header says 2^28 values: no bytes behind it, because only the header is read."""
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "F32", "shape": [16384, 16384], "data_offsets": [0, 0]}})
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header.encode())
    return tmp_path


def test_weights_take_the_precision_s_width(model) -> None:
    s = ServingSettings(KV_CACHE_GIB=2)
    assert memory.need("vllm", model, "float32", s).weights == GIB
    assert memory.need("vllm", model, "bfloat16", s).weights == GIB / 2
    assert memory.need("vllm", model, "float32", s).cache == 2 * GIB


def test_the_packaged_model_is_estimated_near_what_was_measured(store) -> None:
    if not (store / "smollm2").exists():
        pytest.skip("the store has no smollm2: make setup-torch")
    found = memory.need("vllm", store / "smollm2", "float32", ServingSettings())
    assert 3.2 < found.total / GIB < 4.2  # PSS of all processes was 3.3 to 3.9 GiB (make bench-serving)


@pytest.mark.parametrize(
    ("free", "mend"),
    [(6.0, None), (4.5, "KV_CACHE_GIB=1"), (4.0, "bfloat16"), (2.0, "a GGUF file of at most 0.9 GiB")],
)
def test_what_does_not_fit_is_refused_with_what_would(model, free, mend) -> None:
    s = ServingSettings(KV_CACHE_GIB=2)
    if mend is None:
        assert memory.check("vllm", model, "float32", s, free * GIB).total < free * GIB
        return
    with pytest.raises(Refused, match="GiB are free") as caught:
        memory.check("vllm", model, "float32", s, free * GIB)
    assert mend in caught.value.mend


def test_the_memory_that_is_free_is_a_size_of_this_machine() -> None:
    assert 0.1 * GIB < memory.available() < 10_000 * GIB
