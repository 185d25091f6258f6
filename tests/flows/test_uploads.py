"""An acknowledged upload: it is served or refused, never lost, never undone by an older one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.ram import RamIndex
from answerable.adapters.parsers.pool import InlineParser
from answerable.adapters.state.memory import MemoryLeases
from answerable.app.background import Background
from answerable.app.facade import App
from answerable.app.tools import Tools, memory_tools
from answerable.domain.errors import DiskFull, NotReady, StorageFailure
from answerable.library.ports import Source
from answerable.library.report import Progress, Report
from answerable.operations.flow import JOB_LEASE_S, KEEPER, KEEPER_LEASE_S
from answerable.operations.ports import Job, JobState
from answerable.settings import Settings, load

HOUR_MS = 3_600_000


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        return self.at_ms

    def monotonic_ms(self) -> float:
        """Return the same."""
        return float(self.at_ms)

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.at_ms += round(seconds * 1000)


class Disk(RamIndex):
    """An index on a disk that may be full."""

    is_full = False

    def build(self, *arguments: object, **parts: object) -> str:
        """Build, if there is room."""
        if self.is_full:
            raise DiskFull("no room left", hint="make room")
        return super().build(*arguments, **parts)  # type: ignore[arg-type]  # handed on as given


class Leases(MemoryLeases):
    """Leases of a database that may fail."""

    is_down = False

    def hold(self, name: str, *, holder: str, lease_s: float) -> int | None:
        """Hold, if the database answers."""
        if self.is_down:
            raise StorageFailure("no answer", hint="wait")
        return super().hold(name, holder=holder, lease_s=lease_s)


@pytest.fixture
def clock() -> Clock:
    """Time for everything."""
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings whose data stays in the folder of the test."""
    return load(tmp_path, data_dir="data")


@pytest.fixture
def tools(settings: Settings, clock: Clock) -> Iterator[Tools]:
    """Give adapters in memory on the clock of the test."""
    with ExitStack() as stack:
        fitted = memory_tools(settings, stack)
        yield replace(
            fitted,
            clock=clock,
            leases=Leases(now_ms=clock.now_ms),
            index=Disk(analyser=TantivyAnalyser()),
            parser=InlineParser(),
        )


@pytest.fixture
def app(settings: Settings, tools: Tools) -> App:
    """Give an app over them."""
    return App(settings, tools, on_close=ExitStack())


def quick(_: Progress) -> None:
    """Ingest nothing."""


def background(
    settings: Settings, tools: Tools, ingest: Callable[[Progress], None] = quick
) -> Background:
    """Return background work whose ingest does something else instead."""

    def run(source: Source, progress: Progress, _because: str) -> Report:
        ingest(progress)
        return Report(
            source=source.name,
            revision=1,
            outcomes=(),
            counts=(),
            documents=1,
            chunks=1,
            took_ms=0,
        )

    return Background(
        settings,
        tools,
        run,
        holder=f"test {id(run)}",
        fill=bool,
        needed=tuple,
        purge=int,
        watch=bool,
    )


def inbox(settings: Settings) -> Sequence[Path]:
    """Return the files that wait."""
    return sorted((settings.data / "inbox").glob("*"))


def text(app: App, path: str) -> str:
    """Return what a document that serves says."""
    scope = app.owner()
    return app.document(app.find_document(path, scope), scope).content.text.text


def _with_size(settings: Settings, size_mb_max: int) -> Settings:
    ingest = settings.ingest.model_copy(update={"size_mb_max": size_mb_max})
    return settings.model_copy(update={"ingest": ingest})


def died_with(app: App, tools: Tools, path: str, said: bytes) -> Job:
    """Return the job of an upload whose worker died."""
    app.submit(path, said)
    job = tools.leases.claim(("upload",), holder="dead", lease_s=JOB_LEASE_S)
    assert job is not None
    return job


