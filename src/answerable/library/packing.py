"""Vectors as they are kept: whole numbers of eight bits, with a scale for each row.

A chunk's vector has two planes. ``scale * high`` is it within 0.4 % of its largest number, and
is what a scan reads; ``scale * (high + low / 254)`` is 250 times nearer, and is what the best of a
scan are measured again by. A sentence has the first plane only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from answerable.library.ports import Vectors

STEPS = 127
LOW_STEPS = 254

Plane = NDArray[np.int8]


class Unpacked(NamedTuple):
    """The vectors of one chunk.

    Attributes:
        scale: Of the chunk.
        high, low: ``[dimension]``.
        sentence_scales: ``[sentences]``.
        sentences: ``[sentences, dimension]``.
    """

    scale: np.float32
    high: Plane
    low: Plane
    sentence_scales: Vectors
    sentences: Plane


def quantise(rows: Vectors) -> tuple[Vectors, Plane]:
    """Return the scale of each row ``[n]`` and its first plane ``[n, dimension]``."""
    largest = np.abs(rows).max(axis=-1, initial=0.0)
    scales = np.where(largest > 0, largest / STEPS, 1.0).astype(np.float32)
    return scales, np.rint(rows / scales[..., None]).astype(np.int8)


def pack(chunk: Vectors, sentences: Vectors) -> bytes:
    """Return the vectors of one chunk and of its sentences as bytes, little-endian.

    First the number of sentences (u32), the scale of the chunk, those of the sentences (f32);
    then both planes of the chunk and the sentences (i8).

    Args:
        chunk: ``[dimension]``.
        sentences: ``[n, dimension]``; n may be 0.
    """
    scales, high = quantise(chunk[None, :])
    low = np.rint((chunk / scales[0] - high[0]) * LOW_STEPS).astype(np.int8)
    sentence_scales, planes = quantise(sentences)
    return b"".join(
        (
            np.uint32(len(sentences)).tobytes(),
            scales.astype("<f4").tobytes(),
            sentence_scales.astype("<f4").tobytes(),
            high.tobytes(),
            low.tobytes(),
            planes.tobytes(),
        )
    )


def unpack(packed: bytes, dimension: int) -> Unpacked:
    """Return what `pack` was given, as far as eight bits hold it.

    Raises:
        ValueError: These are not the vectors of a chunk in this dimension.
    """
    count = int(np.frombuffer(packed, "<u4", 1)[0]) if len(packed) >= 4 else 0  # noqa: PLR2004
    start = 4 * (2 + count)
    if len(packed) != start + dimension * (2 + count):
        raise ValueError(f"{len(packed)} bytes are no vectors of {dimension} numbers")
    scales = np.frombuffer(packed, "<f4", 1 + count, 4)
    planes = np.frombuffer(packed, np.int8, offset=start).reshape(2 + count, dimension)
    return Unpacked(scales[0], planes[0], planes[1], scales[1:], planes[2:])


def hashes(terms: Iterable[str]) -> bytes:
    """Return the CRC-32 of distinct terms, sorted, as u32, little-endian."""
    numbers = {crc32(term.encode("utf-8", "surrogatepass")) for term in terms}
    return np.array(sorted(numbers), "<u4").tobytes()
