"""Scalar products of eight-bit rows: by NumKong where it works, by numpy anywhere.

Both give the same whole numbers, so what is found does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from answerable.library.packing import Plane

Products = NDArray[np.float64]
"""``[n]``, whole numbers."""

Kernel = Callable[[Plane, Plane], Products]
"""Takes a query ``[dimension]`` and rows ``[n, dimension]``; gives their scalar products."""

# Sums of this many products of at most 127 * 127 stay below 2 ** 24: a float32 holds them exactly.
_EXACT_NUMBERS = 1024
# From 460,800 numbers on OpenBLAS multiplies with many threads, which wait for each other: on a
# busy machine with two cores that took 20 ms instead of 0.05.
_BLOCK_NUMBERS = 1 << 18


def by_numpy(query: Plane, rows: Plane) -> Products:
    """Return the scalar product of each row with the query, in blocks of float32."""
    products = np.zeros(len(rows))
    step = _BLOCK_NUMBERS // min(len(query), _EXACT_NUMBERS)
    for left in range(0, len(query), _EXACT_NUMBERS):
        part = query[left : left + _EXACT_NUMBERS].astype(np.float32)
        for start in range(0, len(rows), step):
            block = rows[start : start + step, left : left + _EXACT_NUMBERS]
            products[start : start + step] += block.astype(np.float32) @ part
    return products


def by_numkong(query: Plane, rows: Plane) -> Products:
    """Return the scalar product of each row with the query; other threads run meanwhile.

    Raises:
        Exception: NumKong is missing or fails, in whatever way.
    """
    import numkong  # noqa: PLC0415 - half of all commands never search

    products = np.empty(len(rows))
    if len(rows):
        # Of its calls this is the fastest for one query; an `out` of int32 takes 20 times as long.
        numkong.cdist(query[None, :], rows, "dot", out=products[None, :])
    return products


@cache
def fastest() -> Kernel:
    """Return the faster kernel, if it works here and agrees with numpy on a sample."""
    rows = np.arange(-16_000, 16_000, 5, dtype=np.int64).reshape(64, 100) % 255 - 127
    sample = rows.astype(np.int8)
    try:
        agrees = np.array_equal(by_numkong(sample[1], sample), by_numpy(sample[1], sample))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, numpy gives the same results
        agrees = False
    return _guarded if agrees else by_numpy


def _guarded(query: Plane, rows: Plane) -> Products:
    try:
        return by_numkong(query, rows)
    except Exception:  # noqa: BLE001 - as above
        return by_numpy(query, rows)
