"""Whether a value belongs to what the claim says it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answerable.answering.checking.clauses import Clause
from answerable.answering.checking.context import Context, Piece
from answerable.answering.checking.facts import Fact, FactKind
from answerable.answering.checking.matching import Found, Match, rivals, same_number
from answerable.answering.checking.words import ALIASES, Word

# Words so far apart no longer belong together.
_REACH = 12
# What a shared word counts for when it stands in the same piece, not in the same clause.
_OUTSIDE = 0.35
_LEAD = 0.8
# Identifiers bound to are many: those that occur oftener say little.
_PIECES_MAX = 12
_RIVALS_MAX = 60


@dataclass(frozen=True, slots=True)
class Bound:
    """How well the words around a value of a claim fit the words around it in the passages.

    Attributes:
        same: Share of the weight around it found around the same value; 0 to 1.
        rival: The same for the best other value.
        tight: 1 when the next content word on a side is the same, else 0.
        opposite: Whether "at least" became "at most".
        instead: The value that fits better, and its piece; None where none does.
    """

    match: Match
    same: float
    rival: float
    tight: float
    opposite: bool
    instead: tuple[Fact, Piece] | None


def bind(
    matches: Sequence[Match],
    words: Sequence[Word],
    clauses: Sequence[Clause],
    context: Context,
    *,
    extra: frozenset[str],
) -> list[Bound]:
    """Return how each value of a claim is bound; names and facts that are nowhere included.

    `extra` are stems that belong to every value: those of the question, for a short answer.
    """
    claimed = [match.fact for match in matches]
    return [
        _bound(match, _around(match.fact, words, clauses, context, extra), words, context, claimed)
        for match in matches
        if match.fact.kind is not FactKind.NAME
    ]


def _around(
    fact: Fact,
    words: Sequence[Word],
    clauses: Sequence[Clause],
    context: Context,
    extra: frozenset[str],
) -> dict[str, float]:
    """Return the stems around a value of the claim with their weights, nearer ones heavier."""
    clause = _clause_of(fact, clauses)
    found = {one: 0.6 * context.weight(one) for one in sorted(extra)}
    place = _place(fact, words)
    for number, word in enumerate(words):
        if not word.is_content or fact.start <= word.start < fact.end:
            continue
        distance = abs(number - place)
        inside = clause is None or word.stem in clause.stems
        share = (1.0 if inside else _OUTSIDE) / (1 + distance / 6)
        found[word.stem] = max(found.get(word.stem, 0.0), share * context.weight(word.stem))
    return found


def _bound(
    match: Match,
    around: dict[str, float],
    words: Sequence[Word],
    context: Context,
    claimed: Sequence[Fact],
) -> Bound:
    total = sum(around.values()) or 1.0
    same = tight = 0.0
    agrees = opposite = False
    for piece in (context.pieces[number] for number in match.pieces[:_PIECES_MAX]):
        for fact in _occurrences(match.fact, piece):
            same = max(same, _fit(around, fact, piece) / total)
            tight = max(tight, _tight(match.fact, words, fact, piece))
            if match.fact.bound and fact.bound:
                agrees = agrees or match.fact.bound == fact.bound
                opposite = opposite or match.fact.bound != fact.bound
    rival, instead = 0.0, None
    for other, piece in _some(rivals(match.fact, context, claimed)):
        fit = _fit(around, other, piece) / total
        if fit > rival:
            rival, instead = fit, (other, piece)
    if match.found == Found.ASKED:
        same = max(same, rival, 0.5)
    return Bound(match, same, rival, tight, opposite and not agrees, instead)


def _some(found: Iterable[tuple[Fact, Piece]]) -> list[tuple[Fact, Piece]]:
    return [pair for pair, _ in zip(found, range(_RIVALS_MAX), strict=False)]


def _occurrences(fact: Fact, piece: Piece) -> list[Fact]:
    if fact.kind is FactKind.NUMBER:
        return [other for other in piece.facts if same_number(fact, other)]
    return [other for other in piece.facts if other.key == fact.key] or [
        Fact(fact.kind, fact.text, fact.key, at, at + len(fact.text))
        for at in [piece.text.lower().find(fact.text.lower())]
        if at >= 0
    ]


def _fit(around: dict[str, float], fact: Fact, piece: Piece) -> float:
    """Return the weight of the words around a claim's value that stand around this one."""
    clause = _clause_of(fact, piece.clauses)
    near = clause.stems if clause else piece.stems
    total = 0.0
    for one, weight in around.items():
        names = ALIASES.get(one)
        if one in near or (names and not names.isdisjoint(near)):
            total += weight
        elif one in piece.stems:
            total += weight * _OUTSIDE
        elif one in piece.lead_stems:
            total += weight * _LEAD
    return total


def _tight(fact: Fact, words: Sequence[Word], other: Fact, piece: Piece) -> float:
    mine, theirs = _neighbours(fact, words), _neighbours(other, piece.words)
    return 1.0 if mine & theirs else 0.0


def _neighbours(fact: Fact, words: Sequence[Word]) -> set[str]:
    before = [word for word in words if word.end <= fact.start and word.is_content]
    after = [word for word in words if word.start >= fact.end and word.is_content]
    return {word.stem for word in (*before[-1:], *after[:1])}


def _place(fact: Fact, words: Sequence[Word]) -> int:
    return next((n for n, word in enumerate(words) if word.end > fact.start), len(words))


def _clause_of(fact: Fact, clauses: Sequence[Clause]) -> Clause | None:
    return next((one for one in clauses if one.start <= fact.start < one.end), None)
