"""A disk that is full, to the byte, and one that takes no writing in the middle of an ingest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("disk_driver.py")
# From nothing to enough: the first do not suffice to open a database, then to keep contents,
# then to build the index; the last do for everything.
FREE_BYTES = (0, 100_000, 300_000, 350_000, 4_000_000)


@pytest.fixture(scope="module")
def on_a_small_disk(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command that may mount a disk, with nobody else seeing it."""
    probe = str(tmp_path_factory.mktemp("probe"))
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        mount = [*command, "mount", "-t", "tmpfs", "none", probe]
        try:
            if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            break
    pytest.skip("this machine lets nobody mount a file system: no `unshare -m`")


def driven(command: list[str], home: Path, *orders: str) -> list[dict[str, Any]]:
    """Return what the driver saw, one object for each order."""
    done = subprocess.run(
        [*command, sys.executable, str(DRIVER), str(home), *orders],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_one_sentence(said: str, code: str) -> bool:
    """Return whether an error is told as every error is: what, where, what to do."""
    lines = said.splitlines()
    return (
        len(lines) == 2
        and lines[0].startswith(f"error[{code}]: ")
        and lines[1].startswith("  hint: ")
    )


def test_a_full_disk(on_a_small_disk: list[str], tmp_path: Path) -> None:
    """Ingest on a full disk says so and loses nothing; with room again it completes."""
    outcomes = []
    for seen in driven(on_a_small_disk, tmp_path, *map(str, FREE_BYTES)):
        tried, before, after = seen["tried"], seen["before"], seen["after"]
        outcomes.append(tried["status"])
        if tried["status"]:
            assert tried["status"] == 1
            assert is_one_sentence(tried["err"], "disk_full"), tried["err"]
            assert "/disk/data" in tried["err"]
            assert f"About zq{seen['free']}." not in before["says"], "half of it is seen"
        assert before["damage"] == after["damage"] == {}
        assert seen["again"]["status"] == 0, seen["again"]["err"]
        assert set(before["revisions"]) <= set(after["revisions"])
        assert f"About zq{seen['free']}." in after["says"]
        asked = seen["asked"]
        assert asked["status"] == 0, asked["err"]
        assert "Line 3 of zq" in asked["out"]
    assert outcomes[0] == 1, "a disk without a free byte was no trouble: this tested nothing"
    assert outcomes[-1] == 0


def test_what_else_a_disk_does(on_a_small_disk: list[str], tmp_path: Path) -> None:
    """A server outlives a full disk; one that takes no writing is told of, and nothing is lost."""
    orders = ("frozen", "read_only", "serving")
    frozen, read_only, serving = driven(on_a_small_disk, tmp_path, *orders)
    check_frozen(frozen)
    check_read_only(read_only)
    check_serving(serving)


def check_frozen(seen: dict[str, Any]) -> None:
    """Read-only from the start: nothing can be opened, and later all is as it was."""
    for failed in (seen["tried"], seen["asked"]):
        assert failed["status"] == 1
        assert is_one_sentence(failed["err"], "read_only")
    assert "Line 3 of zq1x3." in seen["again"]["out"]


def check_read_only(seen: dict[str, Any]) -> None:
    """Read-only in mid-ingest: the old revision answers, and the next run completes."""
    assert seen["tried"]["status"] == 1
    assert is_one_sentence(seen["tried"]["err"], "read_only")
    assert seen["asked"]["status"] == 0
    assert "Line 3 of zq1x3." in seen["asked"]["out"]
    assert seen["before"]["revisions"] == [1]
    assert seen["again"]["status"] == 0
    assert seen["after"]["revisions"] == [2, 1]
    assert "About zq7." in seen["after"]["says"]


def check_serving(seen: dict[str, Any]) -> None:
    """Full while a library is open: it answers, says that the trace was not kept, recovers."""
    assert seen["overrides"] == ["trace not kept: disk_full"]
    assert seen["ready"] == {
        "state": True,
        "library": True,
        "vectors": True,
        "calibration": True,
        "ledger": False,
    }
    assert seen["overrides_again"] == []
    assert seen["ready_again"]
    assert seen["is_kept"] == [False, True]
