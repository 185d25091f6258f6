"""Sources from the command line: registered, read, held, let go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from command_line import Shell, shell

import answerable.app.tools as app_tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.adapters.state.memory import MemoryLeases
from answerable.app import App, open_app
from answerable.domain.errors import Conflict
from answerable.operations.flow import JOB_LEASE_S
from answerable.operations.ports import JobState
from answerable.settings import load

__all__ = ["shell"]  # a fixture, found by its name

MINUTE = 60_000


@pytest.fixture(autouse=True)
def _words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")


@pytest.fixture
def zoo(shell: Shell) -> Shell:
    """Give a workspace with a registered folder of ten pages, read once."""
    shell.done("init")
    for number in range(10):
        shell.write(f"docs/p{number}.md", f"# Page {number}\n\nZebra {number} eats grass.\n")
    shell.done("sources", "add", "zoo", "docs", "--label", "keepers")
    shell.done("sources", "sync", "zoo")
    return shell


def shown(shell: Shell, name: str = "zoo") -> dict[str, object]:
    data: dict[str, object] = shell.done("sources", "show", name, "--json").data
    return data


def paths(shell: Shell) -> set[str]:
    with open_app(shell.home) as app:
        return {one.document.path for one in app.documents(app.owner())}


def test_a_folder_is_followed(zoo: Shell) -> None:
    """What is added, changed, moved and deleted is so in the library with the next reading."""
    zoo.write("docs/new.md", "# New\n\nGiraffes are tall.\n")
    zoo.write("docs/p1.md", "# Page 1\n\nZebra 1 sleeps.\n")
    (zoo.home / "docs/p2.md").rename(zoo.home / "docs/moved.md")
    (zoo.home / "docs/p3.md").unlink()
    (one,) = zoo.done("sources", "sync", "--all", "--json").data
    assert one["health"]["counts"] == {"added": 2, "changed": 1, "unchanged": 7, "removed": 2}
    assert one["job"]["state"] == "done"
    assert one["health"]["documents"] == 10
    assert {"new.md", "moved.md"} <= paths(zoo)
    assert not {"p2.md", "p3.md"} & paths(zoo)
    assert zoo.done("sources", "sync", "zoo").out.startswith("zoo: nothing changed")


def test_who_may_read_stands_on_every_document(zoo: Shell) -> None:
    """The source's labels, and the owner of this machine."""
    with open_app(zoo.home) as app:
        labels = {one.document.labels for one in app.documents(app.owner())}
    assert labels == {frozenset({"local", "keepers"})}


def test_too_great_a_loss_waits_for_a_person(zoo: Shell) -> None:
    """All else is taken meanwhile; approving lets go of what was kept, once."""
    for number in range(4):
        (zoo.home / f"docs/p{number}.md").unlink()
    zoo.write("docs/new.md", "# New\n\nGiraffes are tall.\n")
    ran = zoo.run("sources", "sync", "zoo")
    assert ran.status == 4
    assert "4 documents seem lost and are kept" in ran.out
    assert "answerable sources approve zoo" in ran.err
    assert len(paths(zoo)) == 11
    assert shown(zoo)["state"] == "held"
    zoo.done("sources", "approve", "zoo")
    assert len(paths(zoo)) == 7
    assert shown(zoo)["state"] == "ok"
    zoo.run("sources", "approve", "zoo").check_error("conflict", status=1)


def test_what_comes_back_is_held_no_more(zoo: Shell) -> None:
    """A share that was not mounted is mounted again."""
    (zoo.home / "docs").rename(zoo.home / "elsewhere")
    (zoo.home / "docs").mkdir()
    assert zoo.run("sources", "sync", "zoo").status == 4
    assert len(paths(zoo)) == 10
    (zoo.home / "docs").rmdir()
    (zoo.home / "elsewhere").rename(zoo.home / "docs")
    zoo.done("sources", "sync", "zoo")
    assert shown(zoo)["state"] == "ok"


