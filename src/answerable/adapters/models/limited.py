"""A model that so many may ask at once, and so many may wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing

from answerable.adapters.models.alarms import Alarms
from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason


class Slots:
    """So many places, and a queue of so many in front; first come, first served.

    Safe for many threads. One may be shared by all models of a server.

    Args:
        clock: For how long one waits.
        alarms: Call those who have waited too long.
        calls_max: Places.
        waiting_max: Who comes when so many wait already is turned away at once.
        wait_ms_max: Who has waited so long is turned away.
    """

    def __init__(
        self,
        clock: Clock,
        alarms: Alarms,
        *,
        calls_max: int,
        waiting_max: int,
        wait_ms_max: float,
    ) -> None:
        self._clock = clock
        self._alarms = alarms
        self._lock = threading.Lock()
        self._free = calls_max
        self._waiting: deque[_Waiter] = deque()
        self._waiting_max = waiting_max
        self._wait_ms_max = wait_ms_max

    @property
    def free(self) -> int:
        """How many places are free."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(self, cancel: Cancel) -> bool:
        """Return whether a place was got, waiting for it where that may help.

        Raises:
            Cancelled: `cancel` was called while waiting.
        """
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            if len(self._waiting) >= self._waiting_max:
                return False
            waiter = _Waiter()
            self._waiting.append(waiter)
        self._wait(waiter, cancel)
        with self._lock:
            if not waiter.has_place:
                self._waiting.remove(waiter)
        if cancel.cancelled and waiter.has_place:
            self.give_back()
        cancel.check()
        return waiter.has_place

    def give_back(self) -> None:
        """Hand a place to who has waited longest, or free it."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            waiter = self._waiting.popleft()
            waiter.has_place = True
        waiter.called.set()

    def _wait(self, waiter: _Waiter, cancel: Cancel) -> None:
        def ring() -> None:
            waiter.called.set()

        unset = self._alarms.at(self._clock.monotonic_ms() + self._wait_ms_max, ring)
        take_back = cancel.on_cancel(waiter.called.set)
        try:
            waiter.called.wait()
        finally:
            unset()
            take_back()


class _Waiter:
    def __init__(self) -> None:
        self.called = threading.Event()
        self.has_place = False


class Limited:
    """Turns callers away rather than let them wait without end.

    Args:
        inner: The model.
        slots: Places at it.
    """

    def __init__(self, inner: ChatModel, slots: Slots) -> None:
        self.name = inner.name
        self._inner = inner
        self._slots = slots

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply once there is a place.

        Raises:
            ModelFailed: ``overload``, and what the model inside raises.
            Cancelled: `cancel` was called.
        """
        cancel.check()
        if not self._slots.take(cancel):
            raise ModelFailed(
                f"{self.name} has more callers than it may have",
                hint=f"raise models.{self.name}.concurrency if that server can do more",
                kind=StepReason.OVERLOAD,
            )
        try:
            with closing(self._inner.stream(call, cancel)) as inner:
                yield from inner
        finally:
            self._slots.give_back()

    def close(self) -> None:
        """Close the model."""
        self._inner.close()


_: Callable[..., ChatModel] = Limited
