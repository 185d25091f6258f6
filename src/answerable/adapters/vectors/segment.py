"""A segment: the vectors of some documents in one file that never changes.

    magic, length of the header          8 bytes each
    header                               JSON: counts, label sets, worst rounding
    sections                             in the order of `_sections`, each from a multiple of 64

Documents are sorted by number. Rows are in any order: by cell where there are cells, so that a
cell is read in one go. `places` leads from a document's chunks to their rows. A file is mapped
and never read into memory as a whole; what a scan reads, `high`, lies together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.library.packing import LOW_STEPS, Plane, Unpacked, unpack
from answerable.library.ports import Vectored, Vectors

_MAGIC = b"ANSWVEC1"
_ALIGNED = 64
_HALF_DIGITS = 16

Numbers = NDArray[np.uint64]
Small = NDArray[np.uint32]
Starts = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Counts(NamedTuple):
    """How large a segment is."""

    dimension: int
    rows: int
    sentences: int
    terms: int
    documents: int
    cells: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """The vectors of some documents.

    Attributes:
        centroids: ``[cells, dimension]``, their first plane; no cells: rows in any order.
        centroid_scales: ``[cells]``.
        cell_starts: ``[cells + 1]``: rows of a cell are those from its start to the next.
        high, low: ``[rows, dimension]``, the two planes.
        scales: ``[rows]``.
        row_documents: ``[rows]``, place of the document in the columns below.
        row_ordinals: ``[rows]``, ordinal of the chunk.
        places: ``[rows]``, row of each chunk, in the order of documents and ordinals.
        sentence_starts: ``[rows + 1]``: as `cell_starts`, for the sentences of a row.
        sentence_scales: ``[sentences]``.
        sentences: ``[sentences, dimension]``.
        term_starts: ``[rows + 1]``: as `cell_starts`, for the terms of a row.
        terms: ``[terms]``, the hash of each term a chunk holds.
        document_numbers: ``[documents]``, rising: the document id as a number.
        content_highs, content_lows: ``[documents]``, both halves of the content id.
        document_starts: ``[documents + 1]``: as `cell_starts`, into `places`.
        document_labels: ``[documents]``, index into `label_sets`.
        error: No row is farther than this from what its first plane says.
    """

    centroids: Plane
    centroid_scales: Vectors
    cell_starts: Starts
    high: Plane
    scales: Vectors
    row_documents: Small
    row_ordinals: Small
    low: Plane
    places: Small
    sentence_starts: Starts
    sentence_scales: Vectors
    sentences: Plane
    term_starts: Starts
    terms: Small
    document_numbers: Numbers
    content_highs: Numbers
    content_lows: Numbers
    document_starts: Starts
    document_labels: Small
    label_sets: tuple[frozenset[str], ...]
    error: float

    @property
    def counts(self) -> Counts:
        """How large it is."""
        rows, dimension = self.high.shape
        return Counts(
            dimension,
            rows,
            len(self.sentences),
            len(self.terms),
            len(self.document_numbers),
            len(self.centroids),
        )


def _sections(counts: Counts) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each section, in the order of the file."""
    dimension, rows, sentences, terms, documents, cells = counts
    return {
        "centroids": ("|i1", (cells, dimension)),
        "centroid_scales": ("<f4", (cells,)),
        "cell_starts": ("<i8", (cells + 1,)),
        "high": ("|i1", (rows, dimension)),
        "scales": ("<f4", (rows,)),
        "row_documents": ("<u4", (rows,)),
        "row_ordinals": ("<u4", (rows,)),
        "low": ("|i1", (rows, dimension)),
        "places": ("<u4", (rows,)),
        "sentence_starts": ("<i8", (rows + 1,)),
        "sentence_scales": ("<f4", (sentences,)),
        "sentences": ("|i1", (sentences, dimension)),
        "term_starts": ("<i8", (rows + 1,)),
        "terms": ("<u4", (terms,)),
        "document_numbers": ("<u8", (documents,)),
        "content_highs": ("<u8", (documents,)),
        "content_lows": ("<u8", (documents,)),
        "document_starts": ("<i8", (documents + 1,)),
        "document_labels": ("<u4", (documents,)),
    }


def laid_out(
    counts: Counts,
    label_sets: Sequence[frozenset[str]],
    error: float,
    blocks: Mapping[str, Iterable[NDArray[Any]]],
) -> Iterator[bytes | memoryview]:
    """Give the bytes of a segment's file, piece by piece.

    Args:
        counts: How large it is.
        label_sets: As in `Segment`.
        error: As in `Segment`.
        blocks: The rows of each section, in as many blocks as is convenient.
    """
    stored = {
        **counts._asdict(),
        "error": error,
        "label_sets": [sorted(labels) for labels in label_sets],
    }
    header = json.dumps(stored).encode()
    yield from _padded((_MAGIC, len(header).to_bytes(8, "little"), header))
    for name, (kind, _) in _sections(counts).items():
        yield from _padded(_bytes_of(block, kind) for block in blocks[name])


def _bytes_of(block: NDArray[Any], kind: str) -> memoryview:
    return np.ascontiguousarray(block, dtype=kind).reshape(-1).view(np.uint8).data


