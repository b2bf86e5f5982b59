"""Classify prompts with the guard: needs numpy, onnxruntime and tokenizers only. This file travels in the bundle.

python classify.py MODEL_FOLDER "text" ["text"...]      one JSON line a text: {"score": .97, "flagged": true, "text": ...}
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Guard:
    """The model, its tokenizer and its threshold, read from a folder with model.onnx, tokenizer.json and guard.json."""

    def __init__(self, folder: Path, threads: int = 1):
        import onnxruntime
        from tokenizers import Tokenizer

        settings: dict[str, Any] = json.loads((folder / "guard.json").read_text())
        self.threshold = float(settings["threshold"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(int(settings["max_tokens"]))
        self._tokenizer.enable_padding()

    def scores(self, texts: Sequence[str], batch: int = 32) -> Any:
        """P(injection) of each text, shape (n,), float64; texts of similar length share a batch."""
        out = np.zeros(len(texts))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            encoded = self._tokenizer.encode_batch([texts[i] for i in rows])
            feed = {
                "ids": np.array([e.ids for e in encoded], np.int64),
                "mask": np.array([e.attention_mask for e in encoded], np.int64),
            }
            logits = self._session.run(None, feed)[0].astype(float)
            out[rows] = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        return out


if __name__ == "__main__":
    guard = Guard(Path(sys.argv[1]))
    for text, score in zip(sys.argv[2:], guard.scores(sys.argv[2:]), strict=True):
        sys.stdout.write(
            json.dumps({"score": round(float(score), 4), "flagged": bool(score >= guard.threshold), "text": text})
            + "\n"
        )
