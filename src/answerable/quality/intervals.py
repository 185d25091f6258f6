"""How far a measured number may be from the true one: shares, means, repeats, clusters.

Questions about one document, or the same question asked again, are alike: a *cluster*. Whoever
counts each of them as news believes in too narrow an interval, so the functions here that take
clusters take whole ones, and say how many there were.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

import numpy as np
from numpy.typing import NDArray

from answerable.quality.metrics import wilson

Floats = NDArray[np.float64]

_FEWEST = 2  # Of one alone there is no spread.

# So many draws are held in memory at a time: 16 MB of numbers.
_DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number, the interval that holds the true one, and what it rests on.

    Attributes:
        error: Standard error, in the unit of `value`.
        n: How many were measured.
        clusters: How many clusters they came in.
    """

    value: float
    low: float
    high: float
    error: float
    n: int
    clusters: int


def wilson_low(count: int, of: int, *, level: float = 0.95) -> float | None:
    """Return what the true share is not below, at this level; None when ``of`` is 0.

    One-sided: its level is the chance that the true share is no lower, whatever it is above.

    Args:
        count: How many did, of how many.
        of: At least ``count``.
        level: In [0.5, 1).
    """
    interval = wilson(count, of, level=two_sided(level))
    return interval[0] if interval else None


def wilson_high(count: int, of: int, *, level: float = 0.95) -> float | None:
    """Return what the true share is not above, as `wilson_low`."""
    interval = wilson(count, of, level=two_sided(level))
    return interval[1] if interval else None


def two_sided(level: float) -> float:
    """Return the level of the interval whose one end is a one-sided bound of `level`.

    Args:
        level: In [0.5, 1).
    """
    return 2 * level - 1


def none_seen(of: int, *, level: float = 0.95) -> float | None:
    """Return what the true share is not above when none of `of` did; None when ``of`` is 0.

    Exact; at 95 % never above 3 / `of`, the rule of three.

    Source: Hanley, Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 1983.
    """
    return -math.expm1(math.log1p(-level) / of) if of else None


def clustered(
    values: Sequence[float], clusters: Sequence[Hashable], *, level: float = 0.95
) -> Estimate | None:
    """Return the mean and its interval, by the standard error that knows of clusters.

    With every value a cluster of its own it is the usual standard error. Normal, so for 20
    clusters and more; `cluster_bootstrap` is the better one below.

    Args:
        values: Scores, shape (n,).
        clusters: To which cluster each belongs, in the same order.
        level: Of the interval, two-sided.

    Returns:
        None with fewer than two clusters: nothing is known about the spread between them.

    Source: Miller, "Adding error bars to evals", 2024, equation 4, with the factor G / (G - 1)
    of Inspect AI.
    """
    numbers, count = _numbered(clusters)
    if count < _FEWEST:
        return None
    scores = np.asarray(values, dtype=np.float64)
    average = float(scores.mean())
    sums = np.bincount(numbers, weights=scores - average, minlength=count)
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / scores.size
    z = NormalDist().inv_cdf((1 + level) / 2)
    return Estimate(
        value=average,
        low=average - z * error,
        high=average + z * error,
        error=error,
        n=scores.size,
        clusters=count,
    )


def cluster_bootstrap(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    rounds: int = 10_000,
) -> Estimate | None:
    """Return the mean and its interval by drawing whole clusters anew, bias-corrected (BCa).

    Args:
        values: Scores, shape (n,).
        clusters: To which cluster each belongs, in the same order.
        rng: Whence the draws come; the same seed gives the same interval.
        level: Of the interval, two-sided.
        rounds: How many times all clusters are drawn, with replacement.

    Returns:
        None with fewer than two clusters.

    Source: Efron, "Better bootstrap confidence intervals", JASA 1987; Davison, Hinkley,
    "Bootstrap Methods and their Application", 1997, section 3.8 (clusters).
    """
    numbers, count = _numbered(clusters)
    if count < _FEWEST:
        return None
    scores = np.asarray(values, dtype=np.float64)
    sums: Floats = np.bincount(numbers, weights=scores, minlength=count).astype(np.float64)
    sizes = np.bincount(numbers, minlength=count).astype(np.float64)
    drawn = _drawn_means(sums, sizes, rng=rng, rounds=rounds)
    low, high = _bca(drawn, sums, sizes, level=level)
    return Estimate(
        value=float(scores.mean()),
        low=low,
        high=high,
        error=float(drawn.std()),
        n=scores.size,
        clusters=count,
    )


