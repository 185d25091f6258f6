"""Somebody who calls when a moment has come, while who asked for it waits for something else."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import Protocol

from answerable.domain.clock import Clock

# Gives the moment when to be rung again, or None.
Ring = Callable[[], float | None]


class Alarms(Protocol):
    """Rings at moments of a clock's `monotonic_ms`."""

    def at(self, when_ms: float, ring: Ring) -> Callable[[], None]:
        """Return what takes it back; `ring` is called once the moment has come, on any thread.

        It must be quick. Where it gives a moment it is rung again then.
        """
        ...


class ThreadAlarms:
    """One thread that sleeps until the next moment; started with the first one.

    A deadline that moves with every token costs nothing: it is rung at the old moment, and says
    the new one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, list[Ring]]] = []
        self._numbers = count()
        self._is_started = False

    def at(self, when_ms: float, ring: Ring) -> Callable[[], None]:
        """Return what takes it back."""
        # Emptied when it is taken back, so that nothing is kept alive until its moment.
        held = [ring]
        with self._changed:
            if not self._is_started:
                self._is_started = True
                threading.Thread(target=self._run, name="alarms", daemon=True).start()
            self._push(when_ms, held)
        return held.clear

    def _push(self, when_ms: float, held: list[Ring]) -> None:
        heapq.heappush(self._waiting, (when_ms, next(self._numbers), held))
        if self._waiting[0][2] is held:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            held = self._next()
            again_ms = ring() if (ring := next(iter(held), None)) else None
            if again_ms is not None:
                with self._changed:
                    self._push(again_ms, held)

    def _next(self) -> list[Ring]:
        """Return what is due, as soon as something is."""
        with self._changed:
            while True:
                left_ms = (
                    self._waiting[0][0] - self._clock.monotonic_ms() if self._waiting else None
                )
                if left_ms is not None and left_ms <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(None if left_ms is None else left_ms / 1000)


_: Callable[..., Alarms] = ThreadAlarms
