"""What was fetched before, kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerable.adapters.sources.kept import Kept, folder_of, forget, held
from answerable.domain.errors import Locked


def kept_files(folder: Path) -> set[str]:
    return {path.suffix for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def test_put_get_drop(tmp_path: Path) -> None:
    """What was put is found, by another one too, replaced and forgotten."""
    kept = Kept(tmp_path)
    assert kept.get("a") is None
    kept.put("a", b"one", {"etag": "1"})
    kept.put("b", b"two", {})
    entry = Kept(tmp_path).get("a")
    assert entry is not None
    assert (entry.notes, kept.body(entry), kept.count()) == ({"etag": "1"}, b"one", 2)
    kept.put("a", b"three", {"etag": "2"})
    assert kept.body(entry) is None
    assert sorted(entry.key for entry in kept.entries()) == ["a", "b"]
    kept.drop("a")
    kept.drop("a")
    assert kept.get("a") is None
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_damage_is_a_miss(tmp_path: Path) -> None:
    """A body or entry that is not what was kept counts as missing, and can be put anew."""
    kept = Kept(tmp_path)
    entry = kept.put("a", b"one", {})
    (body,) = [path for path in tmp_path.rglob("*") if path.suffix == f".{entry.body}"]
    body.write_bytes(b"on")
    assert kept.body(entry) is None
    assert kept.body(kept.put("a", b"one", {})) == b"one"
    (notes,) = tmp_path.rglob("*.json")
    notes.write_text('{"key": "a"')
    assert kept.get("a") is None
    assert list(kept.entries()) == []


def test_killed_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before any move, what was there stays whole; the next sweep leaves nothing behind."""
    kept = Kept(tmp_path)
    kept.put("a", b"old", {"etag": "1"})
    real = Path.replace
    for stop_at in (1, 2):
        calls = 0

        def replace(self: Path, target: Path) -> Path:
            nonlocal calls
            calls += 1
            if calls == stop_at:  # noqa: B023
                raise KeyboardInterrupt
            return real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            with pytest.raises(KeyboardInterrupt):
                kept.put("a", b"new", {"etag": "2"})
        entry = kept.get("a")
        assert entry is not None
        assert (kept.body(entry), entry.notes) == (b"old", {"etag": "1"})
    (tmp_path / "kept" / "00").mkdir(exist_ok=True)
    (tmp_path / "kept" / "00" / "x.part").write_bytes(b"half")
    kept.sweep({"a"})
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    kept.sweep(())
    assert kept_files(tmp_path) == set()


def test_one_at_a_time(tmp_path: Path) -> None:
    """A folder that is being read into is not read into by somebody else."""
    folder = folder_of(tmp_path, "website:http://h.example/")
    with held(folder), pytest.raises(Locked), held(folder):
        pass
    with held(folder):
        pass
    forget(tmp_path, "website:http://h.example/")
    assert not folder.exists()
    forget(tmp_path, "website:http://h.example/")
