"""Documents that could not be read, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from threading import Lock

from answerable.library.ports import Quarantine, Quarantined


class MemoryQuarantine:
    """The quarantine in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Quarantined] = {}

    def of_source(self, source: str) -> Mapping[str, Quarantined]:
        """Return those of a source, and of folders below it, by document id."""
        below = f"{source.rstrip('/')}/"
        with self._lock:
            return {
                name: one
                for name, one in self._known.items()
                if one.source == source or one.source.startswith(below)
            }

    def all(self) -> tuple[Quarantined, ...]:
        """Return all, by path and source."""
        with self._lock:
            return tuple(sorted(self._known.values(), key=lambda one: (one.path, one.source)))

    def record(
        self,
        failed: Collection[Quarantined],
        well: Collection[str],
        *,
        met: Collection[str] = (),
        at_ms: int = 0,
    ) -> None:
        """Put in what failed and take out what is well."""
        with self._lock:
            for name in well:
                self._known.pop(name, None)
            for name in met:
                if name in self._known:
                    self._known[name] = replace(self._known[name], last_seen_ms=at_ms)
            for one in failed:
                self._known[one.document_id] = _as_told(one, self._known.get(one.document_id))

    def ignore(self, document_id: str, *, who: str, because: str) -> bool:
        """Record that nobody wants to hear of one; return whether there is one."""
        with self._lock:
            known = self._known.get(document_id)
            if known is None:
                return False
            ignored = replace(known, ignored_by=who, ignored_because=because)
            self._known[document_id] = ignored
            return True

    def retry(self, document_ids: Collection[str]) -> None:
        """Let these be tried again, and be heard of again."""
        with self._lock:
            for name in document_ids:
                if name in self._known:
                    known = self._known[name]
                    self._known[name] = replace(known, line="", ignored_by="", ignored_because="")


_: Callable[..., Quarantine] = MemoryQuarantine


def _as_told(one: Quarantined, known: Quarantined | None) -> Quarantined:
    """Return it with what a person has said of it."""
    if known is None:
        return one
    return replace(one, ignored_by=known.ignored_by, ignored_because=known.ignored_because)
