"""Background work: claim jobs, do them, give them back. A dead worker's job is taken over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from answerable.domain.clock import Clock
from answerable.domain.errors import AnswerableError, Locked, NotReady, StorageFailure
from answerable.operations.ports import Job, Leases

KEEPER = "keeper"
KEEPER_LEASE_S = 10.0
JOB_LEASE_S = 60.0
_BATCH_JOBS = 100
_BATCH_BYTES = 64_000_000
_BEAT_MS = 5_000
_DELAY_S_MAX = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What came of one job: a result for people, or an error.

    Attributes:
        retry: Whether another attempt may mend the error.
    """

    result: str = ""
    error: str = ""
    retry: bool = False


class Every:
    """Says when something is due again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_ms = clock.monotonic_ms()

    def is_due(self, every_s: float) -> bool:
        """Return whether it is due, and if so note that it is done now."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._next_ms:
            return False
        self._next_ms = now_ms + every_s * 1000
        return True


class Backoff:
    """Says how long to wait after failures: 1, 2, 4 and so on up to 60 seconds, then on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._delay_s = 0.0
        self._until_ms = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is time to try."""
        return not self._delay_s or self._clock.monotonic_ms() >= self._until_ms

    def note(self, *, failed: bool) -> None:
        """Wait longer than last time, or not at all after what went well."""
        self._delay_s = min(max(2 * self._delay_s, 1.0), _DELAY_S_MAX) if failed else 0.0
        self._until_ms = self._clock.monotonic_ms() + self._delay_s * 1000


def claim_batch(
    leases: Leases, kind: str, *, holder: str, size: Callable[[Job], int]
) -> tuple[Job, ...]:
    """Return waiting jobs of a kind that fit in one batch, claimed, oldest first.

    Args:
        leases: Where they wait.
        kind: Of the jobs.
        holder: Who claims.
        size: Bytes a job needs in memory. No more is claimed once a batch needs 64 MB.
    """
    jobs: list[Job] = []
    size_bytes = 0
    while len(jobs) < _BATCH_JOBS and size_bytes < _BATCH_BYTES:
        try:
            job = leases.claim((kind,), holder=holder, lease_s=JOB_LEASE_S)
        except (StorageFailure, Locked):
            if not jobs:
                raise
            break  # what is claimed must be done or given back
        if job is None:
            break
        jobs.append(job)
        size_bytes += size(job)
    return tuple(jobs)


def newest_wins(
    jobs: Sequence[Job],
    subject: Callable[[Job], str],
    do: Callable[[Sequence[Job]], Mapping[str, Done]],
) -> dict[str, Done]:
    """Do the newest job of each subject, an older one only when the newer came to nothing.

    Args:
        jobs: Oldest first.
        subject: What a job is about.
        do: Does jobs of different subjects; returns what came of each by job id.

    Returns:
        What came of each job, by job id.
    """
    done: dict[str, Done] = {}
    left = tuple(jobs)
    while left:
        newest = {subject(job): job for job in left}
        done |= do(tuple(newest.values()))
        wins = {about: job for about, job in newest.items() if not done[job.id].error}
        older = [job for job in left if job.id not in done]
        left = tuple(job for job in older if subject(job) not in wins)
        for job in older:
            if winner := wins.get(subject(job)):
                done[job.id] = Done(result=f"superseded by the newer {winner.id}")
    return done


def work_batch(
    leases: Leases, jobs: Sequence[Job], do: Callable[[], Mapping[str, Done]]
) -> frozenset[str]:
    """Do claimed jobs together, note what came of each and return the ids of those that ended.

    The others wait to be tried again. A failure that is not about a job (a full disk, a
    locked library, a shutdown) counts as no attempt: it may last longer than any number of
    them.

    Args:
        leases: Where they were claimed.
        jobs: The jobs.
        do: Does all of them; returns what came of each by job id.
    """
    try:
        results = do()
    except AnswerableError as error:
        counts = not isinstance(error, StorageFailure | Locked | NotReady)
        _give_back(leases, jobs, f"{error.code}: {error.message}", counts=counts)
        return frozenset()
    except Exception as error:
        _give_back(leases, jobs, f"the worker failed: {type(error).__name__}", counts=True)
        raise
    except BaseException:
        _give_back(leases, jobs, "the worker was stopped", counts=False)
        raise
    nothing = Done(error="nothing came of it")
    return frozenset(job.id for job in jobs if _settle(leases, job, results.get(job.id, nothing)))


def _settle(leases: Leases, job: Job, done: Done) -> bool:
    """Note what came of a job; return whether it has ended by that."""
    if not done.error:
        return leases.finish(job, result=done.result)
    return leases.fail(job, error=done.error, retry=done.retry) and not done.retry


def _give_back(leases: Leases, jobs: Sequence[Job], because: str, *, counts: bool) -> None:
    for job in jobs:
        # On a full disk this may fail too. Its lease then runs out by itself.
        with suppress(AnswerableError):
            if counts:
                leases.fail(job, error=because, retry=True)
            else:
                leases.postpone(job, because=because)


class Heartbeat:
    """A progress of ingestion that keeps the leases of its jobs alive.

    Fits `library.report.Progress`. Beats at most every five seconds, whatever it hears.

    Args:
        leases: Where the jobs were claimed.
        jobs: The jobs.
        clock: For the five seconds.
        is_stopping: Whether the run shall end: then the next thing heard raises `NotReady`.
    """

    def __init__(
        self,
        leases: Leases,
        jobs: Sequence[Job],
        clock: Clock,
        *,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._leases = leases
        self._jobs = jobs
        self._clock = clock
        self._is_stopping = is_stopping
        self._last_ms = clock.monotonic_ms()

    def begin(self, source: str, files: int) -> None:
        """Beat."""
        self._beat(f"{source}: {files} files")

    def file(self, done: int, chunks: int) -> None:
        """Beat."""
        self._beat(f"{done} files, {chunks} chunks")

    def kept(self, documents: int) -> None:
        """Beat."""
        self._beat(f"{documents} documents kept")

    def stage(self, name: str) -> None:
        """Beat."""
        self._beat(name)

    def _beat(self, progress: str) -> None:
        if self._is_stopping():
            raise NotReady("the service is stopping", hint="it goes on when the service is back")
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._last_ms < _BEAT_MS:
            return
        self._last_ms = now_ms
        for job in self._jobs:
            self._leases.heartbeat(job, lease_s=JOB_LEASE_S, progress=progress)
