"""Long texts in windows of tokens, and one vector from those of the windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from answerable.library.ports import Vectors


def spans(count: int, limit: int) -> list[tuple[int, int]]:
    """Return where to cut a text of `count` tokens: ``[start, end)`` of each window, in order.

    As few windows as can be, side by side, of lengths that differ by one at most: a last window
    of three tokens would mean nothing. A text without tokens has one empty window.

    Args:
        count: At least 0.
        limit: Tokens of the longest window, at least 1.
    """
    windows = max(1, -(-count // limit))
    edges = [count * edge // windows for edge in range(windows + 1)]
    return list(pairwise(edges))


def pooled(means: NDArray[np.float32], lengths: Sequence[int], windows: Sequence[int]) -> Vectors:
    """Return a row for each text: the mean of its windows, weighted by tokens, at length 1.

    Args:
        means: Of the tokens of each window, text after text: ``[windows, dimension]``.
        lengths: Tokens of each window, at least 1.
        windows: How many each text has, at least 1.

    Returns:
        ``[texts, dimension]``.
    """
    if not windows:
        return np.zeros((0, means.shape[-1]), np.float32)
    starts = np.cumsum([0, *windows[:-1]])
    # Only the direction counts, so nothing is divided by the number of tokens.
    sums = np.add.reduceat(means * np.asarray(lengths, np.float32)[:, None], starts, axis=0)
    rows: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return rows
