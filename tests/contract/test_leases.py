"""What every `Leases` promises."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from state_samples import Clock, Databases

from answerable.adapters.state.memory import MemoryLeases
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_leases import SqlLeases
from answerable.operations.ports import Job, JobState, Leases

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases, Clock], Leases]] = {
    "memory": lambda _, clock: MemoryLeases(now_ms=clock.now),
    "sqlite": lambda databases, clock: SqlLeases(databases.open(STATE), now_ms=clock.now),
}


@pytest.fixture
def clock() -> Clock:
    """Time for the leases."""
    return Clock()


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def leases(request: pytest.FixtureRequest, databases: Databases, clock: Clock) -> Leases:
    """Every `Leases`, on the clock of the test."""
    return _ADAPTERS[request.param](databases, clock)


def test_a_job_that_failed_waits_before_it_is_tried_again(leases: Leases, clock: Clock) -> None:
    """Nobody hammers what is down; until then it counts as nothing to do."""
    leases.enqueue("sync", "a", {})
    job = claimed(leases, "sync")
    assert leases.fail(job, error="down", retry=True, delay_s=30)
    clock.now_ms += 29_999
    assert not leases.waiting("sync")
    assert leases.claim(("sync",), holder="b", lease_s=60) is None
    clock.now_ms += 1
    assert leases.waiting("sync")
    assert claimed(leases, "sync").attempts == 2


def test_a_job_that_waits_can_be_hastened(leases: Leases) -> None:
    """Somebody asks for it now; one that runs or has ended stays as it is."""
    leases.enqueue("sync", "a", {})
    job = claimed(leases, "sync")
    assert leases.hasten(job.id) == job
    assert leases.fail(job, error="down", retry=True, delay_s=3_600)
    hastened = leases.hasten(job.id)
    assert hastened is not None
    assert (hastened.not_before_ms, hastened.attempts, hastened.result) == (0, 1, "down")
    again = claimed(leases, "sync")
    assert again.attempts == 2
    assert leases.finish(again, result="done")
    ended = leases.hasten(job.id)
    assert ended is not None
    assert ended.state is JobState.DONE
    assert leases.hasten("job-999") is None


def test_a_postponed_job_waits_too(leases: Leases, clock: Clock) -> None:
    """And no attempt of it is counted."""
    leases.enqueue("sync", "a", {})
    assert leases.postpone(claimed(leases, "sync"), because="busy", delay_s=2)
    assert not leases.waiting("sync")
    clock.now_ms += 2_000
    assert claimed(leases, "sync").attempts == 1


def test_a_job_that_waits_or_runs_can_be_cancelled(leases: Leases) -> None:
    """It ends as failed at once; who works on it has lost it; an ended one stays as it is."""
    waits = leases.enqueue("sync", "a", {})
    assert leases.cancel(waits.id, because="cancelled by me")
    ended = leases.job(waits.id)
    assert ended is not None
    assert (ended.state, ended.result) == (JobState.FAILED, "cancelled by me")
    assert leases.claim(("sync",), holder="b", lease_s=60) is None
    leases.enqueue("sync", "a", {})
    runs = claimed(leases, "sync")
    assert leases.cancel(runs.id, because="cancelled by me")
    assert not leases.heartbeat(runs, lease_s=60)
    assert not leases.finish(runs, result="done")
    assert not leases.cancel(runs.id, because="again")
    assert not leases.cancel("job-999", because="none")
    assert not leases.cancel("nonsense", because="none")


def claimed(leases: Leases, kind: str) -> Job:
    """Return the job that can be claimed."""
    job = leases.claim((kind,), holder="a", lease_s=60)
    assert job is not None
    return job


def test_a_job_is_stored_as_it_was_given(leases: Leases, clock: Clock) -> None:
    """Kind, key, payload and time of a new job are those it was enqueued with."""
    job = leases.enqueue("ingest", "upload", {"path": "a ä\n"}, attempts_max=2)
    assert job == Job(
        id=job.id,
        kind="ingest",
        key="upload",
        payload={"path": "a ä\n"},
        attempts_max=2,
        created_ms=clock.now_ms,
        updated_ms=clock.now_ms,
    )
    assert leases.job(job.id) == job
    assert leases.job("no such job") is None
    assert leases.job("job-999") is None


def test_one_unfinished_job_for_a_key(leases: Leases) -> None:
    """Asking again for what is under way gives the same job; another key or kind does not."""
    first = leases.enqueue("ingest", "k", {"n": "1"})
    assert leases.enqueue("ingest", "k", {"n": "2"}) == first
    running = _claim(leases)
    assert leases.enqueue("ingest", "k", {}) == running
    others = {leases.enqueue("ingest", "l", {}).id, leases.enqueue("sync", "k", {}).id}
    assert first.id not in others
    assert len(others) == 2
    leases.finish(running, result="ok")
    assert leases.enqueue("ingest", "k", {}).id != first.id


def test_waiting_tells_whether_a_claim_would_find_work(leases: Leases, clock: Clock) -> None:
    """Queued and run-out jobs wait, claimed and finished ones do not; other kinds never count."""
    assert not leases.waiting("ingest")
    leases.enqueue("ingest", "k", {})
    assert leases.waiting("ingest")
    assert not leases.waiting("sync")
    job = _claim(leases)
    assert not leases.waiting("ingest")
    clock.now_ms = job.lease_until_ms
    assert leases.waiting("ingest")
    assert leases.finish(_claim(leases), result="ok")
    assert not leases.waiting("ingest")


def test_the_oldest_job_of_these_kinds_is_claimed(leases: Leases, clock: Clock) -> None:
    """Claiming counts an attempt, raises the fence and sets holder and lease."""
    leases.enqueue("other", "k", {})
    first, second = leases.enqueue("ingest", "a", {}), leases.enqueue("sync", "b", {})
    claimed = leases.claim(["sync", "ingest"], holder="w1", lease_s=10)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.holder) == (first.id, JobState.RUNNING, "w1")
    assert (claimed.attempts, claimed.fence) == (1, 1)
    assert claimed.lease_until_ms == clock.now_ms + 10_000
    assert leases.job(first.id) == claimed
    assert _claim(leases, "sync").id == second.id
    assert leases.claim(["sync", "ingest"], holder="w2", lease_s=10) is None
    assert leases.claim([], holder="w2", lease_s=10) is None


def test_a_heartbeat_extends_the_lease(leases: Leases, clock: Clock) -> None:
    """While it beats, nobody else gets the job; progress is kept until there is news."""
    leases.enqueue("ingest", "k", {})
    job = _claim(leases)
    for progress, said in (("3 of 9", "3 of 9"), ("", "3 of 9")):
        clock.pass_s(9)
        assert leases.heartbeat(job, lease_s=10, progress=progress)
        assert leases.claim(["ingest"], holder="w2", lease_s=10) is None
        stored = leases.job(job.id)
        assert stored is not None
        assert stored.progress == said
    clock.pass_s(10)
    assert not leases.heartbeat(job, lease_s=10)


def test_a_job_whose_lease_ran_out_is_taken_over(leases: Leases, clock: Clock) -> None:
    """The old holder can no longer write, whatever it tries."""
    leases.enqueue("ingest", "k", {})
    old = _claim(leases)
    clock.pass_s(10)
    new = _claim(leases, holder="w1")
    assert (new.id, new.attempts, new.fence) == (old.id, 2, 2)
    assert not leases.heartbeat(old, lease_s=10)
    assert not leases.finish(old, result="late")
    assert not leases.fail(old, error="late", retry=False)
    assert leases.finish(new, result="done")
    stored = leases.job(new.id)
    assert stored is not None
    assert (stored.state, stored.result, stored.holder) == (JobState.DONE, "done", "")
    assert not leases.finish(new, result="twice")


def test_attempts_end(leases: Leases, clock: Clock) -> None:
    """A job that kills its worker every time fails in the end, and says so."""
    job = leases.enqueue("ingest", "k", {}, attempts_max=2)
    for _ in range(2):
        _claim(leases)
        clock.pass_s(10)
    assert leases.claim(["ingest"], holder="w1", lease_s=10) is None
    stored = leases.job(job.id)
    assert stored is not None
    assert stored.state is JobState.FAILED
    assert stored.result


def test_a_failure_is_retried_while_attempts_are_left(leases: Leases) -> None:
    """With retry it is queued again, at last it is failed; without, at once."""
    leases.enqueue("ingest", "k", {}, attempts_max=2)
    job = _claim(leases)
    assert leases.fail(job, error="first", retry=True)
    again = _claim(leases)
    assert (again.id, again.attempts, again.result) == (job.id, 2, "first")
    assert leases.fail(again, error="second", retry=True)
    stored = leases.job(job.id)
    assert stored is not None
    assert (stored.state, stored.result) == (JobState.FAILED, "second")
    leases.enqueue("ingest", "l", {})
    assert leases.fail(_claim(leases), error="no use", retry=False)
    assert leases.claim(["ingest"], holder="w1", lease_s=1) is None


def test_a_postponed_job_loses_no_attempt(leases: Leases, clock: Clock) -> None:
    """However often it is put off; with the lease lost, it is not in our hands any more."""
    leases.enqueue("ingest", "k", {}, attempts_max=1)
    for _ in range(5):
        job = _claim(leases)
        assert leases.postpone(job, because="disk full")
        assert not leases.postpone(job, because="twice")
        stored = leases.job(job.id)
        assert stored is not None
        assert (stored.state, stored.attempts, stored.holder) == (JobState.QUEUED, 0, "")
        assert (stored.result, stored.fence) == ("disk full", job.fence)
    late = _claim(leases)
    clock.pass_s(10)
    assert not leases.postpone(late, because="late")


def test_jobs_of_dead_workers_can_be_claimed_at_once(leases: Leases) -> None:
    """Oldest first, before younger ones; the old holder has lost them, other kinds have not."""
    for kind, key in (("ingest", "a"), ("sync", "b"), ("ingest", "c")):
        leases.enqueue(kind, key, {})
    dead, other = _claim(leases), _claim(leases, "sync")
    assert leases.expire("ingest", holder="nobody") == 0
    assert leases.expire("ingest") == 1
    assert leases.expire("ingest") == 0
    assert not leases.finish(dead, result="late")
    assert _claim(leases, holder="w2").id == dead.id
    assert leases.finish(other, result="ok")


def test_discarded_jobs_are_gone(leases: Leases) -> None:
    """Whatever their state; others stay, and their key is free again."""
    first = leases.enqueue("upload", "a", {"path": "a"})
    second = leases.enqueue("upload", "b", {"path": "b"})
    leases.claim(["upload"], holder="me", lease_s=60)
    leases.discard([first.id, "job-999", "nonsense"])
    assert leases.job(first.id) is None
    assert [one.id for one in leases.recent(limit=9)] == [second.id]
    again = leases.enqueue("upload", "a", {"path": "a"})
    assert again.id not in {first.id, second.id}
    leases.discard([])


def test_jobs_are_listed_by_state(leases: Leases) -> None:
    """Those of one kind in the states asked for, oldest first."""
    queued = [leases.enqueue("ingest", key, {}) for key in "abc"]
    leases.enqueue("sync", "a", {})
    assert leases.finish(_claim(leases), result="ok")
    assert list(leases.jobs("ingest", {JobState.QUEUED})) == queued[1:]
    both = leases.jobs("ingest", {JobState.QUEUED, JobState.DONE})
    assert [job.id for job in both] == [job.id for job in queued]
    assert leases.jobs("ingest", ()) == ()


def test_ended_jobs_are_forgotten(leases: Leases, clock: Clock) -> None:
    """Done or failed before a time, they go; the unfinished stay, and no id comes twice."""
    ids = [leases.enqueue("ingest", key, {}).id for key in "abcd"]
    assert leases.finish(_claim(leases), result="ok")
    assert leases.fail(_claim(leases), error="no", retry=False)
    _claim(leases)
    assert leases.forget(clock.now_ms) == 0
    clock.pass_s(1)
    assert leases.forget(clock.now_ms) == 2
    assert [leases.job(job_id) is None for job_id in ids] == [True, True, False, False]
    assert leases.forget(clock.now_ms) == 0
    assert leases.finish(_claim(leases), result="ok")
    clock.pass_s(1)
    assert leases.forget(clock.now_ms) == 1
    assert leases.enqueue("ingest", "e", {}).id == "job-5"


def test_recent_jobs_come_newest_first(leases: Leases) -> None:
    """At most `limit` of them."""
    jobs = [leases.enqueue("ingest", key, {}) for key in "abc"]
    assert list(leases.recent(limit=2)) == [jobs[2], jobs[1]]
    assert leases.recent(limit=0) == ()


def test_one_holder_of_a_name(leases: Leases, clock: Clock) -> None:
    """The fence rises when the holder changes, and only then."""
    assert leases.hold("keeper", holder="a", lease_s=10) == 1
    assert leases.hold("keeper", holder="b", lease_s=10) is None
    assert leases.hold("other", holder="b", lease_s=10) == 1
    clock.pass_s(9)
    assert leases.hold("keeper", holder="a", lease_s=10) == 1
    clock.pass_s(10)
    assert leases.hold("keeper", holder="b", lease_s=10) == 2
    assert leases.hold("keeper", holder="a", lease_s=10) is None


def test_a_name_given_back_is_free_at_once(leases: Leases) -> None:
    """Only its holder can give it back; the next holder has a higher fence, also the same one."""
    assert leases.hold("keeper", holder="a", lease_s=10) == 1
    leases.release("keeper", holder="b")
    assert leases.hold("keeper", holder="b", lease_s=10) is None
    leases.release("keeper", holder="a")
    leases.release("unknown", holder="a")
    assert leases.hold("keeper", holder="b", lease_s=10) == 2
    leases.release("keeper", holder="b")
    assert leases.hold("keeper", holder="b", lease_s=10) == 3


def test_a_job_is_claimed_once_however_many_ask(leases: Leases) -> None:
    """Eight threads claim thirty jobs: each job has one holder."""
    for number in range(30):
        leases.enqueue("ingest", str(number), {})
    claimed: list[str] = []

    def work(holder: str) -> None:
        while (job := leases.claim(["ingest"], holder=holder, lease_s=60)) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted({f"job-{number}" for number in range(1, 31)})


def test_time_is_the_databases_by_default(databases: Databases) -> None:
    """Without a clock of its own a lease lasts its seconds from the database's now."""
    database = databases.open(STATE)
    leases, memory = SqlLeases(database), MemoryLeases()
    here = memory.enqueue("ingest", "k", {}).created_ms
    there = leases.enqueue("ingest", "k", {}).created_ms
    assert abs(there - here) < 60_000
    assert _claim(leases, lease_s=5).lease_until_ms >= there + 5_000


