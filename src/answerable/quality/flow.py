"""An evaluation's path: every question is asked, ranked and verified, then all are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from answerable.domain.questions import Trace
from answerable.quality.evaluation import Ran, Report, evaluate
from answerable.quality.questions import Case

RANKED_DOCUMENTS = 100


class Respondent(Protocol):
    """What is evaluated."""

    def ask(self, question: str) -> Trace:
        """Return what is answered, as to any caller."""
        ...

    def ranking(self, question: str, *, documents: int) -> tuple[str, ...]:
        """Return the documents that are found, best first, by the names question sets use."""
        ...

    def verified(self, trace: Trace) -> int:
        """Return how many citations hold when each is recomputed from what is stored."""
        ...


def run(
    cases: Sequence[Case],
    respondent: Respondent,
    *,
    ks: Sequence[int],
    asked: Callable[[int], None],
) -> Report:
    """Return the scores of a respondent on a question set.

    Args:
        cases: The questions.
        respondent: Who answers them.
        ks: Cut-offs of ``hit@k``.
        asked: Hears how many have been asked.
    """
    ran = []
    for count, case in enumerate(cases, start=1):
        trace = respondent.ask(case.question)
        ran.append(
            Ran(
                case=case,
                trace=trace,
                ranked=respondent.ranking(case.question, documents=RANKED_DOCUMENTS),
                verified=respondent.verified(trace),
            )
        )
        asked(count)
    return evaluate(ran, ks=ks)
