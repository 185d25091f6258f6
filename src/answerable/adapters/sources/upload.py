"""Documents that were sent to us, and what a path that somebody sent may look like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from answerable.adapters.sources.reading import SIZE_BYTES_MAX, is_plain, shown, taken
from answerable.domain.errors import BadInput
from answerable.library.bundles import around
from answerable.library.ports import UPLOAD_SOURCE, Raw, Source, Unreadable

PATH_CHARS_MAX = 300


def safe_path(path: str) -> str:
    """Return the path if it can only lie below a root: ``guides/restore.md``.

    Raises:
        BadInput: It is empty, absolute or too long, holds an empty part, ``.``, ``..``, a
            backslash, a control character or what is not Unicode.
    """
    flaw = _flaw(path)
    if flaw:
        raise BadInput(
            f"the path {shown(path[:PATH_CHARS_MAX])!r} {flaw}",
            hint="give a relative path with `/` between its parts, such as guides/restore.md",
        )
    return path


def _flaw(path: str) -> str:
    flaws = {
        "is empty": not path,
        f"is longer than {PATH_CHARS_MAX} characters": len(path) > PATH_CHARS_MAX,
        "holds a control character": not is_plain(path),
        "holds a backslash": "\\" in path,
        "is not relative": path.startswith("/"),
        "holds an empty part, `.` or `..`": bool({"", ".", ".."} & set(path.split("/"))),
    }
    return next((flaw for flaw, is_so in flaws.items() if is_so), "")


class Uploads:
    """Files that were sent; every other one that was sent before is left as it is.

    Args:
        files: Their bytes by the path where each is to stand, None for one that shall vanish;
            see `safe_path`.
        name: Of the source: ``upload``, or ``push:`` and what an operator called it.
        size_max_bytes: A file above it is given as ``too_large``.

    Raises:
        BadInput: A path is not safe.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | None],
        *,
        name: str = UPLOAD_SOURCE,
        size_max_bytes: int = SIZE_BYTES_MAX,
    ) -> None:
        self.name = name
        self._files = {safe_path(path): files[path] for path in sorted(files)}
        self._size_max_bytes = size_max_bytes

    def covers(self, path: str) -> bool:
        """Return whether a file was sent for exactly this path, or of a message it came with."""
        return any(one in self._files for one in (path, *around(path)))

    def count(self) -> int:
        """Return how many files were sent."""
        return sum(data is not None for data in self._files.values())

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file, by path."""
        for path, data in self._files.items():
            if data is not None:
                yield taken(path, data, size_max_bytes=self._size_max_bytes)


_: Callable[..., Source] = Uploads
