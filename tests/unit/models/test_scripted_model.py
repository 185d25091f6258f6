"""The model that says what it was told to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.models.memory import ScriptedModel, Told, words
from answerable.answering.ports import Delta, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

CALL = ModelCall(messages=(Message(role="user", text="Which port?"),))


def said(model: ScriptedModel) -> str:
    return "".join(one.text for one in model.stream(CALL, Cancel()) if isinstance(one, Delta))


def test_replies_come_in_turn_and_the_last_one_stays() -> None:
    """A text, deltas, or what a function makes of the call."""
    model = ScriptedModel("one two", ["th", "ree"], lambda call: call.messages[0].text.upper())
    assert [said(model) for _ in range(4)] == ["one two", "three", "WHICH PORT?", "WHICH PORT?"]
    assert model.calls == [CALL] * 4


def test_a_reply_ends_with_one_finished() -> None:
    """With the reason it was told."""
    *deltas, end = ScriptedModel(Told(deltas=("a",), reason="length")).stream(CALL, Cancel())
    assert deltas == [Delta(text="a")]
    assert isinstance(end, Finished)
    assert end.reason == "length"


def test_a_failure_comes_after_what_was_said_before() -> None:
    """As a provider that is cut off mid-word."""
    failure = ModelFailed("cut", hint="wait", kind=StepReason.OUTAGE)
    stream = ScriptedModel(Told(deltas=("The po",), failure=failure)).stream(CALL, Cancel())
    assert next(stream) == Delta(text="The po")
    with pytest.raises(ModelFailed) as caught:
        next(stream)
    assert caught.value is failure


def test_a_stream_that_is_left_is_closed() -> None:
    """Whoever leaves it early is counted like whoever reads it to the end."""
    model = ScriptedModel("one two three")
    stream = model.stream(CALL, Cancel())
    next(stream)
    assert (model.opened, model.closed) == (1, 0)
    stream.close()
    assert (model.opened, model.closed) == (1, 1)


@given(st.text())
def test_words_are_the_text(text: str) -> None:
    """Nothing is lost or added, and no bit is empty."""
    bits = words(text)
    assert "".join(bits) == text
    assert all(bits)
