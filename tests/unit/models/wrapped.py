"""What the tests of the wrappers share."""

from __future__ import annotations

from dataclasses import replace

from answerable.answering.ports import ChatModel, Delta, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from answerable.domain.releases import Sampling, TimeLimits

CALL = ModelCall(
    messages=(Message(role="user", text="Which port?"),),
    sampling=Sampling(tokens_max=100),
    limits=TimeLimits(first_token_ms=10_000, between_tokens_ms=1_000, whole_ms=60_000),
)


def failure(
    kind: StepReason = StepReason.OUTAGE, *, is_passing: bool = True, retry_after_s: float = 0.0
) -> ModelFailed:
    """Return a failure of a provider."""
    return ModelFailed(
        "down", hint="wait", kind=kind, is_passing=is_passing, retry_after_s=retry_after_s
    )


def said(model: ChatModel, call: ModelCall = CALL) -> str:
    """Return a whole reply."""
    return "".join(one.text for one in model.stream(call, Cancel()) if isinstance(one, Delta))


def end(model: ChatModel, call: ModelCall = CALL) -> Finished:
    """Return how a reply ended."""
    *_, last = model.stream(call, Cancel())
    assert isinstance(last, Finished)
    return last


def within(**limits: int) -> ModelCall:
    """Return the call with other time limits."""
    return replace(CALL, limits=replace(CALL.limits, **limits))
