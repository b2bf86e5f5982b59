import numpy as np
import pytest

from common.llm import LLM
from serving import server, smoke, vllm
from serving.config import ServingSettings
from tests.conftest import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not vllm.installed(), reason="vLLM is not installed: make setup-torch"),
]


def test_vllm_s_pooling_gives_the_vectors_of_our_encoder(home, encoder) -> None:
    """MiniLM twice: served by vLLM, and in ONNX Runtime as the retriever uses it."""
    s = ServingSettings(ENGINE="vllm", TASK="embed", SERVING_PORT=free_port())
    texts = ["How is VaR scaled to ten days?", "Bananas grow in warm countries.", "a", "limits " * 60]
    try:
        server.up(s)
        llm = LLM(f"{server.url_of(s)}/v1")
        served = np.asarray(llm.embed(texts), np.float32)
        assert [r for r in smoke.smoke(llm, "vllm", "embed") if not r["ok"]] == []
    finally:
        server.down(s)
    served /= np.linalg.norm(served, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", served, encoder(texts)).min() > 0.999
