"""What a peer of the hybrid benchmark is given, and what is asked of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answerable.library.ports import Vectors

TOP = 10
EACH = 20
RRF = 60
_AT_ONCE = 2_000
FIELDS = {"10 %": "tenth", "1 %": "hundredth", "0.1 %": "thousandth"}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a peer is to hold.

    Attributes:
        texts: Title, headings and text of each chunk.
        vectors: ``[chunks, dimension]``, each of length 1.
        kept: For each filter which chunks it keeps.
    """

    texts: Sequence[str]
    vectors: Vectors
    kept: dict[str, NDArray[np.bool_]]

    def flags(self, at: int) -> dict[str, bool]:
        """Return the labels of a chunk, as fields that are true or false."""
        return {field: bool(self.kept[name][at]) for name, field in FIELDS.items()}

    def labels(self, at: int) -> list[str]:
        """Return the labels of a chunk."""
        return [field for field, held in self.flags(at).items() if held]

    def slices(self) -> Iterator[range]:
        """Give the numbers of the chunks, some at a time."""
        for start in range(0, len(self.texts), _AT_ONCE):
            yield range(start, min(start + _AT_ONCE, len(self.texts)))


class HybridPeer:
    """Another engine that holds vectors.

    Attributes:
        dial: Settings between speed and recall, fastest first; none where there is no choice.
    """

    dial: Sequence[int] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, given: Given) -> None:
        """Index everything and put it on disk."""
        raise NotImplementedError

    def open(self) -> None:
        """Get ready to be asked, in another process than the one that built."""

    def turn(self, setting: int) -> None:
        """Set the dial."""

    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        """Return the ten nearest chunks that a filter keeps, by meaning alone."""
        raise NotImplementedError

    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        """Return the ten best chunks that a filter keeps, with their text read."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Make the indexes anew from the rows it holds; NotImplementedError where it cannot."""
        raise NotImplementedError

    def processes(self) -> list[int]:
        """Return the processes that work and hold memory for it."""
        return [os.getpid()]

    def close(self) -> None:
        """End what was started."""
