"""The ladder: the best rung that can answer does, and every rung that is left says why."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import assert_never

from answerable.answering import rungs
from answerable.answering.events import Event, SteppedDown
from answerable.answering.run import Run
from answerable.answering.writing import write
from answerable.domain.errors import BadInput
from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    Outcome,
    StepDown,
    StepReason,
)
from answerable.domain.releases import MODEL

_SILENT = (rungs.SEARCH, rungs.ABSTAIN)
_KNOWN = (rungs.QUOTE, *_SILENT)


def checked_ladder(ladder: Sequence[str]) -> tuple[str, ...]:
    """Return the rungs as they were given.

    Raises:
        BadInput: One is unknown.
    """
    for rung in ladder:
        if rung not in _KNOWN and not (rung.startswith(MODEL) and rung != MODEL):
            raise BadInput(f"there is no rung {rung!r}", hint=f"{MODEL}NAME, {', '.join(_KNOWN)}")
    return tuple(ladder)


def climb(run: Run) -> Generator[Event, None, Outcome]:
    """Give what happens on the ladder, from its first rung down; return the outcome."""
    left = run.ladder
    refused = _refused(run, left)
    if refused is not None:
        yield _noted(run, refused)
        left = _without_answers(left)
    while left:
        rung, left = left[0], left[1:]
        run.cancel.check()
        run.rung = rung
        ended = _crowded_out(run, rung) or (yield from _on(run, rung))
        match ended:
            case StepDown():
                yield _noted(run, ended)
                left = _still_open(run, ended, left)
            case Answered() | Abstained() | Cancelled():
                return ended
            case _:
                assert_never(ended)
    return rungs.abstain(run)


def _on(run: Run, rung: str) -> Generator[Event, None, Outcome | StepDown]:
    if rung.startswith(MODEL):
        return (yield from write(run, rung, rung.removeprefix(MODEL)))
    if rung == rungs.QUOTE:
        return (yield from rungs.quote(run, rung))
    return rungs.search(run) if rung == rungs.SEARCH else rungs.abstain(run)


def _crowded_out(run: Run, rung: str) -> StepDown | None:
    """Return that a rung is left because too much is asked at once; None when it is not."""
    if not run.asking.crowded or not rung.startswith(MODEL):
        return None
    return StepDown(rung=rung, reason=StepReason.OVERLOAD, detail=run.asking.crowded)


def _noted(run: Run, step: StepDown) -> SteppedDown:
    run.step_downs.append(step)
    return SteppedDown(step=step)


def _refused(run: Run, ladder: Sequence[str]) -> StepDown | None:
    """Return why no rung may answer, by what was found alone; None when one may."""
    if not ladder or ladder[0] in _SILENT:
        return None
    if not run.passages:
        reason = StepReason.NOTHING_FOUND
    elif run.needed is None or run.sure < run.needed.confidence_min:
        reason = StepReason.THIN_EVIDENCE
    else:
        return None
    return StepDown(rung=ladder[0], reason=reason, detail=rungs.BECAUSE[reason])


def _still_open(run: Run, ended: StepDown, left: Sequence[str]) -> tuple[str, ...]:
    """Return the rungs that may still be tried.

    A model that read the passages and found no answer in them is evidence too: after it, quotes
    need more confidence than otherwise.
    """
    if ended.reason is StepReason.DECLINED and run.sure < run.release.writing.declined_min:
        return _without_answers(left)
    return tuple(left)


def _without_answers(ladder: Iterable[str]) -> tuple[str, ...]:
    return tuple(rung for rung in ladder if rung in _SILENT)
