"""Quoting: the sentences, lists, rows and code blocks that answer, word for word.

Needs no model, and nothing written in a document can steer it but by resembling the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from answerable.answering.asked import Asked, kinds_in
from answerable.answering.reading import Reader, ReadUnit
from answerable.answering.units import Unit, UnitKind
from answerable.domain.documents import Span, Text
from answerable.domain.questions import Passage
from answerable.domain.releases import Quoting

# BM25 over units. A unit is short, so its length counts less than that of a chunk (0.75).
_K1 = 1.2
_B = 0.6
_TYPICAL_TERMS = 20

# Candidates looked at when units are picked; further ones never win.
_PICKED_FROM = 30
# A further sentence of fewer terms than this says nothing by itself.
_SENTENCE_TERMS_MIN = 3
# Cosine from which on a sentence is about the question without a word of it.
_NEAR_MIN = 0.3
# Between units that follow each other stands a blank line, or the mark of a list item.
_TOUCHING_CHARS = 8


Near = Mapping[str, Sequence[tuple[Span, float]]]
"""Sentences of the passages with their cosine to the question, by content id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A unit of a passage with its score for one question.

    Attributes:
        parts: What the score is made of: name and value in [0, 1], before weighting.
        read: The unit as it is shown, with its terms.
    """

    passage: Passage
    score: float
    parts: tuple[tuple[str, float], ...]
    read: ReadUnit

    @property
    def unit(self) -> Unit:
        """Where it stands."""
        return self.read.unit

    @property
    def terms(self) -> frozenset[str]:
        """Distinct terms of the unit and its lead."""
        return self.read.terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What is shown of one place of a document.

    Attributes:
        kind: Of the unit; of the best one when units that follow each other were joined.
        spans: Disjoint, in order; a lead apart from its unit is a span of its own.
        score: Of the best unit in it.
    """

    passage: Passage
    kind: UnitKind
    spans: tuple[Span, ...]
    score: float


def choose(
    candidates: Sequence[Candidate], texts: Mapping[str, Text], settings: Quoting
) -> tuple[Quote, ...]:
    """Return what to quote: the best document first, each in its own order; may be empty.

    Args:
        candidates: From `rank`, best first.
        texts: Canonical texts of the passages, by content id.
        settings: How much, and how much worse than the best.
    """
    units = picked(candidates, settings)
    best: dict[str, float] = {}
    for one in units:
        best[one.passage.document_id] = max(one.score, best.get(one.passage.document_id, one.score))
    units.sort(
        key=lambda one: (-best[one.passage.document_id], one.passage.document_id, one.unit.shown)
    )
    quotes = [_quote(one, texts[one.passage.content_id].text) for one in units]
    return tuple(_joined(quotes, texts))


def rank(
    asked: Asked,
    passages: Sequence[Passage],
    texts: Mapping[str, Text],
    *,
    reader: Reader,
    settings: Quoting,
    near: Near = MappingProxyType({}),
) -> list[Candidate]:
    """Return the units of the passages with their scores, best first.

    A unit's score is the weighted sum of its parts:

    - ``match``: BM25 of the question's terms in the unit, by the weight of all terms;
    - ``lead``, ``heading``: weight of further terms that its lead, or its title and headings hold;
    - ``pairs``: share of the question's neighbouring terms that are neighbours here;
    - ``passage``, ``page``: score of the passage and its page, by the best one's;
    - ``kind``: share of the expected kinds of answer it holds, from -0.5 to 0.5;
    - ``meaning``: cosine of the question and the nearest sentence in it; 0 when none is known;
    - ``elsewhere``: 1 when it only points to another page.

    Source: the linear form and weights of `Quoting` were fitted on SQuAD 2.0, COVID-QA and
    ops-qa (decision 0008); the parts are those of a sentence scorer for TREC-QA.
    """
    top = max((passage.score for passage in passages), default=0.0) or 1.0
    seen: set[tuple[str, int, int]] = set()
    found: list[Candidate] = []
    for passage in passages:
        chunk = reader.read(passage, texts[passage.content_id])
        context = _Context(
            asked=asked,
            headings=chunk.headings,
            passage=passage.score / top,
            page=dict(passage.parts).get("page", 0.0),
            settings=settings,
            near=near.get(passage.content_id, ()),
        )
        for read in chunk.units:
            key = (passage.content_id, read.unit.start, read.unit.end)
            if key not in seen:
                seen.add(key)
                found.append(_candidate(context, passage, read))
    found.sort(key=lambda one: (-one.score, one.passage.rank, one.unit.start, one.unit.end))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Context:
    """What the units of one passage share."""

    asked: Asked
    headings: frozenset[str]
    passage: float
    page: float
    settings: Quoting
    near: Sequence[tuple[Span, float]]


