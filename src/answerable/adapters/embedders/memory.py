"""Vectors of hashed words: no meaning, no weights; for tests, and for trying things out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256

import numpy as np

from answerable.adapters.embedders.pooling import unit, well_formed
from answerable.library.ports import Embedder, Purpose, Vectors

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """A bag of words: two texts are near when they have words in common.

    Every word counts in one place of the vector, up or down as its hash says. The same on every
    machine.

    Args:
        dimension: How many numbers a vector has.
        name: Two of different names have different digests, and place words differently.
    """

    def __init__(self, dimension: int = 64, *, name: str = "hashing") -> None:
        self.name = name
        self.dimension = dimension
        self.batch = 64
        self.tokens_max = 512
        self.digest = sha256(f"hashing 1 {dimension} {name}".encode()).hexdigest()

    def embed(self, texts: Sequence[str], *, purpose: Purpose) -> Vectors:
        """Return a row for each text; the purpose makes no difference."""
        del purpose
        rows = np.zeros((len(texts), self.dimension))
        for row, text in zip(rows, texts, strict=True):
            for word in _WORD.findall(well_formed(text).lower()):
                place, sign = self._place(word)
                row[place] += sign
        return unit(rows)

    def _place(self, word: str) -> tuple[int, int]:
        number = int.from_bytes(
            blake2b(word.encode(), digest_size=8, key=self.name.encode()[:64]).digest()
        )
        return number // 2 % self.dimension, 1 - 2 * (number % 2)


_: Callable[..., Embedder] = HashingEmbedder
