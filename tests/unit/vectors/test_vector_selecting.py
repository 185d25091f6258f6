"""Choosing among rough scores: nothing that may be among the best is left out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.adapters.vectors.selecting import Doubt, contenders, doubt
from answerable.library.packing import quantise


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    count=st.sampled_from([0, 1, 5, 127, 128, 3000, 9000]),
    limit=st.integers(1, 60),
    error=st.sampled_from([0.0, 0.001, 0.05]),
    levels=st.sampled_from([3, 50, 100_000]),
)
def test_no_true_best_is_left_out(
    seed: int, count: int, limit: int, error: float, levels: int
) -> None:
    """However scores are off within the doubt, the true best are among the contenders.

    Of few levels, so that many are equal; of two hundred, so that sorting them all is cheap.
    """
    chance = np.random.default_rng(seed)
    true = chance.integers(levels, size=count) / levels
    rough = (true + chance.uniform(-error, error, count)).astype(np.float64)
    found = contenders(rough, limit, Doubt(error, error))
    assert len(set(found.tolist())) == len(found)
    if len(found) < limit + 8192:
        last = np.sort(true)[::-1][:limit][-1:]
        assert set(np.flatnonzero(true >= last).tolist()) <= set(found.tolist())


def test_what_is_ruled_out_never_contends() -> None:
    """Rows of minus infinity are no contenders, also when too few others are there."""
    scores = np.full(1000, -np.inf)
    assert len(contenders(scores, 5, Doubt(0.1, 0.1))) == 0
    scores[7] = 0.5
    assert contenders(scores, 5, Doubt(0.1, 0.1)).tolist() == [7]


def test_a_great_crowd_is_cut() -> None:
    """Among 50,000 equals only so many are measured again, and better ones are all kept."""
    scores = np.zeros(50_000)
    scores[::5000] = 1.0
    found = contenders(scores, 20, Doubt(0.001, 0.001))
    assert len(found) == 20 + 8192
    assert set(range(0, 50_000, 5000)) <= set(found.tolist())


@settings(deadline=None)
@given(seed=st.integers(0, 1000), dimension=st.sampled_from([2, 16, 384]))
def test_doubt_covers_rounding_to_eight_bits(seed: int, dimension: int) -> None:
    """The product of two rounded vectors is off by no more than `surely`, nor by `hardly`."""
    rows = np.random.default_rng(seed).normal(size=(200, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scales, planes = quantise(rows)
    rounded = planes * scales[:, None]
    errors = np.linalg.norm(rows - rounded, axis=1)
    unsure = doubt(float(errors[0]), float(errors.max()), dimension, 0.0)
    off = np.abs(rows @ rows[0] - rounded @ rounded[0]).max()
    assert off <= unsure.surely + 1e-6
    assert off <= unsure.hardly + 1e-6
