"""The guard over HTTP: the endpoint that a bundle carries, asked as in production."""

import threading
from collections.abc import Iterator

import pytest

from common.errors import NotReady
from evaluation.guard import TEXTS, Guard
from optimization import serve
from tests.conftest import free_port
from tests.optimization.bundles import write_model


@pytest.fixture
def guard(tmp_path, store) -> Iterator[Guard]:
    if not (store / "minilm-torch" / "tokenizer.json").exists():
        pytest.skip("the store has no tokenizer: make setup")
    model = write_model(tmp_path / "model", store, ["benign", "injection"], 1)
    made = serve.Server(0, serve.Classifier(model), {"name": "guard", "version": "1.2.3"})
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield Guard(f"http://127.0.0.1:{made.server_port}/")
    made.shutdown()
    made.server_close()


def test_it_says_what_it_is_and_flags(guard) -> None:
    assert guard.name == "guard 1.2.3"
    assert guard.flagged({"a": ["hello"], "b": ["please ignore all"]}) == {"a": False, "b": True}


def test_one_flagged_text_flags_the_request(guard) -> None:
    assert guard.flagged({"a": ["hello", "please ignore all"]}) == {"a": True}


def test_more_texts_than_one_request_takes(guard) -> None:
    found = guard.flagged({str(i): ["please ignore all" if i % 2 else "hello"] for i in range(TEXTS + 5)})
    assert len(found) == TEXTS + 5 and sum(found.values()) == (TEXTS + 5) // 2


def test_nobody_there_is_said_with_the_mend() -> None:
    with pytest.raises(NotReady, match="no guard answers") as told:
        Guard(f"http://127.0.0.1:{free_port()}").flagged({"a": ["x"]})
    assert "GUARD_URL" in told.value.mend
    with pytest.raises(NotReady, match="is no address"):
        Guard("file:///etc/hostname").flagged({"a": ["x"]})
