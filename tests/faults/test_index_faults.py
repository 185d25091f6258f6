"""Kill it, fill the disk, flip a bit: sealed revisions stay whole and damage is found."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tantivy

from answerable.adapters.index import claims
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.disk import Disk
from answerable.adapters.index.local import LocalIndex
from answerable.domain.documents import Chunk, Content, Document, Revision, Text
from answerable.domain.errors import Corrupt, DiskFull, ReadOnly, StorageFailure
from answerable.domain.questions import Scope
from answerable.library.packing import hashes, pack
from answerable.library.ports import Boosts, Entry, Hit, Vectored

ANALYSER = TantivyAnalyser()
DIMENSION = 8
SPACE = "c" * 64
SCOPE = Scope(principal="p", labels=frozenset({"everyone"}), because="a test")


def entry(number: int, body: str = "alpha") -> Entry:
    """Return the document of this number, with one chunk."""
    text = Text(text=f"{body} word{number}", title="", blocks=())
    return Entry(
        document=Document(
            id=f"{number:016x}", source="upload", path=str(number), labels=frozenset({"everyone"})
        ),
        content=Content(
            id=f"{number:032x}",
            bytes_hash="",
            size=1,
            format="text",
            text=text,
            chunks=(Chunk(ordinal=0, start=0, end=len(text.text), heading=()),),
        ),
    )


def revision(number: int, manifest: str) -> Revision:
    """Return a revision as the state would record it."""
    return Revision(
        number=number,
        line="line",
        base=None,
        manifest=manifest,
        sealed_at_ms=0,
        documents=0,
        chunks=0,
        because="a test",
    )


def vectored(of: Entry) -> Vectored:
    """Return the vector of a document's only chunk, and of one sentence."""
    chance = np.random.default_rng(int(of.document.id, 16))
    rows = chance.normal(size=(2, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Vectored(
        document=of.document,
        content_id=of.content.id,
        packed=[pack(rows[0], rows[1:])],
        terms=[hashes(["alpha"])],
    )


def built(
    index: LocalIndex,
    number: int,
    *added: Entry,
    base: Revision | None = None,
    gone: Collection[str] = (),
) -> Revision:
    """Build a revision, with vectors of all that is added."""
    with closing(index.prepare(None, {SPACE: map(vectored, added)})) as prepared:
        return revision(
            number, index.build(number, base=base, gone=gone, added=added, prepared=prepared)
        )


def found(index: LocalIndex, sealed: Revision, word: str = "alpha") -> tuple[Hit, ...]:
    """Search a revision for one word."""
    return index.open(sealed.number, sealed.manifest).find(
        [word],
        SCOPE,
        hidden=frozenset(),
        unit="chunk",
        limit=1000,
        boosts=Boosts(title=1.0, heading=1.0, body=1.0),
    )


def near(index: LocalIndex, sealed: Revision) -> tuple[Hit, ...]:
    """Search a revision for a vector."""
    vector = np.full(DIMENSION, DIMENSION**-0.5, np.float32)
    searcher = index.open(sealed.number, sealed.manifest)
    return searcher.nearest(SPACE, vector, SCOPE, hidden=frozenset(), limit=1000)


class Faulty(Disk):
    """Counts its calls and does something else at one of them."""

    def __init__(self, at: int, fault: Callable[[], None]) -> None:
        self.calls = 0
        self._at = at
        self._fault = fault
        for name in ("make", "link", "copy", "write", "pour", "sync", "rename", "remove"):
            setattr(self, name, self._counted(getattr(self, name)))

    def _counted(self, call: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: Any) -> None:
            self.calls += 1
            if self.calls == self._at:
                if call.__name__ == "write":
                    call(arguments[0], arguments[1][:100])  # Part of it gets there.
                if call.__name__ == "pour":
                    call(arguments[0], islice(arguments[1], 3))
                self._fault()
            call(*arguments)

        return counted


def fail(number: int) -> Callable[[], None]:
    """Return a fault that fails as the system call would."""

    def raise_it() -> None:
        raise OSError(number, os.strerror(number))

    return raise_it


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFull), (errno.EROFS, ReadOnly), (errno.EIO, StorageFailure)],
)
def test_every_call_of_a_build_may_fail(
    number: int, kind: type[StorageFailure], tmp_path: Path
) -> None:
    """Whichever call fails: the error says what, older revisions answer, the next build works.

    The calls fail one by one, from the first on, until a build comes to its end.
    """
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, *map(entry, range(5)))
    want = found(index, first)
    wanted = near(index, first)
    seen: list[StorageFailure] = []
    second = None
    while second is None:
        disk = Faulty(len(seen) + 1, fail(number))
        failing = LocalIndex(tmp_path, analyser=ANALYSER, disk=disk)
        try:
            second = built(failing, 2, entry(5), base=first, gone={entry(1).document.id})
        except StorageFailure as error:
            seen.append(error)
        assert index.verify(1, first.manifest) == ()
        assert found(index, first) == want
        assert near(index, first) == wanted
    assert len(seen) > 20
    assert all(type(error) is kind and error.hint for error in seen)
    assert len(found(index, second)) == len(near(index, second)) == 5
    index.sweep({(1, first.manifest), (2, second.manifest)})
    assert len(list((tmp_path / "revisions").iterdir())) == 2
    assert not (tmp_path / "build").exists()
    assert list((tmp_path / "prepared").iterdir()) == []


