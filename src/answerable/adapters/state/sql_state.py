"""The library's truth in a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from answerable.adapters.state import tables
from answerable.adapters.state.cache import ContentCache, weight
from answerable.adapters.state.engine import Database, batches
from answerable.adapters.state.failures import contents_missing, no_revision, number_taken
from answerable.adapters.state.lock import exclusive
from answerable.adapters.state.outline import decode_outline, encode_outline
from answerable.domain.documents import (
    Content,
    Document,
    Member,
    Removal,
    Revision,
    Text,
    text_hash,
)
from answerable.domain.errors import Corrupt
from answerable.library.ports import State

# Contents read at once by a question, at most.
_FEW = 64


class SqlState:
    """Documents, contents and revisions in one database.

    Membership is kept as intervals of revision numbers within a line, so that a revision costs
    what it changes. Labels are those a document has today, in every revision.

    Args:
        database: Migrated to the `STATE` schema.
        cache_bytes: Memory for contents read lately.
    """

    def __init__(self, database: Database, *, cache_bytes: int = 32 << 20) -> None:
        self._database = database
        self._cache = ContentCache(cache_bytes)
        self._insert_content, self._insert_text = (
            database.sql(database.insert(table).on_conflict_do_nothing())
            for table in (tables.contents, tables.texts)
        )

    def pulse(self) -> int:
        """Return a number that changes with every commit to the database."""
        return self._database.pulse()

    def let_go(self) -> None:
        """Keep no content in memory that was read."""
        self._cache.clear()

    def writer(self, *, is_brief: bool = False) -> AbstractContextManager[None]:
        """Lock a file beside the database: its name and ``.lock``."""
        path = self._database.path
        return exclusive(path.with_name(f"{path.name}.lock"), is_brief=is_brief)

    def keep(self, contents: Sequence[Content]) -> None:
        """Store contents in one transaction; what is new stays in memory to be read soon."""
        if not contents:
            return
        outlines = [encode_outline(content.text, content.chunks) for content in contents]
        texts = [
            (content.id, outline, content.text.text)
            for content, outline in zip(contents, outlines, strict=True)
        ]
        with self._database.write() as connection:
            known = _known(connection, [content.id for content in contents])
            connection.exec_driver_sql(self._insert_content, list(map(_content_row, contents)))
            connection.exec_driver_sql(self._insert_text, texts)
        for content, outline in zip(contents, outlines, strict=True):
            if content.id not in known:
                self._cache.put(content, weight(content.text.text, outline))

    def contents(self, content_ids: Collection[str]) -> Mapping[str, Content]:
        """Return those of these contents that are stored, from memory where possible.

        Few are for a question and stay in memory; many are read once, for an index, and would
        only push out what was kept there.

        Raises:
            Corrupt: A text is not the one that was stored.
        """
        found = self._cache.get(content_ids)
        missing = [content_id for content_id in content_ids if content_id not in found]
        for row in self._database.rows(_CONTENTS, missing):
            stored = _Stored(*row)
            content = found[stored.id] = _content(stored)
            if len(content_ids) <= _FEW:
                self._cache.put(content, weight(stored.text, stored.outline))
        return found

    def members(self, number: int) -> Mapping[str, Member]:
        """Return the documents of a revision by document id."""
        with self._database.read() as connection:
            if _line(connection, number, is_live=True) is None:
                raise no_revision(number)
            rows = connection.execute(_MEMBERS, {"number": number})
            return {row.document_id: _member(row) for row in rows}

    def member(self, number: int, document_id: str) -> Member | None:
        """Return one document of a revision; None also when there is no such revision."""
        with self._database.read() as connection:
            row = connection.execute(_MEMBER, {"number": number, "document": document_id}).first()
        return None if row is None else _member(row)

    def sources(self) -> frozenset[str]:
        """Return the names of all sources."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(tables.documents.c.source).distinct()))

    def bytes_hashes(self) -> frozenset[str]:
        """Return the SHA-256 of the bytes of every content that is stored."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(tables.contents.c.bytes_hash).distinct()))

    def documents(self, document_ids: Collection[str]) -> Mapping[str, Document]:
        """Return those of these documents that are known, with today's labels."""
        return {
            known: Document(id=known, source=source, path=path, labels=_labels(labels))
            for known, source, path, labels in self._database.rows(_DOCUMENTS, document_ids)
        }

    def seal(self, revision: Revision, *, added: Sequence[Member], gone: Collection[str]) -> None:
        """Record a revision and its members in one transaction.

        Raises:
            Conflict: The number is not above all others, or a content is not stored.
            NotFound: There is no such base.
        """
        comes = {member.document.id: member.content_id for member in added}
        leaves = set(gone) - comes.keys()
        with self._database.write() as connection:
            _check_number(connection, revision)
            _check_contents(connection, comes.values())
            before = _newest(connection, revision.line)
            if revision.base == before:
                present = _open(connection, revision.line, comes.keys() | leaves)
                wanted = comes
            else:
                # After an undo, and for a line's first revision when it is based on another.
                present = _placed(connection, before)
                wanted = {
                    document_id: content_id
                    for document_id, content_id in _placed(connection, revision.base).items()
                    if document_id not in leaves
                } | comes
            connection.execute(insert(tables.revisions), asdict(revision))
            self._upsert(connection, [member.document for member in added])
            _write_intervals(connection, revision, present=present, wanted=wanted)

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, newest first."""
        newest_first = _LIVE.order_by(tables.revisions.c.number.desc())
        with self._database.read() as connection:
            rows = connection.execute(newest_first).mappings()
            return tuple([Revision(**row) for row in rows])

    def retire(self, numbers: Collection[int], *, at_ms: int) -> None:
        """Note which are retired, and delete what no other revision holds, in one transaction."""
        if not numbers:
            return
        rows = [{"number": number, "at_ms": at_ms} for number in numbers]
        with self._database.write() as connection:
            connection.execute(insert(tables.retired), rows)
            connection.execute(_FORSAKEN)
            connection.execute(delete(tables.texts).where(_is_unused(tables.texts.c.content_id)))
            connection.execute(delete(tables.contents).where(_is_unused(tables.contents.c.id)))

    def compact(self) -> bool:
        """Write the file anew without free pages, where they are many."""
        return self._database.compact()

    def rebuilt(self, number: int, manifest: str) -> None:
        """Replace the manifest of a revision.

        Raises:
            NotFound: There is no such revision.
        """
        change = (
            update(tables.revisions)
            .where(tables.revisions.c.number == number)
            .values(manifest=manifest)
        )
        with self._database.write() as connection:
            if connection.execute(change).rowcount == 0:
                raise no_revision(number)

    def remove(self, removal: Removal) -> None:
        """Store a removal; a later one of the same document replaces it."""
        row = self._database.insert(tables.removals).values(**asdict(removal))
        last_wins = row.on_conflict_do_update(
            index_elements=["document_id"],
            set_={name: row.excluded[name] for name in ("who", "because", "at_ms")},
        )
        with self._database.write() as connection:
            connection.execute(last_wins)

    def restore(self, document_id: str) -> None:
        """Delete a removal, if there is one."""
        with self._database.write() as connection:
            connection.execute(
                delete(tables.removals).where(tables.removals.c.document_id == document_id)
            )

    def removed(self) -> Mapping[str, Removal]:
        """Return all removals by document id."""
        with self._database.read() as connection:
            rows = connection.execute(select(tables.removals)).mappings()
            return {row["document_id"]: Removal(**row) for row in rows}

    def _upsert(self, connection: Connection, documents: Sequence[Document]) -> None:
        if not documents:
            return
        row = self._database.insert(tables.documents)
        relabel = row.on_conflict_do_update(
            index_elements=["id"], set_={"labels": row.excluded.labels}
        )
        connection.execute(relabel, [_document_row(document) for document in documents])


_: Callable[..., State] = SqlState


class _Stored(NamedTuple):
    """A row of `_CONTENTS`."""

    id: str
    bytes_hash: str
    size: int
    format: str
    title: str
    text_hash: str
    outline: str
    text: str


_LIVE = select(tables.revisions).where(
    tables.revisions.c.number.not_in(select(tables.retired.c.number))
)

_CONTENTS = (
    select(
        tables.contents.c.id,
        tables.contents.c.bytes_hash,
        tables.contents.c.size,
        tables.contents.c.format,
        tables.contents.c.title,
        tables.contents.c.text_hash,
        tables.texts.c.outline,
        tables.texts.c.text,
    )
    .join_from(tables.contents, tables.texts)
    .where(tables.contents.c.id.in_(bindparam("ids", expanding=True)))
)

_DOCUMENTS = select(
    tables.documents.c.id,
    tables.documents.c.source,
    tables.documents.c.path,
    tables.documents.c.labels,
).where(tables.documents.c.id.in_(bindparam("ids", expanding=True)))

_KNOWN = select(tables.contents.c.id).where(
    tables.contents.c.id.in_(bindparam("ids", expanding=True))
)

_OPEN = select(tables.entries.c.document_id, tables.entries.c.content_id).where(
    tables.entries.c.line == bindparam("line"),
    tables.entries.c.document_id.in_(bindparam("ids", expanding=True)),
    tables.entries.c.to_revision.is_(None),
)

# The entries of the line of a revision that stand in it.
_STANDS_IN = and_(
    tables.revisions.c.number == bindparam("number"),
    tables.entries.c.line == tables.revisions.c.line,
    tables.entries.c.from_revision <= tables.revisions.c.number,
    or_(
        tables.entries.c.to_revision.is_(None),
        tables.entries.c.to_revision > tables.revisions.c.number,
    ),
)

# The revisions that are there, looked up once: for each entry anew, it would take minutes.
_THERE = (
    select(tables.revisions.c.line, tables.revisions.c.number)
    .where(tables.revisions.c.number.not_in(select(tables.retired.c.number)))
    .cte("there")
    .prefix_with("MATERIALIZED")
)

# Entries that stand in no revision that is there.
_FORSAKEN = delete(tables.entries).where(
    ~exists()
    .where(
        _THERE.c.line == tables.entries.c.line,
        _THERE.c.number >= tables.entries.c.from_revision,
        or_(
            tables.entries.c.to_revision.is_(None),
            _THERE.c.number < tables.entries.c.to_revision,
        ),
    )
    .correlate(tables.entries)
)

_PLACED = (
    select(tables.entries.c.document_id, tables.entries.c.content_id)
    .select_from(tables.revisions)
    .join(tables.entries, _STANDS_IN)
)

_MEMBERS = (
    select(
        tables.entries.c.document_id,
        tables.documents.c.source,
        tables.documents.c.path,
        tables.documents.c.labels,
        tables.entries.c.content_id,
        tables.contents.c.bytes_hash,
        tables.contents.c.title,
        tables.contents.c.format,
        tables.contents.c.size,
        tables.contents.c.chunks,
    )
    .select_from(tables.revisions)
    .join(tables.entries, _STANDS_IN)
    .join(tables.documents, tables.documents.c.id == tables.entries.c.document_id)
    .join(tables.contents, tables.contents.c.id == tables.entries.c.content_id)
)

_MEMBER = _MEMBERS.where(
    tables.entries.c.document_id == bindparam("document"),
    tables.revisions.c.number.not_in(select(tables.retired.c.number)),
)

_END = (
    update(tables.entries)
    .where(
        tables.entries.c.line == bindparam("of_line"),
        tables.entries.c.document_id == bindparam("of_document"),
        tables.entries.c.to_revision.is_(None),
    )
    .values(to_revision=bindparam("number"))
)


def _known(connection: Connection, content_ids: Iterable[str]) -> set[str]:
    return {
        content_id
        for batch in batches(content_ids)
        for content_id in connection.scalars(_KNOWN, {"ids": batch})
    }


def _line(connection: Connection, number: int, *, is_live: bool = False) -> str | None:
    found = (_LIVE if is_live else select(tables.revisions)).where(
        tables.revisions.c.number == number
    )
    row = connection.execute(found).first()
    return None if row is None else row.line


def _is_unused(content_id: ColumnElement[str]) -> ColumnElement[bool]:
    return content_id.not_in(select(tables.entries.c.content_id))


def _newest(connection: Connection, line: str | None = None) -> int | None:
    """Return the newest revision of a line, or of all."""
    newest = select(func.max(tables.revisions.c.number))
    if line is not None:
        newest = newest.where(tables.revisions.c.line == line)
    number: int | None = connection.scalar(newest)
    return number


def _open(connection: Connection, line: str, document_ids: Iterable[str]) -> dict[str, str]:
    """Return document id to content id of these documents in a line's newest revision."""
    return {
        row.document_id: row.content_id
        for batch in batches(document_ids)
        for row in connection.execute(_OPEN, {"line": line, "ids": batch})
    }


