"""What a folder gives, and what it refuses."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from answerable.adapters.sources.folder import Folder
from answerable.domain.errors import BadInput, NotAllowed, PathMissing
from answerable.library.ports import Raw, Unreadable


def fill(root: Path, **files: str) -> None:
    """Write files; two underscores in a name stand for a slash."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def given_by(source: Folder) -> dict[str, str]:
    """Return content or code of everything a source gives, in order; count must agree."""
    items = list(source.files())
    found = {
        item.path: item.data.decode() if isinstance(item, Raw) else item.code for item in items
    }
    assert len(found) == len(items) == source.count()
    return found


def only(source: Folder) -> Unreadable:
    """Return the one thing a source gives, which cannot be read."""
    (item,) = source.files()
    assert isinstance(item, Unreadable)
    return item


def test_recursive_sorted_and_stable(tmp_path: Path) -> None:
    """Files come by name, those of a folder before those of its subfolders."""
    fill(tmp_path, b="2", a__z="4", a__b__c="5", c="3", aa__x="6", A="1")
    paths = list(given_by(Folder(tmp_path)))
    assert paths == ["A.md", "b.md", "c.md", "a/z.md", "a/b/c.md", "aa/x.md"]


def test_name_is_the_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same folder named in two ways is the same source; a link keeps its own name."""
    fill(tmp_path, docs__a="a")
    (tmp_path / "current").symlink_to("docs")
    monkeypatch.chdir(tmp_path / "docs")
    assert Folder(Path()).name == f"folder:{tmp_path}/docs"
    assert Folder(Path("../docs/.")).name == f"folder:{tmp_path}/docs"
    linked = Folder(tmp_path / "current")
    assert linked.name == f"folder:{tmp_path}/current"
    assert given_by(linked) == {"a.md": "a"}


def test_hidden_and_junk_are_left_out(tmp_path: Path) -> None:
    """Dot names, tool folders and what editors leave are given once as ignored, never read."""
    for name in (".git", "node_modules", "__pycache__", ".venv"):
        fill(tmp_path / name, deep__a="a")
    for name in (".env", "a.md~", "#a.md#", "Thumbs.db", "desktop.ini"):
        (tmp_path / name).write_text("x")
    fill(tmp_path, a="a")
    found = given_by(Folder(tmp_path))
    assert found.pop("a.md") == "a"
    assert set(found.values()) == {"ignored"}
    assert {path for path in found if path.endswith("/")} == {
        ".git/",
        ".venv/",
        "__pycache__/",
        "node_modules/",
    }


def test_ignored_folder_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that rules leave out costs one line, however much is in it."""
    fill(tmp_path, build__a="a", build__b__c="c", a="a")
    (tmp_path / ".gitignore").write_text("build/\n")
    opened: list[str] = []
    real = os.open

    def watched(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        opened.append(str(path))
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", watched)
    found = given_by(Folder(tmp_path))
    assert found == {".gitignore": "ignored", "a.md": "a", "build/": "ignored"}
    assert "build" not in opened


def test_ignored_is_skipped_not_failed(tmp_path: Path) -> None:
    """Nothing is wrong with an ignored file."""
    fill(tmp_path, a="a")
    item = only(Folder(tmp_path, excludes=["*.md"]))
    assert (item.path, item.code, item.skipped) == ("a.md", "ignored", True)


def test_excludes_are_patterns_of_the_root_and_win(tmp_path: Path) -> None:
    """`--exclude` reads like a `.gitignore` line and outranks every file."""
    fill(tmp_path, a="a", b="b", x__a="xa", x__c="xc")
    (tmp_path / "x" / ".gitignore").write_text("c.md\n")
    found = given_by(Folder(tmp_path, excludes=["/a.md", "!x/c.md"]))
    assert found == {
        "a.md": "ignored",
        "b.md": "b",
        "x/.gitignore": "ignored",
        "x/a.md": "xa",
        "x/c.md": "xc",
    }


def test_gitignore_can_be_switched_off(tmp_path: Path) -> None:
    """Without `.gitignore` rules only the excludes count."""
    fill(tmp_path, a="a", b="b")
    (tmp_path / ".gitignore").write_text("a.md\n")
    found = given_by(Folder(tmp_path, excludes=["b.md"], use_gitignore=False))
    assert (found["a.md"], found["b.md"]) == ("a", "ignored")


def test_rules_above_the_root_hold(tmp_path: Path) -> None:
    """A folder inside a Git working tree obeys the rules above it, and none above the tree."""
    fill(tmp_path, repo__docs__a="a", repo__docs__b="b", repo__docs__out__c="c")
    (tmp_path / ".gitignore").write_text("a.md\n")
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / "repo" / ".gitignore").write_text("/docs/out/\n")
    found = given_by(Folder(tmp_path / "repo" / "docs"))
    assert found == {"a.md": "a", "b.md": "b", "out/": "ignored"}


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_gitignore_that_is_no_file(tmp_path: Path, kind: str) -> None:
    """A FIFO, folder or link called `.gitignore` is no rule and blocks nothing."""
    fill(tmp_path, a="a")
    place = tmp_path / ".gitignore"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("a.md")
    assert given_by(Folder(tmp_path))["a.md"] == "a"


