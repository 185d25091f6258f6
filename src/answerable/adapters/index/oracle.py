"""The index in plain Python: slow, small, and what the real one is compared with in tests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from answerable.adapters.index.oracle_vectors import Held, OracleVectors, joined
from answerable.adapters.index.searching import TERMS_MAX
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt
from answerable.domain.questions import Scope
from answerable.library.ports import (
    Analyser,
    Boosts,
    Check,
    Entry,
    Hit,
    Index,
    Prepared,
    Searcher,
    Unit,
    Vectored,
    unchecked,
)
from answerable.library.visible import shown

K1 = 1.2
B = 0.75


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A chunk or page: who it is and how often each field holds each term or whole."""

    document_id: str
    content_id: str
    ordinal: int
    labels: frozenset[str]
    title: Counter[str]
    heading: Counter[str]
    body: Counter[str]
    whole: Counter[str]


class OracleSearcher(OracleVectors):
    """One revision, searched by looking at every row."""

    def __init__(
        self, rows: Mapping[Unit, Sequence[_Row]], entries: Iterable[Entry], vectors: Held
    ) -> None:
        super().__init__(entries, vectors)
        self._rows = rows

    def find(
        self,
        terms: Sequence[str],
        scope: Scope,
        *,
        hidden: frozenset[str],
        unit: Unit,
        limit: int,
        boosts: Boosts,
        wholes: Sequence[str] = (),
        others: Sequence[str] = (),
        within: frozenset[str] | None = None,
    ) -> tuple[Hit, ...]:
        """Return at most `limit` hits that hold any of the terms, best first; ties by id."""
        if not terms:
            return ()
        rows = self._rows[unit]
        fields = (
            (boosts.title, terms, [row.title for row in rows]),
            (boosts.heading, terms, [row.heading for row in rows]),
            (boosts.body, terms, [row.body for row in rows]),
            (boosts.whole, wholes, [row.whole for row in rows]),
            (boosts.other * boosts.title, others, [row.title for row in rows]),
            (boosts.other * boosts.heading, others, [row.heading for row in rows]),
            (boosts.other * boosts.body, others, [row.body for row in rows]),
        )
        scores = [0.0] * len(rows)
        for weight, asked, counts in fields:
            counted = dict(islice(Counter(asked).items(), TERMS_MAX))
            for number, score in enumerate(_bm25(counts, counted)):
                scores[number] += weight * score
        hits = [
            Hit(
                document_id=row.document_id,
                content_id=row.content_id,
                ordinal=row.ordinal,
                score=round(score, 4),
            )
            for row, score in zip(rows, scores, strict=True)
            if score > 0 and scope.allows(row.labels) and row.document_id not in hidden
            if within is None or row.document_id in within
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.document_id, hit.ordinal))
        return tuple(hits[: max(limit, 0)])

    def frequencies(self, terms: Collection[str]) -> Mapping[str, int]:
        """Return for each term how many chunks hold it in their body."""
        return {term: sum(term in row.body for row in self._rows["chunk"]) for term in terms}

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return len(self._rows["chunk"])


class OraclePrepared:
    """Vectors in a dict."""

    def __init__(self, held: Held) -> None:
        self.held = held

    @property
    def documents(self) -> frozenset[str]:
        """The ids of the documents whose vectors these are."""
        return frozenset(one for documents in self.held.values() for one in documents)

    def close(self) -> None:
        """Do nothing."""


_prepared: Callable[..., Prepared] = OraclePrepared


