"""Claiming, doing and giving back jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from answerable.adapters.state.memory import MemoryLeases
from answerable.domain.errors import BadInput, DiskFull, NotReady, StorageFailure
from answerable.operations import flow
from answerable.operations.flow import (
    JOB_LEASE_S,
    Backoff,
    Done,
    Heartbeat,
    newest_wins,
    work_batch,
)
from answerable.operations.ports import Job, JobState


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_ms = 0

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_ms(self) -> float:
        return float(self.at_ms)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(clock: Clock) -> MemoryLeases:
    return MemoryLeases(now_ms=clock.now_ms)


def claim_batch(leases: MemoryLeases, kind: str, *, holder: str) -> tuple[Job, ...]:
    """Claim jobs that need no memory worth mentioning."""
    return flow.claim_batch(leases, kind, holder=holder, size=lambda _: 0)


def _never() -> bool:
    return False


def _state(leases: MemoryLeases, job: Job) -> JobState:
    found = leases.job(job.id)
    assert found is not None
    return found.state


def test_a_batch_takes_what_waits(leases: MemoryLeases) -> None:
    """All queued jobs of the kind are claimed, others are not."""
    for key in ("a", "b"):
        leases.enqueue("upload", key, {})
    leases.enqueue("other", "c", {})
    assert [job.key for job in claim_batch(leases, "upload", holder="me")] == ["a", "b"]
    assert claim_batch(leases, "upload", holder="me") == ()


def test_each_job_ends_as_its_result_says(leases: MemoryLeases) -> None:
    """A result finishes, an error fails for good, and a forgotten job is not called done."""
    for key in "abc":
        leases.enqueue("upload", key, {})
    jobs = claim_batch(leases, "upload", holder="me")
    done = {jobs[0].id: Done(result="revision 1"), jobs[1].id: Done(error="malformed")}
    assert work_batch(leases, jobs, lambda: done) == {job.id for job in jobs}
    assert [_state(leases, job) for job in jobs] == [
        JobState.DONE,
        JobState.FAILED,
        JobState.FAILED,
    ]


def test_a_failing_disk_gives_every_job_back(leases: MemoryLeases) -> None:
    """However often the whole batch fails: each job waits, and no attempt is counted."""
    leases.enqueue("upload", "a", {}, attempts_max=1)

    def full() -> dict[str, Done]:
        raise DiskFull("no room left", hint="make room")

    for _ in range(5):
        jobs = claim_batch(leases, "upload", holder="me")
        assert work_batch(leases, jobs, full) == frozenset()
        assert _state(leases, jobs[0]) is JobState.QUEUED


def test_a_batch_that_is_at_fault_uses_up_attempts(leases: MemoryLeases) -> None:
    """What is not the disk's, the lock's or a shutdown's fault is not tried for ever."""
    leases.enqueue("upload", "a", {}, attempts_max=2)

    def bad() -> dict[str, Done]:
        raise BadInput("not a path", hint="name one")

    states = []
    for _ in range(2):
        jobs = claim_batch(leases, "upload", holder="me")
        work_batch(leases, jobs, bad)
        states.append(_state(leases, jobs[0]))
    assert states == [JobState.QUEUED, JobState.FAILED]


def test_an_error_that_may_pass_is_tried_again(leases: MemoryLeases) -> None:
    """A job with such an error has not ended, the others have."""
    for key in "ab":
        leases.enqueue("upload", key, {})
    jobs = claim_batch(leases, "upload", holder="me")
    done = {jobs[0].id: Done(error="a bad sector", retry=True), jobs[1].id: Done(result="ok")}
    assert work_batch(leases, jobs, lambda: done) == {jobs[1].id}
    assert _state(leases, jobs[0]) is JobState.QUEUED
    assert [job.id for job in claim_batch(leases, "upload", holder="me")] == [jobs[0].id]


