"""Which judge a release names."""

from __future__ import annotations

from collections.abc import Generator

from answerable.answering.judges.model import ModelJudge, prompt_digest
from answerable.answering.listening import Hearing
from answerable.answering.ports import ChatModel, Judge, ModelCall
from answerable.answering.run import Run
from answerable.domain.errors import BadConfiguration
from answerable.domain.releases import MODEL

_PURPOSE = "check"


def judge_of(run: Run) -> Judge:
    """Return the judge of a run's release; calls of a model are recorded among the run's calls.

    Raises:
        NotReady: It is not set up on this machine.
        BadConfiguration: It is another one here than the release was made with.
    """
    choice = run.release.judge
    if not choice.name.startswith(MODEL):
        return run.desk.judge(choice)
    name = choice.name.removeprefix(MODEL)
    asked = next((one for one in run.release.models if one.name == name), None)
    if asked is None or choice.digest != prompt_digest():
        raise BadConfiguration(
            f"the release's judge {choice.name} is not this software's, or no model of it",
            hint="deploy a release of this software; answerable settings show",
        )

    def hear(model: ChatModel, call: ModelCall) -> Generator[str, None, None]:
        return Hearing(run=run, model=model, call=call, purpose=_PURPOSE).texts()

    return ModelJudge(model=run.desk.judging_model(asked), limits=asked.limits, hear=hear)
