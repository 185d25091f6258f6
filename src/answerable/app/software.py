"""What is running, so exactly that two builds that may answer differently differ."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import answerable

_ROOMS = ("answering", "library")
_DIGITS = 8


@cache
def software() -> str:
    """Return the version and a digest of the rooms that make an answer.

    Constants and rules in their code can change an answer as much as a setting of the release,
    and a digest of all their files cannot be forgotten when one is changed.
    """
    root = Path(answerable.__file__).parent
    files = sorted(
        file
        for room in _ROOMS
        for file in (root / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )
    digest = sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    return f"{answerable.__version__}+{digest[:_DIGITS]}"
