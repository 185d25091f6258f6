"""What every `Index` promises about documents that are purged."""

from __future__ import annotations

from pathlib import Path

import pytest
import tantivy
from test_index import (
    ADAPTERS,
    EVERYONE,
    SPACE,
    build,
    entry,
    find,
    index,
    nearest,
    opened,
    places,
    sealed,
    vectored,
)

from answerable.adapters.index.local import LocalIndex
from answerable.adapters.index.manifest import from_bytes
from answerable.adapters.index.shelves import mapped
from answerable.domain.documents import Revision
from answerable.library.ports import Entry, Index

__all__ = ["ADAPTERS", "index"]

SECRET = entry("secret.md", "the vault opens with xyzzyplugh", "and the second part")
DISK = entry("disk.md", "the disk is full")
LONG = entry("long.md", *(f"part {number}" for number in range(9)))
OF_SECRET, OF_DISK = vectored(SECRET, 1, 2), vectored(DISK, 3)
NET = entry("net.md", "the network loses packets")


def purge(
    index: Index,
    revision: Revision,
    *added: Entry,
    base: Revision | None = None,
    gone: tuple[str, ...] = (),
) -> Revision:
    """Purge the secret from a revision; return it as the state knows it then."""
    manifest = index.purge(revision, {SECRET.document.id}, base=base, gone=gone, added=added)
    return sealed(revision.number, manifest, base)


def test_what_was_purged_is_not_found(index: Index) -> None:
    """Neither by words nor by meaning; others are found as they would be without it."""
    revision = build(index, 1, SECRET, DISK, NET, vectors={SPACE: [OF_SECRET, OF_DISK]})
    after = purge(index, revision, DISK, NET)
    alone = build(index, 2, DISK, NET, vectors={SPACE: [OF_DISK]})
    searcher, expected = opened(index, after), opened(index, alone)
    assert find(searcher, "xyzzyplugh") == ()
    assert find(searcher, "the disk is full") == find(expected, "the disk is full")
    assert find(searcher, "the network", unit="page") == find(expected, "the network", unit="page")
    assert searcher.chunks == 2
    assert dict(searcher.covered) == {SPACE: 1}
    assert searcher.frequencies(["xyzzyplugh"]) == {"xyzzyplugh": 0}
    assert {hit.document_id for hit in nearest(searcher, 3)} == {DISK.document.id}
    assert index.verify(1, after.manifest) == ()


def test_a_revision_goes_on_from_a_purged_one(index: Index) -> None:
    """The words of the next come from the one before: what changed, came and went between them."""
    first = build(index, 1, SECRET, DISK)
    second = build(index, 2, NET, base=first, gone=[DISK.document.id])
    one = purge(index, first, DISK)
    two = purge(index, second, NET, base=one, gone=(DISK.document.id,))
    assert places(find(opened(index, one), "full packets xyzzyplugh")) == [(DISK.document.id, 0)]
    assert places(find(opened(index, two), "full packets xyzzyplugh")) == [(NET.document.id, 0)]


def test_all_may_be_purged(index: Index) -> None:
    """A revision may be empty afterwards."""
    revision = build(index, 1, SECRET, vectors={SPACE: [OF_SECRET]})
    after = purge(index, revision)
    assert opened(index, after).chunks == 0
    assert dict(opened(index, after).covered) == {}
    assert index.verify(1, after.manifest) == ()


def test_a_missing_index_is_built_all_the_same(index: Index) -> None:
    """From what the caller gives, without vectors."""
    revision = build(index, 1, SECRET, DISK, vectors={SPACE: [OF_SECRET, OF_DISK]})
    index.sweep(())
    after = purge(index, revision, DISK)
    assert places(find(opened(index, after), "full")) == [(DISK.document.id, 0)]


@pytest.fixture
def local(tmp_path: Path) -> LocalIndex:
    """Give the one on disk."""
    made = ADAPTERS["local"](tmp_path / "index")
    assert isinstance(made, LocalIndex)
    return made


def _folder(tmp_path: Path, revision: Revision) -> Path:
    return tmp_path / "index" / "revisions" / f"{revision.number:06d}-{revision.manifest[:12]}"


def test_no_file_holds_a_term_or_a_row_of_it(local: LocalIndex, tmp_path: Path) -> None:
    """Where it stands, and where it had been taken out: a deleted term stays in its segment."""
    vectors = [OF_SECRET, vectored(LONG, *range(10, 19))]
    first = build(local, 1, SECRET, LONG, vectors={SPACE: vectors})
    second = build(local, 2, NET, base=first, gone=[SECRET.document.id])
    assert _count(_folder(tmp_path, second), "xyzzyplugh") > 0
    one = purge(local, first, LONG)
    two = purge(local, second, NET, base=one)
    local.sweep([(1, one.manifest), (2, two.manifest)])
    for revision in (one, two):
        folder = _folder(tmp_path, revision)
        assert _count(folder, "xyzzyplugh") == 0
        for file in folder.rglob("*.vec"):
            assert int(SECRET.document.id, 16) not in mapped(file).document_numbers
        assert local.verify(revision.number, revision.manifest) == ()
    files = [file.name for file in (tmp_path / "index" / "revisions").rglob("*.vec")]
    assert len(files) == 2
    assert len(set(files)) == 1  # written once, and shared


def test_a_manifest_names_the_one_it_replaces(local: LocalIndex, tmp_path: Path) -> None:
    """And older code, which could not know what that means, still reads what was never purged."""
    revision = build(local, 1, SECRET, DISK)
    before = (_folder(tmp_path, revision) / "manifest.json").read_bytes()
    assert b'"format": 2' in before
    assert from_bytes(before).replaces is None
    after = purge(local, revision, DISK)
    said = (_folder(tmp_path, after) / "manifest.json").read_bytes()
    assert b'"format": 3' in said
    assert from_bytes(said).replaces == revision.manifest


def test_labels_stay(index: Index) -> None:
    """Who may read the others is as it was."""
    mine = entry("mine.md", "the private disk", labels=["me"])
    revision = build(index, 1, SECRET, mine, vectors={SPACE: [OF_SECRET, vectored(mine, 5)]})
    searcher = opened(index, purge(index, revision, mine))
    assert find(searcher, "disk", labels=EVERYONE) == ()
    assert len(find(searcher, "disk", labels=["me"])) == 1


def _count(folder: Path, term: str) -> int:
    return sum(
        tantivy.Index.open(str(folder / unit)).searcher().doc_freq("body", term)
        for unit in ("chunk", "page")
    )
