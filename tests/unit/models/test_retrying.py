"""Asking again."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapped import CALL, failure, said

from answerable.adapters.models.memory import ScriptedModel, Told
from answerable.adapters.models.retrying import RetryBudget, Retrying, wait
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from models_fakes import FakeClock


class Pauses:
    """Moves a clock instead of waiting."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ms: list[float] = []

    def __call__(self, ms: float, cancel: Cancel) -> None:
        cancel.check()
        self.ms.append(ms)
        self.clock.ms += ms


def retrying(inner: ScriptedModel, pauses: Pauses, budget: RetryBudget | None = None) -> Retrying:
    return Retrying(inner, pauses.clock, budget or RetryBudget(), pause=pauses, chance=lambda: 0.5)


def test_a_passing_failure_is_tried_again() -> None:
    """Twice, each time later."""
    pauses = Pauses()
    inner = ScriptedModel(failure(), failure(), "well")
    assert said(retrying(inner, pauses)) == "well"
    assert pauses.ms == [150.0, 300.0]


def test_three_times_is_enough() -> None:
    """Then it fails as it failed last."""
    inner = ScriptedModel(failure(), failure(), failure(StepReason.MALFORMED), "never")
    with pytest.raises(ModelFailed) as caught:
        said(retrying(inner, Pauses()))
    assert caught.value.kind is StepReason.MALFORMED
    assert len(inner.calls) == 3


def test_it_waits_as_long_as_the_provider_asks() -> None:
    """Retry-After goes before our own idea."""
    pauses = Pauses()
    inner = ScriptedModel(failure(StepReason.OVERLOAD, retry_after_s=2), "well")
    assert said(retrying(inner, pauses)) == "well"
    assert pauses.ms == [2_000]


def test_it_does_not_wait_longer_than_the_first_token_may_take() -> None:
    """The rung below is faster than a provider that asks for a minute."""
    pauses = Pauses()
    inner = ScriptedModel(failure(StepReason.OVERLOAD, retry_after_s=60), "never")
    with pytest.raises(ModelFailed):
        said(retrying(inner, pauses))
    assert pauses.ms == []


def test_a_lasting_failure_is_not_tried_again() -> None:
    """A wrong key stays wrong."""
    inner = ScriptedModel(failure(is_passing=False), "never")
    with pytest.raises(ModelFailed):
        said(retrying(inner, Pauses()))
    assert len(inner.calls) == 1


def test_never_after_the_first_token() -> None:
    """Nobody hears the beginning twice."""
    inner = ScriptedModel(Told(deltas=("The po",), failure=failure()), "never")
    with pytest.raises(ModelFailed):
        said(retrying(inner, Pauses()))
    assert len(inner.calls) == 1


def test_a_storm_of_calls_does_not_become_three() -> None:
    """Once a provider fails most of the time, calls are tried once; successes earn tries back."""
    budget = RetryBudget()
    down = ScriptedModel(failure())
    for _ in range(20):
        with pytest.raises(ModelFailed):
            said(retrying(down, Pauses(), budget))
    assert len(down.calls) < 20 + 5
    up = ScriptedModel("well")
    for _ in range(100):
        said(retrying(up, Pauses(), budget))
    assert said(retrying(ScriptedModel(failure(), "well"), Pauses(), budget)) == "well"


@given(st.lists(st.booleans(), max_size=200))
def test_retries_are_a_tenth_of_what_went_well(outcomes: list[bool]) -> None:
    """And a handful to begin with, whatever happens in whatever order."""
    budget = RetryBudget(10)
    allowed = 0
    for is_well in outcomes:
        if is_well:
            budget.went_well()
        else:
            allowed += budget.failed()
    assert allowed <= 5 + outcomes.count(True) / 10


def test_a_pause_ends_when_somebody_says_stop() -> None:
    """Nobody waits for one who has gone."""
    cancel = Cancel()
    threading.Timer(0.01, cancel.cancel, ["disconnect"]).start()
    with pytest.raises(Cancelled):
        wait(3_600_000, cancel)
    wait(0, Cancel())


def test_stop_during_a_pause_ends_the_call() -> None:
    """The model is not asked again."""
    cancel = Cancel()
    inner = ScriptedModel(failure(), "never")

    def pause(_: float, cancel: Cancel) -> None:
        cancel.cancel("disconnect")
        cancel.check()

    model = Retrying(inner, FakeClock(), RetryBudget(), pause=pause)
    with pytest.raises(Cancelled):
        list(model.stream(CALL, cancel))
    assert len(inner.calls) == 1
