"""How far the words of a question can be trusted: how much of it one chunk holds.

Scores of BM25 are divided by the best one's, so the best always scores 1, also when it shares
one common word with the question. The best chunk of such a question says nothing about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from answerable.domain.documents import Chunk, Text
from answerable.library.ports import Analyser
from answerable.library.visible import shown

_SCORED = 1.2
"""What a term that a chunk holds adds to its BM25, by its weight; about the middle."""


def terms_of(analyser: Analyser, text: Text, chunk: Chunk) -> list[str]:
    """Return the terms of a chunk, its title and its headings."""
    body = shown(text, chunk.start, chunk.end)
    return analyser.terms("\n".join((text.title, *chunk.heading, body)))


def weights(
    terms: Iterable[str], frequencies: Mapping[str, int], chunks: int
) -> Mapping[str, float]:
    """Return the inverse chunk frequency of each term; one that no chunk holds weighs most.

    Source: the weight of BM25; Robertson, Zaragoza, "The Probabilistic Relevance Framework",
    2009.
    """
    return {term: _rarity(frequencies.get(term, 0) or 1, chunks) for term in terms}


def _rarity(frequency: int, chunks: int) -> float:
    return math.log(1 + (max(chunks - frequency, 0) + 0.5) / (frequency + 0.5))


def shares(
    held: NDArray[np.float64], bm25: NDArray[np.float64], mass: float
) -> NDArray[np.float64]:
    """Return what share of a question's weight each chunk holds, in [0, 1].

    Where it is not known, because a chunk has no vector yet, it is guessed from BM25: a term
    that stands once in a chunk of the usual length scores its weight, and twice 1.4 of it.

    Args:
        held: Weight held by each; NaN where it is not known.
        bm25: Of each; 0 for one that was not found by its words.
        mass: Weight of all of the question.
    """
    return np.minimum(1.0, np.where(np.isnan(held), bm25 / _SCORED, held) / (mass or 1.0))
