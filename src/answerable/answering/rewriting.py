"""What a question of a conversation means by itself."""

from __future__ import annotations

from contextlib import closing

from answerable.answering import prompts
from answerable.answering.conversation import leans, standalone, usable_rewrite
from answerable.answering.listening import Hearing
from answerable.answering.ports import ModelCall
from answerable.answering.run import Run
from answerable.domain.errors import BadConfiguration, ModelFailed, NotReady
from answerable.domain.releases import ModelChoice

_CHARS_MAX = 500
_RUNG = "model:"


def understood(run: Run) -> str:
    """Return the question as it is to be searched for.

    The first model of the ladder words it. Where there is none, or it fails or writes something
    else than a question, the last question that stood by itself is put before it.
    """
    turns = run.asking.turns
    if not turns or not leans(run.question):
        return run.question
    with run.watch.step("understand"):
        choice = _first_model(run)
        written = _rewritten(run, choice) if choice else ""
        return written or standalone(run.question, turns)


def _first_model(run: Run) -> ModelChoice | None:
    named = [rung.removeprefix(_RUNG) for rung in run.ladder if rung.startswith(_RUNG)]
    known = {choice.name: choice for choice in run.release.models}
    return next((known[name] for name in named if name in known), None)


def _rewritten(run: Run, choice: ModelChoice) -> str:
    prompt = dict(run.release.writing.prompts)["rewrite"]
    messages = prompts.to_rewrite(
        prompt, run.question, run.asking.turns, mark=prompts.boundary(run.trace_id)
    )
    call = ModelCall(messages=messages, sampling=choice.sampling, limits=choice.limits)
    try:
        written = _said(run, choice, call)
    except (ModelFailed, NotReady, BadConfiguration):
        return ""
    return usable_rewrite(written, run.question, chars_max=_CHARS_MAX)


def _said(run: Run, choice: ModelChoice, call: ModelCall) -> str:
    """Return the beginning of what a model says; more than a question is not read."""
    hearing = Hearing(run=run, model=run.desk.model(choice), call=call, purpose="rewrite")
    text = ""
    with closing(hearing.texts()) as texts:
        for more in texts:
            text += more
            if len(text) > _CHARS_MAX:
                break
    return text
