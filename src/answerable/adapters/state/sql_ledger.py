"""Traces in a database file of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from answerable.adapters.state import sql_feedback, sql_redactions, tables
from answerable.adapters.state.engine import Database
from answerable.adapters.state.failures import ledger_closed
from answerable.adapters.state.traces import (
    documents_of,
    join_trace,
    nameless,
    outcome_name,
    question_of,
    split_trace,
)
from answerable.answering.feedback import Feedback, Thumb
from answerable.answering.ports import Ledger, TraceLine
from answerable.domain.errors import AnswerableError, Conflict, Corrupt, StorageFailure
from answerable.domain.questions import Trace

# Traces whose texts one transaction deletes, so that appending never waits for long.
_FORGET_BATCH = 2_000


_TRACES = tables.traces
_TEXTS = tables.trace_texts

_MARKS = tables.redactions

_IS_REDACTED = _MARKS.c.trace_id.is_not(None).label("redacted")

_PARTS = (
    select(_TRACES.c.structure, _TEXTS.c.texts, _IS_REDACTED)
    .join_from(_TRACES, _TEXTS, isouter=True)
    .join(_MARKS, _MARKS.c.trace_id == _TRACES.c.id, isouter=True)
)

_LINES = (
    select(
        *[column for column in _TRACES.c if column.name != "structure"],
        _TEXTS.c.texts,
        _IS_REDACTED,
    )
    .join_from(_TRACES, _TEXTS, isouter=True)
    .join(_MARKS, _MARKS.c.trace_id == _TRACES.c.id, isouter=True)
)


class _Entry:
    """A trace on its way into the database."""

    __slots__ = ("documents", "error", "is_done", "row", "text_row", "trace")

    def __init__(self, trace: Trace) -> None:
        structure, texts = split_trace(trace)
        self.trace = trace
        self.row = _trace_row(trace, structure)
        self.text_row = (trace.id, trace.at_ms, texts)
        self.documents = documents_of(trace)
        self.error: AnswerableError | None = None
        self.is_done = False

    def nameless(self, document_ids: Collection[str]) -> tuple[object, ...]:
        """Return the row without the paths of these documents."""
        return (*self.row[:-1], nameless(str(self.row[-1]), document_ids))


class SqlLedger:
    """Traces, with group commit.

    Whoever comes first commits for all who wait; whoever comes meanwhile waits for the next
    commit. So one thread pays no more than its own sync, and many share one.

    Args:
        database: Migrated to the `LEDGER` schema and not shared. Several processes may write
            one file: give it a `busy_ms` that is long beside their commits.
        keep_texts: False stores structure and hashes only.
    """

    def __init__(self, database: Database, *, keep_texts: bool = True) -> None:
        self._database = database
        self._keep_texts = keep_texts
        self._insert_trace = database.sql(insert(_TRACES))
        self._insert_texts = database.sql(insert(_TEXTS))
        self._waiting: list[_Entry] = []
        self._waiting_lock = Lock()
        self._commit_lock = Lock()
        self._is_closed = False

    def append(self, trace: Trace) -> None:
        """Store a trace with others that come at the same time.

        Raises:
            Conflict: There is a trace of this id.
            NotReady: The ledger is closed.
            StorageFailure: Or the kind of it that fits; the trace is not stored.
        """
        entry = _Entry(trace)
        with self._waiting_lock:
            if self._is_closed:
                raise ledger_closed()
            self._waiting.append(entry)
        with self._commit_lock:
            if not entry.is_done:
                self._commit_waiting()
        if entry.error is not None:
            raise entry.error

    def recent(
        self,
        *,
        limit: int,
        before: str | None = None,
        principal: str | None = None,
        rated: Thumb | None = None,
    ) -> Sequence[TraceLine]:
        """Return the newest traces by id, newest first."""
        lines = _LINES.order_by(_TRACES.c.id.desc()).limit(limit)
        if before is not None:
            lines = lines.where(_TRACES.c.id < before)
        if principal is not None:
            lines = lines.where(_TRACES.c.principal == principal)
        if rated is not None:
            lines = lines.where(_TRACES.c.id.in_(sql_feedback.rated(rated)))
        with self._database.read() as connection:
            rows = connection.execute(lines).all()
            counts = sql_feedback.counts(connection, [row.id for row in rows])
        return tuple([_line(row, counts) for row in rows])

    def trace(self, trace_id: str) -> Trace | None:
        """Return one trace.

        Raises:
            Corrupt: What is stored is no trace.
        """
        with self._database.read() as connection:
            row = connection.execute(_PARTS.where(_TRACES.c.id == trace_id)).first()
        if row is None:
            return None
        try:
            trace = join_trace(row.structure, row.texts)
            return replace(trace, is_redacted=True) if row.redacted else trace
        except ValueError as error:
            raise Corrupt(
                f"trace {trace_id} in {self._database.path} is damaged",
                hint="other traces are not affected; a backup may hold this one",
            ) from error

    def rate(self, feedback: Feedback) -> None:
        """Store what a caller thinks of an answer.

        Raises:
            NotFound, Conflict, NotReady: As the port says.
            StorageFailure: Or the kind of it that fits; nothing is stored.
        """
        if self._is_closed:
            raise ledger_closed()
        with self._database.write() as connection:
            sql_feedback.add(connection, feedback, keep_comment=self._keep_texts)

    def feedback(self, trace_id: str) -> Sequence[Feedback]:
        """Return all feedback on one trace in the order it was given."""
        with self._database.read() as connection:
            return sql_feedback.of_trace(connection, trace_id)

    def forget_texts(self, older_than_ms: int) -> int:
        """Delete texts from before this moment, in several transactions."""
        while self._forget_comments(older_than_ms):
            pass
        forgotten = 0
        while count := self._forget_some(older_than_ms):
            forgotten += count
        return forgotten

    def redact(
        self, document_ids: Collection[str], *, at_ms: int, heard: Callable[[int, int], None]
    ) -> int:
        """Delete all texts of traces that name any of these documents, then scrub the file.

        First the documents are noted: what is appended from then on is treated alike, whichever
        process does it.

        Raises:
            Locked: Another process reads or writes without a pause.
            StorageFailure: Or the kind of it that fits.
        """
        sql_redactions.note(self._database, document_ids, at_ms)
        redacted = sql_redactions.redact_all(self._database, document_ids, at_ms, heard)
        self._database.scrub()
        return redacted

    def unredact(self, document_ids: Collection[str]) -> None:
        """Keep texts of traces that name these documents again."""
        sql_redactions.unnote(self._database, document_ids)

    def close(self) -> None:
        """Refuse further traces, commit what waits and close the database."""
        with self._waiting_lock:
            self._is_closed = True
        with self._commit_lock:
            self._commit_waiting()
            self._database.close()

    def _commit_waiting(self) -> None:
        """Commit every entry that waits; each learns what became of it."""
        with self._waiting_lock:
            entries, self._waiting = self._waiting, []
        if not entries:
            return
        try:
            self._commit(entries)
        except AnswerableError as error:
            self._report(error, entries)
        except BaseException:
            for entry in entries:
                entry.error = _interrupted(self._database.path)
            raise
        finally:
            for entry in entries:
                entry.is_done = True

    def _report(self, error: AnswerableError, entries: Sequence[_Entry]) -> None:
        if type(error) is Conflict and len(entries) > 1:
            # One of them is a duplicate; the others are not to suffer for it.
            for entry in entries:
                try:
                    self._commit([entry])
                except AnswerableError as own:
                    entry.error = own
        else:
            for entry in entries:
                entry.error = error

    def _commit(self, entries: Sequence[_Entry]) -> None:
        with self._database.write() as connection:
            noted = sql_redactions.noted(connection)
            silent = self._silent(connection, entries, noted) if noted else ()
            rows = [one.nameless(noted) if one in silent else one.row for one in entries]
            connection.exec_driver_sql(self._insert_trace, rows)
            texts = [entry.text_row for entry in entries if entry not in silent]
            if self._keep_texts and texts:
                connection.exec_driver_sql(self._insert_texts, texts)
            for entry in silent:
                at_ms = entry.trace.at_ms
                sql_redactions.mark(connection, self._database, [entry.trace.id], at_ms)

    def _silent(
        self, connection: Connection, entries: Sequence[_Entry], noted: Collection[str]
    ) -> Sequence[_Entry]:
        """Return what is kept without texts: a document was purged while it was answered."""
        redacted = sql_redactions.marked(connection, [one.trace.follows for one in entries])
        return [
            one
            for one in entries
            if not one.documents.isdisjoint(noted) or one.trace.follows in redacted
        ]

    def _forget_some(self, older_than_ms: int) -> int:
        old = select(_TEXTS.c.trace_id).where(_TEXTS.c.at_ms < older_than_ms).limit(_FORGET_BATCH)
        with self._database.write() as connection:
            return connection.execute(delete(_TEXTS).where(_TEXTS.c.trace_id.in_(old))).rowcount

    def _forget_comments(self, older_than_ms: int) -> int:
        with self._database.write() as connection:
            return sql_feedback.forget_comments(connection, older_than_ms, limit=_FORGET_BATCH)


_: Callable[..., Ledger] = SqlLedger


def _interrupted(path: Path) -> StorageFailure:
    return StorageFailure(
        f"writing to {path} was interrupted", hint="ask again; the trace may be missing"
    )


def _trace_row(trace: Trace, structure: str) -> tuple[object, ...]:
    """Return a row in the order of the table's columns."""
    return (
        trace.id,
        trace.at_ms,
        trace.principal,
        outcome_name(trace),
        trace.outcome.rung,
        trace.release,
        trace.revision,
        trace.took_ms,
        structure,
    )


def _line(row: Row[*tuple[Any, ...]], counts: Mapping[tuple[str, str], int]) -> TraceLine:
    return TraceLine(
        id=row.id,
        at_ms=row.at_ms,
        principal=row.principal,
        question="" if row.texts is None else question_of(row.texts),
        outcome=row.outcome,
        rung=row.rung,
        release=row.release,
        revision=row.revision,
        took_ms=row.took_ms,
        ups=counts.get((row.id, Thumb.UP), 0),
        downs=counts.get((row.id, Thumb.DOWN), 0),
        is_redacted=bool(row.redacted),
    )
