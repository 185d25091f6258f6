"""What is measured of a claim beside its passages: the numbers the score is made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from answerable.answering.checking.binding import Bound, bind
from answerable.answering.checking.clauses import (
    DIRECTED,
    Clause,
    are_opposed,
    clauses_of,
    opposites,
)
from answerable.answering.checking.context import Context, Piece
from answerable.answering.checking.facts import Fact, FactKind, facts_of
from answerable.answering.checking.framing import stated
from answerable.answering.checking.matching import (
    Found,
    Match,
    commands_in,
    has_command,
    match_facts,
)
from answerable.answering.checking.words import ALIASES, Word, words_of

_BEST = 4
_GREEDY = 3
_PREFIX_CHARS = 5
_SOFT_ALIAS, _SOFT_PREFIX = 0.7, 0.6
_NEAR_WORDS = 3
_ALIGNED = 0.45
_SHORT_WORDS = 7
# A clause that agrees is taken for the one meant though it holds so much less of the words.
_DOUBT = 0.15

_COVERAGE = (
    "cover_full", "cover_best", "cover_three", "cover_greedy", "cover_asked", "cover_soft",
    "cover_soft_best", "gap_three", "gap_full",
)  # fmt: skip
_UNCOVERED = (
    "missing_sum", "missing_max", "missing_mean", "missing_count", "missing_second",
    "missing_best_sum", "missing_best_max", "missing_soft_sum", "missing_asked_sum",
    "missing_three_sum", "plain_share", "plain_count", "plain_best",
)  # fmt: skip
_COPY = (
    "pairs_full", "triples_full", "pairs_best", "common_best", "copied", "close_pairs",
    "close_pairs_three",
)  # fmt: skip
_FACTS = (
    "numbers", "numbers_absent", "numbers_other_unit", "tokens", "tokens_absent", "names",
    "names_absent", "absent_share", "words_absent", "outside_best", "hard_absent",
    "commands", "commands_broken",
)  # fmt: skip
_BINDING = (
    "bound_min", "bound_mean", "rival_margin_min", "rival_max", "tight_min", "bound_opposite",
    "name_bound_min", "order_kept", "token_rival_margin",
)  # fmt: skip
_POLARITY = (
    "denied", "denial_added", "denial_dropped", "opposite", "opposed_agrees", "contradicts",
    "modal_up", "modal_down", "quantifier", "aligned", "denied_best_differs",
)  # fmt: skip
_SHAPE = ("length", "is_short", "asked_share", "pieces")

GROUPS: dict[str, tuple[str, ...]] = {
    "coverage": _COVERAGE,
    "uncovered": _UNCOVERED,
    "copy": _COPY,
    "facts": _FACTS,
    "binding": _BINDING,
    "polarity": _POLARITY,
    "shape": _SHAPE,
}
NAMES = tuple(name for names in GROUPS.values() for name in names)
"""Names of the features, in the order of `Measured.values`."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A clause of the claim and the clause of a passage that says the opposite.

    Attributes:
        how: ``denied``, ``not_denied`` or ``opposite``.
        words: For ``opposite``: what the claim says, what the passage says; stems.
    """

    how: str
    strength: float
    piece: Piece
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A claim measured against its passages.

    Attributes:
        values: One finite number for each of `NAMES`.
        best: Numbers of the pieces that cover the claim best together, best first.
        missing: Words that no passage holds and the question neither, heaviest first.
        commands: Commands that no passage holds as they are.
        is_verbatim: Whether the claim, spaces aside, is text of a passage.
    """

    values: tuple[float, ...]
    best: tuple[int, ...]
    matches: tuple[Match, ...]
    bounds: tuple[Bound, ...]
    missing: tuple[Word, ...]
    contradictions: tuple[Contradiction, ...]
    commands: tuple[str, ...]
    stems: frozenset[str]