def test_oversized_gitignore_is_said(tmp_path: Path) -> None:
    """Rules that are not heeded are a failure, not a surprise."""
    fill(tmp_path, a="a")
    (tmp_path / ".gitignore").write_text("a.md\n" * 20_000)
    items = {item.code: item for item in Folder(tmp_path).files() if isinstance(item, Unreadable)}
    assert not items["too_large"].skipped
    assert "rules are not heeded" in items["too_large"].reason


def test_one_file_of_its_folder(tmp_path: Path) -> None:
    """A file that is named gives only itself and answers only for itself."""
    fill(tmp_path, a="a", b="b")
    source = Folder.of(tmp_path / "a.md")
    assert source.name == f"folder:{tmp_path}"
    assert given_by(source) == {"a.md": "a"}
    assert source.covers("a.md")
    assert not source.covers("b.md")
    assert not source.covers("a.md.bak")


def test_part_of_a_known_source(tmp_path: Path) -> None:
    """What lies below a known root is read as a part of it."""
    fill(tmp_path, docs__x__a="a", docs__b="b")
    for path, covered in (("docs/x", "x/a.md"), ("docs/x/a.md", "x/a.md"), ("docs", "b.md")):
        source = Folder.of(tmp_path / path, known_roots=[tmp_path / "docs", tmp_path / "gone"])
        assert source.name == f"folder:{tmp_path}/docs"
        assert source.covers(covered)
        assert given_by(source)["x/a.md"] == "a"
    assert not Folder.of(tmp_path / "docs" / "x", known_roots=[tmp_path / "docs"]).covers("b.md")
    assert Folder.of(tmp_path / "docs" / "x").name == f"folder:{tmp_path}/docs/x"


def test_ignored_file_that_is_named(tmp_path: Path) -> None:
    """Rules hold for a file that is named, and the answer says so."""
    fill(tmp_path, x__a="a")
    (tmp_path / ".gitignore").write_text("x/\n")
    item = only(Folder(tmp_path, within="x/a.md"))
    assert (item.path, item.code) == ("x/", "ignored")
    (tmp_path / ".hidden.md").write_text("h")
    assert only(Folder.of(tmp_path / ".hidden.md")).code == "ignored"


@pytest.mark.parametrize("within", ["../x", "a/../b", "/a", "a//b", "./a", "a/"])
def test_within_stays_below(tmp_path: Path, within: str) -> None:
    """A part of a source cannot lie outside it."""
    with pytest.raises(BadInput):
        Folder(tmp_path, within=within)


@pytest.mark.parametrize("make", [Folder, Folder.of])
def test_missing_path(tmp_path: Path, make: Callable[[Path], Folder]) -> None:
    """A path that does not exist is said, with what to do."""
    with pytest.raises(PathMissing, match="nowhere") as caught:
        make(tmp_path / "nowhere")
    assert caught.value.hint
    with pytest.raises(PathMissing):
        Folder(tmp_path, within="nowhere.md")


def test_root_that_is_a_file(tmp_path: Path) -> None:
    """A file is no root."""
    fill(tmp_path, a="a")
    with pytest.raises(BadInput, match="not a folder"):
        Folder(tmp_path / "a.md")


