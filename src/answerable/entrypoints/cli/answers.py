"""An answer in a terminal, and as an object."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, assert_never

from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    Citation,
    Claim,
    Passage,
    Trace,
)
from answerable.entrypoints.naming import spot, trail

_WIDTH = 96
_ARROW = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_RUNGS = {
    "quote": "quoted verbatim",
    "search": "abstained, closest documents named",
    "abstain": "abstained",
}
_VERBATIM = {"code", "steps", "list", "rows", "item"}


@dataclass(kw_only=True, slots=True)
class Sheet:
    """An answer on its way to a terminal, statement by statement.

    Attributes:
        numbers: Of the places that were cited, in the order they were.
        shown: How many statements were given.
    """

    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    shown: int = 0

    def searched(self, text: str) -> Iterator[str]:
        """Give what a question that leans on an earlier one is taken to mean."""
        yield from _wrapped(f"Taken to mean: {text}")
        yield ""

    def claim(self, claim: Claim) -> Iterator[str]:
        """Give the lines of one statement with the numbers of its citations."""
        self.shown += 1
        marks = [_number(self.numbers, citation) for citation in claim.citations]
        yield from _claim(claim, "".join(f"[{mark}]" for mark in dict.fromkeys(marks)))
        yield ""

    def end(self, trace: Trace, *, passages: int, explain: bool) -> Iterator[str]:
        """Give what stands below the statements, or in their place."""
        for (place, at), number in self.numbers.items():
            yield f"  [{number}] {place}, {at}"
        match trace.outcome:
            case Abstained():
                yield from _abstained(trace.outcome)
            case Cancelled():
                yield f"  It ended here: {trace.outcome.because}."
            case Answered():
                pass
            case _:
                assert_never(trace.outcome)
        yield ""
        yield from _ladder(trace)
        if passages:
            yield from _passages(trace.passages[:passages], explain=explain)
        if explain:
            yield from _explanation(trace)
        yield _footer(trace)


def lines(trace: Trace, *, passages: int, explain: bool) -> Iterator[str]:
    """Give the lines of an answer, its citations, and where asked what it was made from."""
    sheet = Sheet()
    yield ""
    if trace.searched:
        yield from sheet.searched(trace.searched)
    for claim in () if isinstance(trace.outcome, Abstained) else trace.outcome.claims:
        yield from sheet.claim(claim)
    yield from sheet.end(trace, passages=passages, explain=explain)


def as_object(trace: Trace, *, passages: int | None) -> dict[str, Any]:
    """Return the trace as JSON values, with so many passages, or all."""
    value = asdict(trace)
    value["outcome"] = {"kind": _kind(trace), **value["outcome"]}
    value["passages"] = value["passages"][:passages]
    return value


def _kind(trace: Trace) -> str:
    match trace.outcome:
        case Answered():
            return "answered"
        case Abstained():
            return "abstained"
        case Cancelled():
            return "cancelled"


def _number(numbers: dict[tuple[str, str], int], citation: Citation) -> int:
    place = _place(citation.path, citation.heading, citation.title)
    return numbers.setdefault((place, spot(citation)), len(numbers) + 1)


def _place(path: str, heading: tuple[str, ...], title: str) -> str:
    return _ARROW.join((path, *trail(heading, title)))


def _claim(claim: Claim, marks: str) -> Iterator[str]:
    """Give the lines of one claim: prose is wrapped to the screen, all else as it stands."""
    if claim.kind in _VERBATIM:
        for text in claim.text.splitlines():
            yield f"  {text}"
        yield f"  {marks}"
        return
    yield from _wrapped(f"{' '.join(claim.text.split())} {marks}")


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _abstained(outcome: Abstained) -> Iterator[str]:
    yield f"  The documents do not say. {outcome.because}"
    if outcome.closest:
        yield ""
        yield "  Closest:"
        for passage in outcome.closest:
            yield f"  - {_where(passage)}"


def _where(passage: Passage) -> str:
    return _place(passage.path, passage.chunk.heading, passage.title)


def _ladder(trace: Trace) -> Iterator[str]:
    """Give what was dropped of a draft, and which rungs were left; nothing where all went well."""
    for claim in trace.dropped:
        yield from _wrapped(f"dropped: {' '.join(claim.text.split())} ({_why(claim)})")
    steps = [one for one in trace.step_downs if one.rung.startswith("model:")]
    for step in steps:
        yield from _wrapped(f"stepped down from {step.rung}: {step.reason}, {step.detail}")
    if trace.dropped or steps:
        yield ""


def _why(claim: Claim) -> str:
    return "; ".join(claim.verdict.reasons) or claim.verdict.value.value


def _passages(passages: tuple[Passage, ...], *, explain: bool) -> Iterator[str]:
    yield "  Looked at:"
    for passage in passages:
        yield f"  {passage.rank:2}. {_where(passage)}"
        if explain:
            yield from _scores(passage)
    yield ""


def _scores(passage: Passage) -> Iterator[str]:
    """Give what a passage's place comes from, and why it is not where its words would put it."""
    parts = dict(passage.parts)
    if not {"words", "words_rank"} <= parts.keys():  # of an older version
        yield "      " + ", ".join(f"{name} {value:.2f}" for name, value in passage.parts)
        return
    by_words = (
        f"words {parts['words']:.2f} (BM25 {parts['bm25']:.1f}, {parts['chunk']:.2f} of the best; "
        f"its page {parts['page']:.2f})"
    )
    if "vectors" not in parts:
        yield f"      {passage.score:.2f}: {by_words}"
        return
    by_meaning = (
        f"vectors {parts['vectors']:.2f} (cosine {parts['cosine']:.2f}, "
        f"best sentence {parts['sentence']:.2f})"
    )
    yield f"      {passage.score:.2f}: {by_words}, {by_meaning}"
    yield f"      {_move(passage.rank, int(parts['words_rank']), int(parts['vectors_rank']))}"


def _move(rank: int, words: int, vectors: int) -> str:
    """Say how a passage moved: its place in all, by its words alone and by its meaning alone."""
    places = f"place {words} by words, {vectors} by meaning"
    if rank < words:
        return f"{places}: its meaning lifts it"
    if rank > words:
        return f"{places}: others are nearer in meaning"
    return f"{places}: both agree" if vectors <= rank else f"{places}: its words hold it there"


def _explanation(trace: Trace) -> Iterator[str]:
    yield "  Evidence: " + ", ".join(f"{name} {value:.2f}" for name, value in trace.evidence)
    yield "  Steps: " + ", ".join(f"{step.name} {step.took_ms:.1f} ms" for step in trace.steps)
    for override in trace.overrides:
        yield f"  Override: {override}"
    yield ""


def _footer(trace: Trace) -> str:
    said = _RUNGS.get(trace.outcome.rung, trace.outcome.rung or "cancelled")
    cost = f" · {_cost(trace)}" if trace.calls else ""
    return (
        f"  {said}{cost} · confidence {trace.outcome.confidence:.2f} · {trace.took_ms:.1f} ms · "
        f"{trace.release} · revision {trace.revision} · trace {trace.id}"
    )


def _cost(trace: Trace) -> str:
    """Return what all calls of a model cost; unpriced is not free."""
    costs = [one.cost_usd for one in trace.calls]
    if None in costs:
        return "unpriced"
    return f"{sum(Decimal(one) for one in costs if one is not None):f} USD"
