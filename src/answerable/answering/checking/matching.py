"""Which facts of a claim the passages hold, and what they hold in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from answerable.answering.checking.context import Context, Piece
from answerable.answering.checking.facts import Fact, FactKind

_REL = 1e-9
# A conversion may be rounded by so much: of the value, or half a degree and a little.
_ROUNDED = 0.03
_ROUNDED_DEGREES = 0.6
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|<[^>]*>|\{[^}]*\}|\[[^\]]*\]|[A-Z][A-Z0-9_-]{2,}")
_PAIR = re.compile(r"\s*[\w.-]+:\s")  # a setting, not a command
_TICKS = re.compile(r"(`+)([^`\n]+)\1")


class Found(IntEnum):
    """How a fact of a claim stands in the passages; lower is worse."""

    ABSENT = 0
    OTHER_UNIT = 1
    CONVERTED = 2
    ASKED = 3
    PRESENT = 4


@dataclass(frozen=True, slots=True)
class Match:
    """A fact of a claim with how it was found and in which pieces."""

    fact: Fact
    found: Found
    pieces: tuple[int, ...]


def match_facts(facts: Sequence[Fact], context: Context) -> list[Match]:
    """Return each fact with how the passages, or at least the question, hold it."""
    return [_match(fact, context) for fact in facts]


def _match(fact: Fact, context: Context) -> Match:
    if fact.kind is FactKind.NUMBER:
        return _match_number(fact, context)
    if fact.kind is FactKind.DATE:
        return _match_date(fact, context)
    if fact.kind is FactKind.NAME:
        places = context.places.get(fact.key) or _piece_of_text(fact.text, context, any_case=True)
        if places:
            return Match(fact, Found.PRESENT, tuple(places))
        low = context.question.lower()
        return Match(fact, Found.ASKED if fact.key in low else Found.ABSENT, ())
    return _match_token(fact, context)


def _match_number(fact: Fact, context: Context) -> Match:
    best = Found.ABSENT
    where: list[int] = []
    for other, number in context.numbers:
        found = same_number(fact, other)
        if found > best:
            best, where = found, []
        if found == best and found:
            where.append(number)
    if best < Found.CONVERTED and any(
        same_number(fact, other) == Found.PRESENT for other in context.asked_numbers
    ):
        return Match(fact, Found.ASKED, ())
    return Match(fact, best, tuple(dict.fromkeys(where)))


def same_number(one: Fact, other: Fact) -> Found:
    """Return whether two numbers are the same, in another unit, or with another one."""
    if one.value is None or other.value is None:
        return Found.ABSENT
    if one.dimension == other.dimension or not (one.dimension and other.dimension):
        if _near(one.value, other.value, _REL):
            return Found.PRESENT
        # "15" for "15 minutes": a number without a unit leaves it to the sentence.
        if one.dimension != other.dimension and _near(one.plain, other.plain, _REL):
            return Found.PRESENT
        return Found.CONVERTED if _is_conversion(one, other) else Found.ABSENT
    degrees = {one.dimension, other.dimension} == {"celsius", "fahrenheit"}
    if degrees and abs(_celsius(one) - _celsius(other)) <= _ROUNDED_DEGREES:
        return Found.CONVERTED
    return Found.OTHER_UNIT if _near(one.plain, other.plain, _REL) else Found.ABSENT


def _is_conversion(one: Fact, other: Fact) -> bool:
    """Return whether a measure is another one rounded: 8 km for 5 miles."""
    if one.dimension != other.dimension or one.dimension not in ("length", "mass"):
        return False
    mine, theirs = (one.value or 0) * (other.plain or 0), (other.value or 0) * (one.plain or 0)
    return not _near(mine, theirs, _REL) and _near(one.value, other.value, _ROUNDED)


def _near(one: float | None, other: float | None, share: float) -> bool:
    if one is None or other is None:
        return False
    return abs(one - other) <= share * max(abs(one), abs(other))


def _celsius(fact: Fact) -> float:
    value = fact.value or 0.0
    return value if fact.dimension == "celsius" else (value - 32) / 1.8


def _match_date(fact: Fact, context: Context) -> Match:
    wanted = fact.key.split("-")
    places = [
        number
        for other, number in context.by_kind.get(FactKind.DATE, ())
        if _agree(wanted, other.key.split("-"))
    ]
    if places:
        return Match(fact, Found.PRESENT, tuple(places))
    asked = any(
        other.kind is FactKind.DATE and _agree(wanted, other.key.split("-"))
        for other in context.asked_facts
    )
    return Match(fact, Found.ASKED if asked else Found.ABSENT, ())


def _agree(wanted: Sequence[str], given: Sequence[str]) -> bool:
    """Return whether a date says all that is wanted, and nothing else."""
    return all(not part or part == other for part, other in zip(wanted, given, strict=True))


def _match_token(fact: Fact, context: Context) -> Match:
    places = _piece_of_text(fact.text, context)
    if not places and fact.kind is FactKind.VERSION:
        places = _piece_of_text(fact.key, context) or _piece_of_text(f"v{fact.key}", context)
    if not places and fact.kind is FactKind.IDENTIFIER:
        places = _piece_of_text(fact.text, context, any_case=True)
    if places:
        return Match(fact, Found.PRESENT, places)
    soft = fact.kind is FactKind.IDENTIFIER
    tokens = (fact.text, f"v{fact.key}") if fact.kind is FactKind.VERSION else (fact.text,)
    if any(context.has_token(token, any_case=soft) for token in tokens):
        return Match(fact, Found.PRESENT, ())
    return Match(fact, Found.ABSENT, ())


def _piece_of_text(token: str, context: Context, *, any_case: bool = False) -> tuple[int, ...]:
    if not context.has_token(token, any_case=any_case):
        return ()
    low = token.lower()
    return tuple(
        number
        for number, piece in enumerate(context.pieces)
        if (low in piece.text.lower() if any_case else token in piece.text)
    )


def commands_in(text: str, *, is_code: bool) -> Iterator[list[str]]:
    """Give the commands of a claim as lists of two tokens or more."""
    for code in [text] if is_code else [match[2] for match in _TICKS.finditer(text)]:
        if is_code and code.lstrip().startswith(("#", "//")):
            continue
        if _PAIR.match(code):
            continue
        tokens = [
            token.strip("\"'`").rstrip(".,;:") or token for token in code.removeprefix("$ ").split()
        ]
        tokens = [token for token in tokens if token]
        if len(tokens) > 1:
            yield tokens


def has_command(tokens: Sequence[str], context: Context) -> bool:
    """Return whether a piece, or the question, holds these tokens in this order, unbroken.

    A placeholder of a passage may be filled with what the question names.
    """
    known = {token.rstrip(".,;:?!") for token in context.question.replace("`", " ").split()}
    lines: list[list[str]] = [piece.tokens for piece in context.pieces]
    lines.append([token.strip("`\"'").rstrip(".,;:") for token in context.question.split()])
    return any(_holds(line, tokens, known) for line in lines)


def _holds(line: Sequence[str], tokens: Sequence[str], known: set[str]) -> bool:
    count = len(tokens)
    return any(
        all(
            one == other or (one in known and _PLACEHOLDER.fullmatch(other) is not None)
            for one, other in zip(tokens, line[at : at + count], strict=True)
        )
        for at in range(len(line) - count + 1)
    )


def rivals(fact: Fact, context: Context, claimed: Sequence[Fact]) -> Iterator[tuple[Fact, Piece]]:
    """Give the facts of the passages that could stand where this one does.

    They are of its kind, and the claim itself states none of them.
    """
    if fact.kind is FactKind.NUMBER:
        for other, number in context.numbers:
            fits = other.dimension == fact.dimension or not (other.dimension and fact.dimension)
            if fits and not any(same_number(one, other) for one in claimed):
                yield other, context.pieces[number]
        return
    for other, number in context.by_kind.get(fact.kind, ()):
        if not any(other.key == one.key for one in claimed):
            yield other, context.pieces[number]
