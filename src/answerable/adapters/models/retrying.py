"""A model that is asked again where that may help, and before anything was said."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Generator
from contextlib import closing

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.errors import ModelFailed

_ATTEMPTS_MAX = 3
_FIRST_PAUSE_MS = 200.0
_PAUSE_MS_MAX = 4_000.0

Pause = Callable[[float, Cancel], None]


class RetryBudget:
    """How many more tries a provider is given: a storm of calls must not become three storms.

    It holds `held_max` tokens; a failure takes one, a success gives back a tenth, and nobody
    tries again while it is at most half full. Safe for many threads.

    Source: gRPC proposal A6, "Client Retries", section "Throttling Retry Attempts".
    """

    def __init__(self, held_max: int = 10) -> None:
        self._lock = threading.Lock()
        self._held_max = held_max
        self._held = float(held_max)

    def failed(self) -> bool:
        """Note a failure; return whether it may be tried again."""
        with self._lock:
            self._held = max(self._held - 1, 0.0)
            return self._held > self._held_max / 2

    def went_well(self) -> None:
        """Note a success."""
        with self._lock:
            self._held = min(self._held + 0.1, self._held_max)


def wait(ms: float, cancel: Cancel) -> None:
    """Return after so long.

    Raises:
        Cancelled: Somebody said stop meanwhile.
    """
    rung = threading.Event()
    take_back = cancel.on_cancel(rung.set)
    try:
        rung.wait(ms / 1000)
    finally:
        take_back()
    cancel.check()


class Retrying:
    """Asks again after a passing failure, never once a token has come.

    It waits as long as the provider asks for, or longer each time and never in step with others;
    never longer than is left until the first token is due: then the rung below is faster.

    Args:
        inner: The model.
        clock: For what is left.
        budget: Of its provider; shared by all its models.
        attempts_max: With the first.
        pause, chance: Of the machine; `chance` gives numbers in [0, 1).
    """

    def __init__(
        self,
        inner: ChatModel,
        clock: Clock,
        budget: RetryBudget,
        *,
        attempts_max: int = _ATTEMPTS_MAX,
        pause: Pause = wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = inner.name
        self._inner = inner
        self._clock = clock
        self._budget = budget
        self._attempts_max = attempts_max
        self._pause = pause
        self._chance = chance

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply of the first attempt that has one.

        Raises:
            ModelFailed: As the last attempt failed.
            Cancelled: `cancel` was called.
        """
        ends_ms = self._clock.monotonic_ms() + call.limits.first_token_ms
        attempt = 0
        while True:
            attempt += 1
            has_begun = False
            try:
                with closing(self._inner.stream(call, cancel)) as inner:
                    for item in inner:
                        has_begun = True
                        yield item
            except ModelFailed as failed:
                wait_ms = self._wait_ms(failed, attempt)
                if has_begun or wait_ms is None or self._clock.monotonic_ms() + wait_ms >= ends_ms:
                    raise
            else:
                self._budget.went_well()
                return
            self._pause(wait_ms, cancel)

    def close(self) -> None:
        """Close the model."""
        self._inner.close()

    def _wait_ms(self, failed: ModelFailed, attempt: int) -> float | None:
        """Return how long to wait before the next attempt, or None if there shall be none.

        Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        if not failed.is_passing:
            return None
        if not self._budget.failed() or attempt >= self._attempts_max:
            return None
        longest = min(math.ldexp(_FIRST_PAUSE_MS, attempt - 1), _PAUSE_MS_MAX)
        return max(failed.retry_after_s * 1000, longest * (1 + self._chance()) / 2)


_: Callable[..., ChatModel] = Retrying