def test_root_with_a_name_that_cannot_be_written(tmp_path: Path) -> None:
    """A root whose name is not Unicode is refused before anything is stored under it."""
    root = tmp_path / os.fsdecode(b"caf\xe9")
    root.mkdir()
    with pytest.raises(BadInput, match=r"caf\\udce9"):
        Folder(root)


def test_root_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable root is an error: nothing may seem to have vanished."""
    source = Folder(tmp_path)
    refuse(monkeypatch, str(tmp_path))
    with pytest.raises(NotAllowed, match="Permission denied"):
        list(source.files())
    with pytest.raises(NotAllowed):
        source.count()


def test_root_that_goes_away(tmp_path: Path) -> None:
    """A root that is gone when the reading starts is an error too."""
    root = tmp_path / "docs"
    root.mkdir()
    source = Folder(root)
    root.rmdir()
    with pytest.raises(NotAllowed):
        list(source.files())


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str, code: int = errno.EACCES) -> None:
    """Let the system refuse to open these names, as it would for anyone but root."""
    real = os.open

    def refusing(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if str(path) in names:
            raise OSError(code, os.strerror(code), str(path))
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)


def test_unreadable_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be opened is a failure of its own; the walk goes on."""
    fill(tmp_path, a="a", b="b", hidden__c="c", z__d="d")
    refuse(monkeypatch, "a.md", "hidden")
    found = given_by(Folder(tmp_path))
    assert found == {"a.md": "unreadable", "b.md": "b", "hidden/": "unreadable", "z/d.md": "d"}
    failures = [item for item in Folder(tmp_path).files() if isinstance(item, Unreadable)]
    assert {item.reason for item in failures} == {"permission denied"}
    assert not any(item.skipped for item in failures)


def test_failing_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An I/O error in the middle of a file costs that file only."""
    fill(tmp_path, a="bad", b="b")
    real = os.read

    def failing(file: int, size: int) -> bytes:
        data = real(file, size)
        if data == b"bad":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data

    monkeypatch.setattr(os, "read", failing)
    items = {item.path: item for item in Folder(tmp_path).files()}
    bad = items["a.md"]
    assert isinstance(bad, Unreadable)
    assert (bad.code, bad.reason) == ("unreadable", "input/output error")
    assert isinstance(items["b.md"], Raw)


def test_sizes(tmp_path: Path) -> None:
    """The limit itself is taken, one byte more is not, and the reason names the setting."""
    fill(tmp_path, exact="x" * 100, over="x" * 101, empty="", binary="\0" * 101)
    found = given_by(Folder(tmp_path, size_max_bytes=100))
    assert found == {
        "exact.md": "x" * 100,
        "over.md": "too_large",
        "empty.md": "empty",
        "binary.md": "binary",
    }
    source = Folder(tmp_path, within="over.md", size_max_bytes=2_000_000)
    os.truncate(tmp_path / "over.md", 0)
    with (tmp_path / "over.md").open("w") as file:
        file.write("x" * 2_000_001)
    item = only(source)
    assert item.reason == "it is larger than 2 MB (setting ingest.size_mb_max)"
    assert not item.skipped


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    """A file of a terabyte costs no memory and no time."""
    fill(tmp_path, a="a")
    os.truncate(tmp_path / "a.md", 2**40)
    with (tmp_path / "a.md").open("r+") as file:
        file.write("text" * 5000)
    tracemalloc.start()
    try:
        assert only(Folder(tmp_path)).code == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one byte above the limit is read, whatever the file promised."""
    fill(tmp_path, a="small")
    real, read = os.fstat, []

    def before_growing(file: int) -> os.stat_result:
        status = real(file)
        (tmp_path / "a.md").write_text("x" * 5_000)
        return status

    real_read = os.read

    def counted(file: int, size: int) -> bytes:
        data = real_read(file, size)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "fstat", before_growing)
    monkeypatch.setattr(os, "read", counted)
    assert only(Folder(tmp_path, size_max_bytes=100)).code == "too_large"
    assert sum(read) <= 101


