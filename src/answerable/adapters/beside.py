"""Doing one thing beside another, in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from answerable.library.ports import Beside

_T = TypeVar("_T")

_THREADS = 4


class Threads:
    """Begins jobs in threads of its own, which gain where a job lets others run meanwhile.

    Reading an index by words and scanning vectors do. A job that no thread has begun when its
    result is wanted is done by whoever wants it, so nobody ever waits in a queue.

    Args:
        threads: So many jobs at once, at most.
    """

    def __init__(self, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, "beside")

    def __call__(self, job: Callable[[], _T]) -> Callable[[], _T]:
        """Begin a job; return what waits for its result."""
        begun = self._pool.submit(job)
        return lambda: job() if begun.cancel() else begun.result()

    def close(self) -> None:
        """End the threads; what is begun comes to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


_: Callable[..., Beside] = Threads
