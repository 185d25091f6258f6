"""Word that an answer is no longer wanted: the asker has gone, or its time is up."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818 # no failure: nobody waits any more
    """Raised where work is given up because nobody wants it any more.

    Attributes:
        because: ``disconnect``, ``deadline`` or another word of who cancelled.
    """

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class Cancel:
    """Tells everybody who works on one answer to stop, once and for good. Safe for many threads.

    Whoever holds something that has to be let go at once, such as a socket, registers a callback.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._because: str | None = None
        self._callbacks: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        """Whether somebody has said stop."""
        return self._because is not None

    @property
    def because(self) -> str:
        """What was said first; empty while nobody has."""
        return self._because or ""

    def cancel(self, because: str) -> None:
        """Say stop. Only the first word counts; each callback is called once, on this thread.

        A callback that fails does not keep the others from being called; the first failure is
        raised when all have been.
        """
        with self._lock:
            if self._because is not None:
                return
            self._because = because
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        _call_all(callbacks)

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return what takes the callback back; it is called at once where stop was said before.

        It must be quick and must not wait: it runs on the thread of whoever cancels.
        """
        token = object()
        with self._lock:
            is_late = self._because is not None
            if not is_late:
                self._callbacks[token] = callback
        if is_late:
            callback()

        def unregister() -> None:
            with self._lock:
                self._callbacks.pop(token, None)

        return unregister

    def check(self) -> None:
        """Raise where stop was said.

        Raises:
            Cancelled: Somebody has said stop.
        """
        if self._because is not None:
            raise Cancelled(self._because)


def _call_all(callbacks: list[Callable[[], None]]) -> None:
    failures: list[Exception] = []
    for callback in callbacks:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 # the others hold sockets too
            failures.append(error)
    if failures:
        raise failures[0]
