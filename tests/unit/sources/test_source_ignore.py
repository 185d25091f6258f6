"""Ignore patterns, against Git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerable.adapters.sources.folder import Folder
from answerable.adapters.sources.ignore import compiled, parse
from answerable.library.ports import Raw

NAMES = ("a", "b", "ab", "abc", "b.c", "a-b", "A", "x y", "é", "[a]", "a*", "!a", "a ", "a\\b")
PIECES = (
    *("a", "b", "c", "ab", ".", "-", "é", " ", "A", "x y"),
    *("*", "**", "?", "/", "/", "**/", "/**", "*/", "***"),
    *("[a-b]", "[!a]", "[^b]", "[]a]", "[a-]", "[", "]", "[[:alpha:]]", "[[:nope:]]", "[b-a]"),
    *("\\", "\\a", "\\*", "\\ ", "\\/", "[\\]]", "[a-\\b]", "[[:", "[a[:b]", "#", "!"),
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a line that a `.gitignore` may hold, simple or vicious."""
    start = draw(st.sampled_from(("", "", "", "!", "/", "!/", "#", "\\!")))
    middle = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=5)))
    end = draw(st.sampled_from(("", "", "", "/", " ", "  ", "\r", "\\", "//")))
    return (start + middle + end).encode()


@st.composite
def files(draw: st.DrawFn) -> set[tuple[str, ...]]:
    """Draw paths that can stand in one tree: no file is also a folder."""
    drawn = draw(
        st.sets(
            st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple),
            min_size=1,
            max_size=14,
        )
    )
    above = {path[:depth] for path in drawn for depth in range(1, len(path))}
    return drawn - above


def from_git(root: Path) -> set[str]:
    """Return what Git would add."""
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "ls-files", "-z", "-o", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    found = {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
    return {path for path in found if not path.rpartition("/")[2].startswith(".")}


def is_ignored(folder: Path) -> bool:
    """Return whether Git leaves a folder out: named as a root, it is read all the same."""
    done = subprocess.run(
        ["git", "check-ignore", "-q", folder.name], cwd=folder.parent, check=False
    )
    return done.returncode == 0


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tree=files(),
    rules=st.dictionaries(st.integers(0, 13), st.lists(lines(), max_size=6), max_size=3),
    top=st.lists(lines(), max_size=6),
    below=st.booleans(),
)
def test_ignores_what_git_ignores(
    tree: set[tuple[str, ...]],
    rules: dict[int, list[bytes]],
    top: list[bytes],
    below: bool,
) -> None:
    """Any tree with any nested rules gives the files that Git would add, also from a subfolder."""
    with TemporaryDirectory() as name:
        root = Path(name)
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        for parts in tree:
            root.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
            root.joinpath(*parts).write_text("x")
        folders = sorted(
            path for path in root.rglob("*") if path.is_dir() and ".git" not in path.parts
        )
        for place, wanted in rules.items():
            if place < len(folders):
                (folders[place] / ".gitignore").write_bytes(b"\n".join(wanted))
        (root / ".gitignore").write_bytes(b"\n".join(top))
        start = folders[0] if below and folders and not is_ignored(folders[0]) else root
        assert given_by(start) == from_git(start), {
            p: p.read_bytes() for p in root.rglob(".gitignore")
        }


def given_by(root: Path) -> set[str]:
    """Return the paths of the files that the source gives."""
    return {item.path for item in Folder(root).files() if isinstance(item, Raw)}


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "ignored"),
    [
        (b"*.log", b"x/y.log", False, True),
        (b"/*.log", b"x/y.log", False, None),
        (b"build/", b"build", False, None),
        (b"build/", b"x/build", True, True),
        (b"a/b", b"x/a/b", False, None),
        (b"**/a/b", b"x/a/b", False, True),
        (b"a/**/b", b"a/b", False, True),
        (b"a/**/b", b"a/x/y/b", False, True),
        (b"a/**", b"a", True, None),
        (b"a/**", b"a/x", False, True),
        (b"**/a*b", b"a/ab", False, True),
        (b"**/a/**/a*b*c", b"x/a/a/aXbYb/a/aXbYc", False, True),
        (b"!a", b"a", False, False),
        (b"\\!a", b"!a", False, True),
        (b"a\\", b"a", False, None),
        (b"a[", b"a[", False, None),
        (b"a  ", b"a", False, True),
        (b"a\\ ", b"a ", False, True),
        (b"[[:digit:]]", b"7", False, True),
        (b"?", "é".encode(), False, None),  # two bytes, as for Git
    ],
)
def test_one_pattern(pattern: bytes, path: bytes, is_folder: bool, ignored: bool | None) -> None:
    """Single patterns mean what gitignore(5) says."""
    rules = compiled([pattern])
    found = rules.ignores(path, is_folder=is_folder) if rules else None
    assert found is ignored


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (b"*a" * 30 + b"*b", b"a" * 255),
        (b"[ab]*" * 30 + b"c", b"a" * 255),
        (b"**/a/" * 12 + b"b", b"a/" * 1000 + b"c"),
        (b"**/" + b"*a" * 20 + b"/**/b", b"/".join([b"a" * 100] * 30)),
        (b"*" * 200 + b"b", b"a" * 255),
    ],
    ids=["stars", "classes", "folders", "both", "run of stars"],
)
def test_no_pattern_takes_long(pattern: bytes, path: bytes) -> None:
    """A pattern made to be slow costs milliseconds, not hours."""
    rules = compiled([pattern])
    assert rules is not None
    began = process_time()
    rules.ignores(path, is_folder=False)
    assert process_time() - began < 1


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content: bytes) -> None:
    """No content of a `.gitignore` whatever raises anything."""
    rules = parse(content)
    if rules:
        rules.ignores(b"a/b", is_folder=False)


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    """A `.gitignore` written on Windows works."""
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfa.md\r\nb.md\r\n")
    for name in "abc":
        (tmp_path / f"{name}.md").write_text(name)
    assert given_by(tmp_path) == {"c.md"}
