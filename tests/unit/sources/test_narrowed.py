"""Patterns choose what is taken of any source."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from answerable.adapters.sources.narrowed import Narrowed
from answerable.adapters.sources.upload import Uploads
from answerable.library.ports import Raw, Unreadable

FILES = dict.fromkeys(("a/x.md", "a/y.txt", "b/old/x.md", "b/x.md", "top.md"), b"text")


def taken(include: Sequence[str]) -> list[str]:
    narrowed = Narrowed(Uploads(FILES), include)
    given = list(narrowed.files())
    assert [one.path for one in given] == sorted(FILES), "each once, in order"
    for one in given:
        if isinstance(one, Unreadable):
            assert (one.code, one.skipped) == ("ignored", True)
    return [one.path for one in given if isinstance(one, Raw)]


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (("*",), sorted(FILES)),
        (("*.md",), ["a/x.md", "b/old/x.md", "b/x.md", "top.md"]),
        (("a/",), ["a/x.md", "a/y.txt"]),
        (("/top.md",), ["top.md"]),
        (("*.md", "!b/"), ["a/x.md", "b/old/x.md", "b/x.md", "top.md"]),
        (("b/**/x.md",), ["b/old/x.md", "b/x.md"]),
    ],
)
def test_what_is_named_is_taken(include: tuple[str, ...], expected: list[str]) -> None:
    """As `.gitignore` reads patterns."""
    assert taken(include) == expected


def test_a_folder_that_was_left_out_as_a_whole_stays_so() -> None:
    """What a source says of a folder is passed on, whether or not files of it are named."""

    class Blocked(Uploads):
        def files(self):  # type: ignore[no-untyped-def]
            yield Unreadable(path="locked/", code="unreadable", reason="no permission")

    (given,) = Narrowed(Blocked({}), ["*.md"]).files()
    assert isinstance(given, Unreadable)
    assert given.code == "unreadable"


def test_it_answers_for_what_its_source_answers_for() -> None:
    """So that what is left out from now on vanishes."""
    narrowed = Narrowed(Uploads(FILES), ["a/"])
    assert narrowed.name == "upload"
    assert narrowed.covers("b/x.md")
    assert not narrowed.covers("c.md")
    assert narrowed.count() == 5