def test_a_folder_renamed_within_is_no_loss(zoo: Shell) -> None:
    """The same contents at other places are moves, however many."""
    shutil.move(zoo.home / "docs", zoo.home / "old")
    (zoo.home / "docs").mkdir()
    shutil.move(zoo.home / "old", zoo.home / "docs/below")
    zoo.done("sources", "sync", "zoo")
    assert paths(zoo) == {f"below/p{number}.md" for number in range(10)}


def test_a_source_that_fails_keeps_its_documents(zoo: Shell) -> None:
    """Health says what is wrong; another attempt waits; when it is back all is well."""
    (zoo.home / "docs").rename(zoo.home / "elsewhere")
    with open_app(zoo.home) as app:
        job = app.sources.sync("zoo", because="a test")
        assert app.sources.work_once()
        (now,) = [one for one in app.jobs() if one.id == job.id]
        assert now.state is JobState.QUEUED
        assert now.not_before_ms > now.updated_ms
        assert not app.sources.work_once()
    found = shown(zoo)
    assert found["state"] == "failing"
    assert "path_missing" in str(found["health"])
    assert len(paths(zoo)) == 10
    (zoo.home / "elsewhere").rename(zoo.home / "docs")
    zoo.done("jobs", "cancel", job.id)
    zoo.done("sources", "sync", "zoo")
    assert shown(zoo)["state"] == "ok"


def test_patterns_choose(shell: Shell) -> None:
    """What is excluded or not included is left out, and vanishes when a pattern is new."""
    shell.done("init")
    for path in ("a/x.md", "a/y.txt", "b/x.md", "b/old/x.md"):
        shell.write(f"docs/{path}", f"# {path}\n\nThe page {path} says so.\n")
    shell.done("sources", "add", "some", "docs", "-i", "*.md", "-x", "old/")
    shell.done("sources", "sync", "some")
    assert paths(shell) == {"a/x.md", "b/x.md"}


def test_paused_is_not_read(zoo: Shell) -> None:
    """Neither by schedule nor when asked; resumed, it is."""
    zoo.done("sources", "pause", "zoo")
    zoo.run("sources", "sync", "zoo").check_error("conflict", status=1)
    assert shown(zoo)["due_ms"] is None
    zoo.done("sources", "resume", "zoo")
    zoo.done("sources", "sync", "zoo")


def test_removed_with_and_without_its_documents(zoo: Shell) -> None:
    """They vanish, and come back by going back; or they stay."""
    ran = zoo.done("sources", "remove", "zoo")
    assert "10 documents vanished" in ran.out
    assert paths(zoo) == set()
    zoo.done("revisions", "switch", "1", "--because", "a mistake")
    assert len(paths(zoo)) == 10
    zoo.done("revisions", "switch", "latest", "--because", "on again")
    zoo.done("sources", "add", "zoo", "docs")
    zoo.done("sources", "sync", "zoo")
    zoo.done("sources", "remove", "zoo", "--keep-documents")
    assert len(paths(zoo)) == 10
    assert zoo.done("sources", "list", "--json").data == []


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("add", "zoo", "docs"), "conflict", 1),
        (("add", "other", "docs"), "conflict", 1),
        (("add", "other", "nowhere"), "path_missing", 2),
        (("add", "Other Zoo", "docs"), "bad_input", 2),
        (("add", "other", "docs", "--every", "5s"), "bad_input", 2),
        (("add", "other", "docs", "--label", "No Label"), "bad_input", 2),
        (("add", "other", "docs", "-o", "branch"), "bad_input", 2),
        (("add", "other", "docs", "-o", "branch=main"), "bad_input", 2),
        (("add", "other", "docs", "--kind", "tape"), "bad_input", 2),
        (("add", "other", "docs/../docs"), "conflict", 1),
        (("add", "new", ".", "-i", "# nothing"), "bad_input", 2),
        (("show", "nobody"), "not_found", 1),
        (("sync", "nobody"), "not_found", 1),
        (("sync",), "bad_input", 2),
        (("remove", "nobody"), "not_found", 1),
        (("pause", "nobody"), "not_found", 1),
    ],
)
def test_what_cannot_be_done_is_said(
    zoo: Shell, arguments: tuple[str, ...], code: str, status: int
) -> None:
    """With what to do, and nothing changed."""
    before = shown(zoo)
    zoo.run("sources", *arguments).check_error(code, status=status)
    assert shown(zoo) == before


