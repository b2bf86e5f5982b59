"""Find the passages that answer a question: words (BM25 on stems) and meaning (MiniLM cosine), half and half.

Each half is divided by its best score for the question and the two are added: unlike fusion by rank, that keeps how sure a
half is. A superseded document is demoted unless the question asks for the past: a withdrawn rule is often the best match
and always the wrong answer. `make bench-domains` measures every half and both together on every pack.

The index is kept in memory: a pack's few hundred passages embed in seconds and are cached by their content.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.encoder import Encoder
from domains.forms import Passage

FUSION_K = 60  # Cormack, Clarke and Buettcher (2009)
DEMOTION = 0.1  # of the two halves' largest sum, 1: enough to let a document in force pass at equal similarity
PAST = re.compile(r"supersed|withdrawn|former|old version|previous version|\b(19|20)\d\d\b", re.IGNORECASE)

Scores = NDArray[np.float64]


class Index:
    """Passages, searchable. `cache`: folder for the embeddings, named by the passages' content."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder, cache: Path | None = None):
        import bm25s
        import Stemmer

        self.passages, self.encoder = list(passages), encoder
        self._stemmer = Stemmer.Stemmer("english")
        self._old = np.array([p.superseded for p in self.passages])
        texts = [f"{p.title}\n{p.text}" for p in self.passages]
        self._vectors = self._embed(texts, cache)
        self._bm25 = bm25s.BM25()
        tokens = bm25s.tokenize(texts, stopwords="en", stemmer=self._stemmer, show_progress=False)
        self._bm25.index(tokens, show_progress=False)

    def _embed(self, texts: list[str], cache: Path | None) -> NDArray[np.float32]:
        if cache is None:
            return self.encoder(texts)
        file = cache / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]}.npy"
        if not file.exists():
            temporary = file.with_suffix(".tmp.npy")
            np.save(temporary, self.encoder(texts))
            temporary.replace(file)
        return np.asarray(np.load(file, allow_pickle=False))

    def scores(self, question: str) -> dict[str, Scores]:
        """Score of every passage, shape (n), by name: lexical, dense, and hybrid, which is what `search` ranks by."""
        import bm25s

        tokens = bm25s.tokenize(
            [question], stopwords="en", stemmer=self._stemmer, show_progress=False, return_ids=False
        )[0]
        lexical = np.asarray(self._bm25.get_scores(tokens) if tokens else np.zeros(len(self.passages)), float)
        dense = np.asarray(self._vectors @ self.encoder([question])[0], float)
        hybrid = blend(lexical, dense)
        if not PAST.search(question):
            hybrid -= DEMOTION * self._old
        return {"lexical": lexical, "dense": dense, "hybrid": hybrid}

    def search(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """The k best passages with their hybrid scores, best first."""
        hybrid = self.scores(question)["hybrid"]
        return [(self.passages[i], float(hybrid[i])) for i in np.argsort(-hybrid, kind="stable")[:k]]


def blend(*halves: NDArray[np.floating]) -> Scores:
    """Mean of score arrays of one shape (n), each divided by its largest value; a half that found nothing counts as 0."""
    return np.mean([h / h.max() if h.max() > 0 else np.zeros(len(h)) for h in halves], axis=0)


def fuse(*rankings: NDArray[np.floating]) -> Scores:
    """Reciprocal rank fusion of score arrays of one shape (n) -> (n), the rival of `blend` in the benchmark. Equal scores
    share the better rank."""
    total = np.zeros(len(rankings[0]))
    for scores in rankings:
        ranks = 1 + (scores[None, :] > scores[:, None] + 1e-9).sum(1)
        total += 1.0 / (FUSION_K + ranks)
    return total
