"""What answering needs from the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from answerable.domain.questions import Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceLine:
    """A trace in a list. `question` is empty once its text has expired.

    Attributes:
        outcome: ``answered`` or ``abstained``.
    """

    id: str
    at_ms: int
    principal: str
    question: str
    outcome: str
    rung: str
    release: str
    revision: int
    took_ms: float


class Ledger(Protocol):
    """Every trace, append-only. Text lives apart from structure, with its own retention.

    Every method may raise `StorageFailure`.
    """

    def append(self, trace: Trace) -> None:
        """Store a trace; it is committed when this returns.

        Calls from many threads share one commit.
        """
        ...

    def recent(
        self, *, limit: int, before: str | None = None, principal: str | None = None
    ) -> Sequence[TraceLine]:
        """Return the newest traces, newest first, older than the trace `before`."""
        ...

    def trace(self, trace_id: str) -> Trace | None:
        """Return one trace whole; texts that have expired are empty strings."""
        ...

    def forget_texts(self, older_than_ms: int) -> int:
        """Delete the texts of traces from before this moment; return how many traces."""
        ...

    def close(self) -> None:
        """Commit what waits and let go of the file."""
        ...
