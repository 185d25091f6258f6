"""The write lock of a library: a locked file that names its holder."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from answerable.domain.errors import AnswerableError, DiskFull, Locked, ReadOnly, StorageFailure

BRIEF_S = 10.0
"""How long one waits for somebody who holds the lock briefly."""

_BRIEFLY = "briefly"
_LOOK_S = 0.02

# They hold the lock only while they take in uploads.
_SERVING = {"serve", "demo"}


@contextmanager
def exclusive(path: Path, *, is_brief: bool = False) -> Iterator[None]:
    """Hold an exclusive lock on a file, against other processes and threads of this one.

    The kernel lets go when the process ends, however it ends. The file stays: deleting it
    would let two processes lock two files of one name.

    Args:
        path: The file.
        is_brief: Whether it is held for a moment only: others wait for that.

    Raises:
        Locked: Someone else holds it; names the process.
        ReadOnly, DiskFull, StorageFailure: The file cannot be made or written.
    """
    file = _open(path)
    try:
        if not _take(file):
            raise _locked(path, _holder(file))
        _sign(file, path, is_brief=is_brief)
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _failure(error, path) from error


def _take(file: int) -> bool:
    """Take the lock, if need be when who holds it briefly lets go; return whether it was had."""
    until = time.monotonic() + BRIEF_S
    while not _is_free(file):
        # A signature may be that of the one before, for as long as the new one is not written.
        if _BRIEFLY not in _holder(file) or time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(file: int, path: Path, *, is_brief: bool) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
    try:
        os.ftruncate(file, 0)
        lines = [str(os.getpid()), command, since, *([_BRIEFLY] if is_brief else [])]
        os.pwrite(file, "\n".join([*lines, ""]).encode(errors="replace"), 0)
    except OSError as error:
        raise _failure(error, path) from error


def _holder(file: int) -> list[str]:
    return os.pread(file, 4096, 0).decode(errors="replace").splitlines()


def _locked(path: Path, holder: list[str]) -> Locked:
    # The holder may not have signed yet.
    try:
        pid, command, since, *_ = holder
    except ValueError:
        return Locked(
            f"another process is writing to the library ({path})",
            hint="wait for it to finish, then run it again",
        )
    return Locked(
        f"process {pid} ({command}) has been writing to the library since {since} ({path})",
        hint=_way_out(pid, command),
    )


def _way_out(pid: str, command: str) -> str:
    if command.rpartition(" ")[2] in _SERVING:
        return "it is taking in uploads: run it again in a moment"
    return f"wait for it to finish, or stop it: kill {pid}"


def _failure(error: OSError, path: Path) -> AnswerableError:
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return ReadOnly(
            f"{path} cannot be written", hint=f"make {path.parent} writable for this user"
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFull(
            f"{path} cannot grow: the disk is full or a quota is reached",
            hint=f"free space where {path.parent} lives, then run it again",
        )
    return StorageFailure(
        f"{path} cannot be locked: {error.strerror}",
        hint=f"look whether {path.parent} exists and is on a local disk",
    )
