"""Jobs and named leases in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database, batches
from answerable.adapters.state.failures import LEASE_RAN_OUT
from answerable.operations.ports import Job, JobState, Leases

_JOBS = tables.jobs
_C = tables.jobs.c
_LEASES = tables.leases
_FORGOTTEN_AT_ONCE = 1_000


class SqlLeases:
    """The jobs table and the leases table.

    Args:
        database: Migrated to the `STATE` schema.
        now_ms: Milliseconds since the epoch; without it, the database's own time.
    """

    def __init__(self, database: Database, *, now_ms: Callable[[], int] | None = None) -> None:
        self._database = database
        self._now_ms = now_ms

    def enqueue(
        self, kind: str, key: str, payload: Mapping[str, str], *, attempts_max: int = 3
    ) -> Job:
        """Store a job; ids are ``job-1``, ``job-2`` and so on."""
        with self._database.write() as connection:
            unfinished = connection.execute(
                select(_JOBS).where(_C.kind == kind, _C.key == key, _is_unfinished())
            ).first()
            if unfinished is not None:
                return _job(unfinished)
            now = self._now(connection)
            row = connection.execute(
                insert(_JOBS)
                .values(
                    kind=kind,
                    key=key,
                    payload=json.dumps(dict(payload)),
                    state=JobState.QUEUED,
                    attempts=0,
                    attempts_max=attempts_max,
                    fence=0,
                    holder="",
                    lease_until_ms=0,
                    not_before_ms=0,
                    progress="",
                    result="",
                    created_ms=now,
                    updated_ms=now,
                )
                .returning(*_C)
            ).one()
            return _job(row)

    def waiting(self, kind: str) -> bool:
        """Return whether a job of this kind could be claimed now, or has to be given up."""
        with self._database.read() as connection:
            now = self._now(connection)
            found = select(_C.number).where(_C.kind == kind, _may_be_taken(now)).limit(1)
            return connection.scalar(found) is not None

    def claim(self, kinds: Sequence[str], *, holder: str, lease_s: float) -> Job | None:
        """Take the oldest job that may be taken, in one transaction."""
        with self._database.write() as connection:
            now = self._now(connection)
            connection.execute(_give_up(kinds, now))
            oldest = connection.scalar(
                select(_C.number)
                .where(_C.kind.in_(kinds), _may_be_taken(now))
                .order_by(_C.number)
                .limit(1)
            )
            if oldest is None:
                return None
            row = connection.execute(
                update(_JOBS)
                .where(_C.number == oldest)
                .values(
                    state=JobState.RUNNING,
                    attempts=_C.attempts + 1,
                    fence=_C.fence + 1,
                    holder=holder,
                    lease_until_ms=now + _ms(lease_s),
                    updated_ms=now,
                )
                .returning(*_C)
            ).one()
            return _job(row)

    def heartbeat(self, job: Job, *, lease_s: float, progress: str = "") -> bool:
        """Extend the lease; an empty progress leaves what was said before."""
        said = {"progress": progress} if progress else {}
        with self._database.write() as connection:
            now = self._now(connection)
            change = _held(job, now).values(
                lease_until_ms=now + _ms(lease_s), updated_ms=now, **said
            )
            return connection.execute(change).rowcount == 1

    def finish(self, job: Job, *, result: str) -> bool:
        """Mark it done."""
        return self._settle(job, state=JobState.DONE, result=result)

    def fail(self, job: Job, *, error: str, retry: bool, delay_s: float = 0.0) -> bool:
        """Queue it again when another attempt is wanted and left, else mark it failed."""
        again = retry and job.attempts < job.attempts_max
        state = JobState.QUEUED if again else JobState.FAILED
        return self._settle(job, state=state, result=error, delay_s=delay_s)

    def postpone(self, job: Job, *, because: str, delay_s: float = 0.0) -> bool:
        """Queue it again with one attempt fewer."""
        return self._settle(
            job,
            state=JobState.QUEUED,
            result=because,
            attempts=max(job.attempts - 1, 0),
            delay_s=delay_s,
        )

    def hasten(self, job_id: str) -> Job | None:
        """Take away what it waits for."""
        number = _number(job_id)
        if number is not None:
            with self._database.write() as connection:
                connection.execute(
                    update(_JOBS)
                    .where(_C.number == number, _C.state == JobState.QUEUED)
                    .values(not_before_ms=0)
                )
        return self.job(job_id)

    def cancel(self, job_id: str, *, because: str) -> bool:
        """Mark it failed, whoever holds it."""
        number = _number(job_id)
        if number is None:
            return False
        with self._database.write() as connection:
            change = (
                update(_JOBS)
                .where(_C.number == number, _is_unfinished())
                .values(
                    state=JobState.FAILED,
                    result=because,
                    holder="",
                    lease_until_ms=0,
                    updated_ms=self._now(connection),
                )
            )
            return connection.execute(change).rowcount == 1

    def expire(self, kind: str, *, holder: str | None = None) -> int:
        """Let the leases of a kind, or those of one holder, run out now."""
        whose = [] if holder is None else [_C.holder == holder]
        with self._database.write() as connection:
            now = self._now(connection)
            change = (
                update(_JOBS)
                .where(_C.kind == kind, _C.state == JobState.RUNNING, _C.lease_until_ms > now)
                .where(*whose)
                .values(lease_until_ms=now)
            )
            return connection.execute(change).rowcount

    def job(self, job_id: str) -> Job | None:
        """Return one job."""
        number = _number(job_id)
        if number is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(select(_JOBS).where(_C.number == number)).first()
        return None if row is None else _job(row)

    def jobs(self, kind: str, states: Collection[JobState]) -> Sequence[Job]:
        """Return jobs by number."""
        found = select(_JOBS).where(_C.kind == kind, _C.state.in_(states)).order_by(_C.number)
        with self._database.read() as connection:
            return tuple([_job(row) for row in connection.execute(found)])

    def recent(self, *, limit: int) -> Sequence[Job]:
        """Return jobs, newest first."""
        newest = select(_JOBS).order_by(_C.number.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple([_job(row) for row in connection.execute(newest)])

    def forget(self, older_than_ms: int) -> int:
        """Delete the first thousand old jobs; takes no write lock when there are none."""
        old = (
            select(_C.number)
            .where(_has_ended(), _C.updated_ms < older_than_ms)
            .order_by(_C.number)
            .limit(_FORGOTTEN_AT_ONCE)
        )
        with self._database.read() as connection:
            if connection.scalar(old) is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(delete(_JOBS).where(_C.number.in_(old))).rowcount

    def discard(self, job_ids: Collection[str]) -> None:
        """Delete jobs by number, what they held overwritten."""
        numbers = [_number(job_id) for job_id in job_ids]
        with self._database.erasing() as connection:
            for batch in batches(numbers):
                connection.execute(delete(_JOBS).where(_C.number.in_(batch)))

    def hold(self, name: str, *, holder: str, lease_s: float) -> int | None:
        """Take or extend a named lease, in one transaction."""
        with self._database.write() as connection:
            now = self._now(connection)
            row = connection.execute(select(_LEASES).where(_LEASES.c.name == name)).first()
            if row is not None and row.holder not in {"", holder} and row.until_ms > now:
                return None
            fence: int = 0 if row is None else row.fence
            if row is None or row.holder != holder:
                fence += 1
            self._put_lease(
                connection, name=name, holder=holder, fence=fence, until_ms=now + _ms(lease_s)
            )
            return fence

    def release(self, name: str, *, holder: str) -> None:
        """Give a named lease back; its fence stays, to rise with the next holder."""
        give_back = (
            update(_LEASES)
            .where(_LEASES.c.name == name, _LEASES.c.holder == holder)
            .values(holder="", until_ms=0)
        )
        with self._database.write() as connection:
            connection.execute(give_back)

    def _now(self, connection: Connection) -> int:
        return self._database.now_ms(connection) if self._now_ms is None else self._now_ms()

    def _settle(
        self,
        job: Job,
        *,
        state: JobState,
        result: str,
        attempts: int | None = None,
        delay_s: float = 0.0,
    ) -> bool:
        with self._database.write() as connection:
            now = self._now(connection)
            change = _held(job, now).values(
                state=state,
                attempts=job.attempts if attempts is None else attempts,
                result=result,
                holder="",
                lease_until_ms=0,
                not_before_ms=now + _ms(delay_s) if delay_s else 0,
                updated_ms=now,
            )
            return connection.execute(change).rowcount == 1

    def _put_lease(self, connection: Connection, **values: object) -> None:
        row = self._database.insert(_LEASES).values(**values)
        connection.execute(
            row.on_conflict_do_update(
                index_elements=["name"],
                set_={name: row.excluded[name] for name in ("holder", "fence", "until_ms")},
            )
        )


_: Callable[..., Leases] = SqlLeases


def _is_unfinished() -> ColumnElement[bool]:
    return _C.state.in_([JobState.QUEUED, JobState.RUNNING])


def _has_ended() -> ColumnElement[bool]:
    return _C.state.in_([JobState.DONE, JobState.FAILED])


def _may_be_taken(now_ms: int) -> ColumnElement[bool]:
    is_ready = and_(_C.state == JobState.QUEUED, _C.not_before_ms <= now_ms)
    return or_(is_ready, _has_run_out(now_ms))


def _has_run_out(now_ms: int) -> ColumnElement[bool]:
    return and_(_C.state == JobState.RUNNING, _C.lease_until_ms <= now_ms)


def _give_up(kinds: Sequence[str], now_ms: int) -> Update:
    """Return the update that fails jobs whose lease ran out with no attempt left."""
    return (
        update(_JOBS)
        .where(_C.kind.in_(kinds), _has_run_out(now_ms), _C.attempts >= _C.attempts_max)
        .values(
            state=JobState.FAILED,
            result=LEASE_RAN_OUT,
            holder="",
            lease_until_ms=0,
            updated_ms=now_ms,
        )
    )


def _held(job: Job, now_ms: int) -> Update:
    """Return an update of a job that touches it only while this lease of it is held."""
    return update(_JOBS).where(
        _C.number == _number(job.id),
        _C.state == JobState.RUNNING,
        _C.holder == job.holder,
        _C.fence == job.fence,
        _C.lease_until_ms > now_ms,
    )


def _job(row: Row[Any]) -> Job:
    values = dict(row._mapping)  # noqa: SLF001 # public in SQLAlchemy despite its name
    number, payload, state = values.pop("number"), values.pop("payload"), values.pop("state")
    return Job(id=f"job-{number}", payload=json.loads(payload), state=JobState(state), **values)


def _number(job_id: str) -> int | None:
    found = re.fullmatch(r"job-(\d{1,18})", job_id, re.ASCII)
    return None if found is None else int(found[1])


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
