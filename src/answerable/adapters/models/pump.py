"""From a background event loop to the threads of the rooms: items handed over, stop handed back.

Providers are read by one event loop in one thread, because only there a read that waits can be
given up at once, in whatever phase it is: the task is cancelled, and its socket closed.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

T = TypeVar("T")
Source = Callable[[], AsyncGenerator[T, None]]

# So many items may wait for a reader that is slower than the provider; then the provider waits.
_WAITING_MAX = 256
_CLOSE_S_MAX = 5.0


class Pump:
    """An event loop in a thread of its own, started when it is first needed.

    Safe for many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pipes: set[_Pipe[Any]] = set()
        self._is_closed = False

    def stream(self, source: Source[T], cancel: Cancel) -> Generator[T, None, None]:
        """Give the items of an asynchronous source, which runs in the background.

        Closing the generator, and `cancel` from any thread, cancel the source at once.

        Raises:
            Cancelled: `cancel` was called.
            ModelFailed: The pump was closed.
        """
        cancel.check()
        pipe: _Pipe[T] = _Pipe(self._running())
        with self._lock:
            self._pipes.add(pipe)
        pipe.start(source)
        take_back = cancel.on_cancel(lambda: pipe.stop(Cancelled(cancel.because)))
        try:
            yield from pipe.items()
        finally:
            take_back()
            pipe.stop(None)
            with self._lock:
                self._pipes.discard(pipe)

    def close(self, last: Callable[[], Any] | None = None) -> None:
        """Stop every stream, run a last coroutine function on the loop, and end the thread."""
        with self._lock:
            self._is_closed = True
            loop, thread, pipes = self._loop, self._thread, list(self._pipes)
            self._loop = None
        if loop is None or thread is None:
            return
        for pipe in pipes:
            pipe.stop(_closed())
        asyncio.run_coroutine_threadsafe(_wind_up(last), loop).result(_CLOSE_S_MAX)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_S_MAX)
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise _closed()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="models", daemon=True
                )
                self._thread.start()
            return self._loop


class _Pipe(Generic[T]):
    """What was read and not yet taken, and how it ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._is_full = False
        self._room = asyncio.Event()
        self._is_ended = False
        self._error: BaseException | None = None
        self._task: Future[None] | None = None

    def start(self, source: Source[T]) -> None:
        self._task = asyncio.run_coroutine_threadsafe(self._fill(source), self._loop)

    def items(self) -> Generator[T, None, None]:
        """Give what comes; raise what it ended with."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._is_ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._make_room()
            yield item
        if self._error is not None:
            raise self._error

    def stop(self, error: BaseException | None) -> None:
        """End it now: the source is cancelled, and what was not taken is dropped.

        An error also stands in for an end that nobody has seen yet.
        """
        with self._changed:
            if error is not None or not self._is_ended:
                self._is_ended, self._error = True, error
                self._items.clear()
                self._changed.notify_all()
        if self._task is not None:
            self._task.cancel()

    def _make_room(self) -> None:
        if self._is_full and len(self._items) <= _WAITING_MAX // 2:
            self._is_full = False
            self._loop.call_soon_threadsafe(self._room.set)

    async def _fill(self, source: Source[T]) -> None:
        error: BaseException | None = None
        try:
            async with aclosing(source()) as found:
                async for item in found:
                    self._put(item)
                    if self._is_full:
                        await self._room.wait()
        except BaseException as caught:  # noqa: BLE001 # it is raised where it is waited for
            error = caught
        with self._changed:
            if not self._is_ended:
                self._is_ended, self._error = True, error
                self._changed.notify_all()

    def _put(self, item: T) -> None:
        with self._changed:
            if self._is_ended:
                return
            self._items.append(item)
            if len(self._items) >= _WAITING_MAX:
                self._is_full = True
                self._room.clear()
            self._changed.notify_all()


async def _wind_up(last: Callable[[], Any] | None) -> None:
    here = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not here]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if last is not None:
        await last()
    await asyncio.get_running_loop().shutdown_asyncgens()


def _closed() -> ModelFailed:
    return ModelFailed(
        "the connection to the model was closed",
        hint="the service is stopping; ask again when it is back",
        kind=StepReason.OUTAGE,
    )
