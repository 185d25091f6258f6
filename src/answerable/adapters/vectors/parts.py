"""A segment as one revision sees it: without the documents that are gone or came anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from answerable.adapters.vectors.segment import Flags, Numbers, Segment, Starts


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Part:
    """A segment and which of its documents are alive.

    Attributes:
        name: Of the segment; no other ever has it.
        alive: ``[documents]``.
        probes: How many cells a search reads; 0: all rows.
        recall: Share of the ten nearest that so many probes found when it was written.
    """

    name: str
    segment: Segment
    alive: Flags
    probes: int = 0
    recall: float | None = None

    @property
    def sizes(self) -> Starts:
        """How many rows each document has: ``[documents]``."""
        return np.diff(self.segment.document_starts)

    @property
    def rows(self) -> int:
        """How many rows are alive."""
        return int(self.sizes[self.alive].sum())


def without(part: Part, numbers: Numbers) -> Part:
    """Return the part without the documents of these numbers."""
    dead = np.isin(part.segment.document_numbers, numbers)
    return replace(part, alive=part.alive & ~dead) if dead.any() else part


def to_flags(parts: Sequence[Part]) -> bytes:
    """Return one bit for each document of each part, set where it is alive."""
    return b"".join(np.packbits(part.alive).tobytes() for part in parts)


def flags_size(documents: Sequence[int]) -> int:
    """Return how many bytes `to_flags` gives for parts of so many documents."""
    return sum((count + 7) // 8 for count in documents)


def from_flags(data: bytes, documents: Sequence[int]) -> list[Flags]:
    """Return what `to_flags` was given, for parts of so many documents.

    Raises:
        ValueError: These are bits of other parts.
    """
    if len(data) != flags_size(documents):
        raise ValueError(f"{len(data)} bytes are no flags of {sum(documents)} documents")
    flags, at = [], 0
    for count in documents:
        size = flags_size([count])
        bits = np.frombuffer(data, np.uint8, size, at)
        flags.append(np.unpackbits(bits, count=count).astype(np.bool_))
        at += size
    return flags
