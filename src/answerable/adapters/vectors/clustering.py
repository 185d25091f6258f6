"""Dividing rows into cells, so that a search reads only the few whose middles are near.

How many it must read is measured: questions are made up, their ten nearest rows are found by
looking at all, and the cells these lie in are counted from the nearest on. Questions are no
passages, so two kinds are made, both far from any row: a row with much noise on it, and the middle
between two rows of anywhere. The kind that needs more cells decides. With a million rows, 67,594 of
them MiniLM's and the rest mixed from those, that gave 367 of 8,000 cells and a recall of .989; on
600 real questions it was .991.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.vectors.merging import Cells
from answerable.adapters.vectors.segment import Small
from answerable.library.ports import Check, Vectors, unchecked

RECALL_MIN = 0.988
"""Share of the ten nearest that the chosen number of cells must hold."""

NEAREST = 10
"""Of how many the share is."""

_RECALL_AIM = 0.992
_PROBES_MAX = 0.25
# Half as many cells take half the time to divide (220 s of one core for a million rows), but twice
# as much must be read for the same recall. Comparing a row only with the middles of its region is
# faster still, but a row that is not in its nearest cell is hardly ever found: at a million rows
# one in thirty was not, and recall fell from .991 to .973 with more than twice the cells read.
_CELLS_OF_ROOT = 8
_SAMPLE_PER_CELL = 24
_ROUNDS = 6
_QUESTIONS = 512
_QUESTION_COSINE = 0.5
# Where few cells are enough, real questions need some more than made-up ones do. Of a million rows
# that are 14,423 real ones with noise, in 8,000 cells, the made-up needed 16 (recall .991), and
# 1,000 real ones found .972 with 16, .979 with 24, .986 with 32: half a percent of the rows.
_MORE = 16
_BLOCK_ROWS = 4096
_SEED = 20_261_123

Read = Callable[[NDArray[Any]], Vectors]
"""Gives some rows: ``[n, dimension]``, length 1."""


class Division(NamedTuple):
    """How rows are divided.

    Attributes:
        probes: How many cells a search reads; 0: so many would be needed that all rows are read.
        recall: Measured with so many on questions that they were not chosen by; None for all.
    """

    cells: Cells
    probes: int
    recall: float | None


class _Measured(NamedTuple):
    """What one look at all rows gave.

    Attributes:
        of_rows: The cell of each row.
        nearest: ``[questions, NEAREST]``, the rows nearest to each question.
    """

    of_rows: Small
    nearest: NDArray[np.int64]


def divided(read: Read, rows: int, check: Check = unchecked) -> Division:
    """Divide rows into cells and choose how many of them a search must read.

    Args:
        read: Gives the rows.
        rows: How many there are.
        check: Called before each block of rows.
    """
    chance = np.random.default_rng(_SEED)
    count = min(rows, round(_CELLS_OF_ROOT * rows**0.5))
    sample = read(_some(rows, count * _SAMPLE_PER_CELL, chance))
    centroids = trained(sample, count, chance, check)
    questions = made_up(read, rows, chance)
    measured = _measured(read, rows, centroids, questions, check)
    ranks = _ranks(measured, centroids, questions)
    probes, recall = chosen(ranks, round(count * _PROBES_MAX))
    return Division(Cells(centroids, measured.of_rows), probes, recall)


def _some(rows: int, count: int, chance: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(chance.choice(rows, min(rows, count), replace=False))


def trained(
    sample: Vectors, count: int, chance: np.random.Generator, check: Check = unchecked
) -> Vectors:
    """Return the middles of so many cells: ``[count, dimension]``, length 1.

    A cell that nothing is nearest to begins anew at a row of the sample.

    Source: Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data Using
    Clustering", Machine Learning 42, 2001 (spherical k-means).
    """
    centroids = sample[_some(len(sample), count, chance)]
    for _ in range(_ROUNDS):
        cells = np.concatenate(
            [_nearest_cells(block, centroids) for block in _blocks(sample, check)]
        )
        order = np.argsort(cells, kind="stable")
        sizes = np.bincount(cells, minlength=count)
        full = np.flatnonzero(sizes)
        starts = np.cumsum(sizes[full]) - sizes[full]
        centroids[full] = np.add.reduceat(sample[order], starts)
        empty = np.flatnonzero(sizes == 0)
        centroids[empty] = sample[chance.integers(len(sample), size=len(empty))]
        centroids = _of_length_1(centroids)
    return centroids


def _blocks(rows: Vectors, check: Check) -> Iterator[Vectors]:
    for start in range(0, len(rows), _BLOCK_ROWS):
        check()
        yield rows[start : start + _BLOCK_ROWS]


def _nearest_cells(rows: Vectors, centroids: Vectors) -> Small:
    return np.asarray(np.argmax(rows @ centroids.T, axis=1), np.uint32)


def _of_length_1(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def made_up(read: Read, rows: int, chance: np.random.Generator) -> Vectors:
    """Return questions: first rows with noise, then as many from between two rows."""
    count = min(rows, _QUESTIONS // 2)
    one, other = read(_some(rows, count, chance)), read(chance.integers(rows, size=count))
    noise = _of_length_1(chance.standard_normal(one.shape, np.float32))
    share = (1 - _QUESTION_COSINE**2) ** 0.5
    return _of_length_1(np.concatenate([_QUESTION_COSINE * one + share * noise, one + other]))


def _measured(
    read: Read, rows: int, centroids: Vectors, questions: Vectors, check: Check
) -> _Measured:
    """Look at every row once: which cell it belongs to, and which questions it is near to."""
    of_rows = np.empty(rows, np.uint32)
    best = np.full((len(questions), NEAREST), -np.inf, np.float32)
    nearest = np.zeros((len(questions), NEAREST), np.int64)
    for start in range(0, rows, _BLOCK_ROWS):
        check()
        numbers = np.arange(start, min(start + _BLOCK_ROWS, rows))
        block = read(numbers)
        of_rows[numbers] = _nearest_cells(block, centroids)
        scores = np.concatenate([best, questions @ block.T], axis=1)
        known = np.concatenate([nearest, np.broadcast_to(numbers, (len(best), len(block)))], axis=1)
        top = np.argpartition(scores, -NEAREST, axis=1)[:, -NEAREST:]
        best = np.take_along_axis(scores, top, axis=1)
        nearest = np.take_along_axis(known, top, axis=1)
    return _Measured(of_rows, nearest)


def _ranks(measured: _Measured, centroids: Vectors, questions: Vectors) -> NDArray[np.int64]:
    """Return how many cells are read before that of each nearest row: ``[questions, NEAREST]``."""
    order = np.argsort(-(questions @ centroids.T), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(centroids))[None, :], axis=1)
    cells = measured.of_rows[measured.nearest].astype(np.int64)
    return np.take_along_axis(ranks, cells, axis=1)


def chosen(ranks: NDArray[np.int64], probes_max: int) -> tuple[int, float | None]:
    """Return how many cells are to be read and the recall that gives; (0, None) for all.

    Chosen by every other question, with something to spare, and measured by the rest. Where these
    find too little, twice as many are read, and so on: a little too few is no reason to read all.

    Args:
        ranks: ``[questions, nearest]``: how many cells are read before that of each nearest row.
            The first half of the questions are of one kind, the second of another.
        probes_max: When more are needed, looking at all rows is as fast.
    """
    kinds = np.split(ranks, [len(ranks) // 2])
    probes = max(_probes(kind[::2]) for kind in kinds)
    probes += min(probes, _MORE)
    while probes <= probes_max:
        recall = min(float(np.mean(kind[1::2] < probes)) for kind in kinds)
        if recall >= RECALL_MIN:
            return probes, recall
        probes *= 2
    return 0, None


def _probes(ranks: NDArray[np.int64]) -> int:
    """Return how many cells hold the share of rows that is aimed at."""
    ordered = np.sort(ranks, axis=None)
    return int(ordered[min(int(np.ceil(len(ordered) * _RECALL_AIM)), len(ordered)) - 1]) + 1
