"""Some paths of a folder: what changed there a moment ago."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from answerable.adapters.sources.folder import Folder
from answerable.adapters.sources.reading import SIZE_BYTES_MAX
from answerable.domain.errors import PathMissing
from answerable.library.ports import Raw, Source, Unreadable


class Picked:
    """The files of a folder at some paths and below them; all others are left as they are.

    A path where nothing is any more is answered for: what was known there has vanished.

    Args:
        root: The folder: its absolute path is the identity of the source, as of all of it.
        paths: Below the root, ``/`` between parts; of files and of folders.
        excludes: As of all of it.
        size_max_bytes: As of all of it.

    Raises:
        PathMissing, BadInput: There is no such folder.
    """

    def __init__(
        self,
        root: Path,
        paths: Sequence[str],
        *,
        excludes: Sequence[str] = (),
        size_max_bytes: int = SIZE_BYTES_MAX,
    ) -> None:
        self._whole = Folder(root, excludes=excludes, size_max_bytes=size_max_bytes)
        self._root = root
        self._paths = _outermost(paths)
        self._excludes = excludes
        self._size_max_bytes = size_max_bytes

    @property
    def name(self) -> str:
        """As of all of it."""
        return self._whole.name

    def covers(self, path: str) -> bool:
        """Return whether a path is one of them, or below one."""
        return any(path == one or path.startswith(f"{one}/") for one in self._paths)

    def count(self) -> int:
        """Return how many paths there are."""
        return len(self._paths)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give what is there now."""
        for path in self._paths:
            try:
                part = Folder(
                    self._root,
                    within=path,
                    excludes=self._excludes,
                    size_max_bytes=self._size_max_bytes,
                )
            except PathMissing:
                continue
            yield from part.files()


_: Callable[..., Source] = Picked


def _outermost(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that lie below no other of them, in order."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not (kept and path.startswith(f"{kept[-1]}/")):
            kept.append(path)
    return tuple(kept)