def test_a_full_disk_loses_no_upload(
    app: App, tools: Tools, settings: Settings, clock: Clock
) -> None:
    """However often a round fails, the upload waits, and it is served when there is room."""
    assert isinstance(tools.index, Disk)
    job = app.submit("a.md", b"# Kept\n\nThe quokka waits.\n")
    tools.index.is_full = True
    for _ in range(40):
        app.work_once()
        clock.pass_s(0.5)
    clock.pass_s(3600)
    app.work_once()
    assert (app.job(job.id).state, app.job(job.id).attempts) == (JobState.QUEUED, 0)
    assert "disk_full" in app.job(job.id).result
    assert len(inbox(settings)) == 1
    tools.index.is_full = False
    clock.pass_s(61)
    assert app.work_once()
    assert app.job(job.id).state is JobState.DONE
    assert "quokka" in text(app, "a.md")
    assert inbox(settings) == []


def test_rounds_that_fail_come_ever_less_often(
    settings: Settings, tools: Tools, clock: Clock
) -> None:
    """A minute of failing is about six tries, not 120; after a good round the next is at once."""
    tries: list[int] = []
    fails = True

    def ingest(_: Progress) -> None:
        tries.append(clock.at_ms)
        if fails:
            raise DiskFull("no room left", hint="make room")

    work = background(settings, tools, ingest)
    work.submit("a.md", b"a")
    for _ in range(120):
        work.work_once()
        clock.pass_s(0.5)
    assert 5 <= len(tries) <= 7
    fails = False
    clock.pass_s(60)
    assert work.work_once()
    work.submit("b.md", b"b")
    assert work.work_once()


def test_an_upload_that_takes_its_worker_along_ends(
    settings: Settings, tools: Tools, clock: Clock
) -> None:
    """A failure of ours counts, so it is not tried for ever; the file is kept with its job."""

    def ingest(_: Progress) -> None:
        raise RuntimeError

    work = background(settings, tools, ingest)
    job = work.submit("a.md", b"a")
    for _ in range(10):
        with pytest.raises(RuntimeError):
            work.work_once()
        clock.pass_s(61)
    assert not work.work_once()
    found = tools.leases.job(job.id)
    assert found is not None
    assert (found.state, found.attempts) == (JobState.FAILED, 10)
    assert len(inbox(settings)) == 1


def test_a_clean_shutdown_costs_no_attempt(settings: Settings, tools: Tools) -> None:
    """Stopped in the middle of an ingest, its upload is queued as if nothing had been."""

    def ingest(progress: Progress) -> None:
        closing.start()
        while True:
            progress.stage("indexing")

    work = background(settings, tools, ingest)
    closing = Thread(target=work.close)
    job = work.submit("a.md", b"a")
    work.work_once()
    found = tools.leases.job(job.id)
    assert found is not None
    assert (found.state, found.attempts) == (JobState.QUEUED, 0)
    assert "stopping" in found.result
    closing.join()
    assert len(inbox(settings)) == 1
    after = background(settings, tools)
    assert after.work_once()
    assert inbox(settings) == []


def test_an_older_upload_never_replaces_a_newer_one(app: App, tools: Tools, clock: Clock) -> None:
    """A worker dies with the old one, the new one is ingested: it serves, now and later."""
    old = died_with(app, tools, "o.md", b"# Old\n")
    new = app.submit("o.md", b"# New\n")
    for _ in range(3):
        app.work_once()
        assert text(app, "o.md").strip() == "# New"
        clock.pass_s(JOB_LEASE_S + 1)
    assert app.job(new.id).result == "revision 1"
    assert app.job(old.id).state is JobState.DONE
    assert "superseded" in app.job(old.id).result


def test_a_dead_workers_uploads_are_taken_with_the_next(app: App, tools: Tools) -> None:
    """Who holds the writer lock need not wait for a lease: nobody else can be at work."""
    dead = died_with(app, tools, "a.md", b"# A\n")
    app.submit("b.md", b"# B\n")
    app.work_once()
    assert app.job(dead.id).state is JobState.DONE
    assert text(app, "a.md").strip() == "# A"


