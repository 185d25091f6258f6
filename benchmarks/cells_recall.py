"""How many cells real questions need, beside what made-up ones choose: the recall of `clustering`.

    python benchmarks/cells_recall.py 1000000

Rows are the vectors of real chunks that the hybrid benchmark has kept below the user's cache folder
(`make bench` makes them), and beyond them real ones with noise, as there. Scores are exact, so what
is lost is lost by cells that were not read. Takes five minutes and 2 GB for a million rows.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from answerable.adapters.vectors import clustering
from answerable.library.ports import Vectors
from corpus import SEED
from vectors import NOISE, cache_folder, unit

_QUESTIONS = 1_000
_BLOCK = 50_000
_NEAREST = 10


def main() -> None:
    """Divide the rows, ask, and print the recall for some numbers of cells."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    count = parser.parse_args().rows
    chance = np.random.default_rng(SEED)
    rows = made(kept("passage"), count, chance)
    questions = chance.permutation(kept("question"))[:_QUESTIONS]
    division = clustering.divided(lambda numbers: rows[numbers], count)
    nearest = exact(rows, questions)
    print(f"{count:,} rows, {len(division.cells.centroids):,} cells, {len(questions):,} questions")
    print(f"chosen: {division.probes}, recall of made-up questions {division.recall}")
    for times in (0.5, 0.75, 1.0, 1.5, 2.0):
        probes = max(1, round(times * division.probes))
        found, share = recall(division.cells, questions, nearest, probes)
        print(f"{probes:>6} cells: recall {found:.4f}, {share:.2%} of the rows read")


def kept(purpose: str) -> Vectors:
    """Return the vectors that were kept of real texts."""
    file = next(iter(sorted(cache_folder().glob(f"*-{purpose}.npz"))), None)
    if file is None:
        raise SystemExit("no vectors are kept yet; run benchmarks/run.py --part hybrid first")
    with np.load(file) as found:
        return np.asarray(found["rows"], np.float32)


def made(real: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    """Return so many rows: the real ones, then real ones with noise."""
    rows = np.empty((count, real.shape[1]), np.float32)
    rows[: len(real)] = real[:count]
    for start in range(len(real), count, _BLOCK):
        some = rows[start : start + _BLOCK]
        noise = unit(chance.standard_normal(some.shape, np.float32))
        some[:] = unit(real[chance.integers(len(real), size=len(some))] + NOISE * noise)
    return rows


def exact(rows: Vectors, questions: Vectors) -> NDArray[np.int64]:
    """Return the ten nearest rows of each question, by looking at all."""
    best = np.full((len(questions), _NEAREST), -np.inf, np.float32)
    nearest = np.zeros(best.shape, np.int64)
    for start in range(0, len(rows), _BLOCK):
        scores = questions @ rows[start : start + _BLOCK].T
        top = np.argpartition(-scores, _NEAREST, axis=1)[:, :_NEAREST]
        known = np.concatenate([best, np.take_along_axis(scores, top, 1)], axis=1)
        numbers = np.concatenate([nearest, top + start], axis=1)
        order = np.argsort(-known, axis=1)[:, :_NEAREST]
        best = np.take_along_axis(known, order, 1)
        nearest = np.take_along_axis(numbers, order, 1)
    return nearest


def recall(
    cells: clustering.Cells, questions: Vectors, nearest: NDArray[np.int64], probes: int
) -> tuple[float, float]:
    """Return which share of the nearest rows is found, and which share of all is read for that."""
    order = np.argsort(-(questions @ cells.centroids.T), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(order.shape[1])[None, :], axis=1)
    sizes = np.bincount(cells.of_rows, minlength=order.shape[1])
    read = np.cumsum(sizes[order], axis=1)
    enough = len(cells.of_rows) * probes // order.shape[1]
    # As many as hold the rows that so many cells hold: `VectorSearcher` reads no fewer.
    counts = np.maximum((read < enough).sum(axis=1) + 1, probes)
    of_nearest = np.take_along_axis(ranks, cells.of_rows[nearest].astype(np.int64), 1)
    share = np.take_along_axis(read, counts[:, None] - 1, 1).mean() / len(cells.of_rows)
    return float((of_nearest < counts[:, None]).mean()), float(share)


if __name__ == "__main__":
    main()
