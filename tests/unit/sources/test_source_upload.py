"""Uploads, and the paths they may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.sources.upload import Uploads, safe_path
from answerable.domain.errors import BadInput
from answerable.library.ports import Raw, Unreadable


@pytest.mark.parametrize(
    "path",
    ["a.md", "a/b.md", "a b.md", "日本語/🙂.md", "...", "a..b", ".hidden", "~a", "-rf", "x" * 300],
)
def test_safe_paths(path: str) -> None:
    """A relative path below a root is taken as it is."""
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a/..",
        "..",
        ".",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "..\\a",
        "C:\\a",
        "a\0b",
        "a\nb",
        "a\x1b[2Jb",
        "a\x7fb",
        "a\x85b",
        "a\u202eb",
        "a" + chr(0xD800),
        "a" + chr(0xDCFF),
        "x" * 301,
    ],
)
def test_unsafe_paths(path: str) -> None:
    """Whatever could leave the root, hide or break a terminal is refused, in plain letters."""
    with pytest.raises(BadInput) as caught:
        safe_path(path)
    assert caught.value.message.isprintable()
    assert caught.value.hint
    caught.value.message.encode()


@given(st.text())
def test_a_safe_path_stays_below(path: str) -> None:
    """No text whatever is taken that could name something outside."""
    try:
        safe = safe_path(path)
    except BadInput:
        return
    assert safe == path
    assert not safe.startswith("/")
    assert all(part not in {"", ".", ".."} for part in safe.split("/"))


def test_uploads_give_what_was_sent() -> None:
    """Every file comes once, by path, and only these paths are answered for."""
    uploads = Uploads({"b.md": b"b", "a/c.md": b"c"})
    assert uploads.name == "upload"
    assert uploads.count() == 2
    assert list(uploads.files()) == [Raw(path="a/c.md", data=b"c"), Raw(path="b.md", data=b"b")]
    assert uploads.covers("b.md")
    assert not uploads.covers("a")
    assert not uploads.covers("a/d.md")


def test_uploads_have_limits() -> None:
    """An empty file is skipped, one above the limit is refused with the setting."""
    large, empty = Uploads({"a": b"xx", "b": b""}, size_max_bytes=1).files()
    assert isinstance(large, Unreadable)
    assert isinstance(empty, Unreadable)
    assert (large.code, large.skipped) == ("too_large", False)
    assert (empty.code, empty.skipped) == ("empty", True)


def test_uploads_refuse_unsafe_paths() -> None:
    """One bad path refuses the whole before anything is read."""
    with pytest.raises(BadInput):
        Uploads({"a": b"", "../b": b""})
