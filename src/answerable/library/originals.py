"""No originals: for who keeps none."""

from __future__ import annotations

from collections.abc import Callable, Collection

from answerable.library.ports import Originals


class NoOriginals:
    """Keeps nothing."""

    def put(self, bytes_hash: str, data: bytes, *, is_only: bool) -> bool:
        """Return False."""
        del bytes_hash, data, is_only
        return False

    def get(self, bytes_hash: str) -> bytes | None:
        """Return None."""
        del bytes_hash
        return None

    def has(self, bytes_hash: str) -> bool:
        """Return False."""
        del bytes_hash
        return False

    def drop(self, hashes: Collection[str]) -> None:
        """Do nothing."""

    def sweep(self, keep: Collection[str], *, older_than_ms: int) -> int:
        """Return 0."""
        del keep, older_than_ms
        return 0


_: Callable[..., Originals] = NoOriginals
