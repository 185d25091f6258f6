"""The parts of the index that stand alone: manifest, disk errors, the oracle's arithmetic."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from answerable.adapters.index.disk import Disk, failure
from answerable.adapters.index.manifest import (
    FORMAT,
    Manifest,
    Sealed,
    SealedSegment,
    SealedVectors,
    from_bytes,
    hash_of,
)
from answerable.adapters.index.oracle import _norm
from answerable.domain.errors import DiskFull, ReadOnly, StorageFailure

MANIFEST = Manifest(
    number=7,
    nonce="00ff",
    base=None,
    analyser="a" * 64,
    chunks=3,
    documents=1,
    files={"chunk/meta.json": Sealed(size=2, sha256="b" * 64)},
)


def test_a_manifest_reads_back() -> None:
    """What was written is what is read, and the same manifest has the same hash."""
    data = MANIFEST.to_bytes()
    assert from_bytes(data) == MANIFEST
    assert hash_of(data) == hash_of(from_bytes(data).to_bytes())


def test_a_manifest_from_before_there_were_vectors_reads() -> None:
    """What format 1 said is still understood; it holds no vectors."""
    stored = json.loads(MANIFEST.to_bytes())
    del stored["vectors"]
    assert from_bytes(json.dumps({**stored, "format": 1}).encode()) == MANIFEST


def test_the_vectors_of_a_manifest_read_back() -> None:
    """Segments come back in their order, with what was measured of them."""
    segments = tuple(
        SealedSegment(name=name, documents=3, rows=7, cells=cells, probes=cells // 2, recall=recall)
        for name, cells, recall in (("b", 0, None), ("a", 4, 0.99))
    )
    vectors = {"c" * 64: SealedVectors(dimension=8, rows=14, segments=segments)}
    manifest = replace(MANIFEST, vectors=vectors)
    assert from_bytes(manifest.to_bytes()) == manifest


def test_a_manifest_of_a_later_format_is_refused() -> None:
    """Another layout is named, not guessed at."""
    data = MANIFEST.to_bytes().replace(b'"format": 2', b'"format": %d' % (FORMAT + 1))
    with pytest.raises(ValueError, match=f"format {FORMAT + 1}"):
        from_bytes(data)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, ReadOnly),
        (errno.EACCES, ReadOnly),
        (errno.EIO, StorageFailure),
    ],
)
def test_what_a_failed_call_means(number: int, kind: type[StorageFailure]) -> None:
    """The operator is told what is wrong, where, and what to do."""
    error = failure(OSError(number, os.strerror(number)), Path("data/index"))
    assert type(error) is kind
    assert "data/index" in error.message
    assert error.hint


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_where_links_cannot_be_had_files_are_copied(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file system or too many links cost a copy, not the build."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_bytes(b"bytes")
    Disk().link(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"bytes"


def test_the_oracle_rounds_lengths_as_one_byte_does() -> None:
    """Lengths are exact to 40, then keep four significant bits, rounded down."""
    lengths = [0, 1, 39, 40, 41, 42, 55, 56, 59, 60, 1000]
    assert [_norm(n) for n in lengths] == [0, 1, 39, 40, 40, 42, 54, 56, 56, 60, 984]
