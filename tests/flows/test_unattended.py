"""What a service does by itself: old revisions go, and a full disk stops nothing but intake."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import Shell, shell

from answerable.adapters.state.engine import Database
from answerable.app import open_app
from answerable.app.room import Room
from answerable.operations.retention import DAY_MS

__all__ = ["shell"]  # a fixture, found by its name


@pytest.fixture
def zoo(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a library of five revisions, each with another page."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    monkeypatch.setenv("ANSWERABLE_REVISIONS__LEAST", "2")
    shell.done("init", "--data-dir", "data")
    for number in range(1, 6):
        shell.write("docs/page.md", f"# Page\n\nZebra number {number} eats grass.\n")
        shell.done("ingest", "docs")
    return shell


def aged(shell: Shell, days: int) -> None:
    """Have all revisions been sealed some days earlier."""
    database = Database(shell.home / "data" / "state.db")
    with database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE revisions SET sealed_at_ms = sealed_at_ms - ?", (days * DAY_MS,)
        )
    database.close()


def numbers(shell: Shell) -> list[int]:
    with open_app(shell.home) as app:
        return [one.number for one in app.revisions()]


def folders(shell: Shell) -> int:
    return len(list((shell.home / "data/index/revisions").iterdir()))


def test_old_revisions_go_and_the_newest_stay(zoo: Shell) -> None:
    """With their indexes; what stays can be gone back to."""
    aged(zoo, 31)
    with open_app(zoo.home) as app:
        assert app.work_once()
        assert not app.work_once(), "once an hour"
    assert numbers(zoo) == [5, 4]
    assert folders(zoo) == 2
    zoo.done("revisions", "switch", "4", "--because", "a test")
    assert "Zebra number 4" in zoo.done("ask", "what does the zebra eat?").out
    zoo.run("revisions", "switch", "1", "--because", "a test").check_error("not_found", status=1)
    assert zoo.done("revisions", "show", "4", "--json").data


def test_what_is_young_stays(zoo: Shell) -> None:
    """Thirty days, unless set otherwise."""
    aged(zoo, 29)
    with open_app(zoo.home) as app:
        app.work_once()
    assert numbers(zoo) == [5, 4, 3, 2, 1]


def test_a_pinned_revision_stays_and_serves(zoo: Shell) -> None:
    """However old it is; and so does one that was pinned before."""
    zoo.done("revisions", "switch", "2", "--because", "it was good")
    aged(zoo, 400)
    with open_app(zoo.home) as app:
        assert app.work_once()
    assert numbers(zoo) == [5, 4, 2]
    assert "Zebra number 2" in zoo.done("ask", "what does the zebra eat?").out


def test_somebody_who_writes_is_not_disturbed(zoo: Shell) -> None:
    """An ingest may build on an old revision: it is let go of later."""
    aged(zoo, 31)
    with ExitStack() as stack:
        app = stack.enter_context(open_app(zoo.home))
        stack.enter_context(app._tools.state.writer())  # as an ingest holds it
        app.work_once()
        assert len(app.revisions()) == 5


def test_without_room_nothing_is_taken_in_and_answers_go_on(
    zoo: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads and sources wait, a person is told, and all goes on when there is room again."""
    plenty = shutil.disk_usage(zoo.home)
    little = plenty._replace(free=10 * 2**20)
    with open_app(zoo.home) as app:
        upload = app.submit("new.md", b"# New\n\nGiraffes are tall.\n")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: little)
        app.work_once()
        assert app.job(upload.id).state == "queued"
        assert app.job(upload.id).attempts == 0
    ran = zoo.run("ingest", "docs")
    assert "10 MiB are free" in ran.check_error("disk_full", status=1)
    assert "Zebra number 5" in zoo.done("ask", "what does the zebra eat?").out
    monkeypatch.setattr(shutil, "disk_usage", lambda _: plenty)
    with open_app(zoo.home) as app:
        assert app.work_once()
        assert app.job(upload.id).state == "done"


def test_the_folder_need_not_be_there_yet(tmp_path: Path) -> None:
    """The disk it will be on counts."""
    room = Room(tmp_path / "a" / "b", least_bytes=1)
    assert room.free_bytes > 0
    room.check()