def test_a_cancelled_reading_stops_at_its_next_step(zoo: Shell) -> None:
    """Nothing half of it is seen; the job says who ended it."""
    zoo.write("docs/new.md", "# New\n\nGiraffes are tall.\n")

    class Cancelling:
        """Cancels the job as soon as files are looked at."""

        def __init__(self, app: App, job_id: str) -> None:
            self.app, self.job_id = app, job_id

        def begin(self, source: str, files: int) -> None:
            del source, files
            self.app.cancel_job(self.job_id, who="me")

        def file(self, done: int, chunks: int) -> None:
            """Ignore it."""

        def kept(self, documents: int) -> None:
            """Ignore it."""

        def stage(self, name: str) -> None:
            """Ignore it."""

    with open_app(zoo.home) as app:
        job = app.sources.sync("zoo", because="a test")
        ended = app.sources.done(job, progress=Cancelling(app, job.id))
    assert (ended.state, ended.result) == (JobState.FAILED, "cancelled by me")
    assert "new.md" not in paths(zoo)
    zoo.done("sources", "sync", "zoo")
    assert "new.md" in paths(zoo)


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)


def opened(stack: ExitStack, clock: Clock) -> App:
    """Return a library in memory on a clock of the test."""
    settings = load(None)
    own = ExitStack()
    tools = replace(
        app_tools.memory_tools(settings, own),
        clock=clock,
        leases=MemoryLeases(now_ms=clock.now_ms),
        parser=InlineParser(),
    )
    return stack.enter_context(App(settings, tools, on_close=own))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock, tmp_path: Path) -> Iterator[App]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("# A\n\nZebras eat grass.\n")
    with ExitStack() as stack:
        made = opened(stack, clock)
        made.sources.add("zoo", str(tmp_path / "docs"), schedule="15m", who="me")
        yield made


def rounds(app: App) -> int:
    """Return how many jobs there were to do now."""
    done = 0
    while app.sources.work_once():
        done += 1
    return done


def test_what_is_due_is_read_without_a_person(app: App, clock: Clock) -> None:
    """At once when it is new, then every fifteen minutes, missed times once."""
    assert rounds(app) == 1
    for minutes, expected in ((14, 0), (1, 1), (15, 1), (600, 1), (1, 0)):
        clock.ms += minutes * MINUTE
        assert rounds(app) == expected, minutes


def test_a_killed_worker_is_followed_by_another(app: App, clock: Clock) -> None:
    """Its lease runs out, and the job is done by who comes next."""
    leases = app._tools.leases  # where a dead worker would have claimed
    app.sources.sync("zoo", because="a test")
    dead = leases.claim(("sync",), holder="dead", lease_s=JOB_LEASE_S)
    assert dead is not None
    assert rounds(app) == 0
    clock.ms += round(JOB_LEASE_S * 1000)
    assert rounds(app) == 1
    ended = app.job(dead.id)
    assert (ended.state, ended.attempts) == (JobState.DONE, 2)
    assert len(app.documents(app.owner())) == 1


def test_attempts_end_and_the_schedule_goes_on(app: App, clock: Clock, tmp_path: Path) -> None:
    """Three attempts with longer and longer pauses; later it is tried anew."""
    rounds(app)
    (tmp_path / "docs").rename(tmp_path / "gone")
    clock.ms += 15 * MINUTE
    pauses = []
    for _ in range(3):
        waited = 0
        while not rounds(app):
            clock.ms += 10_000
            waited += 10
        pauses.append(waited)
    assert pauses == [0, 60, 120]
    assert app.jobs()[0].state is JobState.FAILED
    assert app.sources.source("zoo").health.failures == 3
    (tmp_path / "gone").rename(tmp_path / "docs")
    clock.ms += 15 * MINUTE
    assert rounds(app) == 1
    assert app.sources.source("zoo").health.state == "ok"


