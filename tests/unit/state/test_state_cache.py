"""The memory that contents may take."""

from __future__ import annotations

from answerable.adapters.state.cache import ContentCache, weight
from answerable.domain.documents import Content, Text


def _content(name: str) -> Content:
    return Content(
        id=name,
        bytes_hash="",
        size=0,
        format="text",
        text=Text(text=name, title="", blocks=()),
        chunks=(),
    )


def test_what_was_not_used_for_longest_goes_first() -> None:
    """Reading a content keeps it; the limit holds."""
    cache = ContentCache(bytes_max=20)
    for name in ("a", "b"):
        cache.put(_content(name), 10)
    cache.get(["a"])
    cache.put(_content("c"), 10)
    assert cache.get(["a", "b", "c"]).keys() == {"a", "c"}


def test_what_is_too_large_is_not_kept() -> None:
    """One huge document does not throw out everything else."""
    cache = ContentCache(bytes_max=20)
    cache.put(_content("a"), 10)
    cache.put(_content("huge"), 21)
    assert cache.get(["a", "huge"]).keys() == {"a"}


def test_keeping_twice_counts_once() -> None:
    """Two threads that read the same content do not use up the room of others."""
    cache = ContentCache(bytes_max=20)
    for name in ("a", "a", "b"):
        cache.put(_content(name), 10)
    assert cache.get(["a", "b"]).keys() == {"a", "b"}


def test_a_weight_counts_text_and_structure() -> None:
    """Wide characters and long outlines weigh more."""
    assert weight("🚒" * 100, "{}") > weight("a" * 100, "{}")
    assert weight("", "x" * 100) >= weight("", "") + 700
