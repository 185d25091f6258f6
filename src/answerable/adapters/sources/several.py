"""Some files of one source, read as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from answerable.library.ports import Raw, Source, Unreadable


class Several:
    """Parts of one source, one after the other.

    Args:
        parts: At least one, all of one name, none of which covers what another does.
    """

    def __init__(self, parts: Sequence[Source]) -> None:
        self._parts = tuple(parts)

    @property
    def name(self) -> str:
        """The name they share."""
        return self._parts[0].name

    def covers(self, path: str) -> bool:
        """Return whether one of them answers for a path."""
        return any(part.covers(path) for part in self._parts)

    def count(self) -> int:
        """Return how many files all of them will give."""
        return sum(part.count() for part in self._parts)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file of all of them."""
        return chain.from_iterable(part.files() for part in self._parts)


_: Callable[..., Source] = Several
