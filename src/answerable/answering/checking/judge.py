"""The judge that ships: features and a table of numbers; no model, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from answerable.answering.checking.claims import DraftClaim
from answerable.answering.checking.context import Context
from answerable.answering.checking.judging import (
    CheckedClaim,
    CheckedResponse,
    check,
    check_response,
    prepare,
)
from answerable.answering.checking.table import packaged
from answerable.domain.releases import FEATURES


@dataclass(frozen=True, slots=True)
class FeatureJudging:
    """Checks claims against the passages it was prepared with."""

    context: Context

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return the verdict on one claim; see `judging.check`."""
        return check(claim, self.context, before=before)

    def check_response(self, response: str) -> CheckedResponse:
        """Return the verdict on a whole response; see `judging.check_response`."""
        return check_response(response, self.context)


class FeatureJudge:
    """Judges by features. Safe for many threads."""

    name = FEATURES

    @property
    def digest(self) -> str:
        """SHA-256 of the table, its first 12 hex digits."""
        return packaged().digest

    def prepare(self, passages: Sequence[str], *, question: str) -> FeatureJudging:
        """Return what checks claims against these passages."""
        return FeatureJudging(prepare(passages, question=question))