def _claim(leases: Leases, kind: str = "ingest", *, holder: str = "w1", lease_s: float = 10) -> Job:
    job = leases.claim([kind], holder=holder, lease_s=lease_s)
    assert job is not None
    return job


_KINDS = st.sampled_from(["ingest", "sync"])
_HOLDERS = st.sampled_from(["w1", "w2"])
_SECONDS = st.sampled_from([1.0, 2.5, 10.0])
_ENDS = ("heartbeat", "finish", "fail", "retry", "postpone")


class Work(RuleBasedStateMachine):
    """Any sequence of calls and any passing of time ends alike on both adapters."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory()
        self.databases = Databases(Path(self.folder.name), synchronous="NORMAL")
        self.adapters: tuple[Leases, Leases] = (
            MemoryLeases(now_ms=self.clock.now),
            SqlLeases(self.databases.open(STATE), now_ms=self.clock.now),
        )
        self.claims: list[Job] = []

    def teardown(self) -> None:
        """Close and delete the database."""
        self.databases.close()
        self.folder.cleanup()

    def both(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method on both; they return the same."""
        memory, sql = (getattr(adapter, method)(*args, **kwargs) for adapter in self.adapters)
        assert memory == sql
        return memory

    @rule(kind=_KINDS, key=st.sampled_from("ab"), attempts_max=st.integers(1, 2))
    def enqueue(self, kind: str, key: str, attempts_max: int) -> None:
        """Enqueue."""
        self.both("enqueue", kind, key, {"k": key}, attempts_max=attempts_max)

    @rule(kinds=st.lists(_KINDS, unique=True), holder=_HOLDERS, lease_s=_SECONDS)
    def claim(self, kinds: list[str], holder: str, lease_s: float) -> None:
        """Claim."""
        job = self.both("claim", kinds, holder=holder, lease_s=lease_s)
        if job is not None:
            self.claims.append(job)

    @rule(data=st.data(), end=st.sampled_from(_ENDS))
    def use(self, data: st.DataObject, end: str) -> None:
        """Use a lease, held or stale."""
        if not self.claims:
            return
        job = data.draw(st.sampled_from(self.claims))
        if end == "heartbeat":
            self.both("heartbeat", job, lease_s=2, progress=data.draw(st.sampled_from(["", "x"])))
        elif end == "finish":
            self.both("finish", job, result="done")
        elif end == "postpone":
            self.both("postpone", job, because="later")
        else:
            self.both("fail", job, error="oops", retry=end == "retry")

    @rule(kind=_KINDS)
    def expire(self, kind: str) -> None:
        """End all leases of a kind."""
        self.both("expire", kind)

    @rule(seconds=_SECONDS)
    def forget(self, seconds: float) -> None:
        """Forget what ended a while ago."""
        self.both("forget", self.clock.now_ms - round(seconds * 1000))

    @rule(name=st.sampled_from("kl"), holder=_HOLDERS, lease_s=_SECONDS)
    def hold(self, name: str, holder: str, lease_s: float) -> None:
        """Hold a name."""
        self.both("hold", name, holder=holder, lease_s=lease_s)

    @rule(name=st.sampled_from("kl"), holder=_HOLDERS)
    def release(self, name: str, holder: str) -> None:
        """Release a name."""
        self.both("release", name, holder=holder)

    @rule(seconds=_SECONDS)
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.pass_s(seconds)

    @invariant()
    def read_alike(self) -> None:
        """All jobs are the same, and no two unfinished ones share kind and key."""
        jobs = self.both("recent", limit=1_000)
        for job in jobs:
            assert self.both("job", job.id) == job
        unfinished = [
            (job.kind, job.key) for job in jobs if job.state in {JobState.QUEUED, JobState.RUNNING}
        ]
        assert len(unfinished) == len(set(unfinished))


TestWork = Work.TestCase
TestWork.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
