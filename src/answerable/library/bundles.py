"""Files that hold files: what is attached to a message is a document of its own, below its path."""

from __future__ import annotations

from collections.abc import Iterator

_SUFFIX = ".eml"
_INSIDE = f"{_SUFFIX}/"
_DEPTH_MAX = 3


def is_bundle(path: str) -> bool:
    """Return whether a file of this name may hold others."""
    return path.lower().endswith(_SUFFIX)


def is_too_deep(path: str) -> bool:
    """Return whether a file lies in so many others that what it holds is not looked at."""
    return path.lower().count(_INSIDE) >= _DEPTH_MAX


def around(path: str) -> Iterator[str]:
    """Give the paths of the files that a file lies in, outermost first."""
    lower, at = path.lower(), 0
    while (at := lower.find(_INSIDE, at)) >= 0:
        at += len(_SUFFIX)
        yield path[:at]
