"""Two releases asked the same questions: which is better, and whether enough is known to say so.

A question that both get right, or both wrong, says nothing about which is better; the others,
the *discordant* ones, decide. Undecided answers are kept apart, and a verdict is given only when
it holds whatever they would have been.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist, fmean, stdev

import numpy as np

from answerable.quality.grades import Grade
from answerable.quality.intervals import cluster_bootstrap, two_sided
from answerable.quality.metrics import wilson

DISCORDANT_MIN = 6
"""With fewer, all of them pointing one way is still p > 0.05, two-sided: 2 * 0.5**5 = 0.0625."""

POWER = 0.8
"""How likely a suite of the size we ask for is to show that nothing got worse, if so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """How many questions each of two releases answered well.

    Attributes:
        both_good: Right in both.
        gained: Wrong before, right now.
        lost: Right before, wrong now.
        both_bad: Wrong in both.
    """

    both_good: int
    gained: int
    lost: int
    both_bad: int

    @property
    def n(self) -> int:
        """How many questions there are."""
        return self.both_good + self.gained + self.lost + self.both_bad

    @property
    def discordant(self) -> int:
        """How many went one way in one release and the other way in the other."""
        return self.gained + self.lost

    @property
    def difference(self) -> float | None:
        """Share of good answers now, less that before; None without questions."""
        return (self.gained - self.lost) / self.n if self.n else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """The table of what was decided, and what undecided answers could make of it.

    Attributes:
        decided: Questions graded in both releases.
        undecided: How many were not.
        worst: All questions, the undecided ones taken against the new release.
        best: All questions, the undecided ones taken for it.
    """

    decided: Table
    undecided: int
    worst: Table
    best: Table


