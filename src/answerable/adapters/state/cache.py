"""Contents that were read lately, kept by the memory they take."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from sys import getsizeof
from threading import Lock

from answerable.domain.documents import Content

# Blocks and chunks take about this many bytes for each one of their outline: 7 to 10 as
# tracemalloc saw it.
_OUTLINE_FACTOR = 10


class ContentCache:
    """The contents used last, at most `bytes_max` of them; safe for threads.

    A content never changes once stored, so nothing here can be stale.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._contents: OrderedDict[str, tuple[Content, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, content_ids: Iterable[str]) -> dict[str, Content]:
        """Return those of these contents that are here."""
        found = {}
        with self._lock:
            for content_id in content_ids:
                if (kept := self._contents.get(content_id)) is not None:
                    self._contents.move_to_end(content_id)
                    found[content_id] = kept[0]
        return found

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._contents.clear()
            self._bytes = 0

    def put(self, content: Content, size: int) -> None:
        """Keep a content of this `weight`, at the cost of those not used for longest."""
        if size > self._bytes_max:
            return
        with self._lock:
            if content.id in self._contents:
                return
            self._contents[content.id] = (content, size)
            self._bytes += size
            while self._bytes > self._bytes_max:
                _, (_, freed) = self._contents.popitem(last=False)
                self._bytes -= freed


def weight(text: str, outline: str) -> int:
    """Return about how many bytes of memory a content takes, from what is stored of it."""
    return getsizeof(text) + _OUTLINE_FACTOR * len(outline)
