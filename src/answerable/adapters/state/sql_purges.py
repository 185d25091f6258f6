"""What was purged, in the database of the state, and how its rows are erased."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database, batches
from answerable.adapters.state.failures import no_revision
from answerable.domain.documents import Purge, Tombstone
from answerable.library.bans import unnamed
from answerable.library.ports import Purges, Standing

_PURGES = tables.purges
_GONE = tables.purged_documents
_BYTES = tables.purged_contents
_INDEXES = tables.purged_indexes
_ENTRIES = tables.entries
_CONTENTS = tables.contents
_REVISIONS = tables.revisions


class SqlPurges:
    """Purges beside a `SqlState`.

    Args:
        database: That of the state.
        let_go: Empties what the state keeps in memory.
    """

    def __init__(self, database: Database, let_go: Callable[[], None]) -> None:
        self._database = database
        self._let_go = let_go

    def standings(self) -> tuple[Standing, ...]:
        """Return which documents ever had which contents, each pair once."""
        with self._database.read() as connection:
            return tuple([Standing(*row) for row in connection.execute(_STANDINGS)])

    def named(self, name: str) -> frozenset[str]:
        """Return the ids of all documents that ever had this id or path."""
        known = tables.documents.c
        wanted = select(known.id).where(or_(known.id == name, known.path == name))
        with self._database.read() as connection:
            return frozenset(connection.scalars(wanted))

    def holding(self, document_ids: Collection[str]) -> frozenset[int]:
        """Return the numbers of the revisions that hold any of these documents."""
        with self._database.read() as connection:
            return frozenset(
                number
                for batch in batches(document_ids)
                for number in connection.scalars(_HOLDING, {"ids": batch})
            )

    def begin(
        self,
        documents: Collection[Tombstone],
        contents: Collection[str],
        *,
        who: str,
        because: str,
        at_ms: int,
    ) -> Purge:
        """Record a purge and remove its documents, in one transaction."""
        with self._database.write() as connection:
            number: int = connection.execute(
                insert(_PURGES)
                .values(who=who, because=because, at_ms=at_ms)
                .returning(_PURGES.c.number)
            ).scalar_one()
            return self._add(connection, number, documents, contents)

    def widen(
        self, number: int, documents: Collection[Tombstone], contents: Collection[str]
    ) -> Purge:
        """Add documents and contents to a purge; those it has stay."""
        with self._database.write() as connection:
            return self._add(connection, number, documents, contents)

    def all(self) -> tuple[Purge, ...]:
        """Return all purges, newest first."""
        with self._database.read() as connection:
            return _read(connection, select(_PURGES).order_by(_PURGES.c.number.desc()))

    def pending(self) -> tuple[Purge, ...]:
        """Return the purges that are not done, oldest first."""
        waiting = select(_PURGES).where(_PURGES.c.done_at_ms.is_(None))
        with self._database.read() as connection:
            return _read(connection, waiting.order_by(_PURGES.c.number))

    def newest(self) -> int:
        """Return the number of the newest purge, 0 when there is none."""
        with self._database.read() as connection:
            return connection.scalar(select(func.max(_PURGES.c.number))) or 0

    def rebuilt(self, number: int, revision: int, manifest: str) -> None:
        """Record that a purge gave the index of a revision this manifest.

        Raises:
            NotFound: There is no such revision.
        """
        change = update(_REVISIONS).where(_REVISIONS.c.number == revision)
        row = {"purge": number, "revision": revision}
        with self._database.write() as connection:
            if connection.execute(change.values(manifest=manifest)).rowcount == 0:
                raise no_revision(revision)
            self._insert_new(connection, _INDEXES, [row])

    def indexed(self, number: int) -> frozenset[int]:
        """Return the revisions whose index a purge has built anew."""
        with self._database.read() as connection:
            return frozenset(
                connection.scalars(select(_INDEXES.c.revision).where(_INDEXES.c.purge == number))
            )

    def doomed(self, number: int) -> frozenset[str]:
        """Return the ids of the contents that go: those of its bytes, and those of no document."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(_CONTENTS.c.id).where(_is_doomed(number))))

    def erase(self, number: int) -> None:
        """Delete documents and contents of a purge, then write the file anew without them."""
        with self._database.erasing() as connection:
            _delete(connection, number)
            _count(connection, number)
        self._let_go()
        self._database.scrub()

    def finish(self, number: int, *, at_ms: int) -> None:
        """Record that a purge is done."""
        done = update(_PURGES).where(_PURGES.c.number == number).values(done_at_ms=at_ms)
        with self._database.write() as connection:
            connection.execute(done)

    def lift(self, document_ids: Collection[str], *, at_ms: int) -> None:
        """Let files at the places of these documents be taken in again."""
        lifted = (
            update(_GONE)
            .where(_GONE.c.document_id.in_(bindparam("ids", expanding=True)))
            .where(_GONE.c.lifted_at_ms.is_(None))
            .values(lifted_at_ms=at_ms)
        )
        with self._database.write() as connection:
            for batch in batches(document_ids):
                connection.execute(lifted, {"ids": batch})

    def _add(
        self,
        connection: Connection,
        number: int,
        documents: Collection[Tombstone],
        contents: Collection[str],
    ) -> Purge:
        (purge,) = _read(connection, select(_PURGES).where(_PURGES.c.number == number))
        graves = [{"purge": number, **asdict(one)} for one in documents]
        self._insert_new(connection, _GONE, graves)
        bytes_ = [{"purge": number, "bytes_hash": one} for one in contents]
        self._insert_new(connection, _BYTES, bytes_)
        removals = [
            {
                "document_id": one.document_id,
                "who": purge.who,
                "because": purge.because,
                "at_ms": purge.at_ms,
            }
            for one in documents
        ]
        self._insert_new(connection, tables.removals, removals)
        (added,) = _read(connection, select(_PURGES).where(_PURGES.c.number == number))
        return added

    def _insert_new(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
    ) -> None:
        if rows:
            connection.execute(self._database.insert(table).on_conflict_do_nothing(), rows)


