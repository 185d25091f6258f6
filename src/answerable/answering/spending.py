"""What a call of a model took, also when it did not come to its end."""

from __future__ import annotations

from answerable.answering.ports import Finished, ModelCall
from answerable.domain.questions import ModelUse

_CHARS_A_TOKEN = 4
METHOD = f"characters/{_CHARS_A_TOKEN}"


def used(
    model: str,
    purpose: str,
    call: ModelCall,
    draft: str,
    finished: Finished | None,
    first_token_ms: float | None,
    took_ms: float,
    ended: str,
) -> ModelUse:
    """Return the record of one call.

    A call that was cut off has no usage of the provider; its tokens are estimated as a fourth
    of the code points, and it is unpriced.
    """
    usage = finished.usage if finished else None
    asked = sum(len(message.text) for message in call.messages)
    cost = usage.cost_usd if usage else None
    return ModelUse(
        model=model,
        purpose=purpose,
        tokens_in=usage.tokens_in if usage else -(-asked // _CHARS_A_TOKEN),
        tokens_out=usage.tokens_out if usage else -(-len(draft) // _CHARS_A_TOKEN),
        is_estimated=usage.is_estimated if usage else True,
        method=usage.method if usage else METHOD,
        cost_usd=None if cost is None else str(cost),
        first_token_ms=first_token_ms,
        took_ms=took_ms,
        ended=ended,
    )