def _numbered(clusters: Sequence[Hashable]) -> tuple[NDArray[np.int64], int]:
    """Return the clusters as numbers from 0 in the order they first appear, and how many."""
    places = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    return np.array([places[name] for name in clusters], dtype=np.int64), len(places)


def _drawn_means(sums: Floats, sizes: Floats, *, rng: np.random.Generator, rounds: int) -> Floats:
    """Return the mean over all values of each round, shape (rounds,)."""
    count = sums.size
    is_even = bool((sizes == sizes[0]).all())
    means = np.empty(rounds)
    step = max(1, _DRAWS_AT_ONCE // count)
    for start in range(0, rounds, step):
        drawn = rng.integers(0, count, size=(min(step, rounds - start), count), dtype=np.int32)
        of = count * sizes[0] if is_even else sizes[drawn].sum(axis=1)
        means[start : start + step] = sums[drawn].sum(axis=1) / of
    return means


def _bca(drawn: Floats, sums: Floats, sizes: Floats, *, level: float) -> tuple[float, float]:
    """Return the ends of the interval: quantiles moved by bias and acceleration."""
    normal = NormalDist()
    total, of = float(sums.sum()), float(sizes.sum())
    observed = total / of
    # Rounds equal to what was observed count half, as in SciPy. Sums of the same values in
    # another order differ in the last digits, and are equal all the same.
    near = 1e-12 * max(1.0, abs(observed))
    below = float((drawn < observed - near).mean())
    middle = below + float((np.abs(drawn - observed) <= near).mean()) / 2
    if not 0 < middle < 1 or float(np.ptp(drawn)) <= near:
        return float(drawn.min()), float(drawn.max())
    bias = normal.inv_cdf(middle)
    acceleration = _acceleration((total - sums) / np.maximum(of - sizes, 1e-300))
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        moved = bias + normal.inv_cdf(share)
        ends.append(normal.cdf(bias + moved / (1 - acceleration * moved)))
    low, high = np.quantile(drawn, ends)
    return float(low), float(high)


def _acceleration(without: Floats) -> float:
    """Return how the error changes with the value, from the means without one cluster each."""
    apart = without.mean() - without
    spread = float((apart**2).sum())
    return float((apart**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeats:
    """How much the same questions, asked again, differ.

    Attributes:
        runs: How many times each question was asked.
        questions: How many there are.
        mean: Over all runs and questions.
        run_variance: Of the runs' means: what a single run may be off, squared.
        noise_variance: Within questions, from run to run, averaged over questions.
        question_variance: Between questions, with the noise taken out; never below 0.
    """

    runs: int
    questions: int
    mean: float
    run_variance: float
    noise_variance: float
    question_variance: float


def repeats(runs: Sequence[Sequence[float]]) -> Repeats | None:
    """Return what asking the same questions again says about chance.

    Where `noise_variance` is large beside `question_variance`, ask more often; where it is
    small, ask more questions. A run whose mean is further from the others than noise allows
    (`noise_variance` / `questions`) had something in common that the others had not.

    Args:
        runs: Scores, shape (runs, questions), the questions in the same order.

    Returns:
        None with fewer than two runs or two questions.

    Source: Searle, Casella, McCulloch, "Variance Components", 1992, section 3.6 (the balanced
    one-way classification).
    """
    if len(runs) < _FEWEST or len(runs[0]) < _FEWEST:
        return None
    per_question = list(zip(*runs, strict=True))
    noise = fmean(variance(scores) for scores in per_question)
    between = variance(fmean(scores) for scores in per_question)
    return Repeats(
        runs=len(runs),
        questions=len(per_question),
        mean=fmean(fmean(run) for run in runs),
        run_variance=variance(fmean(run) for run in runs),
        noise_variance=noise,
        question_variance=max(0.0, between - noise / len(runs)),
    )
