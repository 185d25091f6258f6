"""Uploaded files that wait for ingestion: on disk before the upload is acknowledged."""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from answerable.adapters.disk import translated
from answerable.domain.errors import Corrupt


class Inbox:
    """A folder of files, each named by an identity of its own and the SHA-256 of its bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, identity: str, data: bytes) -> str:
        """Store bytes durably and return their name."""
        name = f"{identity}-{sha256(data).hexdigest()}"
        path = self._folder / name
        with translated(path):
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True, exist_ok=True)
                _sync(self._folder.parent)
            self._write(path, data)
        return name

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except OSError:
            # On a full disk, its room is what is missing.
            part.unlink(missing_ok=True)
            raise
        _sync(self._folder)

    def get(self, name: str) -> bytes:
        """Return the bytes stored under a name.

        Raises:
            Corrupt: They are gone or not what was stored.
        """
        path = self._folder / name
        with translated(path):
            data = path.read_bytes() if path.exists() else b""
        if sha256(data).hexdigest() != self.hash_in(name):
            raise Corrupt(f"the uploaded file {path} is damaged", hint="upload it again")
        return data

    def drop(self, name: str) -> None:
        """Delete what was stored under a name, if it is there."""
        path = self._folder / name
        with translated(path):
            path.unlink(missing_ok=True)

    @staticmethod
    def hash_in(name: str) -> str:
        """Return the SHA-256 of the bytes that are, or were, stored under a name."""
        return name.rpartition("-")[2]

    def drop_bytes(self, hashes: Collection[str]) -> None:
        """Delete every file, also one half written, whose bytes have one of these SHA-256."""
        with translated(self._folder):
            for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
                if self.hash_in(path.name.removesuffix(".part")) in hashes:
                    path.unlink(missing_ok=True)

    def sweep(self, keep: Collection[str], *, older_than_ms: int) -> int:
        """Delete every file, also one half written, but those named; return how many went.

        Args:
            keep: Names.
            older_than_ms: A file changed since then, in ms since the epoch, stays too: its
                upload may not be queued yet.
        """
        went = 0
        with translated(self._folder):
            if not self._folder.is_dir():
                return 0
            for path in sorted(self._folder.iterdir()):
                if path.name not in keep and path.stat().st_mtime_ns < older_than_ms * 1_000_000:
                    path.unlink(missing_ok=True)
                    went += 1
        return went


def _sync(folder: Path) -> None:
    """Make what was created or renamed in a folder durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
