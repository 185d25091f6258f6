"""Sitemaps, links, types and names of pages: all that needs no network."""

from __future__ import annotations

import gzip
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.sources import links, sitemaps
from answerable.adapters.sources.choosing import Choice, bad_name
from answerable.adapters.sources.frontier import Frontier
from answerable.adapters.sources.kinds import guess, kind, lie
from answerable.adapters.sources.reach import Unreached, gunzipped
from answerable.adapters.sources.urls import parse
from answerable.adapters.sources.webpaths import Extent, is_trap, path_of, told_apart
from answerable.adapters.sources.xmltexts import BadXml

XML = '<?xml version="1.0" encoding="UTF-8"?>'
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def test_sitemap() -> None:
    """Pages are found in order, escapes undone, with or without a prefix; extensions are not."""
    found = sitemaps.parse(
        f"{XML}<s:urlset xmlns:s='x' xmlns:i='y'><s:url><s:loc> http://h/a?b&amp;c </s:loc>"
        "<i:image><i:loc>http://h/i.png</i:loc></i:image></s:url>"
        "<s:url><s:loc><![CDATA[http://h/d]]></s:loc></s:url></s:urlset>".encode()
    )
    assert found == sitemaps.Sitemap(pages=("http://h/a?b&c", "http://h/d"))


def test_sitemap_index_and_text() -> None:
    """An index names further sitemaps; a text has a line for each page."""
    index = (
        f"{XML}<sitemapindex {SPACE}><sitemap><loc>http://h/1.xml</loc></sitemap></sitemapindex>"
    )
    assert sitemaps.parse(index.encode()).nested == ("http://h/1.xml",)
    assert sitemaps.parse(b"http://h/a\r\nnonsense\nhttps://h/b\n").pages == (
        "http://h/a",
        "https://h/b",
    )


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset><url><loc>&a;</loc></url></urlset>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><urlset/>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil/">%p;]><urlset/>',
        b"<urlset><url>",
        b"<html><p>not found",
        b"<a>" * 100_000,
        b'<?xml version="1.0" encoding="nonsense"?><urlset/>',
        b"<urlset><url><loc>\xff\xfe</loc></url></urlset>",
    ],
)
def test_hostile_sitemaps(data: bytes) -> None:
    """Bombs, files of this machine, and what is no XML are refused, soon."""
    began = perf_counter()
    with pytest.raises(BadXml):
        sitemaps.parse(data)
    assert perf_counter() - began < 1


@given(st.binary(max_size=100))
def test_any_bytes_are_a_sitemap_or_none(data: bytes) -> None:
    """Nothing but `BadXml` is raised."""
    with suppress(BadXml):
        sitemaps.parse(data)


def test_gzip_is_bounded() -> None:
    """A bomb ends at the limit, what is cut short is said, what is whole is unpacked."""
    data = b"x" * 1_000
    packed = gzip.compress(data)
    assert gunzipped([packed[:9], packed[9:]], 1_000) == data
    with pytest.raises(Unreached) as caught:
        gunzipped([gzip.compress(b"\0" * 50_000_000)], 100_000)
    assert caught.value.code == "too_large"
    for broken in (packed[:-9], b"not gzip"):
        with pytest.raises(Unreached) as caught:
            gunzipped([broken], 1_000)
        assert caught.value.code == "malformed"


def test_links() -> None:
    """Links are found whatever the quotes and case, none in comments, scripts or titles."""
    page = links.look(
        b"<TITLE><a href=no1></TITLE><!-- <a href='no2'> --><script>'<a href=no3>'</script>"
        b"<base href='/b/'><link rel='x CANONICAL' href=\"/c\"><A class=x HREF=one>1</a>"
        b"<a href=\"two?a&amp;b=1\" href=no4><a data-x='>' href = 'three'><area href=four>"
        b"<iframe src=five></iframe><a name=x><a href=one><a\nhref='six'\n/><abbr href=no5>"
    )
    assert page.links == ("one", "two?a&b=1", "three", "four", "five", "six")
    assert (page.base, page.canonical) == ("/b/", "/c")


