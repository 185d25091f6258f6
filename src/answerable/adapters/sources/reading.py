"""Opening and reading files of a folder that others may change at the same moment.

Everything is opened relative to a folder that is open already, never through a link, and looked
at after opening: what is swapped in between is seen or refused, never followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from errno import EACCES, ELOOP, ENOENT, ENXIO, EPERM
from unicodedata import category

from answerable.library.ports import Raw, Unreadable

SIZE_BYTES_MAX = 50_000_000
SNIFF_BYTES = 8_000  # as Git does
VANISHED = "it vanished while the folder was read"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# Marks that turn the direction of text, with which a name can look like another one.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_plain(name: str) -> bool:
    """Return whether a name is Unicode without control characters."""
    return (name.isascii() and name.isprintable()) or not any(map(_is_unshown, name))


def _is_unshown(char: str) -> bool:
    return category(char) in _UNSHOWN or char in _TURNING


def shown(name: str) -> str:
    r"""Return a name that can be printed: a line break as ``\n``, a stray byte as ``\udcff``."""
    return "".join(ascii(char)[1:-1] if _is_unshown(char) else char for char in name)


def open_folder(root: int, parts: Iterable[str]) -> int:
    """Return a folder below an open one; part by part, so that no link leads elsewhere.

    Raises:
        OSError: A part is missing, no folder, a link, or not ours to read.
    """
    folder = os.open(".", _FOLDER, dir_fd=root)
    for part in parts:
        try:
            below = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder


def read_file(folder: int, name: str, path: str, *, size_max_bytes: int) -> Raw | Unreadable:
    """Return the bytes of a file in an open folder, or why it is not taken; never raises.

    At most one byte above the limit is read, also from a file that grows meanwhile.
    """
    try:
        file = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        return failed(path, error)
    try:
        return _looked_at(file, path, size_max_bytes)
    except OSError as error:
        return failed(path, error)
    finally:
        os.close(file)


def _looked_at(file: int, path: str, size_max_bytes: int) -> Raw | Unreadable:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        return not_a_file(path)
    if status.st_size > size_max_bytes:
        if b"\0" in os.read(file, SNIFF_BYTES):
            return Unreadable(path=path, code="binary", reason="it is no text", skipped=True)
        return too_large(path, size_max_bytes)
    data = _whole(file, expected=status.st_size, size_max_bytes=size_max_bytes)
    return taken(path, data, size_max_bytes=size_max_bytes)


def _whole(file: int, *, expected: int, size_max_bytes: int) -> bytes:
    data = os.read(file, expected + 1)
    if len(data) == expected:
        return data  # asked for more and got what it promised: this is all
    pieces, size = [data], len(data)
    while size <= size_max_bytes and (data := os.read(file, min(2**20, size_max_bytes + 1 - size))):
        pieces.append(data)
        size += len(data)
    return b"".join(pieces)


def taken(path: str, data: bytes, *, size_max_bytes: int) -> Raw | Unreadable:
    """Return the file unless it is too large or empty."""
    if len(data) > size_max_bytes:
        return too_large(path, size_max_bytes)
    if not data:
        return Unreadable(path=path, code="empty", reason="it is empty", skipped=True)
    return Raw(path=path, data=data)


def too_large(path: str, size_max_bytes: int) -> Unreadable:
    """Return what is said of a file above the limit."""
    limit = f"{size_max_bytes / 1_000_000:g} MB"
    return Unreadable(
        path=path,
        code="too_large",
        reason=f"it is larger than {limit} (setting ingest.size_mb_max)",
    )


def not_a_file(path: str) -> Unreadable:
    """Return what is said of a FIFO, a socket or a device."""
    reason = "it is neither a file nor a folder"
    return Unreadable(path=path, code="not_a_file", reason=reason, skipped=True)


def failed(path: str, error: OSError) -> Unreadable:
    """Return what is said when the system refuses."""
    if error.errno in {ELOOP, ENXIO}:
        reason = "it became something else while the folder was read"
        return Unreadable(path=path, code="not_a_file", reason=reason)
    if error.errno == ENOENT:
        reason = VANISHED
    elif error.errno in {EACCES, EPERM}:
        reason = "permission denied"
    else:
        reason = f"{error.strerror}".lower()
    return Unreadable(path=path, code="unreadable", reason=reason)
