"""Which pages of a site are still to be looked at: each once, nearest first, and not for ever."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from answerable.adapters.sources.urls import Url, tidied
from answerable.adapters.sources.webpaths import Extent, is_trap

HOPS_MAX = 5
_WAITING_FACTOR = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """A page to look at.

    Attributes:
        depth: How many links from the start, or from what a sitemap names.
        hops: How many redirects led here.
        is_start: Whether it is where the reading starts, or where that has moved to.
    """

    url: Url
    depth: int = 0
    hops: int = 0
    is_start: bool = False


class Frontier:
    """Pages in the order they are looked at.

    Args:
        extent: What belongs to the site.
        pages_max: How many are looked at.
        depth_max: How many links one may be away from the start.
        queries_max: How many pages may differ only in what stands behind the question mark: a
            calendar has one for every month there will ever be.
    """

    def __init__(self, extent: Extent, *, pages_max: int, depth_max: int, queries_max: int) -> None:
        self._extent = extent
        self._pages_max = pages_max
        self._depth_max = depth_max
        self._queries_max = queries_max
        self._waiting: deque[Stop] = deque()
        self._queries: Counter[str] = Counter()
        self._seen: set[str] = set()
        self.taken: set[str] = set()
        """Addresses of the pages that `take` gave."""
        self.overflow = 0
        """How many pages found no place among those that wait."""

    def add(self, url: Url, *, depth: int = 0, hops: int = 0, is_start: bool = False) -> None:
        """Let a page wait for its turn, unless it was seen, is elsewhere, too far or a trap."""
        url = tidied(url)
        key = str(url)
        is_far = depth > self._depth_max or hops > HOPS_MAX
        if is_far or key in self._seen or not self._extent.holds(url) or is_trap(url):
            return
        if url.query:
            if self._queries[url.path] >= self._queries_max:
                return
            self._queries[url.path] += 1
        if len(self._waiting) >= self._pages_max * _WAITING_FACTOR:
            self.overflow += 1
            return
        self._seen.add(key)
        self._waiting.append(Stop(url=url, depth=depth, hops=hops, is_start=is_start))

    def take(self) -> Stop | None:
        """Return the page whose turn it is; None when none waits or enough were looked at."""
        if not self._waiting or len(self.taken) >= self._pages_max:
            return None
        stop = self._waiting.popleft()
        self.taken.add(str(stop.url))
        return stop

    @property
    def left(self) -> tuple[Stop, ...]:
        """The pages that still wait."""
        return tuple(self._waiting)
