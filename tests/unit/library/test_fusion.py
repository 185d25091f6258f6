"""Two kinds of evidence become one order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.releases import Retrieval
from answerable.library.fusion import Found, Meaning, fuse, key
from answerable.library.ports import Hit, Nearness

RETRIEVAL = Retrieval(lexical_weight=0.4, sentence_weight=0.5, page_vectors=0.0, page_weight=1.0)


def hit(document: str, ordinal: int, score: float) -> Hit:
    return Hit(document_id=document, content_id=f"c{document}", ordinal=ordinal, score=score)


HITS = st.lists(
    st.builds(hit, st.sampled_from("abc"), st.integers(0, 5), st.floats(0, 30, allow_nan=False)),
    max_size=20,
    unique_by=lambda one: (one.document_id, one.ordinal),
)
NEAR = st.builds(
    Nearness, chunk=st.floats(-1, 1, allow_nan=False), sentence=st.floats(-1, 1, allow_nan=False)
)


def near(*cosines: float) -> dict[tuple[str, int], Nearness | None]:
    """Give documents a, b, c... chunks as near as these."""
    return {
        (name, 0): Nearness(chunk=cosine, sentence=cosine)
        for name, cosine in zip("abcdef", cosines, strict=False)
    }


def _all(share: float) -> dict[tuple[str, int], float]:
    """Give documents a, b, c... chunks that hold this share of the question."""
    return {(name, 0): share for name in "abcdef"}


def test_a_page_lifts_its_chunks() -> None:
    """Of two equal chunks the one of the better page comes first."""
    chunks = [hit("a", 0, 2.0), hit("b", 0, 2.0)]
    ranked = fuse(chunks, Found(chunks, [hit("b", -1, 9.0)]), None, RETRIEVAL)
    assert [one.hit.document_id for one in ranked] == ["b", "a"]
    assert [one.score for one in ranked] == [1.0, 0.5]


@given(HITS, HITS, st.floats(0, 2), st.one_of(st.none(), st.floats(0, 1)), st.data())
def test_fusing_loses_nothing_and_sorts(
    chunks: list[Hit],
    pages: list[Hit],
    page_weight: float,
    trust: float | None,
    data: st.DataObject,
) -> None:
    """Every chunk is there once, best first; its words count from 0 to 1."""
    meaning = None
    if trust is not None:
        nearness = {key(one): data.draw(st.one_of(st.none(), NEAR)) for one in chunks}
        meaning = Meaning(near=nearness, held=dict.fromkeys(nearness, trust))
    ranked = fuse(chunks, Found(chunks, pages), meaning, Retrieval(page_weight=page_weight))
    assert sorted(map(repr, (one.hit for one in ranked))) == sorted(map(repr, chunks))
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= one.words.score <= 1 + 1e-9 for one in ranked)
    assert all(math.isfinite(score) for score in scores)


def test_meaning_decides_where_words_cannot_be_trusted() -> None:
    """The same words count less the less of the question one chunk holds."""
    chunks = [hit("a", 0, 9.0), hit("b", 0, 1.0)]
    order = [
        [one.hit.document_id for one in fuse(chunks, Found(chunks, []), meaning, RETRIEVAL)]
        for meaning in (Meaning(near(0.3, 0.5), _all(trust)) for trust in (1.0, 0.2))
    ]
    assert order == [["a", "b"], ["b", "a"]]


def test_the_score_is_what_it_says() -> None:
    """Trust, weights and both cosines are in it as documented."""
    chunks = [hit("a", 0, 4.0)]
    meaning = Meaning({("a", 0): Nearness(chunk=0.2, sentence=0.6)}, _all(0.5))
    [one] = fuse(chunks, Found(chunks, [hit("a", -1, 3.0)]), meaning, RETRIEVAL)
    assert one.vectors == pytest.approx(0.4)
    assert one.score == pytest.approx(0.4 * 0.5 * 1.0 + 0.6 * 0.4)


def test_a_missing_vector_neither_helps_nor_holds_back() -> None:
    """Such a chunk counts as near as the others are on average, so its words decide."""
    chunks = [hit("a", 0, 5.0), hit("b", 0, 5.0), hit("c", 0, 5.0)]
    meaning = Meaning({**near(0.2, 0.6), ("c", 0): None}, _all(1.0))
    ranked = fuse(chunks, Found(chunks, []), meaning, RETRIEVAL)
    assert [one.hit.document_id for one in ranked] == ["b", "c", "a"]


def test_a_chunk_found_by_meaning_alone_scores_by_it() -> None:
    """Its words are 0, and it can still be first."""
    chunks = [hit("a", 0, 1.0)]
    meaning = Meaning(near(0.1, 0.9), _all(0.1))
    ranked = fuse([hit("b", 0, 0.9), *chunks], Found(chunks, []), meaning, RETRIEVAL)
    assert ranked[0].hit.document_id == "b"
    assert ranked[0].words.score == 0


def test_words_of_a_chunk_that_holds_little_count_less() -> None:
    """Trust is the mean of what this chunk and what the best one hold."""
    chunks = [hit("a", 0, 4.0), hit("b", 0, 4.0)]
    meaning = Meaning(near(0.5, 0.5), {("a", 0): 0.2, ("b", 0): 0.8})
    ranked = fuse(chunks, Found(chunks, []), meaning, RETRIEVAL)
    assert [one.hit.document_id for one in ranked] == ["b", "a"]
    assert [one.trust for one in ranked] == [pytest.approx(0.8), pytest.approx(0.5)]


def test_a_page_with_several_near_chunks_is_about_it() -> None:
    """Three near chunks of a page lift each other above a lone one as near."""
    chunks = [hit("a", 0, 1.0), *(hit("b", ordinal, 1.0) for ordinal in range(3))]
    cosines = {key(one): Nearness(chunk=0.5, sentence=0.5) for one in chunks}
    meaning = Meaning(cosines, {key(one): 0.0 for one in chunks})
    retrieval = Retrieval(page_vectors=1.0)
    ranked = fuse(chunks, Found([], []), meaning, retrieval)
    assert [one.hit.document_id for one in ranked] == ["b", "b", "b", "a"]
    assert ranked[0].vectors == pytest.approx(0.5)
    assert ranked[-1].vectors == pytest.approx((0.5 + 0.5 * (1 + 0.85 + 0.85**2) / 3) / 2)
