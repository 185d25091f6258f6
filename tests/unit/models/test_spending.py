"""Prices, and limits of what a day may cost."""

from __future__ import annotations

import threading
from contextlib import closing
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrapped import CALL, end, failure, said

from answerable.adapters.models.memory import Reply, ScriptedModel, Told
from answerable.adapters.models.priced import Priced, fixed, listed, unpriced
from answerable.adapters.models.spending import MemoryPurse, Spending, nano
from answerable.adapters.models.tokens import METHOD, counted, prompt_tokens, tokens_of
from answerable.answering.ports import Usage
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import ModelFailed
from answerable.domain.questions import StepReason
from models_fakes import FakeClock

# A dollar for a thousand tokens, of either kind.
PRICE = fixed(Decimal(1000), Decimal(1000))
MILLI = 1_000_000
PROMPT = prompt_tokens(CALL)
RESERVED = PROMPT + 100
DAY = FakeClock().now_ms() // 86_400_000


def spending(
    *replies: Reply | Told, limit: int = RESERVED, purse: MemoryPurse | None = None
) -> tuple[Spending, MemoryPurse]:
    """Return a model that may spend so many tokens' worth today."""
    purse = purse or MemoryPurse()
    inner = Priced(ScriptedModel(*replies, usage=Usage(tokens_in=5, tokens_out=7)), PRICE)
    limits = {"scripted": limit * MILLI, "": 10**6 * MILLI}
    return Spending(inner, PRICE, purse, limits, FakeClock()), purse


def test_a_reply_says_what_it_cost() -> None:
    """By configured prices, exactly."""
    model = Priced(
        ScriptedModel("a", usage=Usage(tokens_in=3, tokens_out=7)),
        fixed(Decimal("0.15"), Decimal("0.60")),
    )
    assert end(model).usage.cost_usd == Decimal("0.00000465")


def test_what_nobody_priced_is_not_free() -> None:
    """It has no cost, not a cost of 0."""
    assert end(Priced(ScriptedModel("a"), unpriced)).usage.cost_usd is None
    assert listed("openai", "a-model-nobody-has")(5, 7) is None


def test_published_prices_are_known_offline() -> None:
    """More tokens cost more."""
    price = listed("openai", "gpt-4o-mini")
    one, two = price(1_000, 1_000), price(2_000, 2_000)
    assert one is not None
    assert two == 2 * one > 0


def test_only_what_it_cost_is_spent() -> None:
    """The reservation goes back."""
    model, purse = spending("a b c")
    assert said(model) == "a b c"
    assert purse.spent(DAY, "scripted") == purse.spent(DAY, "") == 12 * MILLI


def test_what_may_pass_the_limit_is_not_begun() -> None:
    """As budget, and the provider hears nothing."""
    model, purse = spending("never", limit=RESERVED - 1)
    with pytest.raises(ModelFailed, match="spend limit of scripted") as caught:
        said(model)
    assert caught.value.kind is StepReason.BUDGET
    assert purse.spent(DAY, "scripted") == 0


def test_an_open_call_holds_its_reservation() -> None:
    """Two calls at once cannot spend what is left for one."""
    model, _ = spending("a b c")
    with closing(model.stream(CALL, Cancel())) as stream:
        next(stream)
        with pytest.raises(ModelFailed):
            said(model)


def test_each_day_has_its_own_limit() -> None:
    """Days are those of UTC."""
    clock = FakeClock()
    purse = MemoryPurse()
    inner = Priced(ScriptedModel("a", usage=Usage(tokens_in=5, tokens_out=100)), PRICE)
    model = Spending(inner, PRICE, purse, {"scripted": RESERVED * MILLI}, clock)
    said(model)
    with pytest.raises(ModelFailed):
        said(model)
    clock.ms += 86_400_000
    said(model)


def test_a_call_that_was_refused_costs_nothing() -> None:
    """No token came, and none was bought."""
    model, purse = spending(failure())
    with pytest.raises(ModelFailed):
        said(model)
    assert purse.spent(DAY, "scripted") == 0


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        (Told(deltas=("word",), failure=failure()), "word"),
        (Told(deltas=(), failure=failure(StepReason.TIMEOUT)), ""),
    ],
)
def test_a_call_that_was_cut_off_costs_what_was_heard(told: Told, heard: str) -> None:
    """And its prompt: the provider has read that."""
    model, purse = spending(told)
    with pytest.raises(ModelFailed):
        said(model)
    assert purse.spent(DAY, "scripted") == (PROMPT + tokens_of(heard)) * MILLI


def test_a_call_that_is_left_costs_what_was_heard() -> None:
    """Closed or cancelled."""
    model, purse = spending("word word", limit=10**6)
    with closing(model.stream(CALL, Cancel())) as stream:
        next(stream)
    one = purse.spent(DAY, "scripted")
    assert one == (PROMPT + tokens_of("word")) * MILLI
    cancel = Cancel()
    stream = model.stream(CALL, cancel)
    next(stream)
    cancel.cancel("disconnect")
    with pytest.raises(Cancelled):
        next(stream)
    assert purse.spent(DAY, "scripted") == 2 * one


def test_a_limit_without_a_price_is_refused() -> None:
    """It could not be kept."""
    model = Spending(ScriptedModel("a"), unpriced, MemoryPurse(), {"scripted": 1}, FakeClock())
    with pytest.raises(ModelFailed, match="no price") as caught:
        said(model)
    assert caught.value.kind is StepReason.BUDGET


def test_all_accounts_or_none() -> None:
    """A sum that one cannot bear is taken from none."""
    purse = MemoryPurse()
    assert purse.take(1, 5, {"a": 10, "b": 4}) == "b"
    assert purse.spent(1, "a") == 0


def test_a_crowd_does_not_pass_the_limit() -> None:
    """Whoever is first has it."""
    purse = MemoryPurse()
    taken: list[str] = []

    def take() -> None:
        taken.extend(purse.take(1, 3, {"a": 100}) for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count("") == 33
    assert purse.spent(1, "a") == 99


@given(st.text(), st.text())
def test_estimates_have_laws(one: str, other: str) -> None:
    """Something has at least one token; longer texts have no fewer, and joining costs no more."""
    assert (tokens_of(one) > 0) == bool(one)
    assert tokens_of(one) <= tokens_of(one + other) <= tokens_of(one) + tokens_of(other)


@pytest.mark.parametrize(("tokens_in", "tokens_out"), [(None, None), (0, 0), (0, 7), (5, None)])
def test_no_usage_is_unknown_usage(tokens_in: int | None, tokens_out: int | None) -> None:
    """It is estimated, and says so; what was counted stays."""
    usage = counted(tokens_in, tokens_out, CALL, "a reply")
    assert (usage.is_estimated, usage.method) == (True, METHOD)
    assert usage.tokens_in == (tokens_in or PROMPT)
    assert usage.tokens_out == (tokens_out or tokens_of("a reply"))


def test_money_is_rounded_up() -> None:
    """A limit errs on the safe side."""
    assert nano(Decimal("0.0000000001")) == 1
