"""Time limits of a call."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
from wrapped import CALL, said, within

from answerable.adapters.clock import SystemClock
from answerable.adapters.models.alarms import ThreadAlarms
from answerable.adapters.models.faulty import Fault, Faulty
from answerable.adapters.models.memory import ScriptedModel
from answerable.adapters.models.timed import Timed
from answerable.answering.ports import Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from models_fakes import FakeAlarms, FakeClock


class Slow:
    """A model that takes time, of a clock that is moved by hand."""

    name = "slow"

    def __init__(self, alarms: FakeAlarms, *waits_ms: float) -> None:
        self._alarms = alarms
        self._waits_ms = waits_ms

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        inner = ScriptedModel([f"{n}" for n in range(len(self._waits_ms))])
        for wait_ms, item in zip((*self._waits_ms, 0), inner.stream(call, cancel), strict=True):
            self._alarms.advance(wait_ms)
            cancel.check()
            yield item

    def close(self) -> None:
        pass


def timed(*waits_ms: float) -> tuple[Timed, FakeAlarms]:
    clock = FakeClock()
    alarms = FakeAlarms(clock)
    return Timed(Slow(alarms, *waits_ms), clock, alarms), alarms


def test_in_time_nothing_happens() -> None:
    """Just below each limit, and no alarm stays set."""
    model, alarms = timed(9_999, 999, 999)
    assert said(model) == "012"
    assert alarms.count == 0


@pytest.mark.parametrize(
    ("waits_ms", "call", "came", "why"),
    [
        ((10_000,), CALL, "", "no first token after 10000 ms"),
        ((9_999, 1_000), CALL, "0", "nothing more for 1000 ms"),
        ((9_999, 1, 1_000), CALL, "01", "nothing more for 1000 ms"),
        ((900,) * 20, within(whole_ms=2_000), "01", "no end after 2000 ms"),
        ((3_000,), within(whole_ms=2_000), "", "no end after 2000 ms"),
    ],
)
def test_too_late(waits_ms: tuple[float, ...], call: ModelCall, came: str, why: str) -> None:
    """What came in time is given; then it fails, and says which limit was missed."""
    model, alarms = timed(*waits_ms)
    got: list[Delta | Finished] = []
    with pytest.raises(ModelFailed, match=why) as caught:
        got.extend(model.stream(call, Cancel()))
    assert "".join(one.text for one in got if isinstance(one, Delta)) == came
    assert caught.value.kind is StepReason.TIMEOUT
    assert alarms.count == 0


def test_a_slow_reader_is_not_the_models_fault() -> None:
    """The time between two items in which nobody asks for one does not count."""
    model, alarms = timed(1, 1, 1)
    stream = model.stream(CALL, Cancel())
    for _ in range(3):
        next(stream)
        alarms.advance(5_000)
    assert isinstance(next(stream), Finished)


def test_who_cancels_is_not_told_of_a_timeout() -> None:
    """The asker's word goes before ours."""
    model, alarms = timed(1, 1)
    cancel = Cancel()
    stream = model.stream(CALL, cancel)
    next(stream)
    cancel.cancel("disconnect")
    alarms.advance(10**6)
    with pytest.raises(Cancelled, match="disconnect"):
        next(stream)


@pytest.mark.parametrize("fault", [Fault.HANG_FIRST, Fault.HANG_LATER])
def test_real_time(fault: Fault) -> None:
    """A model that hangs is given up by a thread that keeps time; another call is not touched."""
    clock = SystemClock()
    alarms = ThreadAlarms(clock)
    hanging = Timed(Faulty(ScriptedModel("a b"), lambda _: fault), clock, alarms)
    well = Timed(ScriptedModel("a b"), clock, alarms)
    open_stream = well.stream(CALL, Cancel())
    next(open_stream)
    call = within(first_token_ms=20, between_tokens_ms=20)
    with pytest.raises(ModelFailed) as caught:
        list(hanging.stream(call, Cancel()))
    assert caught.value.kind is StepReason.TIMEOUT
    assert isinstance(list(open_stream)[-1], Finished)


def test_alarms_ring_in_order_and_again() -> None:
    """Whatever the order in which they were set; one that is taken back does not ring."""
    clock = SystemClock()
    alarms = ThreadAlarms(clock)
    heard: list[str] = []
    done = threading.Event()
    now_ms = clock.monotonic_ms()

    def again() -> float | None:
        heard.append("again")
        return None if heard.count("again") == 2 else clock.monotonic_ms() + 1

    def last() -> None:
        heard.append("last")
        done.set()

    alarms.at(now_ms + 60, last)
    alarms.at(now_ms + 20, again)
    alarms.at(now_ms + 10, lambda: heard.append("taken back"))()
    assert done.wait(20)
    assert heard == ["again", "again", "last"]