def test_a_batch_ends_when_it_is_large(leases: MemoryLeases) -> None:
    """Jobs are claimed until they need 64 MB; the next batch takes the rest."""
    for key in "abc":
        leases.enqueue("upload", key, {})
    keys = [
        [
            job.key
            for job in flow.claim_batch(leases, "upload", holder="me", size=lambda _: 32 << 20)
        ]
        for _ in range(2)
    ]
    assert keys == [["a", "b"], ["c"]]


def test_a_claim_that_fails_leaves_nobody_behind(
    leases: MemoryLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was claimed before the disk was full is still done, or given back."""
    for key in "ab":
        leases.enqueue("upload", key, {})
    claim = leases.claim
    rounds = iter([False, True, True])

    def may_fail(kinds: Sequence[str], *, holder: str, lease_s: float) -> Job | None:
        if next(rounds):
            raise StorageFailure("no room left", hint="make room")
        return claim(kinds, holder=holder, lease_s=lease_s)

    monkeypatch.setattr(leases, "claim", may_fail)
    assert [job.key for job in claim_batch(leases, "upload", holder="me")] == ["a"]
    with pytest.raises(StorageFailure):
        claim_batch(leases, "upload", holder="me")


def test_the_newest_of_a_subject_wins(leases: MemoryLeases) -> None:
    """An older job is done only when every newer one of its subject came to nothing."""
    for subject, ends in (("a", "ok"), ("b", "ok"), ("a", "bad"), ("b", "ok"), ("a", "bad")):
        key = str(len(leases.recent(limit=9)))
        leases.enqueue("upload", key, {"subject": subject, "ends": ends})
    jobs = claim_batch(leases, "upload", holder="me")
    asked: list[set[str]] = []

    def do(some: Sequence[Job]) -> Mapping[str, Done]:
        asked.append({job.key for job in some})
        return {
            job.id: Done(result="ok") if job.payload["ends"] == "ok" else Done(error="bad")
            for job in some
        }

    done = newest_wins(jobs, lambda job: job.payload["subject"], do)
    assert asked == [{"3", "4"}, {"2"}, {"0"}]
    assert [done[job.id].error for job in jobs] == ["", "", "bad", "", "bad"]
    assert done[jobs[1].id].result == f"superseded by the newer {jobs[3].id}"


def test_waits_between_failures_double_up_to_a_minute(clock: Clock) -> None:
    """And end with the first success."""
    backoff = Backoff(clock)
    waits = []
    for _ in range(8):
        backoff.note(failed=True)
        began_ms = clock.at_ms
        while not backoff.is_over:
            clock.at_ms += 500
        waits.append((clock.at_ms - began_ms) / 1000)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.note(failed=True)
    backoff.note(failed=False)
    assert backoff.is_over


def test_a_worker_that_is_stopped_gives_its_jobs_back(leases: MemoryLeases) -> None:
    """Ctrl-C loses no job and costs no attempt."""
    leases.enqueue("upload", "a", {}, attempts_max=1)
    jobs = claim_batch(leases, "upload", holder="me")

    def stopped() -> dict[str, Done]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_batch(leases, jobs, stopped)
    assert _state(leases, jobs[0]) is JobState.QUEUED


def test_a_run_ends_when_the_service_stops(leases: MemoryLeases, clock: Clock) -> None:
    """With the next thing it hears, not only when a beat is due."""
    is_stopping = False
    beat = Heartbeat(leases, (), clock, is_stopping=lambda: is_stopping)
    beat.begin("upload", 1)
    is_stopping = True
    with pytest.raises(NotReady):
        beat.kept(1)


def test_progress_keeps_leases_alive(leases: MemoryLeases, clock: Clock) -> None:
    """A run longer than a lease is not taken over while it reports progress."""
    leases.enqueue("upload", "a", {})
    jobs = claim_batch(leases, "upload", holder="me")
    beat = Heartbeat(leases, jobs, clock, is_stopping=_never)
    for _ in range(4):
        clock.at_ms += int(JOB_LEASE_S * 500)
        beat.file(1, 1)
    assert claim_batch(leases, "upload", holder="you") == ()
    clock.at_ms += int(JOB_LEASE_S * 1000) + 1
    assert len(claim_batch(leases, "upload", holder="you")) == 1
