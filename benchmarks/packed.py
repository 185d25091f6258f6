"""Vectors as the product keeps them, in one file for the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from answerable.domain.documents import Member
from answerable.library.packing import hashes, pack
from answerable.library.ports import Analyser, State, Vectored, Vectors
from answerable.library.trust import terms_of

_AT_ONCE = 256
_SENTENCE_NOISE = 0.5


class Packed:
    """The vectors as the product keeps them, in one file, by the number of the chunk."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "packed.bin"
        self._ends = folder / "packed.npy"

    def write(self, vectors: Vectors, sentences: Sequence[int]) -> None:
        """Pack vectors; those of sentences are near the one of their chunk."""
        random = np.random.default_rng(1)
        ends = np.zeros(len(vectors) + 1, np.int64)
        with self._file.open("wb") as out:
            for at, (vector, count) in enumerate(zip(vectors, sentences, strict=True)):
                noise = random.standard_normal((count, len(vector)), np.float32)
                near = vector + noise * (_SENTENCE_NOISE / np.sqrt(len(vector)))
                near /= np.linalg.norm(near, axis=1, keepdims=True)
                out.write(pack(vector, near.astype(np.float32)))
                ends[at + 1] = out.tell()
        np.save(self._ends, ends)

    def of(self, members: Sequence[Member], state: State, analyser: Analyser) -> Iterator[Vectored]:
        """Give the vectors and terms of documents, whose chunks are numbered in this order."""
        packed, ends = np.memmap(self._file, np.uint8, "r"), np.load(self._ends)
        at = 0
        for first in range(0, len(members), _AT_ONCE):
            group = members[first : first + _AT_ONCE]
            contents = state.contents([member.content_id for member in group])
            for member in group:
                content = contents[member.content_id]
                rows = range(at, at + member.chunks)
                yield Vectored(
                    document=member.document,
                    content_id=member.content_id,
                    packed=[packed[ends[row] : ends[row + 1]].tobytes() for row in rows],
                    terms=[
                        hashes(terms_of(analyser, content.text, chunk)) for chunk in content.chunks
                    ],
                )
                at += member.chunks
