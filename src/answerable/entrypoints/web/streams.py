"""Answers that take their time, in threads of their own, so that nothing else waits for them."""

from __future__ import annotations

import asyncio
import json
from asyncio import AbstractEventLoop, Queue
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Lock
from typing import TypeAlias

from answerable.answering.events import Done, Event
from answerable.domain.cancel import Cancel
from answerable.domain.questions import Trace

Start: TypeAlias = Callable[[Cancel], Generator[Event, None, None]]

GONE = "the client went away"
STOPPED = "the server is stopping"
_BEAT_S = 10.0


class Streams:
    """A sized set of threads, one for each answer that is on its way.

    What finds no thread free is not queued: the caller answers it on a cheaper rung.

    Args:
        most: How many answers at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="answer")
        self._lock = Lock()
        self._open: set[Cancel] = set()
        self._is_closed = False

    @property
    def open(self) -> int:
        """How many answers are on their way."""
        return len(self._open)

    def take(self) -> Cancel | None:
        """Return what ends an answer that may begin now; None when all threads are taken."""
        with self._lock:
            if self._is_closed or len(self._open) >= self._most:
                return None
            cancel = Cancel()
            self._open.add(cancel)
            return cancel

    async def events(self, start: Start, cancel: Cancel) -> AsyncGenerator[Event | None, None]:
        """Give what happens; None every few seconds in which nothing does.

        Leaving it early cancels the answer, which lets go of everything it holds.

        Args:
            start: Begins the answer; what it raises is raised here.
            cancel: From `take`; given back when the answer has ended.
        """
        queue: Queue[Event | BaseException | None] = Queue()
        loop = asyncio.get_running_loop()
        self._threads.submit(self._work, start, cancel, _putter(loop, queue))
        try:
            while True:
                try:
                    # Before Python 3.12 `wait_for` loses a cancellation that comes with an item.
                    async with asyncio.timeout(_BEAT_S):
                        item = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            cancel.cancel(GONE)

    async def trace(self, start: Start, cancel: Cancel) -> Trace:
        """Return the trace at the end of an answer."""
        async for event in self.events(start, cancel):
            if isinstance(event, Done):
                return event.trace
        raise RuntimeError("an answer ended without its trace")

    def close(self) -> None:
        """Cancel every answer that is on its way, and take no more."""
        with self._lock:
            self._is_closed = True
            on_their_way = list(self._open)
        for cancel in on_their_way:
            cancel.cancel(STOPPED)
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _work(
        self, start: Start, cancel: Cancel, put: Callable[[Event | BaseException | None], None]
    ) -> None:
        last: BaseException | None = None
        try:
            with closing(start(cancel)) as happening:
                for event in happening:
                    put(event)
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            last = error
        finally:
            with self._lock:
                self._open.discard(cancel)
            put(last)


def _putter(
    loop: AbstractEventLoop, queue: Queue[Event | BaseException | None]
) -> Callable[[Event | BaseException | None], None]:
    def put(item: Event | BaseException | None) -> None:
        # The loop is closed when the server was stopped while this answer was on its way.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    return put


def sent(name: str, value: Mapping[str, object]) -> bytes:
    """Return one server-sent event. JSON has no line breaks of its own, so one line holds it."""
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


BEAT = b": still at it\n\n"
"""A comment that keeps a connection open and finds out whether it still is."""
