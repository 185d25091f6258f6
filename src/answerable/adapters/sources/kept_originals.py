"""Documents of a source, read from the originals that were kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from answerable.library.bundles import around
from answerable.library.ports import Originals, Raw, Source, Unreadable


class Kept:
    """Some documents of a source, as they were when they were last read from it.

    Args:
        name: Of the source.
        files: SHA-256 of their bytes by path. What is not kept is left as it is.
        originals: Where the bytes are.
    """

    def __init__(self, name: str, files: Mapping[str, str], originals: Originals) -> None:
        self._name = name
        self._files = {path: one for path, one in sorted(files.items()) if originals.has(one)}
        self._originals = originals

    @property
    def name(self) -> str:
        """That of the source."""
        return self._name

    def covers(self, path: str) -> bool:
        """Return whether the bytes of a path are kept, or of a message it came with."""
        return any(one in self._files for one in (path, *around(path)))

    def count(self) -> int:
        """Return how many there are."""
        return len(self._files)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file, by path; one that is damaged as `Unreadable`."""
        for path, bytes_hash in self._files.items():
            if any(one in self._files for one in around(path)):
                continue  # it comes with that
            data = self._originals.get(bytes_hash)
            if data is None:
                reason = "the original that was kept of it is damaged"
                yield Unreadable(path=path, code="unreadable", reason=reason)
            else:
                yield Raw(path=path, data=data)


_: Callable[..., Source] = Kept
