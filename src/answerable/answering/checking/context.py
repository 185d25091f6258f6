"""The passages of a question, read once so that each claim is checked quickly."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from answerable.answering.checking.clauses import DIRECTED, Clause, clauses_of
from answerable.answering.checking.facts import Fact, FactKind, facts_of
from answerable.answering.checking.words import Word, blanked, words_of
from answerable.answering.sentences import sentences

_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})")
_ROW = re.compile(r"[ \t]*\|.*\|")
_ROW_RULE = re.compile(r"[ \t]*\|[ \t:|-]+$")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]")
_ITEM = re.compile(r"[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]")
# A "sentence" longer than this is a listing without full stops: its lines stand alone.
_LONG_CHARS = 400
# Text without any break is cut here, between words.
_CUT_CHARS = 1200
_PREFIX_CHARS = 5
_FUNCTION_WEIGHT = 0.3
_TOKEN = re.compile(r"[^\s`\"'|]+")


class Piece:
    """A sentence, item, row or line of a passage. What it holds is read when first asked for.

    Attributes:
        passage: Which passage, from 0.
        start, end: Code points in it.
        lead: The piece that introduces it: the sentence before a list, the header of a table.
    """

    def __init__(self, passage: int, start: int, end: int, text: str, lead: Piece | None) -> None:
        self.passage = passage
        self.start = start
        self.end = end
        self.text = text
        self.lead = lead

    @cached_property
    def words(self) -> list[Word]:
        """All words in order."""
        return words_of(self.text)

    @cached_property
    def content(self) -> list[str]:
        """Stems of the content words in order."""
        return [word.stem for word in self.words if word.is_content]

    @cached_property
    def stems(self) -> frozenset[str]:
        """Distinct stems of the content words."""
        return frozenset(self.content)

    @cached_property
    def facts(self) -> list[Fact]:
        """Numbers, names and identifiers."""
        return facts_of(self.text)

    @cached_property
    def clauses(self) -> list[Clause]:
        """Clauses in order."""
        return clauses_of(self.text, self.words)

    @cached_property
    def tokens(self) -> list[str]:
        """What stands between white space and quotes: for commands."""
        return [token.rstrip(".,;:") or token for token in _TOKEN.findall(self.text)]

    @cached_property
    def lead_stems(self) -> frozenset[str]:
        """Content stems of what introduces it."""
        return self.lead.stems if self.lead else frozenset()


class Context:
    """Passages and question, indexed by stem, by pair of words, and by fact.

    Safe for many threads: what is computed late is the same whoever computes it.

    Attributes:
        passages: As they were given.
        question: As it was given.
        pieces: Sentences, items, rows and lines, in order.
        places: For a stem the numbers of the pieces that hold it, ascending.
        counts: For a stem how often it occurs in the passages.
    """

    def __init__(
        self, passages: Sequence[str], question: str, weights: Mapping[str, float]
    ) -> None:
        self.passages = tuple(passages)
        self.question = question
        self._weights = weights
        self._rarest = max(weights.values(), default=1.0)
        self.pieces = [
            piece for place, text in enumerate(passages) for piece in _pieces(place, blanked(text))
        ]
        self.places: dict[str, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            for one in piece.stems:
                self.places.setdefault(one, []).append(number)
        self.asked = [word for word in words_of(question) if word.is_content]
        self.asked_stems = frozenset(word.stem for word in self.asked)

    def weight(self, one: str) -> float:
        """Return how much a stem tells; one that was never seen tells most."""
        known = self._weights.get(one)
        if known is not None:
            return known
        if one in DIRECTED:
            return _FUNCTION_WEIGHT
        return self._rarest * (0.75 if one[:1].isdigit() else 1.0)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each stem occurs."""
        return Counter(one for piece in self.pieces for one in piece.content)

    @cached_property
    def prefixes(self) -> dict[str, set[str]]:
        """Stems by their first letters."""
        found: dict[str, set[str]] = {}
        for one in self.places:
            if len(one) >= _PREFIX_CHARS:
                found.setdefault(one[:_PREFIX_CHARS], set()).add(one)
        return found

    @cached_property
    def lows(self) -> frozenset[str]:
        """Every word as it stands, in lower case."""
        return frozenset(word.low for piece in self.pieces for word in piece.words)

    @cached_property
    def bigrams(self) -> set[tuple[str, str]]:
        """Pairs of words that follow each other, by stem, function words too."""
        return {
            (one.stem, other.stem) for piece in self.pieces for one, other in pairwise(piece.words)
        }

    @cached_property
    def trigrams(self) -> set[tuple[str, str, str]]:
        """Three words that follow each other, by stem."""
        found: set[tuple[str, str, str]] = set()
        for piece in self.pieces:
            stems = [word.stem for word in piece.words]
            found.update(zip(stems, stems[1:], stems[2:], strict=False))
        return found

    @cached_property
    def numbers(self) -> list[tuple[Fact, int]]:
        """Every number and the piece it stands in; the year of a date is one."""
        return [
            (one, number)
            for number, piece in enumerate(self.pieces)
            for fact in piece.facts
            for one in _numbers_in(fact)
        ]

    @cached_property
    def by_kind(self) -> dict[FactKind, list[tuple[Fact, int]]]:
        """Facts of each kind with the piece they stand in."""
        found: dict[FactKind, list[tuple[Fact, int]]] = {}
        for number, piece in enumerate(self.pieces):
            for fact in piece.facts:
                found.setdefault(fact.kind, []).append((fact, number))
        return found

    @cached_property
    def asked_facts(self) -> list[Fact]:
        """Facts of the question."""
        return facts_of(self.question)

    @cached_property
    def asked_numbers(self) -> list[Fact]:
        """Numbers of the question."""
        return [one for fact in self.asked_facts for one in _numbers_in(fact)]

    @cached_property
    def raw(self) -> str:
        """Passages and question in one string, for what has to be there letter by letter."""
        return "\n".join((*self.passages, self.question))

    @cached_property
    def raw_low(self) -> str:
        """The same in lower case."""
        return self.raw.lower()

    def has_token(self, token: str, *, any_case: bool = False) -> bool:
        """Return whether a token stands in passages or question, not as a part of a longer one."""
        text = self.raw_low if any_case else self.raw
        wanted = token.lower() if any_case else token
        at = text.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if is_edge(text, at, end):
                return True
            at = text.find(wanted, at + 1)
        return False

    def span_weight(self, stems: frozenset[str]) -> float:
        """Return the sum of the weights of some stems."""
        return math.fsum(self.weight(one) for one in stems)


