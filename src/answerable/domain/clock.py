"""Time, as an argument."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time. Rooms never ask the system for it."""

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        ...

    def monotonic_ms(self) -> float:
        """Return milliseconds since some fixed moment; never goes back."""
        ...
