"""A source of which only some paths are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from answerable.adapters.sources.ignore import compiled, decide
from answerable.domain.errors import BadInput
from answerable.library.ports import Raw, Source, Unreadable


class Narrowed:
    """What a source gives at paths that some patterns name and others do not.

    What is left out is given as ``ignored``, and vanishes from the library: this reading answers
    for it as its source does.

    Args:
        source: To be narrowed.
        include: Patterns as in ``.gitignore``; empty for all. A folder's takes all below it.
        exclude: Patterns that are left out; they win.

    Raises:
        BadInput: No pattern can match anything.
    """

    def __init__(self, source: Source, *, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._source = source
        self._include = compiled(one.encode("utf-8", "surrogateescape") for one in include)
        self._exclude = compiled(one.encode("utf-8", "surrogateescape") for one in exclude)
        if include and self._include is None:
            raise BadInput(
                "no pattern of what to take can match anything", hint="--include 'docs/**/*.md'"
            )

    @property
    def name(self) -> str:
        """Its source's."""
        return self._source.name

    def covers(self, path: str) -> bool:
        """Return what its source returns."""
        return self._source.covers(path)

    def count(self) -> int:
        """Return what its source returns: some of them are left out."""
        return self._source.count()

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give what its source gives, what is left out as ``ignored``."""
        for item in self._source.files():
            if self._takes(item.path.rstrip("/"), is_folder=item.path.endswith("/")):
                yield item
            else:
                reason = "no pattern of the source takes it"
                yield Unreadable(path=item.path, code="ignored", reason=reason, skipped=True)

    def _takes(self, path: str, *, is_folder: bool) -> bool:
        """Return whether a path or a folder above it is included, and none of them excluded."""
        parts = path.split("/")
        folders = ["/".join(parts[:end]) for end in range(1, len(parts))]
        ways = [(folder, True) for folder in folders] + [(path, is_folder)]
        named = [(way.encode("utf-8", "surrogateescape"), is_dir) for way, is_dir in ways]
        if self._exclude and any(
            decide((self._exclude,), way, is_folder=is_dir) for way, is_dir in named
        ):
            return False
        # A folder that is not named itself may hold what is.
        return (
            self._include is None
            or is_folder
            or any(decide((self._include,), way, is_folder=is_dir) for way, is_dir in named)
        )


_: Callable[..., Source] = Narrowed
