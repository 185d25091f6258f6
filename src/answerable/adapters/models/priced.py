"""A model whose replies say what they cost."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel

# Of so many tokens in and out, in US dollars; None where the price is not known.
Price = Callable[[int, int], Decimal | None]

_MILLION = 1_000_000


def fixed(usd_per_million_in: Decimal, usd_per_million_out: Decimal) -> Price:
    """Return a price from the settings."""

    def price(tokens_in: int, tokens_out: int) -> Decimal | None:
        return (tokens_in * usd_per_million_in + tokens_out * usd_per_million_out) / _MILLION

    return price


def listed(provider: str, model: str) -> Price:
    """Return the published price of a hosted model, from the data genai-prices ships with.

    Nothing is fetched. A model it does not know is unpriced.
    """

    def price(tokens_in: int, tokens_out: int) -> Decimal | None:
        # Here, because importing its data takes a third of a second.
        from genai_prices import Usage, calc_price  # noqa: PLC0415

        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        try:
            return calc_price(usage, model, provider_id=provider).total_price
        except LookupError:
            return None

    return price


def unpriced(_tokens_in: int, _tokens_out: int) -> None:
    """Return that nobody knows the price, which is not that it is free."""


class Priced:
    """Adds the cost to the end of each reply.

    Args:
        inner: The model.
        price: Of its tokens.
    """

    def __init__(self, inner: ChatModel, price: Price) -> None:
        self.name = inner.name
        self._inner = inner
        self._price = price

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply, with its cost.

        Raises:
            ModelFailed, Cancelled: As the model inside.
        """
        with closing(self._inner.stream(call, cancel)) as inner:
            for item in inner:
                yield self._with_cost(item) if isinstance(item, Finished) else item

    def close(self) -> None:
        """Close the model."""
        self._inner.close()

    def _with_cost(self, end: Finished) -> Finished:
        cost_usd = self._price(end.usage.tokens_in, end.usage.tokens_out)
        return replace(end, usage=replace(end.usage, cost_usd=cost_usd))


_: Callable[..., ChatModel] = Priced
