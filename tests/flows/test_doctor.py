"""`doctor` looks at every part and says what to do."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from command_line import Shell, shell

from answerable.adapters.models import local
from answerable.adapters.state.engine import Database

__all__ = ["shell"]  # a fixture, found by its name


@pytest.fixture
def zoo(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a library with a source of its own."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    monkeypatch.setattr(local, "usual_places", dict)
    shell.done("init", "--data-dir", "data")
    for number in range(5):
        shell.write(f"docs/p{number}.md", f"# Page {number}\n\nZebra {number} eats grass.\n")
    shell.done("sources", "add", "zoo", "docs")
    shell.done("sources", "sync", "zoo")
    return shell


def found(shell: Shell) -> dict[str, Any]:
    """Return what doctor finds, by part."""
    ran = shell.run("doctor", "--json")
    findings = {one["part"]: one for one in ran.data["findings"]}
    assert ran.status == int(any(one["health"] == "fail" for one in findings.values()))
    return findings


def test_all_is_well(zoo: Shell) -> None:
    """Every part is named, none fails, and nothing is to be done about it."""
    findings = found(zoo)
    for part in ("workspace", "data", "permissions", "clock", "index", "judge", "source zoo"):
        assert findings[part]["health"] == "ok", findings[part]
        assert not findings[part]["hint"]


def test_a_source_that_is_gone_or_held(zoo: Shell) -> None:
    """At once, before anybody reads it again; and what to do about a loss."""
    (zoo.home / "docs").rename(zoo.home / "elsewhere")
    assert found(zoo)["source zoo"]["health"] == "fail"
    (zoo.home / "docs").mkdir()
    assert zoo.run("sources", "sync", "zoo").status == 4
    held = found(zoo)["source zoo"]
    assert (held["health"], held["hint"][:30]) == ("warn", "answerable sources approve zoo")


def test_a_damaged_index_is_named(zoo: Shell) -> None:
    """With the command that makes it anew."""
    files = (zoo.home / "data/index/revisions").rglob("*.store")
    file = next(iter(sorted(files)))
    file.chmod(0o600)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    file.write_bytes(damaged)
    index = found(zoo)["index"]
    assert index["health"] == "fail"
    assert index["hint"] == "answerable revisions rebuild 1"
    zoo.done("revisions", "rebuild", "1")
    assert found(zoo)["index"]["health"] == "ok"


def test_a_clock_that_went_back(zoo: Shell) -> None:
    """Schedules and retention would do odd things."""
    database = Database(zoo.home / "data" / "state.db")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE revisions SET sealed_at_ms = sealed_at_ms + 7200000")
    database.close()
    clock = found(zoo)["clock"]
    assert clock["health"] == "fail"
    assert "2 h before" in clock["said"] or "119 min before" in clock["said"]


def test_a_full_disk(zoo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the limit it fails; a little above it warns."""
    plenty = shutil.disk_usage(zoo.home)
    for mebibytes, health in ((100, "fail"), (800, "warn")):
        little = plenty._replace(free=mebibytes * 2**20)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, little=little: little)
        assert found(zoo)["data"]["health"] == health


def test_who_may_read_the_data(zoo: Shell) -> None:
    """It is this user's alone from the start; opened to others it warns."""
    assert (zoo.home / "data").stat().st_mode & 0o077 == 0
    (zoo.home / "data").chmod(0o755)
    assert found(zoo)["permissions"]["health"] == "warn"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_data_that_cannot_be_written(zoo: Shell) -> None:
    """After a restore by another user."""
    (zoo.home / "data" / "state.db").chmod(0o400)
    assert found(zoo)["permissions"]["health"] == "fail"
