"""A provider that failed is left alone for a while."""

from __future__ import annotations

from contextlib import closing

import pytest
from wrapped import CALL, failure, said

from answerable.adapters.models.breaking import Breaker, Breaking
from answerable.adapters.models.memory import ScriptedModel
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from models_fakes import FakeClock

REST_MS = 10_000


def ask(model: Breaking) -> str:
    """Return what was said, or why not."""
    try:
        return said(model)
    except ModelFailed as failed:
        return str(failed.kind)


def broken(
    *replies: ModelFailed | str, times: int = 3
) -> tuple[Breaking, ScriptedModel, FakeClock]:
    """Return a model that has failed three times, and goes on with these replies."""
    clock = FakeClock()
    inner = ScriptedModel(*[failure()] * times, *replies)
    model = Breaking(inner, Breaker(clock, rest_ms=REST_MS, rest_ms_max=4 * REST_MS))
    for _ in range(times):
        assert ask(model) == "outage"
    return model, inner, clock


def test_it_opens_after_three_failures_in_a_row() -> None:
    """Then the provider is not asked at all."""
    model, inner, _ = broken("well")
    assert ask(model) == "breaker"
    assert len(inner.calls) == 3


def test_a_success_between_two_failures_starts_the_count_again() -> None:
    """A flaky provider is still asked."""
    model, _, _ = broken("well", failure(), failure(), "well", times=2)
    assert [ask(model) for _ in range(4)] == ["well", "outage", "outage", "well"]


def test_it_closes_after_a_call_that_goes_well() -> None:
    """One is let through after the rest; then all are."""
    model, _, clock = broken("well")
    clock.ms += REST_MS - 1
    assert ask(model) == "breaker"
    clock.ms += 1
    assert [ask(model), ask(model)] == ["well", "well"]


def test_one_at_a_time_while_it_is_tried() -> None:
    """The others do not wait for how it goes."""
    model, inner, clock = broken("well")
    clock.ms += REST_MS
    probe = model.stream(CALL, Cancel())
    next(probe)
    assert ask(model) == "breaker"
    list(probe)
    assert ask(model) == "well"
    assert len(inner.calls) == 5


def test_it_rests_twice_as_long_each_time() -> None:
    """Up to a limit, and from the beginning after a success."""
    model, _, clock = broken(*[failure()] * 3, "well", *[failure()] * 3, "well")
    for rest in (1, 2, 4):
        clock.ms += rest * REST_MS - 1
        assert ask(model) == "breaker"
        clock.ms += 1
        assert ask(model) == "outage"
    clock.ms += 4 * REST_MS
    assert [ask(model) for _ in range(4)] == ["well", "outage", "outage", "outage"]
    clock.ms += REST_MS
    assert ask(model) == "well"


def test_a_probe_that_is_left_says_nothing() -> None:
    """The next caller tries."""
    model, _, clock = broken("one two")
    clock.ms += REST_MS
    with closing(model.stream(CALL, Cancel())) as stream:
        next(stream)
    assert ask(model) == "one two"


@pytest.mark.parametrize("kind", [StepReason.BUDGET, StepReason.OVERLOAD, StepReason.POLICY])
def test_what_is_not_the_providers_fault_does_not_count(kind: StepReason) -> None:
    """Our own full queue or empty purse, or a question it will not answer."""
    model = Breaking(ScriptedModel(failure(kind)), Breaker(FakeClock()))
    assert {ask(model) for _ in range(10)} == {str(kind)}


def test_a_provider_that_asks_to_be_left_alone_is() -> None:
    """After one refusal with Retry-After, for as long as it says."""
    clock = FakeClock()
    inner = ScriptedModel(failure(StepReason.OVERLOAD, retry_after_s=7), "well")
    model = Breaking(inner, Breaker(clock))
    assert [ask(model), ask(model)] == ["overload", "breaker"]
    clock.ms += 7_000
    assert ask(model) == "well"


def test_models_of_one_provider_share_it() -> None:
    """Three failures of one spare the other; a reason is given."""
    breaker = Breaker(FakeClock())
    down, other = ScriptedModel(failure()), ScriptedModel("well")
    for _ in range(3):
        ask(Breaking(down, breaker))
    with pytest.raises(ModelFailed, match="left alone for a while: down"):
        said(Breaking(other, breaker))
    assert other.calls == []


def test_a_late_success_does_not_close_it() -> None:
    """A reply that began before the failures says nothing of now."""
    clock = FakeClock()
    breaker = Breaker(clock)
    early = Breaking(ScriptedModel("one two"), breaker).stream(CALL, Cancel())
    next(early)
    down = Breaking(ScriptedModel(failure()), breaker)
    assert [ask(down) for _ in range(4)] == ["outage"] * 3 + ["breaker"]
    list(early)
    assert ask(down) == "breaker"
