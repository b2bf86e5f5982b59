"""Find the passages that answer a question: BM25 and MiniLM cosine, joined by reciprocal rank fusion.

The index is kept in memory: a pack's few hundred passages embed in seconds and are cached by their content.
Fusion: Cormack, Clarke and Buettcher (2009), k = 60.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.encoder import Encoder
from domains.forms import Passage

FUSION_K = 60


class Index:
    """Passages, searchable. `cache`: folder for the embeddings, named by the passages' content."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder, cache: Path | None = None):
        import bm25s

        self.passages, self.encoder = list(passages), encoder
        texts = [f"{p.title}\n{p.text}" for p in self.passages]
        self._vectors = self._embed(texts, cache)
        self._bm25 = bm25s.BM25()
        self._bm25.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)

    def _embed(self, texts: list[str], cache: Path | None) -> NDArray[np.float32]:
        if cache is None:
            return self.encoder(texts)
        file = cache / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]}.npy"
        if not file.exists():
            temporary = file.with_suffix(".tmp.npy")
            np.save(temporary, self.encoder(texts))
            temporary.replace(file)
        return np.asarray(np.load(file, allow_pickle=False))

    def scores(self, question: str) -> dict[str, NDArray[np.float64]]:
        """Score of every passage, shape (n,), by name: lexical, dense and fused."""
        import bm25s

        tokens = bm25s.tokenize([question], stopwords="en", show_progress=False, return_ids=False)[0]
        lexical = np.asarray(self._bm25.get_scores(tokens) if tokens else np.zeros(len(self.passages)), float)
        dense = np.asarray(self._vectors @ self.encoder([question])[0], float)
        return {"lexical": lexical, "dense": dense, "fused": fuse(lexical, dense)}

    def search(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """The k best passages with their fused scores, best first."""
        fused = self.scores(question)["fused"]
        return [(self.passages[i], float(fused[i])) for i in np.argsort(-fused, kind="stable")[:k]]


def fuse(*rankings: NDArray[np.floating]) -> NDArray[np.float64]:
    """Reciprocal rank fusion of score arrays of one shape (n) -> (n). Equal scores share the better rank."""
    total = np.zeros(len(rankings[0]))
    for scores in rankings:
        ranks = 1 + (scores[None, :] > scores[:, None] + 1e-9).sum(1)
        total += 1.0 / (FUSION_K + ranks)
    return total
