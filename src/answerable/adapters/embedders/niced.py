"""An embedder that works behind everything else on the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import get_native_id

from answerable.library.ports import Embedder, Purpose, Vectors

_NICE = 15


class Niced:
    """Embeds in one thread of its own that gives way to everything else.

    What the embedder inside starts when it is first used, such as threads of its own, is
    started there and gives way too.

    Args:
        inner: The embedder; nobody else uses it.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._worker = ThreadPoolExecutor(1, "vectors", initializer=_give_way)
        self.name = inner.name
        self.digest = inner.digest
        self.dimension = inner.dimension
        self.batch = inner.batch
        self.tokens_max = inner.tokens_max

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text."""
        return self._worker.submit(self._inner.embed, texts, purpose=purpose).result()

    def close(self) -> None:
        """End the thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)


_: Callable[..., Embedder] = Niced


def _give_way() -> None:
    # On Linux the niceness is one of the thread; elsewhere it may be refused, and is not vital.
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)
