"""What was read of the chunks looked at last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from answerable.domain.documents import Content

_T = TypeVar("_T")

_CHUNKS_MAX = 4_000


class Remembering(Generic[_T]):
    """Reads chunks and remembers what it read of the last ones. Safe for many threads.

    A content never changes, so what was read of it once stays true.

    Args:
        read: Reads a chunk of a content by its ordinal.
        chunks_max: So many are remembered.
    """

    def __init__(
        self, read: Callable[[Content, int], _T], *, chunks_max: int = _CHUNKS_MAX
    ) -> None:
        self._read = read
        self._chunks_max = chunks_max
        self._known: OrderedDict[tuple[str, int], _T] = OrderedDict()
        self._lock = Lock()

    def __call__(self, content: Content, ordinal: int) -> _T:
        """Return what is read of a chunk."""
        key = (content.id, ordinal)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        value = self._read(content, ordinal)
        with self._lock:
            self._known[key] = value
            if len(self._known) > self._chunks_max:
                self._known.popitem(last=False)
        return value
