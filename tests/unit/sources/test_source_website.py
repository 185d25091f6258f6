"""What a website gives, and what it refuses."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from answerable.adapters.sources.reach import Reach
from answerable.adapters.sources.website import MISSES_MAX, Crawl, Website
from answerable.domain.errors import BadInput, Locked, NotAllowed, SourceFailed
from answerable.library.ports import Raw
from fake_sources.sites import FakeNetwork, Reply, Site, Ticking, moved, page, plain, website
from fake_sources.synced import ADDED, CHANGED, FAILED, REMOVED, Synced, given, reasons


@pytest.fixture
def site() -> Iterator[Site]:
    with website() as found:
        yield found


def source(site: Site, tmp_path: Path, path: str = "/docs/", **more: Any) -> Website:
    """Return the website as a source; time stands still unless it is waited for."""
    clock = more.pop("clock", None) or Ticking()
    return Website(
        f"{site.url}{path}",
        cache=tmp_path,
        reach=more.pop("reach", None) or site.reach(clock=clock),
        clock=clock,
        wait=more.pop("wait", clock.wait),
        **more,
    )


def urlset(*urls: str) -> bytes:
    listed = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return f"<?xml version='1.0'?><urlset>{listed}</urlset>".encode()


def test_follows_links_below_its_address(site: Site, tmp_path: Path) -> None:
    """Pages below the address are found along links, nearest first; others are not asked for."""
    site.says |= {
        "/docs/": page("b", "a/", "/other", "http://elsewhere.example/", "mailto:x@y.example"),
        "/docs/b": page("a/deep.html#part", "/docs/", "/docs/?page=2&utm_source=x"),
        "/docs/a/": page("../b", "notes.md"),
        "/docs/a/deep.html": page(),
        "/docs/?page=2": page("b"),
        "/docs/a/notes.md": Reply(body=b"# Notes", type="text/plain"),
    }
    found = given(source(site, tmp_path))
    assert list(found) == [
        "index.html", "b.html", "a/index.html", "a/deep.html", "index?page=2.html", "a/notes.md",
    ]  # fmt: skip
    assert found["a/notes.md"] == "# Notes"
    assert "/other" not in site.targets()


def test_name(tmp_path: Path) -> None:
    """A site is called by the address below which it is read, in its one spelling."""
    for url in (
        "HTTPS://Docs.Example.org:443/guide/index.html?x#y",
        "https://docs.example.org/guide/",
    ):
        assert Website(url, cache=tmp_path).name == "website:https://docs.example.org/guide/"
    for url in ("ftp://h.example/", "https://user:secret@h.example/", "nonsense", "http://127.1/"):
        with pytest.raises(BadInput) as caught:
            Website(url, cache=tmp_path)
        assert "secret" not in str(caught.value)


def test_unchanged_pages_are_not_sent_again(site: Site, tmp_path: Path) -> None:
    """A second reading gives the same, and every page answers that it has not changed."""
    site.says |= {"/docs/": page("a"), "/docs/a": page(text="alpha")}
    first = given(source(site, tmp_path))
    site.targets()
    assert given(source(site, tmp_path)) == first
    assert site.targets(status=304) == ["/docs/", "/docs/a"]
    assert source(site, tmp_path).count() == 2


def test_last_modified(site: Site, tmp_path: Path) -> None:
    """Where a page has no tag, its date is asked by."""
    site.says["/docs/"] = replace(
        page(), has_etag=False, headers={"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
    )
    given(source(site, tmp_path))
    given(source(site, tmp_path))
    assert site.asked[-1].headers["If-Modified-Since"] == "Mon, 02 Nov 2026 10:00:00 GMT"


def test_damaged_cache_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    """What was kept and is damaged is asked for without conditions."""
    site.says["/docs/"] = page(text="alpha")
    first = given(source(site, tmp_path))
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix not in {".json", ""}:
            path.write_bytes(b"damaged")
    assert given(source(site, tmp_path)) == first
    assert [one.status for one in site.asked if one.target == "/docs/"] == [200, 304, 200]


def test_library_follows(site: Site, tmp_path: Path) -> None:
    """Added, changed, moved and deleted pages are so in the library; the rest is not parsed."""
    library = Synced()
    site.says |= {
        "/docs/": page("a", "b", "c"),
        "/docs/a": page(text="alpha"),
        "/docs/b": page(text="beta"),
        "/docs/c": page(text="gamma"),
    }
    assert library.sync(source(site, tmp_path)) == dict.fromkeys(
        ("index.html", "a.html", "b.html", "c.html"), ADDED
    )
    assert library.sync(source(site, tmp_path)) == {}
    del site.says["/docs/c"]
    site.says |= {
        "/docs/": page("a", "b", "c", "d"),
        "/docs/a": page(text="alpha 2"),
        "/docs/b": moved("/docs/new/b", 301),
        "/docs/new/b": page(text="beta"),
        "/docs/d": page(text="delta"),
    }
    assert library.sync(source(site, tmp_path)) == {
        "index.html": CHANGED,
        "a.html": CHANGED,
        "b.html": REMOVED,
        "new/b.html": ADDED,
        "c.html": REMOVED,
        "d.html": ADDED,
    }
    assert "b.html" not in library.parser.given
    assert set(library.holds()) == {"index.html", "a.html", "new/b.html", "d.html"}
    site.says["/docs/"] = page("a")
    assert library.sync(source(site, tmp_path)) == {
        "index.html": CHANGED, "new/b.html": REMOVED, "d.html": REMOVED,
    }  # fmt: skip


def test_a_page_that_fails_stays(site: Site, tmp_path: Path) -> None:
    """A page that answers with an error, and all that only it leads to, stays as it was."""
    library = Synced()
    site.says |= {
        "/docs/": page("hub"),
        "/docs/hub": page("leaf", text="hub"),
        "/docs/leaf": page(text="leaf"),
    }
    library.sync(source(site, tmp_path))
    before = library.holds()
    for status in (500, 503, 429, 403, 401, 418):
        site.says["/docs/hub"] = Reply(status=status, body=b"sorry")
        assert library.sync(source(site, tmp_path)) == {"hub.html": FAILED}
        assert library.holds() == before
    assert reasons(source(site, tmp_path)) == {"hub.html": "its server answers 418"}
    site.says["/docs/hub"] = Reply(status=410)
    assert library.sync(source(site, tmp_path)) == {"hub.html": REMOVED, "leaf.html": REMOVED}


@pytest.mark.parametrize(
    "says",
    [
        Reply(status=404), Reply(status=500), Reply(status=403), moved("/docs/"),
        moved("http://169.254.169.254/latest/"), moved("https://elsewhere.example/"), moved(""),
        Reply(body=b"%PDF-1.4", type="text/html"),
    ],
    ids=["404", "500", "403", "loop", "inside", "elsewhere", "nowhere", "lie"],
)  # fmt: skip
def test_a_start_that_fails_is_no_empty_site(site: Site, tmp_path: Path, says: Reply) -> None:
    """When the start cannot be read nothing vanishes: the reading fails as a whole."""
    library = Synced()
    site.says |= {"/docs/": page("a"), "/docs/a": page(text="alpha")}
    library.sync(source(site, tmp_path))
    before = library.holds()
    site.says["/docs/"] = says
    with pytest.raises(SourceFailed) as caught:
        library.sync(source(site, tmp_path))
    assert caught.value.hint
    assert library.holds() == before
    site.says["/docs/"] = page("a")
    assert library.sync(source(site, tmp_path)) == {}


def test_a_site_that_is_down(tmp_path: Path) -> None:
    """A host that does not answer, or has no name, is a failure that may pass."""
    with website() as site:
        gone = site
    with pytest.raises(SourceFailed, match="cannot be reached") as caught:
        given(source(gone, tmp_path))
    assert caught.value.is_passing

    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError

    with pytest.raises(SourceFailed, match="cannot be found"):
        given(Website("http://nowhere.example/", cache=tmp_path, reach=Reach(resolve=nobody)))


def _always(addresses: list[str], _host: str, _port: int) -> list[str]:
    return addresses


def test_a_site_that_may_not_be_reached(tmp_path: Path) -> None:
    """A site on a closed address is refused, with the setting that would open it."""
    for url, addresses in (
        ("http://127.0.0.1/", []),
        ("http://localhost/", ["127.0.0.1"]),
        ("http://wiki.example/", ["10.0.0.1"]),
        ("http://wiki.example:8080/", ["93.184.216.34"]),
    ):
        reach = Reach(resolve=partial(_always, addresses))
        with pytest.raises(NotAllowed) as caught:
            given(Website(url, cache=tmp_path, reach=reach))
        assert "sources.allow_hosts" in caught.value.hint
        assert "10.0.0.1" not in str(caught.value)


def test_a_site_that_goes_down_meanwhile(site: Site, tmp_path: Path) -> None:
    """After some failures in a row the reading ends, and nothing vanishes."""
    site.says["/docs/"] = page(*(f"p{n}" for n in range(100)))
    site.otherwise = lambda target: Reply(status=502 if target.startswith("/docs/") else 404)
    with pytest.raises(SourceFailed, match="stopped answering"):
        given(source(site, tmp_path))
    assert len(site.targets()) == MISSES_MAX + 1


def test_redirects(site: Site, tmp_path: Path) -> None:
    """A redirect on the site is another page's address; one that leads out is left out."""
    site.says |= {
        "/docs/": page("old", "out", "in", "loop1", "self", "long0", "odd"),
        "/docs/old": moved("/docs/new", 308),
        "/docs/new": page(text="new"),
        "/docs/out": moved("https://elsewhere.example/"),
        "/docs/in": moved("http://169.254.169.254/latest/meta-data/"),
        "/docs/loop1": moved("loop2"),
        "/docs/loop2": moved("loop1"),
        "/docs/self": moved("self"),
        "/docs/odd": moved("file:///etc/passwd"),
        **{f"/docs/long{n}": moved(f"long{n + 1}") for n in range(20)},
    }
    assert given(source(site, tmp_path)) | {"index.html": ""} == {
        "index.html": "",
        "new.html": page(text="new").body.decode(),  # type: ignore[union-attr]
        "out.html": "link_out",
        "in.html": "link_out",
        "odd.html": "link_out",
    }
    asked = site.targets()
    assert len(asked) == len(set(asked))
    assert "/docs/long5" in asked
    assert "/docs/long7" not in asked


