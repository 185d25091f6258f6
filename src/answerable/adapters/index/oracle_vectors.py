"""Vectors in plain Python: slow, small, and what the real ones are compared with in tests."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from zlib import crc32

import numpy as np

from answerable.adapters.index.combined import not_held, other_dimension
from answerable.adapters.vectors.searching import SCORE_DIGITS
from answerable.adapters.vectors.segment import dimension_of
from answerable.domain.questions import Scope
from answerable.library.packing import LOW_STEPS, unpack
from answerable.library.ports import Entry, Hit, Nearness, Vectored, Vectors

Held = Mapping[str, Mapping[str, Vectored]]
"""By the digest of the embedder and the id of the document."""


def joined(base: Held, fresh: Held, *, gone: Collection[str], outdated: Collection[str]) -> Held:
    """Return the vectors of a base without `gone`, and fresh ones without `outdated`."""
    return {
        embedder: {
            **_without(base.get(embedder, {}), gone),
            **_without(fresh.get(embedder, {}), outdated),
        }
        for embedder in {*base, *fresh}
    }


def _without(documents: Mapping[str, Vectored], gone: Collection[str]) -> dict[str, Vectored]:
    return {one: known for one, known in documents.items() if one not in gone}


class OracleVectors:
    """Searches vectors by looking at every one."""

    def __init__(self, entries: Iterable[Entry], held: Held) -> None:
        self._entries = list(entries)
        self._held = {
            embedder: documents
            for embedder, documents in held.items()
            if any(one.packed for one in documents.values())
        }

    @property
    def covered(self) -> Mapping[str, int]:
        """How many chunks have a vector, by the digest of the embedder."""
        return {
            embedder: sum(len(one.packed) for one in documents.values())
            for embedder, documents in self._held.items()
        }

    def without_vectors(self, embedder: str, content_ids: Collection[str]) -> frozenset[str]:
        """Return those of these contents of which a chunk has no vector of this embedder."""
        held = self._held.get(embedder, {})
        return frozenset(
            entry.content.id
            for entry in self._entries
            if entry.content.chunks and entry.content.id in content_ids
            if entry.document.id not in held
        )

    def nearest(
        self,
        embedder: str,
        vector: Vectors,
        scope: Scope,
        *,
        hidden: frozenset[str],
        limit: int,
    ) -> tuple[Hit, ...]:
        """Return at most `limit` chunks by cosine, best first; ties by document id and ordinal."""
        hits = [
            Hit(
                document_id=one.document.id,
                content_id=one.content_id,
                ordinal=ordinal,
                score=_cosine(packed, vector),
            )
            for one in self._of(embedder, vector).values()
            if scope.allows(one.document.labels) and one.document.id not in hidden
            for ordinal, packed in enumerate(one.packed)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.document_id, hit.ordinal))
        return tuple(hits[: max(limit, 0)])

    def nearness(
        self,
        embedder: str,
        vector: Vectors,
        weights: Mapping[str, float],
        hits: Sequence[Hit],
    ) -> Nearness:
        """Return how near these chunks are, and the weight of those of these terms they hold."""
        packed = list(self._packed(embedder, vector, hits))
        chunks = [_cosine(one, vector) if one else math.nan for one in packed]
        sentences = [
            max(_sentences(one, vector), default=cosine) if one else math.nan
            for one, cosine in zip(packed, chunks, strict=True)
        ]
        held = [
            self._weight(embedder, hit, weights) if one else math.nan
            for one, hit in zip(packed, hits, strict=True)
        ]
        return Nearness(np.array(chunks), np.array(sentences), np.array(held))

    def _weight(self, embedder: str, hit: Hit, weights: Mapping[str, float]) -> float:
        known = self._held[embedder][hit.document_id]
        terms = known.terms[hit.ordinal] if known.terms else b""
        held = set(np.frombuffer(terms, "<u4").tolist())
        return sum((its for term, its in weights.items() if crc32(term.encode()) in held), 0.0)

    def sentences(
        self, embedder: str, vector: Vectors, hits: Sequence[Hit]
    ) -> tuple[tuple[float, ...], ...]:
        """Return the cosine of every sentence of each of these chunks, in order."""
        packed = self._packed(embedder, vector, hits)
        return tuple(tuple(_sentences(one, vector)) if one else () for one in packed)

    def _packed(
        self, embedder: str, vector: Vectors, hits: Sequence[Hit]
    ) -> Iterator[bytes | None]:
        documents = self._of(embedder, vector)
        for hit in hits:
            known = documents.get(hit.document_id)
            yield dict(enumerate(known.packed)).get(hit.ordinal) if known else None

    def _of(self, embedder: str, vector: Vectors) -> Mapping[str, Vectored]:
        if embedder not in self._held:
            raise not_held(embedder, self.covered)
        documents = self._held[embedder]
        packed = next(packed for one in documents.values() for packed in one.packed)
        if vector.shape != (dimension_of(packed),):
            raise other_dimension(dimension_of(packed), vector)
        return documents


def _cosine(packed: bytes, vector: Vectors) -> float:
    row = unpack(packed, len(vector))
    exact = vector.astype(np.float64)
    plane = row.high.astype(np.float64) + row.low.astype(np.float64) / LOW_STEPS
    return round(float(row.scale) * float(plane @ exact), SCORE_DIGITS)


def _sentences(packed: bytes, vector: Vectors) -> list[float]:
    row = unpack(packed, len(vector))
    exact = vector.astype(np.float64)
    return [
        round(float(scale) * float(sentence.astype(np.float64) @ exact), SCORE_DIGITS)
        for scale, sentence in zip(row.sentence_scales, row.sentences, strict=True)
    ]
