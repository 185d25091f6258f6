"""A model that may cost so much a day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from decimal import ROUND_UP, Decimal
from typing import Protocol

from answerable.adapters.models.priced import Price
from answerable.adapters.models.tokens import prompt_tokens, tokens_of
from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.errors import ModelFailed, StorageFailure
from answerable.domain.questions import StepReason

# The account of all models together; no model is called so.
ALL = ""

_DAY_MS = 86_400_000
_NANO = Decimal(1_000_000_000)
# Where neither call nor model says how long a reply may be.
_TOKENS_OUT = 4_096


class Purse(Protocol):
    """What was spent on each day from each account, in nano-dollars; days are those of UTC.

    Safe for many threads, and processes where it is on disk. May raise `StorageFailure`.
    """

    def take(self, day: int, nano: int, limits: Mapping[str, int]) -> str:
        """Take a sum from every account, or from none.

        Returns:
            The first account whose limit would be passed; empty if the sum was taken.
        """
        ...

    def put_back(self, day: int, nano: int, accounts: Mapping[str, int]) -> None:
        """Give a sum back to every account; a negative one is taken, whatever the limit."""
        ...

    def spent(self, day: int, account: str) -> int:
        """Return what was taken so far."""
        ...


class MemoryPurse:
    """A purse that forgets when the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: dict[tuple[int, str], int] = {}

    def take(self, day: int, nano: int, limits: Mapping[str, int]) -> str:
        """Take a sum from every account, or from none."""
        with self._lock:
            for account, limit in limits.items():
                if self._spent.get((day, account), 0) + nano > limit:
                    return account
            self._add(day, nano, limits)
            return ""

    def put_back(self, day: int, nano: int, accounts: Mapping[str, int]) -> None:
        """Give a sum back to every account."""
        with self._lock:
            self._add(day, -nano, accounts)

    def spent(self, day: int, account: str) -> int:
        """Return what was taken so far."""
        with self._lock:
            return self._spent.get((day, account), 0)

    def _add(self, day: int, nano: int, accounts: Mapping[str, int]) -> None:
        for account in accounts:
            self._spent[day, account] = self._spent.get((day, account), 0) + nano


_: Callable[..., Purse] = MemoryPurse


def nano(usd: Decimal) -> int:
    """Return a sum in nano-dollars, rounded up."""
    return int((usd * _NANO).to_integral_value(ROUND_UP))


class Spending:
    """Reserves what a call may cost before it is made, and settles what it did cost after.

    A process that is killed in between has spent the reservation: the limit errs on the safe
    side. Every hop of the ladder reserves anew.

    Args:
        inner: The model.
        price: Of its tokens; a model without one cannot be limited, and fails.
        purse: What the limits are counted in.
        limits: Nano-dollars a day, by account: the model's own, and all models'.
        clock: For the day.
    """

    def __init__(
        self,
        inner: ChatModel,
        price: Price,
        purse: Purse,
        limits: Mapping[str, int],
        clock: Clock,
    ) -> None:
        self.name = inner.name
        self._inner = inner
        self._price = price
        self._purse = purse
        self._limits = dict(limits)
        self._clock = clock

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply, if it can be paid.

        Raises:
            ModelFailed: ``budget``, and what the model inside raises.
            Cancelled: `cancel` was called.
        """
        cancel.check()
        day = self._clock.now_ms() // _DAY_MS
        tokens_in = prompt_tokens(call)
        reserved = self._cost(tokens_in, call.sampling.tokens_max or _TOKENS_OUT)
        self._reserve(day, reserved)
        # A call that never came to its first token costs nothing, unless it was given up.
        cost, heard = 0, 0
        try:
            with closing(self._inner.stream(call, cancel)) as inner:
                for item in inner:
                    if isinstance(item, Finished):
                        cost = self._settled(item)
                    else:
                        heard += tokens_of(item.text)
                        cost = self._cost(tokens_in, heard)
                    yield item
        except ModelFailed as failed:
            if failed.kind is StepReason.TIMEOUT:
                cost = max(cost, self._cost(tokens_in, heard))
            raise
        finally:
            if cancel.cancelled:
                cost = max(cost, self._cost(tokens_in, heard))
            # What cannot be put back stays spent: the limit errs on the safe side.
            with suppress(StorageFailure):
                self._purse.put_back(day, reserved - cost, self._limits)

    def close(self) -> None:
        """Close the model."""
        self._inner.close()

    def _reserve(self, day: int, sum_: int) -> None:
        try:
            account = self._purse.take(day, sum_, self._limits)
        except StorageFailure as error:
            raise ModelFailed(
                f"what {self.name} has cost today cannot be counted: {error.message}",
                hint=error.hint,
                kind=StepReason.BUDGET,
            ) from error
        if account:
            whose = "all models" if account == ALL else self.name
            raise ModelFailed(
                f"the spend limit of {whose} for today would be passed",
                hint="a new day begins at midnight UTC; the limits are spending.usd_day_max and "
                f"models.{self.name}.spend_usd_day_max",
                kind=StepReason.BUDGET,
            )

    def _settled(self, end: Finished) -> int:
        if end.usage.cost_usd is not None:
            return nano(end.usage.cost_usd)
        return self._cost(end.usage.tokens_in, end.usage.tokens_out)

    def _cost(self, tokens_in: int, tokens_out: int) -> int:
        usd = self._price(tokens_in, tokens_out)
        if usd is None:
            raise ModelFailed(
                f"{self.name} has a spend limit and no price",
                hint=f"set usd_per_million_in and usd_per_million_out of models.{self.name}",
                kind=StepReason.BUDGET,
            )
        return nano(usd)


_2: Callable[..., ChatModel] = Spending
