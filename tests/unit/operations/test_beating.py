"""A job that is being done says so by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from answerable.adapters.beating import Beating, Stopped
from answerable.adapters.state.memory import MemoryLeases
from answerable.library.report import Silent
from answerable.operations.ports import Job


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(clock: Clock) -> MemoryLeases:
    return MemoryLeases(now_ms=clock.now_ms)


def claimed(leases: MemoryLeases) -> Job:
    leases.enqueue("sync", "a", {})
    job = leases.claim(("sync",), holder="me", lease_s=60)
    assert job is not None
    return job


def beating(
    leases: MemoryLeases, job: Job, clock: Clock, *, stops: Callable[[], bool] = lambda: False
) -> Beating:
    return Beating(leases, job, clock, Silent(), is_stopping=stops)


def looked(leases: MemoryLeases, beats: Beating, job: Job) -> Job:
    """Return the job after its thread has looked once more."""
    beats.look()
    found = leases.job(job.id)
    assert found is not None
    return found


def test_the_lease_lasts_while_one_step_takes_long(leases: MemoryLeases, clock: Clock) -> None:
    """Nothing is heard for ten minutes, and nobody takes the job over."""
    job = claimed(leases)
    beats = beating(leases, job, clock)
    for _ in range(60):
        clock.ms += 10_000
        found = looked(leases, beats, job)
        assert found.lease_until_ms > clock.ms
        assert leases.claim(("sync",), holder="you", lease_s=60) is None


def test_progress_is_told_with_rate_and_time_left(leases: MemoryLeases, clock: Clock) -> None:
    """A person sees how far it is, seldom enough not to wear out the disk."""
    job = claimed(leases)
    beats = beating(leases, job, clock)
    beats.begin("folder:/docs", 1_000)
    clock.ms += 5_000
    beats.file(250, 700)
    assert looked(leases, beats, job).progress == "250 of 1,000 files, 50 a second, 15 s left"
    clock.ms += 1_000
    beats.file(300, 800)
    assert looked(leases, beats, job).progress.startswith("250"), "not every second"
    clock.ms += 2_000
    assert looked(leases, beats, job).progress.startswith("300")
    clock.ms += 3_000
    beats.stage("indexing")
    assert looked(leases, beats, job).progress == "indexing"


def test_work_stops_when_the_job_is_no_longer_ours(leases: MemoryLeases, clock: Clock) -> None:
    """Cancelled or taken over: the next step is not begun."""
    for lose in (
        lambda job: leases.cancel(job.id, because="cancelled"),
        lambda _: leases.expire("sync") and leases.claim(("sync",), holder="you", lease_s=60),
    ):
        job = claimed(leases)
        beats = beating(leases, job, clock)
        beats.file(1, 1)
        assert lose(job)
        with pytest.raises(Stopped) as stopped:
            beats.stage("sealing")
        assert stopped.value.is_lost
        taken = leases.job(job.id)
        assert taken is not None
        if taken.holder:
            leases.cancel(job.id, because="next")


def test_work_stops_when_the_service_does(leases: MemoryLeases, clock: Clock) -> None:
    """And the job is still ours to give back."""
    job = claimed(leases)
    beats = beating(leases, job, clock, stops=lambda: True)
    with pytest.raises(Stopped) as stopped:
        beats.kept(1)
    assert not stopped.value.is_lost
    assert leases.postpone(job, because=str(stopped.value))


def test_its_thread_ends_with_the_work(leases: MemoryLeases, clock: Clock) -> None:
    """However that ends."""
    beats = beating(leases, claimed(leases), clock)
    with pytest.raises(ZeroDivisionError), beats:
        raise ZeroDivisionError
    assert not beats._thread.is_alive()
