"""A question answered again with the recorded replies of its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ladder_doubles import PAGES, QUESTION, opened

from answerable.adapters.models.memory import ScriptedModel
from answerable.app import App
from answerable.domain.errors import ModelFailed, NotReady
from answerable.domain.questions import StepReason, Trace

GOOD = "The drain waits 30 seconds for each pod. [1]"
BAD = "The drain waits 90 seconds for each pod. [1]"

Open = Callable[..., App]


@pytest.fixture
def open_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens libraries that record what their models say."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    monkeypatch.setenv("ANSWERABLE_TRACES__RECORD_MODELS", "true")
    with ExitStack() as stack:
        yield lambda *models: opened(tmp_path, stack, *models)


def ask(app: App, text: str = QUESTION, **how: Any) -> Trace:
    """Return the trace of a question of the owner, as the ledger has it."""
    return app.trace(app.ask(text, app.owner(), **how).id)


def test_a_recorded_answer_comes_out_the_same(open_with: Open) -> None:
    """Shown and dropped statements alike, and the model is not asked."""
    model = ScriptedModel(f"{GOOD} {BAD}")
    app = open_with(model)
    trace = ask(app)
    assert len(trace.replies) == 1
    asked = len(model.calls)
    found = app.replay(trace.id, app.owner())
    assert found.is_same, found.differences
    assert found.replies == 1
    assert len(model.calls) == asked
    assert [one.id for one in app.traces()] == [trace.id]


@pytest.mark.parametrize("kind", [StepReason.OUTAGE, StepReason.TIMEOUT, StepReason.OVERLOAD])
def test_a_failure_is_replayed_as_it_was(open_with: Open, kind: StepReason) -> None:
    """The rung is left for the same reason, and the one below answers the same."""
    app = open_with(ScriptedModel(ModelFailed("it broke", hint="wait", kind=kind)))
    assert app.replay(ask(app).id, app.owner()).is_same


def test_an_answer_that_was_shed_is_shed_again(open_with: Open) -> None:
    """Too much was asked at once, so no model was."""
    app = open_with(ScriptedModel(GOOD))
    assert app.replay(ask(app, crowded="too many").id, app.owner()).is_same


def test_quotes_need_no_recording(open_with: Open) -> None:
    """Without a model there is nothing to record, on the rung that was asked for too."""
    app = open_with(ScriptedModel(GOOD))
    assert app.replay(ask(app, rung="quote").id, app.owner()).is_same
    found = app.replay(ask(app, "which vendor sells coffee?").id, app.owner())
    assert found.is_same
    assert found.replies == 0


def test_the_revision_that_answered_answers_again(open_with: Open, tmp_path: Path) -> None:
    """What was ingested since changes nothing."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    path = "nodes/drain.md"
    (tmp_path / "docs" / path).write_text(PAGES[path].replace("30 seconds", "45 seconds"))
    app.ingest(tmp_path / "docs")
    found = app.replay(trace.id, app.owner())
    assert found.is_same, found.differences
    assert found.revision == trace.revision


def test_what_differs_is_named(open_with: Open) -> None:
    """A document that was removed is not shown again, by a replay neither."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    app.remove(app.find_document("nodes/drain.md", app.owner()), who="owner", because="test")
    found = app.replay(trace.id, app.owner())
    assert not found.is_same
    assert "passages" in [one.what for one in found.differences]


def test_without_a_recording_it_says_so(open_with: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default no reply is kept, and a replay does not make one up."""
    monkeypatch.setenv("ANSWERABLE_TRACES__RECORD_MODELS", "false")
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    assert trace.replies == ()
    with pytest.raises(NotReady) as caught:
        app.replay(trace.id, app.owner())
    assert "record_models" in caught.value.hint


def test_replies_expire_with_the_texts(open_with: Open) -> None:
    """They are texts: retention deletes them, and a replay says what is missing."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    app._tools.ledger.forget_texts(trace.at_ms + 1)
    assert set(app.trace(trace.id).replies) == {""}
    with pytest.raises(NotReady):
        app.replay(trace.id, app.owner())


def test_a_turn_of_a_conversation_is_replayed_with_what_was_said_before(open_with: Open) -> None:
    """The rewritten question is among the replies; the turn before comes from the ledger."""
    rewritten = "how long does the drain of a node wait for each pod?"
    app = open_with(ScriptedModel(GOOD, rewritten, GOOD))
    first = ask(app)
    trace = ask(app, "and how long for each pod?", follows=first.id)
    assert [one.purpose for one in trace.calls] == ["rewrite", "answer"]
    assert app.replay(trace.id, app.owner()).is_same
