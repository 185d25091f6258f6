"""A model that fails in the way it is told to: for tests, and for drills."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from enum import StrEnum
from itertools import count

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason


class Fault(StrEnum):
    """What goes wrong with a call.

    Attributes:
        OUTAGE, ERROR, WRONG_KEY, STORM, EMPTY: Nothing is said, and why.
        HANG_FIRST, HANG_LATER: Silence, before or after the first token, until it is given up.
        CUT: The connection breaks in the middle of a word.
        GARBAGE: What comes is no language; it goes well otherwise.
        HUGE: A megabyte, and it goes well otherwise.
        LYING: Every digit of the reply is another one.
        INVENTING: A sentence is added that no document holds, with citations.
        ABRUPT: The reply stops in the middle as if that were its end.
    """

    OUTAGE = "outage"
    ERROR = "error"
    WRONG_KEY = "wrong_key"
    STORM = "storm"
    EMPTY = "empty"
    HANG_FIRST = "hang_first"
    HANG_LATER = "hang_later"
    CUT = "cut"
    GARBAGE = "garbage"
    HUGE = "huge"
    LYING = "lying"
    INVENTING = "inventing"
    ABRUPT = "abrupt"


_REFUSED = {
    Fault.OUTAGE: (StepReason.OUTAGE, "cannot be reached", 0.0, True),
    Fault.ERROR: (StepReason.OUTAGE, "answered 500", 0.0, True),
    Fault.WRONG_KEY: (StepReason.OUTAGE, "answered 401", 0.0, False),
    Fault.STORM: (StepReason.OVERLOAD, "answered 429 and asks to wait 30 s", 30.0, True),
    Fault.EMPTY: (StepReason.MALFORMED, "gave an empty reply", 0.0, True),
}

_OTHER_DIGITS = str.maketrans("0123456789", "1234567890")
_GARBAGE = "\ufffd\x1b[2J\u202e" + "".join(map(chr, range(0x3400, 0x3420)))
_INVENTED = " It was introduced in version 42.7.1 [17] and listens on port 31999 [1]."
_HUGE_BIT, _HUGE_BITS = "lorem ipsum " * 342, 256

Plan = Callable[[int], Fault | None]


def well(_number: int) -> None:
    """Return that nothing goes wrong."""


class Faulty:
    """Breaks calls to a model as planned.

    Args:
        inner: The model; None where no call shall reach one.
        plan: What goes wrong with a call, by its number from 0; a drill sets `plan` anew.
    """

    def __init__(self, inner: ChatModel, plan: Plan = well) -> None:
        self.name = inner.name
        self.plan = plan
        self._inner = inner
        self._numbers = count()

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply, or what becomes of it.

        Raises:
            ModelFailed: As planned, and what the model inside raises.
            Cancelled: `cancel` was called.
        """
        cancel.check()
        fault = self.plan(next(self._numbers))
        if fault in _REFUSED:
            raise self._refusal(fault)
        if fault is Fault.HANG_FIRST:
            _hang(cancel)
        with closing(self._inner.stream(call, cancel)) as inner:
            for number, item in enumerate(inner):
                if isinstance(item, Finished):
                    yield from self._end(fault, item)
                    return
                if fault is not Fault.ABRUPT or number == 0:
                    yield from self._delta(fault, item, cancel)

    def close(self) -> None:
        """Close the model."""
        self._inner.close()

    def _delta(
        self, fault: Fault | None, delta: Delta, cancel: Cancel
    ) -> Generator[Delta, None, None]:
        if fault is Fault.LYING:
            yield Delta(text=delta.text.translate(_OTHER_DIGITS))
        elif fault is Fault.GARBAGE:
            yield Delta(text=_GARBAGE)
        elif fault is Fault.CUT:
            yield Delta(text=delta.text[: max(1, len(delta.text) // 2)])
            raise ModelFailed(
                f"{self.name} broke off", hint="a drill broke it", kind=StepReason.OUTAGE
            )
        else:
            yield delta
        if fault is Fault.HANG_LATER:
            _hang(cancel)

    def _end(self, fault: Fault | None, end: Finished) -> Generator[Delta | Finished, None, None]:
        if fault is Fault.INVENTING:
            yield Delta(text=_INVENTED)
        if fault is Fault.HUGE:
            yield from (Delta(text=_HUGE_BIT) for _ in range(_HUGE_BITS))
        yield end

    def _refusal(self, fault: Fault) -> ModelFailed:
        kind, said, wait_s, is_passing = _REFUSED[fault]
        return ModelFailed(
            f"{self.name} {said}",
            hint="a drill broke it",
            kind=kind,
            retry_after_s=wait_s,
            is_passing=is_passing,
        )


_: Callable[..., ChatModel] = Faulty


def _hang(cancel: Cancel) -> None:
    """Say nothing until it is given up.

    Raises:
        Cancelled: It was.
    """
    given_up = threading.Event()
    take_back = cancel.on_cancel(given_up.set)
    try:
        given_up.wait()
    finally:
        take_back()
    cancel.check()