def test_the_newest_upload_of_a_path_wins(app: App, settings: Settings) -> None:
    """Three of one path make one revision, that of the last; the others say so."""
    jobs = [app.submit("n.md", f"# {number}\n".encode()) for number in range(3)]
    app.work_once()
    assert text(app, "n.md").strip() == "# 2"
    assert len(app.revisions()) == 1
    results = [app.job(job.id).result for job in jobs]
    assert results == ["superseded by the newer job-3"] * 2 + ["revision 1"]
    assert inbox(settings) == []


def test_a_refused_upload_supersedes_nothing(app: App) -> None:
    """A good upload counts although a newer one of its path is no text."""
    good, bad = app.submit("n.md", b"# Good\n"), app.submit("n.md", b"\x00\x01" * 500)
    app.work_once()
    assert text(app, "n.md").strip() == "# Good"
    assert app.job(good.id).state is JobState.DONE
    assert app.job(bad.id).state is JobState.FAILED


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("k.md", b"", "empty"),
        ("k.txt", b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 500, ""),
        ("k", b"\x00\x01" * 500, "binary"),
        ("k.md", b"\x00\x01" * 500, "malformed"),
    ],
)
def test_a_refused_upload_leaves_the_document_as_it_was(
    app: App, settings: Settings, path: str, data: bytes, why: str
) -> None:
    """Empty, binary or malformed: the job failed and says why, the document still serves."""
    app.submit(path, b"The quokka is here.\n")
    app.work_once()
    before = text(app, path)
    job = app.submit(path, data)
    app.work_once()
    assert app.job(job.id).state is JobState.FAILED
    assert app.job(job.id).result.startswith(why)
    assert text(app, path) == before
    assert inbox(settings) == []


def test_an_upload_may_be_as_large_as_the_settings_say(settings: Settings, tools: Tools) -> None:
    """What was acknowledged as small enough is not refused as too large."""
    app = App(_with_size(settings, 60), tools, on_close=ExitStack())
    job = app.submit("a.bin", b"\x00" * 51_000_000)
    app.work_once()
    assert app.job(job.id).result.startswith("binary")
    app = App(_with_size(settings, 1), tools, on_close=ExitStack())
    with pytest.raises(Exception, match="larger than 1 MB"):
        app.submit("a.md", b"x" * 1_000_001)


def test_a_batch_fits_in_memory(settings: Settings, tools: Tools) -> None:
    """Five uploads of 20 MB are taken as four and one."""
    work = background(settings, tools)
    jobs = [work.submit(f"{number}.md", b"x" * 20_000_000) for number in range(5)]
    assert work.work_once()
    states = [tools.leases.job(job.id) for job in jobs]
    assert [job.state for job in states if job] == [JobState.DONE] * 4 + [JobState.QUEUED]
    assert work.work_once()
    assert len(inbox(settings)) == 0


def test_one_file_that_cannot_be_read_holds_nobody_up(
    app: App, settings: Settings, clock: Clock
) -> None:
    """A bad sector or a wrong owner: the other uploads are served, this one waits."""
    bad = app.submit("bad.md", b"# Bad\n")
    (stored,) = inbox(settings)
    stored.unlink()
    stored.mkdir()
    app.submit("good.md", b"# Good\n")
    app.work_once()
    assert text(app, "good.md").strip() == "# Good"
    assert app.job(bad.id).state is JobState.QUEUED
    stored.rmdir()
    stored.write_bytes(b"# Bad\n")
    clock.pass_s(2)
    app.work_once()
    assert app.job(bad.id).state is JobState.DONE


def test_a_stopped_keeper_hands_over_at_once(settings: Settings, tools: Tools) -> None:
    """Whoever comes next need not wait for its lease; who is closed does nothing more."""
    first, second = (background(settings, tools) for _ in range(2))
    first.work_once()
    first.submit("a.md", b"a")
    assert not second.work_once()
    first.close()
    assert not first.work_once()
    second.submit("b.md", b"b")
    assert tools.leases.hold(KEEPER, holder="probe", lease_s=1) is not None
    tools.leases.release(KEEPER, holder="probe")
    third = background(settings, tools)
    assert third.work_once()