def test_a_library_in_use_is_no_failure(app: App, clock: Clock) -> None:
    """Somebody ingests: the reading waits two seconds, and no attempt is counted."""
    with app._tools.state.writer():  # as `answerable ingest` holds it
        assert rounds(app) == 1
    assert app.sources.source("zoo").health.failures == 0
    assert app.jobs()[0].attempts == 0
    clock.ms += 2_000
    assert rounds(app) == 1
    assert app.sources.source("zoo").health.state == "ok"


def test_a_change_of_a_watched_folder_is_read_at_once(app: App, tmp_path: Path) -> None:
    """Without waiting for the schedule."""
    rounds(app)
    stop = Event()
    assert app.sources.watch_once(stop), "newly watched: nobody knows what happened before"
    assert rounds(app) == 1
    seen: list[bool] = []
    thread = Thread(target=lambda: seen.append(_until_seen(app, stop)), daemon=True)
    thread.start()
    number = 0
    while thread.is_alive():
        number += 1
        (tmp_path / "docs/b.md").write_text(f"# B\n\nGiraffes are {number} metres tall.\n")
        thread.join(0.2)
    assert seen == [True]
    assert rounds(app) == 1
    assert {one.document.path for one in app.documents(app.owner())} == {"a.md", "b.md"}


def changed(app: App, *paths: str) -> None:
    """Have paths of the folder be known to have changed, and read them."""
    app.sources._syncing.changed("zoo", paths)  # as the thread that watches does
    rounds(app)


def test_only_what_changed_is_read(app: App, tmp_path: Path) -> None:
    """Added, changed, gone; everything else stays as it was read last."""
    docs = tmp_path / "docs"
    for number in range(20):
        (docs / f"p{number}.md").write_text(f"# Page {number}\n\nZebra {number} eats.\n")
    rounds(app)
    (docs / "p1.md").write_text("# Page 1\n\nZebra 1 sleeps.\n")
    (docs / "p2.md").unlink()
    (docs / "new").mkdir()
    (docs / "new/a.md").write_text("# New\n\nGiraffes are tall.\n")
    (docs / "unseen.md").write_text("# Unseen\n\nNobody noticed.\n")
    changed(app, "p1.md", "p2.md", "new")
    paths = {one.document.path for one in app.documents(app.owner())}
    assert "new/a.md" in paths
    assert not {"p2.md", "unseen.md"} & paths
    assert len(paths) == 21
    health = app.sources.source("zoo").health
    assert (health.documents, health.state) == (21, "ok")
    app.sources.sync("zoo", because="all of it")
    rounds(app)
    assert app.sources.source("zoo").health.documents == 22


def test_a_folder_that_vanished_within_is_held_when_it_is_much(app: App, tmp_path: Path) -> None:
    """Compared with all of the source, not with what changed."""
    docs = tmp_path / "docs"
    for folder, count in (("few", 3), ("many", 20)):
        (docs / folder).mkdir()
        for number in range(count):
            (docs / folder / f"{number}.md").write_text(f"# {folder} {number}\n\nZebras.\n")
    rounds(app)
    shutil.rmtree(docs / "few")
    changed(app, "few")
    assert app.sources.source("zoo").health.state == "ok"
    shutil.rmtree(docs / "many")
    changed(app, "many")
    health = app.sources.source("zoo").health
    assert (health.state, health.withheld) == ("held", 20)


def test_a_change_during_a_reading_is_read_after_it(app: App, clock: Clock) -> None:
    """What a reading under way has passed by is not forgotten."""
    rounds(app)
    leases = app._tools.leases  # a reading under way elsewhere
    app.sources._syncing.changed("zoo", ())
    busy = leases.claim(("sync",), holder="other", lease_s=JOB_LEASE_S)
    assert busy is not None
    for _ in range(3):
        following = app.sources._syncing.changed("zoo", ())
    assert following.id != busy.id
    assert following.state is JobState.QUEUED
    assert rounds(app) == 1
    assert leases.finish(busy, result="done")
    clock.ms += 1_000
    assert rounds(app) == 0


