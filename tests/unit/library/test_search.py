"""Fusing chunk and page scores, and what of them becomes a passage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.access.scopes import owner_scope
from answerable.adapters.embedders.memory import HashingEmbedder
from answerable.adapters.state.memory import MemoryState
from answerable.domain.documents import (
    Block,
    BlockKind,
    Chunk,
    Content,
    Document,
    Member,
    Revision,
    Text,
)
from answerable.domain.errors import EmbedderFailed, NotReady
from answerable.domain.questions import Scope
from answerable.domain.releases import Retrieval
from answerable.library.fusion import Found, Ranked, fuse, read_words
from answerable.library.passages import cap, passages
from answerable.library.ports import Hit, Purpose, Vectors
from answerable.library.search import Memory, Shelf, embedded, read_query, search
from answerable.library.trust import shares, weights
from answerable.library.vectors import space


def hit(document: str, ordinal: int, score: float) -> Hit:
    return Hit(document_id=document, content_id=f"c{document}", ordinal=ordinal, score=score)


HITS = st.lists(
    st.builds(hit, st.sampled_from("abc"), st.integers(0, 5), st.floats(0, 30, allow_nan=False)),
    max_size=20,
    unique_by=lambda one: (one.document_id, one.ordinal),
)


def by_words(chunks: Sequence[Hit]) -> Ranked:
    """Rank chunks by their words alone."""
    words = read_words(chunks, Found(chunks, []), 0.0)
    return fuse(chunks, words, None, Retrieval())


class Words:
    """Splits at white space."""

    digest = "words"

    def terms(self, text: str) -> list[str]:
        return text.lower().split()

    def wholes(self, text: str) -> list[str]:
        return [word for word in self.terms(text) if "/" in word]


@given(HITS, st.integers(1, 3), st.integers(0, 10))
def test_no_document_fills_the_passages(chunks: list[Hit], most: int, limit: int) -> None:
    """At most so many of one document, and nothing that fits is left out."""
    ranked = by_words(chunks)
    kept = cap(ranked, per_document=most, limit=limit)
    by_document = [chunks[place].document_id for place in kept]
    assert all(by_document.count(one) <= most for one in by_document)
    possible = sum(min(most, [h.document_id for h in chunks].count(one)) for one in "abc")
    assert len(kept) == min(limit, possible)


REVISION = Revision(
    number=1,
    line="l",
    base=None,
    manifest="",
    sealed_at_ms=0,
    documents=0,
    chunks=0,
    because="",
)


def _refuse(*_given: object, **_how: object) -> Any:
    raise NotReady("there are no vectors", hint="")


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

    covered: Mapping[str, int] = MappingProxyType({})

    without_vectors = nearest = nearness = sentences = staticmethod(_refuse)


def _shelf(state: MemoryState, **others: Any) -> Shelf:
    return Shelf(
        revision=REVISION,
        searcher=others.pop("searcher", Crowded()),
        hidden=frozenset(),
        state=state,
        memory=Memory(),
        **others,
    )


@pytest.mark.parametrize(("opened", "first"), [(3, "right"), (0, "crowd0")])
def test_the_steps_of_the_best_page_are_found_in_a_crowd(opened: int, first: str) -> None:
    """The chunks of the best pages are candidates, however many chunks are phrased better."""
    state = MemoryState()
    names = ["right", *(f"{kind}{n}" for kind in ("page", "crowd") for n in range(100))]
    members = [_stored(state, name) for name in names]
    state.seal(REVISION, added=members, gone=())
    shelf = _shelf(state)
    retrieval = replace(Retrieval(), pages_opened=opened)
    query = read_query("drain", Words(), retrieval)
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
    chunks = [*copies, hit("c", 0, 1.0)]
    ranked = by_words(chunks)
    kept = cap(ranked, per_document=3, limit=2)
    assert [chunks[place].document_id for place in kept] == ["a", "c"]


def test_function_words_are_not_searched_in_pages() -> None:
    """A page is found by what a question names, a chunk by all its words."""
    query = read_query("How do I drain a node?", Words(), Retrieval())
    assert query.names == ("drain", "node?")
    assert query.words == ("how", "do", "i", "drain", "a", "node?")


def test_a_question_of_function_words_only_still_searches() -> None:
    """Where nothing is named, pages are searched for all words."""
    assert read_query("who are you", Words(), Retrieval()).names == ("who", "are", "you")


class Down(HashingEmbedder):
    """An embedder that is out of order."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        raise EmbedderFailed(f"it is down for {len(texts)} {purpose}", hint="wait")


