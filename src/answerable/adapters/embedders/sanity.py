"""Whether an embedder gives vectors that tell near from far, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass

from answerable.library.ports import Embedder

_SAME = ("How do I restart the database?", "Restarting the database server")
_OTHER = "The parking permit of the office garage costs forty a month."
_CHUNK = "The disk of this node is nearly full. Delete old logs, or grow the volume. " * 16
_CHUNKS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One thing that was looked at, in words."""

    is_well: bool | None
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sanity:
    """What was found."""

    findings: tuple[Found, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing was found wrong."""
        return all(one.is_well is not False for one in self.findings)


def sane(embedder: Embedder) -> Sanity:
    """Look whether two ways to say one thing are nearer than two things, and how long it takes.

    Raises:
        NotReady, EmbedderFailed: It gives no vectors.
    """
    rows = embedder.embed([*_SAME, _OTHER], purpose="passage")
    same, other = float(rows[0] @ rows[1]), float(rows[0] @ rows[2])
    began = time.perf_counter()
    embedder.embed([f"{number} {_CHUNK}" for number in range(_CHUNKS)], purpose="passage")
    rate = _CHUNKS / (time.perf_counter() - began)
    return Sanity(
        findings=(
            Found(
                is_well=same > other,
                said=f"cosine of two ways to say one thing {same:.2f}, of two things {other:.2f}",
            ),
            Found(is_well=True, said=f"{rate:.0f} chunks of 1,200 characters a second"),
        )
    )
