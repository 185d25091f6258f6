"""Work in a thread of its own that gives way to everything else on the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event, get_native_id
from typing import Generic, TypeVar

from answerable.domain.errors import NotReady

T = TypeVar("T")

_NICE = 15


class Aside(Generic[T]):
    """Does one thing in a thread of its own.

    Args:
        do: The thing. It is given what it must call now and then, and lets through what that
            raises.
        gives_way: Whether everything else on the machine comes first.
    """

    def __init__(self, do: Callable[[Callable[[], None]], T], *, gives_way: bool) -> None:
        self._is_stopping = Event()
        self._worker = ThreadPoolExecutor(1, "aside", initializer=give_way if gives_way else None)
        self._done: Future[T] = self._worker.submit(do, self._check)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether it is done."""
        return bool(wait([self._done], seconds).done)

    def result(self) -> T:
        """Return what came of it, or raise what it raised; waits."""
        return self._done.result()

    def stop(self) -> T | None:
        """End it, soon; return what came of it if it was done."""
        self._is_stopping.set()
        self._worker.shutdown(cancel_futures=True)
        if self._done.cancelled() or self._done.exception() is not None:
            return None
        return self._done.result()

    def _check(self) -> None:
        if self._is_stopping.is_set():
            raise NotReady("the work was stopped", hint="it goes on when it is asked for again")


def give_way() -> None:
    """Let everything else go before this thread, and before those it starts."""
    # On Linux the niceness is one of the thread; elsewhere it may be refused, and is not vital.
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)
