"""Long texts in windows: no token is lost, and no window counts for more than its tokens."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from answerable.adapters.embedders.windows import pooled, spans

few = st.integers(1, 9)


@given(count=st.integers(0, 3000), limit=st.integers(1, 300))
def test_every_token_is_in_one_window(count: int, limit: int) -> None:
    """In order, none longer than the limit, none much shorter, as few as can be."""
    cuts = spans(count, limit)
    assert [at for start, end in cuts for at in range(start, end)] == list(range(count))
    lengths = [end - start for start, end in cuts]
    assert max(lengths) <= limit
    assert max(lengths) - min(lengths) <= 1
    assert len(cuts) == max(1, -(-count // limit))


def test_a_text_without_tokens_has_a_window() -> None:
    """An empty text gets a vector like any other."""
    assert spans(0, 254) == [(0, 0)]


@given(data=st.data(), windows=st.lists(few, min_size=1, max_size=5))
def test_a_row_is_the_mean_of_all_tokens(data: st.DataObject, windows: list[int]) -> None:
    """Weighted by tokens, of its own windows only, and of length 1."""
    total = sum(windows)
    lengths = data.draw(st.lists(st.integers(1, 256), min_size=total, max_size=total))
    numbers = st.floats(0.125, 1, width=32)
    means = data.draw(arrays.arrays(np.float32, (total, 3), elements=numbers))
    rows = pooled(means, lengths, windows)
    start = 0
    for row, count in zip(rows, windows, strict=True):
        own = slice(start, start + count)
        mean = np.average(means[own].astype(np.float64), axis=0, weights=lengths[own])
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), rtol=1e-5)
        start += count
    assert rows.dtype == np.float32


def test_no_text_gives_no_rows() -> None:
    """Of the right width."""
    assert pooled(np.zeros((0, 384), np.float32), [], []).shape == (0, 384)
