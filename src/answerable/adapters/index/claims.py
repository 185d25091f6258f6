"""Folders that belong to one who works in them, for as long as that one lives.

Whoever makes such a folder holds a lock on it, which the kernel lets go however the process ends.
So what a dead process left can be told from what a living one is at, by anyone, at any time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from answerable.adapters.index.disk import Disk


class Claim:
    """A new folder of a name that no other has, ours until `close`.

    Args:
        root: The folder it is made in; made when it is not there.
        disk: What changes the disk.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        self._disk = disk
        disk.make(root)
        self.folder, self._handle = self._claimed(root)

    def close(self) -> None:
        """Remove the folder and all in it; a second time does nothing."""
        handle, self._handle = self._handle, -1
        if handle < 0:
            return
        try:
            self._disk.remove(self.folder)
        finally:
            os.close(handle)

    def _claimed(self, root: Path) -> tuple[Path, int]:
        while True:
            folder = root / token_hex(8)
            self._disk.make(folder)
            handle = _locked(folder)
            if handle is not None:
                return folder, handle
            # Somebody swept it before the lock was on it.


def sweep(root: Path, disk: Disk) -> None:
    """Remove the folders below `root` whose makers are dead."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        with _held(folder) as is_dead:
            if is_dead:
                disk.remove(folder)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    handle = _locked(folder)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    """Return a handle that holds the lock of a folder; None when it is held, or gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink and folder.exists():
            return handle
    except BlockingIOError:
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None
