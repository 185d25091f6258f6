"""What counts as a wrong answer. A certificate names the one it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from answerable.domain.errors import BadInput
from answerable.domain.questions import Answered, Outcome
from answerable.quality.evaluation import contains_quote
from answerable.quality.questions import Case


class Loss(StrEnum):
    """When an answer is wrong.

    - ``quote``: the documents do not answer, or the answer does not hold the gold quote;
    - ``answerable``: the documents do not answer. That it answers the question is not looked
      at: for sets without gold quotes, and a weaker promise.
    """

    QUOTE = "quote"
    ANSWERABLE = "answerable"


def is_wrong(loss: Loss, case: Case, outcome: Outcome) -> bool:
    """Return whether an answer is wrong; an abstention never is."""
    if not isinstance(outcome, Answered):
        return False
    if not case.answerable:
        return True
    return loss is Loss.QUOTE and not contains_quote(case, outcome)


def check_judges(loss: Loss, cases: Sequence[Case], *, name: str) -> None:
    """Make sure that every case says what its loss needs: what is not judged is not right.

    Raises:
        BadInput: There is no answerable question, or one names no gold quote.
    """
    answerable = [case for case in cases if case.answerable]
    if not answerable:
        raise BadInput(
            f"{name} has no answerable question: always abstaining would look perfect",
            hint="add questions that the documents answer, each with its gold_quote",
        )
    silent = [case.id for case in answerable if not case.quotes]
    if loss is Loss.QUOTE and silent:
        raise BadInput(
            f"{name}: {len(silent)} of {len(answerable)} answerable questions name no gold quote, "
            f"the first is {silent[0]}",
            hint="add gold_quote to each, or promise less with --loss answerable",
        )
