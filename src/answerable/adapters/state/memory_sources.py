"""Registered sources in a dict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import RLock

from answerable.adapters.state.failures import no_room_for
from answerable.operations.ports import SourceRegistry
from answerable.operations.sources import RegisteredSource, SourceHealth, SourceSpec


class MemorySources:
    """Sources by name."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._sources: dict[str, RegisteredSource] = {}

    def add(self, spec: SourceSpec, *, who: str, at_ms: int) -> RegisteredSource:
        """Keep a source, unless its name or its place is taken."""
        with self._lock:
            for known in self._sources.values():
                if known.spec.name == spec.name or known.spec.source == spec.source:
                    raise no_room_for(spec.name, known.spec.name)
            made = RegisteredSource(spec=spec, health=SourceHealth(), added_ms=at_ms, who=who)
            self._sources[spec.name] = made
            return made

    def source(self, name: str) -> RegisteredSource | None:
        """Return one source."""
        with self._lock:
            return self._sources.get(name)

    def sources(self) -> tuple[RegisteredSource, ...]:
        """Return all sources by name."""
        with self._lock:
            return tuple(self._sources[name] for name in sorted(self._sources))

    def change(
        self, name: str, how: Callable[[SourceHealth], SourceHealth]
    ) -> RegisteredSource | None:
        """Replace the health of a source."""
        with self._lock:
            known = self._sources.get(name)
            if known is None:
                return None
            self._sources[name] = replace(known, health=how(known.health))
            return self._sources[name]

    def drop(self, name: str) -> bool:
        """Forget a source."""
        with self._lock:
            return self._sources.pop(name, None) is not None


_: Callable[..., SourceRegistry] = MemorySources
