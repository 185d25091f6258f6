"""Documents on a website: from its sitemap and along its links, as far as it lets robots go."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from posixpath import splitext

from answerable import __version__
from answerable.adapters.clock import SystemClock
from answerable.adapters.http import retry_after_s
from answerable.adapters.sources import robots as robots_txt
from answerable.adapters.sources import sitemaps
from answerable.adapters.sources.choosing import Choice, bad_name
from answerable.adapters.sources.frontier import HOPS_MAX, Frontier, Stop
from answerable.adapters.sources.kept import Entry, Kept, folder_of, held
from answerable.adapters.sources.kinds import guess, kind, lie
from answerable.adapters.sources.links import look
from answerable.adapters.sources.reach import (
    SETTING,
    Answer,
    Bounds,
    Headers,
    Reach,
    Unreached,
    Wanted,
)
from answerable.adapters.sources.reach import gunzipped as unpacked
from answerable.adapters.sources.reading import SIZE_BYTES_MAX, taken
from answerable.adapters.sources.robots import Robots
from answerable.adapters.sources.urls import BadUrl, Url, joined, parse, tidied
from answerable.adapters.sources.webpaths import Extent, path_of, told_apart
from answerable.adapters.sources.xmltexts import BadXml
from answerable.domain.clock import Clock
from answerable.domain.errors import BadInput, NotAllowed, SourceFailed
from answerable.library.ports import Raw, Source, Unreadable

AGENT = "answerable"
"""What a `robots.txt` calls this robot."""

DELAY_S_MAX = 30.0
RETRY_S_MAX = 60.0
MISSES_MAX = 10
"""Requests in a row without a usable answer, after which a site counts as down."""

ABOUT_BYTES_MAX = 50_000_000
"""Of what a site says about itself: the most a sitemap may have, by the protocol."""

_OK, _NOT_MODIFIED, _TOO_MANY, _UNAVAILABLE = 200, 304, 429, 503
_MOVED = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_SERVER_ERROR = 500
_VALIDATOR_CHARS_MAX = 1_000
_SITEMAP = "sitemap "


@dataclass(frozen=True, kw_only=True, slots=True)
class Crawl:
    """How far one reading of a website goes.

    Attributes:
        pages: Pages asked for.
        depth: Links from the start and from what sitemaps name; with 0 none is followed.
        queries: Pages that differ only behind the question mark.
        sitemaps: Sitemaps asked for.
        page_bytes: Of one page.
        page_s: Seconds for one page.
        total_bytes: Of all pages that had to be sent.
        total_s: Seconds for all.
        delay_s: Seconds between two requests; the site may ask for more, up to `DELAY_S_MAX`.
    """

    pages: int = 5_000
    depth: int = 10
    queries: int = 20
    sitemaps: int = 100
    page_bytes: int = SIZE_BYTES_MAX
    page_s: float = 30.0
    total_bytes: int = 2_000_000_000
    total_s: float = 14_400.0
    delay_s: float = 0.5


class Website:
    """Every page below an address: those its sitemaps name, and those its pages lead to.

    A page is called by its path below the address, with a suffix that says what it is. What a
    page says is its canonical address is believed when that lies below the address too and can be
    read. A page that answers with an error stays as it was; one that is gone (404, 410), that
    nothing leads to any more or that robots are asked to leave alone, vanishes.

    Args:
        url: What is read: a folder (``https://docs.example.org/guide/``), or a page and what lies
            beside it (``.../guide/index.html``). Where the reading starts, too.
        cache: A folder for this and other sources.
        reach: The way out.
        includes: Patterns as in ``.gitignore`` for the paths that are taken; links are followed
            from all.
        excludes: Patterns for what is not even asked for.
        crawl: How far it goes.
        contact: Who runs this robot, for those whose site it reads: an address.
        clock: Measures the delay between requests.
        wait: Waits some seconds.

    Raises:
        BadInput: The address is none, or carries a user name.
    """

    def __init__(
        self,
        url: str,
        *,
        cache: Path,
        reach: Reach | None = None,
        includes: Sequence[str] = (),
        excludes: Sequence[str] = (),
        crawl: Crawl | None = None,
        contact: str = "",
        clock: Clock | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._start = _address(url)
        self._extent = Extent.of(self._start)
        self._folder = folder_of(cache, self.name)
        self._reach = reach or Reach()
        self._choice = Choice(includes=includes, excludes=excludes, takes_junk=True)
        self._crawl = crawl or Crawl()
        self._contact = f" (+{contact})" if contact.isascii() and contact.isprintable() else ""
        self._clock = clock or SystemClock()
        self._wait = wait

    @property
    def name(self) -> str:
        """``website:`` and the address below which everything is read."""
        return f"website:{self._extent.root}"

    def covers(self, path: str) -> bool:
        """Return whether a path is one of a page: every reading answers for the whole site."""
        return bool(path)

    def count(self) -> int:
        """Return how many pages the last reading found."""
        return sum(1 for entry in Kept(self._folder).entries() if "path" in entry.notes)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every page once, those nearest to the start first.

        Raises:
            NotAllowed: Its host may not be reached.
            SourceFailed: The site is down, does not let robots in, or holds no page: nothing may
                seem gone because of that.
            Locked: It is being read already.
        """
        with held(self._folder):
            reading = _Reading(
                start=self._start,
                extent=self._extent,
                kept=Kept(self._folder),
                choice=self._choice,
                crawl=self._crawl,
                line=_Line(
                    self._reach,
                    agent=f"{AGENT.title()}/{__version__}{self._contact}",
                    crawl=self._crawl,
                    clock=self._clock,
                    wait=self._wait,
                ),
            )
            try:
                yield from reading.pages()
            finally:
                self._reach.close()


_: Callable[..., Source] = Website


def _address(url: str) -> Url:
    try:
        return tidied(parse(url.strip()))
    except BadUrl as error:
        raise BadInput(
            f"this is no website that can be read: {error.reason}",
            hint="give an address such as https://docs.example.org/guide/",
        ) from error


class _Line:
    """Asks one site, politely: one request at a time, with a pause between two.

    Attributes:
        robots: What the site lets robots do.
        over: Why nothing more is asked for; empty while it goes on.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        agent: str,
        crawl: Crawl,
        clock: Clock,
        wait: Callable[[float], None],
    ) -> None:
        self._reach = reach
        self._agent = agent
        self._crawl = crawl
        self._clock = clock
        self._wait = wait
        self._began_ms = clock.monotonic_ms()
        self._free_ms = self._began_ms
        self._bytes = 0
        self._misses = 0
        self.robots = robots_txt.ANYTHING

    @property
    def over(self) -> str:
        if self._bytes > self._crawl.total_bytes:
            return f"the limit of {self._crawl.total_bytes / 1_000_000:g} MB was reached before it"
        if self._clock.monotonic_ms() - self._began_ms > self._crawl.total_s * 1000:
            return f"the limit of {self._crawl.total_s:g} seconds was reached before it"
        return ""

    def ask(
        self,
        url: Url,
        known: Entry | None = None,
        *,
        wanted: Wanted | None = None,
        bytes_max: int = 0,
    ) -> Answer:
        """Return what the site says, without a body where it is what is known.

        Args:
            url: Where.
            known: What was there before.
            wanted: Whether the body is worth reading; that of a document by default.
            bytes_max: How large it may be; as large as a page by default.

        Raises:
            Unreached: It says nothing that can be used.
            SourceFailed: It has said nothing for a while.
        """
        once = partial(
            self._once,
            url,
            known,
            wanted or partial(_is_document, url.path),
            bytes_max or self._crawl.page_bytes,
        )
        answer = once()
        if answer.status in {_TOO_MANY, _UNAVAILABLE}:
            asked_s = retry_after_s(answer.headers)
            if 0 < asked_s <= RETRY_S_MAX:
                self._wait(asked_s)
                answer = once()
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            self._missed()
        else:
            self._misses = 0
        return answer

    def _once(self, url: Url, known: Entry | None, wanted: Wanted, bytes_max: int) -> Answer:
        pause_s = (self._free_ms - self._clock.monotonic_ms()) / 1000
        if pause_s > 0:
            self._wait(pause_s)
        try:
            answer = self._reach.get(
                url,
                headers={"User-Agent": self._agent, "Accept": "*/*", **_conditions(known)},
                bounds=Bounds(
                    body_bytes=bytes_max,
                    seconds=self._crawl.page_s,
                    idle_s=min(10.0, self._crawl.page_s),
                ),
                wanted=wanted,
            )
        except Unreached as error:
            if error.code in {"timeout", "unreadable"}:
                self._missed()
            raise
        finally:
            delay_s = max(self._crawl.delay_s, min(self.robots.delay_s, DELAY_S_MAX))
            self._free_ms = self._clock.monotonic_ms() + delay_s * 1000
        self._bytes += len(answer.body or b"")
        return answer

    def _missed(self) -> None:
        self._misses += 1
        if self._misses >= MISSES_MAX:
            raise SourceFailed(
                f"the site stopped answering: {MISSES_MAX} requests in a row failed",
                hint="look whether it is up and whether it keeps this robot out",
                is_passing=True,
            )

    def follow(self, url: Url, *, known: Entry | None = None, is_anywhere: bool = False) -> Answer:
        """Return what is at the end of a chain of redirects, each judged like the first address.

        Args:
            url: Where it begins.
            known: What was there before.
            is_anywhere: Whether the chain may leave the site.

        Raises:
            Unreached: As `ask`; or the chain leaves the site, is too long or broken.
            SourceFailed: As `ask`.
        """
        at = url
        for _ in range(HOPS_MAX + 1):
            answer = self.ask(at, known, wanted=_is_ok, bytes_max=ABOUT_BYTES_MAX)
            if answer.status not in _MOVED:
                return answer
            there = joined(at, answer.headers.get("location", ""))
            if there is None or not (is_anywhere or there.origin == url.origin):
                raise Unreached("link_out", "it redirects out of the site")
            at = there
        raise Unreached("link_loop", "it redirects too often")


def _conditions(known: Entry | None) -> Headers:
    """Return what asks a server to send a page only if it has changed."""
    if known is None:
        return {}
    asked = {
        "If-None-Match": known.notes.get("etag", ""),
        "If-Modified-Since": known.notes.get("modified", ""),
    }
    return {name: value for name, value in asked.items() if value}


def _is_ok(status: int, _headers: Headers) -> bool:
    return status == _OK


def _is_document(path: str, status: int, headers: Headers) -> bool:
    return status == _OK and kind(headers.get("content-type", ""), path) is not None


def _notes(headers: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return what to keep of an answer, to ask by and to find it by."""
    named = {"etag": headers.get("etag", ""), "modified": headers.get("last-modified", "")}
    told = {
        key: value
        for key, value in named.items()
        if value and len(value) <= _VALIDATOR_CHARS_MAX and value.isascii() and value.isprintable()
    }
    return {**told, **more}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Twin:
    """A page that says it lives at another address."""

    key: str
    path: str
    canonical: str


class _Reading:
    """One reading of a website."""

    def __init__(
        self,
        *,
        start: Url,
        extent: Extent,
        kept: Kept,
        choice: Choice,
        crawl: Crawl,
        line: _Line,
    ) -> None:
        self._start = start
        self._extent = extent
        self._kept = kept
        self._choice = choice
        self._crawl = crawl
        self._line = line
        self._frontier = Frontier(
            extent, pages_max=crawl.pages, depth_max=crawl.depth, queries_max=crawl.queries
        )
        self._paths: dict[str, str] = {}  # address by path, of earlier readings and this one
        self._known: dict[str, str] = {}  # path by address, of earlier readings
        self._gave: dict[str, str] = {}  # path by address, of pages that were given
        self._alive: set[str] = set()
        self._twins: list[_Twin] = []
        self._complaints: list[Unreadable] = []

    def pages(self) -> Iterator[Raw | Unreadable]:
        """Give every page once."""
        self._remember()
        self._line.robots = self._robots()
        self._frontier.add(self._start, is_start=True)
        for url in self._named():
            self._frontier.add(url)
        seen: set[str] = set()
        has_any = False
        for item in self._all():
            if item.path in seen:
                continue
            seen.add(item.path)
            has_any = has_any or isinstance(item, Raw) or not item.skipped
            yield item
        if not has_any:
            raise SourceFailed(
                f"{self._extent.root} holds no page that can be read",
                hint="look whether its robots.txt lets this robot in, and what is excluded",
            )
        self._kept.sweep(self._alive)

    def _all(self) -> Iterator[Raw | Unreadable]:
        while not self._line.over and (stop := self._frontier.take()):
            yield from self._page(stop)
        for twin in self._twins:
            yield from self._twin(twin)
        yield from self._complaints
        yield from self._left()

    def _remember(self) -> None:
        for entry in self._kept.entries():
            if path := entry.notes.get("path", ""):
                self._known[entry.key] = path
                self._paths[path] = entry.key

    # What the site says of itself.

    def _robots(self) -> Robots:
        """Return what the site lets robots do.

        Where nobody can say, nothing is allowed (RFC 9309, section 2.3.1.4).
        """
        url = replace(self._extent.root, path="/robots.txt", query="")
        try:
            answer = self._line.follow(url, is_anywhere=True)
        except Unreached as error:
            if error.code == "link_loop":
                return robots_txt.ANYTHING
            raise self._failure(error.code, f"robots.txt: {error.reason}") from error
        if answer.status == _OK:
            return robots_txt.parse(answer.body or b"", AGENT)
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            raise self._failure("unreadable", f"its robots.txt answers {answer.status}")
        return robots_txt.ANYTHING

    def _named(self) -> Iterator[Url]:
        """Give the pages that sitemaps name."""
        root = replace(self._extent.root, path="/sitemap.xml", query="")
        said = [joined(self._start, text) for text in self._line.robots.sitemaps]
        waiting = deque(url for url in said if url) or deque([root])
        asked: set[str] = set()
        while waiting and len(asked) < self._crawl.sitemaps and not self._line.over:
            url = waiting.popleft()
            if str(url) in asked or url.origin != root.origin:
                continue
            asked.add(str(url))
            found = self._sitemap(url, is_named=url != root or bool(said))
            waiting += filter(None, (joined(url, text) for text in found.nested))
            yield from filter(None, (joined(url, text) for text in found.pages))

    def _sitemap(self, url: Url, *, is_named: bool) -> sitemaps.Sitemap:
        """Return what a sitemap names; what it named before when it cannot be had now."""
        key = f"{_SITEMAP}{url}"
        known = self._kept.get(key)
        reason = ""
        try:
            answer = self._line.follow(url, known=known)
            if answer.status == _OK:
                data = _unpacked(answer.body or b"", ABOUT_BYTES_MAX)
                found = sitemaps.parse(data)
                self._kept.put(key, data, _notes(answer.headers))
                self._alive.add(key)
                return found
            if answer.status in _GONE:
                return sitemaps.Sitemap()
            if answer.status != _NOT_MODIFIED:
                reason = f"its server answers {answer.status}"
        except (Unreached, BadXml) as error:
            reason = str(error)
        if reason and is_named:
            path = path_of(self._extent.below(url), splitext(url.path)[1] or ".xml")
            self._complain(path, reason)
        return self._as_before(key, known)

    def _as_before(self, key: str, known: Entry | None) -> sitemaps.Sitemap:
        data = self._kept.body(known) if known else None
        if data is None:
            return sitemaps.Sitemap()
        self._alive.add(key)
        return sitemaps.parse(data)

    def _complain(self, path: str, reason: str) -> None:
        self._complaints.append(Unreadable(path=path, code="unreadable", reason=reason))

    # One page.

    def _page(self, stop: Stop) -> Iterator[Raw | Unreadable]:
        url, key = stop.url, str(stop.url)
        known = self._kept.get(key) if key in self._known else None
        if refused := self._refusal(url):
            yield refused
            return
        try:
            answer = self._line.ask(url, known)
            if answer.status == _NOT_MODIFIED and known:
                data = self._kept.body(known)
                if data is not None:
                    yield from self._read(stop, data, known.notes)
                    return
                answer = self._line.ask(url)
        except Unreached as error:
            yield from self._failed(stop, known, error.code, error.reason)
            return
        yield from self._answered(stop, known, answer)

    def _refusal(self, url: Url) -> Unreadable | None:
        """Return why a page is not asked for; None if it is."""
        path = path_of(self._extent.below(url), guess(url.path))
        refused = bad_name(path)
        if refused is None and url != self._start:
            refused = self._choice.refusal(path)
        if refused is None and not self._line.robots.allows(url.target):
            reason = "its site asks robots to leave it alone (robots.txt)"
            place = self._place(url, guess(url.path))
            refused = Unreadable(path=place, code="ignored", reason=reason, skipped=True)
        return refused

    def _answered(
        self, stop: Stop, known: Entry | None, answer: Answer
    ) -> Iterator[Raw | Unreadable]:
        if answer.status == _OK:
            yield from self._came(stop, known, answer)
        elif answer.status in _MOVED:
            yield from self._moved(stop, answer.headers.get("location", ""))
        elif answer.status in _GONE:
            if stop.is_start:
                raise self._failure("unreadable", f"it answers {answer.status}, not found")
        else:
            reason = f"its server answers {answer.status}"
            yield from self._failed(stop, known, "unreadable", reason)

    def _came(self, stop: Stop, known: Entry | None, answer: Answer) -> Iterator[Raw | Unreadable]:
        said = answer.headers.get("content-type", "")
        found = kind(said, stop.url.path)
        if found is None or answer.body is None:
            path = self._place(stop.url, guess(stop.url.path))
            reason = "its type is none of a document"
            yield Unreadable(path=path, code="binary", reason=reason, skipped=True)
            return
        if lied := lie(said, found.suffix, answer.body):
            yield from self._failed(stop, known, "malformed", lied)
            return
        path = self._place(stop.url, found.suffix)
        is_page = "yes" if found.is_page else ""
        notes = _notes(answer.headers, path=path, page=is_page)
        self._kept.put(str(stop.url), answer.body, notes)
        yield from self._read(stop, answer.body, notes)

    def _read(
        self, stop: Stop, data: bytes, notes: Mapping[str, str]
    ) -> Iterator[Raw | Unreadable]:
        """Give a page that could be read, and follow where it leads."""
        key, path = str(stop.url), notes["path"]
        self._alive.add(key)
        canonical = self._follow(stop, data) if notes.get("page") else ""
        if canonical and canonical != key:
            self._twins.append(_Twin(key=key, path=path, canonical=canonical))
            return
        self._gave[key] = path
        if self._choice.includes(path):
            yield taken(path, data, size_max_bytes=self._crawl.page_bytes)

    def _follow(self, stop: Stop, data: bytes) -> str:
        """Let what a page leads to wait for its turn; return its canonical address, if it has one.

        One elsewhere is not believed: anybody can say that a page of theirs is somebody else's.
        """
        page = look(data)
        base = (joined(stop.url, page.base) if page.base else None) or stop.url
        for link in page.links:
            if there := joined(base, link):
                self._frontier.add(there, depth=stop.depth + 1)
        canonical = joined(stop.url, page.canonical) if page.canonical else None
        if canonical is None or not self._extent.holds(canonical):
            return ""
        canonical = tidied(canonical)
        self._frontier.add(canonical, depth=stop.depth + 1)
        return str(canonical)

    def _twin(self, twin: _Twin) -> Iterator[Raw | Unreadable]:
        """Give a page with another address, unless it was read there."""
        if twin.canonical in self._gave:
            reason = f"it is another address of {self._gave[twin.canonical]}"
            yield Unreadable(path=twin.path, code="ignored", reason=reason, skipped=True)
            return
        entry = self._kept.get(twin.key)
        data = self._kept.body(entry) if entry else None
        if data is None:
            reason = "what was kept of it is damaged"
            yield Unreadable(path=twin.path, code="unreadable", reason=reason)
        elif self._choice.includes(twin.path):
            yield taken(twin.path, data, size_max_bytes=self._crawl.page_bytes)

    def _moved(self, stop: Stop, location: str) -> Iterator[Unreadable]:
        """Let where a page has gone wait for its turn, if that is on the site."""
        there = joined(stop.url, location)
        if there is not None and self._extent.holds(there):
            self._frontier.add(there, depth=stop.depth, hops=stop.hops + 1, is_start=stop.is_start)
            return
        if stop.is_start:
            where = f" to {there.origin}{there.path}" if there else ""
            raise SourceFailed(
                f"{self._extent.root} redirects{where}, which is not below it",
                hint="name that address as the website, if it is the right one",
            )
        path = self._place(stop.url, guess(stop.url.path))
        reason = "it redirects out of the site"
        yield Unreadable(path=path, code="link_out", reason=reason, skipped=True)

    def _failed(
        self, stop: Stop, known: Entry | None, code: str, reason: str
    ) -> Iterator[Unreadable]:
        """Give a page that could not be read this time; go on where it led before."""
        if stop.is_start:
            raise self._failure(code, reason)
        if known is not None:
            self._alive.add(known.key)
            if known.notes.get("page"):
                self._follow(stop, self._kept.body(known) or b"")
        path = self._known.get(str(stop.url)) or self._place(stop.url, guess(stop.url.path))
        yield Unreadable(path=path, code=code, reason=reason)

    def _place(self, url: Url, suffix: str) -> str:
        """Return the path of a page: the one it had, its own, or another when that is taken."""
        key = str(url)
        before = self._known.get(key, "")
        path = before
        if splitext(before)[1].lower() != suffix:
            path = path_of(self._extent.below(url), suffix)
            if self._paths.get(path, key) != key:
                path = told_apart(path, url)
        self._paths[path] = key
        return path

    # What is left at the end.

    def _left(self) -> Iterator[Unreadable]:
        """Give what was not looked at: a page that was there before stays as it was."""
        over = self._line.over
        left = self._frontier.left
        if not left and not over:
            return
        reason = over or f"the limit of {self._crawl.pages} pages was reached before it"
        for key, path in self._known.items():
            if key not in self._frontier.taken:
                self._alive.add(key)
                yield Unreadable(path=path, code="unreadable", reason=reason)
        fresh = [stop.url for stop in left if str(stop.url) not in self._known]
        if fresh:
            others = len(fresh) - 1 + self._frontier.overflow
            also = f"; the same holds for {others} more" if others else ""
            path = self._place(fresh[0], guess(fresh[0].path))
            yield Unreadable(path=path, code="unreadable", reason=reason + also)

    def _failure(self, code: str, reason: str) -> NotAllowed | SourceFailed:
        """Return the failure of the site as a whole."""
        root = self._extent.root
        if code == "link_out":
            return NotAllowed(
                f"{root} may not be reached: {reason}",
                hint=f"if it is meant, allow its host by name: setting {SETTING}",
            )
        return SourceFailed(
            f"{root} cannot be read: {reason}",
            hint="look whether it is up and the address is right; its documents stay as they were",
            is_passing=code in {"timeout", "unreadable"},
        )


def _unpacked(data: bytes, bytes_max: int) -> bytes:
    return unpacked([data], bytes_max) if sitemaps.is_packed(data) else data