class _Claim:
    """A claim as it is measured: words, facts, clauses, with the question where it is needed."""

    def __init__(self, text: str, context: Context, *, is_code: bool, before: str) -> None:
        self.text = stated(text, is_code=is_code)
        words = words_of(self.text)
        if len(words) > 1 and words[0].low in ("yes", "no") and self.text[words[0].end] in ",.;:":
            words = words[1:]
        self.words = words
        self.content = [word for word in words if word.is_content]
        self.is_short = len(self.content) <= _SHORT_WORDS and not _has_verb(words)
        if self.is_short and context.asked:
            words = self._joined(words, context)
        self.clauses = clauses_of(self.text, words)
        self.facts = facts_of(self.text, is_code=is_code)
        self.weights = {word.stem: context.weight(word.stem) for word in self.content}
        self.stems = frozenset(self.weights)
        self.extra = context.asked_stems if self.is_short else frozenset()
        self.before = frozenset(word.stem for word in words_of(before) if word.is_content)
        self.commands = list(commands_in(self.text, is_code=is_code))
        self.total = sum(self.weights.values()) or 1.0

    def _joined(self, words: list[Word], context: Context) -> list[Word]:
        """Return the words of a short answer with those of its question: one statement."""
        answered = {word.stem for word in words}
        behind = len(self.text) + 1
        asked = [
            Word(word.low, word.stem, behind + word.start, behind + word.end)
            for word in context.asked
            if word.stem not in answered
        ]
        self.words = [*words, *asked]
        self.content = [word for word in self.words if word.is_content]
        return self.words


def measure(text: str, context: Context, *, is_code: bool = False, before: str = "") -> Measured:
    """Return a claim measured against the passages of its question."""
    claim = _Claim(text, context, is_code=is_code, before=before)
    evidence = _Evidence(claim, context)
    matches = match_facts(claim.facts, context)
    bounds = bind(matches, claim.words, claim.clauses, context, extra=claim.extra)
    contradictions, polarity = _polarity(claim, evidence, context)
    broken = [tokens for tokens in claim.commands if not has_command(tokens, context)]
    values = {
        **_coverage(claim, evidence, context),
        **_plain(claim, evidence, context),
        **_copy(claim, evidence, context),
        **_facts(claim, matches, evidence, broken),
        **_binding(claim, matches, bounds, evidence),
        **polarity,
        "length": math.log1p(len(claim.content)),
        "is_short": float(claim.is_short),
        "asked_share": _share(claim, context.asked_stems),
        "pieces": math.log1p(len(context.pieces)),
    }
    missing = sorted(
        {word.stem: word for word in claim.content if word.stem in evidence.missing_asked}.values(),
        key=lambda word: -claim.weights[word.stem],
    )
    return Measured(
        values=tuple(values[name] for name in NAMES),
        best=evidence.greedy,
        matches=tuple(matches),
        bounds=tuple(bounds),
        missing=tuple(missing),
        contradictions=tuple(contradictions),
        commands=tuple(" ".join(tokens) for tokens in broken),
        stems=claim.stems,
    )


class _Evidence:
    """Where in the passages the words of a claim stand."""

    def __init__(self, claim: _Claim, context: Context) -> None:
        self.held: dict[int, float] = {}
        for one, weight in claim.weights.items():
            for number in context.places.get(one, ()):
                self.held[number] = self.held.get(number, 0.0) + weight
        pieces = context.pieces
        # Among equal ones the shorter says it more plainly.
        self.ranked = sorted(self.held, key=lambda n: (-self.held[n], len(pieces[n].content), n))[
            :_BEST
        ]
        self.best = pieces[self.ranked[0]] if self.ranked else None
        self.missing = {one for one in claim.stems if one not in context.places}
        self.missing_asked = self.missing - context.asked_stems - claim.before
        self.three, self.three_at = self._three(claim, context)
        self.greedy = self._greedy(claim, context)
        self.soft = {one: _soft(one, context) for one in self.missing}

    def _three(self, claim: _Claim, context: Context) -> tuple[frozenset[str], int]:
        """Return the stems of the claim that the best three pieces in a row hold, and where."""
        best: frozenset[str] = frozenset()
        most, at = -1.0, 0
        for middle in {near for n in self.ranked for near in (n - 1, n, n + 1)}:
            window = range(max(0, middle - 1), min(len(context.pieces), middle + 2))
            if not window:
                continue
            first, last = context.pieces[window[0]], context.pieces[window[-1]]
            if first.passage != last.passage:
                window = range(middle, middle + 1)
            stems = claim.stems & frozenset().union(*(context.pieces[n].stems for n in window))
            mass = math.fsum(claim.weights[one] for one in stems)
            if mass > most:
                best, most, at = stems, mass, middle
        return best, at

    def _greedy(self, claim: _Claim, context: Context) -> tuple[int, ...]:
        """Return the pieces that together hold most, each adding the most to those before."""
        chosen: list[int] = []
        left = set(claim.stems) - self.missing
        while left and len(chosen) < _GREEDY:
            gains: dict[int, float] = {}
            for one, weight in claim.weights.items():
                for number in context.places[one] if one in left else ():
                    gains[number] = gains.get(number, 0.0) + weight
            pick = max(gains, key=lambda n: (gains[n], self.held[n], -n))
            if chosen and gains[pick] < 0.05 * claim.total:
                break
            chosen.append(pick)
            left -= context.pieces[pick].stems
        return tuple(chosen)


