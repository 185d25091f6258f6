"""The file-system calls that change something, and what their failures mean."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from answerable.domain.errors import DiskFull, ReadOnly, StorageFailure

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_WRITING = {errno.EROFS, errno.EACCES, errno.EPERM}
# Another file system, one without hard links, or a file that has as many as it may have.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}
_PROBE_BYTES = 1 << 20


class Disk:
    """Every call by which a build changes the disk. A test makes them fail one by one."""

    def make(self, folder: Path) -> None:
        """Make a folder, and those above it; one that is there already is fine."""
        folder.mkdir(parents=True, exist_ok=True)

    def link(self, source: Path, target: Path) -> None:
        """Give a file that never changes a second name; a copy where links cannot be had."""
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self.copy(source, target)

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file, without waiting for it to be on disk."""
        shutil.copyfile(source, target)

    def write(self, target: Path, data: bytes) -> None:
        """Write a new file, without waiting for it to be on disk."""
        target.write_bytes(data)

    def pour(self, target: Path, pieces: Iterable[bytes | memoryview]) -> None:
        """Write a new file piece by piece, without waiting for it to be on disk."""
        with target.open("xb") as file:
            file.writelines(pieces)

    def sync(self, path: Path) -> None:
        """Wait until a file, or the names in a folder, are on disk."""
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Move a folder to a name that is not taken; all of it or nothing."""
        source.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file or a whole folder; nothing there is fine."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def failure(error: OSError, folder: Path) -> StorageFailure:
    """Return what a failed call in a folder means for the operator."""
    if error.errno in _NO_ROOM:
        return DiskFull(f"no room left in {folder}", hint="free some space and run it again")
    if error.errno in _NO_WRITING:
        return ReadOnly(
            f"{folder} cannot be written: {os.strerror(error.errno or 0)}",
            hint="check the owner and mode of the data directory, and how it is mounted",
        )
    return StorageFailure(
        f"{folder} failed: {error.strerror or type(error).__name__}",
        hint="check the disk and run it again",
    )


def diagnose(folder: Path) -> StorageFailure:
    """Return why tantivy could not write in a folder, by trying it.

    Its own message says only that a thread died.
    """
    probe = folder / "probe"
    try:
        probe.write_bytes(bytes(_PROBE_BYTES))
        probe.unlink()
    except OSError as error:
        return failure(error, folder)
    return StorageFailure(
        f"the index could not be written in {folder}",
        hint="check the free space and the limits of the process, and run it again",
    )
