"""What is said of claims where nobody can judge them."""

from __future__ import annotations

from collections.abc import Sequence

from answerable.answering.checking.claims import DraftClaim
from answerable.answering.ports import CheckedClaim, JudgedContext, Reason
from answerable.domain.questions import VerdictValue


class Undecided:
    """A judge that decides nothing, so that nothing a model writes is shown."""

    name = "undecided"
    digest = ""

    def prepare(self, passages: Sequence[str], *, question: str) -> JudgedContext:
        """Return itself: there is nothing to prepare."""
        del passages, question
        return self

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return that nobody knows."""
        del before
        return CheckedClaim(
            claim=claim,
            verdict=VerdictValue.UNDECIDED,
            p_supported=0.0,
            reasons=(Reason(code="no_judge", text="nobody could check this"),),
        )
