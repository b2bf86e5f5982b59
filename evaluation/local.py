"""The local judge: a small cross-encoder on ONNX Runtime reads one sentence of an answer beside its evidence.

It gives each sentence a logit for "grounded", and marks the words that nothing supports. An answer is as good as its worst
sentence. Two things help it, because its network is small and was trained on changed sentences. A look-up by rule: numbers and
names that the passages and the question lack are marked, and cost. A sentence encoder, which knows what it means to say the
same in other words: likeness to the nearest sentence of the evidence counts for the claim. What the three weigh was set on one
half of the labelled claims. The weights are made by `python -m optimization support` (see MODEL_CARD.md).
"""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from common import console, files, models
from common.encoder import Encoder
from common.errors import NotReady
from evaluation import capitals, numerals
from evaluation.agreement import Floats
from evaluation.claims import Span, evidence, parts, sentences, split, words
from evaluation.labelled import Claim

WEIGHTS = Path(__file__).with_name("weights")
BUDGET = 100  # words of evidence: with a sentence of 40 words they fit the 192 tokens that the network reads
MARK = 0.5  # P(unsupported) from which a word is marked
# Logits: what a number without a source takes off, and a name without one; what a cosine of 1 adds.
NUMBER_COST, NAME_COST, LIKENESS = 3.0, 2.5, 4.0
KNOWN = 4096  # sentences whose vectors are kept: claims about one passage share them
MANY = 50  # claims from which progress is shown
SURE = 8.0  # logit of an answer that says nothing that could be wrong


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer: what it was read beside, its logit of "grounded" with all that helps, and its unsupported words."""

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

    def __init__(self, folder: Path = WEIGHTS, threads: int = 2):
        import onnxruntime
        from tokenizers import Tokenizer

        mend = "python -m optimization support --data pairs.parquet --out FOLDER"
        if not (folder / "model.onnx").exists():
            raise NotReady(f"no judge in {folder}", mend)
        self.name = "local" if folder == WEIGHTS else folder.resolve().name
        self.version = version(folder / "model.onnx")
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
        # Of a sentence and its evidence the longer one is cut; three tokens stand around them.
        self._room = (longest - 3) // 2
        encoder = Encoder(models.path("minilm"), threads)
        self._vector = lru_cache(KNOWN)(lambda text: encoder([text])[0])

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
        """One that is too long to be read beside evidence is read in parts, and is as good as its worst."""
        held = "\n".join([*claim.passages, claim.question])
        unknown = numerals.strange(span.text, held), capitals.strange(span.text, held)
        marks = [place for places in unknown for place in places]
        read = []
        for start, end in parts(span.text, self._fits):
            logit, text, places = self._part(span.text[start:end], claim)
            marks += [(start + a, start + b) for a, b in places]
            read.append((logit, text))
        logit, text = min(read)
        shown = tuple(Span(span.text[a:b], span.start + a, span.start + b) for a, b in merged(marks, span.text))
        costs = NUMBER_COST * bool(unknown[0]) + NAME_COST * bool(unknown[1])
        return Sentence(span, text, logit - costs, shown)

    def _fits(self, text: str) -> bool:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids) <= self._room

    def _part(self, said: str, claim: Claim) -> tuple[float, str, list[tuple[int, int]]]:
        """(logit with the likeness, evidence, places of the words that the network finds unsupported)."""
        text = nearest(said, claim)
        encoded = self._tokenizer.encode(said, text + asked(claim))
        feed = {"ids": encoded.ids, "mask": encoded.attention_mask, "types": encoded.type_ids}
        (logit,), (unsupported,) = self._session.run(None, {k: np.array([v], np.int64) for k, v in feed.items()})
        logit = float(logit) + LIKENESS * self._likeness(said, claim, text)
        return logit, text, doubted(encoded, 1 / (1 + np.exp(-unsupported)))

    def _likeness(self, sentence: str, claim: Claim, text: str) -> float:
        """Cosine of what is said (an answer with its question: "in 1969" says nothing alone) and the sentence of the evidence that
        shares most words with it. The best of all sentences does as well, and takes twice as long."""
        said = f"{claim.question} {sentence}".strip()
        wanted = set(words(said))
        near = max(split(text), key=lambda part: len(part[1] & wanted), default=None)
        return float(self._vector(near[0]) @ self._vector(said)) if near else 0.0


def version(model: Path) -> str:
    """What names a judge: its weights, how they are read, and what counts beside them. A card of another one does not fit.

    The code of the rules and the sentence encoder, which the model store pins, are not part of it: whoever changes one of them
    calibrates again.
    """
    read_by = [model.with_name(name) for name in ("tokenizer.json", "model.json")]
    content = [files.sha256(file) for file in (model, *read_by) if file.exists()]
    rules = (BUDGET, NUMBER_COST, NAME_COST, LIKENESS)
    return hashlib.sha256(f"{content} {rules}".encode()).hexdigest()[:12]


def nearest(sentence: str, claim: Claim) -> str:
    """The evidence for a sentence, so much of it that the question still fits."""
    left = max(20, BUDGET - len(asked(claim).split()))
    return evidence(f"{sentence} {claim.question}", claim.passages, left)


def asked(claim: Claim) -> str:
    """What is read behind the evidence: the question that the claim answers."""
    return f"\nQuestion: {claim.question}" if claim.question else ""


def doubted(encoded: Any, unsupported: Floats) -> list[tuple[int, int]]:
    """Places of the sentence's words that the network finds unsupported. unsupported: P of each token."""
    words = zip(encoded.type_ids, encoded.special_tokens_mask, encoded.offsets, unsupported, strict=False)
    return [place for evidence, special, place, p in words if not evidence and not special and p >= MARK]


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
