"""What operations need from the outside world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from answerable.operations.sources import RegisteredSource, SourceHealth, SourceSpec


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A piece of work that survives its worker.

    Attributes:
        key: Two unfinished jobs of one kind never share a key.
        fence: Rises with every claim; only the holder of the newest may write.
        lease_until_ms: Until when the holder owns it; 0 when nobody does.
        not_before_ms: Not claimed before then; 0 for at once.
        result: What came of it, or the error, as text for people.
    """

    id: str
    kind: str
    key: str
    payload: Mapping[str, str] = field(default_factory=dict)
    state: JobState = JobState.QUEUED
    attempts: int = 0
    attempts_max: int = 3
    fence: int = 0
    holder: str = ""
    lease_until_ms: int = 0
    not_before_ms: int = 0
    progress: str = ""
    result: str = ""
    created_ms: int = 0
    updated_ms: int = 0


class Leases(Protocol):
    """One small table for background work and for the keeper lease.

    Time is the database's. Every method may raise `StorageFailure`.
    """

    def enqueue(
        self, kind: str, key: str, payload: Mapping[str, str], *, attempts_max: int = 3
    ) -> Job:
        """Store a job and return it; if an unfinished one has this kind and key, return that."""
        ...

    def waiting(self, kind: str) -> bool:
        """Return whether a job of this kind could be claimed now. Reads only."""
        ...

    def claim(self, kinds: Sequence[str], *, holder: str, lease_s: float) -> Job | None:
        """Take the oldest job that is queued and not to wait, or whose lease ran out; or None.

        Counts an attempt and raises the fence. A job whose lease ran out with no attempt left
        becomes FAILED instead.
        """
        ...

    def heartbeat(self, job: Job, *, lease_s: float, progress: str = "") -> bool:
        """Extend the lease; False when it is no longer held with this fence: stop working."""
        ...

    def finish(self, job: Job, *, result: str) -> bool:
        """Mark it done; False when the lease is no longer held with this fence."""
        ...

    def fail(self, job: Job, *, error: str, retry: bool, delay_s: float = 0.0) -> bool:
        """Give it back for another attempt after a while, or mark it failed; False as above."""
        ...

    def postpone(self, job: Job, *, because: str, delay_s: float = 0.0) -> bool:
        """Give it back for later as if it had not been claimed: no attempt is counted.

        False as above.
        """
        ...

    def hasten(self, job_id: str) -> Job | None:
        """Let a job that waits to be tried again be claimed at once; return it as it is now.

        One that runs or has ended stays as it is.
        """
        ...

    def cancel(self, job_id: str, *, because: str) -> bool:
        """Mark a job that waits or runs as failed; False when it has ended, or is none.

        Whoever works on it loses its lease by that, and learns it with the next heartbeat.
        """
        ...

    def expire(self, kind: str, *, holder: str | None = None) -> int:
        """End the lease of every running job of a kind; return how many there were.

        They can be claimed at once, before younger ones. For a caller that knows that no worker
        is alive, by a lock that workers hold, or that this holder is not.
        """
        ...

    def job(self, job_id: str) -> Job | None:
        """Return one job."""
        ...

    def jobs(self, kind: str, states: Collection[JobState]) -> Sequence[Job]:
        """Return the jobs of a kind in these states, oldest first."""
        ...

    def recent(self, *, limit: int) -> Sequence[Job]:
        """Return jobs, newest first."""
        ...

    def forget(self, older_than_ms: int) -> int:
        """Delete jobs that ended (DONE or FAILED) before a time; return how many.

        Deletes a thousand at most, so that it ends soon. No later job gets their ids.
        """
        ...

    def discard(self, job_ids: Collection[str]) -> None:
        """Delete jobs whatever their state. For a caller that knows that nobody works on them."""
        ...

    def hold(self, name: str, *, holder: str, lease_s: float) -> int | None:
        """Take or extend a named lease (`keeper`); return its fence, None while another holds it.

        The fence rises when the holder changes.
        """
        ...

    def release(self, name: str, *, holder: str) -> None:
        """Give a named lease back, if held."""
        ...


class SourceRegistry(Protocol):
    """The sources operators registered. Every method may raise `StorageFailure`.

    What it returns has been made durable, wholly or not at all.
    """

    def add(self, spec: SourceSpec, *, who: str, at_ms: int) -> RegisteredSource:
        """Register a source and return it.

        Raises:
            Conflict: One of this name, or one that reads the same place, is registered.
        """
        ...

    def source(self, name: str) -> RegisteredSource | None:
        """Return one source."""
        ...

    def sources(self) -> tuple[RegisteredSource, ...]:
        """Return all sources by name."""
        ...

    def change(
        self, name: str, how: Callable[[SourceHealth], SourceHealth]
    ) -> RegisteredSource | None:
        """Replace the health of a source and return it; None when it is gone.

        `how` sees it as nobody else can change it meanwhile, and MUST return at once.
        """
        ...

    def drop(self, name: str) -> bool:
        """Forget a source; its documents stay. False when there is none."""
        ...
