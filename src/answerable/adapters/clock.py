"""The system's clock, and identities that sort by time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from answerable.domain.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Return milliseconds since boot or so."""
        return time.perf_counter_ns() / 1_000_000


_: Callable[[], Clock] = SystemClock


def new_id(now_ms: int) -> str:
    """Return 26 characters that sort by time: 48 bits of milliseconds, then 80 random bits.

    Source: the ULID layout, in lower-case Crockford base 32.
    """
    value = (now_ms << 80) | int.from_bytes(os.urandom(10))
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
