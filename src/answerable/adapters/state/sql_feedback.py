"""Feedback in the database of traces: statements that `SqlLedger` runs in its transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, Select, and_, delete, func, insert, select

from answerable.adapters.state import tables
from answerable.adapters.state.failures import no_trace, rated_too_often
from answerable.answering.feedback import (
    PER_PRINCIPAL_MAX,
    Complaint,
    Feedback,
    Thumb,
    says_the_same,
)

_FEEDBACK = tables.feedback
_COMMENTS = tables.feedback_texts
_TRACES = tables.traces

_WHOLE = (
    select(_FEEDBACK, _COMMENTS.c.comment)
    .join_from(_FEEDBACK, _COMMENTS, isouter=True)
    .order_by(_FEEDBACK.c.number)
)

_LATER = _FEEDBACK.alias("later")
_IS_LAST = _FEEDBACK.c.number == (
    select(func.max(_LATER.c.number))
    .where(_LATER.c.trace_id == _FEEDBACK.c.trace_id, _LATER.c.principal == _FEEDBACK.c.principal)
    .scalar_subquery()
)


def add(connection: Connection, feedback: Feedback, *, keep_comment: bool) -> None:
    """Store a feedback unless it repeats its caller's last one.

    Raises:
        NotFound: There is no such trace.
        Conflict: This caller rated it too often.
    """
    trace_id = feedback.trace_id
    if connection.execute(select(_TRACES.c.id).where(_TRACES.c.id == trace_id)).first() is None:
        raise no_trace()
    kept = feedback if keep_comment else replace(feedback, comment="")
    own = of_trace(connection, trace_id, principal=feedback.principal)
    if own and says_the_same(own[-1], kept):
        return
    if len(own) >= PER_PRINCIPAL_MAX:
        raise rated_too_often(len(own))
    number = connection.execute(
        insert(_FEEDBACK)
        .values(
            trace_id=trace_id,
            at_ms=kept.at_ms,
            principal=kept.principal,
            thumb=kept.thumb.value,
            complaint=kept.complaint.value if kept.complaint else "",
        )
        .returning(_FEEDBACK.c.number)
    ).scalar_one()
    if kept.comment:
        connection.execute(
            insert(_COMMENTS).values(number=number, at_ms=kept.at_ms, comment=kept.comment)
        )


def of_trace(
    connection: Connection, trace_id: str, *, principal: str | None = None
) -> tuple[Feedback, ...]:
    """Return all feedback on a trace, or one caller's, in the order it was given."""
    wanted = _WHOLE.where(_FEEDBACK.c.trace_id == trace_id)
    if principal is not None:
        wanted = wanted.where(_FEEDBACK.c.principal == principal)
    rows = connection.execute(wanted)
    return tuple(
        Feedback(
            trace_id=row.trace_id,
            at_ms=row.at_ms,
            principal=row.principal,
            thumb=Thumb(row.thumb),
            complaint=_complaint(row.complaint),
            comment=row.comment or "",
        )
        for row in rows
    )


def counts(connection: Connection, trace_ids: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """Return how many callers rate each trace up and down, by trace and thumb."""
    if not trace_ids:
        return {}
    counted = (
        select(_FEEDBACK.c.trace_id, _FEEDBACK.c.thumb, func.count())
        .where(and_(_FEEDBACK.c.trace_id.in_(trace_ids), _IS_LAST))
        .group_by(_FEEDBACK.c.trace_id, _FEEDBACK.c.thumb)
    )
    return {(trace_id, thumb): many for trace_id, thumb, many in connection.execute(counted)}


def rated(thumb: Thumb) -> Select[tuple[str]]:
    """Return the statement of the traces that somebody's last feedback rates so."""
    return select(_FEEDBACK.c.trace_id).where(_FEEDBACK.c.thumb == thumb.value, _IS_LAST)


def forget_comments(connection: Connection, older_than_ms: int, *, limit: int) -> int:
    """Delete some comments from before this moment; return how many."""
    old = select(_COMMENTS.c.number).where(_COMMENTS.c.at_ms < older_than_ms).limit(limit)
    return connection.execute(delete(_COMMENTS).where(_COMMENTS.c.number.in_(old))).rowcount


def _complaint(name: str) -> Complaint | None:
    """Return a stored complaint; one of a newer version is something else."""
    if not name:
        return None
    return Complaint(name) if name in set(Complaint) else Complaint.OTHER
