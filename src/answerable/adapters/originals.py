"""The bytes documents were read from, in a folder, each once.

    originals/ab/cdef…      as they are
    originals/ab/cdef….z    compressed, where that saves something

Names are the SHA-256 of the bytes, so whoever reads can tell whether they are whole.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from threading import Lock

from answerable.adapters.disk import translated
from answerable.library.ports import Originals

_PACKED = ".z"
_PART = ".part"
_DIGITS_OF_FOLDER = 2
_LEVEL = 1  # most of what there is to gain, at a tenth of the time
_SAVES_MIN = 0.9
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64


class FileOriginals:
    """Keeps bytes below one folder. Safe for many threads and processes.

    Args:
        folder: Made with the first bytes.
        file_bytes_max: Larger ones are not kept.
        bytes_max: Of all together, as they lie on disk; what comes beyond is not kept.
    """

    def __init__(self, folder: Path, *, file_bytes_max: int, bytes_max: int) -> None:
        self._folder = folder
        self._file_bytes_max = file_bytes_max
        self._bytes_max = bytes_max
        self._lock = Lock()
        self._used: int | None = None

    def put(self, bytes_hash: str, data: bytes, *, is_only: bool) -> bool:
        """Keep bytes unless they are there or there is no room; return whether they are there."""
        if self._renewed(bytes_hash):
            return True
        if len(data) > self._file_bytes_max or self._left() <= 0:
            return False
        packed = zlib.compress(data, _LEVEL)
        is_packed = len(packed) < len(data) * _SAVES_MIN
        kept = packed if is_packed else data
        if len(kept) > self._left():
            return False
        try:
            self._write(self._path(bytes_hash, is_packed=is_packed), kept, is_only=is_only)
        except OSError:
            return False  # a full disk is no reason not to read a document
        with self._lock:
            self._used = (self._used or 0) + len(kept)
        return True

    def _renewed(self, bytes_hash: str) -> bool:
        """Return whether bytes are there; from now on they were kept just now, for `sweep`."""
        for is_packed in (True, False):
            with suppress(OSError):
                os.utime(self._path(bytes_hash, is_packed=is_packed))
                return True
        return self.has(bytes_hash)

    def get(self, bytes_hash: str) -> bytes | None:
        """Return bytes; None when they are not there, or not what was kept.

        What is damaged is deleted, so that it is kept again when it is next read.

        Raises:
            StorageFailure: They cannot be read.
        """
        for is_packed in (True, False):
            path = self._path(bytes_hash, is_packed=is_packed)
            with translated(path):
                try:
                    kept = path.read_bytes()
                except FileNotFoundError:
                    continue
            data = _unpacked(kept, self._file_bytes_max) if is_packed else kept
            if data is not None and sha256(data).hexdigest() == bytes_hash:
                return data
            self._delete(path)
        return None

    def has(self, bytes_hash: str) -> bool:
        """Return whether bytes are there."""
        return any(self._path(bytes_hash, is_packed=one).exists() for one in (True, False))

    def drop(self, hashes: Collection[str]) -> None:
        """Delete bytes, also half-written ones.

        Raises:
            StorageFailure: They cannot be deleted.
        """
        wanted = frozenset(hashes)
        for folder in sorted({one[:_DIGITS_OF_FOLDER] for one in wanted}):
            for path in self._in(self._folder / folder):
                if folder + path.name.partition(".")[0] in wanted:
                    self._delete(path)

    def sweep(self, keep: Collection[str], *, older_than_ms: int) -> int:
        """Delete all but these that were kept before a time; return how many."""
        wanted, went = frozenset(keep), 0
        for path in self._all():
            name, _, rest = (path.parent.name + path.name).partition(".")
            with translated(path):
                is_old = path.stat().st_mtime_ns < older_than_ms * 1_000_000
            if is_old and (name not in wanted or rest.endswith(_PART.removeprefix("."))):
                self._delete(path)
                went += 1
        return went

    def _left(self) -> int:
        """Return how many bytes there is room for; looks once at what lies there."""
        with self._lock:
            if self._used is None:
                self._used = sum(path.stat().st_size for path in self._all())
            return self._bytes_max - self._used

    def _delete(self, path: Path) -> None:
        with translated(path), self._lock:
            size = path.stat().st_size if path.exists() else 0
            path.unlink(missing_ok=True)
            if self._used is not None:
                self._used -= size

    def _write(self, path: Path, data: bytes, *, is_only: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{token_hex(8)}{_PART}")
        try:
            with part.open("xb") as file:
                file.write(data)
                if is_only:
                    file.flush()
                    os.fsync(file.fileno())
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if is_only:
            _sync(path.parent)
            _sync(self._folder)

    def _path(self, bytes_hash: str, *, is_packed: bool) -> Path:
        if len(bytes_hash) != _DIGITS or not _HEX.issuperset(bytes_hash):
            raise ValueError("it is no SHA-256")
        folder, name = bytes_hash[:_DIGITS_OF_FOLDER], bytes_hash[_DIGITS_OF_FOLDER:]
        return self._folder / folder / (f"{name}{_PACKED}" if is_packed else name)

    def _all(self) -> Iterator[Path]:
        for folder in self._in(self._folder):
            yield from self._in(folder)

    def _in(self, folder: Path) -> Iterator[Path]:
        with translated(folder):
            yield from sorted(folder.iterdir()) if folder.is_dir() else ()


_: Callable[..., Originals] = FileOriginals


class MemoryOriginals:
    """Keeps bytes in a dict."""

    def __init__(self, *, file_bytes_max: int, bytes_max: int) -> None:
        self._file_bytes_max = file_bytes_max
        self._bytes_max = bytes_max
        self._kept: dict[str, bytes] = {}

    def put(self, bytes_hash: str, data: bytes, *, is_only: bool) -> bool:
        """Keep bytes unless they are there or there is no room; return whether they are there."""
        del is_only
        if bytes_hash in self._kept:
            return True
        used = sum(map(len, self._kept.values()))
        if len(data) > self._file_bytes_max or used + len(data) > self._bytes_max:
            return False
        self._kept[bytes_hash] = data
        return True

    def get(self, bytes_hash: str) -> bytes | None:
        """Return bytes; None when they are not there."""
        return self._kept.get(bytes_hash)

    def has(self, bytes_hash: str) -> bool:
        """Return whether bytes are there."""
        return bytes_hash in self._kept

    def drop(self, hashes: Collection[str]) -> None:
        """Forget bytes."""
        for one in hashes:
            self._kept.pop(one, None)

    def sweep(self, keep: Collection[str], *, older_than_ms: int) -> int:
        """Forget all but these; return how many went."""
        del older_than_ms
        dead = self._kept.keys() - frozenset(keep)
        self.drop(dead)
        return len(dead)


_memory: Callable[..., Originals] = MemoryOriginals


def _unpacked(packed: bytes, most: int) -> bytes | None:
    """Return what was compressed; None for what is no such thing, or too much of it."""
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, most + 1)
    except zlib.error:
        return None
    return data if unpacking.eof and len(data) <= most else None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
