"""Bets: the published numbers, the bound that peeking keeps, and the tails of SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats  # type: ignore[import-untyped]

from answerable.releases.betting import (
    Bet,
    log_excess,
    log_uneven,
    no_worse_than,
    played,
    worse_than,
)

DIFFERENCES = st.lists(st.floats(-1, 1), max_size=60)


def after(bet: Bet, *differences: float) -> Bet:
    """Return a bet after these differences."""
    for one in differences:
        bet = played(bet, one)
    return bet


def test_the_published_numbers() -> None:
    """Those of `reference/statistics.md`, 3.4."""
    worse = after(worse_than(), *(float(i % 3 == 0) for i in range(40)))
    assert worse.log_e == pytest.approx(6.2778, abs=5e-5)
    assert worse.has_won(0.01)
    no_worse = after(no_worse_than(0.05), *[0.0] * 200)
    assert no_worse.log_e == pytest.approx(6.2033, abs=5e-5)
    assert no_worse.has_won(0.05)


@given(DIFFERENCES, st.floats(-0.5, 0.5))
def test_a_bet_is_the_mean_of_its_products(differences: list[float], line: float) -> None:
    """Whichever way: no factor is negative, and logarithms lose nothing."""
    stakes = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8])
    seen = np.array(differences)[:, None]
    for bet, factors in (
        (worse_than(line), 1 + stakes / (1 + line) * (seen - line)),
        (no_worse_than(line), 1 - stakes / (1 - line) * (seen - line)),
    ):
        assert (factors >= 0).all()
        expected = factors.prod(axis=0).mean()
        assert math.exp(after(bet, *differences).log_e) == pytest.approx(expected, rel=1e-9)


@given(DIFFERENCES)
def test_what_was_won_stays_won(differences: list[float]) -> None:
    """The best counts, so that a decision does not depend on when somebody looks."""
    bet, best = worse_than(), 0.0
    for one in differences:
        bet = played(bet, one)
        best = max(best, bet.log_e)
        assert bet.best == pytest.approx(best)
        assert 0 < bet.p <= 1


def test_a_difference_that_is_none() -> None:
    """It would make capital negative."""
    with pytest.raises(ValueError, match="lies in"):
        played(worse_than(), -1.01)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.005, 0.6))
def test_excess_is_that_of_the_incomplete_beta(bad: int, good: int, allowed: float) -> None:
    """The formula of `reference/statistics.md` with SciPy's functions."""
    kept = stats.beta.logsf(allowed, 1 + bad, 1 + good)
    expected = (
        special.betaln(1 + bad, 1 + good)
        + kept
        - math.log1p(-allowed)
        - bad * math.log(allowed)
        - good * math.log1p(-allowed)
    )
    assert log_excess(bad, good, allowed=allowed) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_nothing_seen_is_no_evidence() -> None:
    """Neither way."""
    assert log_excess(0, 0, allowed=0.05) == pytest.approx(0)
    assert log_uneven(0, 0, share=0.1) == pytest.approx(0)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.01, 0.99))
def test_an_uneven_split_is_a_mixture(count: int, rest: int, share: float) -> None:
    """Of binomials over their chance."""
    mixture = special.betaln(1 + count, 1 + rest)
    plain = count * math.log(share) + rest * math.log1p(-share)
    assert log_uneven(count, count + rest, share=share) == pytest.approx(mixture - plain, abs=1e-8)


def alarms(rate: float, *, runs: int, answers: int, allowed: float) -> float:
    """Return the share of runs in which the evidence ever reaches 100."""
    rng = np.random.default_rng(20_261_201)
    found = 0
    for _ in range(runs):
        bad = np.cumsum(rng.random(answers) < rate)
        found += any(
            log_excess(int(bad[n]), n + 1 - int(bad[n]), allowed=allowed) >= math.log(100)
            for n in range(0, answers, 5)
        )
    return found / runs


def test_a_promise_that_is_kept_raises_no_alarm() -> None:
    """At the promised share itself, looked at again and again; and a broken one does."""
    assert alarms(0.05, runs=300, answers=600, allowed=0.05) <= 0.03
    assert alarms(0.25, runs=60, answers=200, allowed=0.05) >= 0.95


def test_a_fair_split_raises_no_alarm() -> None:
    """Though it is looked at after every visitor, which a chi-squared test does not survive."""
    rng = np.random.default_rng(20_261_202)
    cried = naive = 0
    for _ in range(200):
        ours = np.cumsum(rng.random(1_500) < 0.1)
        cried += any(
            log_uneven(int(ours[n]), n + 1, share=0.1) >= math.log(1_000)
            for n in range(0, 1_500, 10)
        )
        seen = np.arange(1, 1_501)
        chi = (ours - seen * 0.1) ** 2 / (seen * 0.09)
        naive += bool((chi[100:] > stats.chi2.isf(0.001, 1)).any())
    assert cried <= 1
    assert naive > cried
    assert log_uneven(300, 2_000, share=0.1) > math.log(1_000)
