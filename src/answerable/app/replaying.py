"""Answering a question once more, with the replies that its models gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from answerable.adapters.models.recording import Recorded, Replaying, from_json
from answerable.answering import flow as answering
from answerable.answering.ports import ChatModel
from answerable.domain.cancel import Cancel
from answerable.domain.errors import BadInput, NotReady
from answerable.domain.questions import Scope, StepReason, Trace, Turn
from answerable.domain.releases import ModelChoice, Release
from answerable.library.search import Shelf
from answerable.quality.replay import Replayed, differences

ASKED_FOR = "asked for: "
"""What the override of a trace begins with whose rungs somebody chose."""


def replay(
    trace: Trace,
    scope: Scope,
    *,
    release: Release,
    shelf: Shelf,
    turns: Sequence[Turn],
    desk: answering.Desk,
    software: str,
) -> Replayed:
    """Return whether a question comes to the same again; nothing is kept of it.

    Args:
        trace: Of the question.
        scope: As whom.
        release: Which answered it.
        shelf: The revision that answered it.
        turns: What was said before it, as far as the ledger has it.
        desk: What answering needs; its models are not asked.
        software: That runs now.

    Raises:
        NotReady: Its texts have expired, or the replies of its models were not recorded.
    """
    recorded = replies(trace)
    asking = _models(recorded)
    run = answering.begin(
        answering.Asking(
            text=trace.question,
            turns=tuple(turns),
            follows=trace.follows,
            ladder=_ladder(trace),
            crowded=_crowded(trace),
        ),
        scope,
        shelf=shelf,
        release=release,
        overrides=(),
        # The prompt is drawn from it: another id would be another call.
        trace_id=trace.id,
        desk=replace(desk, model=asking, judging_model=asking),
        cancel=Cancel(),
    )
    again = answering.drained(answering.events(run))
    return Replayed(
        trace_id=trace.id,
        release=release.id,
        revision=shelf.revision.number,
        replies=len(recorded),
        differences=differences(trace, again),
        notes=_notes(trace, again, release, software),
    )


def replies(trace: Trace) -> tuple[Recorded, ...]:
    """Return the recorded replies of a trace's models, in order.

    Raises:
        NotReady: The texts have expired, or models were asked and nothing was recorded.
    """
    if not trace.question:
        raise NotReady(
            "the texts of this trace have expired: there is no question to ask again",
            hint="[traces] text_days says how long they are kept",
        )
    if trace.calls and not trace.replies:
        raise NotReady(
            "a model was asked, and its reply was not recorded",
            hint="[traces] record_models = true keeps the replies to later questions",
        )
    try:
        return tuple(from_json(one) for one in trace.replies)
    except BadInput as error:
        raise NotReady(
            "a recorded reply of this trace cannot be read by this version",
            hint="replay it with the version that recorded it",
        ) from error


def _models(recorded: Sequence[Recorded]) -> Callable[[ModelChoice], ChatModel]:
    """Return what gives models that say what was recorded of them."""
    names = {one.model for one in recorded}
    made = {name: Replaying(name, recorded) for name in names}

    def asking(choice: ModelChoice) -> ChatModel:
        if choice.name not in made:
            raise NotReady(f"no reply of {choice.name} was recorded", hint="this is a replay")
        return made[choice.name]

    return asking


def _ladder(trace: Trace) -> tuple[str, ...]:
    """Return the rungs somebody chose; nothing for those of the release."""
    for one in trace.overrides:
        if one.startswith(ASKED_FOR):
            return tuple(one.removeprefix(ASKED_FOR).split(", "))
    return ()


def _crowded(trace: Trace) -> str:
    """Return why no model might be asked then: too much was asked at once, and no call made."""
    if trace.calls:
        return ""
    shed = (one.detail for one in trace.step_downs if one.reason is StepReason.OVERLOAD)
    return next(shed, "")


def _notes(trace: Trace, again: Trace, release: Release, software: str) -> tuple[str, ...]:
    notes = []
    if release.software != software:
        notes.append(f"software {release.software} answered it, {software} replays it")
    notes += [f"then: {one}" for one in trace.overrides if one not in again.overrides]
    notes += [f"now: {one}" for one in again.overrides if one not in trace.overrides]
    return tuple(notes)