def test_a_host_that_moves_inside(tmp_path: Path) -> None:
    """A host whose name leads inside a moment later is still spoken to at the first address."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    network = FakeNetwork(
        plain(b"<a href=other>", "Content-Type: text/html\r\nConnection: close\r\n")
    )
    reach = Reach(resolve=lambda _host, _port: next(answers), network=network)
    given(Website("http://rebind.example/", cache=tmp_path, reach=reach, wait=lambda _: None))
    assert {address for address, _ in network.connected} == {"93.184.216.34"}
    assert len(network.connected) >= 4


def test_robots(site: Site, tmp_path: Path) -> None:
    """What robots are asked to leave alone is not asked for, and said; the delay is kept."""
    site.says |= {
        "/robots.txt": Reply(
            body=b"User-agent: *\nDisallow: /docs/no\nCrawl-delay: 7\n", type="text/plain"
        ),
        "/docs/": page("no/a", "yes"),
        "/docs/no/a": page(),
        "/docs/yes": page(text="yes"),
    }
    clock = Ticking()
    found = given(source(site, tmp_path, clock=clock))
    assert found["no/a.html"] == "ignored"
    assert "yes" in found["yes.html"]
    assert "/docs/no/a" not in site.targets()
    assert clock.waits
    assert set(clock.waits[1:]) == {7.0}


@pytest.mark.parametrize("delay", ["86400", "1e9", "-1", "nan"])
def test_robots_that_ask_too_much(site: Site, tmp_path: Path, delay: str) -> None:
    """A delay of a day is no way to keep us for ever."""
    site.says |= {
        "/robots.txt": Reply(body=f"User-agent: *\nCrawl-delay: {delay}\n".encode()),
        "/docs/": page("a"),
    }
    clock = Ticking()
    given(source(site, tmp_path, clock=clock))
    assert max(clock.waits) <= 30


def test_unreachable_robots_forbid_everything(site: Site, tmp_path: Path) -> None:
    """Where `robots.txt` answers with an error of the server, the reading fails as a whole."""
    site.says["/docs/"] = page()
    for status in (500, 503, 429):
        site.says["/robots.txt"] = Reply(status=status)
        with pytest.raises(SourceFailed, match=r"robots\.txt"):
            given(source(site, tmp_path))
    assert site.targets() == []


def test_robots_that_are_not_there_allow_everything(site: Site, tmp_path: Path) -> None:
    """Where there is no `robots.txt`, or it is behind too many redirects, all is allowed."""
    site.says["/docs/"] = page()
    for says in (Reply(status=404), Reply(status=403), moved("/robots.txt"), moved("/r")):
        site.says["/robots.txt"] = says
        assert list(given(source(site, tmp_path))) == ["index.html"]


def test_robots_redirect_inside_is_refused(site: Site, tmp_path: Path) -> None:
    """Also the rules for robots are not fetched from where nobody may go."""
    site.says |= {"/docs/": page(), "/robots.txt": moved("http://169.254.169.254/robots.txt")}
    with pytest.raises(NotAllowed):
        given(source(site, tmp_path))


def test_robots_that_shut_us_out(site: Site, tmp_path: Path) -> None:
    """A site that lets no robot in gives nothing, and nothing vanishes."""
    library = Synced()
    site.says["/docs/"] = page(text="alpha")
    library.sync(source(site, tmp_path))
    site.says["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
    with pytest.raises(SourceFailed, match="no page"):
        library.sync(source(site, tmp_path))
    assert set(library.holds()) == {"index.html"}


def test_sitemaps(site: Site, tmp_path: Path) -> None:
    """Pages nothing leads to are found through sitemaps: an index, packed, below the address."""
    site.says |= {
        "/robots.txt": Reply(body=f"Sitemap: {site.url}/maps/index.xml\n".encode()),
        "/maps/index.xml": Reply(
            body=(
                f"<sitemapindex><sitemap><loc>{site.url}/maps/one.xml.gz</loc></sitemap>"
                "<sitemap><loc>http://elsewhere.example/s.xml</loc></sitemap>"
                f"<sitemap><loc>{site.url}/maps/index.xml</loc></sitemap></sitemapindex>"
            ).encode(),
            type="application/xml",
        ),
        "/maps/one.xml.gz": Reply(
            body=gzip.compress(urlset(f"{site.url}/docs/lone", f"{site.url}/blog/x")),
            type="application/gzip",
        ),
        "/docs/": page(),
        "/docs/lone": page("beyond"),
        "/docs/beyond": page(),
    }
    assert list(given(source(site, tmp_path))) == ["index.html", "lone.html", "beyond.html"]
    assert list(given(source(site, tmp_path, crawl=Crawl(depth=0)))) == ["index.html", "lone.html"]


@pytest.mark.parametrize(
    "says",
    [
        Reply(status=500),
        Reply(body=b"<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>"),
        Reply(body=gzip.compress(b"<urlset>" + b" " * 60_000_000)),
        moved("http://169.254.169.254/"),
    ],
    ids=["500", "bomb", "gzip-bomb", "inside"],
)
def test_a_sitemap_that_fails(site: Site, tmp_path: Path, says: Reply) -> None:
    """A sitemap that cannot be read is said, and what it named before is still looked at."""
    site.says |= {
        "/robots.txt": Reply(body=f"Sitemap: {site.url}/docs/map.xml\n".encode()),
        "/docs/map.xml": Reply(body=urlset(f"{site.url}/docs/lone"), type="text/xml"),
        "/docs/": page(),
        "/docs/lone": page(),
    }
    before = given(source(site, tmp_path))
    site.says["/docs/map.xml"] = says
    after = given(source(site, tmp_path))
    assert after.pop("map.xml") == "unreadable"
    assert after == before


def test_canonical(site: Site, tmp_path: Path) -> None:
    """Two addresses of one page are one document; a canonical address elsewhere is not believed."""
    canonical = '<link rel="canonical" href="/docs/b">'
    site.says |= {
        "/docs/": page("a?view=print", "a", "c", "d"),
        "/docs/a?view=print": page(text="same", head=canonical),
        "/docs/a": page(text="same", head=canonical),
        "/docs/b": page(text="same", head=canonical),
        "/docs/c": page(text="c", head='<link rel=canonical href="https://evil.example/c">'),
        "/docs/d": page(text="d", head='<link rel=canonical href="gone">'),
    }
    found = given(source(site, tmp_path))
    assert [path for path, text in found.items() if "same" in text] == ["b.html"]
    assert [found["a.html"], found["a?view=print.html"]] == ["ignored", "ignored"]
    assert "c" in found["c.html"]
    assert "d" in found["d.html"]
    assert given(source(site, tmp_path)) == found


def test_a_site_without_end(site: Site, tmp_path: Path) -> None:
    """Calendars, circles and depths end, each page asked for once."""

    def endless(target: str) -> Reply:
        path, _, query = target.partition("?")
        month = int(query.removeprefix("month=") or 0)
        return page(f"?month={month + 1}", f"{path}/deeper", "same/same/same", "/docs/")

    site.otherwise = lambda target: (
        endless(target) if target.startswith("/docs/") else Reply(status=404)
    )
    found = given(source(site, tmp_path, crawl=Crawl(pages=300, depth=6, queries=5)))
    assert len(found) < 300
    asked = site.targets()
    assert len(asked) == len(set(asked))
    why = reasons(source(site, tmp_path / "other", crawl=Crawl(pages=20)))
    assert [text for text in why.values() if "limit of 20 pages" in text]
    assert len(site.targets()) == 20


@pytest.mark.parametrize("crawl", [Crawl(pages=2), Crawl(total_bytes=100), Crawl(total_s=2)])
def test_a_limit_hides_nothing(site: Site, tmp_path: Path, crawl: Crawl) -> None:
    """Pages a limit keeps from being looked at stay as they were, and are said."""
    library = Synced()
    site.says |= {"/docs/": page(*"abcd"), **{f"/docs/{n}": page(text=n * 200) for n in "abcd"}}
    library.sync(source(site, tmp_path))
    site.says |= {f"/docs/{n}": page(text=n * 300) for n in "abcd"}
    clock = Ticking(step_ms=200)
    changes = library.sync(source(site, tmp_path, crawl=crawl, clock=clock))
    assert REMOVED not in changes.values()
    assert FAILED in changes.values()
    assert len(library.holds()) == 5
    library.sync(source(site, tmp_path))
    assert library.holds()["d.html"].count("d" * 300) == 1


def test_types(site: Site, tmp_path: Path) -> None:
    """What is no document is left out unread; what lies about its type is a failure."""
    site.says |= {
        "/docs/": page("a.png", "b.pdf", "c.pdf", "d", "e", "f.css", "g"),
        "/docs/a.png": Reply(body=b"\x89PNG", type="image/png"),
        "/docs/b.pdf": Reply(body=b"%PDF-1.7 x", type="application/pdf"),
        "/docs/c.pdf": Reply(body=b"<html>not found", type="application/pdf"),
        "/docs/d": Reply(body=b"PK\x03\x04...", type="text/html"),
        "/docs/e": Reply(body=b"", type="text/html"),
        "/docs/f.css": Reply(body=b"a{}", type="text/css"),
        "/docs/g": Reply(body=b"x", type="evil\tx/<script>"),
    }
    found = given(source(site, tmp_path))
    del found["index.html"]
    assert found == {
        "a.png.html": "binary",
        "b.pdf": "%PDF-1.7 x",
        "c.pdf": "malformed",
        "d.html": "malformed",
        "e.html": "empty",
        "f.css.html": "binary",
        "g.html": "binary",
    }


def test_ten_gigabytes(site: Site, tmp_path: Path) -> None:
    """A page without end, or one that says so, costs its limit and no more."""
    site.says |= {
        "/docs/": page("said", "unsaid", "bomb"),
        "/docs/said": Reply(body=b"x", headers={"Content-Length": "10000000000"}, has_etag=False),
        "/docs/unsaid": Reply(body=repeat(b"x" * 65_536, 160_000)),
        "/docs/bomb": Reply(
            body=gzip.compress(b"x" * 30_000_000), headers={"Content-Encoding": "gzip"}
        ),
    }
    found = given(source(site, tmp_path, crawl=Crawl(page_bytes=1_000_000)))
    del found["index.html"]
    assert found == dict.fromkeys(("said.html", "unsaid.html", "bomb.html"), "too_large")


@pytest.mark.parametrize("place", ["page", "start", "robots"])
def test_a_byte_a_second(tmp_path: Path, place: str) -> None:
    """A page that drips ends at its deadline; the reading goes on, or fails as a whole."""
    targets = {"page": b"/slow ", "start": b"/ ", "robots": b"/robots.txt "}
    good = b"<a href=slow>"

    def answer() -> Iterator[bytes]:
        is_slow = targets[place] in network.written[-200:].split(b"HTTP/1.1")[0] or (
            network.written.rsplit(b"GET ", 1)[-1].startswith(targets[place])
        )
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        if not is_slow:
            return iter([head + good])
        return chain([head], repeat(b"x"))

    class Late(FakeNetwork):
        """Answers when it has heard what it is asked."""

        def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
            stream = super().connect_tcp(*args, **kwargs)
            stream._pieces = None  # type: ignore[attr-defined]
            read = stream.read

            def late(max_bytes: int, timeout: float | None = None) -> bytes:
                if stream._pieces is None:  # type: ignore[attr-defined]
                    stream._pieces = answer()  # type: ignore[attr-defined]
                return read(max_bytes, timeout)

            stream.read = late  # type: ignore[method-assign]
            return stream

    network = Late(lambda: iter([]))
    clock = Ticking(step_ms=100)
    reach = Reach(resolve=lambda _h, _p: ["93.184.216.34"], network=network, clock=clock)
    site = Website(
        "http://slow.example/", cache=tmp_path, reach=reach, clock=clock, wait=clock.wait
    )
    if place == "page":
        assert given(site)["slow.html"] == "timeout"
    else:
        with pytest.raises(SourceFailed, match="within 30 seconds"):
            given(site)
    assert network.read_bytes < 2_000


def test_patterns(site: Site, tmp_path: Path) -> None:
    """What is excluded is not asked for; what is not included is, for where it leads."""
    site.says |= {
        "/docs/": page("blog/a", "guide/a", "guide/b.md"),
        "/docs/blog/a": page(),
        "/docs/guide/a": page("c.md"),
        "/docs/guide/b.md": Reply(body=b"b", type="text/plain"),
        "/docs/guide/c.md": Reply(body=b"c", type="text/plain"),
    }
    found = given(source(site, tmp_path, includes=["*.md"], excludes=["blog/"]))
    assert found == {"blog/": "ignored", "guide/b.md": "b", "guide/c.md": "c"}
    assert "/docs/blog/a" not in site.targets()


def test_one_path_two_pages(site: Site, tmp_path: Path) -> None:
    """Two pages that would be called the same are told apart, the same way every time."""
    site.says |= {
        "/docs/": page("a", "a.html"),
        "/docs/a": page(text="one"),
        "/docs/a.html": page(text="two"),
    }
    found = given(source(site, tmp_path))
    assert len(found) == 3
    assert "one" in found["a.html"]
    site.says["/docs/"] = page("a.html", "a")
    again = given(source(site, tmp_path))
    assert {path: again[path] for path in found if path != "index.html"} == {
        path: found[path] for path in found if path != "index.html"
    }


def test_retry_after(site: Site, tmp_path: Path) -> None:
    """A site that asks to come back in a moment is asked once more after it."""
    site.says |= {"/docs/": page("a"), "/docs/a": page()}
    answers = iter([Reply(status=429, headers={"Retry-After": "17"}), page(text="alpha")])
    del site.says["/docs/a"]
    site.otherwise = lambda target: next(answers) if target == "/docs/a" else Reply(status=404)
    clock = Ticking()
    assert "alpha" in given(source(site, tmp_path, clock=clock))["a.html"]
    assert 17.0 in clock.waits


def test_resumed_after_a_kill(site: Site, tmp_path: Path) -> None:
    """Stopped in the middle, the next reading is sent only what the first did not get."""
    site.says |= {"/docs/": page(*"abc"), **{f"/docs/{n}": page(text=n) for n in "abc"}}
    reading = source(site, tmp_path).files()
    assert [next(reading).path for _ in range(3)] == ["index.html", "a.html", "b.html"]
    reading.close()  # type: ignore[attr-defined]
    site.targets()
    assert len(given(source(site, tmp_path))) == 4
    assert site.targets(status=200) == ["/docs/c"]


def test_one_reading_at_a_time(site: Site, tmp_path: Path) -> None:
    """A site that is being read is not read by somebody else too."""
    site.says["/docs/"] = page()
    reading = source(site, tmp_path).files()
    next(reading)
    with pytest.raises(Locked):
        next(iter(source(site, tmp_path).files()))
    reading.close()  # type: ignore[attr-defined]


def test_who_asks(site: Site, tmp_path: Path) -> None:
    """Every request says who asks, for whom, and nothing else; cookies are not kept."""
    site.says |= {
        "/docs/": replace(page("a"), headers={"Set-Cookie": "a=b"}),
        "/docs/a": page(),
    }
    given(source(site, tmp_path, contact="https://ops.example/robots"))
    for one in site.asked:
        assert one.headers["User-Agent"].startswith("Answerable/")
        assert "https://ops.example/robots" in one.headers["User-Agent"]
        assert set(one.headers) == {"Host", "Accept-Encoding", "User-Agent", "Accept"}


def test_odd_names(site: Site, tmp_path: Path) -> None:
    """Whatever addresses a site has, no path leads out of it."""
    site.says["/docs/"] = page(
        "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc", "a%00b", "a%0ab", "%e2%80%aex", "a%5c..%5cb",
        "%FF", "a//b", "?q=../../x",
    )  # fmt: skip
    site.otherwise = lambda target: page() if target.startswith("/docs/") else Reply(status=404)
    for item in source(site, tmp_path).files():
        assert isinstance(item, Raw)
        assert item.path.isprintable()
        assert not {"", ".", ".."} & set(item.path.split("/"))
