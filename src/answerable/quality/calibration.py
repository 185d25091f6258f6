"""Learn-Then-Test: the lowest threshold at which answers are wrong no more often than promised.

Every threshold is a hypothesis, "of the answers given from here on, more than `alpha` are wrong",
and is tested with the exact tail of the binomial distribution. They are tested one after the
other, from strict to loose, and the first that cannot be rejected ends it: so all tests together
err with probability `delta`, without a correction for how many there are.

Source: Angelopoulos, Bates, Candès, Jordan, Lei, "Learn then Test", 2021, with fixed sequence
testing; Clopper, Pearson, "The use of confidence or fiducial limits", 1934.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

THRESHOLDS = tuple(step / 1000 for step in range(1000))
"""The grid: from 0, where everything is answered, to 0.999."""

SHARE_MIN = 0.2
"""A threshold that answers fewer of the questions is not worth a test."""

# Of more further answers than these we do not speak: nobody writes so many questions.
_MORE_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What is to hold: with confidence 1 - `delta`, at most `alpha` of the answers are wrong."""

    alpha: float
    delta: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A question of the calibration set and what would come of it.

    Attributes:
        confidence: It is answered at every threshold up to this one; None when nothing could
            be said at any.
        is_wrong: Whether its answer would be one of those that are promised to be few.
        is_answerable: Whether the documents answer it.
    """

    confidence: float | None
    is_wrong: bool
    is_answerable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What happens at one threshold.

    Attributes:
        n: How many questions were answered, of `questions`.
        k: How many of these answers were wrong.
        n_answerable: How many answerable questions were answered, of `answerable`.
        k_answerable: How many of these answers were wrong; the others have no right answer.
        bound: Clopper-Pearson: with confidence 1 - delta the risk is no higher.
    """

    threshold: float
    n: int
    k: int
    bound: float
    questions: int
    answerable: int
    n_answerable: int
    k_answerable: int

    @property
    def risk(self) -> float | None:
        """Share of the answers that were wrong; None when none was given."""
        return self.k / self.n if self.n else None

    @property
    def coverage(self) -> float:
        """Share of all questions that were answered."""
        return self.n / self.questions

    @property
    def coverage_answerable(self) -> float | None:
        """Share of the answerable questions that were answered; None when there are none."""
        return self.n_answerable / self.answerable if self.answerable else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Certified:
    """The lowest threshold of which the promise holds, and what was measured there."""

    measured: Measured


@dataclass(frozen=True, kw_only=True, slots=True)
class Insufficient:
    """No threshold can be promised anything.

    Attributes:
        more: So many further answers at the threshold of `measured` would do: at the error that
            was observed there if `at_observed`, else only if every one of them were right.
        at_observed: Whether any number of answers with the observed error would do.
        measured: What was found at the first threshold that is tested, where every certificate
            begins. None when fewer questions are answered at any.
    """

    more: int
    at_observed: bool
    measured: Measured | None


def tail(k: int, n: int, p: float) -> float:
    """Return how likely at most `k` of `n` are, where each is with probability `p`.

    Exact but for rounding, about 1e-12 of its value.

    Args:
        k: At least 0; from `n` on the result is 1.
        n: At least 0.
        p: In (0, 1).
    """
    if k >= n:
        return 1.0
    log_p, log_not = math.log(p), math.log1p(-p)
    whole = math.lgamma(n + 1)
    return min(
        1.0,
        math.fsum(
            math.exp(
                whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_not
            )
            for i in range(k + 1)
        ),
    )


def upper_bound(k: int, n: int, delta: float) -> float:
    """Return the Clopper-Pearson bound: with confidence 1 - `delta` the true share is no higher.

    It is at most alpha exactly where ``tail(k, n, alpha) <= delta``. 1 when all of `n` were, and
    when there were none.
    """
    if k >= n:
        return 1.0
    low, high = 0.0, 1.0
    # Each step halves the interval: 60 of them leave nothing of a double's precision.
    for _ in range(60):
        middle = (low + high) / 2
        if tail(k, n, middle) > delta:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=1024)
def needed(k: int, promise: Promise, *, from_n: int = 1) -> int:
    """Return the fewest answers that keep a promise although `k` of them are wrong.

    Args:
        k: Wrong ones, at least 0.
        promise: What is to hold.
        from_n: No fewer than these.
    """
    # tail falls with n, so double until it is low enough and look between.
    low = max(k + 1, from_n)
    high = low
    while tail(k, high, promise.alpha) > promise.delta:
        low, high = high + 1, 2 * high
    return bisect_left(
        range(high + 1),
        -promise.delta,
        lo=low,
        hi=high,
        key=lambda n: -tail(k, n, promise.alpha),
    )


