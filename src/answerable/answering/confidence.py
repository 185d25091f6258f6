"""How far the documents seem to answer, known before anything is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from answerable.answering.asked import Asked
from answerable.answering.quote import Candidate, Near
from answerable.answering.reading import ReadChunk, Reader
from answerable.domain.documents import Text
from answerable.domain.questions import Passage
from answerable.domain.releases import Abstaining, Bar

Evidence = tuple[tuple[str, float], ...]

# Units looked at: what ranks below answers nothing.
_UNITS = 10
_NEAREST = 3


def evidence(
    asked: Asked,
    passages: Sequence[Passage],
    candidates: Sequence[Candidate],
    texts: Mapping[str, Text],
    *,
    reader: Reader,
    near: Near = MappingProxyType({}),
) -> Evidence:
    """Return what abstention is decided by: names and finite values; nothing found gives ().

    A share is of the weight of the question's terms; a passage holds its title and headings.

    - ``found``: most weight that one passage holds, by the weight of the rarest possible term:
      about how many telling words of the question stand together;
    - ``document``, ``passage``, ``unit``: largest share that the passages of one document, one
      passage, one unit with its lead hold;
    - ``units``: mean share of the first ten units;
    - ``bm25``, ``bm25_share``: BM25 of the best chunk, and divided by the question's weight;
    - ``margin``: how far the best document is ahead of the second, from 0 to 1;
    - ``kind``: share of the expected kinds of answer the best unit holds, 0.5 if none is expected;
    - ``rarest``: 1 when the first passage holds the question's rarest term;
    - ``unknown``: share that no chunk holds;
    - ``terms``: how many distinct terms the question has;
    - ``length``: the logarithm of 1 + that: a long question shares some words with anything, so
      the same share of it is worth more;
    - ``first``: score of the first passage: by words alone it is near 1 whatever was found;
    - ``meaning``, ``near``: highest cosine of a sentence of the passages, and the mean of the
      three highest: where one sentence is near by chance, few are; only where vectors took part.

    Args:
        asked: The question.
        passages: What was found, best first.
        candidates: From `answerable.answering.quote.rank` of these passages.
        texts: Canonical texts of the passages, by content id.
        reader: What `rank` read them with.
        near: Their sentences, each with its cosine to the question.
    """
    if not passages or not candidates or not asked.weights:
        return ()
    held = [_held(reader.read(one, texts[one.content_id])) for one in passages]
    documents: dict[str, frozenset[str]] = {}
    for one, words in zip(passages, held, strict=True):
        documents[one.document_id] = documents.get(one.document_id, frozenset()) | words
    passage = max(map(asked.share, held))
    units = [asked.share(one.terms) for one in candidates[:_UNITS]]
    rarest = max(asked.weights, key=lambda term: (asked.weights[term], term))
    bm25 = max(dict(one.parts).get("bm25", one.score) for one in passages)
    return (
        ("found", passage * asked.mass / asked.heaviest),
        ("document", max(map(asked.share, documents.values()))),
        ("passage", passage),
        ("unit", max(asked.share(one.terms) for one in candidates)),
        ("units", sum(units) / len(units)),
        ("bm25", bm25),
        ("bm25_share", bm25 / asked.mass),
        ("margin", _margin(passages)),
        ("kind", dict(candidates[0].parts)["kind"] + 0.5),
        ("rarest", float(rarest in held[0])),
        ("unknown", 1 - asked.share(asked.known)),
        ("terms", float(len(asked.weights))),
        ("length", math.log1p(len(asked.weights))),
        ("first", passages[0].score),
        *_meaning(passages, near),
    )


def bar(found: Evidence, abstaining: Abstaining) -> Bar:
    """Return how much evidence is needed: what was found by words alone has a bar of its own."""
    has_meaning = any(name == "meaning" for name, _ in found)
    return abstaining.by_meaning if has_meaning else abstaining.by_words


def confidence(found: Evidence, weights: Sequence[tuple[str, float]]) -> float:
    """Return how likely the documents answer, in [0, 1]; 0 without evidence.

    Args:
        found: From `evidence`.
        weights: Of a logistic regression: by feature, and ``bias``. Features that are not
            named weigh nothing.
    """
    if not found:
        return 0.0
    weigh = dict(weights)
    total = weigh.get("bias", 0.0) + sum(weigh.get(name, 0.0) * value for name, value in found)
    # Beyond this the result is 0 or 1 to the last digit, and exp would overflow.
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


def _held(chunk: ReadChunk) -> frozenset[str]:
    """Return the terms of a chunk, with those of its title and headings."""
    return chunk.headings.union(*(read.terms for read in chunk.units))


def _meaning(passages: Sequence[Passage], near: Near) -> Evidence:
    """Return how near the nearest sentences are; a chunk of one sentence is that sentence."""
    best = [value for one in passages for name, value in one.parts if name == "sentence"]
    if not best:
        return ()
    cosines = [cosine for its in near.values() for _, cosine in its]
    nearest = sorted(cosines or best, reverse=True)[:_NEAREST]
    return (("meaning", max(best)), ("near", sum(nearest) / len(nearest)))


def _margin(passages: Sequence[Passage]) -> float:
    best = passages[0]
    others = (one.score for one in passages if one.document_id != best.document_id)
    return 1 - max(others, default=0.0) / best.score if best.score > 0 else 0.0
