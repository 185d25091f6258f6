"""What a sealed revision consists of: the file that makes its index whole or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

FORMAT = 1
"""Version of the layout; goes up when older code could not read it."""


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
    """

    number: int
    nonce: str
    base: str | None
    analyser: str
    chunks: int
    documents: int
    files: Mapping[str, Sealed]

    def to_bytes(self) -> bytes:
        """Return the file's bytes; the same manifest gives the same bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode()


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
    if found != FORMAT:
        raise ValueError(f"format {found}, this version reads {FORMAT}")
    files = {path: Sealed(**sealed) for path, sealed in stored.pop("files").items()}
    return Manifest(**stored, files=files)
