"""The local judge: a small cross-encoder on ONNX Runtime reads one sentence of an answer beside its evidence.

It gives each sentence a logit for "grounded", and marks the words that nothing supports. An answer is as good as its worst
sentence. Numbers are looked up by rule besides, because a small network reads digits badly: a number that the passages and
the question lack is marked, and costs `NUMBER_COST`. The weights are made by `python -m optimization support` (see MODEL_CARD.md).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from common import console, files
from common.errors import NotReady
from evaluation.agreement import Floats
from evaluation.claims import Span, evidence, sentences
from evaluation.labelled import Claim
from evaluation.numerals import strange

WEIGHTS = Path(__file__).with_name("weights")
BUDGET = 100  # words of evidence: with a sentence of 40 words they fit the 192 tokens that the network reads
MARK = 0.5  # P(unsupported) from which a word is marked
NUMBER_COST = 2.0  # logits that a number without a source takes off: the odds of "grounded" fall to a seventh
MANY = 50  # claims from which progress is shown
SURE = 8.0  # logit of an answer that says nothing that could be wrong


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer: what it was read beside, its logit of "grounded", and its unsupported words."""

    span: Span
    evidence: str
    logit: float
    marks: tuple[Span, ...]


@dataclass(frozen=True)
class Reading:
    """An answer as the judge reads it. score: the worst sentence's logit."""

    score: float
    sentences: tuple[Sentence, ...]

    @property
    def marks(self) -> tuple[Span, ...]:
        """Unsupported words, places in the whole answer."""
        return tuple(mark for s in self.sentences for mark in s.marks)


class Local:
    """The judge of a folder with model.onnx, tokenizer.json and model.json."""

    name = "local"

    def __init__(self, folder: Path = WEIGHTS, threads: int = 2):
        import onnxruntime
        from tokenizers import Tokenizer

        mend = "python -m optimization support --data pairs.parquet --out FOLDER"
        if not (folder / "model.onnx").exists():
            raise NotReady(f"no judge in {folder}", mend)
        self.version = files.sha256(folder / "model.onnx")[:12]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        longest = files.read_json(folder / "model.json", mend)["max_tokens"]
        self._tokenizer.enable_truncation(longest, strategy="longest_first")
        self._tokenizer.no_padding()

    def scores(self, claims: Sequence[Claim]) -> Floats:
        """claims (n) -> logits (n,), higher means grounded."""
        return np.array([r.score for r in self.read(claims)])

    def read(self, claims: Sequence[Claim]) -> list[Reading]:
        """Every sentence of every claim. One at a time: in eight bits, a batch would round each by its company."""
        readings = []
        shown = console.progress("judging", len(claims)) if len(claims) >= MANY else nullcontext(lambda n: None)
        with shown as advance:
            for claim in claims:
                found = tuple(self._sentence(span, claim) for span in sentences(claim.text))
                readings.append(Reading(min((s.logit for s in found), default=SURE), found))
                advance(1)
        return readings

    def _sentence(self, span: Span, claim: Claim) -> Sentence:
        text = beside(span.text, claim)
        encoded = self._tokenizer.encode(span.text, text)
        feed = {"ids": encoded.ids, "mask": encoded.attention_mask, "types": encoded.type_ids}
        (logit,), (unsupported,) = self._session.run(None, {k: np.array([v], np.int64) for k, v in feed.items()})
        return judged(span, text, claim, float(logit), encoded, 1 / (1 + np.exp(-unsupported)))


def beside(sentence: str, claim: Claim) -> str:
    """The evidence for a sentence, and the question that it answers."""
    asked = f"\nQuestion: {claim.question}" if claim.question else ""
    left = max(20, BUDGET - len(asked.split()))
    return evidence(f"{sentence} {claim.question}", claim.passages, left) + asked


def judged(span: Span, text: str, claim: Claim, logit: float, encoded: Any, unsupported: Floats) -> Sentence:
    """A sentence with its marks: words that the network or the rule for numbers finds unsupported."""
    unknown = strange(span.text, "\n".join([*claim.passages, claim.question]))
    marks = list(unknown)
    for kind, special, place, p in zip(
        encoded.type_ids, encoded.special_tokens_mask, encoded.offsets, unsupported, strict=False
    ):
        if not kind and not special and p >= MARK:
            marks.append(place)
    shown = tuple(Span(span.text[a:b], span.start + a, span.start + b) for a, b in merged(marks, span.text))
    return Sentence(span, text, logit - NUMBER_COST * bool(unknown), shown)


def merged(places: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Places that touch, or that only spaces part, as one; each grown to whole words."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        while start > 0 and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
        if found and not text[found[-1][1] : start].strip():
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


@cache
def shipped() -> Local:
    """The judge that comes with the kit, loaded once a process."""
    return Local()
