"""ZIP archives, looked at before anything of them is unpacked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, LargeZipFile, ZipFile

from answerable.adapters.parsers.canonical import Refused

ENTRIES_MAX = 10_000
PART_BYTES_MAX = 2**27
TOTAL_BYTES_MAX = 2**29
RATIO_MAX = 100
"""Real parts of documents shrink to a thirtieth; a bomb to a thousandth."""
RATIO_FREE_BYTES = 2**22

_ENCRYPTED = 1
_BROKEN = (BadZipFile, LargeZipFile, NotImplementedError, ValueError, OSError, EOFError, zlib.error)


class Archive:
    """A ZIP archive in memory whose directory was found harmless. Nothing is ever written out."""

    def __init__(self, data: bytes) -> None:
        """Look at the directory of an archive.

        Raises:
            Refused: ``malformed`` when it is broken, ``encrypted``, or ``unsafe`` when it would
                unpack to far more than it is, or a name in it leads out of a folder.
        """
        try:
            self._zip = ZipFile(BytesIO(data))
            entries = self._zip.infolist()
        except _BROKEN as error:
            raise Refused("malformed", "its archive is damaged") from error
        if len(entries) > ENTRIES_MAX:
            raise Refused("unsafe", f"its archive holds more than {ENTRIES_MAX:,} files")
        if sum(entry.file_size for entry in entries) > TOTAL_BYTES_MAX:
            raise Refused("unsafe", f"it unpacks to more than {TOTAL_BYTES_MAX // 2**20} MiB")
        for entry in entries:
            _check_name(entry.filename)
            _check_size(entry.file_size, entry.compress_size)
        self._sizes = {entry.filename: entry.file_size for entry in entries}
        self._secret = {entry.filename for entry in entries if entry.flag_bits & _ENCRYPTED}

    @property
    def names(self) -> Sequence[str]:
        """The names of all files in it."""
        return tuple(self._sizes)

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def below(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, in order."""
        return sorted(name for name in self._sizes if name.startswith(folder) and name != folder)

    def read(self, name: str) -> bytes:
        """Return a file of it; never more than it was said to hold.

        Raises:
            Refused: It is missing, damaged, encrypted, or larger than a document's part is.
        """
        if name not in self._sizes:
            raise Refused("malformed", "a part of it is missing")
        if name in self._secret:
            raise Refused("encrypted", "it is protected by a password")
        if self._sizes[name] > PART_BYTES_MAX:
            raise Refused("unsafe", f"a part of it is larger than {PART_BYTES_MAX // 2**20} MiB")
        try:
            with self._zip.open(name) as part:
                body = part.read(self._sizes[name])
                part.read(1)  # at the end it compares the checksum
        except RuntimeError as error:
            raise Refused("encrypted", "it is protected by a password") from error
        except _BROKEN as error:
            raise Refused("malformed", "a part of its archive is damaged") from error
        return body


def _check_name(name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or name[1:2] == ":":
        raise Refused("unsafe", "a name in its archive leads out of it")


def _check_size(size: int, packed: int) -> None:
    if size > RATIO_FREE_BYTES and size > RATIO_MAX * max(1, packed):
        raise Refused("unsafe", f"a part of it unpacks to more than {RATIO_MAX} times its size")
