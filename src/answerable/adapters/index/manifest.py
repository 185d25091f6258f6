"""What a sealed revision consists of: the file that makes its index whole or not there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

FORMAT = 3
"""Version of the layout; goes up when older code could not read it."""

WITHOUT_PURGES = 2
"""The format of what was never purged; still written where that is so, for older code."""

WITHOUT_VECTORS = 1
"""The format before there were vectors; still read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """One file as it was sealed.

    Attributes:
        size: In bytes.
        sha256: Of its bytes, hexadecimal.
    """

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedSegment:
    """A segment of vectors as it was sealed.

    Attributes:
        name: Of its file, without suffix.
        documents: How many documents it holds, those included that are gone.
        rows: Chunks of it that are found.
        cells: How many cells its rows are divided into; 0: none.
        probes: How many of them a search reads; 0: all rows are looked at.
        recall: Share of the ten nearest that so many probes found, when it was written; null
            where all rows are looked at.
    """

    name: str
    documents: int
    rows: int
    cells: int
    probes: int
    recall: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedVectors:
    """The vectors of one embedder.

    Attributes:
        dimension: How many numbers a vector has.
        rows: How many chunks have one.
        segments: Where they are; order counts.
    """

    dimension: int
    rows: int
    segments: tuple[SealedSegment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All there is to know about the index of one revision.

    Attributes:
        number: Of the revision.
        nonce: Makes every build another one, so that no two share a name.
        base: Hash of the manifest it was built from; None when it was built from nothing.
        analyser: Digest of the analyser whose terms it holds.
        chunks: How many chunks it holds.
        documents: How many documents it holds.
        files: By path below the revision's folder, ``/`` between parts.
        vectors: By the digest of the embedder; empty where there are none.
        replaces: Hash of the manifest it took the place of when documents were purged from the
            revision; None where that never happened.
    """

    number: int
    nonce: str
    base: str | None
    analyser: str
    chunks: int
    documents: int
    files: Mapping[str, Sealed]
    vectors: Mapping[str, SealedVectors] = field(default_factory=dict)
    replaces: str | None = None

    def to_bytes(self) -> bytes:
        """Return the file's bytes; the same manifest gives the same bytes."""
        stored = {
            "format": FORMAT if self.replaces else WITHOUT_PURGES,
            **{name: getattr(self, name) for name in self.__slots__},
            "files": {path: asdict(file) for path, file in self.files.items()},
            "vectors": {embedder: asdict(one) for embedder, one in self.vectors.items()},
        }
        if not self.replaces:
            del stored["replaces"]
        return json.dumps(stored, indent=1, sort_keys=True).encode()


def hash_of(data: bytes) -> str:
    """Return what a manifest is known by: SHA-256 of its bytes, hexadecimal."""
    return sha256(data).hexdigest()


def from_bytes(data: bytes) -> Manifest:
    """Return the manifest that `Manifest.to_bytes` wrote.

    Raises:
        ValueError: It is of another format.
    """
    stored: dict[str, Any] = json.loads(data)
    found = stored.pop("format")
    if found not in (WITHOUT_VECTORS, WITHOUT_PURGES, FORMAT):
        raise ValueError(f"format {found}, this version reads {FORMAT}")
    files = {path: Sealed(**sealed) for path, sealed in stored.pop("files").items()}
    vectors = {digest: _vectors(**one) for digest, one in stored.pop("vectors", {}).items()}
    return Manifest(**stored, files=files, vectors=vectors)


def _vectors(*, dimension: int, rows: int, segments: Iterable[Mapping[str, Any]]) -> SealedVectors:
    return SealedVectors(
        dimension=dimension,
        rows=rows,
        segments=tuple(SealedSegment(**segment) for segment in segments),
    )