class OracleIndex:
    """Keeps revisions in dicts."""

    def __init__(self, *, analyser: Analyser) -> None:
        self._analyser = analyser
        self._kept: dict[tuple[int, str], dict[str, Entry]] = {}
        self._vectors: dict[tuple[int, str], Held] = {}

    def prepare(
        self,
        base: Revision | None,
        vectors: Mapping[str, Iterable[Vectored]],
        *,
        check: Check = unchecked,
    ) -> OraclePrepared:
        """Keep vectors."""
        if base:
            self._get(base.number, base.manifest)
        check()
        return OraclePrepared(
            {embedder: {one.document.id: one for one in some} for embedder, some in vectors.items()}
        )

    def is_settled(self, number: int, manifest: str) -> bool:
        """Return True: there is nothing to write anew."""
        self._get(number, manifest)
        return True

    def build(
        self,
        number: int,
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        prepared: Prepared | None = None,
        outdated: Collection[str] = (),
    ) -> str:
        """Keep the documents of a revision: the base without `gone` and with `added`."""
        assert prepared is None or isinstance(prepared, OraclePrepared)  # noqa: S101 # our own
        entries = dict(self._get(base.number, base.manifest)) if base else {}
        for document_id in gone:
            entries.pop(document_id, None)
        fresh = {entry.document.id: entry for entry in added}
        entries.update(fresh)
        manifest = sha256(f"{number}\n{len(self._kept)}".encode()).hexdigest()
        self._kept[number, manifest] = entries
        self._vectors[number, manifest] = joined(
            self._vectors[base.number, base.manifest] if base else {},
            prepared.held if prepared else {},
            gone={*gone, *fresh},
            outdated={*gone, *outdated},
        )
        return manifest

    def purge(
        self,
        revision: Revision,
        documents: Collection[str],
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        check: Check = unchecked,
    ) -> str:
        """Keep the documents of a revision anew, without these."""
        check()
        held = self._vectors.get((revision.number, revision.manifest), {})
        entries = dict(self._get(base.number, base.manifest)) if base else {}
        for document_id in gone:
            entries.pop(document_id, None)
        entries.update((entry.document.id, entry) for entry in added)
        manifest = sha256(f"{revision.manifest}\n{len(self._kept)}".encode()).hexdigest()
        self._kept[revision.number, manifest] = entries
        self._vectors[revision.number, manifest] = joined(held, {}, gone=documents, outdated=())
        return manifest

    def open(self, number: int, manifest: str) -> OracleSearcher:
        """Return a searcher of a revision."""
        entries = self._get(number, manifest).values()
        return OracleSearcher(
            {
                "chunk": [row for entry in entries for row in self._chunks(entry)],
                "page": [self._page(entry) for entry in entries],
            },
            entries,
            self._vectors[number, manifest],
        )

    def verify(self, number: int, manifest: str) -> tuple[str, ...]:
        """Return a sentence when there is no such revision."""
        try:
            self._get(number, manifest)
        except Corrupt as error:
            return (error.message,)
        return ()

    def sweep(self, keep: Collection[tuple[int, str]]) -> int:
        """Forget every revision but those (number, manifest) named; return how many went."""
        dead = self._kept.keys() - set(keep)
        for known in dead:
            del self._kept[known]
        return len(dead)

    def _get(self, number: int, manifest: str) -> dict[str, Entry]:
        try:
            return self._kept[number, manifest]
        except KeyError as error:
            raise Corrupt(
                f"the index of revision {number} is missing", hint="build it again"
            ) from error

    def _chunks(self, entry: Entry) -> list[_Row]:
        text = entry.content.text
        return [
            self._row(
                entry,
                chunk.ordinal,
                heading=" ".join(chunk.heading),
                body=shown(text, chunk.start, chunk.end),
            )
            for chunk in entry.content.chunks
        ]

    def _page(self, entry: Entry) -> _Row:
        text = entry.content.text
        headings = dict.fromkeys(part for chunk in entry.content.chunks for part in chunk.heading)
        body = shown(text, 0, len(text.text))
        return self._row(entry, -1, heading=" ".join(headings), body=body)

    def _row(self, entry: Entry, ordinal: int, *, heading: str, body: str) -> _Row:
        return _Row(
            document_id=entry.document.id,
            content_id=entry.content.id,
            ordinal=ordinal,
            labels=entry.document.labels,
            title=Counter(self._analyser.terms(entry.content.text.title)),
            heading=Counter(self._analyser.terms(heading)),
            body=Counter(self._analyser.terms(body)),
            whole=Counter(self._analyser.wholes(body)),
        )


_: Callable[..., Index] = OracleIndex
_searcher: Callable[..., Searcher] = OracleSearcher


def _bm25(rows: Sequence[Counter[str]], terms: Mapping[str, int]) -> list[float]:
    """Return for each row the BM25 score of the terms, each times how often it was asked for.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
    2009, with the idf and the factor (k1 + 1) that Lucene 7 and tantivy use.
    """
    held = {term: sum(term in row for row in rows) for term in terms}
    mean = sum(row.total() for row in rows) / len(rows) if rows else 0.0
    scores = []
    for row in rows:
        length = K1 * (1 - B + B * _norm(row.total()) / mean) if mean else 0.0
        scores.append(
            sum(
                times * _idf(held[term], len(rows)) * (K1 + 1) * row[term] / (row[term] + length)
                for term, times in terms.items()
                if row[term]
            )
        )
    return scores


def _idf(held: int, rows: int) -> float:
    return math.log(1 + (rows - held + 0.5) / (held + 0.5))


def _norm(length: int) -> int:
    """Return the length of a field as one byte can hold it: exact to 40, then four bits.

    Source: Lucene `SmallFloat.byte4ToInt`, whose table tantivy shares.
    """
    if length <= 40:  # noqa: PLR2004 - where the table leaves off being exact
        return length
    above = length - 24
    shift = above.bit_length() - 4
    return 24 + (above >> shift << shift)
