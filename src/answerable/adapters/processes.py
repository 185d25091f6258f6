"""Who a process is, in a word that others can read, and whether it still lives."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_ENDED = frozenset("ZX")
_STATE = 0
_STARTED = 19
_FIELDS = 5


class _Process(NamedTuple):
    """A process as it calls itself.

    Attributes:
        machine: The start of the kernel and the process ids it counts in; empty where that
            cannot be known.
        started: In ticks since then.
    """

    pid: int
    started: str
    machine: str


def myself() -> str:
    """Return who this process is: host, process id, and what makes them unique.

    A process id alone is not enough: it is used again, a container's first process is always 1,
    and two machines may share a data directory.
    """
    pid = os.getpid()
    return ":".join([socket.gethostname(), str(pid), _started(pid) or "", _machine()])


def is_gone(who: str) -> bool:
    """Return whether a process is known to have ended: what `myself` said, and maybe more after it.

    False for a process of another machine or container, and wherever it cannot be known.
    """
    process = _read(who)
    if process is None or not process.machine or process.machine != _machine():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it lives, or another user's does under this id
    fields = _fields(process.pid)
    if not fields:
        return False
    return fields[_STATE] in _ENDED or fields[_STARTED] != process.started


def _read(who: str) -> _Process | None:
    parts = who.split(":")
    if len(parts) < _FIELDS or not parts[1].isdecimal() or not parts[2]:
        return None
    return _Process(int(parts[1]), parts[2], ":".join(parts[3:5]).strip(":"))


def _machine() -> str:
    """Return what is the same for all processes that see each other, and for no others."""
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{(_PROC / 'self/ns/pid').stat().st_ino}"
    return ":"


def _started(pid: int) -> str | None:
    fields = _fields(pid)
    return fields[_STARTED] if fields else None


def _fields(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on; nothing where it does not.

    Source: proc(5), ``/proc/pid/stat``. The name before may hold anything, so it is cut off.
    """
    try:
        said = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return said.rpartition(")")[2].split()