def _soft(one: str, context: Context) -> float:
    """Return how far a stem that the passages lack is said by another word of theirs."""
    if any(other in context.places for other in ALIASES.get(one, ())):
        return _SOFT_ALIAS
    if len(one) >= _PREFIX_CHARS and one[:_PREFIX_CHARS] in context.prefixes:
        return _SOFT_PREFIX
    return 0.0


def _share(claim: _Claim, stems: frozenset[str] | set[str]) -> float:
    return sum(weight for one, weight in claim.weights.items() if one in stems) / claim.total


def _coverage(claim: _Claim, evidence: _Evidence, context: Context) -> dict[str, float]:
    weights, missing = claim.weights, evidence.missing
    if not weights:
        return _nothing_covered()
    held_best = evidence.best.stems if evidence.best else frozenset()
    greedy = frozenset().union(*(context.pieces[n].stems for n in evidence.greedy))
    full = 1 - _share(claim, missing)
    best, three = _share(claim, held_best), _share(claim, evidence.three)
    softly = math.fsum(weights[one] * value for one, value in evidence.soft.items()) / claim.total
    mass = sorted((weights[one] for one in missing), reverse=True)
    best_missing = [weights[one] for one in claim.stems - held_best]
    soft_left = math.fsum(weights[one] * (1 - value) for one, value in evidence.soft.items())
    return {
        "cover_full": full,
        "cover_best": best,
        "cover_three": three,
        "cover_greedy": _share(claim, greedy),
        "cover_asked": 1 - _share(claim, evidence.missing_asked),
        "cover_soft": full + softly,
        "cover_soft_best": best + softly,
        "gap_three": three - best,
        "gap_full": full - three,
        "missing_sum": math.log1p(math.fsum(mass)),
        "missing_max": mass[0] if mass else 0.0,
        "missing_mean": sum(mass) / len(weights),
        "missing_count": float(len(mass)),
        "missing_second": mass[1] if len(mass) > 1 else 0.0,
        "missing_best_sum": math.log1p(math.fsum(best_missing)),
        "missing_best_max": max(best_missing, default=0.0),
        "missing_soft_sum": math.log1p(soft_left),
        "missing_asked_sum": math.log1p(math.fsum(weights[one] for one in evidence.missing_asked)),
        "missing_three_sum": math.log1p((1 - three) * claim.total),
    }


def _plain(claim: _Claim, evidence: _Evidence, context: Context) -> dict[str, float]:
    """Return what is missing when every word counts the same, function words too, unstemmed."""
    words = [word.low for word in claim.words]
    absent = sum(word not in context.lows for word in words)
    best = {word.low for word in evidence.best.words} if evidence.best else set()
    return {
        "plain_share": absent / max(1, len(words)),
        "plain_count": math.log1p(absent),
        "plain_best": _mean(word in best for word in words),
    }


def _nothing_covered() -> dict[str, float]:
    """Return the values of a claim without content words: nothing is missing of it."""
    full = dict.fromkeys((*_COVERAGE, *_UNCOVERED), 0.0)
    return full | {name: 1.0 for name in _COVERAGE if name.startswith("cover")}


def _copy(claim: _Claim, evidence: _Evidence, context: Context) -> dict[str, float]:
    stems = [word.stem for word in claim.words]
    pairs = list(pairwise(stems))
    triples = list(zip(stems, stems[1:], stems[2:], strict=False))
    best = evidence.best
    best_stems = [word.stem for word in best.words] if best else []
    best_pairs = set(pairwise(best_stems))
    common = _common_length(stems, best_stems)
    return {
        "pairs_full": _mean(pair in context.bigrams for pair in pairs),
        "triples_full": _mean(triple in context.trigrams for triple in triples),
        "pairs_best": _mean(pair in best_pairs for pair in pairs),
        "common_best": common / len(stems) if stems else 1.0,
        "copied": _copied(stems, best_stems) / len(stems) if stems else 1.0,
        "close_pairs": _close_pairs(claim, [context.pieces[n] for n in evidence.ranked]),
        "close_pairs_three": _close_pairs(claim, context.pieces[
            max(0, evidence.three_at - 1) : evidence.three_at + 2
        ]),
    }  # fmt: skip


