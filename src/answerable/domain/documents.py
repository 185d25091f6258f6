"""Documents, their canonical text, and the revisions they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple


class Span(NamedTuple):
    """Half-open range ``[start, end)`` of code points in one canonical text."""

    start: int
    end: int


class BlockKind(StrEnum):
    """What a block is. ``LIST``, ``ITEM``, ``TABLE`` and ``QUOTE`` have children."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CODE = "code"
    LIST = "list"
    ITEM = "item"
    TABLE = "table"
    ROW = "row"
    QUOTE = "quote"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A piece of a document that should be read whole.

    Children lie inside their parent, in order, and do not overlap. A block covers whole
    lines, without the line break that ends it. The first row of a table is its header.

    Attributes:
        level: Depth of a heading, from 1; 1 on a list whose items are numbered. Of code that
            stands beside headings of a depth, that depth: it ends the section before it. Else 0.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    children: tuple[Block, ...] = ()


class LandmarkKind(StrEnum):
    """What people find a place by in the original, where lines mean nothing."""

    PAGE = "page"
    SLIDE = "slide"
    CHAPTER = "chapter"
    SHEET = "sheet"
    ROW = "row"


class Landmark(NamedTuple):
    """Where a page, slide, chapter, sheet or row of the original begins.

    Attributes:
        offset: Code points into the canonical text, before its end.
        kind: What begins here. A row lies in the sheet before it.
        number: As people count it, from 1.
        name: What people call it, such as a sheet's name; empty for those that are only counted.
    """

    offset: int
    kind: LandmarkKind
    number: int
    name: str = ""


class FindingKind(StrEnum):
    """What a reader of the original would not see, or what was not read of it."""

    HIDDEN = "hidden"
    INVISIBLE = "invisible"
    SAME_COLOUR = "same_colour"
    TINY = "tiny"
    OFF_PAGE = "off_page"
    SCAN_TEXT = "scan_text"
    NO_TEXT = "no_text"
    RECOGNISED = "recognised"
    HIDDEN_PART = "hidden_part"
    MACROS = "macros"
    EMBEDDED = "embedded"
    LINKED = "linked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was noticed while a document was read, counted. Never holds text of it."""

    kind: FindingKind
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Canonical text of one content, with its structure.

    Attributes:
        text: NFC, line breaks are line feeds, no NUL. Offsets everywhere are code points in it.
        title: From front matter or the first heading; empty when there is neither.
        blocks: Top-level blocks by start. What lies between blocks is white space or masked.
        masks: Sorted, disjoint, never empty: front matter, comments, shortcodes. Never shown,
            never indexed; a citation that meets one is split around it.
        landmarks: By offset; of two at one place the later one lies in the earlier one.
        findings: What is not in the text and why, each kind once, counts above 0.
    """

    text: str
    title: str
    blocks: Sequence[Block]
    masks: Sequence[Span] = ()
    landmarks: Sequence[Landmark] = ()
    findings: Sequence[Finding] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of the text in UTF-8, hexadecimal: the content hash of a citation."""
        return text_hash(self.text)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a canonical text in UTF-8, hexadecimal."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A span of a document that is searched as one.

    Attributes:
        ordinal: Place among the chunks of its content, from 0.
        heading: Titles of the sections it stands in, outermost first, without the page title;
            last the header of a table whose rows it goes on with.
    """

    ordinal: int
    start: int
    end: int
    heading: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What one file says: its bytes' hash, its text and its chunks, as one line reads them.

    Attributes:
        id: `content_id` of the bytes and the line: the same bytes are read once per line.
        bytes_hash: SHA-256 of the original bytes, hexadecimal.
        size: Length of the original, in bytes.
        format: Name of the parser that read it: ``markdown``, ``html``...
    """

    id: str
    bytes_hash: str
    size: int
    format: str
    text: Text
    chunks: tuple[Chunk, ...]


def content_id(bytes_hash: str, line: str, suffix: str) -> str:
    """Return the identity of what a line reads in these bytes: 32 hexadecimal digits.

    The file's suffix counts, because it chooses the parser.
    """
    return sha256(f"{bytes_hash}\n{line}\n{suffix}".encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file at one place of one source.

    Attributes:
        id: `document_id` of source and path.
        source: Where it comes from: ``folder:/srv/runbooks`` or ``upload``.
        path: Its path below the source, with ``/`` between parts.
        labels: Who may read it: a scope that holds one of them sees it.
    """

    id: str
    source: str
    path: str
    labels: frozenset[str]


def document_id(source: str, path: str) -> str:
    """Return the identity of a place: 16 hexadecimal digits."""
    return sha256(f"{source}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def place(source: str, path: str) -> str:
    """Return where a document lies, whichever folder it was read through.

    ``folder:/srv/docs`` with ``etcd/a.md`` and ``folder:/srv/docs/etcd`` with ``a.md`` are one
    place: a document removed there stays removed.
    """
    return f"{source.rstrip('/')}/{path}"


def path_in(source: str, of: str, path: str) -> str | None:
    """Return the path that a file of one source has in another; None outside it.

    Only folders lie in each other.
    """
    if source == of:
        return path
    if not (source.startswith("folder:") and of.startswith("folder:")):
        return None
    root = f"{source.rstrip('/')}/"
    where = place(of, path)
    return where.removeprefix(root) if where.startswith(root) else None


def possible_id(known_place: str, source: str) -> str | None:
    """Return the id a document at a place has when read through a source; None outside it."""
    root = f"{source.rstrip('/')}/"
    if not known_place.startswith(root):
        return None
    return document_id(source, known_place.removeprefix(root))


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A document with the content it has in one revision."""

    document: Document
    content_id: str
    bytes_hash: str
    title: str
    format: str
    size: int
    chunks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A person took a document away from every revision."""

    document_id: str
    who: str
    because: str
    at_ms: int


def place_hash(source: str, path: str) -> str:
    """Return what a place is recognised by once its name is gone: SHA-256, hexadecimal."""
    return sha256(place(source, path).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """What is left of a document that was purged: neither its text nor its name.

    Attributes:
        document_id: As it was.
        place_hash: `place_hash` of where it lay.
        lifted_at_ms: When a file at its place was allowed again; None while it is refused.
    """

    document_id: str
    place_hash: str
    lifted_at_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge:
    """A person had documents erased from everywhere, earlier revisions included.

    Attributes:
        number: From 1, rising.
        who, because: As whoever asked for it said.
        at_ms: When it was asked for; from then on the documents are hidden.
        documents: By document id.
        contents: SHA-256 of all bytes they ever had.
        done_at_ms: When nothing was left of them; None while that is not so.
    """

    number: int
    who: str
    because: str
    at_ms: int
    documents: tuple[Tombstone, ...]
    contents: frozenset[str]
    done_at_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A sealed set of documents and the index made from it.

    Attributes:
        number: From 1, rising, never reused.
        line: Digest of how documents were read, split and analysed.
        base: The revision it was made from; None for the first.
        manifest: SHA-256 of the index manifest, hexadecimal; changes only by a rebuild or purge.
        sealed_at_ms: Milliseconds since the epoch.
        documents: How many documents it holds.
        chunks: How many chunks it holds.
        because: Why it was made, in words.
    """

    number: int
    line: str
    base: int | None
    manifest: str
    sealed_at_ms: int
    documents: int
    chunks: int
    because: str
