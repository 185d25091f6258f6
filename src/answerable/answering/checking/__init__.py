"""Is what a draft says said by its passages? Split, measure, judge; pure and without a model.

    context = prepare(passages, question=question)
    for claim in split_claims(draft):
        print(check(claim, context).verdict)

Start reading at `judging.check`; `features.measure` is what it stands on.
"""

from answerable.answering.checking.claims import (
    REMARK,
    SAYS_NOTHING,
    ClaimStream,
    DraftClaim,
    split_claims,
)
from answerable.answering.checking.context import Context
from answerable.answering.checking.judge import FeatureJudge
from answerable.answering.checking.judging import (
    CheckedClaim,
    CheckedResponse,
    EvidenceSpan,
    check,
    check_response,
    counted,
    is_held_back,
    prepare,
)
from answerable.answering.checking.reasons import Reason, is_contradiction

__all__ = [
    "REMARK",
    "SAYS_NOTHING",
    "CheckedClaim",
    "CheckedResponse",
    "ClaimStream",
    "Context",
    "DraftClaim",
    "EvidenceSpan",
    "FeatureJudge",
    "Reason",
    "check",
    "check_response",
    "counted",
    "is_contradiction",
    "is_held_back",
    "prepare",
    "split_claims",
]
