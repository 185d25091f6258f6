"""The numbers an evaluation is made of. What cannot be measured is None, never 0."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist


def hit(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> bool:
    """Return whether one of the first `k` is relevant."""
    return any(name in relevant for name in ranked[:k])


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float:
    """Return 1 / rank of the first relevant one, rank from 1; 0 if none is among the first `k`."""
    return next(
        (1 / place for place, name in enumerate(ranked[:k], start=1) if name in relevant), 0.0
    )


def recall(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float | None:
    """Return the share of the relevant that is among the first `k`; None if nothing is relevant."""
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
