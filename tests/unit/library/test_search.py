"""Fusing chunk and page scores, and what of them becomes a passage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.access.scopes import owner_scope
from answerable.adapters.state.memory import MemoryState
from answerable.domain.documents import Chunk, Content, Document, Member, Revision, Text
from answerable.domain.questions import Scope
from answerable.domain.releases import Retrieval
from answerable.library.ports import Hit
from answerable.library.search import Shelf, cap, fuse, read_query, search


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


class Crowded:
    """A searcher in whose best chunks the best page does not appear."""

    chunks = 1_000

    def find(self, terms: Sequence[str], scope: Scope, **how: Any) -> tuple[Hit, ...]:
        del terms, scope
        if how["unit"] == "page":
            return (hit("right", -1, 9.0), *(hit(f"page{n}", -1, 1.0) for n in range(9)))
        if how.get("within") is None:
            return tuple(hit(f"crowd{n}", 0, 5.0) for n in range(how["limit"]))
        return tuple(hit(one, 0, 4.0) for one in sorted(how["within"]))

    def frequencies(self, terms: Collection[str]) -> Mapping[str, int]:
        return dict.fromkeys(terms, 1)


@pytest.mark.parametrize(("opened", "first"), [(3, "right"), (0, "crowd0")])
def test_the_steps_of_the_best_page_are_found_in_a_crowd(opened: int, first: str) -> None:
    """The chunks of the best pages are candidates, however many chunks are phrased better."""
    state = MemoryState()
    names = ["right", *(f"{kind}{n}" for kind in ("page", "crowd") for n in range(100))]
    members = [_stored(state, name) for name in names]
    revision = Revision(
        number=1,
        line="l",
        base=None,
        manifest="",
        sealed_at_ms=0,
        documents=0,
        chunks=0,
        because="",
    )
    state.seal(revision, added=members, gone=())
    shelf = Shelf(revision=revision, searcher=Crowded(), hidden=frozenset(), state=state)
    retrieval = replace(Retrieval(), pages_opened=opened)
    query = read_query("drain", Words())
    found = search(shelf, query, owner_scope(), retrieval, limit=3)
    assert found.passages[0].document_id == first


def _stored(state: MemoryState, name: str) -> Member:
    text = Text(text="x", title="", blocks=())
    chunk = Chunk(ordinal=0, start=0, end=1, heading=())
    content = Content(
        id=f"c{name}", bytes_hash="", size=1, format="text", text=text, chunks=(chunk,)
    )
    state.keep([content])
    document = Document(id=name, source="folder:/d", path=name, labels=owner_scope().labels)
    return Member(
        document=document,
        content_id=content.id,
        bytes_hash="",
        title="",
        format="text",
        size=1,
        chunks=1,
    )


def test_a_copy_of_a_file_takes_no_place() -> None:
    """The same chunk of the same bytes, read from two places, is one passage."""
    copies = [replace(hit(name, 0, 2.0), content_id="same") for name in "ab"]
    ranked = fuse([*copies, hit("c", 0, 1.0)], [], page_weight=0)
    kept = cap(ranked, per_document=3, limit=2)
    assert [one.hit.document_id for one in kept] == ["a", "c"]


def test_function_words_are_not_searched_in_pages() -> None:
    """A page is found by what a question names, a chunk by all its words."""
    query = read_query("How do I drain a node?", Words())
    assert query.names == ("drain", "node?")
    assert query.words == ("how", "do", "i", "drain", "a", "node?")


def test_a_question_of_function_words_only_still_searches() -> None:
    """Where nothing is named, pages are searched for all words."""
    assert read_query("who are you", Words()).names == ("who", "are", "you")
