"""Work nobody waits for: queued uploads, and texts and jobs past their retention."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock

from answerable.adapters.clock import new_id
from answerable.adapters.inbox import Inbox
from answerable.app import registered
from answerable.app.tools import Tools
from answerable.domain.errors import (
    AnswerableError,
    BadInput,
    Corrupt,
    DiskFull,
    Locked,
    StorageFailure,
)
from answerable.library.landmarks import in_words
from answerable.library.ports import UPLOAD_SOURCE, Source
from answerable.library.report import Change, Progress, Report
from answerable.operations import flow as operations
from answerable.operations.ports import Job, JobState
from answerable.operations.retention import retired
from answerable.settings import Settings

UPLOAD_JOB = "upload"
# Only a worker that dies or a file that cannot be read counts as one.
_ATTEMPTS_MAX = 10
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FORGET_EVERY_S = 60.0
_RETIRE_EVERY_S = 3_600.0
_JOBS_DAYS = 30
_STOP_S = 10.0

Ingest = Callable[[Source, Progress, str], Report]
"""Ingests a source with the writer lock held: source, progress, why."""


class Background:
    """What one process does for all, if it holds the keeper lease.

    The lease only spares the others the work. What must not happen twice at once is guarded by
    the writer lock of the library and by the fence of each job.

    Args:
        settings: Where things are, and limits.
        tools: Storage and clock.
        ingest: For uploads.
        holder: Who claims jobs and the keeper lease.
        fill: Computes vectors for about a second if any are lacking; says whether it did.
        needed: Gives the numbers of revisions that are kept whatever their age.
        purge: Finishes what is to be purged; says how many purges that were. Needs the writer lock
            for itself.
        watch: Looks after a canary; says whether there was anything to do.
    """

    def __init__(
        self,
        settings: Settings,
        tools: Tools,
        ingest: Ingest,
        *,
        holder: str,
        fill: Callable[[], bool],
        needed: Callable[[], Collection[int]],
        purge: Callable[[], int],
        watch: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._tools = tools
        self._ingest = ingest
        self._inbox = Inbox(settings.data / "inbox")
        self._fill = fill
        self._needed = needed
        self._purge = purge
        self._watch = watch
        self._holder = holder
        self._term: int | None = None
        self._swept_term: int | None = None
        self._keeps = operations.Every(tools.clock)
        self._forgets = operations.Every(tools.clock)
        self._retires = operations.Every(tools.clock)
        self._backoff = operations.Backoff(tools.clock)
        self._purging = operations.Backoff(tools.clock)
        self._round = Lock()
        self._is_stopping = Event()

    def submit(
        self,
        path: str,
        data: bytes | None,
        *,
        source: str = UPLOAD_SOURCE,
    ) -> Job:
        """Store a file that was sent durably and queue it for ingestion.

        Args:
            path: Where it shall stand below its source.
            data: Its bytes; None queues that it shall vanish.
            source: Name of the source.

        Raises:
            BadInput: The path is not a safe relative path, or the file is too large.
        """
        from answerable.adapters.sources.upload import safe_path

        most_mb = self._settings.ingest.size_mb_max
        if data is not None and len(data) > self._size_max_bytes:
            raise BadInput(
                f"the file is larger than {most_mb} MB",
                hint="split it, or raise ingest.size_mb_max in answerable.toml",
            )
        safe = safe_path(path)
        made = new_id(self._tools.clock.now_ms())
        name = "" if data is None else self._inbox.put(made, data)
        try:
            return self._tools.leases.enqueue(
                UPLOAD_JOB,
                f"{source}\0{safe}\0{made}",
                {
                    "path": safe,
                    "source": source,
                    "file": name,
                    "bytes": str(len(data or b"")),
                },
                attempts_max=_ATTEMPTS_MAX,
            )
        except AnswerableError:
            self._drop(name)
            raise

    def _drop(self, name: str) -> None:
        """Delete a stored file; there is none of what shall vanish."""
        if name:
            with suppress(AnswerableError):
                self._inbox.drop(name)

    def work_once(self) -> bool:
        """Do one round if this process is the keeper; return whether there was anything to do.

        Cheap when there is not, so it may be called twice a second.
        """
        with self._round:
            if self._is_stopping.is_set() or not self._keep():
                return False
            done = self._sweep() + self._forget() + self._retire() + self._erase()
            done += self._take_uploads() + self._watch()
            return done + self._fill() > 0

    def close(self) -> None:
        """Stop the round that is under way, its jobs given back, and give up the keeper lease.

        Waits ten seconds at most: a round that does not stop keeps its leases, which run out.
        """
        self._is_stopping.set()
        if not self._round.acquire(timeout=_STOP_S):
            return
        try:
            if self._term is not None:
                with suppress(AnswerableError):  # it runs out by itself
                    self._tools.leases.release(operations.KEEPER, holder=self._holder)
            self._term = None
        finally:
            self._round.release()

    @property
    def _size_max_bytes(self) -> int:
        return self._settings.ingest.size_mb_max * 1_000_000

    def _keep(self) -> bool:
        """Return whether this process is the keeper; its term is named by the lease's fence."""
        if self._keeps.is_due(operations.KEEPER_LEASE_S / 3):
            self._term = None  # until the lease says otherwise, and it may fail to
            self._term = self._tools.leases.hold(
                operations.KEEPER, holder=self._holder, lease_s=operations.KEEPER_LEASE_S
            )
        return self._term is not None

    def _sweep(self) -> int:
        """Once a term, delete stored files that no job needs, and originals of nothing.

        The file of a job that failed because its worker died again and again is kept as long
        as the job.
        """
        if self._swept_term == self._term:
            return 0
        self._swept_term = self._term
        needed = self._tools.leases.jobs(UPLOAD_JOB, set(JobState) - {JobState.DONE})
        older_than_ms = self._tools.clock.now_ms() - _HOUR_MS
        dropped = self._inbox.sweep(
            {job.payload["file"] for job in needed} - {""}, older_than_ms=older_than_ms
        )
        return dropped + self._sweep_originals(older_than_ms=older_than_ms)

    def _sweep_originals(self, *, older_than_ms: int) -> int:
        """Delete the originals of what is neither stored nor to be retried."""
        wanted: frozenset[str] = frozenset()
        if self._settings.ingest.keep_originals:
            ill = {one.bytes_hash for one in self._tools.quarantine.all()}
            wanted = self._tools.state.bytes_hashes() | ill
        return self._tools.originals.sweep(wanted, older_than_ms=older_than_ms)

    def _forget(self) -> int:
        if not self._forgets.is_due(_FORGET_EVERY_S):
            return 0
        now_ms = self._tools.clock.now_ms()
        texts = self._tools.ledger.forget_texts(now_ms - self._settings.traces.text_days * _DAY_MS)
        return texts + self._tools.leases.forget(now_ms - _JOBS_DAYS * _DAY_MS)

    def _retire(self) -> int:
        """Let go of revisions that have had their time; return how many."""
        if not self._retires.is_due(_RETIRE_EVERY_S):
            return 0
        if not self._retirable():
            return 0
        tools = self._tools
        try:
            with tools.state.writer(is_brief=True):
                numbers = self._retirable()  # again: one may have been pinned meanwhile
                tools.state.retire(numbers, at_ms=tools.clock.now_ms())
                tools.index.sweep({(one.number, one.manifest) for one in tools.state.revisions()})
                self._sweep_originals(older_than_ms=tools.clock.now_ms() - _HOUR_MS)
        except Locked:
            return 0  # whoever writes may build on one of them; in an hour again
        with suppress(Locked, DiskFull), tools.state.writer():
            tools.state.compact()
        return len(numbers)

    def _retirable(self) -> tuple[int, ...]:
        """Return the revisions that have had their time."""
        rules = self._settings.revisions
        return retired(
            self._tools.state.revisions(),
            now_ms=self._tools.clock.now_ms(),
            days=rules.days,
            least=rules.least,
            needed=self._needed(),
        )

    def _erase(self) -> int:
        """Finish what is to be purged, unless somebody is writing just now; return how many."""
        if not self._purging.is_over:
            return 0
        try:
            done = self._purge()
        except Locked:
            self._purging.note(failed=True)
            return 0
        except Exception:
            self._purging.note(failed=True)
            raise
        self._purging.note(failed=False)
        return done

    def _take_uploads(self) -> int:
        """Ingest what waits; return how many files.

        A stored file is dropped only when its job is done or the file itself was refused.
        """
        if not self._backoff.is_over or not self._tools.leases.waiting(UPLOAD_JOB):
            return 0
        try:
            with self._tools.state.writer():
                jobs, ended = self._work_batch()
        except Locked:
            return 0
        except Exception:
            self._backoff.note(failed=True)
            raise
        self._backoff.note(failed=len(ended) < len(jobs))
        for job in jobs:
            if job.id in ended and job.payload["file"]:
                self._inbox.drop(job.payload["file"])
        return len(jobs)

    def _work_batch(self) -> tuple[tuple[Job, ...], frozenset[str]]:
        """With the writer lock held, do what waits; return the jobs and the ids of ended ones."""
        leases = self._tools.leases
        # Uploads are worked under this lock only, so whoever had claimed one is dead. Its jobs
        # come before younger ones, or an old upload would replace a newer one of its path.
        leases.expire(UPLOAD_JOB)
        jobs = operations.claim_batch(leases, UPLOAD_JOB, holder=self._holder, size=_size)
        beat = operations.Heartbeat(
            leases, jobs, self._tools.clock, is_stopping=self._is_stopping.is_set
        )
        ended = operations.work_batch(
            leases,
            jobs,
            lambda: operations.newest_wins(jobs, _subject, lambda some: self._taken(some, beat)),
        )
        return jobs, ended

    def _taken(self, jobs: Sequence[Job], beat: Progress) -> Mapping[str, operations.Done]:
        """Ingest what was sent to different places, each source for itself."""
        done: dict[str, operations.Done] = {}
        for source in dict.fromkeys(map(_source, jobs)):
            some = [job for job in jobs if _source(job) == source]
            done |= self._upload(source, some, beat)
        return done

    def _upload(
        self, source: str, jobs: Sequence[Job], beat: Progress
    ) -> Mapping[str, operations.Done]:
        """Ingest files of one source as one revision; return what came of each job."""
        from answerable.adapters.sources.upload import Uploads

        if self._is_removed(source):
            gone = operations.Done(error="the source they were sent to was removed")
            return {job.id: gone for job in jobs}
        done: dict[str, operations.Done] = {}
        files: dict[str, bytes | None] = {}
        for job in jobs:
            name = job.payload["file"]
            try:
                files[_path(job)] = self._inbox.get(name) if name else None
            except StorageFailure as error:
                done[job.id] = operations.Done(
                    error=f"{error.code}: {error.message}", retry=not isinstance(error, Corrupt)
                )
        if files:
            sent = Uploads(files, name=source, size_max_bytes=self._size_max_bytes)
            to = "" if source == UPLOAD_SOURCE else f" to {source}"
            report = self._ingest(sent, beat, f"{len(files)} uploaded files{to}")
            done |= {job.id: _done(report, _path(job)) for job in jobs if job.id not in done}
        return done

    def _is_removed(self, source: str) -> bool:
        if source == UPLOAD_SOURCE:
            return False
        return registered.spec_of(source, self._tools.sources.sources()) is None


def _source(job: Job) -> str:
    """Return to which source a file was sent."""
    return job.payload.get("source", UPLOAD_SOURCE)


def _subject(job: Job) -> str:
    return f"{_source(job)}\0{_path(job)}"


def _path(job: Job) -> str:
    return job.payload["path"]


def _size(job: Job) -> int:
    return int(job.payload.get("bytes", "0"))


def _done(report: Report, path: str) -> operations.Done:
    sealed = "nothing changed" if report.revision is None else f"revision {report.revision}"
    for outcome in report.outcomes:
        if outcome.path == path and outcome.change in {Change.FAILED, Change.SKIPPED}:
            return operations.Done(error=f"{outcome.code}: {outcome.reason}")
        if outcome.path == path and outcome.findings:
            sealed = f"{sealed}; noticed: {'; '.join(in_words(outcome.findings))}"
    return operations.Done(result=sealed)