def _padded(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece
    yield bytes(-size % _ALIGNED)


def parse(data: Any) -> Segment:
    """Return the segment whose bytes these are; nothing is copied, little is read.

    Args:
        data: Anything with the buffer protocol: bytes, or a mapped file.

    Raises:
        ValueError: They are not a segment, or not all of it.
    """
    if bytes(data[:8]) != _MAGIC:
        raise ValueError("it is no vector segment")
    length = int.from_bytes(data[8:16], "little")
    try:
        stored = json.loads(bytes(data[16 : 16 + length]))
        label_sets = tuple(frozenset(labels) for labels in stored.pop("label_sets"))
        error = stored.pop("error")
        Counts(**stored)
    except (KeyError, TypeError) as error_:
        raise ValueError("its header is damaged") from error_
    at = _up(16 + length)
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kind, shape) in _sections(Counts(**stored)).items():
        size = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(data, kind, size, at).reshape(shape)
        at += _up(arrays[name].nbytes)
    if at != len(data):
        raise ValueError(f"it has {len(data)} bytes where its header says {at}")
    return Segment(**arrays, label_sets=label_sets, error=error)


def _up(size: int) -> int:
    return size + -size % _ALIGNED


def pieces(segment: Segment) -> Iterator[bytes | memoryview]:
    """Give the bytes of the file of a segment that is in memory."""
    blocks = {name: (getattr(segment, name),) for name in _sections(segment.counts)}
    return laid_out(segment.counts, segment.label_sets, segment.error, blocks)


def dimension_of(packed: bytes) -> int:
    """Return in which dimension `library.packing.pack` packed this.

    Raises:
        ValueError: In none.
    """
    count = int.from_bytes(packed[:4], "little")
    dimension = len(packed) // (2 + count) - 4
    unpack(packed, dimension)
    return dimension


def from_vectored(documents: Sequence[Vectored], dimension: int) -> Segment:
    """Return a segment in memory, without cells.

    Args:
        documents: No document twice.
        dimension: Of all their vectors.

    Raises:
        ValueError: A vector is of another dimension.
    """
    ranked = sorted(documents, key=lambda one: int(one.document.id, 16))
    rows = [unpack(packed, dimension) for one in ranked for packed in one.packed]
    label_sets = tuple(dict.fromkeys(one.document.labels for one in ranked))
    known = {labels: index for index, labels in enumerate(label_sets)}
    sizes = [len(one.packed) for one in ranked]
    low = _stacked([row.low for row in rows], dimension)
    scales = np.array([row.scale for row in rows], np.float32)
    return Segment(
        centroids=np.empty((0, dimension), np.int8),
        centroid_scales=np.empty(0, np.float32),
        cell_starts=starts_of([]),
        high=_stacked([row.high for row in rows], dimension),
        scales=scales,
        row_documents=np.repeat(np.arange(len(ranked), dtype=np.uint32), sizes),
        row_ordinals=ordinals_of(sizes),
        low=low,
        places=np.arange(len(rows), dtype=np.uint32),
        **_sentences(rows, dimension),
        **_terms(ranked),
        document_numbers=np.array([int(one.document.id, 16) for one in ranked], np.uint64),
        content_highs=_halves(ranked, slice(None, _HALF_DIGITS)),
        content_lows=_halves(ranked, slice(_HALF_DIGITS, None)),
        document_starts=starts_of(sizes),
        document_labels=np.array([known[one.document.labels] for one in ranked], np.uint32),
        label_sets=label_sets,
        error=_error(low, scales),
    )


def _sentences(rows: Sequence[Unpacked], dimension: int) -> dict[str, Any]:
    scales = [row.sentence_scales for row in rows]
    planes = [row.sentences for row in rows]
    return {
        "sentence_starts": starts_of([len(one) for one in scales]),
        "sentence_scales": np.concatenate([np.empty(0, np.float32), *scales]),
        "sentences": np.concatenate([np.empty((0, dimension), np.int8), *planes]),
    }


def _terms(documents: Sequence[Vectored]) -> dict[str, Any]:
    rows = [
        np.frombuffer(one, "<u4")
        for document in documents
        for one in document.terms or [b""] * len(document.packed)
    ]
    return {
        "term_starts": starts_of([len(one) for one in rows]),
        "terms": np.concatenate([np.empty(0, np.uint32), *rows]),
    }


def _stacked(planes: Sequence[Plane], dimension: int) -> Plane:
    return np.stack(planes) if planes else np.empty((0, dimension), np.int8)


def _halves(documents: Sequence[Vectored], digits: slice) -> Numbers:
    return np.array([int(one.content_id[digits], 16) for one in documents], np.uint64)


def _error(low: Plane, scales: Vectors) -> float:
    """Return how far the first plane alone may be from a row, rounding of `low` included."""
    longest = np.linalg.norm(low.astype(np.float32), axis=1) + 0.5 * low.shape[1] ** 0.5
    return float(np.max(longest * scales, initial=0.0)) / LOW_STEPS


def starts_of(sizes: Sequence[int] | NDArray[Any]) -> Starts:
    """Return where each of these begins when they lie one after the other, and the end."""
    return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))).astype(np.int64)


def ordinals_of(sizes: Sequence[int] | NDArray[Any]) -> Small:
    """Return 0, 1, ... up to each of these sizes, one after the other."""
    return ranges(np.zeros(len(sizes), np.int64), np.asarray(sizes, np.int64)).astype(np.uint32)


def ranges(firsts: NDArray[Any], sizes: NDArray[Any]) -> Starts:
    """Return first, first + 1, ... for each first as many as its size, one after the other."""
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Starts = np.arange(total) + np.repeat(firsts.astype(np.int64) - ends + sizes, sizes)
    return numbers