def test_a_limit_that_stops_tantivy_itself(tmp_path: Path) -> None:
    """When tantivy's own writes fail, the build says so, and older revisions answer."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, entry(1))
    child = run_child(
        "import resource, signal\n"
        "from answerable.domain.errors import StorageFailure\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "many = [entry(n, ' '.join(f'w{n}x{i}' for i in range(300))) for n in range(40)]\n"
        "try:\n"
        "    built(index, 2, *many, base=revision(1, sys.argv[2]))\n"
        "except StorageFailure as error:\n"
        "    print(error.message, flush=True)\n",
        str(tmp_path),
        first.manifest,
    )
    out, _ = child.communicate(timeout=60)
    assert str(tmp_path) in out
    assert not (tmp_path / "build").exists()
    assert index.verify(1, first.manifest) == ()
    assert len(found(index, built(index, 2, entry(2), base=first))) == 2


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_index_faults import ANALYSER, Faulty, LocalIndex, built, entry, revision
index = LocalIndex(Path(sys.argv[1]), analyser=ANALYSER)
"""


def run_child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python process that has an index in `index` and this module's functions."""
    code = CHILD.format(here=str(Path(__file__).parent)) + script
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


# Each child builds upon what it finds and says what it sealed; it is killed on the way.
KILLED_AT_A_CALL = """
at = int(sys.argv[4])
fault = lambda: os.kill(os.getpid(), signal.SIGKILL)
index = LocalIndex(Path(sys.argv[1]), analyser=ANALYSER, disk=Faulty(at, fault))
number = int(sys.argv[2])
sealed = built(index, number, *map(entry, range(number * 3)), base=revision(1, sys.argv[3]))
print(sealed.number, sealed.manifest, flush=True)
"""
KILLED_AT_A_MOMENT = """
base, number = revision(1, sys.argv[3]), int(sys.argv[2])
print("began", flush=True)
while True:
    base = built(index, number, *map(entry, range(number, number + 40)), base=base)
    print(base.number, base.manifest, flush=True)
    number += 1
"""


def check_after_a_kill(index: LocalIndex, sealed: list[Revision]) -> None:
    """Check that all that was acknowledged is whole and that building goes on."""
    for one in sealed:
        assert index.verify(one.number, one.manifest) == ()
        assert len(near(index, one)) == len(found(index, one)) > 0
    after = built(index, 999, entry(1000), base=sealed[-1])
    assert len(found(index, after)) == len(found(index, sealed[-1])) + 1
    assert len(near(index, after)) == len(found(index, after))
    assert index.verify(999, after.manifest) == ()


