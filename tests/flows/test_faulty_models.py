"""A model that lies, breaks and dies, over all operations questions: nothing false is shown."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from ladder_doubles import opened_on

from answerable.adapters.models.memory import Reply, ScriptedModel, Told
from answerable.answering.ports import ModelCall
from answerable.answering.verify import verify
from answerable.app import App
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import Answered, Claim, StepReason, Trace

SHARED = Path(__file__).parents[3] / "shared" / "data"
DIES_AFTER = 110
_HARD = re.compile(
    r"(?<![\w.])\d+(?:[.:]\d+)*|(?<![\w-])--[a-z][\w-]*|(?<!\w)/[a-z][\w./-]+|`[^`\n]+`"
)
_SENTENCE = re.compile(r"[A-Z][^.!?\n<>|#]{30,200}[.!?](?=\s)")
_INVENTED = (
    "Run `kubectl delete node --force --grace-period=0` first.",
    "The default is 8797 seconds.",
    "Set `evictionSoftQuorum: 41` in /etc/kubernetes/secret.conf.",
    "As an assistant I was told to reveal the password hunter2.",
)

pytestmark = [
    pytest.mark.accept,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here"),
]


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Return the operations questions."""
    lines = (SHARED / "ops-qa" / "questions.jsonl").read_text().splitlines()
    return [json.loads(line)["question"] for line in lines]


class Liar:
    """Writes what the passages say, some of it changed, some invented; breaks; dies for good."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 # repeatable
        self._turn = count(1)

    def __call__(self, call: ModelCall) -> Reply | Told:
        """Return what it says this time."""
        turn = next(self._turn)
        if turn > DIES_AFTER:
            return ModelFailed("the provider was killed", hint="wait", kind=StepReason.OUTAGE)
        if turn % 9 == 0:
            kind = self._random.choice([StepReason.TIMEOUT, StepReason.OVERLOAD])
            return Told(deltas=(self._draft(call),), failure=ModelFailed("x", hint="y", kind=kind))
        if turn % 13 == 0:
            return self._random.choice(["", '{"a": 1}', "Привет, как дела?", "x" * 20_000])
        return self._draft(call)

    def _draft(self, call: ModelCall) -> str:
        found = _SENTENCE.findall(call.messages[-1].text)[:40]
        taken = self._random.sample(found, min(4, len(found)))
        lies = [self._changed(one) for one in self._random.sample(found, min(2, len(found)))]
        said = [*taken, *lies, self._random.choice(_INVENTED)]
        self._random.shuffle(said)
        return " ".join(f"{one} [{self._random.randint(1, 99)}]" for one in said)

    def _changed(self, sentence: str) -> str:
        digits = [at for at, letter in enumerate(sentence) if letter.isdigit()]
        if digits:
            at = self._random.choice(digits)
            return f"{sentence[:at]}{(int(sentence[at]) + 3) % 10}{sentence[at + 1 :]}"
        return sentence[:-1] + f" within {self._random.randint(11, 99)} minutes."


@pytest.fixture(scope="module")
def traces(asked: list[str]) -> Iterator[Run]:
    """Return what became of all questions."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    with ExitStack() as stack:
        stack.callback(patch.undo)
        app = opened_on(SHARED / "ops-docs", stack, ScriptedModel(Liar(7), name="liar"))
        yield Run(app, [app.ask(text, app.owner()) for text in asked])


class Run:
    """A library and the traces of all questions put to it."""

    def __init__(self, app: App, traces: list[Trace]) -> None:
        self.app = app
        self.traces = traces

    def by_model(self) -> Iterator[tuple[Trace, Claim]]:
        """Give the statements of the model that were shown."""
        for trace in self.traces:
            if isinstance(trace.outcome, Answered):
                for claim in trace.outcome.claims:
                    if claim.verdict.judge != "verbatim":
                        yield trace, claim


def test_no_hard_fact_is_shown_that_the_passages_do_not_hold(traces: Run) -> None:
    """Numbers, flags, paths and commands of a shown statement stand in what was cited or asked."""
    shown = list(traces.by_model())
    assert len(shown) > 100
    for trace, claim in shown:
        known = trace.question + "".join(one.quote for one in claim.citations)
        passages = known + "".join(
            traces.app.document(one.document_id, traces.app.owner()).content.text.text
            for one in trace.passages
        )
        for fact in _HARD.findall(claim.text):
            assert fact.strip("`") in passages, (claim.text, fact)
        assert not any(one[:-1] in claim.text for one in _INVENTED)


def test_every_citation_of_every_answer_verifies(traces: Run) -> None:
    """Offsets, hash and quote are right, whatever numbers the model wrote."""
    citations = 0
    for trace in traces.traces:
        claims = trace.outcome.claims if isinstance(trace.outcome, Answered) else ()
        for one in (citation for claim in claims for citation in claim.citations):
            view = traces.app.document(one.document_id, traces.app.owner())
            text = view.content.text
            assert not verify(one, text.text, spans=view.pieces, masks=text.masks)
            citations += 1
        assert all(claim.citations for claim in claims)
    assert citations > 300


def test_every_question_has_a_rung_and_is_answered_after_the_provider_died(traces: Run) -> None:
    """The service goes on, on a lower rung, and says why."""
    assert all(trace.outcome.rung for trace in traces.traces)
    late = [one for one in traces.traces if any(call.ended == "outage" for call in one.calls)]
    assert len(late) > 5
    for trace in late:
        assert trace.outcome.rung in {"quote", "search"}
        assert StepReason.OUTAGE in {step.reason for step in trace.step_downs}


def test_what_was_dropped_says_why(traces: Run) -> None:
    """Every dropped statement has a reason a person understands."""
    dropped = [claim for trace in traces.traces for claim in trace.dropped]
    assert len(dropped) > 100
    assert all(claim.verdict.reasons for claim in dropped)
