"""An evaluation's path: every question is asked, ranked and verified; then all can be scored.

And a calibration's: every question is asked with no threshold, and the threshold is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from answerable.answering.confidence import bar
from answerable.domain.questions import Answered, Trace
from answerable.domain.releases import Abstaining
from answerable.quality.calibration import Scored
from answerable.quality.certificate import Mode
from answerable.quality.evaluation import Ran, Ranked
from answerable.quality.losses import Loss, is_wrong
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


def answers(
    cases: Sequence[Case], respondent: Respondent, *, asked: Callable[[int], None]
) -> tuple[Ran, ...]:
    """Return what comes of every question of a set.

    Args:
        cases: The questions.
        respondent: Who answers them.
        asked: Hears how many have been asked.
    """
    ran = []
    for count, case in enumerate(cases, start=1):
        ran.append(answer(case, respondent))
        asked(count)
    return tuple(ran)


def answer(case: Case, respondent: Respondent, *, documents: int = RANKED_DOCUMENTS) -> Ran:
    """Return what comes of one question.

    Args:
        case: The question. One that is not judged says nothing about rankings, and gets none.
        respondent: Who answers it.
        documents: So many are ranked; 10 are enough for all that a record holds.
    """
    trace = respondent.ask(case.question)
    is_judged = case.is_judged
    return Ran(
        case=case,
        trace=trace,
        ranked=respondent.ranking(case.question, documents=documents) if is_judged else (),
        verified=respondent.verified(trace),
    )


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """What came of the questions of a calibration set.

    Attributes:
        scored: Every question once.
        modes: How passages were found, by the bar that decides. Nothing found names none.
        revisions: Of what they were asked.
        overrides: What moved answers away from their release.
    """

    scored: tuple[Scored, ...]
    modes: frozenset[Mode]
    revisions: frozenset[int]
    overrides: tuple[str, ...]


def score(
    cases: Sequence[Case],
    ask: Callable[[str], Trace],
    *,
    loss: Loss,
    asked: Callable[[int], None],
) -> Scores:
    """Return what comes of every question when nothing is withheld.

    Args:
        cases: The questions; each says what `loss` needs.
        ask: Answers as to any caller, with the threshold at 0.
        loss: Which answers are wrong.
        asked: Hears how many have been asked.
    """
    scored, modes, revisions = [], set(), set()
    overrides: dict[str, None] = {}
    for count, case in enumerate(cases, start=1):
        trace = ask(case.question)
        is_answered = isinstance(trace.outcome, Answered)
        scored.append(
            Scored(
                confidence=trace.outcome.confidence if is_answered else None,
                is_wrong=is_wrong(loss, case, trace.outcome),
                is_answerable=case.answerable,
            )
        )
        if trace.evidence:
            modes.add(_mode(trace))
        revisions.add(trace.revision)
        overrides |= dict.fromkeys(trace.overrides)
        asked(count)
    return Scores(
        scored=tuple(scored),
        modes=frozenset(modes),
        revisions=frozenset(revisions),
        overrides=tuple(overrides),
    )


def _mode(trace: Trace) -> Mode:
    bars = Abstaining()
    return Mode.BY_MEANING if bar(trace.evidence, bars) is bars.by_meaning else Mode.BY_WORDS
