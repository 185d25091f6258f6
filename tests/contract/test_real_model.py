"""One real server: llama.cpp, or any other that speaks OpenAI's protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from answerable.adapters.models.local import list_models
from answerable.adapters.models.openai import OpenAiChatConfig, OpenAiModel
from answerable.answering.ports import Delta, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.releases import Sampling, TimeLimits

URL = os.environ.get("ANSWERABLE_REAL_MODEL", "")

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(not URL, reason="ANSWERABLE_REAL_MODEL names no server, up to and with /v1"),
]

CALL = ModelCall(
    messages=(Message(role="user", text="Write the numbers from one to twenty as words."),),
    sampling=Sampling(tokens_max=60),
    limits=TimeLimits(first_token_ms=120_000, between_tokens_ms=60_000, whole_ms=300_000),
)


@pytest.fixture
def model() -> Iterator[OpenAiModel]:
    """The first model that server has."""
    listed = list_models(URL)
    assert listed, f"{URL} has no models"
    config = OpenAiChatConfig(name="real", base_url=URL, model=listed[0])
    with closing(OpenAiModel(config)) as made:
        yield made


def test_it_says_something_and_ends(model: OpenAiModel) -> None:
    """What it says is its own affair; usage is counted, or estimated and marked."""
    *deltas, end = model.stream(CALL, Cancel())
    assert len(deltas) > 1
    assert isinstance(end, Finished)
    assert end.reason in {"stop", "length"}
    assert min(end.usage.tokens_in, end.usage.tokens_out) > 0


def test_it_can_be_left_and_asked_again(model: OpenAiModel) -> None:
    """After its first words, and cancelled."""
    with closing(model.stream(CALL, Cancel())) as stream:
        assert isinstance(next(stream), Delta)
    cancel = Cancel()
    stream = model.stream(CALL, cancel)
    next(stream)
    cancel.cancel("disconnect")
    with pytest.raises(Cancelled):
        next(stream)
    assert isinstance(list(model.stream(CALL, Cancel()))[-1], Finished)
