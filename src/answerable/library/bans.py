"""What is not taken in any more, because it was purged."""

from __future__ import annotations

from collections.abc import Sequence
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
