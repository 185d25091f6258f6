"""From the parts of a base and new vectors to the parts of a revision, in two steps.

`prepared` takes long and writes: new vectors become small segments, and when those get many, or
much of what is kept is dead, or more rows than `Limits.exact_max` lie outside cells, they are
written anew as one. `joined` takes no time and writes nothing, so it may be done under a lock,
and to another base than the one that was prepared for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import numpy as np

from answerable.adapters.vectors.clustering import divided
from answerable.adapters.vectors.merging import Merger
from answerable.adapters.vectors.parts import Part, without
from answerable.adapters.vectors.segment import (
    Numbers,
    Segment,
    dimension_of,
    from_vectored,
    pieces,
)
from answerable.library.ports import Check, Vectored, unchecked

EXACT_MAX = 250_000
"""Rows up to which all are scanned: about 4 ms at 384 numbers, and nothing is missed."""

GATHER_MAX = 128_000
"""Rows of a scope up to which all are looked at though there are cells: about 10 ms."""

SEGMENTS_MAX = 8
DEAD_MAX = 0.25
TAIL_MAX = 0.125
"""Share of all rows that may lie outside cells, once there are cells; they are all scanned."""

_BATCH_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When rows are divided into cells, and how much is collected before a segment is written.

    Attributes:
        exact_max: More rows than this are divided into cells.
        gather_max: Where there are cells: a scope of up to so many rows is searched without.
        batch_bytes: Packed bytes of new vectors that are held in memory.
    """

    exact_max: int = EXACT_MAX
    gather_max: int = GATHER_MAX
    batch_bytes: int = _BATCH_BYTES


class Store(Protocol):
    """Where the segments of one embedder are put."""

    def put(self, data: Iterable[bytes | memoryview], *, name: str = "") -> str:
        """Write a new segment; return its name, which no other has, or the one it is to have."""
        ...

    def get(self, name: str) -> Segment:
        """Return a segment that was put."""
        ...

    def check(self, name: str) -> None:
        """Raise when the bytes of a segment are not what was sealed.

        What is written anew gets a checksum of its own, which would call damage sound.
        """
        ...

    def drop(self, name: str) -> None:
        """Forget a segment that was put; one of a base stays as it is."""
        ...


def prepared(
    base: Sequence[Part],
    vectored: Iterable[Vectored],
    store: Store,
    limits: Limits,
    check: Check = unchecked,
) -> tuple[Part, ...]:
    """Return new parts for a revision: `vectored`, and what of the base was written anew.

    No document is alive in two of them.

    Args:
        base: Of the same embedder.
        vectored: Of a document given twice the later counts.
        store: Where new segments are put.
        limits: When they are written anew.
        check: Called now and then.

    Raises:
        ValueError: Vectors are not all of one dimension.
    """
    parts = list(base)
    known = len(parts)
    for batch in _batches(vectored, limits.batch_bytes):
        parts = _without(parts, _numbers(batch))
        with_rows = [one for one in batch.values() if one.packed]
        if with_rows:
            dimension = _dimension(parts, with_rows)
            parts.append(_put(pieces(from_vectored(with_rows, dimension)), store, check))
    return _settled(parts, parts[known:], store, limits, check)


def joined(
    base: Sequence[Part],
    fresh: Sequence[Part],
    *,
    gone: Collection[str],
    outdated: Collection[str],
) -> tuple[Part, ...]:
    """Return the parts of a revision: those of a base and prepared ones, no empty one.

    Args:
        base: Of the same embedder.
        fresh: Prepared, for this base or another. What the base has of their documents goes.
        gone: Ids of documents whose vectors do not stay in the base.
        outdated: Ids of documents whose prepared vectors are not taken.
    """
    taken = _without(fresh, _numbers(outdated))
    kept = _without(base, np.concatenate([_numbers(gone), *map(_alive, taken)]))
    return tuple(part for part in (*kept, *taken) if part.rows)


