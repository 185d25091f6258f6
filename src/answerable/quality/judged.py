"""What a share is worth that a judge found, and people found the judge to be wrong at times.

A judge that calls one good answer in ten bad shows ten percent where there is nothing. So a
judged share is never shown as it is: it is corrected by how the judge does on answers that
people labelled, and its interval is as wide as both together make it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from answerable.domain.errors import NotReady
from answerable.quality.grades import Grade
from answerable.quality.metrics import share, wilson

INFORMED_MIN = 0.2
"""Sensitivity and specificity together, less 1: below it a judge is close to guessing."""

_FEWEST = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """How a judge's verdicts agree with people's, over the answers both decided.

    Attributes:
        bad_bad: Bad by people, and by the judge.
        bad_good: Bad by people, missed by the judge.
        good_good: Good by people, and by the judge.
        good_bad: Good by people, and called bad.
        undecided: How many the judge, or people, did not decide.
    """

    bad_bad: int
    bad_good: int
    good_good: int
    good_bad: int
    undecided: int = 0

    @property
    def n(self) -> int:
        """How many both decided."""
        return self.bad_bad + self.bad_good + self.good_good + self.good_bad

    @property
    def sensitivity(self) -> float | None:
        """Share of the bad ones that the judge calls bad; None without bad ones."""
        return share(self.bad_bad, self.bad_bad + self.bad_good)

    @property
    def specificity(self) -> float | None:
        """Share of the good ones that the judge calls good; None without good ones."""
        return share(self.good_good, self.good_good + self.good_bad)

    @property
    def sensitivity_interval(self) -> tuple[float, float] | None:
        """Wilson, 95 %."""
        return wilson(self.bad_bad, self.bad_bad + self.bad_good)

    @property
    def specificity_interval(self) -> tuple[float, float] | None:
        """Wilson, 95 %."""
        return wilson(self.good_good, self.good_good + self.good_bad)

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance, in [-1, 1]; None where only one verdict was ever given.

        Source: Cohen, "A coefficient of agreement for nominal scales", 1960.
        """
        n = self.n
        if not n:
            return None
        people, judge = self.bad_bad + self.bad_good, self.bad_bad + self.good_bad
        by_chance = (people * judge + (n - people) * (n - judge)) / n**2
        if by_chance >= 1:
            return None
        return ((self.bad_bad + self.good_good) / n - by_chance) / (1 - by_chance)


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """A share of bad answers with the judge's mistakes taken out.

    Attributes:
        value: In [0, 1].
        low, high: The interval that holds the true share, in [0, 1].
        raw: What the judge said.
    """

    value: float
    low: float
    high: float
    raw: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What undecided answers can make of a share of bad ones.

    Attributes:
        low: If all of them are good.
        high: If all of them are bad.
    """

    low: float
    high: float


def confusion(people: Sequence[Grade], judge: Sequence[Grade]) -> Confusion:
    """Return how two verdicts on the same answers agree, in the same order."""
    both = list(zip(people, judge, strict=True))
    counts = {
        (theirs, ours): both.count((theirs, ours))
        for theirs in (Grade.BAD, Grade.GOOD)
        for ours in (Grade.BAD, Grade.GOOD)
    }
    return Confusion(
        bad_bad=counts[Grade.BAD, Grade.BAD],
        bad_good=counts[Grade.BAD, Grade.GOOD],
        good_good=counts[Grade.GOOD, Grade.GOOD],
        good_bad=counts[Grade.GOOD, Grade.BAD],
        undecided=sum(Grade.UNDECIDED in one for one in both),
    )


def informed(found: Confusion) -> tuple[float, float]:
    """Return sensitivity and specificity of a judge that says more than chance does.

    Raises:
        NotReady: It does not, or nobody can tell.
    """
    sensitivity, specificity = found.sensitivity, found.specificity
    if sensitivity is None or specificity is None:
        lacking = "bad" if sensitivity is None else "good"
        raise NotReady(
            f"people labelled no {lacking} answer, so nobody knows how often the judge is wrong",
            hint="label answers of both kinds",
        )
    if sensitivity + specificity - 1 < INFORMED_MIN:
        raise NotReady(
            f"the judge is hardly better than chance: it finds {sensitivity:.0%} of the bad "
            f"answers and passes {specificity:.0%} of the good ones",
            hint="use another judge, or improve its prompt, and label again",
        )
    return sensitivity, specificity


def rogan_gladen(bad: int, of: int, found: Confusion, *, level: float = 0.95) -> Corrected:
    """Return the true share of bad answers, from what a judge says and how often it is wrong.

    Args:
        bad: How many the judge calls bad.
        of: Of how many, above 0.
        found: How it did on labelled answers that were drawn like these.
        level: Of the interval, two-sided.

    Raises:
        NotReady: As `informed`.

    Source: Rogan, Gladen, "Estimating prevalence from the results of a screening test", 1978.
    """
    q1, q0 = informed(found)
    raw = bad / of
    apart = q0 + q1 - 1
    value = min(1.0, max(0.0, (raw + q0 - 1) / apart))
    spread = (
        raw * (1 - raw) / of
        + (1 - value) ** 2 * q0 * (1 - q0) / (found.good_good + found.good_bad)
        + value**2 * q1 * (1 - q1) / (found.bad_bad + found.bad_good)
    ) / apart**2
    return _within(value, spread, raw=raw, level=level)


def prediction_powered(
    judged: Sequence[float],
    labelled: Sequence[tuple[float, float]],
    *,
    level: float = 0.95,
) -> Corrected:
    """Return the true mean badness, from many judged answers and a few that people saw too.

    Args:
        judged: What the judge says of answers nobody else saw, in [0, 1], shape (N,), N > 1.
        labelled: What people and the judge say of some others, shape (n, 2), n > 1.
        level: Of the interval, two-sided.

    Raises:
        NotReady: There are fewer than two of either.

    Source: Angelopoulos et al., "Prediction-powered inference", Science 2023, for means.
    """
    if min(len(judged), len(labelled)) < _FEWEST:
        raise NotReady("too few answers were labelled", hint="label at least two, better 200")
    off = [people - judge for people, judge in labelled]
    raw = fmean(judged)
    spread = variance(judged) / len(judged) + variance(off) / len(off)
    return _within(min(1.0, max(0.0, raw + fmean(off))), spread, raw=raw, level=level)


def weighted(grades: Sequence[tuple[Grade, float]]) -> Bounds | None:
    """Return the share of bad answers of a sample that was drawn by risk.

    Args:
        grades: Of each sampled answer the grade, and how likely it was to be drawn, in (0, 1].

    Returns:
        The share with undecided ones taken for good, and for bad; None without answers.

    Source: Hajek, "Comment on an essay by D. Basu", 1971: weights of 1 / probability.
    """
    whole = sum(1 / drawn for _, drawn in grades)
    if not whole:
        return None
    bad = sum(1 / drawn for grade, drawn in grades if grade is Grade.BAD)
    open_ones = sum(1 / drawn for grade, drawn in grades if grade is Grade.UNDECIDED)
    return Bounds(low=bad / whole, high=(bad + open_ones) / whole)


def _within(value: float, spread: float, *, raw: float, level: float) -> Corrected:
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(spread)
    return Corrected(value=value, low=max(0.0, value - half), high=min(1.0, value + half), raw=raw)
