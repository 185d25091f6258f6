"""An evaluation's path: every question is asked, ranked and verified, then all are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from answerable.domain.questions import Trace
from answerable.quality.evaluation import Ran, Ranked, Report, evaluate
from answerable.quality.questions import Case

RANKED_DOCUMENTS = 100


class Ranker(Protocol):
    """What finds documents."""

    def ranking(self, question: str, *, documents: int) -> tuple[str, ...]:
        """Return the documents that are found, best first, by the names question sets use."""
        ...


class Respondent(Ranker, Protocol):
    """What answers, and is evaluated whole."""

    def ask(self, question: str) -> Trace:
        """Return what is answered, as to any caller."""
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


def rankings(
    cases: Sequence[Case], ranker: Ranker, *, asked: Callable[[int], None]
) -> tuple[Ranked, ...]:
    """Return what is found for every question that is judged, with one search each.

    The others say nothing about retrieval and are not asked.

    Args:
        cases: The questions.
        ranker: Who finds documents.
        asked: Hears how many have been asked.
    """
    found = []
    for count, case in enumerate((case for case in cases if case.is_judged), start=1):
        ranked = ranker.ranking(case.question, documents=RANKED_DOCUMENTS)
        found.append(Ranked(case=case, ranked=ranked))
        asked(count)
    return tuple(found)