class Covered(Crowded):
    """A searcher that has vectors of the hashing embedder."""

    covered = MappingProxyType({space(HashingEmbedder()): 3})


@pytest.mark.parametrize(
    ("searcher", "embedder", "because"),
    [
        (Crowded(), HashingEmbedder(), "answerable embedders fill"),
        (Covered(), None, "answerable embedders list"),
        (Covered(), Down(), "it is down for 1 question; wait"),
    ],
)
def test_a_question_without_a_vector_is_searched_by_words(
    searcher: Crowded, embedder: HashingEmbedder | None, because: str
) -> None:
    """Whatever is missing, it is no failure, and the reason is said with what mends it."""
    retrieval = Retrieval(embedder=space(HashingEmbedder()))
    shelf = _shelf(MemoryState(), searcher=searcher, embedder=embedder)
    query = embedded(read_query("drain", Words(), retrieval), "drain", shelf, retrieval)
    assert query.vector is None
    assert because in query.words_only


@pytest.mark.parametrize(
    "retrieval", [Retrieval(), Retrieval(embedder="another", lexical_weight=1.0)]
)
def test_words_alone_are_no_lack_where_nothing_else_is_asked_for(retrieval: Retrieval) -> None:
    """A release by words says nothing about vectors."""
    query = embedded(read_query("drain", Words(), retrieval), "x", _shelf(MemoryState()), retrieval)
    assert (query.vector, query.words_only) == (None, "")


def test_what_else_is_said_is_embedded_with_the_question() -> None:
    """The aliases of the release stand in brackets behind it."""
    given: list[str] = []

    class Listening(HashingEmbedder):
        def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
            given.extend(texts)
            return super().embed(texts, purpose=purpose)

    aliases = (("box", ("node", "machine")),)
    retrieval = Retrieval(embedder=space(HashingEmbedder()), aliases=aliases)
    shelf = _shelf(MemoryState(), searcher=Covered(), embedder=Listening())
    query = embedded(read_query("my box", Words(), retrieval), "my box", shelf, retrieval)
    assert given == ["my box (node, machine)"]
    assert query.vector is not None


def test_rare_words_weigh_more() -> None:
    """One that no chunk holds weighs as much as the rarest can."""
    weigh = weights(["common", "rare", "unknown"], {"common": 900, "rare": 2}, 1000)
    assert weigh["unknown"] > weigh["rare"] > weigh["common"] > 0


def test_what_is_held_is_a_share_of_the_question() -> None:
    """Where it is not known it is guessed from BM25, and never above the whole."""
    held = np.array([1.0, np.nan, np.nan, np.nan])
    bm25 = np.array([9.0, 2.4, 99.0, 0.0])
    assert shares(held, bm25, 4.0).tolist() == [0.25, 0.5, 1.0, 0.0]
    assert shares(np.array([]), np.array([]), 0.0).tolist() == []


def _cut(*headings: tuple[str, ...]) -> Content:
    """Return a content whose chunks of ten characters lie in these sections."""
    text = "x" * 10 * len(headings)
    return Content(
        id="c",
        bytes_hash="",
        size=1,
        format="text",
        text=Text(
            text=text,
            title="",
            blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text)),),
        ),
        chunks=tuple(
            Chunk(ordinal=at, start=10 * at, end=10 * at + 9, heading=heading)
            for at, heading in enumerate(headings)
        ),
    )


@pytest.mark.parametrize(
    ("headings", "spans"),
    [
        ((("A",), ("A",), ("A",)), [(0, 29)]),
        ((("A",), ("B",), ("B",)), [(10, 29), (0, 9)]),
        ((("A",), ("B",), ("A",)), [(10, 19), (0, 9), (20, 29)]),
    ],
)
def test_neighbours_of_one_section_read_whole(
    headings: tuple[tuple[str, ...], ...], spans: list[tuple[int, int]]
) -> None:
    """They join at the place of the better one; another section stays apart."""
    content = _cut(*headings)
    document = Document(id="d", source="s", path="p", labels=owner_scope().labels)
    chunks = [
        replace(hit("d", at, score), content_id="c") for at, score in ((1, 3), (0, 2), (2, 1))
    ]
    ranked = by_words(chunks)
    made = passages(ranked.order, ranked, {"c": content}, {"d": document}, owner_scope())
    assert [(one.chunk.start, one.chunk.end) for one in made] == spans
    assert [one.rank for one in made] == list(range(1, len(made) + 1))
