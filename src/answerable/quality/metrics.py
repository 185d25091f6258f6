"""The numbers an evaluation is made of. What cannot be measured is None, never 0."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist

import numpy as np


def hit(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> bool:
    """Return whether one of the first `k` is relevant."""
    return any(name in relevant for name in ranked[:k])


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float:
    """Return 1 / rank of the first relevant one, rank from 1; 0 if none is among the first `k`."""
    return next(
        (1 / place for place, name in enumerate(ranked[:k], start=1) if name in relevant), 0.0
    )


def recall(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float | None:
    """Return the share of the relevant that is among the first `k`; None if nothing is relevant.

    Equal to trec_eval's, which says 0 where nothing is relevant.
    """
    if not relevant:
        return None
    return len(set(ranked[:k]) & set(relevant)) / len(set(relevant))


def ndcg(ranked: Sequence[str], grades: Mapping[str, float], *, k: int) -> float | None:
    """Return the normalised discounted gain of the first `k`, in [0, 1].

    Args:
        ranked: Best first, no repeats.
        grades: Gain of each relevant one, above 0; what is missing gains nothing.
        k: How many count.

    Returns:
        Sum of gain / log2(rank + 1) by that of the best possible order; None if there is no gain.

    Source: Järvelin, Kekäläinen, "Cumulated gain-based evaluation", TOIS 2002, with the linear
    gain of trec_eval.
    """
    best = _discounted(sorted(grades.values(), reverse=True)[:k])
    if best <= 0:
        return None
    return _discounted([grades.get(name, 0.0) for name in ranked[:k]]) / best


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return how often a positive one scores above a negative one; ties count half.

    None when either is empty.

    Source: the Mann-Whitney form; Fawcett, "An introduction to ROC analysis", 2006.
    """
    if not positive or not negative:
        return None
    ordered = sorted(negative)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in positive)
    return below / (2 * len(positive) * len(negative))


def share(count: int, of: int) -> float | None:
    """Return ``count / of``; None when there is nothing to take a share of."""
    return count / of if of else None


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def wilson(count: int, of: int, *, level: float = 0.95) -> tuple[float, float] | None:
    """Return the interval that holds the true share at this level; None when ``of`` is 0.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not of:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    observed = count / of
    middle = observed + z * z / (2 * of)
    spread = z * math.sqrt(observed * (1 - observed) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def paired_interval(
    before: Sequence[float],
    after: Sequence[float],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    rounds: int = 10_000,
) -> tuple[float, float] | None:
    """Return the interval of the mean of ``after - before`` by drawing questions anew.

    Pairs are drawn, not values: what a question has in common in both cancels out. None
    without questions. An interval that does not hold 0 is a difference that other questions
    of the same kind would show as well.

    Args:
        before: Scores of some questions.
        after: Scores of the same questions in the same order.
        rng: Whence the draws come; the same seed gives the same interval.
        level: Share of the draws that lie inside.
        rounds: How many times all questions are drawn, with replacement.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (the
    percentile interval); Sakai, "Evaluating evaluation metrics based on the bootstrap",
    SIGIR 2006.
    """
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    if not differences.size:
        return None
    means = [rng.choice(differences, differences.size).mean() for _ in range(rounds)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
