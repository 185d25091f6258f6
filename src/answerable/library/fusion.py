"""One order from two kinds of evidence: the words two texts share, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from answerable.domain.releases import Retrieval
from answerable.library.ports import Hit, Nearness

_PAGE_CHUNKS = 3
_MISSING = 0.85

Key = tuple[str, int]
"""A chunk: id of its document, and ordinal."""


class Found(NamedTuple):
    """What the words of a question found, with BM25: chunks and whole pages."""

    chunks: Sequence[Hit]
    pages: Sequence[Hit]


class Words(NamedTuple):
    """What the words say for a chunk.

    Attributes:
        score: Of both, in [0, 1].
        bm25: Of the chunk, as the index gave it; 0 when it was not found by its words.
        chunk, page: BM25 of the chunk and of its page, each by the best one's.
    """

    score: float
    bm25: float
    chunk: float
    page: float


class Meaning(NamedTuple):
    """What the vector of a question found.

    Attributes:
        near: How near each candidate is; None, or left out, for one without a vector.
        held: The share of what the question names that each candidate holds, in [0, 1].
    """

    near: Mapping[Key, Nearness | None]
    held: Mapping[Key, float]


class Scored(NamedTuple):
    """A chunk with its fused score and what that is made of.

    Attributes:
        trust: How far its words count.
        near: How near it is in meaning; None when it has no vector, or none were asked for.
        vectors: What its nearness and that of its page count.
    """

    hit: Hit
    score: float
    words: Words
    trust: float
    near: Nearness | None
    vectors: float


def key(hit: Hit) -> Key:
    """Return which chunk a hit is."""
    return hit.document_id, hit.ordinal


def fuse(
    candidates: Sequence[Hit],
    found: Found,
    meaning: Meaning | None,
    retrieval: Retrieval,
) -> list[Scored]:
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
        found: By words.
        meaning: How near the candidates are; None to rank by words alone.
        retrieval: The weights.
    """
    words = _words(candidates, found, retrieval.page_weight)
    if meaning is None:
        scored = [
            Scored(hit, word.score, word, 1.0, None, 0.0)
            for hit, word in zip(candidates, words, strict=True)
        ]
    else:
        scored = list(_fused(candidates, words, meaning, retrieval))
    scored.sort(key=lambda one: (-one.score, *key(one.hit)))
    return scored


def _fused(
    candidates: Sequence[Hit], words: Sequence[Words], meaning: Meaning, retrieval: Retrieval
) -> Iterator[Scored]:
    keys = [key(hit) for hit in candidates]
    near = [meaning.near.get(one) for one in keys]
    cosines = _cosines(near, retrieval.sentence_weight)
    pages = _pages(candidates, cosines)
    most = max(meaning.held.values(), default=0.0)
    share, whole = retrieval.lexical_weight, 1.0 + retrieval.page_vectors
    for at, hit in enumerate(candidates):
        trust = (meaning.held.get(keys[at], 0.0) + most) / 2
        vectors = (cosines[at] + retrieval.page_vectors * pages[hit.document_id]) / whole
        score = share * trust * words[at].score + (1.0 - share) * vectors
        yield Scored(hit, score, words[at], trust, near[at], vectors)


def _words(candidates: Sequence[Hit], found: Found, page_weight: float) -> list[Words]:
    bm25 = {key(hit): hit.score for hit in found.chunks}
    by_page = {hit.document_id: hit.score for hit in found.pages}
    best_chunk = max(bm25.values(), default=0.0) or 1.0
    best_page = max(by_page.values(), default=0.0) or 1.0
    words = []
    for hit in candidates:
        raw = bm25.get(key(hit), 0.0)
        chunk, page = raw / best_chunk, by_page.get(hit.document_id, 0.0) / best_page
        words.append(Words((chunk + page_weight * page) / (1.0 + page_weight), raw, chunk, page))
    return words


def _cosines(near: Sequence[Nearness | None], sentence_weight: float) -> list[float]:
    """Return the cosine of each candidate; of one without a vector, the mean of the others."""
    cosines = [
        None if one is None else (1 - sentence_weight) * one.chunk + sentence_weight * one.sentence
        for one in near
    ]
    known = [one for one in cosines if one is not None]
    mean = sum(known) / len(known) if known else 0.0
    return [mean if one is None else one for one in cosines]


def _pages(candidates: Sequence[Hit], cosines: Sequence[float]) -> Mapping[str, float]:
    """Return how near each page is: the mean of its three nearest candidates.

    Where there are fewer, each missing one counts as 0.85 of the one before: a page of one
    chunk can be near, but one with three near chunks is about it.
    """
    of_page: dict[str, list[float]] = {}
    for hit, cosine in zip(candidates, cosines, strict=True):
        of_page.setdefault(hit.document_id, []).append(cosine)
    pages = {}
    for document_id, its in of_page.items():
        best = sorted(its, reverse=True)[:_PAGE_CHUNKS]
        while len(best) < _PAGE_CHUNKS:
            best.append(_MISSING * best[-1])
        pages[document_id] = sum(best) / _PAGE_CHUNKS
    return pages