def _candidate(context: _Context, passage: Passage, read: ReadUnit) -> Candidate:
    asked, weigh = context.asked, context.settings
    match, led, headed = _coverage(asked, read, context.headings)
    pairs = _paired(asked, read) if match else 0.0
    kind = kinds_in(read.body, asked.kinds) - 0.5
    meaning = _meaning(read.unit, context.near)
    elsewhere = float(read.is_elsewhere)
    score = (
        weigh.match * match
        + weigh.lead * led
        + weigh.heading * headed
        + weigh.pairs * pairs
        + weigh.passage * context.passage
        + weigh.page * context.page
        + weigh.kind * kind
        + weigh.meaning * meaning
        - weigh.elsewhere * elsewhere
    )
    return Candidate(
        passage=passage,
        score=score,
        parts=(
            ("match", match),
            ("lead", led),
            ("heading", headed),
            ("pairs", pairs),
            ("passage", context.passage),
            ("page", context.page),
            ("kind", kind),
            ("meaning", meaning),
            ("elsewhere", elsewhere),
        ),
        read=read,
    )


def _meaning(unit: Unit, near: Sequence[tuple[Span, float]]) -> float:
    """Return the highest cosine of a sentence that shares text with a unit, at least 0."""
    inside = (cosine for span, cosine in near if span.start < unit.end and unit.start < span.end)
    return max(inside, default=0.0)


def _coverage(asked: Asked, read: ReadUnit, headings: frozenset[str]) -> tuple[float, float, float]:
    """Return BM25 of the unit and the weight that only its lead, only its headings add."""
    damping = _K1 * (1 - _B + _B * len(read.words) / _TYPICAL_TERMS)
    match = led = headed = 0.0
    for term, weight in asked.weights.items():
        # Every term of the body is among the unit's terms; looking there first is cheaper.
        count = read.words.count(term) if term in read.terms else 0
        if count:
            match += weight * count * (_K1 + 1) / (count + damping)
        elif term in read.lead:
            led += weight
        elif term in headings:
            headed += weight
    mass = asked.mass or 1.0
    return match / mass, led / mass, headed / mass


def _paired(asked: Asked, read: ReadUnit) -> float:
    """Return the share of the question's neighbouring terms that are neighbours in the unit."""
    if not asked.pairs:
        return 0.0
    return len(asked.pairs.intersection(pairwise(read.words))) / len(asked.pairs)


def picked(candidates: Sequence[Candidate], settings: Quoting) -> list[Candidate]:
    """Return the units to quote, picked one by one: each the best that adds to those before it.

    Units that follow one picked before are preferred: what stands between two sentences that
    answer is mostly part of the answer, and reads better with it.

    Source: Carbonell, Goldstein, "The Use of MMR", SIGIR 1998.
    """
    some = _Picked(settings=settings)
    waiting = [_Waiting(unit=one) for one in candidates[:_PICKED_FROM]]
    while waiting and len(some.units) < settings.units_max:
        worth, best = max(((some.worth(one), one) for one in waiting), key=lambda pair: pair[0])
        if some.units and worth < some.units[0].score - settings.gap_max:
            break
        waiting.remove(best)
        if best.is_copy or (some.units and _says_nothing(best.unit, some.units[0])):
            continue
        if some.has_room(best.unit):
            some.add(best.unit)
            for one in waiting:
                one.compare(best.unit)
    return some.units


@dataclass(kw_only=True, slots=True, eq=False)
class _Waiting:
    """A unit that may be picked, compared with each that was."""

    unit: Candidate
    repeated: float = 0.0
    follows: bool = False
    is_copy: bool = False

    def compare(self, other: Candidate) -> None:
        """Take note of what this unit repeats of another, and whether it stands next to it."""
        self.repeated = max(self.repeated, _likeness(self.unit.terms, other.terms))
        self.follows = self.follows or _follows(self.unit, other)
        self.is_copy = self.is_copy or self.unit.read.body.split() == other.read.body.split()


