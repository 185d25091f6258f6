"""Searching one sealed revision with tantivy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import cast

import tantivy

from answerable.adapters.columns import from_columns
from answerable.adapters.index import fields
from answerable.domain.errors import Corrupt
from answerable.domain.questions import Scope
from answerable.library.ports import Boosts, Hit, Unit

TERMS_MAX = 256
"""Distinct terms of a question that are searched for: the first ones.

256 terms in three fields take about 8 ms at 100,000 chunks, and time grows with each.
"""

_SLACK = 8
_WIDEST = 4096
# The same words summed in another order differ in the last bits of a float.
_STEPS = 10_000

# Each term and how often it was asked for.
_Counted = tuple[tuple[str, int], ...]
_Clause = tuple[tantivy.Occur, tantivy.Query]
# Score in steps below zero, number of the document, ordinal, where tantivy has it: sorts best
# first.
_Ranked = tuple[int, int, int, tantivy.DocAddress]


class TantivySearcher:
    """Chunks and pages of one revision; nothing changes after it was opened.

    Safe to use from many threads. Terms are looked up one by one, no query is ever parsed, so
    operators in a question are words like any others.
    """

    def __init__(self, indexes: Mapping[Unit, tantivy.Index]) -> None:
        self._halves = {unit: _Half(index) for unit, index in indexes.items()}

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
        """Return at most `limit` hits that hold any of the terms, best first; ties by id.

        Of more than `TERMS_MAX` distinct terms, wholes, or others, the first are searched.
        Scores count as equal when they agree to four decimals; among more than 4,096 equal ones
        at the limit, those indexed first are kept.
        """
        if limit < 1 or not terms:
            return ()
        half = self._halves[unit]
        words = half.words(tuple(terms), tuple(wholes), tuple(others), boosts)
        return half.find(words, scope.labels, hidden=hidden, limit=limit, within=within)

    def frequencies(self, terms: Collection[str]) -> Mapping[str, int]:
        """Return for each term how many chunks hold it in their body."""
        chunks = self._halves["chunk"]
        return {term: chunks.frequency(term) for term in terms}

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self._halves["chunk"].count

    @property
    def pages(self) -> int:
        """How many documents there are."""
        return self._halves["page"].count

    def contents(self) -> list[tuple[int, int, int]]:
        """Return number of the document and both halves of the content id, for each document."""
        return self._halves["page"].identities()

    def chunks_of(self, document_id: str) -> int:
        """Return how many chunks a document has."""
        return self._halves["chunk"].held(fields.DOCUMENT, document_id)


def _counted(terms: Iterable[str]) -> _Counted:
    return tuple(islice(Counter(terms).items(), TERMS_MAX))


class _Half:
    """The chunks or the pages of a revision."""

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        self.count = self._searcher.num_docs
        self._with_deleted = self._searcher.doc_freq(fields.EVERY, fields.EVERY_TERM)
        self._has_wholes = self._has(fields.WHOLE)
        # The index is sealed, so what was counted once stays true.
        self.frequency = lru_cache(maxsize=65_536)(self._frequency)
        self._is_held = lru_cache(maxsize=65_536)(self._looked_up)
        # A question searches the chunks twice.
        self.words = lru_cache(maxsize=8)(self._words)
        self._readable = lru_cache(maxsize=64)(self._readable_query)
        self._hidden = lru_cache(maxsize=4)(self._hidden_query)

    def find(
        self,
        words: tantivy.Query | None,
        labels: frozenset[str],
        *,
        hidden: frozenset[str],
        limit: int,
        within: frozenset[str] | None,
    ) -> tuple[Hit, ...]:
        """Return the hits of a query that `words` made, of documents that may be seen."""
        readable = self._readable(labels)
        if words is None or readable is None:
            return ()
        query = words
        narrowing = (*readable, *self._hidden(hidden), *self._only(within))
        # Inside another query tantivy no longer skips what cannot reach the top.
        if narrowing:
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), *narrowing])
        return self._best(query, limit)

    def _words(
        self,
        terms: tuple[str, ...],
        wholes: tuple[str, ...],
        others: tuple[str, ...],
        boosts: Boosts,
    ) -> tantivy.Query | None:
        """Return what looks for each term in each field, and for each whole in its own.

        None when nothing holds any of them.
        """
        weights = (
            (fields.TITLE, boosts.title),
            (fields.HEADING, boosts.heading),
            (fields.BODY, boosts.body),
        )
        less = tuple((field, boosts.other * weight) for field, weight in weights)
        clauses = [*self._weighed(_counted(terms), weights), *self._weighed(_counted(others), less)]
        if self._has_wholes:
            clauses += self._weighed(_counted(wholes), ((fields.WHOLE, boosts.whole),))
        return tantivy.Query.boolean_query(clauses) if clauses else None

    def _weighed(self, terms: _Counted, weights: Sequence[tuple[str, float]]) -> Iterator[_Clause]:
        """Give one clause for each term in each field; a term given twice weighs twice.

        What no entry holds is left out: at 100,000 chunks that saves a quarter of the time,
        because few terms are in titles and headings.
        """
        searched = [(field, weight) for field, weight in weights if weight > 0]
        for term, times in terms:
            for field, weight in searched:
                if self._is_held(field, term):
                    query = self._term(field, term, "freq")
                    yield tantivy.Occur.Should, tantivy.Query.boost_query(query, weight * times)

    def _has(self, field: str) -> bool:
        """Return whether there is such a field: an earlier version may have sealed without."""
        try:
            self._term(field, "", "freq")
        except ValueError:
            return False
        return True

    def _looked_up(self, field: str, term: str) -> bool:
        try:
            return self._searcher.doc_freq(field, term) > 0
        except ValueError as error:
            raise _damaged() from error

    def _readable_query(self, labels: frozenset[str]) -> tuple[_Clause, ...] | None:
        """Return what narrows a search to these labels: nothing when one is on every document.

        None when no document carries any of them.
        """
        carried = {label: self._searcher.doc_freq(fields.LABEL, label) for label in sorted(labels)}
        held = [label for label, times in carried.items() if times]
        if not held:
            return None
        if self._with_deleted in carried.values():
            return ()
        query = tantivy.Query.const_score_query(self._any(fields.LABEL, held), 0.0)
        return ((tantivy.Occur.Must, query),)

    def _hidden_query(self, hidden: frozenset[str]) -> tuple[_Clause, ...]:
        """Return what keeps these documents out; most are no longer in the index at all."""
        held = [one for one in sorted(hidden) if self._searcher.doc_freq(fields.DOCUMENT, one)]
        return ((tantivy.Occur.MustNot, self._any(fields.DOCUMENT, held)),) if held else ()

    def _only(self, within: frozenset[str] | None) -> tuple[_Clause, ...]:
        if within is None:
            return ()
        query = tantivy.Query.const_score_query(self._any(fields.DOCUMENT, sorted(within)), 0.0)
        return ((tantivy.Occur.Must, query),)

    def _any(self, field: str, values: Iterable[str]) -> tantivy.Query:
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._term(field, value, "basic")) for value in values]
        )

    def _term(self, field: str, value: str, option: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, option)

    def _best(self, query: tantivy.Query, limit: int) -> tuple[Hit, ...]:
        ranked = self._ranked(query, limit)[:limit]
        addresses = [address for *_, address in ranked]
        highs = self._column(fields.CONTENT_HIGH, addresses)
        lows = self._column(fields.CONTENT_LOW, addresses)
        belows, numbers, ordinals, _ = zip(*ranked, strict=True) if ranked else ((),) * 4
        hits = from_columns(
            Hit,
            len(ranked),
            document_id=fields.document_ids(numbers),
            content_id=fields.content_ids(highs, lows),
            ordinal=ordinals,
            score=[-below / _STEPS for below in belows],
        )
        return tuple(hits)

    def _ranked(self, query: tantivy.Query, limit: int) -> list[_Ranked]:
        """Return the best `limit` and a few more, having looked on while equals were cut off."""
        asked = limit + _SLACK
        while True:
            found = self._run(query, asked)
            addresses = [address for _, address in found]
            numbers = self._column(fields.DOCUMENT_NUMBER, addresses)
            ordinals = self._column(fields.ORDINAL, addresses)
            belows = [-int(score * _STEPS + 0.5) for score, _ in found]
            is_all = len(found) < asked
            if is_all or asked >= limit + _WIDEST or belows[limit - 1] < belows[-1]:
                return sorted(zip(belows, numbers, ordinals, addresses, strict=True))
            asked = min(asked * 4, limit + _WIDEST)

    def _column(self, name: str, addresses: list[tantivy.DocAddress]) -> list[int]:
        # Every entry has a whole number here; the stub allows for columns of other kinds.
        return cast("list[int]", self._searcher.fast_field_values(name, addresses))

    def _run(self, query: tantivy.Query, limit: int) -> list[tuple[float, tantivy.DocAddress]]:
        try:
            return self._searcher.search(query, limit, count=False).hits
        except ValueError as error:
            raise _damaged() from error

    def _frequency(self, term: str) -> int:
        held = self._searcher.doc_freq(fields.BODY, term)
        if not held or self.count == self._with_deleted:
            return held
        # With deleted entries in it, tantivy's own figure counts them too.
        return self.held(fields.BODY, term)

    def held(self, field: str, term: str) -> int:
        """Return how many entries hold a term; deleted ones do not count."""
        found = self._searcher.search(self._term(field, term, "basic"), 1, count=True)
        return int(found.count)  # type: ignore[attr-defined] # left out of tantivy's stub

    def identities(self) -> list[tuple[int, int, int]]:
        """Return number of the document and both halves of the content id, for each entry."""
        found = self._run(tantivy.Query.all_query(), max(self.count, 1))
        addresses = [address for _, address in found]
        names = (fields.DOCUMENT_NUMBER, fields.CONTENT_HIGH, fields.CONTENT_LOW)
        return list(zip(*(self._column(name, addresses) for name in names), strict=True))


def _damaged() -> Corrupt:
    return Corrupt(
        "the index of the serving revision cannot be read", hint="answerable revisions verify"
    )
