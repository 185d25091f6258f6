"""Fusing chunk and page scores, and what of them becomes a passage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from answerable.library.ports import Hit
from answerable.library.search import cap, fuse, read_query


def hit(document: str, ordinal: int, score: float) -> Hit:
    return Hit(document_id=document, content_id=f"c{document}", ordinal=ordinal, score=score)


HITS = st.lists(
    st.builds(hit, st.sampled_from("abc"), st.integers(0, 5), st.floats(0, 30, allow_nan=False)),
    max_size=20,
    unique_by=lambda one: (one.document_id, one.ordinal),
)


class Words:
    """Splits at white space."""

    digest = "words"

    def terms(self, text: str) -> list[str]:
        return text.lower().split()


def test_a_page_lifts_its_chunks() -> None:
    """Of two equal chunks the one of the better page comes first."""
    chunks = [hit("a", 0, 2.0), hit("b", 0, 2.0)]
    ranked = fuse(chunks, [hit("b", -1, 9.0)], page_weight=1.0)
    assert [one.hit.document_id for one in ranked] == ["b", "a"]
    assert ranked[0].score == 2.0


@given(HITS, HITS, st.floats(0, 2))
def test_fusing_loses_nothing_and_sorts(
    chunks: list[Hit], pages: list[Hit], page_weight: float
) -> None:
    """Every chunk is there once, best first, with a score in [0, 1 + page weight]."""
    ranked = fuse(chunks, pages, page_weight=page_weight)
    assert sorted(map(repr, (one.hit for one in ranked))) == sorted(map(repr, chunks))
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + page_weight + 1e-9 for score in scores)


@given(HITS, st.integers(1, 3), st.integers(0, 10))
def test_no_document_fills_the_passages(chunks: list[Hit], most: int, limit: int) -> None:
    """At most so many of one document, and nothing that fits is left out."""
    ranked = fuse(chunks, [], page_weight=0)
    kept = cap(ranked, per_document=most, limit=limit)
    by_document = [one.hit.document_id for one in kept]
    assert all(by_document.count(one) <= most for one in by_document)
    possible = sum(min(most, [h.document_id for h in chunks].count(one)) for one in "abc")
    assert len(kept) == min(limit, possible)


def test_function_words_are_not_searched_in_pages() -> None:
    """A page is found by what a question names, a chunk by all its words."""
    query = read_query("How do I drain a node?", Words())
    assert query.names == ("drain", "node?")
    assert query.words == ("how", "do", "i", "drain", "a", "node?")


def test_a_question_of_function_words_only_still_searches() -> None:
    """Where nothing is named, pages are searched for all words."""
    assert read_query("who are you", Words()).names == ("who", "are", "you")
