"""What registered sources say about a reading: for whom it is, and what is another's.

A folder inside another one may be a source of its own, with labels and patterns of its own. Then
the outer one leaves it alone, whoever reads the outer one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from answerable.access.scopes import LOCAL_LABEL
from answerable.operations.sources import RegisteredSource, SourceKind, SourceSpec

_MEANS_MORE = re.compile(r"([\\*?\[\]!# ])")
_ESCAPED = r"\\\1"


def spec_of(source: str, registered: Sequence[RegisteredSource]) -> SourceSpec | None:
    """Return what was said of the source of this name, which is not what people call it."""
    return next((one.spec for one in registered if one.spec.source == source), None)


def labels(source: str, registered: Sequence[RegisteredSource]) -> frozenset[str]:
    """Return who may read the documents of a source; of one that is not registered, the owner."""
    spec = spec_of(source, registered)
    return frozenset({LOCAL_LABEL, *(spec.labels if spec else ())})


def others(source: str, registered: Sequence[RegisteredSource]) -> frozenset[str]:
    """Return the names of all sources but this one."""
    return frozenset(one.spec.source for one in registered) - {source}


def nested(root: Path, registered: Sequence[RegisteredSource]) -> tuple[str, ...]:
    """Return patterns, as in ``.gitignore``, for the folders below a folder that are sources."""
    return tuple(
        f"/{_MEANS_MORE.sub(_ESCAPED, below.relative_to(root).as_posix())}/"
        for one in registered
        if one.spec.kind is SourceKind.FOLDER
        and (below := Path(one.spec.place)) != root
        and below.is_relative_to(root)
    )
