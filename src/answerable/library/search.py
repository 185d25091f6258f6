"""Finding passages: by words, in chunks and whole pages, and by meaning; fused into one order.

Measured in `docs/guide/retrieval.md`; why so: `docs/decisions/0007` and `0009`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np

from answerable.domain.documents import Content, Document, Revision, Span
from answerable.domain.errors import EmbedderFailed, NotReady
from answerable.domain.questions import Passage, Scope
from answerable.domain.releases import Retrieval
from answerable.library import fusion
from answerable.library.aliases import expansions
from answerable.library.fusion import Meaning, Words, fuse, read_words
from answerable.library.meaning import sentences
from answerable.library.passages import cap, passages
from answerable.library.ports import (
    Analyser,
    Beside,
    Boosts,
    Embedder,
    Hit,
    Nearness,
    Searcher,
    State,
    Vectors,
)
from answerable.library.remembering import Remembering
from answerable.library.trust import shares, weights

_T = TypeVar("_T")

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
        wholes: What is written as one: paths, flags, codes.
        others: What else is said for what was asked: `answerable.library.aliases`.
        other_terms: Stems of these that the question has not.
        vector: Of the question; None to search by words alone.
        words_only: Why there is no vector though the release asks for one; empty otherwise.
    """

    words: tuple[str, ...]
    names: tuple[str, ...]
    wholes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    other_terms: tuple[str, ...] = ()
    vector: Vectors | None = None
    words_only: str = ""


def read_query(question: str, analyser: Analyser, retrieval: Retrieval) -> Query:
    """Return what a question searches for by its words."""
    naming = [
        word for word in question.split() if _NOT_WORD.sub("", word.lower()) not in _FUNCTION_WORDS
    ]
    words = tuple(analyser.terms(question))
    others = expansions(question, retrieval.aliases)
    more = analyser.terms(" ".join(others)) if others else ()
    return Query(
        words=words,
        names=tuple(analyser.terms(" ".join(naming))) or words,
        wholes=tuple(analyser.wholes(question)),
        others=others,
        other_terms=tuple(dict.fromkeys(term for term in more if term not in words)),
    )


class Memory:
    """What was read of chunks that were looked at, for all shelves. Safe for many threads.

    Attributes:
        sentences: Where the sentences of a chunk are.
    """

    def __init__(self) -> None:
        self.sentences = Remembering(_sentence_spans)


def _sentence_spans(content: Content, ordinal: int) -> tuple[Span, ...]:
    return tuple(one.span for one in sentences(content.text, content.chunks[ordinal]))


def in_turn(job: Callable[[], _T]) -> Callable[[], _T]:
    """Return the job: it is done when its result is wanted. Fits `Beside`."""
    return job


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """One sealed revision as a caller may see it today.

    Made anew whenever anything stored has changed, so what it has looked up stays true.

    Attributes:
        hidden: Ids of documents a person removed, also after the revision was sealed.
        memory: Of chunks that were looked at.
        embedder: What the release embeds questions with; None where this machine has it not.
        mend: What to do where vectors are lacking.
        beside: How words and vectors are searched at once; one after the other unless given.
    """

    revision: Revision
    searcher: Searcher
    hidden: frozenset[str]
    state: State
    memory: Memory
    embedder: Embedder | None = None
    mend: str = "answerable embedders fill"
    beside: Beside = in_turn
    _documents: dict[str, Document] = field(default_factory=dict)

    def documents(self, document_ids: Collection[str]) -> Mapping[str, Document]:
        """Return these documents with today's labels, looked up once each."""
        missing = [one for one in document_ids if one not in self._documents]
        if missing:
            self._documents.update(self.state.documents(missing))
        return self._documents


def embedded(query: Query, question: str, shelf: Shelf, retrieval: Retrieval) -> Query:
    """Return the query with the vector of its question, or with why it has none.

    A question is embedded only with what the release names, and only compared with vectors
    of the same. Where that cannot be, it is answered by words.
    """
    if not retrieval.embedder or retrieval.lexical_weight >= 1:
        return query
    if not shelf.searcher.covered.get(retrieval.embedder):
        return replace(
            query,
            words_only=f"revision {shelf.revision.number} has no vectors of the release's "
            f"embedder yet; to compute them now: {shelf.mend}",
        )
    if shelf.embedder is None:
        return replace(
            query,
            words_only="the release's embedder is not set up on this machine; "
            "see: answerable embedders list",
        )
    try:
        vector = shelf.embedder.embed([_whole(question, query.others)], purpose="question")[0]
    except (EmbedderFailed, NotReady) as error:
        return replace(query, words_only=f"{error.message}; {error.hint}")
    return replace(query, vector=vector)


