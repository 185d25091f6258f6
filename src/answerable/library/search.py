"""Finding passages: chunks and whole pages are searched apart and their scores fused.

Measured on 124 operations questions: one field .68 MRR@10; title and heading as fields of
weight .4 and .2, .72; with the page's own score beside, .76 (`docs/decisions/0007`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from answerable.domain.documents import Content, Document, Revision
from answerable.domain.questions import Passage, Scope
from answerable.domain.releases import Retrieval
from answerable.library.ports import Analyser, Boosts, Hit, Searcher, State

# Words that name nothing. In a chunk they help to find the sentence that is phrased like the
# question; in a whole page they stand everywhere and only add noise.
_FUNCTION_WORDS = frozenset(
    """
    a am an and are as at be been but by can could did do does for get had has have how i if in
    into is it just me my no not of on or should so such than that the their then there these
    they this to was we what when where which who why will with would you your
    """.split()
)
_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What is searched for.

    Attributes:
        words: Stems of all words, for chunks.
        names: Stems of the words that name something, for whole pages.
    """

    words: tuple[str, ...]
    names: tuple[str, ...]


def read_query(question: str, analyser: Analyser) -> Query:
    """Return what a question searches for."""
    naming = [
        word for word in question.split() if _NOT_WORD.sub("", word.lower()) not in _FUNCTION_WORDS
    ]
    words = tuple(analyser.terms(question))
    return Query(words=words, names=tuple(analyser.terms(" ".join(naming))) or words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """One sealed revision as a caller may see it today.

    Made anew whenever anything stored has changed, so what it has looked up stays true.

    Attributes:
        hidden: Ids of documents a person removed, also after the revision was sealed.
    """

    revision: Revision
    searcher: Searcher
    hidden: frozenset[str]
    state: State
    _documents: dict[str, Document] = field(default_factory=dict)

    def documents(self, document_ids: Collection[str]) -> Mapping[str, Document]:
        """Return these documents with today's labels, looked up once each."""
        missing = [one for one in document_ids if one not in self._documents]
        if missing:
            self._documents.update(self.state.documents(missing))
        return self._documents


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Passages, best first, and the contents they are spans of, by content id."""

    passages: tuple[Passage, ...]
    contents: Mapping[str, Content]


def search(shelf: Shelf, query: Query, scope: Scope, retrieval: Retrieval, *, limit: int) -> Found:
    """Return at most `limit` passages that the scope allows, best first."""
    chunks, pages = _candidates(shelf, query, scope, retrieval)
    ranked = fuse(chunks, pages, page_weight=retrieval.page_weight)
    kept = cap(ranked, per_document=retrieval.per_document_max, limit=limit)
    contents = shelf.state.contents({score.hit.content_id for score in kept})
    documents = shelf.documents({score.hit.document_id for score in kept})
    return Found(passages=_passages(kept, contents, documents, scope), contents=contents)


def _candidates(
    shelf: Shelf, query: Query, scope: Scope, retrieval: Retrieval
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    """Return the best chunks with those of the best pages, and the best pages.

    In a large library the steps of the right page need not be among the best chunks.
    """
    find = partial(
        shelf.searcher.find,
        scope=scope,
        hidden=shelf.hidden,
        boosts=Boosts(title=retrieval.title_boost, heading=retrieval.heading_boost, body=1.0),
    )
    chunks = find(query.words, unit="chunk", limit=retrieval.candidates)
    if retrieval.page_weight <= 0 or not chunks:
        return chunks, ()
    pages = find(query.names, unit="page", limit=retrieval.candidates)
    best = frozenset(hit.document_id for hit in pages[: retrieval.pages_opened])
    more = find(query.words, unit="chunk", limit=retrieval.page_candidates, within=best)
    return tuple(dict.fromkeys((*chunks, *more))), pages


class Scored(NamedTuple):
    """A chunk with its fused score and what it is made of, by the best of each kind."""

    hit: Hit
    score: float
    chunk: float
    page: float


def fuse(chunks: Sequence[Hit], pages: Sequence[Hit], *, page_weight: float) -> list[Scored]:
    """Return the chunks by chunk score plus the weighted score of their page, best first.

    Both scores are divided by the best of their kind, so they lie in [0, 1]; a page that is
    not among `pages` adds nothing. Ties by document id, then ordinal.
    """
    best_chunk = max((hit.score for hit in chunks), default=0.0) or 1.0
    best_page = max((hit.score for hit in pages), default=0.0) or 1.0
    by_document = {hit.document_id: hit.score / best_page for hit in pages}
    scored = []
    for hit in chunks:
        chunk, page = hit.score / best_chunk, by_document.get(hit.document_id, 0.0)
        scored.append(Scored(hit, chunk + page_weight * page, chunk, page))
    scored.sort(key=lambda one: (-one.score, one.hit.document_id, one.hit.ordinal))
    return scored


def cap(ranked: Sequence[Scored], *, per_document: int, limit: int) -> list[Scored]:
    """Return the first `limit`, at most `per_document` of any one document.

    Of a file that lies in two places each chunk is kept once: its copy would only push out
    what says something else.
    """
    taken: Counter[str] = Counter()
    said: set[tuple[str, int]] = set()
    kept: list[Scored] = []
    for one in ranked:
        if len(kept) == limit:
            break
        chunk = (one.hit.content_id, one.hit.ordinal)
        if taken[one.hit.document_id] < per_document and chunk not in said:
            said.add(chunk)
            taken[one.hit.document_id] += 1
            kept.append(one)
    return kept


def _passages(
    kept: Sequence[Scored],
    contents: Mapping[str, Content],
    documents: Mapping[str, Document],
    scope: Scope,
) -> tuple[Passage, ...]:
    """Make passages of hits; what today's labels forbid is left out, whatever the index said."""
    passages: list[Passage] = []
    for one in kept:
        document = documents.get(one.hit.document_id)
        content = contents.get(one.hit.content_id)
        if document is None or content is None or not scope.allows(document.labels):
            continue
        passages.append(
            Passage(
                rank=len(passages) + 1,
                score=one.score,
                document_id=document.id,
                content_id=content.id,
                path=document.path,
                title=content.text.title,
                chunk=content.chunks[one.hit.ordinal],
                parts=(("bm25", one.hit.score), ("chunk", one.chunk), ("page", one.page)),
            )
        )
    return tuple(passages)
