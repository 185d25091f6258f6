"""What the operating system says about a disk, as errors of the domain."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from answerable.domain.errors import AnswerableError, DiskFull, ReadOnly, StorageFailure

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise a failure of the operating system as one of the domain, naming the path."""
    try:
        yield
    except OSError as error:
        raise failure(error, path) from error


def failure(error: OSError, path: Path) -> AnswerableError:
    """Return the domain's word for a failure of the operating system."""
    if error.errno in _FULL:
        return DiskFull(
            f"no room left writing {path}",
            hint="free some space on that disk; nothing acknowledged is lost, then run it again",
        )
    if error.errno in _READ_ONLY:
        return ReadOnly(
            f"{path} cannot be written: {error.strerror}",
            hint="check the owner and permissions of the data directory",
        )
    if error.errno in _IN_THE_WAY:
        return StorageFailure(
            f"{path} cannot be a folder: a file is in the way", hint="choose another folder"
        )
    return StorageFailure(
        f"{path}: {error.strerror or error}", hint="check the disk, then try again"
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file anew: whoever reads meanwhile finds the old one or the new one whole.

    Raises:
        StorageFailure: It cannot be written; the old one is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with translated(path):
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


# Two databases need 32 KiB each to be opened, and a little more to note who was there.
_RESERVE_BYTES = 128 << 10


class Reserve:
    """A file that holds a little room, so that a full disk can still be asked about.

    SQLite cannot open a database without making a file beside it. Whoever opens the library
    on a full disk gives the reserve up and tries again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Hold the room from now on; does nothing while there is none to spare."""
        if self._path.exists():
            return
        try:
            self._path.write_bytes(os.urandom(_RESERVE_BYTES))  # zeros might take no room
        except OSError:
            self.give_up()

    def give_up(self) -> bool:
        """Let others have the room; return whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