def test_closing_what_never_was_keeper_touches_nothing(settings: Settings, tools: Tools) -> None:
    """Commands that do no background work end without writing."""
    keeper, other = (background(settings, tools) for _ in range(2))
    keeper.work_once()
    other.close()
    assert tools.leases.hold(KEEPER, holder="probe", lease_s=1) is None


def test_who_cannot_ask_is_not_the_keeper(settings: Settings, tools: Tools, clock: Clock) -> None:
    """When the lease cannot be extended, the work stops until it can."""
    assert isinstance(tools.leases, Leases)
    work = background(settings, tools)
    work.work_once()
    work.submit("a.md", b"a")
    tools.leases.is_down = True
    clock.pass_s(KEEPER_LEASE_S)
    with pytest.raises(StorageFailure):
        work.work_once()
    assert not work.work_once()
    tools.leases.is_down = False
    clock.pass_s(KEEPER_LEASE_S)
    assert work.work_once()


def test_what_no_job_needs_is_swept_when_a_keeper_starts(
    settings: Settings, tools: Tools, clock: Clock
) -> None:
    """Old files and halves of files go; those that wait, or may not be queued yet, stay."""
    folder = settings.data / "inbox"
    folder.mkdir(parents=True)
    work = background(settings, tools)
    work.submit("a.md", b"a")
    (waiting,) = inbox(settings)
    for name, age_ms in (("old", 2), ("old.part", 2), ("new", 0), (waiting.name, 2)):
        (folder / name).touch()
        seconds = (clock.at_ms - age_ms * HOUR_MS) / 1000
        os.utime(folder / name, (seconds, seconds))
    assert tools.leases.claim(("upload",), holder="busy", lease_s=JOB_LEASE_S) is not None
    work.work_once()
    assert {path.name for path in inbox(settings)} == {"new", waiting.name}


def test_an_upload_that_is_not_queued_leaves_no_file(
    settings: Settings, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the job cannot be stored the upload is not acknowledged, and its file goes."""

    def full(*_: object, **__: object) -> Job:
        raise DiskFull("no room left", hint="make room")

    monkeypatch.setattr(tools.leases, "enqueue", full)
    with pytest.raises(DiskFull):
        background(settings, tools).submit("a.md", b"a")
    assert inbox(settings) == []


def test_an_upload_is_durable_from_the_first(
    settings: Settings, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, its name and the new folder's own name are on disk before it is queued."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda opened: synced.append(os.fstat(opened).st_ino))
    background(settings, tools).submit("a.md", b"a")
    (stored,) = inbox(settings)
    assert {path.stat().st_ino for path in (stored, stored.parent, settings.data)} == set(synced)


def test_a_full_disk_keeps_no_half_of_an_upload(
    settings: Settings, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before the room ran out is deleted: room is what is missing."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    (settings.data / "inbox").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        background(settings, tools).submit("a.md", b"a")
    assert inbox(settings) == []


def test_ended_jobs_are_forgotten_after_a_month(
    settings: Settings, tools: Tools, clock: Clock
) -> None:
    """Their list does not grow for ever; one that waits is never forgotten."""
    work = background(settings, tools)
    done = work.submit("a.md", b"a")
    work.work_once()
    clock.pass_s(29 * 86_400)
    work.work_once()
    assert tools.leases.job(done.id) is not None
    clock.pass_s(2 * 86_400)
    work.work_once()
    assert tools.leases.job(done.id) is None
    assert work.submit("b.md", b"b").id != done.id


def test_a_batch_that_meets_a_locked_library_waits(
    settings: Settings, tools: Tools, clock: Clock
) -> None:
    """A command that ingests, or a service not ready, costs no attempt either."""
    said = iter([NotReady("not yet", hint="wait"), None])

    def ingest(_: Progress) -> None:
        if (error := next(said)) is not None:
            raise error

    work = background(settings, tools, ingest)
    job = work.submit("a.md", b"a")
    with tools.state.writer():
        assert not work.work_once()
    work.work_once()
    clock.pass_s(1)
    work.work_once()
    found = tools.leases.job(job.id)
    assert found is not None
    assert (found.state, found.attempts) == (JobState.DONE, 1)