_: Callable[..., Purges] = SqlPurges

_STANDINGS = (
    select(_ENTRIES.c.document_id, _ENTRIES.c.content_id, _CONTENTS.c.bytes_hash)
    .join_from(_ENTRIES, _CONTENTS, _ENTRIES.c.content_id == _CONTENTS.c.id)
    .distinct()
)

# The entries that stand in a revision.
_STANDS_IN = and_(
    _ENTRIES.c.line == _REVISIONS.c.line,
    _ENTRIES.c.from_revision <= _REVISIONS.c.number,
    or_(_ENTRIES.c.to_revision.is_(None), _ENTRIES.c.to_revision > _REVISIONS.c.number),
)

_HOLDING = (
    select(_REVISIONS.c.number)
    .join(_ENTRIES, _STANDS_IN)
    .where(_ENTRIES.c.document_id.in_(bindparam("ids", expanding=True)))
    .distinct()
)


def _documents_of(number: int) -> Select[tuple[str]]:
    return select(_GONE.c.document_id).where(_GONE.c.purge == number)


def _bytes_of(number: int) -> Select[tuple[str]]:
    return select(_BYTES.c.bytes_hash).where(_BYTES.c.purge == number)


def _is_doomed(number: int) -> ColumnElement[bool]:
    # Not a question for each content: entries are not kept by content, and there may be many.
    stand = select(_ENTRIES.c.content_id)
    return or_(_CONTENTS.c.bytes_hash.in_(_bytes_of(number)), _CONTENTS.c.id.not_in(stand))


def _delete(connection: Connection, number: int) -> None:
    """Delete the rows of a purge, those first that name others."""
    _unname(connection, number)
    documents = _documents_of(number)
    connection.execute(delete(_ENTRIES).where(_ENTRIES.c.document_id.in_(documents)))
    connection.execute(delete(tables.documents).where(tables.documents.c.id.in_(documents)))
    connection.execute(delete(tables.removals).where(tables.removals.c.document_id.in_(documents)))
    doomed = select(_CONTENTS.c.id).where(_is_doomed(number))
    connection.execute(delete(tables.texts).where(tables.texts.c.content_id.in_(doomed)))
    connection.execute(delete(_CONTENTS).where(_is_doomed(number)))


def _unname(connection: Connection, number: int) -> None:
    """Let no revision say that it was made of one of the files of a purge."""
    known = tables.documents.c
    wanted = select(known.path).where(known.id.in_(_documents_of(number)))
    paths = connection.scalars(wanted).all()
    for row in connection.execute(select(_REVISIONS.c.number, _REVISIONS.c.because)).all():
        because = unnamed(row.because, paths)
        if because != row.because:
            connection.execute(
                update(_REVISIONS).where(_REVISIONS.c.number == row.number).values(because=because)
            )


def _count(connection: Connection, number: int) -> None:
    """Let the revisions that a purge has built anew say how much they hold now."""
    held = (
        select(
            _REVISIONS.c.number, func.count(_ENTRIES.c.document_id), func.sum(_CONTENTS.c.chunks)
        )
        .join(_ENTRIES, _STANDS_IN, isouter=True)
        .join(_CONTENTS, _ENTRIES.c.content_id == _CONTENTS.c.id, isouter=True)
        .where(
            _REVISIONS.c.number.in_(select(_INDEXES.c.revision).where(_INDEXES.c.purge == number))
        )
        .group_by(_REVISIONS.c.number)
    )
    for revision, documents, chunks in connection.execute(held).all():
        connection.execute(
            update(_REVISIONS)
            .where(_REVISIONS.c.number == revision)
            .values(documents=documents, chunks=chunks or 0)
        )


def _read(connection: Connection, wanted: Select[Any]) -> tuple[Purge, ...]:
    rows = connection.execute(wanted).all()
    numbers = [row.number for row in rows]
    documents = _grouped(connection, select(_GONE).where(_GONE.c.purge.in_(numbers)))
    contents = _grouped(connection, select(_BYTES).where(_BYTES.c.purge.in_(numbers)))
    return tuple(
        Purge(
            number=row.number,
            who=row.who,
            because=row.because,
            at_ms=row.at_ms,
            done_at_ms=row.done_at_ms,
            documents=tuple(
                Tombstone(
                    document_id=one.document_id,
                    place_hash=one.place_hash,
                    lifted_at_ms=one.lifted_at_ms,
                )
                for one in documents.get(row.number, ())
            ),
            contents=frozenset(one.bytes_hash for one in contents.get(row.number, ())),
        )
        for row in rows
    )


def _grouped(connection: Connection, wanted: Select[Any]) -> Mapping[int, Sequence[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.purge, []).append(row)
    return found
