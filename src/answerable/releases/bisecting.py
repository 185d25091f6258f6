"""Which of many releases made answers worse, although the same release is not always right.

A plain bisection asks each release it looks at so often that it is nearly sure, and one mistake
early sends it to the wrong half. Here every answer moves a probability over all releases, and
the next release asked is the one that halves it: sure where it matters, cheap elsewhere.

Source: Henderson et al., "Flake Aware Culprit Finding", ICST 2023; Burnashev, Zigangirov, "An
interval estimation problem for controlled observations", 1974.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SURE = 0.95
"""Probability of one culprit at which the search ends."""

_LEAST, _MOST = 0.005, 0.995


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """How often an answer is bad before the culprit and from it on.

    Attributes:
        before: In (0, 1).
        after: Above `before`, below 1.
    """

    before: float
    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What is known about which release it was.

    Attributes:
        rates: Estimated at both ends.
        logs: Of the probability of each candidate, shape (candidates,), in order; normalised.
    """

    rates: Rates
    logs: tuple[float, ...]

    @property
    def posterior(self) -> tuple[float, ...]:
        """The probability of each candidate."""
        return tuple(math.exp(one) for one in self.logs)

    @property
    def likeliest(self) -> int:
        """The place of the candidate with the highest probability."""
        return max(range(len(self.logs)), key=self.logs.__getitem__)

    @property
    def is_over(self) -> bool:
        """Whether one candidate is `SURE`."""
        return max(self.logs) >= math.log(SURE)


def rates(good: tuple[int, int], bad: tuple[int, int]) -> Rates | None:
    """Return the rates that the ends of a history show; None when the bad end is no worse.

    Half an answer is added to either side, so that none of twenty is not taken for never.

    Args:
        good: Bad answers of the release that was good, and of how many.
        bad: The same of the release that is bad.
    """
    before, after = ((count + 0.5) / (of + 1) for count, of in (good, bad))
    if after <= before or good[1] == 0 or bad[1] == 0:
        return None
    return Rates(before=max(_LEAST, before), after=min(_MOST, after))


def begun(found: Rates, weights: Sequence[float]) -> Search:
    """Return a search in which nothing has been asked.

    Args:
        found: The rates at the ends.
        weights: Of each candidate before anything is known, above 0: the size of its change.

    Raises:
        ValueError: There is no candidate, or a weight is not above 0.
    """
    if not weights or min(weights) <= 0:
        raise ValueError("a search needs candidates, each with a weight above 0")
    return Search(rates=found, logs=_normalised([math.log(one) for one in weights]))


def next_place(search: Search) -> int:
    """Return the place of the candidate to ask: half of what is likely lies at or before it."""
    total, best, place = 0.0, math.inf, 0
    for at, share in enumerate(search.posterior):
        total += share
        if (off := abs(total - 0.5)) < best:
            best, place = off, at
    return place


def learned(search: Search, place: int, *, bad: int, of: int) -> Search:
    """Return a search after a candidate was asked.

    Args:
        search: So far.
        place: Of the candidate.
        bad: How many of its answers were bad.
        of: Of how many.
    """
    before = _log_likelihood(search.rates.before, bad, of)
    after = _log_likelihood(search.rates.after, bad, of)
    return Search(
        rates=search.rates,
        logs=_normalised(
            [have + (after if at <= place else before) for at, have in enumerate(search.logs)]
        ),
    )


def _log_likelihood(rate: float, bad: int, of: int) -> float:
    return bad * math.log(rate) + (of - bad) * math.log1p(-rate)


def _normalised(logs: Sequence[float]) -> tuple[float, ...]:
    most = max(logs)
    whole = most + math.log(math.fsum(math.exp(one - most) for one in logs))
    return tuple(one - whole for one in logs)
