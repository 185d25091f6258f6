"""What answering needs from the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from answerable.answering.checking import CheckedClaim, DraftClaim
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


class Judging(Protocol):
    """Checks claims against the passages of one question."""

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return the verdict on one claim.

        MUST give SUPPORTED to a claim that is, word for word, a whole sentence, item, row or line
        of a passage. MUST NOT give it to one with a number, version, date, address, path, flag
        or command that is in neither passages nor question. Evidence MUST be spans of the
        passages, `reasons` MUST NOT be empty, and the same call MUST give the same verdict.

        `before` is the claim shown before it: what its pronouns may mean.
        """
        ...


class Judge(Protocol):
    """Says whether passages support claims. One judge serves many threads.

    Attributes:
        name: Stands in traces and releases, such as ``features``.
        digest: Changes whenever a verdict might.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def digest(self) -> str: ...  # noqa: D102

    def prepare(self, passages: Sequence[str], *, question: str) -> Judging:
        """Return what checks claims against these passages; reads them once."""
        ...