def measure(scored: Sequence[Scored], threshold: float, delta: float) -> Measured:
    """Return what happens at a threshold."""
    answered = _answered(scored, threshold)
    wrong = sum(one.is_wrong for one in answered)
    return Measured(
        threshold=threshold,
        n=len(answered),
        k=wrong,
        bound=upper_bound(wrong, len(answered), delta),
        questions=len(scored),
        answerable=sum(one.is_answerable for one in scored),
        n_answerable=sum(one.is_answerable for one in answered),
        k_answerable=sum(one.is_answerable and one.is_wrong for one in answered),
    )


def _answered(scored: Sequence[Scored], threshold: float) -> list[Scored]:
    return [one for one in scored if one.confidence is not None and one.confidence >= threshold]


def learn_then_test(scored: Sequence[Scored], promise: Promise) -> Certified | Insufficient:
    """Return the lowest threshold that keeps a promise, or how much is lacking.

    The guarantee is over calibration sets drawn like this one, for questions drawn like its
    questions; not for one question, and not for questions of another kind. It needs that more
    confidence does not mean more risk.
    """
    best: float | None = None
    for threshold in sequence(scored, promise):
        answered = _answered(scored, threshold)
        wrong = sum(one.is_wrong for one in answered)
        if tail(wrong, len(answered), promise.alpha) > promise.delta:
            break
        best = threshold
    if best is None:
        return _lacking(scored, promise)
    return Certified(measured=measure(scored, best, promise.delta))


def sequence(scored: Sequence[Scored], promise: Promise) -> Iterator[float]:
    """Give the thresholds of the grid that are tested, from strict to loose.

    They are those at which 22, 38, 52, 65, … questions are answered (at alpha = delta = 0.1): the
    fewest that may hold 0, 1, 2, 3, … wrong ones. The first answers no fewer than `SHARE_MIN` of
    the questions. Which thresholds these are is decided by how many they answer and never by who
    was right, so that choosing them costs nothing.
    """
    counts = _answered_from_strict(scored)
    n = k = answered = 0
    while counts[-1] >= (n := needed(k, promise, from_n=max(1, n))):
        k += 1
        if n < SHARE_MIN * len(scored) or n <= answered:
            continue
        place = bisect_left(counts, n)
        answered = counts[place]
        yield _STRICT[place]


_STRICT = THRESHOLDS[::-1]


def _answered_from_strict(scored: Sequence[Scored]) -> list[int]:
    """Return how many are answered at each threshold of `_STRICT`; never falls."""
    new = [0] * len(THRESHOLDS)
    for one in scored:
        if one.confidence is not None and one.confidence >= 0:
            new[-bisect_right(THRESHOLDS, one.confidence)] += 1
    return list(accumulate(new))


def _lacking(scored: Sequence[Scored], promise: Promise) -> Insufficient:
    """Return what the first threshold of every sequence lacks.

    With more questions of the same kind it is the one that answers `SHARE_MIN` of them.
    """
    first = next(sequence(scored, promise), None)
    if first is None:
        counts = _answered_from_strict(scored)
        place = bisect_left(counts, max(1.0, SHARE_MIN * len(scored)))
        if place == len(counts):
            return Insufficient(more=needed(0, promise), at_observed=False, measured=None)
        first = _STRICT[place]
    found = measure(scored, first, promise.delta)
    more = more_at_observed(found, promise)
    if more is None:
        return Insufficient(more=more_right(found, promise), at_observed=False, measured=found)
    return Insufficient(more=more, at_observed=True, measured=found)


def more_right(measured: Measured, promise: Promise) -> int:
    """Return how many further answers, every one of them right, would keep the promise."""
    return needed(measured.k, promise, from_n=max(1, measured.n)) - measured.n


def more_at_observed(measured: Measured, promise: Promise) -> int | None:
    """Return how many further answers would keep the promise at the error observed so far.

    None where none would: the error is not below alpha, or so little below that nobody writes
    so many questions. Of further answers as many are taken to be wrong as the observed share
    says, rounded up.
    """
    n, k = measured.n, measured.k
    if not n or k >= promise.alpha * n:
        return None
    if not k:
        return needed(0, promise, from_n=n) - n

    def holds(wrong: int) -> bool:
        # The most answers of which so many are wrong, rounded up.
        return tail(wrong, wrong * n // k, promise.alpha) <= promise.delta

    most = k
    while not holds(most):
        most *= 2
        if most * n > k * (n + _MORE_MAX):
            return None
    least = bisect_left(range(most + 1), x=True, lo=max(k, most // 2), hi=most, key=holds)
    return needed(least, promise, from_n=n) - n