def _whole(question: str, others: Sequence[str]) -> str:
    """Return what is embedded of a question: with what else is said for it, in brackets."""
    return f"{question} ({', '.join(others)})" if others else question


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found.

    Attributes:
        passages: Best first.
        contents: What the passages are spans of, by content id.
        hits: The chunks they were made of, best first.
        words_only: Why it was found by words alone though the release asks for more.
    """

    passages: tuple[Passage, ...]
    contents: Mapping[str, Content]
    hits: tuple[Hit, ...] = ()
    words_only: str = ""


def search(shelf: Shelf, query: Query, scope: Scope, retrieval: Retrieval, *, limit: int) -> Found:
    """Return at most `limit` passages that the scope allows, best first."""
    nearest = _nearest(shelf, query, scope, retrieval)
    weighed = _weighed(shelf, query)
    found = _by_words(shelf, query, scope, retrieval)
    near = [_nearness(shelf, query, weighed, found.chunks, retrieval)]  # while others are sought
    others = _others(nearest(), found.chunks)
    near.append(_nearness(shelf, query, weighed, others, retrieval))
    candidates = (*found.chunks, *others)
    words = read_words(candidates, found, _page_weight(query, retrieval))
    meaning = _meaning(near, words, sum(weighed.values()))
    ranked = fuse(candidates, words, meaning, retrieval)
    kept = cap(ranked, per_document=retrieval.per_document_max, limit=limit)
    hits = tuple(candidates[place] for place in kept)
    contents = shelf.state.contents({hit.content_id for hit in hits})
    documents = shelf.documents({hit.document_id for hit in hits})
    return Found(
        passages=passages(kept, ranked, contents, documents, scope),
        contents=contents,
        hits=hits,
        words_only=query.words_only,
    )


def _nearest(
    shelf: Shelf, query: Query, scope: Scope, retrieval: Retrieval
) -> Callable[[], tuple[Hit, ...]]:
    """Begin to look for the chunks nearest in meaning; return what gives them."""
    if query.vector is None:
        return tuple
    nearest = partial(
        shelf.searcher.nearest,
        retrieval.embedder,
        query.vector,
        scope,
        hidden=shelf.hidden,
        limit=retrieval.vector_candidates,
    )
    return shelf.beside(nearest)


def _others(nearest: Sequence[Hit], found: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return the nearest chunks that were not found by their words."""
    known = {(hit.document_id, hit.ordinal) for hit in found}
    return tuple(hit for hit in nearest if (hit.document_id, hit.ordinal) not in known)


def _weighed(shelf: Shelf, query: Query) -> Mapping[str, float]:
    """Return what each name of a question weighs; nothing by words alone."""
    if query.vector is None:
        return {}
    names = tuple(dict.fromkeys(query.names))  # sums of floats depend on their order
    return weights(names, shelf.searcher.frequencies(names), shelf.searcher.chunks)


def _nearness(
    shelf: Shelf,
    query: Query,
    weighed: Mapping[str, float],
    hits: Sequence[Hit],
    retrieval: Retrieval,
) -> Nearness | None:
    """Return how near chunks are and what they hold of the question; None by words alone."""
    if query.vector is None:
        return None
    return shelf.searcher.nearness(retrieval.embedder, query.vector, weighed, hits)


def _meaning(near: Sequence[Nearness | None], words: Words, mass: float) -> Meaning | None:
    """Return how near the candidates are, and how much of the question each of them holds.

    Args:
        near: Of the candidates in their order, some at a time.
        words: Of all of them.
        mass: Weight of all of the question.
    """
    known = [some for some in near if some is not None]
    if not known:
        return None
    chunks, sentences_, held = (np.concatenate(some) for some in zip(*known, strict=True))
    return Meaning(chunks, sentences_, shares(held, words.bm25, mass))


def near_sentences(
    shelf: Shelf, query: Query, found: Found, retrieval: Retrieval
) -> Mapping[str, Sequence[tuple[Span, float]]]:
    """Return the sentences of what was found with their cosine to the question, by content id."""
    if query.vector is None:
        return {}
    near: dict[str, list[tuple[Span, float]]] = {}
    cosines = shelf.searcher.sentences(retrieval.embedder, query.vector, found.hits)
    for hit, its in zip(found.hits, cosines, strict=True):
        content = found.contents.get(hit.content_id)
        if content is not None and its:
            spans = shelf.memory.sentences(content, hit.ordinal)
            if len(spans) == len(its):  # else it was cut otherwise, by an earlier version
                near.setdefault(hit.content_id, []).extend(zip(spans, its, strict=True))
    return near


def _by_words(shelf: Shelf, query: Query, scope: Scope, retrieval: Retrieval) -> fusion.Found:
    """Return the best chunks with those of the best pages, and the best pages.

    In a large library the steps of the right page need not be among the best chunks.
    """
    find = partial(
        shelf.searcher.find,
        scope=scope,
        hidden=shelf.hidden,
        boosts=Boosts(
            title=retrieval.title_boost,
            heading=retrieval.heading_boost,
            body=1.0,
            whole=retrieval.whole_boost,
            other=retrieval.alias_weight,
        ),
        others=query.other_terms,
    )
    find_chunks = partial(find, query.words, wholes=query.wholes, unit="chunk")
    chunks = find_chunks(limit=retrieval.candidates)
    if _page_weight(query, retrieval) <= 0 or not chunks:
        return fusion.Found(chunks, ())
    pages = find(query.names, unit="page", limit=retrieval.candidates)
    best = frozenset(hit.document_id for hit in pages[: retrieval.pages_opened])
    more = find_chunks(limit=retrieval.page_candidates, within=best)
    return fusion.Found(_once((*chunks, *more)), pages)


def _page_weight(query: Query, retrieval: Retrieval) -> float:
    return retrieval.page_weight if query.vector is None else retrieval.fused_page_weight


def _once(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    return tuple({(hit.document_id, hit.ordinal): hit for hit in hits}.values())
