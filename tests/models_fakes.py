"""Time that stands still until a test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from answerable.adapters.models.alarms import Ring


class FakeClock:
    """A clock that is moved by hand."""

    def __init__(self, now_ms: float = 1_700_000_000_000.0) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return int(self.ms)

    def monotonic_ms(self) -> float:
        return self.ms


class FakeAlarms:
    """Alarms that ring when a test moves the clock past them, on the test's thread."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._set: dict[object, tuple[float, Ring]] = {}

    def at(self, when_ms: float, ring: Ring) -> Callable[[], None]:
        token = object()
        with self._changed:
            self._set[token] = (when_ms, ring)
            self._changed.notify_all()

        def take_back() -> None:
            with self._changed:
                self._set.pop(token, None)

        return take_back

    @property
    def count(self) -> int:
        return len(self._set)

    def wait_for(self, count: int) -> None:
        """Return once so many alarms are set, by other threads."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._set) >= count, 20)

    def advance(self, ms: float) -> None:
        """Move the clock and ring what is due, again where it says so."""
        self._clock.ms += ms
        while True:
            with self._changed:
                due = [
                    (token, ring)
                    for token, (when_ms, ring) in self._set.items()
                    if when_ms <= self._clock.ms
                ]
            if not due:
                return
            for token, ring in due:
                again_ms = ring()
                with self._changed:
                    if again_ms is None:
                        self._set.pop(token, None)
                    elif token in self._set:
                        assert again_ms > self._clock.ms
                        self._set[token] = (again_ms, ring)
