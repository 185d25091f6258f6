"""What no judge may overrule, and what many verdicts come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from answerable.answering.checking import (
    CheckedClaim,
    CheckedResponse,
    EvidenceSpan,
    Reason,
    counted,
    is_held_back,
    split_claims,
)
from answerable.answering.checking.claims import CONNECTIVE, REMARK
from answerable.domain.questions import VerdictValue

_SETTLED = (CONNECTIVE, REMARK)
# What is taken to be likely of a response of which nothing could be judged.
_UNJUDGED = 0.5

Check = Callable[..., CheckedClaim]


def is_settled(own: CheckedClaim) -> bool:
    """Return whether rules alone decide: there is nothing to check, or it is a quote."""
    return own.claim.kind in _SETTLED or own.reasons[0].code == "quoted"


def ruled(
    own: CheckedClaim,
    value: VerdictValue,
    *,
    p: float,
    why: Reason,
    evidence: tuple[EvidenceSpan, ...] = (),
) -> CheckedClaim:
    """Return a judge's verdict, but never SUPPORTED where a hard fact stands nowhere.

    Args:
        own: What features and rules find: its evidence is exact, so it stays where there is any.
        value: What the judge finds.
        p: How sure it is that the passages say it.
        why: In words.
        evidence: Where the judge found it.
    """
    if value is VerdictValue.SUPPORTED and is_held_back(own):
        return replace(own, p_supported=min(own.p_supported, _UNJUDGED))
    return replace(
        own, verdict=value, p_supported=p, reasons=(why,), evidence=own.evidence or evidence
    )


def worst_of(response: str, check: Check) -> CheckedResponse:
    """Return the verdict on a whole response of a judge whose numbers are not calibrated.

    It is as bad as its worst claim that counts; one that says nothing is UNDECIDED. The bars and
    the sum of odds of `judging.check_response` were fitted for features, and mean nothing here.
    """
    checked: list[CheckedClaim] = []
    before = ""
    for claim in split_claims(response):
        checked.append(check(claim, before=before))
        before = claim.text
    judged = counted(checked)
    return CheckedResponse(
        verdict=_worst([one.verdict for one in judged]),
        p_supported=min((one.p_supported for one in judged), default=_UNJUDGED),
        claims=tuple(checked),
    )


def _worst(verdicts: Sequence[VerdictValue]) -> VerdictValue:
    for value in (VerdictValue.UNSUPPORTED, VerdictValue.UNDECIDED):
        if value in verdicts:
            return value
    return VerdictValue.SUPPORTED if verdicts else VerdictValue.UNDECIDED
