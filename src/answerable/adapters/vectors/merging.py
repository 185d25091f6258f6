"""Writing the living documents of some parts anew, as one segment, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.vectors.parts import Part
from answerable.adapters.vectors.segment import (
    Counts,
    Segment,
    Small,
    Starts,
    laid_out,
    ordinals_of,
    ranges,
    starts_of,
)
from answerable.library.packing import quantise
from answerable.library.ports import Vectors

_BLOCK_ROWS = 8192


class Cells(NamedTuple):
    """How rows are divided among cells.

    Attributes:
        centroids: ``[cells, dimension]``, length 1.
        of_rows: ``[rows]``: the cell of each row, in the order of `Merger`.
    """

    centroids: Vectors
    of_rows: Small


class _Parts(NamedTuple):
    """Where the sentences, or the terms, of each row are.

    Attributes:
        firsts: ``[rows]``, where they begin in the part of the row.
        sizes: ``[rows]``, how many there are.
    """

    firsts: Starts
    sizes: Starts


class Merger:
    """The living documents of some parts by number, and their rows by document and ordinal.

    Args:
        parts: No document is alive in two of them.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._segments = [part.segment for part in parts]
        alive = [np.flatnonzero(part.alive) for part in parts]
        numbers = np.concatenate(
            [part.segment.document_numbers[of] for part, of in zip(parts, alive, strict=True)]
        )
        order = np.argsort(numbers)
        which = np.repeat(np.arange(len(parts)), [len(of) for of in alive])
        self._document_parts = which[order]
        self._documents = np.concatenate(alive)[order]
        self._sizes = self._documents_of("sizes", np.int64)
        self._row_parts = np.repeat(self._document_parts.astype(np.uint16), self._sizes)
        self._rows = self._rows_in_parts()
        self.rows = len(self._rows)
        self.dimension = self._segments[0].counts.dimension

    def vectors(self, rows: NDArray[Any]) -> Vectors:
        """Return what the first plane says of some rows: ``[n, dimension]``, length 1."""
        values = self._picked("high", rows).astype(np.float32)
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1.0)
        return values

    def pieces(self, cells: Cells | None) -> Iterator[bytes | memoryview]:
        """Give the bytes of the segment: rows by cell, or by document where there are none."""
        order = np.arange(self.rows) if cells is None else np.argsort(cells.of_rows, kind="stable")
        centroids = np.empty((0, self.dimension), np.float32) if cells is None else cells.centroids
        in_cells = np.bincount(() if cells is None else cells.of_rows, minlength=len(centroids))
        centroid_scales, centroid_planes = quantise(centroids)
        places = np.empty(self.rows, np.uint32)
        places[order] = np.arange(self.rows, dtype=np.uint32)
        sentences = self._parts_of_rows("sentence_starts")
        terms = self._parts_of_rows("term_starts")
        label_sets, labels = self._labels()
        counts = Counts(
            self.dimension,
            self.rows,
            int(sentences.sizes.sum()),
            int(terms.sizes.sum()),
            len(self._sizes),
            len(centroids),
        )
        documents = np.arange(len(self._sizes), dtype=np.uint32)
        return laid_out(
            counts,
            label_sets,
            max(segment.error for segment in self._segments),
            {
                "centroids": (centroid_planes,),
                "centroid_scales": (centroid_scales,),
                "cell_starts": (starts_of(in_cells),),
                "high": self._blocks("high", order),
                "scales": self._blocks("scales", order),
                "row_documents": (np.repeat(documents, self._sizes)[order],),
                "row_ordinals": (ordinals_of(self._sizes)[order],),
                "low": self._blocks("low", order),
                "places": (places,),
                "sentence_starts": (starts_of(sentences.sizes[order]),),
                "sentence_scales": self._part_blocks("sentence_scales", order, sentences),
                "sentences": self._part_blocks("sentences", order, sentences),
                "term_starts": (starts_of(terms.sizes[order]),),
                "terms": self._part_blocks("terms", order, terms),
                "document_numbers": (self._documents_of("document_numbers", np.uint64),),
                "content_highs": (self._documents_of("content_highs", np.uint64),),
                "content_lows": (self._documents_of("content_lows", np.uint64),),
                "document_starts": (starts_of(self._sizes),),
                "document_labels": (labels,),
            },
        )

    def _documents_of(self, name: str, kind: Any) -> NDArray[Any]:
        """Return a column of the documents; `sizes` is how many rows each has."""
        columns = [
            np.diff(segment.document_starts) if name == "sizes" else getattr(segment, name)
            for segment in self._segments
        ]
        return _taken(columns, self._document_parts, self._documents).astype(kind)

    def _rows_in_parts(self) -> Small:
        """Return for each row where it stands in its own part."""
        firsts = _taken(
            [segment.document_starts[:-1] for segment in self._segments],
            self._document_parts,
            self._documents,
        )
        places = [segment.places for segment in self._segments]
        return _taken(places, self._row_parts, ranges(firsts, self._sizes))

    def _parts_of_rows(self, name: str) -> _Parts:
        """Return where the sentences, or terms, of each row begin in its own part, how many."""
        starts = [getattr(segment, name) for segment in self._segments]
        rows = self._rows.astype(np.int64)
        firsts = _taken(starts, self._row_parts, rows)
        return _Parts(firsts, _taken(starts, self._row_parts, rows + 1) - firsts)

    def _labels(self) -> tuple[tuple[frozenset[str], ...], Small]:
        """Return the label sets of all parts, and which of them each document has."""
        everything = [labels for segment in self._segments for labels in segment.label_sets]
        known = {labels: index for index, labels in enumerate(dict.fromkeys(everything))}
        columns = [_relabelled(segment, known) for segment in self._segments]
        return tuple(known), _taken(columns, self._document_parts, self._documents)

    def _picked(self, name: str, rows: NDArray[Any]) -> NDArray[Any]:
        columns = [getattr(segment, name) for segment in self._segments]
        return _taken(columns, self._row_parts[rows], self._rows[rows])

    def _blocks(self, name: str, order: NDArray[Any]) -> Iterator[NDArray[Any]]:
        for start in range(0, len(order), _BLOCK_ROWS):
            yield self._picked(name, order[start : start + _BLOCK_ROWS])

    def _part_blocks(self, name: str, order: NDArray[Any], parts: _Parts) -> Iterator[NDArray[Any]]:
        columns = [getattr(segment, name) for segment in self._segments]
        for start in range(0, len(order), _BLOCK_ROWS):
            rows = order[start : start + _BLOCK_ROWS]
            of_parts = np.repeat(self._row_parts[rows], parts.sizes[rows])
            yield _taken(columns, of_parts, ranges(parts.firsts[rows], parts.sizes[rows]))


def _taken(
    columns: Sequence[NDArray[Any]], parts: NDArray[Any], places: NDArray[Any]
) -> NDArray[Any]:
    """Return ``columns[part][place]`` for each part and place."""
    taken = np.empty((len(places), *columns[0].shape[1:]), columns[0].dtype)
    for number, column in enumerate(columns):
        of = np.flatnonzero(parts == number)
        taken[of] = column[places[of]]
    return taken


def _relabelled(segment: Segment, known: dict[frozenset[str], int]) -> Small:
    new = np.array([known[labels] for labels in segment.label_sets], np.uint32)
    return new[segment.document_labels]
