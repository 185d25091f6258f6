"""Why a claim got its verdict, in words an operator understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from answerable.answering.checking.binding import Bound
from answerable.answering.checking.facts import Fact, FactKind
from answerable.answering.checking.features import Contradiction, Measured
from answerable.answering.checking.matching import Found
from answerable.answering.checking.words import words_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One reason: a stable code, and a sentence for people."""

    code: str
    text: str


# How well other words have to fit around a value for it to be named as what is said instead.
_FITS = 0.3
_FITS_BETTER = 0.15
_MISSING_MAX = 4
_OTHERWISE = frozenset({"value_of_another", "opposite", "denied", "denial_dropped"})

QUOTED = Reason(code="quoted", text="stands in a passage word for word")
COVERED = Reason(code="covered", text="its words and facts stand together in the passages")
CONNECTS = Reason(code="connective", text="only connects other sentences; nothing to check")
REMARKS = Reason(code="remark", text="says what the passages lack; nothing to check")
WEAK = Reason(code="weak_evidence", text="too little of it stands together in the passages")
BARE = Reason(code="bare_answer", text="a bare yes or no says nothing that can be looked up")


def reasons_against(found: Measured) -> Iterator[Reason]:
    """Give what speaks against a claim, the plainest first."""
    for bound in found.bounds:
        if bound.match.found in (Found.ABSENT, Found.OTHER_UNIT):
            yield _absent(bound)
    for command in found.commands:
        yield Reason(code="command_not_found", text=f"no passage has `{command}` as it stands")
    yield from map(_contradicts, found.contradictions)
    for bound in found.bounds:
        if bound.match.found >= Found.CONVERTED:
            yield from _misbound(bound)
    names = [m.fact.text for m in found.matches if m.fact.kind is FactKind.NAME and not m.found]
    if names:
        yield Reason(code="name_not_found", text=f"no passage names {_listed(names)}")
    facts = [(match.fact.start, match.fact.end) for match in found.matches]
    missing = [
        word.low
        for word in found.missing
        if not any(start <= word.start < end for start, end in facts)
    ]
    if missing:
        yield Reason(code="words_not_found", text=f"no passage says {_listed(missing)}")


def _absent(bound: Bound) -> Reason:
    fact = bound.match.fact
    kind = "number" if fact.kind is FactKind.NUMBER else fact.kind.value
    code = f"{kind}_not_found"
    if bound.match.found == Found.OTHER_UNIT:
        text = f"says {fact.text}; the passages have it in another unit"
        return Reason(code="other_unit", text=text)
    if bound.instead and bound.rival >= _FITS and bound.instead[0].text != fact.text:
        code = code.replace("_not_found", "_differs")
        text = f"says {fact.text}, the document says {bound.instead[0].text}"
        return Reason(code=code, text=text)
    return Reason(code=code, text=f"says {fact.text}, no passage does")


def _misbound(bound: Bound) -> Iterator[Reason]:
    fact = bound.match.fact
    if bound.opposite:
        way = "at least" if fact.bound > 0 else "at most"
        other = "at most" if fact.bound > 0 else "at least"
        yield Reason(
            code="bound_differs", text=f"says {way} {fact.text}, the document {other} {fact.text}"
        )
    elif bound.instead and bound.rival - bound.same >= _FITS_BETTER and bound.rival >= _FITS:
        yield Reason(
            code="value_of_another",
            text=f"says {fact.text}, which the document says of something else;"
            f" there it says {bound.instead[0].text}",
        )


def _contradicts(found: Contradiction) -> Reason:
    if found.how == "opposite":
        said, other = (_surface(stem, found) for stem in found.words)
        return Reason(code="opposite", text=f"says {said}, the document says {other}")
    if found.how == "denied":
        return Reason(code="denied", text="denies what the document says")
    return Reason(code="denial_dropped", text="says what the document denies")


def _surface(stem: str, found: Contradiction) -> str:
    words = words_of(found.piece.text)
    return next((word.low for word in words if word.stem == stem), stem)


def _listed(words: list[str]) -> str:
    shown = list(dict.fromkeys(words))[:_MISSING_MAX]
    return ", ".join(f"\u201c{word}\u201d" for word in shown)


def is_contradiction(code: str) -> bool:
    """Return whether a reason says that a passage says otherwise, not merely nothing of it."""
    return code.endswith("_differs") or code in _OTHERWISE


def is_plain_fact(fact: Fact) -> bool:
    """Return whether a fact that is nowhere settles it: letter for letter, or not at all."""
    return fact.kind in (
        FactKind.FLAG, FactKind.PATH, FactKind.ADDRESS, FactKind.VERSION, FactKind.CODE,
    )  # fmt: skip
