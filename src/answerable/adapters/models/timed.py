"""A model that is given up when it is too slow."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from answerable.adapters.models.alarms import Alarms
from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.clock import Clock
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from answerable.domain.releases import TimeLimits

_TIMEOUT = "timeout"


class Timed:
    """Keeps the time limits of each call: first token, between tokens, whole.

    The time the reader takes between two items does not count as the model's, but for the whole.

    Args:
        inner: The model; its stream ends at once when it is cancelled.
        clock: For the limits.
        alarms: Call while the model is waited for.
    """

    def __init__(self, inner: ChatModel, clock: Clock, alarms: Alarms) -> None:
        self.name = inner.name
        self._inner = inner
        self._clock = clock
        self._alarms = alarms

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply, while it comes in time.

        Raises:
            ModelFailed: ``timeout``, and what the model inside raises.
            Cancelled: `cancel` was called.
        """
        cancel.check()
        stop = Cancel()
        watch = _Watch(call.limits, self._clock, lambda: stop.cancel(_TIMEOUT))
        take_back = cancel.on_cancel(lambda: stop.cancel(cancel.because))
        unset = self._alarms.at(watch.due_ms, watch.ring)
        try:
            with closing(self._inner.stream(call, stop)) as inner:
                while True:
                    watch.waits()
                    item = next(inner, None)
                    watch.got()
                    cancel.check()
                    if item is None:
                        return
                    yield item
        except Cancelled:
            cancel.check()
            raise self._late(watch.missed) from None
        finally:
            unset()
            take_back()

    def close(self) -> None:
        """Close the model."""
        self._inner.close()

    def _late(self, missed: str) -> ModelFailed:
        return ModelFailed(
            f"{self.name} took too long: {missed}",
            hint=f"answerable models check {self.name} says how fast it is; the limits are the "
            "release's",
            kind=StepReason.TIMEOUT,
        )


_: Callable[..., ChatModel] = Timed


class _Watch:
    """When the next item is due, and which limit was missed."""

    def __init__(self, limits: TimeLimits, clock: Clock, stop: Callable[[], None]) -> None:
        self._limits = limits
        self._clock = clock
        self._stop = stop
        began_ms = clock.monotonic_ms()
        self._whole_ms = began_ms + limits.whole_ms
        self._item_ms = began_ms + limits.first_token_ms
        self._has_first = False
        self._is_waiting = True
        self.missed = ""

    @property
    def due_ms(self) -> float:
        """The first moment at which a limit may be missed."""
        return min(self._item_ms, self._whole_ms)

    def waits(self) -> None:
        """Note that an item is waited for from now."""
        if self._has_first:
            self._item_ms = self._clock.monotonic_ms() + self._limits.between_tokens_ms
        self._is_waiting = True

    def got(self) -> None:
        """Note that one has come."""
        self._has_first = True
        self._is_waiting = False

    def ring(self) -> float | None:
        """Stop the call if it is late; return when to look again."""
        now_ms = self._clock.monotonic_ms()
        if now_ms >= self._whole_ms:
            self.missed = f"no end after {self._limits.whole_ms} ms"
        elif not self._is_waiting:
            return min(self._whole_ms, now_ms + self._limits.between_tokens_ms)
        elif now_ms < self._item_ms:
            return self.due_ms
        elif self._has_first:
            self.missed = f"nothing more for {self._limits.between_tokens_ms} ms"
        else:
            self.missed = f"no first token after {self._limits.first_token_ms} ms"
        self._stop()
        return None
