"""An embedder that works behind everything else on the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from answerable.adapters.aside import give_way
from answerable.library.ports import Embedder, Purpose, Vectors


class Niced:
    """Embeds in one thread of its own that gives way to everything else.

    What the embedder inside starts when it is first used, such as threads of its own, is
    started there and gives way too.

    Args:
        inner: The embedder; nobody else uses it.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._worker = ThreadPoolExecutor(1, "vectors", initializer=give_way)
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
