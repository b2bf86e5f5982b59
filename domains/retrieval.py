"""Find the passages that answer a question: by words (BM25 on stems) and by meaning (MiniLM cosine) together.

Words count by coverage: the passage's BM25 score over the sum of the question's term weights, terms that no passage holds
included. So a question in other words than the documents' leans on meaning, and one in their own words on words. Meaning
is the mean of two cosines, to the passage as a whole and to its nearest sentence: a table row or a number drowns in the
whole. A superseded document is demoted unless the question asks for the past: a withdrawn rule is often the best match
and always the wrong answer.

The weights were chosen on the finance pack; `make bench-domains` measures every part and all together on every pack, in
the words of the author and in those of somebody who has not read the documents.

The index is kept in memory: a pack's few hundred passages embed in seconds and are cached by their content.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.encoder import Encoder
from domains.forms import Passage
from domains.passages import sentences

WORDS, MEANING = 0.4, 0.6  # flat around here: from 0.3 : 0.7 to 0.5 : 0.5 the ranks on finance hardly change
DEMOTION = 0.15  # of a score between 0 and 1: lets a document in force pass one that is a little more similar
FUSION_K = 60  # Cormack, Clarke and Buettcher (2009)
PAST = re.compile(
    r"\b(superseded|withdrawn (rule|version|policy|page)|former(ly)?|(old|previous|earlier) version)\b"
    r"|\b(in|of|before|until|since) (\w+ )?(19|20)\d\d\b",
    re.IGNORECASE,
)

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
        parts = [[f"{p.title}: {s}" for s in sentences(p.text)] or [p.title] for p in self.passages]
        self._starts = np.cumsum([0, *(len(p) for p in parts[:-1])])
        vectors = self._embed([*texts, *(s for p in parts for s in p)], cache)
        self._whole, self._sentences = vectors[: len(texts)], vectors[len(texts) :]
        stems = [self._stems(t) for t in texts]
        self._holders = Counter(stem for found in stems for stem in set(found))
        self._bm25 = bm25s.BM25()
        self._bm25.index(stems, show_progress=False)

    def _stems(self, text: str) -> list[str]:
        import bm25s

        (found,) = bm25s.tokenize([text], stopwords="en", stemmer=self._stemmer, show_progress=False, return_ids=False)
        return list(found)

    def _embed(self, texts: list[str], cache: Path | None) -> NDArray[np.float32]:
        if cache is None:
            return self.encoder(texts)
        file = cache / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:16]}.npy"
        if not file.exists():
            temporary = file.with_suffix(".tmp.npy")
            np.save(temporary, self.encoder(texts))
            temporary.replace(file)
        return np.asarray(np.load(file, allow_pickle=False))

    def coverage(self, question: str) -> Scores:
        """Share of the question's term weight that each passage matches, shape (n), 0 to 1; 0 for stop words alone."""
        stems = self._stems(question)
        if not stems:
            return np.zeros(len(self.passages))
        n = len(self.passages)
        weight = sum(np.log(1 + (n - self._holders[s] + 0.5) / (self._holders[s] + 0.5)) for s in stems)
        return np.asarray(self._bm25.get_scores(stems), float) / weight

    def meaning(self, question: str) -> Scores:
        """Mean of the cosine to each passage and to its nearest sentence, shape (n), -1 to 1."""
        asked = self.encoder([question])[0]
        nearest = np.maximum.reduceat(self._sentences @ asked, self._starts)
        return np.asarray((self._whole @ asked + nearest) / 2, float)

    def scores(self, question: str) -> dict[str, Scores]:
        """Score of every passage, shape (n), by name: lexical, dense, and hybrid, which is what `search` ranks by. The
        demotion is in all three, so that they can be compared."""
        lexical, dense = self.coverage(question), self.meaning(question)
        demoted = 0.0 * self._old if PAST.search(question) else DEMOTION * self._old
        hybrid = WORDS * lexical + MEANING * dense
        return {"lexical": lexical - demoted, "dense": dense - demoted, "hybrid": hybrid - demoted}

    def search(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """The k best passages with their hybrid scores, best first."""
        hybrid = self.scores(question)["hybrid"]
        return [(self.passages[i], float(hybrid[i])) for i in np.argsort(-hybrid, kind="stable")[:k]]


def fuse(*rankings: NDArray[np.floating]) -> Scores:
    """Reciprocal rank fusion of score arrays of one shape (n) -> (n), the rival in the benchmark. Equal scores share the
    better rank."""
    total = np.zeros(len(rankings[0]))
    for scores in rankings:
        ranks = 1 + (scores[None, :] > scores[:, None] + 1e-9).sum(1)
        total += 1.0 / (FUSION_K + ranks)
    return total
