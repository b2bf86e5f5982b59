"""Classify texts: needs numpy, and for a network onnxruntime and tokenizers. This file travels in the bundle.

    classify [--threads N] [TEXT...]        one JSON line a text; without TEXT, one text a line of standard input

A model folder holds model.json (labels, threshold, the longest text in tokens) and either model.onnx with tokenizer.json
or lexical.npz with vocabulary.json. A text longer than the model reads is read in overlapping windows: a detector takes
the worst window, because an attack may hide behind a page of anything; another classifier takes their mean.
"""

import json
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime's builds report to their makers unless it is set
os.environ.setdefault("RAYON_NUM_THREADS", "1")  # the tokenizer's threads, which --threads does not count
LONGEST = 100_000  # characters of one text
BATCH, BLOCK = 32, 1024


class BadText(ValueError):
    """A text that is not classified; the message says what to change."""


class Network:
    """model.onnx and its tokenizer. `run`: (ids, mask) -> logits, in place of ONNX Runtime (the benchmark's baselines)."""

    def __init__(
        self, folder: Path, settings: dict[str, Any], threads: int, run: Callable[[Any, Any], Any] | None = None
    ):
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        longest = int(settings["max_tokens"])
        self._tokenizer.enable_truncation(longest, stride=longest // 4)
        self._tokenizer.no_padding()
        self._worst = settings["positive"]
        self._run = run or self.session(folder / "model.onnx", threads)

    @staticmethod
    def session(file: Path, threads: int) -> Callable[[Any, Any], Any]:
        """ONNX Runtime on `threads` cores of this machine."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        made: Any = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return lambda ids, mask: made.run(None, {"ids": ids, "mask": mask})[0]

    def probabilities(self, texts: Sequence[str]) -> Any:
        """See `Classifier`."""
        windows, owner = [], []
        for i, encoded in enumerate(self._tokenizer.encode_batch(list(texts))):
            for window in (encoded, *encoded.overflowing):
                windows.append(window.ids)
                owner.append(i)
        found = self._of_windows(windows)
        if len(windows) == len(texts):
            return found
        out = np.zeros((len(texts), found.shape[1]))
        for i in range(len(texts)):
            mine = found[np.array(owner) == i]
            out[i] = mine.mean(0) if self._worst is None else mine[mine[:, self._worst].argmax()]
        return out

    def _of_windows(self, windows: list[list[int]]) -> Any:
        """Softmax of the logits, (windows, labels); windows of similar length share a batch."""
        order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
        out = None
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            longest = max(len(windows[i]) for i in rows)
            ids, mask = (np.zeros((len(rows), longest), np.int64) for _ in range(2))
            for r, i in enumerate(rows):
                ids[r, : len(windows[i])], mask[r, : len(windows[i])] = windows[i], 1
            logits = np.asarray(self._run(ids, mask), float)
            shifted = np.exp(logits - logits.max(1, keepdims=True))
            if out is None:
                out = np.zeros((len(windows), logits.shape[1]))
            out[rows] = shifted / shifted.sum(1, keepdims=True)
        return out


def plain(text: str, settings: dict[str, Any]) -> str:
    """The text as a model without a tokenizer reads it: NFKC, where the settings say so."""
    return unicodedata.normalize("NFKC", text) if settings.get("normalise") == "NFKC" else text


class Lexical:
    """Character n-grams inside words, sublinear TF-IDF and logistic regression, as scikit-learn computes them, in numpy."""

    def __init__(self, folder: Path, settings: dict[str, Any]):
        self._settings = settings
        with np.load(folder / "lexical.npz", allow_pickle=False) as kept:
            self._coef, self._intercept, self._idf = kept["coef"], kept["intercept"], kept["idf"]
            self._shortest, self._longest = (int(n) for n in kept["ngrams"])
        grams = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._column = {gram: i for i, gram in enumerate(grams)}

    def probabilities(self, texts: Sequence[str]) -> Any:
        """See `Classifier`."""
        logits = np.array([self._logits(t) for t in texts])
        shifted = np.exp(logits - logits.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)

    def _logits(self, text: str) -> Any:
        counts: Counter[int] = Counter()
        for word in plain(text, self._settings).lower().split():
            padded = f" {word} "
            for n in range(self._shortest, self._longest + 1):
                for i in range(max(1, len(padded) - n + 1)):
                    column = self._column.get(padded[i : i + n])
                    if column is not None:
                        counts[column] += 1
                if len(padded) <= n:
                    break  # scikit-learn counts a short word once, not once a length
        if not counts:
            return self._intercept.copy()
        columns = np.fromiter(counts, int)
        weights = (1 + np.log(np.fromiter(counts.values(), float))) * self._idf[columns]
        return self._coef[:, columns] @ (weights / np.linalg.norm(weights)) + self._intercept


class Classifier:
    """A model folder, ready to classify."""

    def __init__(self, folder: Path, threads: int = 1):
        settings = read_settings(folder)
        self.labels, self.positive = list(settings["labels"]), settings["positive"]
        self.threshold = float(settings["threshold"])
        lexical = (folder / "lexical.npz").exists()
        self._model: Any = Lexical(folder, settings) if lexical else Network(folder, settings, threads)

    def probabilities(self, texts: Sequence[str]) -> Any:
        """Shape (n, labels), float64."""
        return self._model.probabilities(texts) if texts else np.zeros((0, len(self.labels)))

    def scores(self, texts: Sequence[str]) -> Any:
        """P(flagged label) of each text, shape (n,). For detectors."""
        return self.probabilities(texts)[:, self.positive]

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """One record a text. BadText before anything is classified."""
        for number, text in enumerate(texts, 1):
            check(text, number)
        return [self._answer(row) for row in self.probabilities(texts)]

    def _answer(self, row: Any) -> dict[str, Any]:
        if self.positive is not None:
            score = float(row[self.positive])
            return {"flagged": score >= self.threshold, "score": round(score, 4), "threshold": self.threshold}
        best = int(row.argmax())
        return {"label": self.labels[best], "score": round(float(row[best]), 4)}


def read_settings(folder: Path) -> dict[str, Any]:
    """model.json of a model folder."""
    settings: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return settings


def check(text: object, number: int) -> None:
    """BadText for what is not a text of 1 to LONGEST characters."""
    if not isinstance(text, str):
        raise BadText(f"text {number} is not a string: send strings")
    if not text.strip():
        raise BadText(f"text {number} is empty: leave it out")
    if len(text) > LONGEST:
        raise BadText(f"text {number} has {len(text)} characters: cut it to {LONGEST}")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise BadText(f"text {number} is not UTF-8: encode it so")


def main(folder: Path, arguments: list[str], lines: Iterable[str]) -> int:
    """The command; returns its exit code."""
    threads = 1
    if arguments[:1] == ["--threads"]:
        if len(arguments) < 2 or not re.fullmatch("[1-9][0-9]{0,2}", arguments[1]) or int(arguments[1]) > 256:
            sys.stderr.write("error: --threads takes a number from 1 to 256\n")
            return 2
        threads, arguments = int(arguments[1]), arguments[2:]
    if arguments[:1] and arguments[0] in ("-h", "--help"):
        sys.stdout.write(__doc__ or "")
        return 0
    try:
        texts = arguments or [line.rstrip("\n") for line in lines if line.strip()]
        if not texts:
            raise BadText("no text: give one as an argument, or one a line on standard input")
        for number, text in enumerate(texts, 1):  # before any answer is written
            check(text, number)
        classifier = Classifier(folder, threads)
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            for text, answer in zip(block, classifier.answers(block), strict=True):
                sys.stdout.write(json.dumps({**answer, "text": text}) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UnicodeDecodeError:
        sys.stderr.write("error: standard input is not UTF-8: encode it so\n")
        return 2
    except BadText as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(__file__).with_name("model"), sys.argv[1:], sys.stdin))
