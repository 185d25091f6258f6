"""What is written down is what was said, and can be said again."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapped import CALL, failure, said

from answerable.adapters.models.memory import ScriptedModel, Told
from answerable.adapters.models.recording import (
    MemoryTape,
    Recorded,
    Recording,
    Replaying,
    digest,
    from_json,
    to_json,
)
from answerable.answering.ports import Delta, Finished, Message, ModelCall, Usage
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import BadInput, ModelFailed
from answerable.domain.questions import StepReason
from answerable.domain.releases import Sampling, TimeLimits


def recorded(*replies: str | Told | ModelFailed) -> tuple[MemoryTape, list[list[object]]]:
    """Return what was written down of these replies, and what was heard of them."""
    tape = MemoryTape()
    model = Recording(ScriptedModel(*replies), tape)
    return tape, [heard(model) for _ in replies]


def heard(model: Recording | Replaying) -> list[object]:
    items: list[object] = []
    try:
        items.extend(model.stream(CALL, Cancel()))
    except ModelFailed as failed:
        items.append((failed.kind, failed.message))
    return items


def test_replaying_gives_what_was_heard() -> None:
    """The same bits, the same ends, the same failures, in the same order."""
    cut = Told(deltas=("The po",), failure=failure(StepReason.TIMEOUT))
    tape, first = recorded("one two", cut, failure(), "three")
    again = Replaying("scripted", [from_json(to_json(one)) for one in tape.replies])
    assert [heard(again) for _ in first] == first
    assert heard(again) == first[-1]


def test_only_the_same_call_is_answered() -> None:
    """Another prompt or another sampling was never asked; other time limits make no difference."""
    tape, _ = recorded("one")
    again = Replaying("scripted", tape.replies)
    other_words = replace(CALL, messages=(Message(role="user", text="Which host?"),))
    for call in (other_words, replace(CALL, sampling=Sampling(seed=1))):
        with pytest.raises(ModelFailed, match="was recorded"):
            said(again, call)
    assert said(again, replace(CALL, limits=TimeLimits(whole_ms=1))) == "one"
    with pytest.raises(ModelFailed):
        said(Replaying("another", tape.replies))


def test_a_reply_that_was_left_is_written_down_as_such() -> None:
    """What came before is kept, and replaying ends where the reader left."""
    tape = MemoryTape()
    with closing(Recording(ScriptedModel("one two"), tape).stream(CALL, Cancel())) as stream:
        next(stream)
    assert [(one.deltas, one.left) for one in tape.replies] == [(("one",), True)]
    stream = Replaying("scripted", tape.replies).stream(CALL, Cancel())
    assert next(stream) == Delta(text="one")
    with pytest.raises(Cancelled):
        next(stream)


def test_cancelled_is_not_a_failure_of_the_model() -> None:
    """It is written down as left."""
    tape = MemoryTape()
    cancel = Cancel()
    stream = Recording(ScriptedModel("one two"), tape).stream(CALL, cancel)
    next(stream)
    cancel.cancel("disconnect")
    with suppress(Cancelled):
        next(stream)
    assert tape.replies[0].left
    assert tape.replies[0].failure is None


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
def test_json_gives_back_the_same(texts: list[str], cost: Decimal | None, left: bool) -> None:
    """Whatever was said and whatever it cost."""
    usage = Usage(tokens_in=1, tokens_out=2, is_estimated=True, method="m", cost_usd=cost)
    end = None if left else Finished(reason="stop", usage=usage, model="m")
    one = Recorded(model="m", call="c", deltas=tuple(texts), end=end, left=left)
    line = to_json(one)
    assert "\n" not in line
    assert from_json(line) == one


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"model": 1}', "null", "1"])
def test_what_is_no_recording_is_refused(line: str) -> None:
    """With a failure that says so."""
    with pytest.raises(BadInput):
        from_json(line)


def test_a_digest_tells_turns_apart() -> None:
    """One message of two lines is not two messages."""
    one = ModelCall(messages=(Message(role="user", text="a\nb"),))
    two = ModelCall(messages=(Message(role="user", text="a"), Message(role="user", text="b")))
    assert digest("m", one) != digest("m", two) != digest("n", two)
