"""A source read to its end before anybody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerable.adapters.sources import spooled
from answerable.adapters.sources.spooled import Spooled
from answerable.adapters.sources.upload import Uploads
from answerable.library.ports import Raw, Unreadable

FILES = {"a.md": b"first", "b.md": b"2", "c.md": b"third" * 1000, "d.md": b"too large" * 1000}


@pytest.mark.parametrize("in_memory", [10, 1_000_000], ids=["on disk", "in memory"])
def test_what_was_fetched_is_given_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    """The same items in the same order, without asking the source; nothing is left behind."""
    monkeypatch.setattr(spooled, "_IN_MEMORY_BYTES", in_memory)
    source = Uploads(FILES, size_max_bytes=6_000)
    heard: list[int] = []
    with Spooled(source, tmp_path / "spool") as kept:
        kept.fetch(heard.append)
        source._files.clear()  # it is not asked again
        first, second = list(kept.files()), list(kept.files())
    assert first == second
    assert [type(one) for one in first] == [Raw, Raw, Raw, Unreadable]
    assert [one.data for one in first if isinstance(one, Raw)] == [b"first", b"2", b"third" * 1000]
    assert heard == [1, 2, 3, 4]
    assert list((tmp_path / "spool").iterdir()) == []


def test_it_answers_as_its_source_does(tmp_path: Path) -> None:
    """Name and coverage are the source's; the count is exact."""
    with Spooled(Uploads(FILES), tmp_path) as kept:
        kept.fetch(lambda _: None)
        assert kept.name == "upload"
        assert kept.covers("a.md")
        assert not kept.covers("z.md")
        assert kept.count() == 4
