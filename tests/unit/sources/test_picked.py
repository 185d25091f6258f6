"""Some paths of a folder, read as all of it would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerable.adapters.sources.folder import Folder
from answerable.adapters.sources.picked import Picked
from answerable.domain.errors import PathMissing
from answerable.library.ports import Raw, Unreadable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    for path in ("a.md", "b/c.md", "b/d.md", "b/e/f.md", "old/g.md", "h.txt", ".hidden/i.md"):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (folder / ".gitignore").write_text("old/\n")
    return folder


def given(root: Path, *paths: str, excludes: tuple[str, ...] = ()) -> list[str]:
    """Return what is given as bytes, each of its own name."""
    found = [one for one in Picked(root, paths, excludes=excludes).files() if isinstance(one, Raw)]
    assert all(one.data == one.path.encode() for one in found)
    return [one.path for one in found]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("a.md",), ["a.md"]),
        (("b",), ["b/c.md", "b/d.md", "b/e/f.md"]),
        (("b/e", "b"), ["b/c.md", "b/d.md", "b/e/f.md"]),
        (("b/c.md", "b/e/f.md", "nothing.md"), ["b/c.md", "b/e/f.md"]),
        (("old/g.md", ".hidden/i.md"), []),
        ((), []),
    ],
)
def test_what_lies_there_is_given_once(
    root: Path, paths: tuple[str, ...], expected: list[str]
) -> None:
    """With the rules that hold for all of the folder."""
    assert given(root, *paths) == expected


def test_excludes_hold(root: Path) -> None:
    """As for all of it."""
    assert given(root, "b", excludes=("d.md",)) == ["b/c.md", "b/e/f.md"]


def test_it_answers_for_its_paths_and_what_is_below(root: Path) -> None:
    """Also where nothing is any more; and for nothing else."""
    picked = Picked(root, ["b", "gone.md"])
    assert picked.name == Folder(root).name
    assert all(picked.covers(path) for path in ("b", "b/c.md", "b/x/y.md", "gone.md"))
    assert not any(picked.covers(path) for path in ("a.md", "bc.md", "gone.md2"))


def test_a_limit_holds(root: Path) -> None:
    """A file above it is too large here too."""
    (one,) = Picked(root, ["a.md"], size_max_bytes=2).files()
    assert isinstance(one, Unreadable)
    assert one.code == "too_large"


def test_a_folder_that_is_gone_is_no_change(root: Path) -> None:
    """Nothing vanishes because a share is not mounted."""
    with pytest.raises(PathMissing):
        Picked(root / "nowhere", ["a.md"])