def test_killed_at_a_call(tmp_path: Path) -> None:
    """SIGKILL at any file-system call of a build leaves nothing half visible."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, entry(0))
    for at in range(1, 200, 3):
        child = run_child(KILLED_AT_A_CALL, str(tmp_path), "2", first.manifest, str(at))
        out, _ = child.communicate(timeout=60)
        if child.returncode == 0:
            break
        assert out == ""
        check_after_a_kill(index, [first])
    assert at > 3 * 10
    number, manifest = out.split()
    check_after_a_kill(index, [first, revision(int(number), manifest)])
    assert list((tmp_path / "prepared").iterdir()) == []


@pytest.mark.accept
def test_killed_at_a_moment(tmp_path: Path) -> None:
    """SIGKILL at random moments, ten times over, loses nothing that was acknowledged."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    sealed = [built(index, 1, entry(0))]
    moments = random.Random(20261123)  # noqa: S311 - a replayable test, no secret
    for run in range(10):
        child = run_child(KILLED_AT_A_MOMENT, str(tmp_path), str(2 + 100 * run), sealed[0].manifest)
        assert child.stdout
        assert child.stdout.readline() == "began\n"
        lines = [child.stdout.readline()] if run % 2 else []
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=moments.uniform(0.0, 0.25))
        child.kill()
        out, _ = child.communicate(timeout=60)
        for line in (*lines, *out.splitlines()):
            number, manifest = line.split()
            sealed.append(revision(int(number), manifest))
        check_after_a_kill(index, sealed)
    assert len(sealed) > 1


def files_of(root: Path, sealed: Revision) -> list[Path]:
    """Return the files of a revision, without tantivy's locks."""
    (folder,) = (root / "revisions").glob(f"{sealed.number:06d}-*")
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """Whichever file has a changed byte, `verify` names it."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    sealed = built(index, 1, *map(entry, range(20)))
    for path in files_of(tmp_path, sealed):
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        (problem,) = index.verify(1, sealed.manifest)
        assert path.name in problem
        path.write_bytes(data)
    assert index.verify(1, sealed.manifest) == ()


def test_a_cut_or_missing_file_is_refused(tmp_path: Path) -> None:
    """A revision with a shortened or absent file is not opened, nor built upon."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    sealed = built(index, 1, *map(entry, range(20)))
    for path in files_of(tmp_path, sealed):
        data = path.read_bytes()
        for damage in (lambda p=path, d=data: p.write_bytes(d[:-1]), path.unlink):
            damage()
            with pytest.raises(Corrupt, match="revision 1"):
                index.open(1, sealed.manifest)
            with pytest.raises(Corrupt, match="revision 1"):
                built(index, 2, entry(30), base=sealed)
            assert index.verify(1, sealed.manifest)
            path.write_bytes(data)
    assert len(found(index, sealed)) == 20


def test_damage_is_not_sealed_as_good(tmp_path: Path) -> None:
    """A byte of the base gone bad is found in every revision made from it."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, *map(entry, range(20)))
    path = next(path for path in files_of(tmp_path, first) if path.suffix == ".fieldnorm")
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    second = built(index, 2, entry(30), base=first)
    assert any(path.name in problem for problem in index.verify(2, second.manifest))


def test_damage_is_not_merged_as_good(tmp_path: Path) -> None:
    """A byte gone bad in a segment of vectors is found before they are written anew."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, *map(entry, range(20)))
    (path,) = (path for path in files_of(tmp_path, first) if path.suffix == ".vec")
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    gone = {entry(number).document.id for number in range(10)}
    second = built(index, 2, base=first, gone=gone)
    assert not index.is_settled(second.number, second.manifest)
    with pytest.raises(Corrupt, match=r"revision 2 .* has other bytes"):
        index.prepare(second, {SPACE: ()})
    assert list((tmp_path / "prepared").iterdir()) == []


PREPARES = """
prepared = index.prepare(None, {"c" * 64: [vectored(entry(7))]})
print(prepared.folder, flush=True)
sys.stdin.read()
"""


