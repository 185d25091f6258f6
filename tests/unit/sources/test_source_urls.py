"""Addresses of the web: T-SSRF, spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.sources.urls import BadUrl, host_of, joined, normal_path, parse, tidied


@pytest.mark.parametrize(
    "text",
    [
        "http://2130706433/", "http://0177.0.0.1/", "http://0x7f.1/", "http://0x7f000001/",
        "http://127.1/", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://256.1.1.1/",
        "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://[::1%25eth0]/", "http://[::1%eth0]/",
        "http://[::1]x/", "http://[1.2.3.4]/", "http://::1/", "http://ok@127.0.0.1/",
        "http://ok:pw@host.example/", "http://@host.example/", "http://ok.example\\@127.0.0.1/",
        "http://ok.example\\.evil.example/", "http:\\\\host.example/", "http:/host.example/",
        "http:host.example", "http:///host.example/", "//host.example/", "host.example", "",
        "file:///etc/passwd", "gopher://host.example/", "ftp://host.example/x",
        "dict://host.example:11211/", "data:text/html,x", "javascript:alert(1)", "ws://h.example/",
        "http://host.example:0/", "http://host.example:65536/", "http://host.example:8o/",
        "http://host.example:80:80/", "http://host .example/", "http://host.example/a b",
        "http://host.example/\r\nHost: x", "http://host.example/\x00", "http://ho\u202est.example/",
        "http://ho\u200bst.example/", "http://-a.example/", "http://a..b/", "http://./",
        "http://%31%32%37.0.0.1/", "http://ex%61mple.org/", "http://exa<mple.org/", "http://*/",
        f"http://{'a' * 64}.example/", f"http://h.example/{'a' * 2000}",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    """What can be read in two ways, hides an IP address or is not of the web is refused."""
    with pytest.raises(BadUrl):
        parse(text)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("HTTP://Docs.EXAMPLE.org", "http://docs.example.org/"),
        ("https://docs.example.org.:443/", "https://docs.example.org/"),
        ("https://docs.example.org:8443/a#b", "https://docs.example.org:8443/a"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]:80/", "http://[::ffff:7f00:1]/"),
        ("http://ok.example#@127.0.0.1/", "http://ok.example/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://ⓓocs.example/", "http://docs.example/"),
        ("http://h.example/a/./b/../c", "http://h.example/a/c"),
        ("http://h.example/a/%2e%2E/%7euser/é", "http://h.example/~user/%C3%A9"),
        ("http://h.example/../../etc", "http://h.example/etc"),
        ("http://h.example/a%2fb%3", "http://h.example/a%2Fb%253"),
        ("http://h.example/?", "http://h.example/"),
        ("http://my_host.example/?q=a b".replace(" ", "%20"), "http://my_host.example/?q=a%20b"),
    ],
)
def test_one_spelling(text: str, spelling: str) -> None:
    """Different spellings of one address come to one, which stays as it is when read again."""
    assert str(parse(text)) == spelling
    assert str(parse(spelling)) == spelling


@given(st.text(max_size=60))
def test_parse_never_surprises(text: str) -> None:
    """Any text is an address in its one spelling, or refused; nothing else is raised."""
    for candidate in (text, f"http://{text}", f"http://h.example/{text}"):
        try:
            url = parse(candidate)
        except BadUrl:
            continue
        assert parse(str(url)) == url
        assert str(url).isascii()


@given(st.text(alphabet="ab./%2eE", max_size=30))
def test_paths_never_climb(path: str) -> None:
    """No path has a part that climbs, however it is written; twice is the same as once."""
    normal = normal_path(path)
    assert normal.startswith("/")
    assert not {".", ".."} & set(normal.split("/"))
    assert normal_path(normal) == normal


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("../c", "https://h.example/docs/c"),
        ("d/e.html#f", "https://h.example/docs/a/d/e.html"),
        ("?x=2", "https://h.example/docs/a/b?x=2"),
        ("/r", "https://h.example/r"),
        ("//o.example/x", "https://o.example/x"),
        ("http://o.example", "http://o.example/"),
        (" c\n/d e ", "https://h.example/docs/a/c/d%20e"),
    ],
)
def test_links(link: str, there: str) -> None:
    """Links are resolved as browsers do."""
    found = joined(parse("https://h.example/docs/a/b?q=1"), link)
    assert str(found) == there


@pytest.mark.parametrize(
    "link",
    ["", "#top", "mailto:a@b.example", "javascript:x()", "java\nscript:x()", "http:foo", "data:,x",
     "//u@h.example/", "/\\evil.example", "\\\\evil.example", "tel:1", "http://"],
)  # fmt: skip
def test_links_that_lead_nowhere(link: str) -> None:
    """What is no page of the web, or could be read in two ways, is not followed."""
    assert joined(parse("https://h.example/docs/"), link) is None


def test_tidied() -> None:
    """A query is put in order, said once, and without what tracks visitors."""
    url = parse("http://h.example/a?utm_source=x&b=2&a=1&a=1&&PHPSESSID=9&gclid=4")
    assert str(tidied(url)) == "http://h.example/a?a=1&b=2"
    assert str(tidied(parse("http://h.example/a?utm_medium=x"))) == "http://h.example/a"


def test_hosts() -> None:
    """A bare host has one spelling too."""
    assert host_of("[::0:1]") == "::1"
    assert host_of("WIKI.internal.") == "wiki.internal"
