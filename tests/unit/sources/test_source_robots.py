"""What a site asks robots to leave alone."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.sources.robots import BYTES_MAX, matches, parse


def allows(text: str, target: str, agent: str = "answerable") -> bool:
    return parse(text.encode(), agent).allows(target)


@pytest.mark.parametrize(
    ("pattern", "target", "is_match"),
    [
        ("/", "/a", True),
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish*", "/fishheads/yummy", True),
        ("/fish/", "/fish", False),
        ("/*.php", "/folder/any.php?x", True),
        ("/*.php$", "/filename.php", True),
        ("/*.php$", "/filename.php?x", False),
        ("/*.php$", "/a.php/b.php", True),
        ("/fish*.php", "/fishheads/catfish.php?x", True),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a*b*c", "/a1b2c3", True),
        ("/a*b*c", "/a1c2b3", False),
        ("*/x", "/deep/x", True),
        ("/ab*ba$", "/aba", False),
        ("/ab*ba$", "/abba", True),
        ("$", "/", False),
        ("*$", "/anything", True),
    ],
)
def test_patterns(pattern: str, target: str, *, is_match: bool) -> None:
    """Patterns match from the start; `*` is anything, `$` the end (RFC 9309, section 2.2.3)."""
    assert matches(pattern, target) is is_match


@given(st.text(alphabet="ab/*", max_size=8), st.text(alphabet="ab/", max_size=10))
def test_patterns_agree_with_a_regular_expression(pattern: str, target: str) -> None:
    """Matching piece by piece gives what trying everything gives."""
    import re  # noqa: PLC0415

    for end in ("", "$"):
        expression = ".*".join(map(re.escape, pattern.split("*"))) + (r"\Z" if end else "")
        assert matches(pattern + end, target) is bool(re.match(expression, target))


def test_hostile_pattern_takes_no_time() -> None:
    """Many wildcards on a long path are no way to keep us busy."""
    began = perf_counter()
    assert not matches("/" + "*a" * 5_000 + "b", "/" + "a" * 50_000)
    assert perf_counter() - began < 1


def test_longest_match_wins_and_allow_wins_a_tie() -> None:
    """The most octets decide; of two equal ones the kinder (RFC 9309, section 2.2.2)."""
    text = "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nAllow: /t\nDisallow: /t\n"
    assert not allows(text, "/a")
    assert allows(text, "/a/b")
    assert not allows(text, "/a/b/c")
    assert allows(text, "/t")
    assert allows(text, "/elsewhere")


def test_groups() -> None:
    """The group that names us counts alone, all of its parts together; else that for everyone."""
    text = (
        "User-agent: other\nUser-agent: Answerable/2.0\nDisallow: /x\n\n"
        "User-agent: *\nDisallow: /\n\n"
        "User-agent: ANSWERABLE\nDisallow: /y\n"
    )
    assert [allows(text, path) for path in ("/", "/x", "/y", "/z")] == [True, False, False, True]
    assert not allows(text, "/x", agent="somebody")
    assert allows("User-agent: answerable\n\nUser-agent: *\nDisallow: /\n", "/a") is False


def test_an_empty_group_of_ours_lets_us_in() -> None:
    """Named with nothing disallowed means everything is allowed."""
    text = "User-agent: *\nDisallow: /\nUser-agent: answerable\nDisallow:\n"
    assert allows(text, "/a")


def test_escapes_do_not_matter() -> None:
    """A pattern and a path are compared in one spelling."""
    assert not allows("User-agent: *\nDisallow: /%7Ejoe/ü\n", "/~joe/%C3%BC.html")


def test_delay_and_sitemaps() -> None:
    """What is asked for beside rules is found, odd values are none."""
    robots = parse(
        b"\xef\xbb\xbfSitemap: https://h.example/s.xml # here\nUser-agent: *\nCrawl-delay: 2.5\n"
        b"Disallow: /no\nCrawl-delay: nan\ncrawl-delay: 1e9\nSitemap: https://h.example/t.xml\n",
        "answerable",
    )
    assert robots.delay_s == 2.5
    assert robots.sitemaps == ("https://h.example/s.xml", "https://h.example/t.xml")
    assert not robots.allows("/no")


def test_robots_txt_itself_is_always_allowed() -> None:
    """Nobody can forbid to ask what is forbidden."""
    assert allows("User-agent: *\nDisallow: /\n", "/robots.txt")


def test_only_so_much_is_read() -> None:
    """What comes after the limit of the standard is not looked at."""
    text = "User-agent: *\nDisallow: /a\n" + "#" * BYTES_MAX + "\nDisallow: /b\n"
    assert not allows(text, "/a")
    assert allows(text, "/b")


@given(st.binary(max_size=200))
def test_any_bytes_are_rules_or_nothing(data: bytes) -> None:
    """A `robots.txt` never fails."""
    parse(data, "answerable").allows("/a")