@pytest.mark.parametrize(
    "text",
    [
        "<a " * 300_000,
        "<!--" * 300_000,
        "<script>" * 100_000,
        "<a href='" * 100_000,
        "<a " + "x" * 1_000_000,
        "<a" + " " * 1_000_000 + "=" * 1_000_000,
        "<div>" * 200_000,
        "<" * 1_000_000,
        "<a href=x>" * 100_000,
        "<a x=" + "&amp" * 300_000,
    ],
)
def test_hostile_pages_take_no_time(text: str) -> None:
    """A page made to break parsers costs what its length costs."""
    began = perf_counter()
    assert len(links.look(text.encode()).links) <= links.LINKS_MAX
    assert perf_counter() - began < 5


@given(st.text(alphabet="<a href='\"=>!-/scriptx &#", max_size=80))
def test_any_text_is_a_page(text: str) -> None:
    """Looking for links never fails."""
    links.look(text.encode())


@pytest.mark.parametrize(
    ("said", "path", "suffix"),
    [
        ("text/html; charset=utf-8", "/docs/a", ".html"),
        ("TEXT/HTML", "/docs/a.htm", ".htm"),
        ("text/html", "/docs/a.php", ".html"),
        ("application/pdf", "/docs/a", ".pdf"),
        ("text/plain", "/docs/a.md", ".md"),
        ("text/plain", "/docs/a", ".txt"),
        ("text/markdown", "/docs/a", ".md"),
        ("application/octet-stream", "/docs/a.md", ".md"),
        ("application/octet-stream", "/docs/a.pdf", ".pdf"),
        ("", "/docs/a.rst", ".rst"),
        ("application/octet-stream", "/docs/a", None),
        ("", "/docs/a", None),
        ("image/png", "/docs/a.md", None),
        ("application/javascript", "/a.js", None),
        ("text/plain", "/docs/a.pdf", ".txt"),
    ],
)
def test_kinds(said: str, path: str, suffix: str | None) -> None:
    """The type decides what a page is taken as, and the address where the type says little."""
    found = kind(said, path)
    assert (found.suffix if found else None) == suffix


def test_lies() -> None:
    """Content that is not what its type says is found out."""
    assert lie("application/pdf", ".pdf", b"<html>not found</html>")
    assert lie("text/html", ".html", b"%PDF-1.7")
    assert lie("text/html", ".html", b"\x89PNG\r\n\x1a\n")
    assert lie("text/plain", ".md", b"abc\0def")
    assert lie("text/html", ".html", "héllo".encode("utf-16")) == ""
    assert lie("application/pdf", ".pdf", b"\n%PDF-1.4 ...") == ""
    assert lie("text/html", ".html", b"<p>hello") == ""
    assert lie("text/html\x1b[2J", ".pdf", b"x").endswith("none")


@pytest.mark.parametrize(
    ("below", "suffix", "path"),
    [
        ("", ".html", "index.html"),
        ("a", ".html", "a.html"),
        ("a.html", ".html", "a.html"),
        ("a/", ".html", "a/index.html"),
        ("a//b", ".html", "a/b.html"),
        ("a?page=2", ".html", "a?page=2.html"),
        ("?q=a/b", ".html", "index?q=a%2Fb.html"),
        ("r%C3%A9sum%C3%A9", ".html", "résumé.html"),
        ("a%2Fb", ".html", "a%2Fb.html"),
        ("a%5Cb", ".html", "a%5Cb.html"),
        ("%2e%2e%2fetc", ".html", "%2e%2e%2fetc.html"),
        ("%FF", ".html", "%FF.html"),
        ("a%00b", ".txt", "a%00b.txt"),
        ("%E2%80%AEx", ".html", "%E2%80%AEx.html"),
        ("v1.2", ".html", "v1.2.html"),
        ("a.pdf", ".html", "a.pdf.html"),
    ],
)
def test_paths(below: str, suffix: str, path: str) -> None:
    """A page has a path that says what it is, leads nowhere else and can be shown."""
    assert path_of(below, suffix) == path
    assert bad_name(path) is None


@given(st.text(max_size=40))
def test_paths_stay_below(text: str) -> None:
    """No address gives a path that is absolute, empty in part, or climbs."""
    url = parse("http://h.example/docs/" + "".join(f"%{byte:02X}" for byte in text.encode()))
    assert bad_name(path_of(Extent.of(parse("http://h.example/docs/")).below(url), ".html")) is None


