"""Which traces may say nothing, in the database of traces: what `SqlLedger` runs for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, select, update

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database, batches
from answerable.adapters.state.traces import followed_in, nameless, names_any

_TRACES = tables.traces
_TEXTS = tables.trace_texts
_FEEDBACK = tables.feedback
_COMMENTS = tables.feedback_texts
_NAMES = tables.redacted_documents
_MARKS = tables.redactions

# Traces that are looked at, and rewritten, at once: appending never waits for long.
_PAGE = 500

_Row: TypeAlias = tuple[str, str]
"""Id and structure of a trace."""


def note(database: Database, document_ids: Collection[str], at_ms: int) -> None:
    """Record documents that no trace may quote from now on."""
    rows = [{"document_id": one, "at_ms": at_ms} for one in document_ids]
    if rows:
        with database.write() as connection:
            connection.execute(database.insert(_NAMES).on_conflict_do_nothing(), rows)


def unnote(database: Database, document_ids: Collection[str]) -> None:
    """Take documents from the list again."""
    with database.write() as connection:
        for batch in batches(document_ids):
            connection.execute(_UNNOTED, {"ids": batch})


def noted(connection: Connection) -> frozenset[str]:
    """Return the documents that no trace may quote."""
    return frozenset(connection.exec_driver_sql(_NOTED).scalars())


def marked(connection: Connection, trace_ids: Iterable[str]) -> frozenset[str]:
    """Return those of these traces that were redacted."""
    ids = [one for one in trace_ids if one]
    return frozenset(connection.scalars(_MARKED, {"ids": ids})) if ids else frozenset()


def mark(
    connection: Connection, database: Database, trace_ids: Collection[str], at_ms: int
) -> None:
    """Record traces as redacted."""
    rows = [{"trace_id": one, "at_ms": at_ms} for one in trace_ids]
    if rows:
        connection.execute(database.insert(_MARKS).on_conflict_do_nothing(), rows)


def redact_all(
    database: Database,
    document_ids: Collection[str],
    at_ms: int,
    heard: Callable[[int, int], None],
) -> int:
    """Redact every trace that names any of these documents, or follows one that was redacted.

    Ids rise with time, so what a trace follows is met before it.
    """
    with database.read() as connection:
        total = connection.scalar(select(func.count()).select_from(_TRACES)) or 0
        known = set(connection.scalars(select(_MARKS.c.trace_id)))
    looked_at = redacted = 0
    rows = _page(database, "")
    while rows:
        found = [row for row in rows if _is_concerned(row, document_ids, known)]
        redacted += _redact(database, found, document_ids, at_ms)
        looked_at += len(rows)
        heard(looked_at, max(total, looked_at))
        rows = _page(database, rows[-1][0])
    return redacted


def _page(database: Database, after: str) -> Sequence[_Row]:
    with database.read() as connection:
        return [(row.id, row.structure) for row in connection.execute(_BEHIND, {"after": after})]


def _is_concerned(row: _Row, document_ids: Collection[str], known: set[str]) -> bool:
    """Return whether a trace is to be redacted, and if so note that it is."""
    trace_id, structure = row
    if not names_any(structure, document_ids) and followed_in(structure) not in known:
        return False
    known.add(trace_id)
    return True


def _redact(
    database: Database, rows: Sequence[_Row], document_ids: Collection[str], at_ms: int
) -> int:
    """Delete texts and comments of traces, and names in their structure; return how many new."""
    if not rows:
        return 0
    ids = [trace_id for trace_id, _ in rows]
    left = [
        {"of": trace_id, "left": nameless(structure, document_ids)} for trace_id, structure in rows
    ]
    with database.erasing() as connection:
        before = marked(connection, ids)
        connection.execute(_TEXTLESS, {"ids": ids})
        connection.execute(_COMMENTLESS, {"ids": ids})
        connection.execute(_RESTRUCTURED, left)
        mark(connection, database, ids, at_ms)
    return len(ids) - len(before)


# As text: it is read with every commit of traces.
_NOTED = str(select(_NAMES.c.document_id))

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)

_UNNOTED = delete(_NAMES).where(_NAMES.c.document_id.in_(_IDS))

_MARKED = select(_MARKS.c.trace_id).where(_MARKS.c.trace_id.in_(_IDS))

_BEHIND = (
    select(_TRACES.c.id, _TRACES.c.structure)
    .where(_TRACES.c.id > bindparam("after"))
    .order_by(_TRACES.c.id)
    .limit(_PAGE)
)

_TEXTLESS = delete(_TEXTS).where(_TEXTS.c.trace_id.in_(_IDS))

_COMMENTLESS = delete(_COMMENTS).where(
    _COMMENTS.c.number.in_(select(_FEEDBACK.c.number).where(_FEEDBACK.c.trace_id.in_(_IDS)))
)

_RESTRUCTURED = (
    update(_TRACES).where(_TRACES.c.id == bindparam("of")).values(structure=bindparam("left"))
)