def test_what_another_process_prepares_is_left_alone_while_it_lives(tmp_path: Path) -> None:
    """Builds, sweeps and other preparations pass it by; once it is dead its folder goes."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    code = CHILD.format(here=str(Path(__file__).parent)) + "from test_index_faults import vectored"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}{PREPARES}", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        folder = Path(child.stdout.readline().strip())
        sealed = built(index, 1, entry(0))
        index.sweep({(1, sealed.manifest)})
        assert len(list(folder.rglob("*.vec"))) == 1
        child.kill()
    index.prepare(None, {}).close()
    assert list((tmp_path / "prepared").iterdir()) == []


def test_a_folder_swept_while_it_is_claimed_is_claimed_anew(tmp_path: Path) -> None:
    """Between making a folder and locking it a sweep may take it; the claim holds all the same."""

    class Swept(Disk):
        left = 3

        def make(self, folder: Path) -> None:
            super().make(folder)
            if folder != tmp_path and self.left:
                self.left -= 1
                claims.sweep(tmp_path, Disk())

    claim = claims.Claim(tmp_path, Swept())
    claims.sweep(tmp_path, Disk())
    assert claim.folder.is_dir()
    claim.close()
    claim.close()
    assert list(tmp_path.iterdir()) == []


def test_vectors_stay_in_their_files(tmp_path: Path) -> None:
    """Segments are linked from revision to revision; only what says who is gone is new."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, *map(entry, range(20)))
    second = built(index, 2, entry(30), base=first, gone={entry(3).document.id})
    third = revision(3, index.build(3, base=second, gone=(), added=()))
    held = [
        {path.name: path for path in files_of(tmp_path, one) if "vectors" in path.parts}
        for one in (first, second, third)
    ]
    (name,) = held[0]
    assert held[1].keys() == held[2].keys()
    assert len(held[2]) == 3
    assert {one[name].stat().st_ino for one in held} == {held[0][name].stat().st_ino}
    assert [len(near(index, one)) for one in (first, second, third)] == [20, 20, 20]
    assert index.sweep({(3, third.manifest)}) == 2
    assert len(near(index, third)) == 20
    assert index.verify(3, third.manifest) == ()


def test_sealed_files_are_shared_not_copied(tmp_path: Path) -> None:
    """A revision made from another has the same files on disk, and neither writes to them."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    first = built(index, 1, *map(entry, range(20)))
    before = {path: path.read_bytes() for path in files_of(tmp_path, first)}
    second = built(index, 2, entry(3, "beta"), entry(30), base=first)
    shared = {path.stat().st_ino for path in before} & {
        path.stat().st_ino for path in files_of(tmp_path, second)
    }
    assert len(shared) >= 10
    assert {path: path.read_bytes() for path in before} == before


def test_an_index_of_another_analyser_is_not_built_upon(tmp_path: Path) -> None:
    """Terms of two analysers never stand in one index."""

    class Other(TantivyAnalyser):
        @property
        def digest(self) -> str:
            return "0" * 64

    first = built(LocalIndex(tmp_path, analyser=Other()), 1, entry(1))
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    with pytest.raises(Corrupt, match="another analyser"):
        built(index, 2, entry(2), base=first)
    assert len(found(index, first)) == 1


def test_the_failure_of_what_feeds_a_build_comes_through(tmp_path: Path) -> None:
    """An error in the documents' own source is not called a disk failure; nothing stays."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    with pytest.raises(ZeroDivisionError):
        index.build(1, base=None, gone=(), added=(entry(1 // n) for n in (1, 0)))
    assert not (tmp_path / "build").exists()


def unwritable(root: Path) -> Path:
    """Make the only revision one in which tantivy cannot place its lock; return its folder."""
    (folder,) = (root / "revisions").iterdir()
    for lock in folder.rglob(".tantivy-meta.lock"):
        lock.unlink()
        lock.mkdir()  # Opening it for writing fails, for root too.
    return folder


def test_a_folder_that_cannot_be_written_can_be_searched(tmp_path: Path) -> None:
    """Where tantivy cannot place its lock, as in a read-only mount, a revision still opens."""
    index = LocalIndex(tmp_path, analyser=ANALYSER)
    sealed = built(index, 1, *map(entry, range(20)))
    want = found(index, sealed)
    folder = unwritable(tmp_path)
    with pytest.raises(ValueError, match="Lockfile"):
        tantivy.Index.open(str(folder / "chunk"))
    assert found(index, sealed) == want
    assert index.verify(1, sealed.manifest) == ()


def test_a_lock_that_comes_back_hinders_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tantivy may place its lock in the temporary folder just when that is removed."""
    index = LocalIndex(tmp_path / "index", analyser=ANALYSER)
    sealed = built(index, 1, *map(entry, range(20)))
    unwritable(tmp_path / "index")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    removals: list[object] = []
    remove = os.rmdir

    def once_too_early(path: str, **where: Any) -> None:
        removals.append(path)
        if len(removals) == 1:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        remove(path, **where)

    monkeypatch.setattr(os, "rmdir", once_too_early)
    assert len(found(index, sealed)) == 20
    assert removals
    assert not list(temporary.iterdir())
