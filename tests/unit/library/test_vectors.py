"""Vectors after sealing: computed once, in any number of goes, and sealed as a successor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from answerable.access.scopes import owner_scope
from answerable.adapters.clock import SystemClock
from answerable.adapters.embedders.memory import HashingEmbedder
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.ram import RamIndex
from answerable.adapters.state.memory import MemoryState, MemoryVectorCache
from answerable.domain.documents import (
    Block,
    BlockKind,
    Content,
    Document,
    Member,
    Removal,
    Revision,
    Text,
    document_id,
)
from answerable.domain.errors import EmbedderFailed
from answerable.library.entries import entries
from answerable.library.ports import Hit, Prepared, Purpose, Vectors
from answerable.library.split import split
from answerable.library.vectors import (
    Coverage,
    Desk,
    coverage,
    fill,
    prepare,
    seal,
    space,
    vectored,
)

LABELS = frozenset({"local"})


class Counting(HashingEmbedder):
    """Counts the texts it was given, and fails when told to."""

    given = 0
    fails_after = 1_000_000

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        if self.given + len(texts) > self.fails_after:
            raise EmbedderFailed("it is down", hint="wait")
        self.given += len(texts)
        return super().embed(texts, purpose=purpose)


class Library:
    """A library of pages, each of one paragraph, sealed by words."""

    def __init__(self) -> None:
        self.embedder = Counting()
        self.desk = Desk(
            state=MemoryState(),
            index=RamIndex(analyser=TantivyAnalyser()),
            cache=MemoryVectorCache(),
            embedder=self.embedder,
            analyser=TantivyAnalyser(),
            clock=SystemClock(),
        )
        self.revision: Revision | None = None

    def take(self, pages: dict[str, str], gone: Sequence[str] = ()) -> Revision:
        """Seal pages by words only, on what was there."""
        members = [self._member(path, text) for path, text in pages.items()]
        state, base = self.desk.state, self.revision
        number = base.number + 1 if base else 1
        lost = [document_id("s", path) for path in gone]
        manifest = self.desk.index.build(
            number, base=base, gone=lost, added=entries(members, state)
        )
        revision = Revision(
            number=number,
            line="l",
            base=base.number if base else None,
            manifest=manifest,
            sealed_at_ms=number,
            documents=0,
            chunks=self.desk.index.open(number, manifest).chunks,
            because="test",
        )
        state.seal(revision, added=members, gone=lost)
        self.revision = revision
        return revision

    def _member(self, path: str, words: str) -> Member:
        text = Text(
            text=words,
            title=path,
            blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=len(words)),),
        )
        content = Content(
            id=f"{abs(hash((path, words))):032x}"[:32],
            bytes_hash="",
            size=1,
            format="text",
            text=text,
            chunks=split(text),
        )
        self.desk.state.keep([content])
        return Member(
            document=Document(id=document_id("s", path), source="s", path=path, labels=LABELS),
            content_id=content.id,
            bytes_hash="",
            title=path,
            format="text",
            size=1,
            chunks=len(content.chunks),
        )

    def fill(self) -> list[tuple[int, int]]:
        assert self.revision is not None
        return list(fill(self.revision, desk=self.desk))

    def seal(self) -> Revision | None:
        assert self.revision is not None
        prepared = prepare(self.revision, desk=self.desk)
        if prepared is None:
            return None
        sealed = self.seal_prepared(prepared, of=self.revision)
        self.revision = sealed or self.revision
        return sealed

    def seal_prepared(self, prepared: Prepared, of: Revision) -> Revision | None:
        assert self.revision is not None
        return seal(
            self.revision,
            prepared,
            of=of,
            desk=self.desk,
            revisions=self.desk.state.revisions(),
        )

    def nearest(self, question: str) -> list[str]:
        """Return the ids of the documents nearest to a question."""
        assert self.revision is not None
        searcher = self.desk.index.open(self.revision.number, self.revision.manifest)
        vector = self.embedder.embed([question], purpose="question")[0]
        hits = searcher.nearest(
            space(self.embedder), vector, owner_scope(), hidden=frozenset(), limit=9
        )
        return [hit.document_id for hit in hits]


PAGES = {f"{name}.md": f"The {name} is drained before it restarts." for name in "abcdef"}


@pytest.fixture
def library() -> Library:
    """Give a library sealed by words."""
    made = Library()
    made.take(PAGES)
    return made


def test_filling_seals_a_successor_with_the_same_documents(library: Library) -> None:
    """Progress rises to all; the successor holds every vector and no other document."""
    before = library.revision
    steps = library.fill()
    assert steps[0] == (0, 6)
    assert steps[-1] == (6, 6)
    assert steps == sorted(steps)
    sealed = library.seal()
    assert sealed is not None
    assert before is not None
    state = library.desk.state
    assert (sealed.number, sealed.base) == (2, 1)
    assert state.members(2) == state.members(1)
    searcher = library.desk.index.open(2, sealed.manifest)
    assert searcher.covered == {space(library.embedder): 6}
    assert library.nearest("the c")[0] == document_id("s", "c.md")
    assert library.seal() is None


def test_nothing_is_embedded_twice(library: Library) -> None:
    """A changed page costs its own chunk only; the others keep theirs without being asked."""
    library.fill()
    library.seal()
    given = library.embedder.given
    library.take({"a.md": "Quite another matter."}, gone=["b.md"])
    assert library.fill()[0] == (4, 5)
    library.seal()
    assert library.embedder.given - given == given / 6
    library.take({"b.md": PAGES["b.md"]})
    library.fill()
    library.seal()
    assert library.embedder.given - given == given / 6


def test_what_failed_goes_on_where_it_was(library: Library) -> None:
    """An embedder that goes down loses nothing that it gave before."""
    library.embedder.batch = 1
    library.embedder.fails_after = 3 * _texts_of_a_page()
    with pytest.raises(EmbedderFailed):
        library.fill()
    given = library.embedder.given
    assert given == library.embedder.fails_after
    library.embedder.fails_after = 1_000_000
    library.fill()
    assert library.embedder.given == 2 * given


def _texts_of_a_page() -> int:
    """Return how many texts are embedded of one of the pages."""
    one = Library()
    one.take({"a.md": PAGES["a.md"]})
    one.fill()
    return one.embedder.given


def test_an_emptied_cache_leaves_pages_to_their_words(library: Library) -> None:
    """What is not at hand at sealing stays without vectors, and is found by words."""
    assert library.revision is not None
    members = tuple(library.desk.state.members(1).values())
    assert list(vectored(members, library.desk.kept)) == []
    assert library.seal() is None, "there would be nothing new in it"
    other = Library()
    other.take({"a.md": PAGES["a.md"]})
    other.fill()
    library.desk = replace(library.desk, cache=other.desk.cache)
    sealed = library.seal()
    assert sealed is not None
    assert library.desk.index.open(2, sealed.manifest).covered == {space(library.embedder): 1}


def test_a_revision_may_hold_several_spaces(library: Library) -> None:
    """Another embedder's vectors come beside, and a question is compared with its own only."""
    library.fill()
    library.seal()
    other = Counting(32, name="other")
    library.desk = replace(library.desk, embedder=other)
    library.fill()
    sealed = library.seal()
    assert sealed is not None
    searcher = library.desk.index.open(sealed.number, sealed.manifest)
    assert searcher.covered == {space(library.embedder): 6, space(other): 6}


