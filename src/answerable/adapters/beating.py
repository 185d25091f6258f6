"""A job that is being done says so by itself, however long one step of it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from answerable.domain.clock import Clock
from answerable.domain.errors import AnswerableError
from answerable.library.report import Progress
from answerable.operations.flow import JOB_LEASE_S
from answerable.operations.ports import Job, JobState, Leases

_LOOK_S = 1.0
_SAY_EVERY_MS = 3_000
_BEAT_EVERY_MS = JOB_LEASE_S * 1000 / 4
_LEAST_MS = 1_000


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The work is to end here: the job was cancelled or taken over, or the service stops.

    Attributes:
        is_lost: Whether the job is somebody else's by now, or nobody's.
    """

    def __init__(self, because: str, *, is_lost: bool) -> None:
        super().__init__(because)
        self.is_lost = is_lost


class Beating:
    """Keeps the lease of a job from a thread of its own; use it as a context manager.

    Fits `library.report.Progress`: what it hears is passed on and told with rate and time left.
    Once the job is lost or the service stops, the next thing it hears raises `Stopped`.

    Args:
        leases: Where the job was claimed.
        job: The job.
        clock: For rates.
        progress: Who else wants to hear.
        is_stopping: Whether the service stops.
    """

    def __init__(
        self,
        leases: Leases,
        job: Job,
        clock: Clock,
        progress: Progress,
        *,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._leases = leases
        self._job = job
        self._clock = clock
        self._progress = progress
        self._is_stopping = is_stopping
        self._is_lost = False
        self._said = ""
        self._told = ""
        self._beat_ms = clock.monotonic_ms()
        self._began_ms = self._beat_ms
        self._files = 0
        self._over = Event()
        self._thread = Thread(target=self._keep, name=f"beat {job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def begin(self, source: str, files: int) -> None:
        """Pass it on; rates count from here."""
        self._files, self._began_ms = files, self._clock.monotonic_ms()
        self._say(f"{files:,} files to look at")
        self._progress.begin(source, files)

    def file(self, done: int, chunks: int) -> None:
        """Pass it on, with rate and time left for the job."""
        took_ms = max(self._clock.monotonic_ms() - self._began_ms, _LEAST_MS)
        rate = done / took_ms * 1000
        left = f", {(self._files - done) / rate:,.0f} s left" if 0 < done < self._files else ""
        self._say(f"{done:,} of {max(self._files, done):,} files, {rate:,.0f} a second{left}")
        self._progress.file(done, chunks)

    def fetched(self, files: int) -> None:
        """Tell how many files have come from far away."""
        self._say(f"{files:,} files fetched")

    def kept(self, documents: int) -> None:
        """Pass it on."""
        self.check()
        self._progress.kept(documents)

    def stage(self, name: str) -> None:
        """Pass it on, if the job is still ours: what was cancelled is not sealed."""
        self.look()
        self._say(name)
        self._progress.stage(name)

    def check(self) -> None:
        """Return while the work may go on.

        Raises:
            Stopped: It may not.
        """
        if self._is_lost:
            raise Stopped("it was cancelled or taken over", is_lost=True)
        if self._is_stopping():
            raise Stopped("the service is stopping", is_lost=False)

    def _say(self, text: str) -> None:
        self.check()
        self._said = text

    def _keep(self) -> None:
        while not self._over.wait(_LOOK_S):
            # On a full disk it may fail; the lease lasts for several tries.
            with suppress(AnswerableError):
                self.look()

    def look(self) -> None:
        """Find out whether the job is still ours, and beat when it is time."""
        now = self._leases.job(self._job.id)
        if now is None or (now.state, now.fence) != (JobState.RUNNING, self._job.fence):
            self._is_lost = True
            return
        since_ms = self._clock.monotonic_ms() - self._beat_ms
        is_news = self._said != self._told and since_ms >= _SAY_EVERY_MS
        if is_news or since_ms >= _BEAT_EVERY_MS:
            self._told = self._said
            self._beat_ms = self._clock.monotonic_ms()
            if not self._leases.heartbeat(self._job, lease_s=JOB_LEASE_S, progress=self._told):
                self._is_lost = True
