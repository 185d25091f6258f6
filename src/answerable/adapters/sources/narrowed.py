"""A source of which only some paths are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from answerable.adapters.sources.choosing import Choice
from answerable.library.ports import Raw, Source, Unreadable


class Narrowed:
    """What a source gives at paths that some patterns name.

    What is left out is given as ``ignored``, and vanishes from the library: this reading answers
    for it as its source does.

    Args:
        source: To be narrowed.
        include: Patterns as in ``.gitignore``; a folder's takes all below it.
    """

    def __init__(self, source: Source, include: Sequence[str]) -> None:
        self._source = source
        self._choice = Choice(includes=include)

    @property
    def name(self) -> str:
        """Its source's."""
        return self._source.name

    def covers(self, path: str) -> bool:
        """Return what its source returns."""
        return self._source.covers(path)

    def count(self) -> int:
        """Return what its source returns: some of them are left out."""
        return self._source.count()

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give what its source gives, what is left out as ``ignored``."""
        for item in self._source.files():
            # What is said of a folder concerns whatever it holds.
            if item.path.endswith("/") or self._choice.includes(item.path):
                yield item
            else:
                reason = "no pattern of the source takes it"
                yield Unreadable(path=item.path, code="ignored", reason=reason, skipped=True)


_: Callable[..., Source] = Narrowed
