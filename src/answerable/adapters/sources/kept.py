"""What was fetched before, kept on disk so that nothing unchanged is fetched again.

A cache: whatever is missing or damaged is fetched anew. Killed at any point it holds whole
entries only: everything is written beside its place and then moved there, a body before the entry
that names it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from answerable.adapters.disk import translated
from answerable.domain.errors import Locked

_ENTRY = ".json"
_PARTIAL = ".part"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something that was fetched.

    Attributes:
        key: What it was fetched by; nothing secret.
        body: SHA-256 of its bytes, hexadecimal.
        notes: What is known of it besides.
    """

    key: str
    body: str
    notes: Mapping[str, str] = field(default_factory=dict)


def folder_of(cache: Path, source: str) -> Path:
    """Return where one source keeps what it fetched, below a folder that many may share.

    Args:
        cache: The folder for all sources.
        source: Its name.
    """
    return cache / sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:24]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for one reading, against other threads and processes.

    Raises:
        Locked: Somebody else is reading this source.
        DiskFull, ReadOnly, StorageFailure: It cannot be made or written.
    """
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked(
                "this source is being read by somebody else",
                hint="wait for that to end, then try again",
            ) from error
        yield
    finally:
        os.close(file)


def forget(cache: Path, source: str) -> None:
    """Delete what a source has fetched; nothing when there is nothing.

    Raises:
        Locked: It is being read just now.
        StorageFailure: It cannot be deleted.
    """
    _forget(folder_of(cache, source))


def forget_all(cache: Path) -> None:
    """Delete what all sources have fetched.

    Raises:
        Locked: One is being read just now; others may be deleted already.
        StorageFailure: It cannot be deleted.
    """
    if cache.is_dir():
        for folder in sorted(cache.iterdir()):
            _forget(folder)
        with translated(cache), suppress(FileNotFoundError):
            cache.rmdir()


def _forget(folder: Path) -> None:
    if folder.is_dir():
        with held(folder), translated(folder):
            shutil.rmtree(folder)


class Kept:
    """Bodies and notes by key, in a folder that `held` holds.

    Args:
        folder: Made when something is put.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder / "kept"

    def get(self, key: str) -> Entry | None:
        """Return what is kept under a key; None when it is missing or damaged."""
        return _entry(self._place(key), key)

    def entries(self) -> Iterator[Entry]:
        """Give everything that is kept, in no order."""
        for path in self._root.glob(f"??/*{_ENTRY}"):
            entry = _entry(path, "")
            if entry is not None:
                yield entry

    def count(self) -> int:
        """Return how many entries there are."""
        return sum(1 for _ in self._root.glob(f"??/*{_ENTRY}"))

    def body(self, entry: Entry) -> bytes | None:
        """Return the bytes of an entry; None when they are missing or not what was kept."""
        try:
            data = self._body(entry).read_bytes()
        except OSError:
            return None
        return data if sha256(data).hexdigest() == entry.body else None

    def put(self, key: str, body: bytes, notes: Mapping[str, str]) -> Entry:
        """Keep bytes and notes under a key, in place of what was there.

        Raises:
            DiskFull, ReadOnly, StorageFailure: It cannot be written; what was there stays.
        """
        before = self.get(key)
        entry = Entry(key=key, body=sha256(body).hexdigest(), notes=notes)
        if before is None or before.body != entry.body or self.body(entry) is None:
            _write(self._body(entry), body)
        packed = {"key": key, "body": entry.body, "notes": dict(notes)}
        _write(self._place(key), json.dumps(packed).encode())
        if before is not None and before.body != entry.body:
            self._body(before).unlink(missing_ok=True)
        return entry

    def drop(self, key: str) -> None:
        """Forget a key."""
        entry = self.get(key)
        self._place(key).unlink(missing_ok=True)
        if entry is not None:
            self._body(entry).unlink(missing_ok=True)

    def sweep(self, keep: Collection[str]) -> None:
        """Forget every key but these, and whatever a killed reading left."""
        names = frozenset(map(_name, keep))
        for path in self._root.glob("??/*"):
            name, _, rest = path.name.partition(".")
            is_known = name in names and (rest == _ENTRY[1:] or self._is_named(path, rest))
            if not is_known:
                path.unlink(missing_ok=True)

    def _is_named(self, body: Path, digest: str) -> bool:
        entry = _entry(body.with_name(body.name.partition(".")[0] + _ENTRY), "")
        return entry is not None and entry.body == digest

    def _place(self, key: str) -> Path:
        name = _name(key)
        return self._root / name[:2] / f"{name}{_ENTRY}"

    def _body(self, entry: Entry) -> Path:
        return self._place(entry.key).with_suffix(f".{entry.body}")


def _name(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _entry(path: Path, key: str) -> Entry | None:
    try:
        found = json.loads(path.read_bytes())
        entry = Entry(key=found["key"], body=found["body"], notes=found["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if not key or entry.key == key else None


def _write(path: Path, data: bytes) -> None:
    """Put a whole file in its place at once.

    Raises:
        DiskFull, ReadOnly, StorageFailure: It cannot be written; what was there stays.
    """
    partial = path.with_name(f"{uuid4().hex}{_PARTIAL}")
    with translated(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
