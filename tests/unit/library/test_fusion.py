"""Two kinds of evidence become one order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.releases import Retrieval
from answerable.library.fusion import Found, Meaning, Ranked, fuse, read_words
from answerable.library.ports import Hit

RETRIEVAL = Retrieval(lexical_weight=0.4, sentence_weight=0.5, page_vectors=0.0, page_weight=1.0)


def hit(document: str, ordinal: int, score: float) -> Hit:
    return Hit(document_id=document, content_id=f"c{document}", ordinal=ordinal, score=score)


HITS = st.lists(
    st.builds(hit, st.sampled_from("abc"), st.integers(0, 5), st.floats(0, 30, allow_nan=False)),
    max_size=20,
    unique_by=lambda one: (one.document_id, one.ordinal),
)
COSINES = st.one_of(st.just(math.nan), st.floats(-1, 1, allow_nan=False))


def ranked(
    chunks: Sequence[Hit],
    pages: Sequence[Hit] = (),
    *,
    near: Sequence[float] | None = None,
    held: Sequence[float] | float = 1.0,
    found: Sequence[Hit] | None = None,
    retrieval: Retrieval = RETRIEVAL,
) -> Ranked:
    """Fuse chunks that are as near, each with its best sentence, and hold so much."""
    by_words = Found(chunks if found is None else found, pages)
    words = read_words(chunks, by_words, retrieval.page_weight)
    meaning = None
    if near is not None:
        cosines, shares = np.array(near), np.full(len(chunks), held)
        meaning = Meaning(cosines, cosines, shares)
    return fuse(chunks, words, meaning, retrieval)


def names(found: Ranked) -> list[str]:
    """Return the documents, best first."""
    return [found.candidates[place].document_id for place in found.order]


def test_a_page_lifts_its_chunks() -> None:
    """Of two equal chunks the one of the better page comes first."""
    found = ranked([hit("a", 0, 2.0), hit("b", 0, 2.0)], [hit("b", -1, 9.0)])
    assert names(found) == ["b", "a"]
    assert found.score[found.order].tolist() == [1.0, 0.5]


@given(HITS, HITS, st.floats(0, 2), st.one_of(st.none(), st.floats(0, 1)), st.data())
def test_fusing_loses_nothing_and_sorts(
    chunks: list[Hit],
    pages: list[Hit],
    page_weight: float,
    held: float | None,
    data: st.DataObject,
) -> None:
    """Every chunk is there once, best first; its words count from 0 to 1."""
    near = None if held is None else [data.draw(COSINES) for _ in chunks]
    retrieval = Retrieval(page_weight=page_weight)
    found = ranked(chunks, pages, near=near, held=held or 0.0, retrieval=retrieval)
    assert sorted(found.order) == list(range(len(chunks)))
    scores = found.score[list(found.order)].tolist()
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in found.words.score)
    assert all(math.isfinite(score) for score in scores)


def test_meaning_decides_where_words_cannot_be_trusted() -> None:
    """The same words count less the less of the question one chunk holds."""
    chunks = [hit("a", 0, 9.0), hit("b", 0, 1.0)]
    assert names(ranked(chunks, near=[0.3, 0.5], held=1.0)) == ["a", "b"]
    assert names(ranked(chunks, near=[0.3, 0.5], held=0.2)) == ["b", "a"]


def test_the_score_is_what_it_says() -> None:
    """Trust, weights and both cosines are in it as documented."""
    chunks = [hit("a", 0, 4.0)]
    words = read_words(chunks, Found(chunks, [hit("a", -1, 3.0)]), RETRIEVAL.page_weight)
    meaning = Meaning(np.array([0.2]), np.array([0.6]), np.array([0.5]))
    found = fuse(chunks, words, meaning, RETRIEVAL)
    assert found.vectors[0] == pytest.approx(0.4)
    assert found.score[0] == pytest.approx(0.4 * 0.5 * 1.0 + 0.6 * 0.4)


def test_a_missing_vector_neither_helps_nor_holds_back() -> None:
    """Such a chunk counts as near as the others are on average, so its words decide."""
    chunks = [hit("a", 0, 5.0), hit("b", 0, 5.0), hit("c", 0, 5.0)]
    assert names(ranked(chunks, near=[0.2, 0.6, math.nan])) == ["b", "c", "a"]


def test_a_chunk_found_by_meaning_alone_scores_by_it() -> None:
    """Its words are 0, and it can still be first."""
    chunks = [hit("b", 0, 0.9), hit("a", 0, 1.0)]
    found = ranked(chunks, near=[0.9, 0.1], held=0.1, found=chunks[1:])
    assert names(found) == ["b", "a"]
    assert found.words.score[0] == 0


def test_words_of_a_chunk_that_holds_little_count_less() -> None:
    """Trust is the mean of what this chunk and what the best one hold."""
    found = ranked([hit("a", 0, 4.0), hit("b", 0, 4.0)], near=[0.5, 0.5], held=[0.2, 0.8])
    assert names(found) == ["b", "a"]
    assert found.trust.tolist() == [pytest.approx(0.5), pytest.approx(0.8)]


def test_a_page_with_several_near_chunks_is_about_it() -> None:
    """Three near chunks of a page lift each other above a lone one as near."""
    chunks = [hit("a", 0, 1.0), *(hit("b", ordinal, 1.0) for ordinal in range(3))]
    retrieval = Retrieval(page_vectors=1.0)
    found = ranked(chunks, near=[0.5] * 4, held=0.0, found=(), retrieval=retrieval)
    assert names(found) == ["b", "b", "b", "a"]
    assert found.vectors[1] == pytest.approx(0.5)
    assert found.vectors[0] == pytest.approx((0.5 + 0.5 * (1 + 0.85 + 0.85**2) / 3) / 2)