def _placed(connection: Connection, number: int | None) -> dict[str, str]:
    """Return document id to content id of a revision; nothing for None."""
    rows = connection.execute(_PLACED, {"number": number})
    return {row.document_id: row.content_id for row in rows}


def _write_intervals(
    connection: Connection,
    revision: Revision,
    *,
    present: Mapping[str, str],
    wanted: Mapping[str, str],
) -> None:
    """End the intervals of what leaves or changes, begin those of what comes or changes."""
    ends = [
        {"of_line": revision.line, "of_document": document_id, "number": revision.number}
        for document_id, content_id in present.items()
        if wanted.get(document_id) != content_id
    ]
    begins = [
        {
            "line": revision.line,
            "document_id": document_id,
            "from_revision": revision.number,
            "content_id": content_id,
        }
        for document_id, content_id in wanted.items()
        if present.get(document_id) != content_id
    ]
    if ends:
        connection.execute(_END, ends)
    if begins:
        connection.execute(insert(tables.entries), begins)


def _check_number(connection: Connection, revision: Revision) -> None:
    newest = _newest(connection) or 0
    if revision.number <= newest:
        raise number_taken(revision.number, newest=newest)
    if revision.base is not None and _line(connection, revision.base) is None:
        raise no_revision(revision.base)


def _check_contents(connection: Connection, content_ids: Iterable[str]) -> None:
    wanted = set(content_ids)
    missing = wanted - _known(connection, wanted)
    if missing:
        raise contents_missing(missing)