def test_what_is_kept_is_what_was_embedded(library: Library) -> None:
    """The index gives back the cosine of the vectors to three decimals."""
    library.fill()
    sealed = library.seal()
    assert sealed is not None
    question = library.embedder.embed(["a is drained"], purpose="question")[0]
    searcher = library.desk.index.open(sealed.number, sealed.manifest)
    hits = searcher.nearest(
        space(library.embedder), question, owner_scope(), hidden=frozenset(), limit=9
    )
    near = searcher.nearness(space(library.embedder), question, {}, hits)
    assert near.chunks.tolist() == [hit.score for hit in hits]
    assert np.all(np.diff([hit.score for hit in hits]) <= 0)


def test_a_chunk_holds_the_terms_of_its_title_and_text(library: Library) -> None:
    """Weights of what it holds are added up; of what is not covered nothing is known."""
    library.fill()
    sealed = library.seal()
    assert sealed is not None
    searcher = library.desk.index.open(sealed.number, sealed.manifest)
    hits = [
        Hit(document_id=document_id("s", "a.md"), content_id="", ordinal=at, score=0)
        for at in (0, 7)
    ]
    weigh = {"drain": 2.0, "md": 0.5, "unheard": 9.0}
    question = library.embedder.embed(["a"], purpose="question")[0]
    near = searcher.nearness(space(library.embedder), question, weigh, hits)
    assert near.held[0] == 2.5
    assert np.isnan(near.held[1])


def test_coverage_is_a_share() -> None:
    """Of nothing all is covered."""
    assert Coverage(space="s", covered=0, chunks=0).is_full
    half = Coverage(space="s", covered=1, chunks=2)
    assert (half.share, half.is_full) == (0.5, False)


def test_what_changed_while_vectors_were_written_is_left_out(library: Library) -> None:
    """The successor has the newest documents, and no vector of an earlier text."""
    first = library.revision
    assert first is not None
    library.fill()
    prepared = prepare(first, desk=library.desk)
    assert prepared is not None
    library.take({"a.md": "Something else by now."}, gone=["b.md"])
    library.revision = library.seal_prepared(prepared, of=first)
    assert library.revision is not None
    assert coverage_of(library) == (4, 5)
    library.fill()
    library.seal()
    assert coverage_of(library) == (5, 5)
    assert library.nearest("Something else by now.")[0] == document_id("s", "a.md")


def test_what_is_of_no_use_any_more_seals_nothing(library: Library) -> None:
    """When every prepared document has changed, no revision comes of it."""
    first = library.revision
    assert first is not None
    library.fill()
    prepared = prepare(first, desk=library.desk)
    assert prepared is not None
    library.take({path: f"Another {path}." for path in PAGES})
    assert library.seal_prepared(prepared, of=first) is None


def test_only_some_are_embedded_when_asked(library: Library) -> None:
    """So that what matters most comes first; progress is still of all."""
    assert library.revision is not None
    only = {document_id("s", "a.md")}
    steps = list(fill(library.revision, desk=library.desk, only=only))
    assert (steps[0], steps[-1]) == ((0, 6), (1, 6))


def test_a_removed_page_lacks_nothing(library: Library) -> None:
    """It cannot be found, so it does not count as one that is found by words only."""
    name = document_id("s", "a.md")
    library.desk.state.remove(Removal(document_id=name, who="me", because="secret", at_ms=1))
    assert coverage_of(library) == (0, 5)
    library.fill()
    library.seal()
    assert coverage_of(library) == (5, 5)


def coverage_of(library: Library) -> tuple[int, int]:
    """Return how many chunks have vectors, and how many could."""
    assert library.revision is not None
    found = coverage(
        library.revision,
        space(library.embedder),
        index=library.desk.index,
        state=library.desk.state,
    )
    return found.covered, found.chunks
