"""Keeping the library in step with its sources: what is due becomes a job, a job is done once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock

from answerable.adapters.beating import Beating, Stopped
from answerable.app import registered
from answerable.app.room import Room
from answerable.app.source_kinds import SPOOL, is_far, opened
from answerable.app.tools import Tools
from answerable.domain.errors import (
    AnswerableError,
    BadInput,
    Conflict,
    Locked,
    NotAllowed,
    NotFound,
    PathMissing,
    SourceFailed,
    StorageFailure,
)
from answerable.library.flow import TooMuch
from answerable.library.ports import Source
from answerable.library.report import Change, Progress, Report, Silent
from answerable.operations import sources as health
from answerable.operations.flow import JOB_LEASE_S, Every
from answerable.operations.ports import Job, JobState
from answerable.operations.sources import (
    SYNC_JOB,
    RegisteredSource,
    SourceHealth,
    SourceKind,
    SourceSpec,
)
from answerable.settings import Settings

Ingest = Callable[[Source, Progress, str, TooMuch], Report]
"""Ingests a source with the writer lock held: source, progress, why, too much."""

_LOOK_EVERY_S = 1.0
_ATTEMPTS_MAX = 3
_RETRY_S = 30.0
_BUSY_S = 2.0
_WRITER_LOOK_S = 0.5
_PATHS_MAX = 100
_STOP_S = 10.0


class Syncing:
    """Reads sources when they are due, one after the other. Safe for many threads.

    Every process may look for what is due: a source has one unfinished job at most, and a job
    one holder.

    Args:
        settings: Limits, and where sources keep what they fetched.
        tools: Registry, leases, clock.
        ingest: For what was read.
        room: For what is fetched.
        holder: Who claims jobs.
    """

    def __init__(
        self, settings: Settings, tools: Tools, ingest: Ingest, *, room: Room, holder: str
    ) -> None:
        self._settings = settings
        self._tools = tools
        self._ingest = ingest
        self._room = room
        self._holder = holder
        self._looks = Every(tools.clock)
        self._round = Lock()
        self._is_stopping = Event()

    def request(self, name: str, *, because: str, may_lose: bool = False) -> Job:
        """Queue a reading of a source and return its job; one that waits already is returned.

        Args:
            name: Of the source.
            because: Why, for the job.
            may_lose: Whether it may lose as many documents as it does, this once.

        Raises:
            NotFound: There is no such source.
            Conflict: It is paused, or sent to and not read.
        """
        self._check_may_be_read(name)
        if may_lose:
            self.change(name, lambda now: replace(now, may_lose=True))
        job = self._enqueue(name, because)
        if may_lose and job.state is JobState.RUNNING:  # it began without that
            job = self._enqueue(name, because, key=f"{name}\0next")
        return self._tools.leases.hasten(job.id) or job

    def changed(self, name: str, paths: Collection[str]) -> Job:
        """Queue a reading of what changed in a folder; of all of it where that is not known.

        A reading that is under way may have passed by what changed: another one follows it.

        Raises:
            NotFound: There is no such source.
            Conflict: It is paused.
        """
        known = self._check_may_be_read(name)
        # Only a reading of all tells how much of what is held is still lost.
        is_whole = bool(known.health.withheld) or not 0 < len(paths) <= _PATHS_MAX
        is_part = not (is_whole or any(map(_rules_all, paths)))
        told = {"paths": json.dumps(sorted(paths))} if is_part else {}
        about = f"\0{sha256(told['paths'].encode()).hexdigest()}" if told else ""
        for key in (f"{name}{about}", f"{name}{about}\0next"):
            job = self._enqueue(name, "its files changed", key=key, **told)
            if job.state is JobState.QUEUED:
                break
        return job

    def source(self, name: str) -> RegisteredSource:
        """Return a source.

        Raises:
            NotFound: There is none.
        """
        found = self._tools.sources.source(name)
        if found is None:
            raise NotFound(f"there is no source {name}", hint="answerable sources list")
        return found

    def _check_may_be_read(self, name: str) -> RegisteredSource:
        known = self.source(name)
        if known.spec.kind is SourceKind.PUSH:
            raise Conflict(
                f"the source {name} is sent to, not read",
                hint=f"PUT /v1/sources/{name}/documents/PATH",
            )
        if known.health.paused:
            raise Conflict(f"the source {name} is paused", hint=f"answerable sources resume {name}")
        return known

    def change(self, name: str, how: Callable[[SourceHealth], SourceHealth]) -> RegisteredSource:
        """Change the health of a source.

        Raises:
            NotFound: There is none.
        """
        found = self._tools.sources.change(name, how)
        if found is None:
            raise NotFound(f"there is no source {name}", hint="answerable sources list")
        return found

    def work_once(self, progress: Progress | None = None, *, is_asked: bool = False) -> bool:
        """Queue what is due and do one job; return whether there was one.

        Cheap when there is none.

        Args:
            progress: Hears how the job goes on.
            is_asked: Whether somebody waits for a job of theirs: then nothing else is queued.
        """
        with self._round:
            if self._is_stopping.is_set():
                return False
            if not is_asked and self._looks.is_due(_LOOK_EVERY_S):
                self._queue_due()
            if not self._tools.leases.waiting(SYNC_JOB):
                return False
            job = self._tools.leases.claim((SYNC_JOB,), holder=self._holder, lease_s=JOB_LEASE_S)
            if job is None:
                return False
            self._do(job, progress or Silent())
            return True

    def stop(self) -> None:
        """Have the job that is being done stop at its next step, given back."""
        self._is_stopping.set()

    def close(self) -> None:
        """Stop, and wait for the job that is being done.

        Waits ten seconds at most: a job that does not stop keeps its lease, which runs out.
        """
        self.stop()
        if self._round.acquire(timeout=_STOP_S):
            self._round.release()

    def _queue_due(self) -> None:
        now_ms = self._tools.clock.now_ms()
        for one in health.due(self._tools.sources.sources(), now_ms):
            self._enqueue(one.spec.name, f"its schedule: {one.spec.schedule}")

    def _enqueue(self, name: str, because: str, *, key: str = "", **more: str) -> Job:
        payload = {"source": name, "because": because, **more}
        return self._tools.leases.enqueue(
            SYNC_JOB, key or name, payload, attempts_max=_ATTEMPTS_MAX
        )

    def _do(self, job: Job, progress: Progress) -> None:
        """Read a source and note what came of it, on the job and on the source."""
        leases, name = self._tools.leases, job.payload["source"]
        known = self._tools.sources.source(name)
        if known is None or known.health.paused:
            leases.finish(job, result="the source is paused" if known else "the source was removed")
            return
        self._note(name, partial(health.started, at_ms=self._tools.clock.now_ms()))
        try:
            with Beating(
                leases, job, self._tools.clock, progress, is_stopping=self._is_stopping.is_set
            ) as beating:
                report = self._synced(known, beating, job.payload)
        except Stopped as stopped:
            if not stopped.is_lost:  # else whoever took or cancelled it has settled it
                leases.postpone(job, because=str(stopped))  # of a source that is gone it ends then
        except (Locked, StorageFailure) as error:
            leases.postpone(job, because=_said(error), delay_s=_delay_s(error))
            if not isinstance(error, Locked):
                self._failed(name, _said(error))
        except AnswerableError as error:
            again = _may_pass(error)
            delay_s = _RETRY_S * 2**job.attempts
            leases.fail(job, error=_said(error), retry=again, delay_s=delay_s)
            self._failed(name, _said(error))
        except Exception as error:
            why = f"the worker failed: {type(error).__name__}"
            leases.fail(job, error=why, retry=True)
            self._failed(name, f"{why}; its log says more")
            raise
        else:
            is_part = "paths" in job.payload
            noted = health.succeeded_partly if is_part else health.succeeded
            synced = self._of(report, was_allowed=known.health.may_lose)
            self._note(name, partial(noted, synced=synced))
            leases.finish(job, result=_result(report))

    def _synced(self, known: RegisteredSource, beating: Beating, told: Mapping[str, str]) -> Report:
        from answerable.adapters.sources.spooled import Spooled

        spec = known.spec
        paths = json.loads(told["paths"]) if "paths" in told else None
        least = known.health.documents if paths is not None else 0
        is_too_much = _never if known.health.may_lose else partial(_too_much, spec, least)
        with ExitStack() as stack:
            source = opened(self._own(spec), self._settings, paths=paths)
            if is_far(spec):
                self._room.check()
                spooled = stack.enter_context(Spooled(source, self._settings.data / SPOOL))
                spooled.fetch(beating.fetched)
                source = spooled
                self._wait_for_writer(stack, beating)
            else:
                stack.enter_context(self._tools.state.writer())
            now = self._tools.sources.source(spec.name)
            if now is None or now.spec != spec:
                raise Stopped("the source was removed", is_lost=False)
            return self._ingest(
                source, beating, f"sync {spec.name}: {told['because']}", is_too_much
            )

    def _own(self, spec: SourceSpec) -> SourceSpec:
        """Return what a source is to read: what is a source of its own below it, it leaves."""
        if spec.kind is not SourceKind.FOLDER:
            return spec
        below = registered.nested(Path(spec.place), self._tools.sources.sources())
        return replace(spec, exclude=(*spec.exclude, *below))

    def _wait_for_writer(self, stack: ExitStack, beating: Beating) -> None:
        """Take the writer lock when it is free: what was fetched is not to be fetched again."""
        said = False
        while True:
            try:
                stack.enter_context(self._tools.state.writer())
            except Locked:
                if not said:
                    beating.stage("waiting for another writer")
                said = True
                beating.check()
                Event().wait(_WRITER_LOOK_S)
            else:
                return

    def _note(self, name: str, how: Callable[[SourceHealth], SourceHealth]) -> None:
        self._tools.sources.change(name, how)

    def _failed(self, name: str, said: str) -> None:
        at_ms = self._tools.clock.now_ms()
        with suppress(AnswerableError):
            self._note(name, lambda now: health.failed(now, said, at_ms))

    def _of(self, report: Report, *, was_allowed: bool) -> health.Synced:
        return health.Synced(
            at_ms=self._tools.clock.now_ms(),
            documents=report.of_source,
            more=report.count(Change.ADDED) - report.count(Change.REMOVED),
            withheld=report.withheld,
            was_allowed=was_allowed,
            changed=report.revision is not None,
            counts=tuple((change.value, count) for change, count in report.counts if count),
            took_ms=report.took_ms,
        )


def _too_much(spec: SourceSpec, least: int, lost: int, before: int) -> bool:
    """Return whether a loss is too great; of a part, compared with all that there is."""
    return health.is_too_much(lost, max(before, least), spec.loss_max)


def _rules_all(path: str) -> bool:
    """Return whether what changed decides about other files."""
    return path.rpartition("/")[2] == ".gitignore"


def _never(_lost: int, _before: int) -> bool:
    return False


def _said(error: AnswerableError) -> str:
    return f"{error.code}: {error.message}; {error.hint}"


def _may_pass(error: AnswerableError) -> bool:
    """Return whether trying again soon may help: a share is mounted, a host is up again."""
    if isinstance(error, SourceFailed):
        return error.is_passing
    return isinstance(error, PathMissing) or not isinstance(error, BadInput | NotAllowed)


def _delay_s(error: AnswerableError) -> float:
    return _BUSY_S if isinstance(error, Locked) else _RETRY_S


def _result(report: Report) -> str:
    sealed = "nothing changed" if report.revision is None else f"revision {report.revision}"
    if not report.withheld:
        return sealed
    return f"{sealed}; {report.withheld} documents seem lost and are kept until a person says so"
