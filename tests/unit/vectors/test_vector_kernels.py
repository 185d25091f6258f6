"""Scalar products: both kernels give the same whole numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.adapters.vectors import kernels
from answerable.adapters.vectors.kernels import by_numkong, by_numpy, fastest
from answerable.library.packing import Plane


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Choose the kernel anew in each test and after it."""
    fastest.cache_clear()
    yield
    fastest.cache_clear()


def planes(seed: int, rows: int, dimension: int) -> tuple[Plane, Plane]:
    """Return a query and rows; every fourth row is as long as can be."""
    chance = np.random.default_rng(seed)
    drawn = chance.integers(-127, 128, (rows + 1, dimension)).astype(np.int8)
    drawn[::4] = 127
    return drawn[0], drawn[1:]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 99),
    rows=st.sampled_from([0, 1, 2, 63, 64, 65, 257, 700, 1025]),
    dimension=st.sampled_from([1, 2, 31, 64, 255, 384, 1023, 1024, 1025, 1537, 2101]),
)
def test_both_kernels_are_exact(seed: int, rows: int, dimension: int) -> None:
    """Whatever the shape and however large the numbers, both give the exact products."""
    query, block = planes(seed, rows, dimension)
    want = block.astype(np.int64) @ query.astype(np.int64)
    assert by_numpy(query, block).tolist() == want.tolist()
    assert by_numkong(query, block).tolist() == want.tolist()


def test_rows_that_cannot_be_written_are_read() -> None:
    """Rows of a mapped file are read-only; both kernels take them."""
    query, rows = planes(1, 50, 384)
    kept = np.frombuffer(rows.tobytes(), np.int8).reshape(rows.shape)
    assert by_numkong(query, kept).tolist() == by_numpy(query, kept).tolist()


def test_numkong_is_taken_where_it_works() -> None:
    """It is the faster one, and installed here."""
    assert fastest() is kernels._guarded


def test_without_numkong_numpy_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, nobody notices but the clock."""
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert fastest() is by_numpy


def test_a_numkong_that_is_wrong_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor on which it gives other numbers gets numpy."""
    monkeypatch.setattr(kernels, "by_numkong", lambda query, rows: by_numpy(query, rows) + 1)
    assert fastest() is by_numpy


def test_a_numkong_that_fails_later_costs_nothing_but_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error in the middle of a search is answered by numpy."""
    kernel = fastest()

    def fail(*_: object) -> None:
        raise RuntimeError("unsupported")

    monkeypatch.setattr(kernels, "by_numkong", fail)
    query, rows = planes(2, 9, 12)
    assert kernel(query, rows).tolist() == by_numpy(query, rows).tolist()