_INSIDE = re.compile(r"[\w/-]")


def is_edge(text: str, start: int, end: int) -> bool:
    """Return whether a token in a text begins and ends where it does."""
    first, last = text[start], text[end - 1]
    before = text[start - 1 : start] if start else ""
    after = text[end : end + 1]
    if before and _INSIDE.match(before) and _INSIDE.match(first):
        return False
    if before in ("/", "-", ".") and first.isalnum() and text[start - 2 : start - 1].strip():
        return False
    if not after or not _INSIDE.match(last):
        return True
    if after == "." and text[end + 1 : end + 2].isalnum():
        return False
    return not _INSIDE.match(after)


def _numbers_in(fact: Fact) -> Iterator[Fact]:
    if fact.kind is FactKind.NUMBER:
        yield fact
    elif fact.kind is FactKind.DATE:
        year, _, day = fact.key.partition("-")
        for part in (year, day.rpartition("-")[2]):
            if part.isdigit():
                value = float(part)
                yield Fact(
                    FactKind.NUMBER, part, f"{value:.12g}", fact.start, fact.end, value=value,
                    plain=value,
                )  # fmt: skip


def _pieces(passage: int, text: str) -> Iterator[Piece]:
    """Give the pieces of a passage whose markup is blanked."""
    lead: Piece | None = None
    header: Piece | None = None
    for start, end, kind in _spans(text):
        if kind == "row" and _ROW_RULE.match(text[start:end]):
            continue
        is_item = kind == "item"
        piece = Piece(passage, start, end, text[start:end], _lead_of(kind, lead, header))
        header = (header or piece) if kind == "row" else None
        if kind == "text" or (is_item and piece.text.rstrip().endswith(":")):
            lead = piece
        yield piece


def _lead_of(kind: str, lead: Piece | None, header: Piece | None) -> Piece | None:
    if kind == "row":
        return header
    return lead if kind in ("item", "code") else None


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and kind of each piece: ``text``, ``item``, ``row``, ``code``."""
    at = 0
    begin = 0
    in_code = False
    for line in text.splitlines(keepends=True):
        end = at + len(line)
        if _FENCE.match(line):
            yield from _prose(text, begin, at)
            in_code, begin = not in_code, end
        elif in_code or _ROW.match(line) or _HEADING.match(line):
            yield from _prose(text, begin, at)
            kind = "code" if in_code else "row" if _ROW.match(line) else "text"
            if line.strip():
                yield at, at + len(line.rstrip()), kind
            begin = end
        at = end
    yield from _prose(text, begin, at)


def _prose(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    if start >= end:
        return
    for span in sentences(text, start, end):
        kind = "item" if _ITEM.match(text, _line_start(text, span.start), span.end) else "text"
        if span.end - span.start <= _LONG_CHARS:
            yield span.start, span.end, kind
        else:
            yield from _shortened(text, span.start, span.end, kind)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _shortened(text: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """Cut a listing without full stops at its lines, and what is still too long at a space."""
    while start < end:
        line_end = text.find("\n", start + 1, end)
        stop = line_end if 0 <= line_end - start <= _CUT_CHARS else min(end, start + _CUT_CHARS)
        if stop < end and stop != line_end:
            space = text.rfind(" ", start + 1, stop)
            stop = space if space > start else stop
        if text[start:stop].strip():
            yield start, stop, kind
        start = stop
