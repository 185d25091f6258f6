"""Long texts in windows, and one vector from those of the windows."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from answerable.library.ports import Vectors

_WORD = re.compile(r"\S+\s*")
_CODE_POINT_BYTES_MAX = 4


def well_formed(text: str) -> str:
    """Return the text with a question mark for each lone surrogate, which no UTF-8 holds."""
    return text.encode("utf-8", "replace").decode()


def windows(text: str, bytes_max: int) -> list[str]:
    """Return the text in windows, split at white space, none for a text without words.

    Every character but white space is in one of them, in order. A word that is longer than
    a window is cut.

    Args:
        text: Well-formed.
        bytes_max: Of one window in UTF-8, at least 4.
    """
    if len(text.encode()) <= bytes_max:
        return [text] if text.strip() else []
    made: list[str] = []
    size = bytes_max
    for piece in _pieces(text, bytes_max // _CODE_POINT_BYTES_MAX):
        length = len(piece.encode())
        if size + length > bytes_max:
            made.append("")
            size = 0
        made[-1] += piece
        size += length
    return [stripped for window in made if (stripped := window.strip())]


def _pieces(text: str, characters: int) -> list[str]:
    """Return words with the white space behind them, in pieces of at most so many characters."""
    return [
        word[start : start + characters]
        for word in _WORD.findall(text)
        for start in range(0, len(word), characters)
    ]


def unit(rows: NDArray[np.float64]) -> Vectors:
    """Return the rows at length 1; a row of zeros becomes one of equal numbers.

    Args:
        rows: Finite, ``[n, dimension]``.
    """
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)
    # First to a largest number of 1, so that squares neither overflow nor vanish.
    safe = np.where(largest > 0, rows, 1.0) / np.where(largest > 0, largest, 1.0)
    rows_of_one: Vectors = (safe / np.linalg.norm(safe, axis=1, keepdims=True)).astype(np.float32)
    return rows_of_one


def pool(vectors: NDArray[np.float64], lengths: Sequence[int], counts: Sequence[int]) -> Vectors:
    """Return a row for each text: the mean of its windows, weighted by their lengths.

    A text without windows gets a row of equal numbers.

    Args:
        vectors: Of all windows, text after text, ``[windows, dimension]``.
        lengths: Of the windows.
        counts: How many windows each text has.

    Returns:
        ``[texts, dimension]``, rows of length 1.
    """
    sums = np.zeros((len(counts), vectors.shape[1]))
    owners = np.repeat(np.arange(len(counts)), counts)
    np.add.at(sums, owners, vectors * np.asarray(lengths, dtype=np.float64)[:, None])
    return unit(sums)
