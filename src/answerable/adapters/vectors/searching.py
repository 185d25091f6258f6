"""Searching the vectors that one embedder made of a revision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.vectors.kernels import Kernel, fastest
from answerable.adapters.vectors.parts import Part
from answerable.adapters.vectors.segment import (
    Flags,
    Numbers,
    Segment,
    Small,
    Starts,
    ranges,
    starts_of,
)
from answerable.adapters.vectors.selecting import Doubt, Scores, contenders, doubt
from answerable.library.packing import LOW_STEPS, Plane, quantise
from answerable.library.ports import Hit, Nearness, Vectors

SCORE_DIGITS = 4
"""Cosines count as equal when they agree to so many decimals, as scores of words do."""

_ROUNDING = 10.0**-SCORE_DIGITS
_FLOAT32_ERROR = 1e-5
_FEW = 256
_FEW_TIMES = 4
# A row picked out takes four times as long as one of many that are read on and on.
_GATHERED_SHARE = 0.25
_BLOCK_ROWS = 1024

Rows = NDArray[np.integer[Any]]


class Found(NamedTuple):
    """Chunks, best first, column by column.

    Attributes:
        documents: Number of the document.
        highs, lows: Both halves of the content id.
        ordinals: Of the chunk.
        scores: Cosines.
    """

    documents: list[int]
    highs: list[int]
    lows: list[int]
    ordinals: list[int]
    scores: list[float]


class _Query(NamedTuple):
    """A question's vector: as it is, and rounded to eight bits.

    Attributes:
        error: Distance between the two.
    """

    vector: NDArray[np.float64]
    plane: Plane
    scale: float
    error: float


class _Allowed(NamedTuple):
    """The rows of a part that may be found.

    Attributes:
        total: How many.
        rows: Which, where they are few; else None.
        mask: Which, where they are many; None there: all.
        in_cells: How many in each cell.
    """

    total: int
    rows: Rows | None
    mask: Flags | None
    in_cells: Starts


class VectorSearcher:
    """The vectors of one embedder; safe to use from many threads.

    Args:
        parts: At least one.
        gather_max: Up to so many allowed rows all are looked at, whatever the cells.
        kernel: What multiplies; the fastest there is.
    """

    def __init__(
        self, parts: Sequence[Part], *, gather_max: int, kernel: Kernel | None = None
    ) -> None:
        self.dimension = parts[0].segment.counts.dimension
        self.rows = sum(part.rows for part in parts)
        self._shelves = [_Shelf(part, gather_max, kernel or fastest()) for part in parts]

    def nearest(
        self, vector: Vectors, labels: frozenset[str], hidden: frozenset[str], limit: int
    ) -> Found:
        """Return at most `limit` chunks by cosine, best first; ties by document and ordinal."""
        query = _query(vector)
        found = [shelf.nearest(query, labels, hidden, limit) for shelf in self._shelves]
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        documents, _, _, ordinals, scores = columns
        order = np.lexsort((ordinals, documents, -scores))[:limit]
        return Found(*(column[order].tolist() for column in columns))

    def nearness(
        self, vector: Vectors, weights: Mapping[str, float], hits: Sequence[Hit]
    ) -> Nearness:
        """Return how near these chunks are, and the weight of those of these terms they hold."""
        found = Nearness(*(np.full(len(hits), np.nan) for _ in range(3)))
        numbers, ordinals = _columns(hits)
        asked = np.array([crc32(term.encode("utf-8", "surrogatepass")) for term in weights], "<u4")
        weighed = np.array(list(weights.values()), np.float64)
        exact = vector.astype(np.float64)
        for shelf in self._shelves:
            places, near = shelf.nearness(exact, asked, weighed, numbers, ordinals)
            for whole, some in zip(found, near, strict=True):
                whole[places] = some
        return found

    def sentences(self, vector: Vectors, hits: Sequence[Hit]) -> tuple[tuple[float, ...], ...]:
        """Return the cosine of every sentence of each of these chunks, in order."""
        found: list[tuple[float, ...]] = [()] * len(hits)
        numbers, ordinals = _columns(hits)
        for shelf in self._shelves:
            for place, cosines in shelf.sentences(vector, numbers, ordinals):
                found[place] = cosines
        return tuple(found)

    def contents(self) -> set[tuple[int, int, int]]:
        """Return document number and both halves of the content id of all documents."""
        return {one for shelf in self._shelves for one in shelf.contents()}


def _columns(hits: Sequence[Hit]) -> tuple[Numbers, Starts]:
    """Return number of the document and ordinal of each chunk."""
    numbers = np.array([int(hit.document_id, 16) for hit in hits], np.uint64)
    return numbers, np.array([hit.ordinal for hit in hits], np.int64)


def _query(vector: Vectors) -> _Query:
    scales, planes = quantise(vector[None, :].astype(np.float32))
    exact = vector.astype(np.float64)
    error = float(np.linalg.norm(exact - float(scales[0]) * planes[0]))
    return _Query(exact, planes[0], float(scales[0]), error)


class _Shelf:
    """One part."""

    def __init__(self, part: Part, gather_max: int, kernel: Kernel) -> None:
        self._part = part
        self._segment = part.segment
        self._gather_max = gather_max
        self._kernel = kernel
        # Who asks changes rarely; what is hidden, more rarely still.
        self._allowed = lru_cache(maxsize=16)(self._allowed_rows)

    def contents(self) -> zip[tuple[int, int, int]]:
        """Return document number and both halves of the content id of the living documents."""
        segment, alive = self._segment, self._part.alive
        columns = (segment.document_numbers, segment.content_highs, segment.content_lows)
        return zip(*(column[alive].tolist() for column in columns), strict=True)

    def nearest(
        self, query: _Query, labels: frozenset[str], hidden: frozenset[str], limit: int
    ) -> tuple[NDArray[Any], ...]:
        """Return the columns of `Found` of what may be among the best `limit`, in any order."""
        allowed = self._allowed(labels, hidden)
        rows, products = self._products(query, allowed, limit)
        segment = self._segment
        unsure = doubt(query.error, segment.error, len(query.plane), _ROUNDING)
        scales = segment.scales if rows is None else segment.scales[rows]
        scores = np.multiply(products, scales, dtype=np.float32, casting="same_kind")
        scores *= query.scale
        if rows is None and allowed.mask is not None:
            scores[~allowed.mask] = -np.inf
        places = contenders(scores, limit, unsure)
        chosen = places if rows is None else rows[places]
        chosen, cosines = _refined(segment, chosen, query.vector, limit)
        documents = segment.row_documents[chosen]
        return (
            segment.document_numbers[documents],
            segment.content_highs[documents],
            segment.content_lows[documents],
            segment.row_ordinals[chosen],
            np.round(cosines, SCORE_DIGITS),
        )

    def nearness(
        self,
        vector: NDArray[np.float64],
        asked: Small,
        weights: NDArray[np.float64],
        numbers: Numbers,
        ordinals: Starts,
    ) -> tuple[Rows, Nearness]:
        """Return which of these chunks are here, and how near they are."""
        segment = self._segment
        places, rows = self._rows_of(numbers, ordinals)
        chunks = _cosines(segment, rows, vector)
        sentences = _sentence_cosines(segment, rows, vector, chunks)
        return places, Nearness(
            chunks=np.round(chunks, SCORE_DIGITS),
            sentences=np.round(sentences, SCORE_DIGITS),
            held=_held(segment, rows, asked, weights),
        )

    def sentences(
        self, vector: Vectors, numbers: Numbers, ordinals: Starts
    ) -> Iterator[tuple[int, tuple[float, ...]]]:
        """Give the place of those of these chunks that are here, and their sentences' cosines."""
        segment = self._segment
        places, rows = self._rows_of(numbers, ordinals)
        vector = vector.astype(np.float32)
        for place, row in zip(places.tolist(), rows.astype(np.int64).tolist(), strict=True):
            some = slice(segment.sentence_starts[row], segment.sentence_starts[row + 1])
            planes = segment.sentences[some].astype(np.float32)
            cosines = _dots(planes, vector) * segment.sentence_scales[some]
            yield place, tuple(np.round(cosines, SCORE_DIGITS).tolist())

    def _rows_of(self, numbers: Numbers, ordinals: Starts) -> tuple[Rows, Rows]:
        """Return which of these chunks are here, and their rows."""
        segment = self._segment
        documents = np.searchsorted(segment.document_numbers, numbers)
        documents = np.minimum(documents, segment.counts.documents - 1)
        known = (segment.document_numbers[documents] == numbers) & self._part.alive[documents]
        firsts = segment.document_starts[documents]
        sizes = segment.document_starts[documents + 1] - firsts
        places = np.flatnonzero(known & (ordinals >= 0) & (ordinals < sizes))
        return places, segment.places[firsts[places] + ordinals[places]]

    def _allowed_rows(self, labels: frozenset[str], hidden: frozenset[str]) -> _Allowed:
        segment = self._segment
        readable = np.array([not labels.isdisjoint(one) for one in segment.label_sets], np.bool_)
        documents = self._part.alive & readable[segment.document_labels]
        documents[self._documents_of(hidden)] = False
        count = int(self._part.sizes[documents].sum())
        starts = segment.cell_starts
        if count == segment.counts.rows:
            return _Allowed(count, None, None, np.diff(starts))
        mask = documents[segment.row_documents]
        before = starts_of(mask)
        if self._is_gathered(count):
            return _Allowed(count, np.flatnonzero(mask), None, np.diff(before[starts]))
        return _Allowed(count, None, mask, np.diff(before[starts]))

    def _documents_of(self, document_ids: Collection[str]) -> Rows:
        """Return where those of these documents stand that are here."""
        numbers = np.array([int(one, 16) for one in document_ids], np.uint64)
        return np.flatnonzero(np.isin(self._segment.document_numbers, numbers))

    def _is_gathered(self, count: int) -> bool:
        if self._part.probes:
            return count <= self._gather_max
        return count <= self._segment.counts.rows * _GATHERED_SHARE

    def _products(
        self, query: _Query, allowed: _Allowed, limit: int
    ) -> tuple[Rows | None, NDArray[np.float64]]:
        """Return the rows that are looked at, None for all, and their products with the query."""
        if allowed.rows is not None:
            return allowed.rows, self._gathered(query, allowed.rows)
        if not self._part.probes or allowed.total <= self._gather_max:
            return None, self._kernel(query.plane, self._segment.high)
        cells = self._probed(query, allowed, limit)
        firsts, ends = self._segment.cell_starts[cells], self._segment.cell_starts[cells + 1]
        rows = ranges(firsts, ends - firsts)
        if allowed.mask is not None:
            rows = rows[allowed.mask[rows]]
            return rows, self._gathered(query, rows)
        high = self._segment.high
        blocks = [
            self._kernel(query.plane, high[first:end])
            for first, end in zip(firsts.tolist(), ends.tolist(), strict=True)
        ]
        return rows, np.concatenate(blocks)

    def _probed(self, query: _Query, allowed: _Allowed, limit: int) -> Rows:
        """Return the cells that are read, in the order of the file.

        They are the nearest ones, and as many as hold the rows that `probes` cells hold when
        everything may be found. Where a scope or `hidden` leaves little of a cell, more are
        read: the share of what may be found that is looked at does not fall.
        """
        segment, probes = self._segment, self._part.probes
        nearness = self._kernel(query.plane, segment.centroids) * segment.centroid_scales
        order = np.argsort(-nearness)
        enough = max(segment.counts.rows * probes // segment.counts.cells, _FEW_TIMES * limit)
        read = np.cumsum(allowed.in_cells[order])
        count = max(int(np.searchsorted(read, enough)) + 1, probes)
        return np.sort(order[:count])

    def _gathered(self, query: _Query, rows: Rows) -> NDArray[np.float64]:
        """Return the products of some rows, a block at a time, so that copies stay in the cache."""
        products = np.empty(len(rows))
        copies = np.empty((min(len(rows), _BLOCK_ROWS), len(query.plane)), np.int8)
        for start in range(0, len(rows), _BLOCK_ROWS):
            some = rows[start : start + _BLOCK_ROWS]
            block = copies[: len(some)]
            # "clip" forgoes a check that costs a third of the time; no row is out of bounds.
            np.take(self._segment.high, some, axis=0, out=block, mode="clip")
            products[start : start + _BLOCK_ROWS] = self._kernel(query.plane, block)
        return products


def _refined(
    segment: Segment, rows: Rows, vector: NDArray[np.float64], limit: int
) -> tuple[Rows, NDArray[np.float64]]:
    """Return the rows that may still be among the best `limit`, and their cosines."""
    if len(rows) > max(_FEW, limit):
        scores: Scores = _cosines(segment, rows, vector.astype(np.float32))
        margin = _ROUNDING + _FLOAT32_ERROR
        rows = rows[contenders(scores, limit, Doubt(margin, margin))]
    return rows, _cosines(segment, rows, vector)


def _cosines(segment: Segment, rows: Rows, vector: NDArray[Any]) -> NDArray[Any]:
    """Return the cosine of both planes of each row, as precise as the vector is given."""
    values = segment.high[rows].astype(vector.dtype)
    values *= LOW_STEPS
    values += segment.low[rows]
    return _dots(values, vector) * (segment.scales[rows] / LOW_STEPS)


def _dots(rows: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
    """Return the scalar product of each row; never by threads of BLAS (see `kernels`)."""
    return np.asarray(np.einsum("ij,j->i", rows, vector))


def _held(
    segment: Segment, rows: Rows, asked: Small, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weight of the terms that each row holds."""
    firsts = segment.term_starts[rows]
    sizes = segment.term_starts[rows.astype(np.int64) + 1] - firsts
    terms = segment.terms[ranges(firsts, sizes)]
    of_rows = np.repeat(np.arange(len(rows)), sizes)
    held = np.zeros(len(rows))
    for term, weight in zip(asked.tolist(), weights.tolist(), strict=True):
        held[of_rows[terms == term]] += weight
    return held


def _sentence_cosines(
    segment: Segment, rows: Rows, vector: NDArray[np.float64], chunks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the highest cosine of each row's sentences; that of the chunk if it has none."""
    firsts = segment.sentence_starts[rows]
    sizes = segment.sentence_starts[rows.astype(np.int64) + 1] - firsts
    sentences = ranges(firsts, sizes)
    planes = segment.sentences[sentences].astype(np.float32)
    cosines = _dots(planes, vector.astype(np.float32))
    best = chunks.copy()
    some = np.flatnonzero(sizes)
    if len(some):
        starts = np.cumsum(sizes[some]) - sizes[some]
        best[some] = np.maximum.reduceat(cosines * segment.sentence_scales[sentences], starts)
    return best
