"""What the library needs from the outside world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from answerable.domain.documents import (
    Content,
    Document,
    Member,
    Purge,
    Removal,
    Revision,
    Text,
    Tombstone,
)
from answerable.domain.questions import Scope

_T = TypeVar("_T")

UPLOAD_SOURCE = "upload"
"""Name of the source of files that were sent."""

PUSH_SOURCE = "push:"
"""What the name of a source begins with that others send to; what it is called follows."""


def is_sent(source: str) -> bool:
    """Return whether the files of a source were sent, and not looked for."""
    return source == UPLOAD_SOURCE or source.startswith(PUSH_SOURCE)


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
            ``output_too_large``, ``crashed``, ``malformed``, ``encrypted``, ``needs_ocr``,
            ``unsafe``, ``unsupported``, ``unreadable``, ``bad_name``, ``removed``, ``purged``,
            ``quarantined``.
        reason: What is wrong, in words, without the path.
        skipped: True when nothing is wrong (binary, ignored, empty, removed or purged by a person).
    """

    path: str
    code: str
    reason: str
    skipped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a parser made of one file.

    Attributes:
        parts: Files that lie in it and are documents of their own, as what is attached to a
            message; each path is a name only.
    """

    path: str
    format: str
    text: Text
    parts: tuple[Raw, ...] = ()


class Source(Protocol):
    """A place documents come from."""

    @property
    def name(self) -> str:
        """What it is and where, the same every time and without secrets.

        ``folder:`` and the absolute path of the root, ``upload``, ``git:URL#BRANCH:FOLDER``,
        ``website:URL`` or ``bucket:URL``.
        """
        ...

    def covers(self, path: str) -> bool:
        """Return whether this reading answers for a path of the source.

        A document it covers and does not give has vanished; one it does not cover stays.
        """
        ...

    def count(self) -> int:
        """Return how many files `files` will give, for a progress bar; cheap, may be off.

        Raises:
            SourceFailed: As `files`.
        """
        ...

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file once, in a stable order; what cannot be read as `Unreadable`.

        MUST NOT follow a link out of the root, block on a FIFO or device, or read a file
        larger than its limit into memory. What it does not give must be gone: where it cannot
        tell, it fails as a whole.

        Raises:
            SourceFailed: The place cannot be read as a whole. Other failures of the domain, too.
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

    def wholes(self, text: str) -> list[str]:
        """Return, in lower case, what is written as one though `terms` takes it apart.

        Paths, flags, addresses, versions, error codes, metric and resource names:
        ``/etc/hosts``, ``--dry-run``, ``kube_pod_status``, ``1.31.2``, ``0x8007``.
        """
        ...


Vectors = NDArray[np.float32]
"""One vector ``[dimension]``, or one a row ``[n, dimension]``, each of length 1."""

Purpose = Literal["passage", "question"]


class Embedder(Protocol):
    """Turns texts into vectors whose scalar product says how near they are in meaning.

    Safe to use from many threads.
    """

    @property
    def name(self) -> str:
        """What people call it: ``minilm``, ``openai:text-embedding-3-small``."""
        ...

    @property
    def digest(self) -> str:
        """Changes when the same text may give another vector; 64 hexadecimal digits.

        Known without weights or network: a release names it before it is there.
        """
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    @property
    def batch(self) -> int:
        """How many texts are worth giving to one call of `embed`."""
        ...

    @property
    def tokens_max(self) -> int:
        """Tokens of one window. A longer text is embedded in windows and pooled, never cut."""
        ...

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text, in order: ``[len(texts), dimension]``, length 1.

        No text gives no rows; an empty text a vector like any other.

        Raises:
            NotReady: Weights are missing; the hint is the command that gets them.
            EmbedderFailed: It is down, slow, or gave what cannot be used. Nothing is returned
                in part, and never a vector that is not finite.
        """
        ...


