"""What of a remote source is taken: names that can be kept, patterns that leave in and out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from posixpath import splitext

from answerable.adapters.sources.folder import PATH_BYTES_MAX, is_junk
from answerable.adapters.sources.ignore import Rules, compiled
from answerable.adapters.sources.reading import is_plain, shown, too_large
from answerable.library.ports import Unreadable


class Choice:
    """Which paths of a source are taken.

    Args:
        includes: Patterns as in ``.gitignore``; with none, everything is included.
        excludes: Patterns of the same kind; they win.
        takes_junk: Whether hidden names and what tools leave behind are taken too.
    """

    def __init__(
        self,
        *,
        includes: Sequence[str] = (),
        excludes: Sequence[str] = (),
        takes_junk: bool = False,
    ) -> None:
        self._includes = compiled(map(os.fsencode, includes))
        self._excludes = compiled(map(os.fsencode, excludes))
        self._takes_junk = takes_junk

    def includes(self, path: str) -> bool:
        """Return whether a file is among what is included, by itself or by a folder above it."""
        if self._includes is None:
            return True
        return _last(self._includes, path, is_folder=False) or any(
            _last(self._includes, folder, is_folder=True) for folder in _folders(path)
        )

    def refusal(self, path: str) -> Unreadable | None:
        """Return why a file, or the outermost folder it lies in, is not taken; None if it is.

        The path of a folder ends in a slash.
        """
        for folder in _folders(path):
            if reason := self._reason(folder, is_folder=True):
                return _ignored(f"{folder}/", reason)
        if reason := self._reason(path, is_folder=False):
            return _ignored(path, reason)
        return None

    def _reason(self, path: str, *, is_folder: bool) -> str:
        if self._excludes and _last(self._excludes, path, is_folder=is_folder):
            return "named by an exclude"
        if not self._takes_junk and is_junk(path.rpartition("/")[2]):
            return "a hidden file or one that tools leave behind"
        return ""


def _last(rules: Rules, path: str, *, is_folder: bool) -> bool:
    return rules.ignores(path.encode(errors="surrogateescape"), is_folder=is_folder) is True


def _folders(path: str) -> Iterator[str]:
    """Give the folders a path lies in, outermost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _ignored(path: str, reason: str) -> Unreadable:
    return Unreadable(path=path, code="ignored", reason=reason, skipped=True)


def bad_name(path: str) -> Unreadable | None:
    """Return why a name from elsewhere cannot be kept; None if it can.

    It could lead out of the source, stand for another, or write to a terminal.
    """
    if not is_plain(path):
        return _bad(shown(path), "its name holds a control character or is not Unicode")
    if len(path.encode()) > PATH_BYTES_MAX:
        return _bad(path[:PATH_BYTES_MAX], f"its name is longer than {PATH_BYTES_MAX} bytes")
    if {"", ".", ".."} & set(path.split("/")):
        return _bad(_inert(path), "its name is absolute or holds an empty part, `.` or `..`")
    return None


def _inert(path: str) -> str:
    r"""Return a name that leads nowhere: ``a//../b`` as ``a/\/\.\./b``."""
    inert = {"": "\\", ".": "\\.", "..": "\\.\\."}
    return "/".join(inert.get(part, part) for part in path.split("/"))


def _bad(path: str, reason: str) -> Unreadable:
    return Unreadable(path=path, code="bad_name", reason=reason)


# Never documents, so that one that is too large is nothing to report.
_NO_DOCUMENTS = frozenset(
    ".png .jpg .jpeg .gif .bmp .tif .tiff .webp .ico .psd .mp3 .mp4 .m4a .mov .avi .mkv .webm .wav"
    " .flac .ogg .zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .jar .war .whl .deb .rpm .iso .img .dmg"
    " .exe .dll .so .dylib .bin .o .a .class .pyc .woff .woff2 .ttf .otf .parquet .onnx .pt .db"
    " .sqlite".split()
)


def over_limit(path: str, size_max_bytes: int) -> Unreadable:
    """Return what is said of a file that was not read because of its size."""
    if splitext(path)[1].lower() in _NO_DOCUMENTS:
        return Unreadable(path=path, code="binary", reason="it is no text", skipped=True)
    return too_large(path, size_max_bytes)
