"""Intervals: the reference tools' numbers, the promised coverage, and clusters told apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

from answerable.quality.intervals import (
    cluster_bootstrap,
    clustered,
    none_seen,
    repeats,
    wilson_high,
    wilson_low,
)
from answerable.quality.metrics import wilson

COUNTS = st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(counts: tuple[int, int], level: float) -> None:
    """Both ends, and each end alone as a one-sided bound of its own level."""
    count, of = counts
    ours = wilson(count, of, level=level)
    theirs = proportion_confint(count, of, alpha=1 - level, method="wilson")
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert wilson_low(count, of, level=(1 + level) / 2) == pytest.approx(theirs[0], abs=1e-12)
    assert wilson_high(count, of, level=(1 + level) / 2) == pytest.approx(theirs[1], abs=1e-12)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(20, 20, 0.839, 1), (48, 50, 0.865, 0.989), (95, 100, 0.888, 0.979), (475, 500, 0.927, 0.966)],
)
def test_wilson_has_the_widths_of_the_literature(
    count: int, of: int, low: float, high: float
) -> None:
    """Four intervals everybody can look up."""
    assert wilson(count, of) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize(("share", "covered"), [(0.90, 0.970), (0.95, 0.962), (0.98, 0.922)])
def test_wilson_covers_at_fifty_questions(share: float, covered: float) -> None:
    """Exactly, over all outcomes: where Wald's interval holds 0.88, 0.92 and 0.64."""
    chances = stats.binom(50, share)
    inside = [
        count
        for count in range(51)
        if (interval := wilson(count, 50)) and interval[0] <= share <= interval[1]
    ]
    assert sum(chances.pmf(count) for count in inside) == pytest.approx(covered, abs=0.002)


def test_nothing_measured_has_no_bound() -> None:
    """No answers are not a bound of 0 or 1."""
    assert wilson_low(0, 0) is wilson_high(0, 0) is none_seen(0) is None


@given(st.integers(1, 10_000))
def test_none_seen_is_the_exact_rule_of_three(of: int) -> None:
    """At the bound, seeing none of so many happens in 5 % of cases; 3 / n is never below."""
    bound = none_seen(of)
    assert bound is not None
    assert stats.binom(of, bound).pmf(0) == pytest.approx(0.05)
    assert bound <= 3 / of
    assert bound == pytest.approx(3 / of, rel=2 / of + 0.002)


def test_one_cluster_for_each_value_is_the_usual_error() -> None:
    """The clustered error of values apart is that of SciPy."""
    values = [0.1, 0.9, 0.4, 0.4, 1.0]
    found = clustered(values, range(5))
    assert found is not None
    assert found.error == pytest.approx(stats.sem(values))
    assert (found.n, found.clusters) == (5, 5)


def test_asking_the_same_again_is_no_news() -> None:
    """Ten copies of every question leave the interval as wide as it was."""
    values = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    once, often = clustered(values, range(6)), clustered(values * 10, [*range(6)] * 10)
    assert once is not None
    assert often is not None
    assert often.error == pytest.approx(once.error)
    assert (often.n, often.clusters) == (60, 6)


def test_of_one_cluster_nothing_is_known() -> None:
    """A spread between clusters needs two."""
    rng = np.random.default_rng(1)
    assert clustered([0.0, 1.0], ["a", "a"]) is None
    assert cluster_bootstrap([0.0, 1.0], ["a", "a"], rng=rng) is None
    assert clustered([], []) is None


def test_the_bootstrap_is_that_of_scipy() -> None:
    """BCa over skewed values, each a cluster of its own; ends agree within what draws allow."""
    values = np.random.default_rng(3).exponential(size=60)
    ours = cluster_bootstrap(values.tolist(), range(60), rng=np.random.default_rng(1))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours is not None
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * width)
    assert ours.high - ours.value > ours.value - ours.low, "skewed to the right"


def test_the_bootstrap_draws_whole_clusters() -> None:
    """Clusters of uneven sizes: as wide as the clustered error says, not as values apart."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 9, size=150)
    clusters = np.repeat(np.arange(150), sizes)
    values = (rng.normal(size=150)[clusters] + 0.1 * rng.normal(size=clusters.size)).tolist()
    names = clusters.tolist()
    drawn = cluster_bootstrap(values, names, rng=rng)
    known, apart = clustered(values, names), clustered(values, range(len(values)))
    assert drawn is not None
    assert known is not None
    assert apart is not None
    assert drawn.error == pytest.approx(known.error, rel=0.05)
    assert drawn.error > 1.5 * apart.error
    assert drawn.clusters == 150


def test_equal_values_have_no_width() -> None:
    """What never varies is not drawn apart by rounding."""
    found = cluster_bootstrap([0.1] * 30, range(30), rng=np.random.default_rng(1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


def test_the_cluster_bootstrap_covers() -> None:
    """Of 300 sets of 40 clusters, 92 to 98 % have the true mean inside."""
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(300):
        values = (rng.exponential(size=40)[:, None] + rng.normal(size=(40, 3))).ravel()
        found = cluster_bootstrap(
            values.tolist(), np.repeat(np.arange(40), 3).tolist(), rng=rng, rounds=1_000
        )
        assert found is not None
        inside += found.low <= 1 <= found.high
    assert 0.91 <= inside / 300 <= 0.98


def test_repeats_tell_noise_from_questions() -> None:
    """Known variances come back; the runs' means vary by the noise alone."""
    rng = np.random.default_rng(7)
    scores = rng.normal(scale=2, size=4_000) + rng.normal(size=(6, 4_000))
    found = repeats(scores.tolist())
    assert found is not None
    assert found.noise_variance == pytest.approx(1, rel=0.05)
    assert found.question_variance == pytest.approx(4, rel=0.06)
    assert found.run_variance < 6 * found.noise_variance / 4_000
    assert (found.runs, found.questions) == (6, 4_000)


def test_repeats_need_two_of_each() -> None:
    """One run, or one question, says nothing about either."""
    assert repeats([[1.0, 0.0]]) is None
    assert repeats([[1.0], [0.0]]) is None
    assert repeats([]) is None
    with pytest.raises(ValueError, match="shorter"):
        repeats([[1.0, 0.0, 1.0], [0.0, 1.0]])


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=40), st.integers(0, 9))
def test_the_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    """No draw of values has a mean outside them, and a seed gives one interval."""
    first, second = (
        cluster_bootstrap(values, range(len(values)), rng=np.random.default_rng(seed), rounds=200)
        for _ in range(2)
    )
    assert first == second
    assert first is not None
    assert min(values) - 1e-9 <= first.low <= first.high <= max(values) + 1e-9
    assert math.isclose(first.value, sum(values) / len(values), abs_tol=1e-12)
