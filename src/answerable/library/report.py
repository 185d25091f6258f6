"""What a run of ingestion did, file by file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from answerable.domain.documents import Finding


class Change(StrEnum):
    """What became of one file."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOutcome:
    """One file and what became of it.

    Attributes:
        code, reason: Why it was not taken.
        findings: What of it was not read, though it was taken.
    """

    path: str
    change: Change
    code: str = ""
    reason: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a run did.

    Attributes:
        revision: The revision it sealed, or None when nothing changed.
        outcomes: Every file that is not unchanged, in the order it was met.
        counts: Number of files by change, also the unchanged.
        withheld: Documents the source seems to have lost that stay: they are too many.
        of_source: Documents of this source in the library now.
    """

    source: str
    revision: int | None
    outcomes: tuple[FileOutcome, ...]
    counts: tuple[tuple[Change, int], ...]
    documents: int
    chunks: int
    took_ms: float
    withheld: int = 0
    of_source: int = 0

    def count(self, change: Change) -> int:
        """Return how many files this became of."""
        return dict(self.counts).get(change, 0)

    @property
    def has_failures(self) -> bool:
        """Whether at least one file could not be read."""
        return self.count(Change.FAILED) > 0


def tally(outcomes: tuple[FileOutcome, ...], unchanged: int) -> tuple[tuple[Change, int], ...]:
    """Return the number of files by change, every change named."""
    counts = Counter(outcome.change for outcome in outcomes)
    counts[Change.UNCHANGED] = unchanged
    return tuple((change, counts[change]) for change in Change)


class Progress(Protocol):
    """Hears how a run goes on. Every method returns at once."""

    def begin(self, source: str, files: int) -> None:
        """A source with about so many files is being read."""
        ...

    def file(self, done: int, chunks: int) -> None:
        """So many files are dealt with, so many chunks are new."""
        ...

    def kept(self, documents: int) -> None:
        """So many documents of this run are safely stored: they need not be read again."""
        ...

    def stage(self, name: str) -> None:
        """Reading is over; now ``indexing``, then ``sealing``."""
        ...


class Silent:
    """A progress nobody listens to."""

    def begin(self, source: str, files: int) -> None:
        """Ignore it."""

    def file(self, done: int, chunks: int) -> None:
        """Ignore it."""

    def kept(self, documents: int) -> None:
        """Ignore it."""

    def stage(self, name: str) -> None:
        """Ignore it."""
