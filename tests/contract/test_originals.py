"""What every `Originals` promises, and what becomes of their files."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from answerable.adapters.originals import FileOriginals, MemoryOriginals
from answerable.library.ports import Originals

FILE_MAX, MAX = 1_000, 3_000

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Path], Originals]] = {
    "memory": lambda _: MemoryOriginals(file_bytes_max=FILE_MAX, bytes_max=MAX),
    "files": lambda folder: FileOriginals(folder, file_bytes_max=FILE_MAX, bytes_max=MAX),
}
NOW_MS = 4_000_000_000_000


@pytest.fixture(params=_ADAPTERS)
def originals(request: pytest.FixtureRequest, tmp_path: Path) -> Originals:
    """Every `Originals`, empty."""
    return _ADAPTERS[request.param](tmp_path / "originals")


@pytest.fixture
def files(tmp_path: Path) -> FileOriginals:
    """Give those in files."""
    return FileOriginals(tmp_path / "originals", file_bytes_max=FILE_MAX, bytes_max=MAX)


def put(originals: Originals, data: bytes, *, is_only: bool = False) -> str:
    """Keep bytes and return their SHA-256."""
    name = sha256(data).hexdigest()
    assert originals.put(name, data, is_only=is_only)
    return name


TEXT = b"Water is wet. " * 40
RANDOM = b"".join(sha256(b"%d" % n).digest() for n in range(20))


@pytest.mark.parametrize("data", [TEXT, RANDOM, b"x", bytes(999)])
@pytest.mark.parametrize("is_only", [True, False])
def test_bytes_come_back_as_they_were(originals: Originals, data: bytes, is_only: bool) -> None:
    """Whether they can be compressed or not, and however often they are put."""
    name = put(originals, data, is_only=is_only)
    assert put(originals, data) == name
    assert originals.get(name) == data
    assert originals.has(name)
    other = sha256(b"other").hexdigest()
    assert originals.get(other) is None
    assert not originals.has(other)


def test_what_is_dropped_is_gone(originals: Originals) -> None:
    """Others stay; what is not there is no matter."""
    names = [put(originals, data) for data in (TEXT, RANDOM)]
    originals.drop([names[0], sha256(b"other").hexdigest()])
    assert originals.get(names[0]) is None
    assert originals.get(names[1]) == RANDOM
    originals.drop([])


def test_what_nothing_needs_is_swept(originals: Originals) -> None:
    """All but what is named."""
    names = [put(originals, data) for data in (TEXT, RANDOM, b"x")]
    assert originals.sweep({names[1]}, older_than_ms=NOW_MS) == 2
    assert [originals.has(name) for name in names] == [False, True, False]


def test_too_much_is_not_kept(originals: Originals) -> None:
    """Neither one that is too large, nor more than all may be; with room again they are."""
    large = sha256(bytes(FILE_MAX + 1)).hexdigest()
    assert not originals.put(large, bytes(FILE_MAX + 1), is_only=True)
    assert not originals.has(large)
    pieces = [sha256(b"%d" % n).digest() * 31 + b"%03d" % n for n in range(4)]
    noise = [b"".join(sha256(piece + b"%d" % n).digest() for n in range(31)) for piece in pieces]
    names = [put(originals, data) for data in noise[:3]]
    full = sha256(noise[3]).hexdigest()
    assert not originals.put(full, noise[3], is_only=False)
    assert originals.put(names[0], noise[0], is_only=False)
    originals.drop([names[0]])
    assert originals.put(full, noise[3], is_only=False)


def test_text_is_compressed(files: FileOriginals, tmp_path: Path) -> None:
    """And lies in a folder by the first digits of its SHA-256, with nothing beside it."""
    name = put(files, TEXT)
    (path,) = [one for one in (tmp_path / "originals").rglob("*") if one.is_file()]
    assert path.relative_to(tmp_path) == Path("originals", name[:2], f"{name[2:]}.z")
    assert path.stat().st_size < len(TEXT) / 2


def test_what_was_left_there_counts(files: FileOriginals, tmp_path: Path) -> None:
    """A new process knows how much room there is."""
    noise = [b"".join(sha256(b"%d %d" % (k, n)).digest() for n in range(31)) for k in range(4)]
    for data in noise[:3]:
        put(files, data)
    again = FileOriginals(tmp_path / "originals", file_bytes_max=FILE_MAX, bytes_max=MAX)
    assert not again.put(sha256(noise[3]).hexdigest(), noise[3], is_only=False)


@pytest.mark.parametrize("damage", [b"", b"nothing of it", zlib.compress(bytes(1_000_000))])
def test_what_is_damaged_is_not_given(files: FileOriginals, tmp_path: Path, damage: bytes) -> None:
    """It counts as not there, is unpacked no further than it may be, and can be kept again."""
    name = put(files, TEXT)
    (path,) = [one for one in (tmp_path / "originals").rglob("*") if one.is_file()]
    path.write_bytes(damage)
    assert files.get(name) is None
    assert not files.has(name)
    assert put(files, TEXT) == name
    assert files.get(name) == TEXT


def test_half_written_ones_go(files: FileOriginals, tmp_path: Path) -> None:
    """With the sweep when they are old, and at once when their bytes are dropped."""
    name = put(files, TEXT)
    folder = tmp_path / "originals" / name[:2]
    half = folder / f"{name[2:]}.z.0123.part"
    half.write_bytes(b"half")
    files.drop([name])
    assert list(folder.iterdir()) == []
    half.write_bytes(b"half")
    assert files.sweep({name}, older_than_ms=0) == 0
    assert files.sweep({name}, older_than_ms=NOW_MS) == 1
    assert list(folder.iterdir()) == []


def test_names_are_hashes(files: FileOriginals) -> None:
    """Nothing else can become a path."""
    for name in ("../../etc/passwd", "", "A" * 64, "a" * 63 + "/"):
        with pytest.raises(ValueError, match="SHA-256"):
            files.get(name)


def test_a_full_disk_stops_nothing(files: FileOriginals, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is read though its original cannot be kept."""

    def rename(_: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", rename)
    name = sha256(TEXT).hexdigest()
    assert not files.put(name, TEXT, is_only=True)
    monkeypatch.undo()
    assert not files.has(name)
    assert put(files, TEXT) == name