def test_rules_that_change_concern_everything(app: App, tmp_path: Path) -> None:
    """A `.gitignore` decides about files that did not change."""
    (tmp_path / "docs/b.md").write_text("# B\n\nGiraffes.\n")
    rounds(app)
    (tmp_path / "docs/.gitignore").write_text("b.md\n")
    changed(app, ".gitignore")
    assert {one.document.path for one in app.documents(app.owner())} == {"a.md"}


def _until_seen(app: App, stop: Event) -> bool:
    return any(app.sources.watch_once(stop) for _ in range(20))


def test_what_is_held_is_counted_once_and_followed(app: App, tmp_path: Path) -> None:
    """However often the same loss is noticed; what comes back is held no more."""
    docs = tmp_path / "docs"
    for number in range(20):
        (docs / f"p{number}.md").write_text(f"# Page {number}\n\nZebra {number} eats.\n")
    rounds(app)
    kept = tmp_path / "kept"
    shutil.copytree(docs, kept)
    lost = [f"p{number}.md" for number in range(15)]
    for name in lost:
        (docs / name).unlink()
    changed(app, *lost)
    changed(app, *lost)
    assert app.sources.source("zoo").health.withheld == 15
    shutil.copytree(kept, docs, dirs_exist_ok=True)
    changed(app, *lost)
    assert app.sources.source("zoo").health.state == "ok"


def test_a_folder_in_a_folder_is_a_source_of_its_own(app: App, tmp_path: Path) -> None:
    """With its own readers; whoever reads the outer one leaves it alone, whatever its name."""
    docs = tmp_path / "docs"
    inner = docs / "h [r]!"
    inner.mkdir()
    (inner / "pay.md").write_text("# Pay\n\nZebras are paid in grass.\n")
    rounds(app)
    app.sources.add("hr", str(inner), who="me", labels=("hr",))
    for name in ("zoo", "hr", "zoo"):
        app.sources.sync(name, because="a test")
        rounds(app)
    (docs / "a.md").write_text("# A\n\nZebras sleep.\n")
    changed(app, "a.md", "h [r]!")
    app.ingest(docs)
    app.ingest(inner / "pay.md")
    labels = {one.document.path: one.document.labels for one in app.documents(app.owner())}
    assert labels == {"a.md": frozenset({"local"}), "pay.md": frozenset({"local", "hr"})}
    app.sources.remove("hr", keep_documents=True, who="me")
    app.sources.sync("zoo", because="a test")
    rounds(app)
    paths = [one.document.path for one in app.documents(app.owner())]
    assert sorted(paths) == ["a.md", "h [r]!/pay.md"]


def test_other_readers_are_a_change(app: App, tmp_path: Path) -> None:
    """Registered anew with other labels, every document of the source has those."""
    rounds(app)
    app.sources.remove("zoo", keep_documents=True, who="me")
    app.sources.add("zoo", str(tmp_path / "docs"), who="me", labels=("ops",))
    app.sources.sync("zoo", because="a test")
    rounds(app)
    assert {one.document.labels for one in app.documents(app.owner())} == {
        frozenset({"local", "ops"})
    }


def test_what_was_sent_to_a_removed_source_does_not_come_back(app: App) -> None:
    """It was stored, and waited when the source was removed."""
    app.sources.add("wiki", "push", who="me")
    job = app.sources.push("wiki", "a.md", b"# A\n\nOkapis.\n")
    app.sources.remove("wiki", keep_documents=False, who="me")
    while app.work_once():
        pass
    ended = app.job(job.id)
    assert (ended.state, ended.result) == (
        JobState.FAILED,
        "the source they were sent to was removed",
    )
    assert not any(one.document.source == "push:wiki" for one in app.documents(app.owner()))


def test_pushed_sources_are_not_read(app: App) -> None:
    """They wait to be sent to."""
    app.sources.add("wiki", "push", who="me")
    assert app.sources.source("wiki").due_ms is None
    with pytest.raises(Conflict, match="sent to"):
        app.sources.sync("wiki", because="a test")