def _mean(flags: Iterable[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else 1.0


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for item in one:
        last = 0
        for place, there in enumerate(other, start=1):
            longer = last + 1 if item == there else max(row[place], row[place - 1])
            last, row[place] = row[place], longer
    return row[-1]


def _copied(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest run that both hold."""
    longest = 0
    row = [0] * (len(other) + 1)
    for item in one:
        for place in range(len(other), 0, -1):
            row[place] = row[place - 1] + 1 if item == other[place - 1] else 0
            longest = max(longest, row[place])
    return longest


def _close_pairs(claim: _Claim, pieces: Sequence[Piece]) -> float:
    """Return the share of the claim's pairs of near words that stand in one piece together."""
    content = [word.stem for word in claim.content]
    total = held = 0.0
    for place, one in enumerate(content):
        for other in content[place + 1 : place + 1 + _NEAR_WORDS]:
            if one == other:
                continue
            weight = claim.weights[one] + claim.weights[other]
            total += weight
            if any(one in piece.stems and other in piece.stems for piece in pieces):
                held += weight
    return held / total if total else 1.0


_TOKENS = frozenset(
    {FactKind.PATH, FactKind.FLAG, FactKind.IDENTIFIER, FactKind.CODE, FactKind.ADDRESS}
)


def _facts(
    claim: _Claim, matches: Sequence[Match], evidence: _Evidence, broken: Sequence[object]
) -> dict[str, float]:
    hard = [one for one in matches if one.fact.kind not in _TOKENS and one.fact.is_hard]
    tokens = [one for one in matches if one.fact.kind in _TOKENS]
    names = [one for one in matches if one.fact.kind is FactKind.NAME]
    wordy = [one for one in matches if one.fact.is_word]
    counted = [*hard, *tokens]
    absent = [one for one in counted if one.found == Found.ABSENT]
    best = set(evidence.ranked[:2])
    outside = [one for one in counted if one.found == Found.PRESENT and best.isdisjoint(one.pieces)]
    return {
        "numbers": float(len(hard)),
        "numbers_absent": float(_count(hard, Found.ABSENT)),
        "numbers_other_unit": float(_count(hard, Found.OTHER_UNIT)),
        "tokens": float(len(tokens)),
        "tokens_absent": float(_count(tokens, Found.ABSENT)),
        "names": float(len(names)),
        "names_absent": float(_count(names, Found.ABSENT)),
        "absent_share": len(absent) / len(counted) if counted else 0.0,
        "words_absent": float(_count(wordy, Found.ABSENT)),
        "outside_best": len(outside) / len(counted) if counted else 0.0,
        "hard_absent": float(bool(absent or broken or _count(hard, Found.OTHER_UNIT))),
        "commands": float(len(claim.commands)),
        "commands_broken": float(len(broken)),
    }


def _count(matches: Sequence[Match], found: Found) -> int:
    return sum(1 for one in matches if one.found == found)


def _binding(
    claim: _Claim, matches: Sequence[Match], bounds: Sequence[Bound], evidence: _Evidence
) -> dict[str, float]:
    numbers = [one for one in bounds if one.match.fact.kind not in _TOKENS]
    tokens = [one for one in bounds if one.match.fact.kind in _TOKENS]
    present = [one for one in bounds if one.match.found >= Found.CONVERTED]
    names = [
        1.0 if not set(evidence.ranked[:2]).isdisjoint(one.pieces) else 0.0
        for one in matches
        if one.fact.kind is FactKind.NAME
    ]
    return {
        "bound_min": min((one.same for one in present), default=1.0),
        "bound_mean": _average([one.same for one in present]),
        "rival_margin_min": min((one.same - one.rival for one in numbers), default=0.5),
        "rival_max": max((one.rival for one in numbers), default=0.0),
        "tight_min": min((one.tight for one in numbers), default=1.0),
        "bound_opposite": float(any(one.opposite for one in numbers)),
        "name_bound_min": min(names, default=1.0),
        "order_kept": _order_kept(claim, evidence.best),
        "token_rival_margin": min((one.same - one.rival for one in tokens), default=0.5),
    }


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0


def _order_kept(claim: _Claim, best: Piece | None) -> float:
    """Return the share of pairs of shared words that stand in the same order in both."""
    if best is None:
        return 1.0
    once = Counter(best.content)
    where = {one: place for place, one in enumerate(best.content) if once[one] == 1}
    order = [where[word.stem] for word in claim.content if word.stem in where]
    pairs = [(one, other) for n, one in enumerate(order) for other in order[n + 1 :]]
    return sum(1 for one, other in pairs if one <= other) / len(pairs) if pairs else 1.0


_VERBS = frozenset(
    """
    is are was were be been has have had does do did can could will would should must may might
    shall use uses run runs set sets make makes need needs means mean get gets give gives take
    takes keep keeps let lets become becomes allow allows require requires provide provides
    """.split()
)


def _has_verb(words: Sequence[Word]) -> bool:
    """Return whether a text seems to be a statement of its own, not the answer to a question."""
    return any(
        word.low in _VERBS or (place and len(word.low) > 4 and word.low.endswith("ed"))  # noqa: PLR2004
        for place, word in enumerate(words)
    )


def _polarity(
    claim: _Claim, evidence: _Evidence, context: Context
) -> tuple[list[Contradiction], dict[str, float]]:
    values = dict.fromkeys(_POLARITY, 0.0)
    values["denied"] = float(any(one.is_denied for one in claim.clauses))
    best = evidence.best
    if best is not None:
        differs = _is_denied(claim.clauses) != _is_denied(best.clauses)
        values["denied_best_differs"] = float(differs)
    found: list[Contradiction] = []
    pieces = [context.pieces[number] for number in evidence.ranked]
    for clause in claim.clauses:
        one = _align(clause, pieces, context)
        if one is not None:
            _compare(clause, one, values, found)
    return found, values


def _is_denied(clauses: Sequence[Clause]) -> bool:
    return sum(clause.is_denied for clause in clauses) % 2 == 1


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A clause of a passage beside one of the claim.

    Attributes:
        overlap: Share of the claim clause's weight that it says or says the opposite of.
        opposed: Words of the claim whose opposite stands here: (claim's, passage's).
    """

    clause: Clause
    piece: Piece
    overlap: float
    opposed: tuple[tuple[str, str], ...]

    @property
    def disagreement(self) -> int:
        return len(self.opposed)


def _align(clause: Clause, pieces: Sequence[Piece], context: Context) -> _Aligned | None:
    """Return the clause that says most of what this one says; among equals, one that agrees."""
    total = context.span_weight(clause.stems)
    if not total:
        return None
    best: _Aligned | None = None
    score = 0.0
    against_it = [
        (one, against)
        for one in sorted(clause.stems)
        for against in sorted(opposites(one))
        if (against in context.places or against in DIRECTED) and against not in clause.stems
    ]
    for piece in pieces:
        for other in piece.clauses:
            opposed = tuple(
                (one, against)
                for one, against in against_it
                if against in other.stems and one not in other.stems
            )
            said = context.span_weight(clause.stems & other.stems)
            said += math.fsum(context.weight(one) for one, _ in opposed)
            overlap = said / total
            conflict = (clause.is_denied != other.is_denied) != bool(opposed)
            rank = overlap - _DOUBT * conflict
            if rank > score:
                score = rank
                best = _Aligned(other, piece, overlap, opposed)
    return best if best is not None and best.overlap >= _ALIGNED else None


def _compare(
    clause: Clause, aligned: _Aligned, values: dict[str, float], found: list[Contradiction]
) -> None:
    other, weight = aligned.clause, aligned.overlap
    differs = clause.is_denied != other.is_denied
    is_more = differs and clause.is_denied
    values["aligned"] = max(values["aligned"], weight)
    if aligned.opposed:
        name = "opposed_agrees" if differs else "opposite"
        values[name] = max(values[name], weight)
    elif differs:
        name = "denial_added" if is_more else "denial_dropped"
        values[name] = max(values[name], weight)
    if differs != bool(aligned.opposed):
        values["contradicts"] = max(values["contradicts"], weight)
        how = "opposite" if aligned.opposed else "denied" if is_more else "not_denied"
        words = aligned.opposed[0] if aligned.opposed else ("", "")
        found.append(Contradiction(how, weight, aligned.piece, words))
    if clause.modal and other.modal:
        step = clause.modal - other.modal
        values["modal_up"] = max(values["modal_up"], float(step))
        values["modal_down"] = max(values["modal_down"], float(-step))
    elif clause.modal == 3 and not other.modal:  # noqa: PLR2004 - "must"
        values["modal_up"] = max(values["modal_up"], 0.5)
    if are_opposed(clause.quantifiers, other.quantifiers):
        values["quantifier"] = max(values["quantifier"], weight)


def hard_absent(matches: Sequence[Match]) -> list[Fact]:
    """Return the hard facts that neither passages nor question hold."""
    nowhere = (Found.ABSENT, Found.OTHER_UNIT)
    return [one.fact for one in matches if one.fact.is_hard and one.found in nowhere]
