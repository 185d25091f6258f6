"""An embedder that is left alone for a while after it failed, so that no question waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from answerable.domain.clock import Clock
from answerable.domain.errors import EmbedderFailed, NotReady
from answerable.library.ports import Embedder, Purpose, Vectors

_REST_MS = 30_000.0


class Breaking:
    """Fails at once for half a minute after the embedder inside has failed.

    Args:
        inner: The embedder.
        clock: For the half minute.
    """

    def __init__(self, inner: Embedder, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._failed: tuple[float, EmbedderFailed | NotReady] | None = None
        self.name = inner.name
        self.digest = inner.digest
        self.dimension = inner.dimension
        self.batch = inner.batch
        self.tokens_max = inner.tokens_max

    @property
    def trouble(self) -> str:
        """How it failed when it was last tried, and what to do; empty when it did not."""
        failed = self._failed
        return f"{failed[1].message}; {failed[1].hint}" if failed else ""

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text, or fail as it failed last time."""
        if self._failed is not None:
            at_ms, error = self._failed
            if self._clock.monotonic_ms() - at_ms < _REST_MS:
                raise type(error)(error.message, hint=error.hint)
        try:
            vectors = self._inner.embed(texts, purpose=purpose)
        except (EmbedderFailed, NotReady) as error:
            self._failed = self._clock.monotonic_ms(), error
            raise
        self._failed = None
        return vectors


_: Callable[..., Embedder] = Breaking