class Decision(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 # a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a release is no worse than another by more than a margin.

    Attributes:
        because: Why, in words.
        low: The true difference is not below this, at `level`, one-sided.
        high: The true difference is not above this, at `level`, one-sided.
        more: How many further questions would probably decide it; None when it is decided, or
            when no number of questions would.
        margin_min: The smallest margin this many questions can defend.
    """

    decision: Decision
    because: str
    margin: float
    level: float
    low: float | None
    high: float | None
    more: int | None
    margin_min: float | None


def pairs(before: Sequence[Grade], after: Sequence[Grade]) -> Pairs:
    """Return the tables of two releases.

    Args:
        before: What the old release's answers were found to be.
        after: The same of the new one, the questions in the same order.
    """
    both = list(zip(before, after, strict=True))
    decided = [one for one in both if Grade.UNDECIDED not in one]
    return Pairs(
        decided=_table(decided),
        undecided=len(both) - len(decided),
        worst=_table([(_as(one, Grade.GOOD), _as(two, Grade.BAD)) for one, two in both]),
        best=_table([(_as(one, Grade.BAD), _as(two, Grade.GOOD)) for one, two in both]),
    )


def _as(grade: Grade, instead: Grade) -> Grade:
    return instead if grade is Grade.UNDECIDED else grade


def _table(both: Sequence[tuple[Grade, Grade]]) -> Table:
    return Table(
        both_good=both.count((Grade.GOOD, Grade.GOOD)),
        gained=both.count((Grade.BAD, Grade.GOOD)),
        lost=both.count((Grade.GOOD, Grade.BAD)),
        both_bad=both.count((Grade.BAD, Grade.BAD)),
    )


def changed_p(table: Table) -> float | None:
    """Return how likely so uneven a split is if neither release is better; two-sided, exact.

    None below `DISCORDANT_MIN`: that is "cannot decide", which is not "no change".

    Source: McNemar, "Note on the sampling error of the difference between correlated
    proportions", Psychometrika 1947, in its exact form.
    """
    if table.discordant < DISCORDANT_MIN:
        return None
    return min(1.0, 2 * _tail(min(table.gained, table.lost), table.discordant))


def worse_p(table: Table) -> float | None:
    """Return how likely so many lost answers are if nothing got worse; one-sided, exact.

    None below `DISCORDANT_MIN`, as in `changed_p`.
    """
    if table.discordant < DISCORDANT_MIN:
        return None
    return _tail(table.gained, table.discordant)


def better_p(table: Table) -> float | None:
    """Return how likely so many gained answers are if nothing got better; as `worse_p`."""
    if table.discordant < DISCORDANT_MIN:
        return None
    return _tail(table.lost, table.discordant)


def _tail(k: int, n: int) -> float:
    """Return how likely at most `k` heads in `n` throws of a coin are."""
    ways = way = 1
    for i in range(k):
        way = way * (n - i) // (i + 1)
        ways += way
    return ways / (1 << n)


def newcombe(table: Table, *, level: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of the difference in the share of good answers, after less before.

    Args:
        table: None without questions in it.
        level: Two-sided. For one-sided bounds use `newcombe_bounds`.

    Source: Newcombe, "Improved confidence intervals for the difference between binomial
    proportions based on paired data", Statistics in Medicine 1998, method 10.
    """
    n = table.n
    after = wilson(table.both_good + table.gained, n, level=level)
    before = wilson(table.both_good + table.lost, n, level=level)
    if after is None or before is None:
        return None
    p1, p2 = (table.both_good + table.gained) / n, (table.both_good + table.lost) / n
    (low1, high1), (low2, high2) = after, before
    together = _correlation(table)
    down = _joined(p1 - low1, high2 - p2, together)
    up = _joined(p2 - low2, high1 - p1, together)
    difference = (table.gained - table.lost) / n
    return max(-1.0, difference - down), min(1.0, difference + up)


def newcombe_bounds(table: Table, *, level: float = 0.95) -> tuple[float, float] | None:
    """Return what the difference is not below, and what it is not above, each at this level."""
    return newcombe(table, level=two_sided(level))


def _joined(first: float, second: float, together: float) -> float:
    """Return the length of the side across from the angle whose cosine is `together`."""
    return math.sqrt(max(0.0, first * first - 2 * together * first * second + second * second))


def _correlation(table: Table) -> float:
    """Return how alike both releases answer, with Newcombe's correction for continuity."""
    a, b, c, e = table.both_good, table.gained, table.lost, table.both_bad
    product = (a + b) * (c + e) * (a + c) * (b + e)
    if not product:
        return 0.0
    covered = float(a * e - b * c)
    if covered > 0:
        covered = max(0.0, covered - table.n / 2)
    return covered / math.sqrt(product)


def needed(
    discordance: float, margin: float, *, difference: float = 0.0, level: float = 0.95
) -> int:
    """Return how many questions show that nothing got worse by `margin`, in `POWER` of cases.

    Args:
        discordance: Share of the questions that are discordant, above 0.
        margin: Above ``-difference``.
        difference: What is taken to be the true one, at most 0.
        level: One-sided.

    Source: Nam, "Establishing equivalence of two treatments and sample size requirements in
    matched-pairs design", Biometrics 1997, in its simple form.
    """
    of_one = max(discordance - difference * difference, 0.0)
    # What rounding left above a whole number is no further question.
    return max(1, math.ceil(_z(level) ** 2 * of_one / (margin + difference) ** 2 - 1e-9))


def margin_min(table: Table, *, level: float = 0.95) -> float | None:
    """Return the smallest margin these questions can defend; None without discordant ones."""
    if not table.discordant:
        return None
    return _z(level) * math.sqrt(table.discordant) / table.n


def _z(level: float) -> float:
    """Return 2.487 at 95 %: how many standard errors lie between "no worse" and the margin."""
    normal = NormalDist()
    return normal.inv_cdf(level) + normal.inv_cdf(POWER)


def non_inferior(found: Pairs, *, margin: float, level: float = 0.95) -> Verdict:
    """Return whether a release is no worse than another by more than `margin`.

    PASS when the difference is not below ``-margin`` at this level, although every undecided
    answer were against the new release. FAIL when it is shown to be worse, although all were
    for it: its upper bound is below 0 and PASS is not had. It takes `DISCORDANT_MIN` discordant
    questions to fail, not to pass: a thousand equal answers are a good reason.

    Args:
        found: `pairs` of both.
        margin: In shares: 0.02 is two points. Above 0.
        level: One-sided.
    """
    lower = newcombe_bounds(found.worst, level=level)
    upper = newcombe_bounds(found.best, level=level)
    low, high = (lower[0] if lower else None), (upper[1] if upper else None)
    decision = _decision(found, low, high, margin)
    more = _more(found.decided, margin, level) if decision is Decision.INCONCLUSIVE else None
    return Verdict(
        decision=decision,
        because=_because(decision, found, low=low, high=high, margin=margin, more=more),
        margin=margin,
        level=level,
        low=low,
        high=high,
        more=more,
        margin_min=margin_min(found.decided, level=level),
    )


def _decision(found: Pairs, low: float | None, high: float | None, margin: float) -> Decision:
    if low is None or high is None:
        return Decision.INCONCLUSIVE
    if low > -margin:
        return Decision.PASS
    if high < 0 and found.best.discordant >= DISCORDANT_MIN:
        return Decision.FAIL
    return Decision.INCONCLUSIVE


def _more(table: Table, margin: float, level: float) -> int | None:
    """Return how many further questions would probably decide; None where none would.

    First as if nothing had got worse; if these many were asked already, as if what was
    observed were the truth.
    """
    difference = table.difference
    if difference is None:
        return None
    # None discordant is not none ever: the rule of three.
    discordance = table.discordant / table.n or min(1.0, 3 / table.n)
    more = needed(discordance, margin, level=level) - table.n
    if more > 0:
        return more
    if difference <= -margin:
        return None
    difference = min(0.0, difference)
    return max(1, needed(discordance, margin, difference=difference, level=level) - table.n)


def _because(
    decision: Decision,
    found: Pairs,
    *,
    low: float | None,
    high: float | None,
    margin: float,
    more: int | None,
) -> str:
    if low is None or high is None:
        return "no questions were asked of both releases"
    table = found.decided
    changed = f"{table.gained} questions gained and {table.lost} lost of {table.n}"
    if found.undecided:
        changed += f", {found.undecided} more undecided"
    at_worst, at_best = f"{100 * low:+.1f} points", f"{100 * high:+.1f} points"
    limit = f"{100 * margin:g} points"
    if decision is Decision.PASS:
        worse = "; worse, but within the margin" if high < 0 else ""
        return f"{changed}: {at_worst} at worst, and {limit} may be lost{worse}"
    if decision is Decision.FAIL:
        return f"{changed}: worse, {at_best} at best and {at_worst} at worst, {limit} may be lost"
    return f"{changed}: {at_worst} at worst, {limit} may be lost; {_wish(found, margin, more)}"


def _wish(found: Pairs, margin: float, more: int | None) -> str:
    if found.undecided > margin * found.worst.n:
        return "decide the undecided ones first: they are more than the margin"
    few = (
        f"fewer than {DISCORDANT_MIN} questions changed, which cannot decide; "
        if found.best.discordant < DISCORDANT_MIN
        else ""
    )
    if more is None:
        return f"{few}more questions of this kind would probably not change that"
    return f"{few}about {more} further questions would probably decide"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """How far graded scores of two releases lie apart.

    Attributes:
        difference: Mean of after less before.
        low, high: The interval that holds the true difference, BCa.
        effect: d_z: the difference in standard deviations of the differences; None when all
            differences are equal.
        n: How many questions.
        clusters: How many clusters they came in.
    """

    difference: float
    low: float
    high: float
    effect: float | None
    n: int
    clusters: int


def compare(
    before: Sequence[float],
    after: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    rng: np.random.Generator,
    level: float = 0.95,
    rounds: int = 10_000,
) -> Compared | None:
    """Return how far the scores of two releases lie apart, by drawing whole clusters anew.

    Args:
        before: Scores of some questions in the old release, shape (n,).
        after: Of the same questions in the new one, in the same order.
        clusters: What the questions belong to, for instance documents; None: each to its own.
        rng: Whence the draws come; the same seed gives the same interval.
        level: Of the interval, two-sided.
        rounds: How many times all clusters are drawn, with replacement.

    Returns:
        None with fewer than two clusters.

    Source: `cluster_bootstrap`; d_z: Lakens, "Calculating and reporting effect sizes", 2013.
    """
    differences = [new - old for old, new in zip(before, after, strict=True)]
    names = range(len(differences)) if clusters is None else clusters
    found = cluster_bootstrap(differences, names, rng=rng, level=level, rounds=rounds)
    if found is None:
        return None
    spread = stdev(differences)
    return Compared(
        difference=found.value,
        low=found.low,
        high=found.high,
        effect=fmean(differences) / spread if spread else None,
        n=found.n,
        clusters=found.clusters,
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values that may be compared with alpha although there are several of them.

    For claims of *improvement* on any of several metrics. That all of them are no worse needs
    no correction.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda one: p_values[one])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
