"""The bytes documents were read from: given back, and read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from answerable.app.tools import Tools
from answerable.domain.documents import Member, content_id
from answerable.domain.errors import BadInput, NotFound
from answerable.domain.releases import Line
from answerable.library.ports import Raw, Source, Unreadable
from answerable.library.quarantine import suffix
from answerable.library.report import Report

_PDF = "pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """A document as it came.

    Attributes:
        name: Its file name, without folders.
    """

    member: Member
    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Reparsed:
    """What reading originals again came to.

    Attributes:
        reports: One for each source.
        missing: Documents that were read in an older way and have no original.
    """

    reports: tuple[Report, ...]
    missing: tuple[Member, ...]


def original(member: Member, tools: Tools) -> Original:
    """Return the bytes a document was read from.

    Raises:
        NotFound: They were not kept.
        StorageFailure: They cannot be read.
    """
    data = tools.originals.get(member.bytes_hash)
    if data is None:
        raise NotFound(
            f"the original of {member.document.path} was not kept",
            hint="ingest it again, with ingest.keep_originals; it may be too large for the limits",
        )
    return Original(member=member, name=member.document.path.rpartition("/")[2], data=data)


def page(member: Member, number: int, tools: Tools) -> bytes:
    """Return a page of an original as a picture, a PNG; of a PDF only.

    Raises:
        NotFound: There is no such page, or no original.
        BadInput: It has no pages to be drawn, or this one cannot be.
    """
    if member.format != _PDF:
        raise BadInput(f"a {member.format} has no pages to be shown", hint="read its text")
    data = original(member, tools).data
    (drawn,) = tools.pictures.read([Raw(path=f"{number}.{_PDF}", data=data)])
    if isinstance(drawn, Unreadable):
        raise NotFound(f"this page cannot be shown: {drawn.reason}", hint="save the original")
    return drawn.parts[0].data


def outdated(members: Iterable[Member], line: Line) -> tuple[Member, ...]:
    """Return the documents that were not read as documents are now."""
    return tuple(
        one
        for one in members
        if one.content_id != content_id(one.bytes_hash, line.id, suffix(one.document.path))
    )


def sources(members: Iterable[Member], tools: Tools) -> Iterator[tuple[Source, frozenset[str]]]:
    """Give what reads the originals of these documents, as their sources gave them.

    With each comes who may read what it reads, which is as it was.
    """
    from answerable.adapters.sources.kept_originals import Kept

    found: dict[tuple[str, frozenset[str]], dict[str, str]] = {}
    for one in members:
        key = one.document.source, one.document.labels
        found.setdefault(key, {})[one.document.path] = one.bytes_hash
    for (name, labels), files in sorted(found.items(), key=lambda one: one[0][0]):
        yield Kept(name, files, tools.originals), labels