def test_fifo_socket_and_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no file is never opened and never blocks."""
    fill(tmp_path, a="a")
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        refuse(monkeypatch, "pipe.md", "socket.md", code=errno.EIO)
        found = given_by(Folder(tmp_path))
    assert found == {"a.md": "a", "pipe.md": "not_a_file", "socket.md": "not_a_file"}
    assert only(Folder.of(tmp_path / "pipe.md")).code == "not_a_file"


@pytest.mark.parametrize("becomes", ["fifo", "link", "gone"])
def test_file_swapped_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """A file that turns into something else between looking and opening is refused."""
    outside = tmp_path / "outside.md"
    outside.write_text("secret")
    root = tmp_path / "root"
    fill(root, a="a", b="b")
    real = os.open

    def swapping(path: str | Path, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "a.md":
            (root / "a.md").unlink()
            if becomes == "fifo":
                os.mkfifo(root / "a.md")
            elif becomes == "link":
                (root / "a.md").symlink_to(outside)
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapping)
    items = {item.path: item for item in Folder(root).files()}
    swapped = items["a.md"]
    assert isinstance(swapped, Unreadable)
    assert swapped.code == ("unreadable" if becomes == "gone" else "not_a_file")
    assert isinstance(items["b.md"], Raw)


def test_folder_swapped_for_a_link(tmp_path: Path) -> None:
    """A folder that becomes a link out of the root between looking and entering is refused."""
    outside = tmp_path / "outside"
    fill(outside, a="secret")
    root = tmp_path / "root"
    fill(root, a="a", x__a="x")
    files = Folder(root).files()
    assert isinstance(next(files), Raw)
    (root / "x" / "a.md").unlink()
    (root / "x").rmdir()
    (root / "x").symlink_to(outside)
    assert [item.path for item in files if isinstance(item, Raw)] == []


def test_replaced_while_reading_is_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is replaced by renaming is read whole, never half old and half new."""
    fill(tmp_path, a="old" * 1000, new="new" * 1000)
    real = os.fstat

    def replacing(file: int) -> os.stat_result:
        status = real(file)
        if (tmp_path / "new.md").exists():
            (tmp_path / "new.md").rename(tmp_path / "a.md")
        return status

    monkeypatch.setattr(os, "fstat", replacing)
    assert given_first(Folder(tmp_path, within="a.md")) == "old" * 1000


def given_first(source: Folder) -> str:
    """Return the content of the first file."""
    item = next(source.files())
    assert isinstance(item, Raw)
    return item.data.decode()


def test_link_out_of_the_root(tmp_path: Path) -> None:
    """A link to a file or folder outside is not followed, by no detour."""
    fill(tmp_path, private__a="secret", **{"root-other__a": "secret"})
    root = tmp_path / "root"
    fill(root, a="a")
    (root / "file.md").symlink_to(tmp_path / "private" / "a.md")
    (root / "up").symlink_to("..")
    (root / "sibling").symlink_to("../root-other")
    (root / "hop.md").symlink_to("file.md")
    found = given_by(Folder(root))
    assert found == {
        "a.md": "a",
        "file.md": "link_out",
        "hop.md": "link_out",
        "sibling": "link_out",
        "up": "link_out",
    }


def test_links_to_what_is_read_anyway(tmp_path: Path) -> None:
    """A link to something that is read at its own place gives it no second time."""
    fill(tmp_path, a="a", x__b="b")
    (tmp_path / "README.md").symlink_to("a.md")
    (tmp_path / "y").symlink_to("x")
    found = given_by(Folder(tmp_path))
    assert found == {"README.md": "ignored", "a.md": "a", "y": "ignored", "x/b.md": "b"}


def test_mounted_configuration(tmp_path: Path) -> None:
    """Files that are links into a hidden folder are read, as Kubernetes mounts them."""
    fill(tmp_path / "..2024_01", a="a", b="b")
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "a.md").symlink_to("..data/a.md")
    (tmp_path / "b.md").symlink_to("..data/b.md")
    found = given_by(Folder(tmp_path))
    assert (found["a.md"], found["b.md"]) == ("a", "b")


def test_link_to_a_hidden_folder_is_read_once(tmp_path: Path) -> None:
    """A release folder behind two links is read under the first; rules below it hold."""
    fill(tmp_path / ".releases" / "42", a="a", x__b="b", x__c="c")
    (tmp_path / ".releases" / "42" / "x" / ".gitignore").write_text("c.md\n")
    (tmp_path / "current").symlink_to(".releases/42")
    (tmp_path / "latest").symlink_to(".releases/42")
    (tmp_path / "part").symlink_to(".releases/42/x")
    assert given_by(Folder(tmp_path)) == {
        ".releases/": "ignored",
        "current/a.md": "a",
        "current/x/.gitignore": "ignored",
        "current/x/b.md": "b",
        "current/x/c.md": "ignored",
        "latest/": "link_loop",
        "part/": "link_loop",
    }


