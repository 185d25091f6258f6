"""The vectors of a revision as files, and how they are built, opened and described.

vectors/1f0c9a6e2b4d/         one embedder, by the first digits of its digest
    8c1d52f00b7a9e34.vec      a segment
    living                    a bit for each document of each segment; absent: all are there
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import numpy as np

from answerable.adapters.index.disk import Disk
from answerable.adapters.index.fields import document_ids
from answerable.adapters.index.manifest import SealedSegment, SealedVectors
from answerable.adapters.vectors import building
from answerable.adapters.vectors.building import Limits, Store, to_merge
from answerable.adapters.vectors.parts import Part, from_flags, to_flags
from answerable.adapters.vectors.searching import VectorSearcher
from answerable.adapters.vectors.segment import Segment, parse
from answerable.library.ports import Check, Vectored

Parts = Mapping[str, tuple[Part, ...]]
"""By the digest of the embedder; without those that have no rows."""

ROOT = "vectors"
_LIVING = "living"
_SUFFIX = ".vec"
_DIGITS_IN_NAME = 12


def prepared(
    base: Parts,
    vectors: Mapping[str, Iterable[Vectored]],
    store: Callable[[str], Store],
    limits: Limits,
    check: Check,
) -> Parts:
    """Return new parts: `vectors`, and what of the base was written anew.

    Args:
        base: Of the base.
        vectors: New ones, by the digest of the embedder.
        store: Gives the place for the segments of an embedder.
        limits: When segments are written anew.
        check: Called now and then.
    """
    parts = {
        embedder: building.prepared(
            base.get(embedder, ()), vectors.get(embedder, ()), store(embedder), limits, check
        )
        for embedder in dict.fromkeys((*base, *vectors))
    }
    return {embedder: some for embedder, some in parts.items() if some}


def joined(base: Parts, fresh: Parts, *, gone: Collection[str], outdated: Collection[str]) -> Parts:
    """Return the parts of a revision: those of a base without `gone`, and prepared ones."""
    parts = {
        embedder: building.joined(
            base.get(embedder, ()), fresh.get(embedder, ()), gone=gone, outdated=outdated
        )
        for embedder in dict.fromkeys((*base, *fresh))
    }
    return {embedder: some for embedder, some in parts.items() if some}


def purged(
    parts: Parts,
    document_ids: Collection[str],
    *,
    done: Parts,
    store: Callable[[str], Store],
    limits: Limits,
    check: Check,
) -> Parts:
    """Return the parts of a revision, none of whose segments holds anything of some documents.

    Args:
        parts: Of the revision.
        done: Of another revision that was purged of the same; its segments are shared.
        document_ids: Of the documents.
        store: Gives the place for the segments of an embedder.
        limits: When segments are divided.
        check: Called now and then.
    """
    without = {
        embedder: building.purged(
            some,
            document_ids,
            done=_whole(done.get(embedder, ())),
            store=store(embedder),
            limits=limits,
            check=check,
        )
        for embedder, some in parts.items()
    }
    return {embedder: some for embedder, some in without.items() if some}


def _whole(parts: tuple[Part, ...]) -> dict[str, Part]:
    """Return parts by name, with all of their documents alive."""
    return {part.name: replace(part, alive=np.ones_like(part.alive)) for part in parts}


def are_settled(parts: Parts, limits: Limits) -> bool:
    """Return whether nothing is to be written anew."""
    return not any(to_merge(some, limits) for some in parts.values())


def documents(parts: Parts) -> frozenset[str]:
    """Return the ids of the documents that are alive."""
    numbers = [
        part.segment.document_numbers[part.alive] for some in parts.values() for part in some
    ]
    return frozenset(document_ids(np.concatenate(numbers).tolist())) if numbers else frozenset()


def searchers(parts: Parts, gather_max: int) -> dict[str, VectorSearcher]:
    """Return what searches the vectors of each embedder."""
    return {
        embedder: VectorSearcher(some, gather_max=gather_max) for embedder, some in parts.items()
    }


def sealed(parts: Parts) -> dict[str, SealedVectors]:
    """Return what the manifest says of vectors."""
    return {embedder: _sealed(some) for embedder, some in parts.items()}


def _sealed(parts: tuple[Part, ...]) -> SealedVectors:
    return SealedVectors(
        dimension=parts[0].segment.counts.dimension,
        rows=sum(part.rows for part in parts),
        segments=tuple(
            SealedSegment(
                name=part.name,
                documents=part.segment.counts.documents,
                rows=part.rows,
                cells=part.segment.counts.cells,
                probes=part.probes,
                recall=part.recall,
            )
            for part in parts
        ),
    )


def segments(parts: Parts) -> list[str]:
    """Return the paths of all segments below the folder of a revision."""
    return [_path(embedder, part.name) for embedder, some in parts.items() for part in some]


def folders(parts: Parts) -> list[str]:
    """Return the paths of all folders of vectors below the folder of a revision."""
    return [*map(_folder, parts), ROOT] if parts else []


def _path(embedder: str, name: str) -> str:
    return f"{_folder(embedder)}/{name}{_SUFFIX}"


def _folder(embedder: str) -> str:
    return f"{ROOT}/{embedder[:_DIGITS_IN_NAME]}"


def opened(folder: Path, vectors: Mapping[str, SealedVectors]) -> Parts:
    """Return the parts in a revision's folder; files are mapped, not read.

    Raises:
        ValueError: A file is not what the manifest says.
        OSError: A file cannot be read.
    """
    return {embedder: tuple(_opened(folder, embedder, one)) for embedder, one in vectors.items()}


def _opened(folder: Path, embedder: str, vectors: SealedVectors) -> Iterator[Part]:
    documents = [segment.documents for segment in vectors.segments]
    living = folder / _folder(embedder) / _LIVING
    flags = (
        from_flags(living.read_bytes(), documents)
        if living.exists()
        else [np.ones(count, np.bool_) for count in documents]
    )
    for sealed_segment, alive in zip(vectors.segments, flags, strict=True):
        segment = mapped(folder / _path(embedder, sealed_segment.name))
        if len(alive) != segment.counts.documents:
            raise ValueError(f"{sealed_segment.name} has {segment.counts.documents} documents")
        yield Part(
            name=sealed_segment.name,
            segment=segment,
            alive=alive,
            probes=sealed_segment.probes,
            recall=sealed_segment.recall,
        )


def mapped(path: Path) -> Segment:
    """Return the segment in a file, mapped for as long as someone holds it.

    Raises:
        ValueError: It is no segment, or not all of one.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return parse(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class FileStore:
    """Puts the segments of one embedder into the folder of a revision that is being built.

    Args:
        folder: Of the revision.
        embedder: The digest of the embedder.
        disk: What changes the disk.
        check: Raises `Corrupt` when the file at a path of the base is not what was sealed.
    """

    def __init__(
        self, folder: Path, embedder: str, *, disk: Disk, check: Callable[[str], None]
    ) -> None:
        self._root = folder
        self._embedder = embedder
        self._disk = disk
        self._check = check
        self._fresh: set[str] = set()

    def put(self, data: Iterable[bytes | memoryview], *, name: str = "") -> str:
        """Write a new segment; return its name."""
        name = name or token_hex(8)
        self._fresh.add(name)
        self._disk.make(self._root / _folder(self._embedder))
        self._disk.pour(self._path(name), data)
        return name

    def get(self, name: str) -> Segment:
        """Return a segment that was put, mapped."""
        return mapped(self._path(name))

    def check(self, name: str) -> None:
        """Raise when a segment of the base is not what was sealed."""
        if name not in self._fresh:
            self._check(_path(self._embedder, name))

    def drop(self, name: str) -> None:
        """Remove the file of a segment that was put."""
        if name in self._fresh:
            self._disk.remove(self._path(name))

    def _path(self, name: str) -> Path:
        return self._root / _path(self._embedder, name)


_: Callable[..., Store] = FileStore


class MemoryStore:
    """Keeps segments in memory for as long as someone holds them."""

    def __init__(self) -> None:
        self._kept: dict[str, Segment] = {}

    def put(self, data: Iterable[bytes | memoryview], *, name: str = "") -> str:
        """Keep a new segment; return its name."""
        name = name or token_hex(8)
        self._kept[name] = parse(b"".join(data))
        return name

    def get(self, name: str) -> Segment:
        """Return a segment that was put."""
        return self._kept[name]

    def check(self, name: str) -> None:
        """Do nothing: what is in memory is as it was put there."""

    def drop(self, name: str) -> None:
        """Forget a segment."""
        self._kept.pop(name, None)


_memory: Callable[..., Store] = MemoryStore


def living(parts: Parts) -> dict[str, bytes]:
    """Return the bytes of each file that says which documents are there, by path."""
    return {
        f"{_folder(embedder)}/{_LIVING}": to_flags(some)
        for embedder, some in parts.items()
        if not all(part.alive.all() for part in some)
    }
