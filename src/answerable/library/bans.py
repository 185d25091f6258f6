"""What is not taken in any more, because it was purged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answerable.domain.documents import Purge, place_hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Bans:
    """What is not taken in, because it was purged.

    Attributes:
        places: By `place_hash`.
        contents: SHA-256 of bytes.
    """

    places: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()

    def forbid(self, source: str, path: str, bytes_hash: str) -> bool:
        """Return whether a file must not be taken in, for where it lies or what it holds."""
        if bytes_hash in self.contents:
            return True
        return bool(self.places) and place_hash(source, path) in self.places


NOTHING = Bans()
"""Forbids nothing."""


def bans(purges: Sequence[Purge]) -> Bans:
    """Return what purges forbid. A lifted place may hold a file again, never the same bytes."""
    return Bans(
        places=frozenset(
            one.place_hash
            for purge in purges
            for one in purge.documents
            if one.lifted_at_ms is None
        ),
        contents=frozenset(one for purge in purges for one in purge.contents),
    )


def unnamed(because: str, paths: Iterable[str]) -> str:
    """Return why a revision was made, without naming one of these paths.

    A file that is ingested by itself stands in it as it was typed: ``ingest docs/keys.md``.
    """
    names = {path.rpartition("/")[2] for path in paths}
    is_named = any(because.endswith((f"/{name}", f" {name}")) for name in names)
    return "ingest (purged)" if is_named else because
