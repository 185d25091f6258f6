"""Becomes another program that sees little and may take little: for a reader that is no library.

Run in a process of its own, like `child`; what it leaves and limits lasts when the program begins.
"""

from __future__ import annotations

import json
import os
import resource
from contextlib import suppress
from typing import Any

from answerable.adapters.parsers.child import FILES_MAX, leave_network


def main(order: str) -> None:
    """Limit this process and run a program in its place.

    Args:
        order: JSON: ``command``, its program by an absolute path, and ``memory_bytes`` and
            ``cpu_s`` it may take.
    """
    wanted: dict[str, Any] = json.loads(order)
    leave_network()
    os.nice(5)
    for limit, most in (
        (resource.RLIMIT_AS, wanted["memory_bytes"]),
        (resource.RLIMIT_CPU, wanted["cpu_s"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, FILES_MAX),
    ):
        with suppress(ValueError, OSError):  # stricter already, or unknown to this system
            resource.setrlimit(limit, (most, most))
    command = wanted["command"]
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
