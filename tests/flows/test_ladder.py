"""The ladder from end to end: what a model writes is checked, its failure is a step down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ladder_doubles import QUESTION, opened

from answerable.adapters.models.memory import ScriptedModel, Told
from answerable.answering.events import Done, Dropped, Retrieved, Shown, SteppedDown, Understood
from answerable.app import App
from answerable.domain.cancel import Cancel
from answerable.domain.errors import BadInput, ModelFailed, NotFound
from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    StepReason,
    Trace,
    Turn,
    VerdictValue,
)

GOOD = "The drain waits 30 seconds for each pod. [1]"
BAD = "The drain waits 90 seconds for each pod. [1]"

Open = Callable[..., App]


@pytest.fixture
def open_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens libraries whose ladder begins with models."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    with ExitStack() as stack:
        yield lambda *models: opened(tmp_path, stack, *models)


def ask(app: App, text: str = QUESTION, **how: object) -> Trace:
    """Return the trace of a question of the owner."""
    return app.ask(text, app.owner(), **how)  # type: ignore[arg-type]


def texts(trace: Trace) -> list[str]:
    """Return what was shown."""
    assert isinstance(trace.outcome, Answered | Cancelled)
    return [claim.text for claim in trace.outcome.claims]


def failed(kind: StepReason) -> ModelFailed:
    """Return a failure of a provider."""
    return ModelFailed("it broke", hint="wait", kind=kind)


def test_what_a_model_writes_is_shown_with_spans_of_the_documents(open_with: Open) -> None:
    """Its own marks are taken away; the citation is computed from the passage and exact."""
    trace = ask(open_with(ScriptedModel(GOOD)))
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung == "model:scripted"
    (claim,) = trace.outcome.claims
    assert claim.text == "The drain waits 30 seconds for each pod."
    assert [one.quote for one in claim.citations] == ["The drain waits 30 seconds for each pod"]
    assert claim.verdict.judge == "literal"


def test_a_statement_that_does_not_hold_is_dropped_in_sight(open_with: Open) -> None:
    """It is in the trace with its reason, and nowhere in the answer."""
    trace = ask(open_with(ScriptedModel(f"{GOOD} {BAD}")))
    assert texts(trace) == ["The drain waits 30 seconds for each pod."]
    (dropped,) = trace.dropped
    assert dropped.text == "The drain waits 90 seconds for each pod."
    assert dropped.verdict.value is VerdictValue.UNSUPPORTED
    assert dropped.verdict.reasons == ("no passage says so",)


def test_where_too_little_holds_the_ladder_steps_down_to_quotes(open_with: Open) -> None:
    """One in three statements is too little; what was shown stays, quotes come behind it."""
    trace = ask(open_with(ScriptedModel(f"{GOOD} {BAD} Pods like {BAD.lower()}")))
    assert [(one.rung, one.reason) for one in trace.step_downs] == [
        ("model:scripted", StepReason.CHECK_FAILED)
    ]
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung == "quote"
    assert texts(trace)[0] == "The drain waits 30 seconds for each pod."
    assert len(texts(trace)) == len(set(texts(trace)))


@pytest.mark.parametrize(
    "kind",
    [
        StepReason.OUTAGE,
        StepReason.TIMEOUT,
        StepReason.BREAKER,
        StepReason.BUDGET,
        StepReason.OVERLOAD,
        StepReason.POLICY,
        StepReason.MALFORMED,
    ],
)
def test_every_failure_of_a_provider_is_a_step_down(open_with: Open, kind: StepReason) -> None:
    """The question is answered all the same, and the trace says why on a lower rung."""
    trace = ask(open_with(ScriptedModel(failed(kind))))
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung == "quote"
    assert [one.reason for one in trace.step_downs] == [kind]
    assert [one.ended for one in trace.calls] == [kind.value]


def test_the_backup_answers_where_the_first_model_is_cut_off(open_with: Open) -> None:
    """What the first one said before it broke is not said again."""
    cut = Told(deltas=(GOOD, " And th"), failure=failed(StepReason.OUTAGE))
    backup = ScriptedModel(
        f"{GOOD} Draining moves every pod away from a node before maintenance.", name="backup"
    )
    trace = ask(open_with(ScriptedModel(cut), backup))
    assert texts(trace) == [
        "The drain waits 30 seconds for each pod.",
        "Draining moves every pod away from a node before maintenance.",
    ]
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung == "model:backup"
    assert [one.ended for one in trace.calls] == ["outage", "stop"]


def test_a_model_that_declines_is_believed_unless_the_evidence_is_strong(open_with: Open) -> None:
    """It read the passages; quotes then need more confidence than otherwise."""
    trace = ask(open_with(ScriptedModel("NOT IN THE PASSAGES")))
    assert [one.reason for one in trace.step_downs][:1] == [StepReason.DECLINED]
    if trace.outcome.confidence < 0.8:
        assert isinstance(trace.outcome, Abstained)
        assert trace.outcome.rung == "search"
        assert trace.outcome.closest


def test_a_model_that_only_says_what_is_lacking_has_declined(open_with: Open) -> None:
    """It is not asked for it once more, and nothing of it is shown or dropped."""
    reply = "The passages do not mention any period. I am unable to answer the question."
    trace = ask(open_with(ScriptedModel(reply, GOOD)))
    assert [one.reason for one in trace.step_downs][:1] == [StepReason.DECLINED]
    assert len(trace.calls) == 1
    assert not trace.dropped
    assert reply[:20] not in " ".join(texts(trace))


def test_what_is_lacking_beside_what_holds_is_passed_over(open_with: Open) -> None:
    """The rest of the answer is shown."""
    trace = ask(open_with(ScriptedModel(f"{GOOD} The passages do not mention port 8080.")))
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung.startswith("model:")
    assert texts(trace) == [GOOD.removesuffix(" [1]")]
    assert not trace.dropped


@pytest.mark.parametrize("reply", ["", '{"answer": "30 seconds"}', "# Answer\n"])
def test_what_cannot_be_read_is_asked_for_once_more(open_with: Open, reply: str) -> None:
    """The second reply counts; the first is told what was wrong with it."""
    model = ScriptedModel(reply, GOOD)
    trace = ask(open_with(model))
    assert texts(trace) == ["The drain waits 30 seconds for each pod."]
    assert [one.purpose for one in trace.calls] == ["answer", "repair"]
    assert "cannot be used" in model.calls[1].messages[-1].text


def test_what_cannot_be_read_twice_is_a_step_down(open_with: Open) -> None:
    """There is no third attempt."""
    model = ScriptedModel("")
    trace = ask(open_with(model))
    assert [one.reason for one in trace.step_downs] == [StepReason.MALFORMED]
    assert len(model.calls) == 2


def test_a_reply_of_which_nothing_holds_is_not_listened_to_further(open_with: Open) -> None:
    """After a few statements the stream is closed, and what follows is never read."""
    model = ScriptedModel(" ".join(f"The cat number {n} sleeps." for n in range(1000)))
    trace = ask(open_with(model))
    assert len(trace.dropped) == 4
    assert model.opened == model.closed == 1
    assert trace.calls[0].ended == "given up"


def test_a_reply_without_end_is_not_read_to_its_end(open_with: Open) -> None:
    """A reply of a megabyte costs no more than one of some pages."""
    model = ScriptedModel((GOOD + " ", *("x" * 1000 for _ in range(1000))))
    ask(open_with(model))
    assert model.closed == 1


def test_a_reply_that_was_cut_by_its_length_loses_its_last_statement(open_with: Open) -> None:
    """Half a sentence may say the opposite of the whole one."""
    told = Told(deltas=(GOOD, " Draining moves every pod"), reason="length")
    trace = ask(open_with(ScriptedModel(told)))
    assert texts(trace) == ["The drain waits 30 seconds for each pod."]
    assert [one.text for one in trace.dropped] == ["Draining moves every pod"]


def test_events_come_in_the_order_they_happen(open_with: Open) -> None:
    """Passages first, each statement as soon as it is whole, the trace last."""
    app = open_with(ScriptedModel(f"{GOOD} {BAD} Draining moves every pod away from a node."))
    seen = list(app.stream(QUESTION, app.owner(), cancel=Cancel()))
    assert [type(one) for one in seen] == [Retrieved, Shown, Dropped, Shown, Done]


def test_a_statement_is_given_before_the_model_has_finished(open_with: Open) -> None:
    """Nothing waits for the whole answer."""
    model = ScriptedModel((GOOD, " Draining", " moves"))
    app = open_with(model)
    happening = app.stream(QUESTION, app.owner(), cancel=Cancel())
    kinds = [type(next(happening)) for _ in range(2)]
    assert kinds == [Retrieved, Shown]
    assert (model.opened, model.closed) == (1, 0)
    happening.close()
    assert model.closed == 1


def test_whoever_goes_away_frees_everything_and_leaves_a_trace(open_with: Open) -> None:
    """The trace ends cancelled, with what had been shown."""
    model = ScriptedModel(f"{GOOD} {BAD}")
    app = open_with(model)
    happening = app.stream(QUESTION, app.owner(), cancel=Cancel())
    next(happening), next(happening)
    happening.close()
    kept = app.trace(app.traces(limit=1)[0].id)
    assert isinstance(kept.outcome, Cancelled)
    assert texts(kept) == ["The drain waits 30 seconds for each pod."]
    assert kept.outcome.rung == "model:scripted"
    assert len(kept.calls) == 1


def test_cancelling_ends_the_answer_with_a_trace(open_with: Open) -> None:
    """Whoever cancels is named, and no statement follows."""
    cancel = Cancel()
    app = open_with(ScriptedModel(f"{GOOD} {GOOD}"))
    seen = []
    for event in app.stream(QUESTION, app.owner(), cancel=cancel):
        seen.append(event)
        if isinstance(event, Retrieved):
            cancel.cancel("deadline")
    last = seen[-1]
    assert isinstance(last, Done)
    assert isinstance(last.trace.outcome, Cancelled)
    assert last.trace.outcome.because == "deadline"
    assert not any(isinstance(one, Shown) for one in seen)


def test_without_enough_evidence_no_model_is_asked(open_with: Open) -> None:
    """What cannot be answered costs nothing."""
    model = ScriptedModel(GOOD)
    trace = ask(open_with(model), "which wine goes with the quarterly report?")
    assert isinstance(trace.outcome, Abstained)
    assert not model.calls


def test_a_rung_can_be_asked_for(open_with: Open) -> None:
    """Only that one may answer; the trace names it as an override."""
    model = ScriptedModel(GOOD)
    app = open_with(model)
    trace = ask(app, rung="quote")
    assert isinstance(trace.outcome, Answered)
    assert trace.outcome.rung == "quote"
    assert not model.calls
    assert trace.overrides == ("asked for: quote, search, abstain",)
    assert ask(app, rung="search").outcome.rung == "search"
    with pytest.raises(BadInput):
        ask(app, rung="model:")


def test_a_model_nobody_set_up_is_a_step_down(open_with: Open) -> None:
    """A release may name what this machine has not; the ladder goes on below it."""
    trace = ask(open_with(), rung="model:other")
    assert [one.reason for one in trace.step_downs] == [StepReason.POLICY]
    assert isinstance(trace.outcome, Abstained)


def test_passages_and_question_are_marked_as_data(open_with: Open) -> None:
    """Each stands between marks nobody can know beforehand; what is masked is not sent."""
    model = ScriptedModel(GOOD)
    app = open_with(model)
    ask(app)
    ask(app)
    first, second = (call.messages[-1].text for call in model.calls)
    assert first != second
    assert "30 seconds" in first
    assert "never shown" not in first
    assert QUESTION in first


def test_a_leaning_question_is_searched_with_what_it_leans_on(open_with: Open) -> None:
    """The model words it; what it is taken to mean is shown and kept."""
    meant = "how long does the drain wait for each pod"
    app = open_with(ScriptedModel("Draining moves every pod away from a node.", meant, GOOD))
    first = ask(app, "what does draining a node do?")
    happening = app.stream("and how long for each?", app.owner(), cancel=Cancel(), follows=first.id)
    seen = list(happening)
    assert isinstance(seen[0], Understood)
    last = seen[-1]
    assert isinstance(last, Done)
    assert last.trace.searched == meant
    assert last.trace.follows == first.id
    assert texts(last.trace) == ["The drain waits 30 seconds for each pod."]


def test_a_leaning_question_is_understood_without_a_model(open_with: Open) -> None:
    """The last question that stood by itself is put before it."""
    app = open_with()
    first = ask(app, "what does draining a node do?")
    trace = ask(app, "how long does it wait for each pod?", follows=first.id)
    assert trace.searched == "what does draining a node do? how long does it wait for each pod?"


def test_a_rewrite_that_is_no_question_is_not_used(open_with: Open) -> None:
    """A model may explain, obey or refuse; then the plain way is taken."""
    turns = [Turn(question="what does draining a node do?", answer="It moves pods.")]
    for written in ("I cannot help with that.\nSorry.", "", "zebra " * 200):
        trace = ask(open_with(ScriptedModel(written)), "how long does it wait?", turns=turns)
        assert trace.searched == "what does draining a node do? how long does it wait?"


def test_a_long_conversation_costs_no_more_than_a_short_one(open_with: Open) -> None:
    """Of two hundred turns the last few are sent, each cut to some lines."""
    model = ScriptedModel("how long does the drain wait for each pod", GOOD)
    turns = [Turn(question=f"question {n}? " * 50, answer="words " * 500) for n in range(200)]
    ask(open_with(model), "and how long is it?", turns=turns)
    sent = model.calls[0].messages[-1].text
    assert "question 199?" in sent
    assert "question 190?" not in sent
    assert len(sent) < 12_000


def test_only_a_trace_of_ones_own_can_be_followed(open_with: Open) -> None:
    """An unknown trace and somebody else's look the same."""
    with pytest.raises(NotFound):
        ask(open_with(), follows="nobody")


def test_a_step_down_is_an_event(open_with: Open) -> None:
    """Whoever listens hears it where it happens."""
    app = open_with(ScriptedModel(failed(StepReason.TIMEOUT)))
    seen = list(app.stream(QUESTION, app.owner(), cancel=Cancel()))
    steps = [one.step.reason for one in seen if isinstance(one, SteppedDown)]
    assert steps == [StepReason.TIMEOUT]
