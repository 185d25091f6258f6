"""Which revisions a purge concerns, and which documents go together."""

from __future__ import annotations

from answerable.domain.documents import Purge, Revision, Tombstone, place_hash
from answerable.library.bans import bans, unnamed
from answerable.library.ports import Standing
from answerable.library.purge import _together, affected


def revision(number: int, base: int | None, line: str = "a") -> Revision:
    """Return a revision."""
    return Revision(
        number=number,
        line=line,
        base=base,
        manifest=f"{number:064x}",
        sealed_at_ms=number,
        documents=1,
        chunks=1,
        because="a test",
    )


def numbers(revisions: list[Revision], *holding: int) -> list[int]:
    """Return the numbers of those that are concerned."""
    return [one.number for one in affected(list(reversed(revisions)), holding)]


def test_what_is_built_from_one_that_holds_it_is_concerned() -> None:
    """However far down, for it shares files; what came before, or from nothing, is not."""
    line = [revision(1, None), revision(2, 1), revision(3, 2), revision(4, 3)]
    assert numbers(line, 2) == [2, 3, 4]
    assert numbers(line) == []
    assert numbers([*line, revision(5, 1)], 2) == [2, 3, 4]


def test_another_line_shares_no_files() -> None:
    """It was indexed anew."""
    assert numbers([revision(1, None), revision(2, 1, "b"), revision(3, 2, "b")], 1) == [1]


def test_of_one_whose_base_was_retired_nobody_can_tell() -> None:
    """Its files may come from a revision that held it, which is not there to be asked."""
    assert numbers([revision(3, 2), revision(4, 3)]) == [3, 4]
    assert numbers([revision(1, None), revision(3, 2), revision(4, 1)]) == [3]


def test_copies_are_found_however_far() -> None:
    """A copy held something else once, which again has a copy; others are not concerned."""
    standings = [
        Standing("a", "1", "x"),
        Standing("b", "1", "x"),
        Standing("b", "2", "y"),
        Standing("c", "2", "y"),
        Standing("d", "3", "z"),
    ]
    for one, documents, contents in (("a", "abc", "xy"), ("d", "d", "z"), ("e", "e", "")):
        found = _together(frozenset(one), standings)
        assert found == (frozenset(documents), frozenset(contents))


def test_a_lifted_place_is_allowed_and_its_bytes_are_not() -> None:
    """Through whichever folder the file is read."""
    grave = Tombstone(document_id="a", place_hash=place_hash("folder:/srv", "docs/a.md"))
    purge = Purge(
        number=1, who="ann", because="", at_ms=1, documents=(grave,), contents=frozenset({"x"})
    )
    forbidden = bans([purge])
    assert forbidden.forbid("folder:/srv/docs", "a.md", "other")
    assert forbidden.forbid("upload", "b.md", "x")
    assert not forbidden.forbid("folder:/srv", "a.md", "other")
    lifted = Tombstone(document_id="a", place_hash=grave.place_hash, lifted_at_ms=3)
    again = bans(
        [
            Purge(
                number=1,
                who="ann",
                because="",
                at_ms=1,
                documents=(lifted,),
                contents=frozenset({"x"}),
            )
        ]
    )
    assert not again.forbid("folder:/srv/docs", "a.md", "other")
    assert again.forbid("folder:/srv/docs", "a.md", "x")


def test_why_a_revision_was_made_names_none_of_them() -> None:
    """Whole names only."""
    assert unnamed("ingest docs/keys.md", ["a/keys.md"]) == "ingest (purged)"
    assert unnamed("ingest keys.md", ["keys.md"]) == "ingest (purged)"
    assert unnamed("ingest docs/monkeys.md", ["keys.md"]) == "ingest docs/monkeys.md"
    assert unnamed("2 uploaded files", ["keys.md"]) == "2 uploaded files"
