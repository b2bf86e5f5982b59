"""Sentence embeddings with all-MiniLM-L6-v2 on ONNX Runtime: 384 numbers of length 1, cosine is a dot product."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import models

MAX_TOKENS = 256  # the length the model was trained for
BATCH = 32  # rows of similar length a call: padding stays small, memory bounded


class Encoder:
    """An ONNX encoder and its tokenizer, read from `folder`."""

    def __init__(self, folder: Path, threads: int = 2):
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to the LLM when idle
        self._session: Any = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """texts (n) -> embeddings (n, 384), float32, unit length."""
        out = np.zeros((len(texts), 384), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            encoded = self._tokenizer.encode_batch([texts[i] for i in rows])
            ids = np.array([e.ids for e in encoded], np.int64)
            mask = np.array([e.attention_mask for e in encoded], np.int64)
            out[rows] = self._session.run(None, {"ids": ids, "mask": mask})[0]
        return out


@cache
def minilm() -> Encoder:
    """The packaged encoder, loaded once a process. NotReady where the store has none."""
    return Encoder(models.path("minilm"))