def _content_row(content: Content) -> tuple[object, ...]:
    """Return a row in the order of the table's columns."""
    return (
        content.id,
        content.bytes_hash,
        content.size,
        content.format,
        content.text.title,
        content.text.hash,
        len(content.chunks),
    )


def _document_row(document: Document) -> dict[str, object]:
    return {
        "id": document.id,
        "source": document.source,
        "path": document.path,
        "labels": json.dumps(sorted(document.labels)),
    }


def _content(row: _Stored) -> Content:
    if text_hash(row.text) != row.text_hash:
        raise _damaged(row.id)
    try:
        found = decode_outline(row.outline, partial(_damaged, row.id))
    except ValueError as error:
        raise _damaged(row.id) from error
    return Content(
        id=row.id,
        bytes_hash=row.bytes_hash,
        size=row.size,
        format=row.format,
        text=Text(
            text=row.text,
            title=row.title,
            blocks=found.blocks,
            masks=found.masks,
            landmarks=found.landmarks,
            findings=found.findings,
        ),
        chunks=found.chunks,
    )


def _damaged(content_id: str) -> Corrupt:
    return Corrupt(
        f"the stored text of content {content_id} is damaged",
        hint="put a backup of the state database in its place",
    )


def _labels(stored: str) -> frozenset[str]:
    return frozenset(json.loads(stored))


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(
        document=Document(
            id=row.document_id, source=row.source, path=row.path, labels=_labels(row.labels)
        ),
        content_id=row.content_id,
        bytes_hash=row.bytes_hash,
        title=row.title,
        format=row.format,
        size=row.size,
        chunks=row.chunks,
    )
