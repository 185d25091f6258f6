"""Why an answer is poor: one promise for each failure point, with and without an expectation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from answerable.answering.feedback import Complaint
from answerable.answering.standing import Standing
from answerable.domain.documents import Chunk
from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    Claim,
    ModelUse,
    Outcome,
    Passage,
    StepDown,
    StepReason,
    Trace,
    Verdict,
    VerdictValue,
)
from answerable.quality.diagnosis import FailurePoint, Rejected, Said, Seen, Sighting, Sureness
from answerable.quality.why import why

SAID = Claim(
    text="The drain waits.",
    citations=(),
    verdict=Verdict(value=VerdictValue.SUPPORTED, judge="features", score=1.0),
)
ANSWERED = Answered(rung="quote", claims=(SAID,), confidence=0.9)
WITHHELD = Abstained(code="thin_evidence", because="too far", confidence=0.2, rung="search")
PASSAGE = Passage(
    rank=1,
    score=1.0,
    document_id="d1",
    content_id="c1",
    path="nodes/drain.md",
    title="Draining",
    chunk=Chunk(ordinal=0, start=0, end=40, heading=()),
)
THERE = Sighting(
    is_page=False,
    path="nodes/drain.md",
    line=7,
    is_there=True,
    was_there=True,
    rank=2,
    page_rank=1,
    rank_now=2,
    page_rank_now=1,
    looked_at=20,
)
WRONG = Rejected(text="It waits 90.", reasons=("says 90, the document says 30",), contradicts=True)
LOOSE = Rejected(text="Pods like it.", reasons=("no passage says so",), contradicts=False)


def seen(outcome: Outcome = ANSWERED, **known: object) -> Seen:
    """Return what is known about an answer of two passages."""
    trace = Trace(
        id="t1",
        at_ms=1,
        principal="owner",
        question="how long does the drain wait?",
        release="r1",
        revision=1,
        overrides=(),
        passages=(PASSAGE,),
        evidence=(("unknown", 0.0),),
        outcome=outcome,
        steps=(),
        took_ms=12.0,
    )
    return replace(Seen(trace=trace, needed=0.5, found_now=20), **known)  # type: ignore[arg-type]


def of(told: Seen, **changed: object) -> Seen:
    """Return the same with another trace."""
    return replace(told, trace=replace(told.trace, **changed))  # type: ignore[arg-type]


def left(reason: StepReason, rung: str = "model:local") -> tuple[StepDown, ...]:
    """Return one rung that was left."""
    return (StepDown(rung=rung, reason=reason, detail="it broke"),)


def ended(how: str) -> tuple[ModelUse, ...]:
    """Return one call of a model."""
    return (
        ModelUse(
            model="local",
            purpose="answer",
            tokens_in=1,
            tokens_out=1,
            is_estimated=False,
            method="",
            cost_usd=None,
            first_token_ms=1.0,
            took_ms=2.0,
            ended=how,
        ),
    )


def expecting(outcome: Outcome = ANSWERED, **other: object) -> Seen:
    """Return an answer of which somebody says what was expected."""
    return seen(outcome, expected=replace(THERE, **other))  # type: ignore[arg-type]


CERTAIN, LIKELY, GUESS = Sureness.CERTAIN, Sureness.LIKELY, Sureness.GUESS
RANKS = ("rank", "page_rank", "rank_now", "page_rank_now")
NOWHERE: dict[str, Any] = {"path": "", "line": 0, "is_there": False, "was_there": False}
NOWHERE |= dict.fromkeys(RANKS)

EXPECTED = {
    "nowhere": (expecting(**NOWHERE), FailurePoint.NOT_IN_DOCUMENTS, LIKELY),
    "no such page": (
        expecting(**(NOWHERE | {"is_page": True})),
        FailurePoint.NOT_IN_DOCUMENTS,
        CERTAIN,
    ),
    "it came later": (
        expecting(was_there=False, rank=None, page_rank=None),
        FailurePoint.NOT_IN_DOCUMENTS,
        CERTAIN,
    ),
    "the cited text changed to it": (
        replace(expecting(was_there=False, rank=None), standing=Standing.DOCUMENT_CHANGED),
        FailurePoint.STALE,
        CERTAIN,
    ),
    "not retrieved": (
        expecting(rank=None, page_rank=None),
        FailurePoint.NOT_RETRIEVED,
        CERTAIN,
    ),
    "another passage of its page": (
        expecting(rank=None),
        FailurePoint.WRONG_GRANULARITY,
        CERTAIN,
    ),
    "across a border": (expecting(is_cut=True), FailurePoint.WRONG_GRANULARITY, CERTAIN),
    "the model failed": (
        of(expecting(), step_downs=left(StepReason.TIMEOUT)),
        FailurePoint.PROVIDER_FAULT,
        LIKELY,
    ),
    "withheld": (expecting(WITHHELD), FailurePoint.REFUSED_WRONGLY, CERTAIN),
    "the answer says otherwise": (
        expecting(against=("says 90, what was expected says 30",)),
        FailurePoint.CONTRADICTED,
        LIKELY,
    ),
    "the model said otherwise": (
        replace(of(expecting(), step_downs=left(StepReason.CHECK_FAILED)), rejected=(WRONG, LOOSE)),
        FailurePoint.CONTRADICTED,
        LIKELY,
    ),
    "a part": (expecting(said=Said.PART), FailurePoint.INCOMPLETE, CERTAIN),
    "made of other passages": (expecting(), FailurePoint.NOT_USED, CERTAIN),
    "it is all there": (expecting(said=Said.WHOLE), FailurePoint.NOTHING_WRONG, CERTAIN),
    "it is there and no longer true": (
        replace(expecting(said=Said.WHOLE), standing=Standing.DOCUMENT_GONE),
        FailurePoint.STALE,
        LIKELY,
    ),
}

OUTAGE = replace(WITHHELD, code="outage")
FROM_THE_TRACE = {
    "changed": (seen(standing=Standing.DOCUMENT_CHANGED), FailurePoint.STALE, LIKELY),
    "changed, and called outdated": (
        seen(standing=Standing.DOCUMENT_GONE, complaints=(Complaint.OUTDATED,), downs=1),
        FailurePoint.STALE,
        CERTAIN,
    ),
    "a provider ended it": (
        of(seen(OUTAGE), step_downs=left(StepReason.OUTAGE)),
        FailurePoint.PROVIDER_FAULT,
        CERTAIN,
    ),
    "nothing found": (
        of(seen(WITHHELD, found_now=0), passages=()),
        FailurePoint.NOT_IN_DOCUMENTS,
        LIKELY,
    ),
    "somebody knows better": (
        seen(WITHHELD, complaints=(Complaint.SHOULD_ANSWER,), downs=1),
        FailurePoint.REFUSED_WRONGLY,
        LIKELY,
    ),
    "only silent rungs": (
        seen(replace(WITHHELD, code="policy")),
        FailurePoint.REFUSED_WRONGLY,
        CERTAIN,
    ),
    "a close call": (
        seen(replace(WITHHELD, confidence=0.45)),
        FailurePoint.REFUSED_WRONGLY,
        GUESS,
    ),
    "a foreign topic": (
        of(seen(WITHHELD), evidence=(("unknown", 0.6),)),
        FailurePoint.NOT_IN_DOCUMENTS,
        LIKELY,
    ),
    "a missing detail": (seen(WITHHELD), FailurePoint.NOT_IN_DOCUMENTS, GUESS),
    "the model contradicted": (
        replace(of(seen(), step_downs=left(StepReason.CHECK_FAILED)), rejected=(WRONG,)),
        FailurePoint.CONTRADICTED,
        LIKELY,
    ),
    "cut at its length": (
        of(seen(), calls=ended("length")),
        FailurePoint.INCOMPLETE,
        CERTAIN,
    ),
    "called incomplete": (
        seen(complaints=(Complaint.INCOMPLETE,), downs=1),
        FailurePoint.INCOMPLETE,
        LIKELY,
    ),
    "something was dropped": (seen(rejected=(LOOSE,)), FailurePoint.INCOMPLETE, GUESS),
    "called wrong": (
        seen(complaints=(Complaint.WRONG,), downs=1),
        FailurePoint.NOT_USED,
        GUESS,
    ),
    "called off topic": (
        seen(complaints=(Complaint.OFF_TOPIC,), downs=1),
        FailurePoint.NOT_RETRIEVED,
        GUESS,
    ),
    "called unclear": (
        seen(complaints=(Complaint.UNCLEAR,), downs=1),
        FailurePoint.WRONG_GRANULARITY,
        GUESS,
    ),
    "nobody complains": (seen(), FailurePoint.NOTHING_WRONG, LIKELY),
    "rated down without a reason": (seen(downs=1), FailurePoint.NOTHING_WRONG, GUESS),
    "whoever asked went away": (
        seen(Cancelled(because="the client went away")),
        FailurePoint.NOTHING_WRONG,
        CERTAIN,
    ),
}
CASES = EXPECTED | FROM_THE_TRACE


@pytest.mark.parametrize("name", CASES)
def test_each_failure_point_is_told_from_the_others(name: str) -> None:
    """Point and sureness are those the evidence allows, and the reason is said."""
    told, point, sure = CASES[name]
    found = why(told)
    assert (found.point, found.sure) == (point, sure)
    assert found.because
    assert point not in found.also


def test_the_cases_cover_every_failure_point() -> None:
    """No point is without a case, neither with an expectation nor on the whole."""
    assert {point for _, point, _ in EXPECTED.values()} == set(FailurePoint)
    assert {sure for _, _, sure in CASES.values()} == set(Sureness)


@pytest.mark.parametrize("point", sorted(set(FailurePoint) - {FailurePoint.NOTHING_WRONG}))
def test_every_failure_has_something_to_try(point: FailurePoint) -> None:
    """There is a way on from each, and no command has a gap where the trace belongs."""
    told = next(told for told, found, _ in CASES.values() if found is point)
    remedies = why(told).remedies
    assert remedies
    assert not any("TRACE" in one.command for one in remedies)


def test_what_else_fits_is_said() -> None:
    """A stale answer whose model failed as well names both, the surer one first."""
    told = of(seen(standing=Standing.DOCUMENT_CHANGED), step_downs=left(StepReason.TIMEOUT))
    found = why(told)
    assert found.point is FailurePoint.STALE
    assert found.also == (FailurePoint.PROVIDER_FAULT,)


def test_the_evidence_names_what_was_looked_at() -> None:
    """Outcome, place and rank, step downs and what was dropped are there with stable codes."""
    told = replace(of(expecting(), step_downs=left(StepReason.CHECK_FAILED)), rejected=(WRONG,))
    codes = [one.code for one in why(told).evidence]
    assert codes == ["outcome", "expected", "rank", "rank_now", "found", "step_down", "dropped"]


def test_a_page_found_by_words_only_is_to_be_found_by_meaning() -> None:
    """The override that lost it is what is mended first."""
    told = of(expecting(rank=None, page_rank=None), overrides=("found by words only: it is slow",))
    assert why(told).remedies[0].command == "answerable embedders fill"


def test_the_failed_model_is_the_one_to_check() -> None:
    """The command names it."""
    told = of(seen(OUTAGE), step_downs=left(StepReason.OUTAGE))
    assert why(told).remedies[0].command == "answerable models check local"
