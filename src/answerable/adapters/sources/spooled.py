"""A source read to the end before anybody waits for it: far away and slow becomes here and fast."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from answerable.adapters.disk import translated
from answerable.library.ports import Raw, Source, Unreadable

_IN_MEMORY_BYTES = 8_000_000


class Spooled:
    """What a source gave, kept in a file of its own; use it as a context manager.

    The writer lock of the library is not held while a website is crawled: `fetch` first, then
    ingest this.

    Args:
        source: To be read.
        folder: Where the file goes when there is much; it leaves nothing there.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._held = ExitStack()
        self._items: list[tuple[str, int, int] | Unreadable] = []

    def __enter__(self) -> Self:
        with translated(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._file = self._held.enter_context(
            tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(self._folder))
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def fetch(self, heard: Callable[[int], None]) -> None:
        """Read the source to its end; `heard` is told how many files there are by now.

        Raises:
            AnswerableError: The source cannot be read as a whole, or the disk is full.
        """
        at = 0
        for item in self._source.files():
            if isinstance(item, Unreadable):
                self._items.append(item)
            else:
                with translated(self._folder):
                    self._file.write(item.data)
                self._items.append((item.path, at, len(item.data)))
                at += len(item.data)
            heard(len(self._items))

    @property
    def name(self) -> str:
        """The source's."""
        return self._source.name

    def covers(self, path: str) -> bool:
        """Return what the source returns."""
        return self._source.covers(path)

    def count(self) -> int:
        """Return how many files were fetched."""
        return len(self._items)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give what was fetched, in the same order."""
        for item in self._items:
            if isinstance(item, Unreadable):
                yield item
                continue
            path, at, size = item
            with translated(self._folder):
                self._file.seek(at)
                data = self._file.read(size)
            yield Raw(path=path, data=data)


_: Callable[..., Source] = Spooled
