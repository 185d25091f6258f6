"""One sealed revision, searched by words and by vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import tantivy

from answerable.adapters.columns import from_columns
from answerable.adapters.index import fields
from answerable.adapters.index.searching import TantivySearcher
from answerable.adapters.vectors.searching import VectorSearcher
from answerable.domain.errors import Corrupt, NotReady
from answerable.domain.questions import Scope
from answerable.library.ports import Hit, Nearness, Searcher, Unit, Vectors


class CombinedSearcher(TantivySearcher):
    """Words by tantivy, vectors by segments of our own.

    Args:
        indexes: The two indexes of words.
        vectors: By the digest of the embedder; none of them empty.
    """

    def __init__(
        self, indexes: Mapping[Unit, tantivy.Index], vectors: Mapping[str, VectorSearcher]
    ) -> None:
        super().__init__(indexes)
        self._vectors = vectors

    @property
    def covered(self) -> Mapping[str, int]:
        """How many chunks have a vector, by the digest of the embedder."""
        return {embedder: vectors.rows for embedder, vectors in self._vectors.items()}

    def without_vectors(self, embedder: str, content_ids: Collection[str]) -> frozenset[str]:
        """Return those of these contents of which a chunk has no vector of this embedder.

        Looks at every document of the revision: for work in the background, not for an ask.
        """
        vectors = self._vectors.get(embedder)
        if vectors and vectors.rows == self.chunks:
            return frozenset()
        asked = frozenset(content_ids)
        held = vectors.contents() if vectors else set()
        missing = (
            (fields.document_id(number), fields.content_id(high, low))
            for number, high, low in self.contents()
            if (number, high, low) not in held
        )
        return frozenset(
            content_id
            for document_id, content_id in missing
            if content_id in asked and self.chunks_of(document_id)
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
        """Return at most `limit` chunks by cosine, best first; ties by document id and ordinal.

        Cosines count as equal when they agree to four decimals; among more than 8,192 that may
        be equal at the limit, some are kept.
        """
        vectors = self._of(embedder, vector)
        if limit < 1 or not scope.labels:
            return ()
        with _whole():
            found = vectors.nearest(vector, scope.labels, hidden, limit)
        hits = from_columns(
            Hit,
            len(found.documents),
            document_id=fields.document_ids(found.documents),
            content_id=fields.content_ids(found.highs, found.lows),
            ordinal=found.ordinals,
            score=found.scores,
        )
        return tuple(hits)

    def nearness(
        self,
        embedder: str,
        vector: Vectors,
        weights: Mapping[str, float],
        hits: Sequence[Hit],
    ) -> Nearness:
        """Return how near these chunks are, and the weight of those of these terms they hold."""
        return self._of(embedder, vector).nearness(vector, weights, hits)

    def sentences(
        self, embedder: str, vector: Vectors, hits: Sequence[Hit]
    ) -> tuple[tuple[float, ...], ...]:
        """Return the cosine of every sentence of each of these chunks, in order."""
        return self._of(embedder, vector).sentences(vector, hits)

    def _of(self, embedder: str, vector: Vectors) -> VectorSearcher:
        vectors = self._vectors.get(embedder)
        if vectors is None:
            raise not_held(embedder, self.covered)
        if vector.shape != (vectors.dimension,):
            raise other_dimension(vectors.dimension, vector)
        return vectors


_: Callable[..., Searcher] = CombinedSearcher


@contextmanager
def _whole() -> Iterator[None]:
    """Turn what a damaged segment makes numpy raise into `Corrupt`."""
    try:
        yield
    except IndexError as error:
        raise Corrupt(
            "the vectors of the serving revision cannot be read",
            hint="answerable revisions verify",
        ) from error


def not_held(embedder: str, covered: Mapping[str, int]) -> NotReady:
    """Return the error of a revision without vectors of an embedder."""
    held = ", ".join(f"{count} of {one[:12]}" for one, count in sorted(covered.items()))
    return NotReady(
        f"the serving revision has no vectors of embedder {embedder[:12]}; "
        f"it holds {held or 'none at all'}",
        hint="answerable embedders fill",
    )


def other_dimension(dimension: int, vector: Vectors) -> NotReady:
    """Return the error of a question's vector that fits none of the revision's."""
    return NotReady(
        f"the question's vector has {vector.shape[-1]} numbers, the revision's have {dimension}",
        hint="answerable embedders fill",
    )