def test_told_apart() -> None:
    """A page whose path is taken gets one of its own, always the same."""
    url = parse("http://h.example/a")
    assert told_apart("x/a.html", url) == told_apart("x/a.html", url) != "x/a.html"
    assert told_apart("x/a.html", url).endswith(".html")


def test_extent() -> None:
    """A folder means what lies below it, a page its folder, a bare name both."""
    for start, root in (
        ("http://h.example/docs/", "http://h.example/docs/"),
        ("http://h.example/docs/index.html", "http://h.example/docs/"),
        ("http://h.example/docs?x=1", "http://h.example/docs"),
        ("http://h.example", "http://h.example/"),
    ):
        assert str(Extent.of(parse(start)).root) == root
    bare = Extent.of(parse("http://h.example/docs"))
    for inside in ("/docs", "/docs?a", "/docs/", "/docs/a/b"):
        assert bare.holds(parse(f"http://h.example{inside}"))
    for outside in (
        "http://h.example/docs2", "http://h.example/", "https://h.example/docs/",
        "http://h.example:81/docs", "http://h.example.evil/docs", "http://h.example/docs/../x",
    ):  # fmt: skip
        assert not bare.holds(parse(outside))


def test_traps() -> None:
    """A path that goes round in circles, or down for ever, is seen."""
    assert is_trap(parse("http://h.example/a/b/a/b/a/b/a/b"))
    assert is_trap(parse("http://h.example" + "".join(f"/{n}" for n in range(30))))
    assert not is_trap(parse("http://h.example/a/b/a/c/a"))


def test_frontier() -> None:
    """Every page once, nearest first, and not more than was said of anything."""
    extent = Extent.of(parse("http://h.example/"))
    frontier = Frontier(extent, pages_max=6, depth_max=2, queries_max=2)
    for path in ("a", "b", "a#x", "a?utm_source=1", "c?m=1", "c?m=2", "c?m=3"):
        frontier.add(parse(f"http://h.example/{path}"))
    frontier.add(parse("http://h.example/far"), depth=3)
    frontier.add(parse("http://h.example/hopped"), hops=6)
    frontier.add(parse("http://elsewhere.example/"))
    taken = []
    while stop := frontier.take():
        taken.append(stop.url.target)
    assert taken == ["/a", "/b", "/c?m=1", "/c?m=2"]
    for n in range(100):
        frontier.add(parse(f"http://h.example/n{n}"))
    assert frontier.take()
    assert frontier.take()
    assert frontier.take() is None
    assert (len(frontier.left), frontier.overflow) == (58, 40)


def test_choice() -> None:
    """Excludes win; includes hold for folders too; junk is left out, its folder said once."""
    choice = Choice(includes=["docs/", "*.md"], excludes=["draft*", "/docs/old/"])
    for path, is_in in (("docs/a.txt", True), ("x/b.md", True), ("x/b.txt", False)):
        assert choice.includes(path) is is_in
    for path, said in (
        ("docs/a.txt", None),
        ("docs/draft.md", "docs/draft.md"),
        ("docs/old/a/b.md", "docs/old/"),
        ("x/.git/config", "x/.git/"),
        ("drafts/a.md", "drafts/"),
    ):
        refused = choice.refusal(path)
        assert (refused.path if refused else None) == said
    assert Choice(takes_junk=True).refusal(".well-known/a") is None
    assert Choice().includes("anything")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/", "a/.", "a\nb", "a\x1b[2Jb", "a\0b",
     "\u202eb", "a\udcff", "x" * 5_000],
)  # fmt: skip
def test_bad_names(path: str) -> None:
    """A name that could lead elsewhere or write to a terminal is refused, and shown inert."""
    refused = bad_name(path)
    assert refused is not None
    assert (refused.code, refused.skipped) == ("bad_name", False)
    assert refused.path.isprintable()
    assert not {".", ".."} & set(refused.path.split("/"))
    assert not refused.path.startswith("/")


def test_guess() -> None:
    """Before a page is asked for, its address says what it most likely is."""
    assert [guess(path) for path in ("/a", "/a.PDF", "/a.md", "/a.php")] == [
        ".html", ".pdf", ".md", ".html",
    ]  # fmt: skip