def test_link_loops(tmp_path: Path) -> None:
    """Loops of every kind end, and say what they are."""
    fill(tmp_path, x__a="a")
    (tmp_path / "x" / "up").symlink_to("..")
    (tmp_path / "x" / "self").symlink_to(".")
    (tmp_path / "ping").symlink_to("pong")
    (tmp_path / "pong").symlink_to("ping")
    (tmp_path / "broken").symlink_to("nowhere")
    fill(tmp_path / ".h", b="b")
    (tmp_path / ".h" / "again").symlink_to("../.h")
    (tmp_path / "h").symlink_to(".h")
    assert given_by(Folder(tmp_path)) == {
        ".h/": "ignored",
        "broken": "not_a_file",
        "ping": "link_loop",
        "pong": "link_loop",
        "h/again": "link_loop",
        "h/b.md": "b",
        "x/a.md": "a",
        "x/self": "link_loop",
        "x/up": "link_loop",
    }


def test_link_to_a_fifo(tmp_path: Path) -> None:
    """A link to what is no file is refused like the thing itself."""
    os.mkfifo(tmp_path / ".pipe")
    (tmp_path / "a.md").symlink_to(".pipe")
    assert given_by(Folder(tmp_path))["a.md"] == "not_a_file"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\nb.md", "a\\nb.md"),
        (b"\x1b[2J.md", "\\x1b[2J.md"),
        (b"caf\xe9.md", "caf\\udce9.md"),
        ("a\u202edm.exe".encode(), "a\\u202edm.exe"),
        ("a\u2028b".encode(), "a\\u2028b"),
    ],
)
def test_bad_names(tmp_path: Path, name: bytes, shown: str) -> None:
    """Names that would lie in a terminal or break a database are refused with a name that won't."""
    (tmp_path / os.fsdecode(name)).write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / os.fsdecode(name)).mkdir()
    (tmp_path / "sub" / os.fsdecode(name) / "a.md").write_text("x")
    assert given_by(Folder(tmp_path)) == {shown: "bad_name", f"sub/{shown}/": "bad_name"}


def test_good_names(tmp_path: Path) -> None:
    """Spaces, quotes, dots, backslashes, other scripts and emoji are ordinary names."""
    names = ["a b.md", "it's.md", 'q".md', "a..md", "a\\b.md", "日本語.md", "🙂.md", "-rf.md", "a*"]
    for name in names:
        (tmp_path / name).write_text(name)
    assert given_by(Folder(tmp_path)) == {name: name for name in names}


def test_deep_folders(tmp_path: Path) -> None:
    """Three hundred levels are read; far deeper the walk says so and goes on."""
    fill(tmp_path, z="z")
    folder = os.open(tmp_path, os.O_RDONLY)
    for level in range(600):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
        if level == 299:
            file = os.open("deep.md", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
            os.write(file, b"deep")
            os.close(file)
    os.close(folder)
    found = given_by(Folder(tmp_path))
    subprocess.run(["rm", "-r", str(tmp_path / "d")], check=True)  # pytest's own way recurses
    assert found.pop("z.md") == "z"
    assert found.pop("d/" * 300 + "deep.md") == "deep"
    assert list(found.values()) == ["bad_name"]


def open_files() -> int:
    """Return how many descriptors this process holds."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_file_stays_open(tmp_path: Path) -> None:
    """A walk that is given up in the middle leaves no descriptor, and a whole one needs few."""
    for number in range(300):
        fill(tmp_path / f"d{number}", a="a")
    before = open_files()
    files = Folder(tmp_path).files()
    next(files)
    assert open_files() <= before + 3
    files.close()
    assert open_files() == before


def test_many_files_in_little_memory(tmp_path: Path) -> None:
    """Memory does not grow with the number of files."""
    for number in range(20):
        (tmp_path / f"d{number}").mkdir()
        for name in range(250):
            (tmp_path / f"d{number}" / f"{name}.md").write_text("x" * 200)
    tracemalloc.start()
    try:
        assert sum(1 for _ in Folder(tmp_path).files()) == 5000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
