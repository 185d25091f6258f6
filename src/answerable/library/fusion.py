"""One order from two kinds of evidence: the words two texts share, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.domain.releases import Retrieval
from answerable.library.ports import Hit

_PAGE_CHUNKS = 3
_MISSING = 0.85

Numbers = NDArray[np.float64]
"""One for each candidate."""


class Found(NamedTuple):
    """What the words of a question found, with BM25: chunks and whole pages."""

    chunks: Sequence[Hit]
    pages: Sequence[Hit]


class Words(NamedTuple):
    """What the words say for each candidate.

    Attributes:
        bm25: Of the chunk, as the index gave it; 0 when it was not found by its words.
        chunk, page: BM25 of the chunk and of its page, each by the best one's.
        score: Of both, in [0, 1].
    """

    bm25: Numbers
    chunk: Numbers
    page: Numbers
    score: Numbers


class Meaning(NamedTuple):
    """What the vector of a question says for each candidate.

    Attributes:
        chunk, sentence: Cosines of the chunk and of its nearest sentence; NaN without a vector.
        held: The share of what the question names that it holds, in [0, 1].
    """

    chunk: Numbers
    sentence: Numbers
    held: Numbers


class Ranked(NamedTuple):
    """The candidates with their fused scores and what those are made of.

    Attributes:
        order: Places of the candidates, best first.
        score: What they are ordered by.
        trust: How far their words count; 1 without meaning.
        vectors: What their nearness and that of their pages count; 0 without meaning.
        meaning: None when they were ranked by words alone.
    """

    candidates: Sequence[Hit]
    order: Sequence[int]
    score: Numbers
    words: Words
    trust: Numbers
    vectors: Numbers
    meaning: Meaning | None


def read_words(candidates: Sequence[Hit], found: Found, page_weight: float) -> Words:
    """Return what the words say for the candidates; what was not found scores 0.

    Args:
        candidates: Every chunk once.
        found: By words.
        page_weight: Of the page beside the chunk.
    """
    bm25_of = {(hit.document_id, hit.ordinal): hit.score for hit in found.chunks}
    page_of = {hit.document_id: hit.score for hit in found.pages}
    bm25 = np.array([bm25_of.get((hit.document_id, hit.ordinal), 0.0) for hit in candidates])
    page = np.array([page_of.get(hit.document_id, 0.0) for hit in candidates])
    chunk = bm25 / (max(bm25_of.values(), default=0.0) or 1.0)
    page /= max(page_of.values(), default=0.0) or 1.0
    return Words(bm25, chunk, page, (chunk + page_weight * page) / (1.0 + page_weight))


def fuse(
    candidates: Sequence[Hit], words: Words, meaning: Meaning | None, retrieval: Retrieval
) -> Ranked:
    """Return the candidates by their fused score, best first; ties by document id, ordinal.

    ``score = a * trust * words + (1 - a) * vectors`` with the lexical weight ``a``.

    - Words are BM25 of the chunk and the weighted BM25 of its page, each by the best one's; a
      page or chunk that was not found scores 0.
    - Trust is the mean of what this chunk and what the best chunk hold of the question: where
      no chunk holds much of it, the best by words is still far off.
    - Vectors are the cosines of chunk and best sentence, and with a weight of their own the
      mean of the three nearest candidates of its page. A chunk without a vector counts as if
      it were as near as the candidates are on average: neither helped nor held back.

    Source: a convex combination; Bruch, Gai, Ingber, "An analysis of fusion functions for
    hybrid retrieval", 2023. Trust, the page's meaning, and cosines as they are, are our own
    (`docs/decisions/0009`).

    Args:
        candidates: Every chunk once.
        words: What their words say.
        meaning: What the vector of the question says; None to rank by words alone.
        retrieval: The weights.
    """
    score, trust, vectors = words.score, np.ones(len(candidates)), np.zeros(len(candidates))
    if meaning is not None and candidates:
        near = _cosines(meaning, retrieval.sentence_weight)
        page = _pages([hit.document_id for hit in candidates], near)
        # What points away from the question is no farther from it than what has nothing to do
        # with it, and a score is never negative.
        vectors = np.maximum(
            0.0, (near + retrieval.page_vectors * page) / (1.0 + retrieval.page_vectors)
        )
        trust = (meaning.held + meaning.held.max()) / 2
        share = retrieval.lexical_weight
        score = share * trust * words.score + (1.0 - share) * vectors
    ties = [(hit.document_id, hit.ordinal) for hit in candidates]
    best_first = sorted(zip((-score).tolist(), ties, range(len(ties)), strict=True))
    order = [place for _, _, place in best_first]
    return Ranked(candidates, order, score, words, trust, vectors, meaning)


def _cosines(meaning: Meaning, sentence_weight: float) -> Numbers:
    """Return the cosine of each candidate; of one without a vector, the mean of the others."""
    near = (1 - sentence_weight) * meaning.chunk + sentence_weight * meaning.sentence
    known = near[~np.isnan(near)]
    return np.where(np.isnan(near), known.mean() if len(known) else 0.0, near)


def _pages(documents: Sequence[str], near: Numbers) -> Numbers:
    """Return how near the page of each candidate is: the mean of its three nearest candidates.

    Where there are fewer, each missing one counts as 0.85 of the one before: a page of one
    chunk can be near, but one with three near chunks is about it.
    """
    known: dict[str, int] = {}
    pages = np.array([known.setdefault(one, len(known)) for one in documents])
    order = np.lexsort((-near, pages))
    firsts = np.searchsorted(pages[order], np.arange(len(known)))
    places = np.arange(len(order)) - firsts[pages[order]]
    best = np.full((len(known), _PAGE_CHUNKS), np.nan)
    first = places < _PAGE_CHUNKS
    best[pages[order][first], places[first]] = near[order][first]
    for column in range(1, _PAGE_CHUNKS):
        missing = np.isnan(best[:, column])
        best[missing, column] = _MISSING * best[missing, column - 1]
    of_pages: Numbers = best.mean(axis=1)[pages]
    return of_pages
