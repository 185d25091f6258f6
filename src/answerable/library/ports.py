"""What the library needs from the outside world."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from answerable.domain.documents import Content, Document, Member, Removal, Revision, Text
from answerable.domain.questions import Scope

UPLOAD_SOURCE = "upload"
"""Name of the source of files that were sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """The bytes of one file and where they were found.

    Attributes:
        path: Path below the source, ``/`` between parts; its suffix chooses the parser.
    """

    path: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A file that was not taken, and why. `skipped` files were never meant to be taken.

    Attributes:
        code: ``binary``, ``ignored``, ``not_a_file``, ``link_loop``, ``link_out``,
            ``too_large``, ``encoding``, ``empty``, ``timeout``, ``memory``,
            ``output_too_large``, ``crashed``, ``malformed``, ``unreadable``, ``bad_name``,
            ``removed``.
        reason: What is wrong, in words, without the path.
        skipped: True when nothing is wrong (binary, ignored, empty, removed by a person).
    """

    path: str
    code: str
    reason: str
    skipped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a parser made of one file."""

    path: str
    format: str
    text: Text


class Source(Protocol):
    """A place documents come from."""

    @property
    def name(self) -> str:
        """``folder:`` and the absolute path of the root, or ``upload``."""
        ...

    def covers(self, path: str) -> bool:
        """Return whether this reading answers for a path of the source.

        A document it covers and does not give has vanished; one it does not cover stays.
        """
        ...

    def count(self) -> int:
        """Return how many files `files` will give, for a progress bar; cheap, may be off."""
        ...

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file once, in a stable order; what cannot be read as `Unreadable`.

        MUST NOT follow a link out of the root, block on a FIFO or device, or read a file
        larger than its limit into memory.
        """
        ...


class Parser(Protocol):
    """Turns bytes into canonical text, in killable child processes with limits."""

    @property
    def digest(self) -> str:
        """Changes when the same bytes may give another text."""
        ...

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        """Give one result for each file, in any order, as they come.

        Takes from `files` only as fast as children are free. A crash, time-out or too much
        memory condemns one file and gives `Unreadable`; MUST NOT raise because of a file.
        """
        ...

    def close(self) -> None:
        """End all children now."""
        ...


class Analyser(Protocol):
    """Turns text into the terms that are searched for."""

    @property
    def digest(self) -> str:
        """Changes when the same text may give other terms."""
        ...

    def terms(self, text: str) -> list[str]:
        """Return lower-case stems in order, stop words left out; repeats are kept."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A document with its content, to be put into an index."""

    document: Document
    content: Content


Unit = Literal["chunk", "page"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A chunk or page that matches.

    Attributes:
        ordinal: Of the chunk; -1 for a page.
        score: BM25, at least 0, comparable within one call.
    """

    document_id: str
    content_id: str
    ordinal: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Boosts:
    """Weights of the fields; a field of weight 0 is not searched."""

    title: float
    heading: float
    body: float


class Searcher(Protocol):
    """One sealed revision, open for reading from many threads."""

    def find(
        self,
        terms: Sequence[str],
        scope: Scope,
        *,
        hidden: frozenset[str],
        unit: Unit,
        limit: int,
        boosts: Boosts,
        within: frozenset[str] | None = None,
    ) -> tuple[Hit, ...]:
        """Return at most `limit` hits that hold any of the terms, best first; ties by id.

        With `within` only documents of these ids are looked at; scores are the same as without.

        MUST NOT return, nor let count towards `limit`, a document that `scope` does not allow
        or whose id is in `hidden`. An empty scope or no terms gives nothing. A term given
        twice weighs twice.
        """
        ...

    def frequencies(self, terms: Collection[str]) -> Mapping[str, int]:
        """Return for each term how many chunks hold it in their body."""
        ...

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        ...


class Index(Protocol):
    """Builds, keeps and opens sealed revisions. Derived from `State`, always rebuildable."""

    def build(
        self,
        number: int,
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
    ) -> str:
        """Build the index of a revision: the base without `gone` and with `added`.

        A document in `added` replaces the one of the same id. The result is on disk and
        synced before this returns; it is not served before `State.seal`. What an interrupted
        build left behind is discarded.

        Returns:
            SHA-256 of the manifest, hexadecimal, which `open` needs.

        Raises:
            Corrupt: The base is missing or damaged.
            DiskFull, ReadOnly, StorageFailure.
        """
        ...

    def open(self, number: int, manifest: str) -> Searcher:
        """Open a sealed revision for searching.

        Raises:
            Corrupt: It is missing or not what was sealed.
        """
        ...

    def verify(self, number: int, manifest: str) -> tuple[str, ...]:
        """Return what differs from the manifest, a sentence each; nothing when all is well."""
        ...

    def sweep(self, keep: Collection[tuple[int, str]]) -> int:
        """Delete every index but those (number, manifest) named; return how many went."""
        ...


class State(Protocol):
    """The only truth about documents and revisions.

    Every method may raise `StorageFailure`; a method that changes something has made it
    durable when it returns, wholly or not at all.
    """

    def pulse(self) -> int:
        """Return a number that changes when anything stored has changed, by anyone. Cheap."""
        ...

    def writer(self) -> AbstractContextManager[None]:
        """Hold the write lock of the library, one process and thread at a time.

        Raises:
            Locked: Someone else holds it; names the process where known.
        """
        ...

    def keep(self, contents: Sequence[Content]) -> None:
        """Store contents; one that is known already is left as it is."""
        ...

    def contents(self, content_ids: Collection[str]) -> Mapping[str, Content]:
        """Return those of these contents that are stored."""
        ...

    def members(self, number: int) -> Mapping[str, Member]:
        """Return the documents of a revision by document id, also removed ones.

        Raises:
            NotFound: There is no such revision.
        """
        ...

    def member(self, number: int, document_id: str) -> Member | None:
        """Return one document of a revision, also a removed one."""
        ...

    def sources(self) -> frozenset[str]:
        """Return the names of all sources a document ever came from."""
        ...

    def documents(self, document_ids: Collection[str]) -> Mapping[str, Document]:
        """Return those of these documents that are known, with today's labels."""
        ...

    def seal(self, revision: Revision, *, added: Sequence[Member], gone: Collection[str]) -> None:
        """Record a revision: the members of its base, less `gone`, with `added`, replaced by id.

        From this moment, and not before, the revision exists.

        Raises:
            Conflict: The number is taken.
        """
        ...

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, newest first."""
        ...

    def rebuilt(self, number: int, manifest: str) -> None:
        """Record that the index of a revision was built anew under this manifest."""
        ...

    def remove(self, removal: Removal) -> None:
        """Hide a document from every revision."""
        ...

    def restore(self, document_id: str) -> None:
        """Undo `remove`."""
        ...

    def removed(self) -> Mapping[str, Removal]:
        """Return all removals by document id."""
        ...
