"""A source that has gone: whatever is known of it vanishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from answerable.library.ports import Raw, Source, Unreadable


class Nothing:
    """No file at all, in place of a source.

    Args:
        name: Of the source whose documents shall vanish.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def covers(self, path: str) -> bool:
        """Answer for every path."""
        del path
        return True

    def count(self) -> int:
        """Return that there is none."""
        return 0

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give nothing."""
        return iter(())


_: Callable[..., Source] = Nothing
