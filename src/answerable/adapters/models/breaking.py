"""A model whose provider is left alone for a while after it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason

_FAILURES_MAX = 3
_REST_MS = 10_000.0
_REST_MS_MAX = 120_000.0

# What says something about the provider; a full queue or an empty purse of ours does not.
_COUNTED = {StepReason.OUTAGE, StepReason.TIMEOUT, StepReason.MALFORMED}


class Breaker:
    """Whether a provider may be asked. Safe for many threads; shared by all its models.

    It opens after so many failures in a row, or for as long as a provider asks to be left alone.
    After a rest, one call is let through: if it goes well it closes, if not it rests twice as
    long.

    Source: Nygard, "Release It!", 2nd edition, "Circuit Breaker".
    """

    def __init__(
        self,
        clock: Clock,
        *,
        failures_max: int = _FAILURES_MAX,
        rest_ms: float = _REST_MS,
        rest_ms_max: float = _REST_MS_MAX,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures_max = failures_max
        self._first_rest_ms = rest_ms
        self._rest_ms = rest_ms
        self._rest_ms_max = rest_ms_max
        self._failures = 0
        self._until_ms: float | None = None
        self._probe: object | None = None
        self._trouble: ModelFailed | None = None

    @property
    def trouble(self) -> str:
        """How the provider failed while it is left alone; empty while it is not."""
        return self._trouble.message if self._until_ms is not None and self._trouble else ""

    def enter(self) -> object | None:
        """Return a token of the call that may be made now, or None if none may."""
        with self._lock:
            if self._until_ms is None:
                return object()
            if self._probe is not None or self._clock.monotonic_ms() < self._until_ms:
                return None
            self._probe = object()
            return self._probe

    def went_well(self, token: object) -> None:
        """Note that the provider answers; a late reply of before does not close it."""
        with self._lock:
            if self._until_ms is None or token is self._probe:
                self._failures, self._until_ms, self._probe = 0, None, None
                self._rest_ms = self._first_rest_ms

    def failed(self, token: object, failure: ModelFailed) -> None:
        """Note how a call failed."""
        asked_ms = failure.retry_after_s * 1000
        is_counted = failure.kind in _COUNTED
        with self._lock:
            was_probe = self._dismiss(token)
            if not is_counted and not asked_ms:
                return
            self._trouble = failure
            self._failures += is_counted
            if was_probe and is_counted:
                self._rest_ms = min(self._rest_ms * 2, self._rest_ms_max)
            if self._failures >= self._failures_max or was_probe:
                self._open(max(self._rest_ms, asked_ms))
            elif asked_ms:
                self._open(asked_ms)

    def left(self, token: object) -> None:
        """Note that a call ended and says nothing of the provider."""
        with self._lock:
            self._dismiss(token)

    def _open(self, rest_ms: float) -> None:
        until_ms = self._clock.monotonic_ms() + min(rest_ms, self._rest_ms_max)
        self._until_ms = max(until_ms, self._until_ms or until_ms)

    def _dismiss(self, token: object) -> bool:
        was_probe = token is self._probe and self._probe is not None
        if was_probe:
            self._probe = None
        return was_probe


class Breaking:
    """Fails at once while the provider rests.

    Args:
        inner: The model.
        breaker: Of its provider.
    """

    def __init__(self, inner: ChatModel, breaker: Breaker) -> None:
        self.name = inner.name
        self._inner = inner
        self._breaker = breaker

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply, unless the provider is left alone.

        Raises:
            ModelFailed: ``breaker``, and what the model inside raises.
            Cancelled: `cancel` was called.
        """
        cancel.check()
        token = self._breaker.enter()
        if token is None:
            raise ModelFailed(
                f"{self.name} is left alone for a while: {self._breaker.trouble}",
                hint=f"answerable models check {self.name}",
                kind=StepReason.BREAKER,
            )
        try:
            with closing(self._inner.stream(call, cancel)) as inner:
                for item in inner:
                    if isinstance(item, Finished):
                        self._breaker.went_well(token)
                    yield item
        except ModelFailed as failure:
            self._breaker.failed(token, failure)
            raise
        finally:
            self._breaker.left(token)

    def close(self) -> None:
        """Close the model."""
        self._inner.close()


_: Callable[..., ChatModel] = Breaking
