"""Whether a process lives, from what it said of itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from answerable.adapters.processes import is_gone, myself

WHO = "from answerable.adapters.processes import myself; print(myself(), flush=True); input()"


def test_one_that_was_killed_is_gone() -> None:
    """As soon as it is dead, also before its parent has asked how it ended."""
    with subprocess.Popen(
        [sys.executable, "-c", WHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        who = child.stdout.readline().strip()
        assert not is_gone(who)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        assert is_gone(who)
    assert is_gone(who)
    assert is_gone(f"{who}:and more")


def test_another_process_of_the_same_id_is_not_it() -> None:
    """A process id is used again; when it began is not."""
    host, pid, started, *machine = myself().split(":")
    assert not is_gone(myself())
    assert is_gone(":".join([host, pid, str(int(started) + 1), *machine]))


@pytest.mark.parametrize("part", [3, 4])
def test_one_of_another_machine_or_container_is_never_called_gone(part: int) -> None:
    """Its id says nothing here."""
    said = myself().split(":")
    said[1], said[part] = "999999999", "0"
    assert not is_gone(":".join(said))


@pytest.mark.parametrize(
    "who", ["", "x", "host:12:ulid", ":::::", "h:1::b:n", "h:x:1:b:n", "h:1:2::"]
)
def test_what_says_too_little_is_never_called_gone(who: str) -> None:
    """Such as the holders that earlier versions wrote."""
    assert not is_gone(who)
