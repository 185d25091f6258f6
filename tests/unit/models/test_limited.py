"""Places, and a queue that ends."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from wrapped import CALL, failure, said

from answerable.adapters.models.limited import Limited, Slots
from answerable.adapters.models.memory import ScriptedModel
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from models_fakes import FakeAlarms, FakeClock


def slots(alarms: FakeAlarms, clock: FakeClock, *, calls: int = 1, waiting: int = 1) -> Slots:
    return Slots(clock, alarms, calls_max=calls, waiting_max=waiting, wait_ms_max=500)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def alarms(clock: FakeClock) -> FakeAlarms:
    return FakeAlarms(clock)


def later(places: Slots, cancel: Cancel) -> tuple[threading.Thread, list[object]]:
    """Take a place in another thread; return it and what it will have got."""
    got: list[object] = []

    def take() -> None:
        try:
            got.append(places.take(cancel))
        except Cancelled as cancelled:
            got.append(cancelled.because)

    thread = threading.Thread(target=take)
    thread.start()
    return thread, got


def test_who_finds_no_place_in_the_queue_is_turned_away(
    alarms: FakeAlarms, clock: FakeClock
) -> None:
    """At once, as overload, and the model never hears of it."""
    inner = ScriptedModel("one two")
    model = Limited(inner, slots(alarms, clock, waiting=0))
    with closing(model.stream(CALL, Cancel())) as stream:
        next(stream)
        with pytest.raises(ModelFailed, match="more callers") as caught:
            said(model)
    assert caught.value.kind is StepReason.OVERLOAD
    assert len(inner.calls) == 1
    assert said(model) == "one two"


@pytest.mark.parametrize("inner", [ScriptedModel(failure()), ScriptedModel("one two")])
def test_a_place_is_free_again_however_a_call_ends(
    inner: ScriptedModel, alarms: FakeAlarms, clock: FakeClock
) -> None:
    """Read to the end, failed, left or cancelled."""
    places = slots(alarms, clock)
    model = Limited(inner, places)
    for cancelled in (False, True):
        cancel = Cancel()
        stream = model.stream(CALL, cancel)
        try:
            next(stream)
            if cancelled:
                cancel.cancel("disconnect")
            list(stream)
        except (ModelFailed, Cancelled):
            pass
        assert places.free == 1


def test_a_place_goes_to_who_has_waited_longest(alarms: FakeAlarms, clock: FakeClock) -> None:
    """First come, first served."""
    places = slots(alarms, clock, waiting=2)
    assert places.take(Cancel())
    first, first_got = later(places, Cancel())
    alarms.wait_for(1)
    second, second_got = later(places, Cancel())
    alarms.wait_for(2)
    places.give_back()
    first.join(20)
    assert (first_got, second_got, places.waiting) == ([True], [], 1)
    places.give_back()
    second.join(20)
    assert second_got == [True]
    places.give_back()
    assert (places.free, places.waiting, alarms.count) == (1, 0, 0)


def test_who_has_waited_long_enough_is_turned_away(alarms: FakeAlarms, clock: FakeClock) -> None:
    """The rung below answers, instead of nobody."""
    places = slots(alarms, clock)
    places.take(Cancel())
    thread, got = later(places, Cancel())
    alarms.wait_for(1)
    alarms.advance(499)
    assert got == []
    alarms.advance(1)
    thread.join(20)
    assert (got, places.waiting) == ([False], 0)
    places.give_back()
    assert places.free == 1


def test_who_goes_leaves_the_queue(alarms: FakeAlarms, clock: FakeClock) -> None:
    """At once, and takes no place along."""
    places = slots(alarms, clock)
    places.take(Cancel())
    cancel = Cancel()
    thread, got = later(places, cancel)
    alarms.wait_for(1)
    cancel.cancel("disconnect")
    thread.join(20)
    assert (got, places.waiting) == (["disconnect"], 0)
    places.give_back()
    assert places.free == 1


def test_no_place_is_lost_in_a_crowd(alarms: FakeAlarms, clock: FakeClock) -> None:
    """Many threads, some of which go while they wait."""
    places = slots(alarms, clock, calls=3, waiting=100)
    inside: list[int] = []
    most: list[int] = []

    def work(n: int) -> None:
        for m in range(20):
            cancel = Cancel()
            if (n + m) % 7 == 0:
                cancel.cancel("disconnect")
            try:
                got = places.take(cancel)
            except Cancelled:
                continue
            assert got
            inside.append(n)
            most.append(len(inside))
            inside.remove(n)
            places.give_back()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (places.free, places.waiting) == (3, 0)
    assert max(most) <= 3