def purged(
    parts: Sequence[Part],
    document_ids: Collection[str],
    *,
    done: Mapping[str, Part],
    store: Store,
    limits: Limits,
    check: Check = unchecked,
) -> tuple[Part, ...]:
    """Return the parts of a revision written anew where they hold anything of some documents.

    What is written anew gets a name that follows from the old one and from the documents, so that
    another revision with the same segment can share it.

    Args:
        parts: Of one embedder.
        done: By name, what was written anew for another revision; all of it alive.
        document_ids: Of the documents.
        store: Where new segments are put.
        limits: When they are divided.
        check: Called now and then.
    """
    numbers = _numbers(document_ids)
    kept = []
    for part in parts:
        stays = ~np.isin(part.segment.document_numbers, numbers)
        if stays.all():
            kept.append(part)
            continue
        whole = replace(part, alive=stays)
        name = _name_without(part.name, document_ids)
        if whole.rows and name not in done:
            store.check(part.name)
            fresh = _merged([whole], store, limits, check, name=name)
        elif whole.rows:
            fresh = done[name]
        else:
            continue
        kept.append(replace(fresh, alive=part.alive[stays]))
    return tuple(part for part in kept if part.rows)


def _name_without(name: str, document_ids: Collection[str]) -> str:
    known = "\n".join((name, *sorted(document_ids)))
    return sha256(known.encode()).hexdigest()[: len(name)]


def _alive(part: Part) -> Numbers:
    return part.segment.document_numbers[part.alive]


def _numbers(document_ids: Collection[str]) -> Numbers:
    return np.array([int(one, 16) for one in document_ids], np.uint64)


def _without(parts: Sequence[Part], numbers: Numbers) -> list[Part]:
    return [without(part, numbers) for part in parts]


def _batches(vectored: Iterable[Vectored], size_max: int) -> Iterator[dict[str, Vectored]]:
    """Give the documents by id, as many at once as have about so many bytes."""
    batch: dict[str, Vectored] = {}
    size = 0
    for one in vectored:
        batch[one.document.id] = one
        size += sum(map(len, one.packed))
        if size >= size_max:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _dimension(parts: Sequence[Part], documents: Sequence[Vectored]) -> int:
    if parts:
        return parts[0].segment.counts.dimension
    return dimension_of(documents[0].packed[0])


def _put(data: Iterable[bytes | memoryview], store: Store, check: Check, name: str = "") -> Part:
    name = store.put(_checked(data, check), name=name)
    segment = store.get(name)
    return Part(name=name, segment=segment, alive=np.ones(segment.counts.documents, np.bool_))


def _checked(data: Iterable[bytes | memoryview], check: Check) -> Iterator[bytes | memoryview]:
    for piece in data:
        check()
        yield piece


def _settled(
    parts: Sequence[Part], fresh: Sequence[Part], store: Store, limits: Limits, check: Check
) -> tuple[Part, ...]:
    """Return the fresh parts, with what is to be written anew written anew."""
    chosen = to_merge(parts, limits)
    if len(fresh) > 1 and not {part.name for part in fresh} & {part.name for part in chosen}:
        # What is written at once becomes one segment: every search pays for each of them.
        chosen = [*chosen, *fresh]
    for part in chosen:
        store.check(part.name)
    names = {part.name for part in chosen}
    kept = [part for part in fresh if part.name not in names]
    merged = [_merged(chosen, store, limits, check)] if any(part.rows for part in chosen) else []
    for part in chosen:
        store.drop(part.name)
    return (*kept, *merged)


def to_merge(parts: Sequence[Part], limits: Limits) -> Sequence[Part]:
    """Return the parts that are to be written anew as one; often none."""
    living = sum(part.rows for part in parts)
    stored = sum(part.segment.counts.rows for part in parts)
    tail = [part for part in parts if not part.segment.counts.cells]
    tail_rows = sum(part.rows for part in tail)
    tail_max = limits.exact_max if len(tail) == len(parts) else living * TAIL_MAX
    if living < stored * (1 - DEAD_MAX) or tail_rows > tail_max:
        return parts
    if len(tail) > SEGMENTS_MAX:
        return tail
    return [part for part in parts if not part.rows]


def _merged(
    parts: Sequence[Part], store: Store, limits: Limits, check: Check, name: str = ""
) -> Part:
    merger = Merger([part for part in parts if part.rows])
    if merger.rows <= limits.exact_max:
        return _put(merger.pieces(None), store, check, name)
    division = divided(merger.vectors, merger.rows, check)
    part = _put(merger.pieces(division.cells), store, check, name)
    return replace(part, probes=division.probes, recall=division.recall)