@dataclass(kw_only=True, slots=True)
class _Picked:
    """The units picked so far, and how much of an answer they fill."""

    settings: Quoting
    units: list[Candidate] = field(default_factory=list)
    leads: set[tuple[str, Span]] = field(default_factory=set)
    sentences: int = 0
    chars: int = 0

    def worth(self, one: _Waiting) -> float:
        """Return a unit's score with what it gains from those picked, less what it repeats."""
        weigh, score = self.settings, one.unit.score
        if self.units and one.unit.passage.document_id != self.units[0].passage.document_id:
            score -= weigh.stray
        return score + weigh.join * one.follows - weigh.repeat * one.repeated

    def has_room(self, one: Candidate) -> bool:
        """Return whether a unit fits beside those picked.

        The first one does, however long it is, unless its items can be quoted in its place.
        """
        sentences, chars = self._size(one)
        if not self.units and one.unit.kind is not UnitKind.LIST:
            return True
        return (
            self.sentences + sentences <= self.settings.sentences_max
            and self.chars + chars <= self.settings.chars_max
            and not any(_overlap(one, other) for other in self.units)
        )

    def add(self, one: Candidate) -> None:
        """Pick a unit."""
        sentences, chars = self._size(one)
        self.units.append(one)
        self.sentences += sentences
        self.chars += chars
        if one.unit.lead:
            self.leads.add((one.passage.content_id, one.unit.lead))

    def _size(self, one: Candidate) -> tuple[int, int]:
        """Return the sentences and code points a unit adds; a lead is read once for all of its."""
        unit, lead = one.unit, one.unit.lead
        if lead is None or (one.passage.content_id, lead) in self.leads:
            return one.read.sentences, unit.end - unit.start
        return one.read.sentences + 1, unit.end - unit.start + lead.end - lead.start


def _says_nothing(one: Candidate, first: Candidate) -> bool:
    """Return whether a unit beside the first one shares nothing with the question and is a scrap.

    Such as "TODO" or a caption; or a sentence of another page that is not near in meaning either.
    """
    parts = dict(one.parts)
    if parts["match"] or parts["lead"]:
        return False
    if one.passage.document_id != first.passage.document_id:
        return parts["meaning"] < _NEAR_MIN
    return one.unit.kind is UnitKind.SENTENCE and len(one.read.words) < _SENTENCE_TERMS_MIN


def _follows(one: Candidate, other: Candidate) -> bool:
    """Return whether nothing but a mark stands between two units."""
    if one.passage.content_id != other.passage.content_id:
        return False
    first, second = sorted((one.unit, other.unit), key=lambda unit: unit.start)
    return 0 <= second.start - first.end <= _TOUCHING_CHARS


def _likeness(some: frozenset[str], other: frozenset[str]) -> float:
    return len(some & other) / (len(some | other) or 1)


def _overlap(one: Candidate, other: Candidate) -> bool:
    """Return whether one of the units holds the other; a shared lead is no overlap."""
    return (
        one.passage.content_id == other.passage.content_id
        and one.unit.start < other.unit.end
        and other.unit.start < one.unit.end
    )


def _quote(one: Candidate, text: str) -> Quote:
    unit = one.unit
    spans: tuple[Span, ...] = (Span(unit.start, unit.end),)
    if unit.lead and text[unit.lead.end : unit.start].strip():
        spans = (unit.lead, *spans)
    elif unit.lead:
        spans = (unit.shown,)
    return Quote(passage=one.passage, kind=unit.kind, spans=spans, score=one.score)


def _joined(quotes: Sequence[Quote], texts: Mapping[str, Text]) -> Iterator[Quote]:
    """Give the quotes, those that touch in one document made one."""
    last: Quote | None = None
    for quote in quotes:
        if last and _touch(last, quote, texts):
            last = replace(
                last,
                kind=quote.kind if last.kind is UnitKind.SENTENCE else last.kind,
                score=max(last.score, quote.score),
                spans=_union(last.spans + quote.spans),
            )
        else:
            if last:
                yield last
            last = quote
    if last:
        yield last


def _touch(last: Quote, quote: Quote, texts: Mapping[str, Text]) -> bool:
    """Return whether a quote shares text with the one before it, or goes on in its paragraph.

    What is shown as it stands, such as code, is not joined to prose, which is set.
    """
    if last.passage.document_id != quote.passage.document_id:
        return False
    end, start = last.spans[-1].end, quote.spans[0].start
    if start <= end:
        return True
    if last.kind is not quote.kind:
        return False
    gap = texts[quote.passage.content_id].text[end:start]
    return not gap.strip() and gap.count("\n") <= 1


def _union(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the same code points as disjoint spans in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        # One code point between them is the space or line break between two sentences.
        if merged and span.start <= merged[-1].end + 1:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)
