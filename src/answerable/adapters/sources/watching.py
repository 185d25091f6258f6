"""Folders that say when something below them changes."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfiles import Change

    _Changes = Generator[set[tuple[Change, str]], None, None]

_SETTLE_MS = 400
_STEP_MS = 50
_WAIT_MS = 1_000


Paths = frozenset[str]
"""Below a folder, ``/`` between parts; none where nobody knows which."""


class FolderWatch:
    """Watches folders; one for each process, used by one thread.

    Notification misses network drives, and a system allows so many watches only: folders are
    compared from time to time all the same.
    """

    def __init__(self) -> None:
        self._folders: tuple[Path, ...] = ()
        self._changes: _Changes | None = None

    def changed(self, folders: Sequence[Path], stop: Event) -> Mapping[Path, Paths]:
        """Wait a second at most for a change; return below which folders there was one, and where.

        A burst of changes counts once, when it has been quiet for a moment or went on for long.
        Where nobody knows what changed, as in a folder that is newly watched, there are no paths.
        Of folders that cannot be watched nothing is said.

        Args:
            folders: Absolute.
            stop: Ends the waiting.
        """
        wanted = tuple(sorted(folder for folder in folders if folder.is_dir()))
        if wanted != self._folders or self._changes is None:
            new = frozenset(wanted) - frozenset(self._folders)
            self.close()
            self._folders = wanted
            if wanted:
                self._changes = _changes(wanted, stop)
            else:
                stop.wait(_WAIT_MS / 1000)
            if new:
                return dict.fromkeys(sorted(new), frozenset())
        return _below(wanted, self._next(stop))

    def _next(self, stop: Event) -> set[str]:
        try:
            found = next(self._changes, set()) if self._changes else set()
        except (OSError, RuntimeError):
            self._changes = None
            stop.wait(_WAIT_MS / 1000)
            return set()
        return {path for _, path in found}

    def close(self) -> None:
        """Stop watching."""
        if self._changes is not None:
            self._changes.close()
        self._changes = None


def _below(folders: Sequence[Path], changed: set[str]) -> dict[Path, Paths]:
    """Return the changed paths below each folder; a name that is no Unicode makes it unknown."""
    found: dict[Path, Paths] = {}
    for folder in folders:
        paths = [Path(path) for path in changed]
        below = [path.relative_to(folder) for path in paths if path.is_relative_to(folder)]
        if below:
            names = frozenset(path.as_posix() for path in below)
            is_plain = all(name.isprintable() and name != "." for name in names)
            found[folder] = names if is_plain else frozenset()
    return found


def _changes(folders: Sequence[Path], stop: Event) -> _Changes:
    from watchfiles import watch  # noqa: PLC0415 - slow to load, not always needed

    yield from watch(
        *folders,
        debounce=_SETTLE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_WAIT_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
