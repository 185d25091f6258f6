"""Tests that may be looked at after every answer: betting against a hypothesis.

Whoever looks at an ordinary test again and again stops a good release three times in ten. Here a
hypothesis is bet against, at fair odds if it is true: however long one plays, the capital reaches
1 / alpha with probability alpha at most. So it may be read after every answer, and the first
time it stands above the line decides.

Source: Waudby-Smith, Ramdas, "Estimating means of bounded random variables by betting", JRSS B
2024; Ville, 1939, for the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from operator import add

STAKES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)
"""Shares of the capital that are bet at a time: each is played on its own, and the mean counts."""

_GAMES = len(STAKES)
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True, kw_only=True, slots=True)
class Bet:
    """One test, as far as it has been played: all that has to survive a restart.

    Attributes:
        line: The mean under the hypothesis, in (-1, 1).
        is_above: Whether the bet is that the mean is above the line; else, below.
        capitals: The logarithm of what each of `STAKES` has become.
        n: How many differences were seen.
        best: The highest logarithm of the capital so far; never below 0.
    """

    line: float
    is_above: bool
    capitals: tuple[float, ...] = (0.0,) * len(STAKES)
    n: int = 0
    best: float = 0.0

    @property
    def log_e(self) -> float:
        """The logarithm of the capital: the evidence against the hypothesis, now."""
        most = max(self.capitals)
        return most + math.log(sum([math.exp(one - most) for one in self.capitals]) / _GAMES)

    @property
    def p(self) -> float:
        """A p-value that holds at any time, from the best that was seen."""
        return math.exp(-self.best)

    def has_won(self, alpha: float) -> bool:
        """Return whether the hypothesis has been rejected, at any time since the beginning."""
        return self.best >= -math.log(alpha)


def worse_than(line: float = 0.0) -> Bet:
    """Return a bet that differences are above `line` in the mean: a release is worse by more."""
    return Bet(line=line, is_above=True)


def no_worse_than(margin: float) -> Bet:
    """Return a bet that differences are below `margin` in the mean: a release is not so bad."""
    return Bet(line=margin, is_above=False)


def played(bet: Bet, difference: float) -> Bet:
    """Return a bet after one more difference.

    Args:
        bet: So far.
        difference: Bad in the candidate less bad in the baseline, in [-1, 1].

    Raises:
        ValueError: It lies outside.
    """
    if not -1 <= difference <= 1:
        raise ValueError(f"a difference of two shares lies in [-1, 1], not {difference}")
    # At most so much is lost at a time that the capital of the boldest stake stays positive.
    if bet.is_above:
        gain = (difference - bet.line) / (1 + bet.line)
    else:
        gain = (bet.line - difference) / (1 - bet.line)
    after = Bet(
        line=bet.line,
        is_above=bet.is_above,
        capitals=tuple(map(add, bet.capitals, _growth(gain))),
        n=bet.n + 1,
        best=bet.best,
    )
    if (log_e := after.log_e) > bet.best:
        object.__setattr__(after, "best", log_e)
    return after


@lru_cache(maxsize=4_096)
def _growth(gain: float) -> tuple[float, ...]:
    """Return what each capital grows by, in logarithms; most differences come again and again."""
    return tuple([math.log1p(stake * gain) for stake in STAKES])


def log_excess(bad: int, good: int, *, allowed: float) -> float:
    """Return the logarithm of the evidence that more than `allowed` of all answers are bad.

    An e-process for a share against a promise, with a uniform prior on ``(allowed, 1]``: valid
    whatever the true share up to `allowed` is, and at any time. To be begun anew with each release.

    Args:
        bad: How many bad answers there were so far.
        good: How many others.
        allowed: In (0, 1).

    Returns:
        ``ln B(1 + bad, 1 + good) + ln P(Beta(1 + bad, 1 + good) > allowed)
        - ln(1 - allowed) - bad ln(allowed) - good ln(1 - allowed)``.

    Source: Robbins, "Statistical methods related to the law of the iterated logarithm", 1970,
    for the mixture; the tail by Abramowitz, Stegun 26.5.24.
    """
    n = bad + good
    beta = math.lgamma(1 + bad) + math.lgamma(1 + good) - math.lgamma(2 + n)
    kept = _log_at_most(bad, n + 1, allowed)
    return beta + kept - (bad * math.log(allowed) + (good + 1) * math.log1p(-allowed))


def log_uneven(count: int, of: int, *, share: float) -> float:
    """Return the logarithm of the evidence that not `share` of all are of one kind.

    An e-process too, with a uniform prior on (0, 1): where a chi-squared test that is looked at
    after every visitor cries wolf sooner or later, this one may be.

    Args:
        count: How many are of that kind.
        of: Of how many.
        share: In (0, 1).

    Source: Lindon, Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022.
    """
    rest = of - count
    beta = math.lgamma(1 + count) + math.lgamma(1 + rest) - math.lgamma(2 + of)
    return beta - count * math.log(share) - rest * math.log1p(-share)


def _log_at_most(k: int, n: int, p: float) -> float:
    """Return ln P(X <= k) for X of Binomial(n, p), 0 <= k < n: the shorter tail is summed."""
    odds = p / (1 - p)
    if k < n * p:
        return _log_term(k, n, p) + math.log(_falling(k, n, 1 / odds, down=True))
    over = math.exp(_log_term(k + 1, n, p)) * _falling(k + 1, n, odds, down=False)
    return math.log1p(-min(over, 1 - _NEGLIGIBLE))


def _log_term(k: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + k * math.log(p) + (n - k) * math.log1p(-p)


def _falling(k: int, n: int, odds: float, *, down: bool) -> float:
    """Return the terms from `k` outwards, as multiples of the one at `k`, added up."""
    total = term = 1.0
    while term > _NEGLIGIBLE * total and (k > 0 if down else k < n):
        term *= odds * (k / (n - k + 1) if down else (n - k) / (k + 1))
        total += term
        k += -1 if down else 1
    return total