class VectorCache(Protocol):
    """Packed vectors by embedder and by what was embedded, so that nothing is embedded twice.

    Only a cache: what is lost is computed again. Every method may raise `StorageFailure`.
    """

    def get(self, embedder: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept under those of these keys that are there."""
        ...

    def put(self, embedder: str, packed: Mapping[str, bytes]) -> None:
        """Keep vectors; they are durable when this returns. A key that is there stays as it is."""
        ...

    def erase(self, keys: Collection[str]) -> None:
        """Forget what every embedder has under these keys; no file holds anything of it then.

        Raises:
            Locked: Another process reads or writes without a pause.
        """
        ...

    def retain(self, keys: Collection[str]) -> None:
        """Forget what every embedder has under other keys than these, as `erase` forgets.

        Raises:
            Locked: Another process reads or writes without a pause.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Vectored:
    """The vectors of a document's chunks, to be put into an index.

    Attributes:
        packed: `library.packing.pack` of each chunk, in order.
        terms: `library.packing.hashes` of the terms of each chunk, in order; none at all say
            that every chunk holds none.
    """

    document: Document
    content_id: str
    packed: Sequence[bytes]
    terms: Sequence[bytes] = ()


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
        score: BM25, at least 0, comparable within one call; or a cosine, by `nearest`.
    """

    document_id: str
    content_id: str
    ordinal: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Boosts:
    """Weights of the fields; a field of weight 0 is not searched.

    Attributes:
        whole: Of what stands in the body as one: `Analyser.wholes`.
        other: What a term that was not asked for weighs, beside one that was.
    """

    title: float
    heading: float
    body: float
    whole: float = 0.0
    other: float = 0.0


class Nearness(NamedTuple):
    """How near chunks are to a question, a number for each; NaN for one without a vector.

    Attributes:
        chunks: Cosine of the chunk's vector.
        sentences: The highest cosine of its sentences; that of the chunk when it has none.
        held: Weight of the terms it holds.
    """

    chunks: NDArray[np.float64]
    sentences: NDArray[np.float64]
    held: NDArray[np.float64]


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
        wholes: Sequence[str] = (),
        others: Sequence[str] = (),
        within: frozenset[str] | None = None,
    ) -> tuple[Hit, ...]:
        """Return at most `limit` hits that hold any of the terms, best first; ties by id.

        `wholes` of the question, and `others`, terms of what else is said for it, are looked
        for beside its terms, where their boost is not 0.
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

    @property
    def covered(self) -> Mapping[str, int]:
        """How many chunks have a vector, by the digest of the embedder."""
        ...

    def without_vectors(self, embedder: str, content_ids: Collection[str]) -> frozenset[str]:
        """Return those of these contents of which a chunk has no vector of this embedder."""
        ...

    def nearest(
        self,
        embedder: str,
        vector: Vectors,
        scope: Scope,
        *,
        hidden: frozenset[str],
        limit: int,
    ) -> tuple[Hit, ...]:
        """Return at most `limit` chunks by cosine, best first; ties by document id and ordinal.

        The same promises as `find`: scope and `hidden` apply before anything is ranked, so a
        narrow scope misses nothing. Chunks without a vector are not among them.

        Raises:
            NotReady: The revision holds no vectors of this embedder, or they are of another
                dimension; the hint is the command that mends it.
        """
        ...

    def nearness(
        self,
        embedder: str,
        vector: Vectors,
        weights: Mapping[str, float],
        hits: Sequence[Hit],
    ) -> Nearness:
        """Return how near these chunks are, and the weight of those of these terms they hold.

        A chunk holds the terms of its title, headings and body: those it was given with its
        vectors. A term it does not hold may be taken for one it does once in a billion times.

        Raises:
            NotReady: As for `nearest`.
        """
        ...

    def sentences(
        self, embedder: str, vector: Vectors, hits: Sequence[Hit]
    ) -> tuple[tuple[float, ...], ...]:
        """Return the cosine of every sentence of each of these chunks, in order; () for none.

        Raises:
            NotReady: As for `nearest`.
        """
        ...


Check = Callable[[], None]
"""Called now and then by what takes long; what it raises ends that."""


def unchecked() -> None:
    """Let it go on: the `Check` of work that nobody stops."""


class Prepared(Protocol):
    """Vectors for a revision that is yet to be built. Part of none, seen by nobody."""

    @property
    def documents(self) -> frozenset[str]:
        """The ids of the documents whose vectors these are."""
        ...

    def close(self) -> None:
        """Give back their room, whether a revision took them in or not."""
        ...


class Beside(Protocol):
    """Does one thing while the caller goes on with another."""

    def __call__(self, job: Callable[[], _T]) -> Callable[[], _T]:
        """Begin a job, or remember it; return what gives its result, or raises what it raised.

        What is returned is called once at most.
        """
        ...


class Index(Protocol):
    """Builds, keeps and opens sealed revisions. Derived from `State`, always rebuildable."""

    def prepare(
        self,
        base: Revision | None,
        vectors: Mapping[str, Iterable[Vectored]],
        *,
        check: Check = unchecked,
    ) -> Prepared:
        """Write vectors for a later `build`, and anew what of the base has to be.

        Needs no lock and may take minutes. What a process that died left here is discarded,
        what one that lives is at is not.

        Args:
            base: Of what is to be built; None for vectors alone.
            vectors: By the digest of their embedder. A document may come without vectors, but
                not with those of only some of its chunks; of one that comes twice the later
                count.
            check: Called several times a second.

        Raises:
            Corrupt: The base is missing or damaged.
            ValueError: Vectors of one embedder differ in their dimension.
            DiskFull, ReadOnly, StorageFailure.
        """
        ...

    def is_settled(self, number: int, manifest: str) -> bool:
        """Return whether nothing of a sealed revision's vectors has to be written anew.

        It may have to be when they lie in many places, or much that is kept is dead.

        Raises:
            Corrupt: It is missing or not what was sealed.
        """
        ...

    def build(
        self,
        number: int,
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        prepared: Prepared | None = None,
        outdated: Collection[str] = (),
    ) -> str:
        """Build the index of a revision: the base without `gone` and with `added`.

        A document in `added` replaces the one of the same id. Vectors of the base stay with
        the documents that stay. `prepared` are of documents of the result, apart from those
        in `gone` and `outdated`; those of a document replace what the base has of it. They
        need not have been prepared for this base. Vectors are taken in as they are: what has
        to be written anew waits for the next `prepare`.

        The result is on disk and synced before this returns; it is not served before
        `State.seal`. What an interrupted build left behind is discarded.

        Returns:
            SHA-256 of the manifest, hexadecimal, which `open` needs.

        Raises:
            Corrupt: The base is missing or damaged.
            DiskFull, ReadOnly, StorageFailure.
        """
        ...

    def purge(
        self,
        revision: Revision,
        documents: Collection[str],
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        check: Check = unchecked,
    ) -> str:
        """Build the index of a sealed revision anew, so that none of its files holds `documents`.

        Its words are those of `base` without `gone` and with `added`; its vectors those it has,
        apart from `documents`. Where it is damaged, it is built all the same, without vectors.
        Its manifest names the one it takes the place of. As for `build`, it is not served before
        the state says so.

        Args:
            revision: As the state knows it.
            documents: Ids; none of them is in `added`.
            base: Another revision whose index was purged of the same documents; None for none.
            gone: Ids of documents of the base that are not in the revision.
            added: Documents of the revision that the base has not, or not so.
            check: Called now and then.

        Returns:
            SHA-256 of the manifest.
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

    def writer(self, *, is_brief: bool = False) -> AbstractContextManager[None]:
        """Hold the write lock of the library, one process and thread at a time.

        Waits for somebody who holds it briefly, and for nobody else.

        Args:
            is_brief: Whether it is held for a moment only, so that others may wait for that.

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

    def bytes_hashes(self) -> frozenset[str]:
        """Return the SHA-256 of the bytes of every content that is stored."""
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

    def retire(self, numbers: Collection[int], *, at_ms: int) -> None:
        """Let go of revisions: they are not there any more, nor what only they held.

        The caller holds `writer` and has made sure that nothing needs them. Contents that were
        kept and stand in no revision go too. Numbers are never used again.
        """
        ...

    def compact(self) -> bool:
        """Give back the room of what was deleted, if it is much; return whether it was.

        The caller holds `writer`. Others read meanwhile.

        Raises:
            Locked: Somebody reads or writes without a pause.
            DiskFull: There is no room for a second copy.
        """
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


class Standing(NamedTuple):
    """A document has, or had, a content in at least one revision."""

    document_id: str
    content_id: str
    bytes_hash: str


class Purges(Protocol):
    """What was purged and what is still to be purged, and how the state forgets.

    The one exception to sealing. Beside `State`, in the same database; the same promises.
    """

    def standings(self) -> tuple[Standing, ...]:
        """Return which documents ever had which contents, each pair once. Takes its time."""
        ...

    def named(self, name: str) -> frozenset[str]:
        """Return the ids of all documents that ever had this id or path, wherever they stand."""
        ...

    def holding(self, document_ids: Collection[str]) -> frozenset[int]:
        """Return the numbers of the revisions that hold any of these, retired ones too."""
        ...

    def begin(
        self,
        documents: Collection[Tombstone],
        contents: Collection[str],
        *,
        who: str,
        because: str,
        at_ms: int,
    ) -> Purge:
        """Record that documents are to be purged, and remove them, in one transaction.

        From this moment they are hidden, and nothing of their places and bytes is taken in.
        """
        ...

    def widen(
        self, number: int, documents: Collection[Tombstone], contents: Collection[str]
    ) -> Purge:
        """Add documents and contents to a purge that is not done; those it has stay."""
        ...

    def all(self) -> tuple[Purge, ...]:
        """Return all purges, newest first."""
        ...

    def pending(self) -> tuple[Purge, ...]:
        """Return the purges that are not done, oldest first. Cheap: it is asked all the time."""
        ...

    def newest(self) -> int:
        """Return the number of the newest purge, 0 when there is none. Cheap, too."""
        ...

    def rebuilt(self, number: int, revision: int, manifest: str) -> None:
        """Record, in one transaction, that a purge gave the index of a revision this manifest."""
        ...

    def indexed(self, number: int) -> frozenset[int]:
        """Return the revisions whose index a purge has built anew."""
        ...

    def doomed(self, number: int) -> frozenset[str]:
        """Return the ids of the contents that go: those of its bytes, and those of no document."""
        ...

    def erase(self, number: int) -> None:
        """Delete documents and contents of a purge; no file of the state holds any of it then.

        Revisions are without them, and count what is left.

        Raises:
            Locked: Another process reads or writes without a pause.
        """
        ...

    def finish(self, number: int, *, at_ms: int) -> None:
        """Record that a purge is done."""
        ...

    def lift(self, document_ids: Collection[str], *, at_ms: int) -> None:
        """Let files at the places of these documents be taken in again; their old bytes never."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """A document that could not be read, and what is known of that.

    Attributes:
        document_id: It has, or would have.
        path: As in `Unreadable`; a folder ends in ``/``.
        code, reason: As in `Unreadable`.
        format: Suffix of the file, which chooses the parser; empty where it has none.
        size: In bytes; 0 where nothing could be read.
        bytes_hash: SHA-256 of what was tried; empty where nothing could be read.
        line: How documents were read when it was tried; empty when a person wants it tried again.
        attempts: How often it was tried.
        first_seen_ms, last_seen_ms: When it failed first, and when it was last met.
        ignored_by, ignored_because: Who wants to hear no more of it, and why; empty for nobody.
    """

    document_id: str
    source: str
    path: str
    code: str
    reason: str
    format: str
    size: int
    bytes_hash: str
    line: str
    attempts: int
    first_seen_ms: int
    last_seen_ms: int
    ignored_by: str = ""
    ignored_because: str = ""

    def holds_for(self, bytes_hash: str, line: str) -> bool:
        """Return whether trying these bytes again would come to the same."""
        return bool(self.bytes_hash) and (self.bytes_hash, self.line) == (bytes_hash, line)


class Quarantine(Protocol):
    """Documents that could not be read. Beside `State`, in the same database; the same promises."""

    def of_source(self, source: str) -> Mapping[str, Quarantined]:
        """Return those of a source, and of folders below it, by document id."""
        ...

    def all(self) -> tuple[Quarantined, ...]:
        """Return all, by path and source."""
        ...

    def record(
        self,
        failed: Collection[Quarantined],
        well: Collection[str],
        *,
        met: Collection[str] = (),
        at_ms: int = 0,
    ) -> None:
        """Put in, or in place of what was there, what failed; take out these ids; at once.

        What a person has said of one meanwhile, stays.

        Args:
            failed: Were tried.
            well: Ids of those that are well, or gone.
            met: Ids of those that are there as before, and were not tried.
            at_ms: When they were.
        """
        ...

    def ignore(self, document_id: str, *, who: str, because: str) -> bool:
        """Record that nobody wants to hear of one; return whether there is one."""
        ...

    def retry(self, document_ids: Collection[str]) -> None:
        """Let these be tried again when they are next met, and be heard of again."""
        ...


class Originals(Protocol):
    """The bytes documents were read from, by their SHA-256, as far as there is room for them.

    Never needed to answer: what is lost here can be read from its source again.
    """

    def put(self, bytes_hash: str, data: bytes, *, is_only: bool) -> bool:
        """Keep bytes unless they are there; return whether they are there now.

        They are not kept when they, or all together, would be larger than is allowed, or there is
        no room.

        Args:
            bytes_hash: Their SHA-256.
            data: Not empty.
            is_only: Whether nobody else has them: then they are on disk when this returns.
        """
        ...

    def get(self, bytes_hash: str) -> bytes | None:
        """Return bytes; None when they are not there, or not what was kept.

        Raises:
            StorageFailure: They cannot be read.
        """
        ...

    def has(self, bytes_hash: str) -> bool:
        """Return whether bytes are there; looks at no byte of them."""
        ...

    def drop(self, hashes: Collection[str]) -> None:
        """Delete bytes, also half-written ones."""
        ...

    def sweep(self, keep: Collection[str], *, older_than_ms: int) -> int:
        """Delete all but these that were kept before a time; return how many."""
        ...
