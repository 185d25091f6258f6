"""Metrics: the textbook values, and None where nothing can be measured."""

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.quality.metrics import (
    auroc,
    hit,
    mean,
    ndcg,
    paired_interval,
    recall,
    reciprocal_rank,
    share,
    wilson,
)

RANKED = ("a", "b", "c", "d")


def test_hits_count_within_k() -> None:
    """The document at rank 3 is no hit at 2."""
    assert hit(RANKED, {"c"}, k=3)
    assert not hit(RANKED, {"c"}, k=2)
    assert not hit((), {"c"}, k=10)


def test_the_first_relevant_one_counts() -> None:
    """Later relevant ones add nothing to the reciprocal rank."""
    assert reciprocal_rank(RANKED, {"b", "d"}, k=10) == 0.5
    assert reciprocal_rank(RANKED, {"d"}, k=3) == 0.0


def test_recall_is_of_what_is_relevant() -> None:
    """Nothing relevant is nothing to measure."""
    assert recall(RANKED, {"a", "z"}, k=100) == 0.5
    assert recall(RANKED, set(), k=100) is None


def test_ndcg_is_that_of_trec_eval() -> None:
    """Gain 1 at rank 2 and 2 at rank 3, against the best order."""
    grades = {"b": 1.0, "c": 2.0}
    expected = (1 / 1.5849625 + 2 / 2) / (2 / 1 + 1 / 1.5849625)
    assert ndcg(RANKED, grades, k=10) == pytest.approx(expected)
    assert ndcg(("c", "b"), grades, k=10) == pytest.approx(1.0)
    assert ndcg(RANKED, {}, k=10) is None


def test_auroc_averages_ties() -> None:
    """Two equal scores are a coin toss."""
    assert auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx(3.5 / 4)
    assert auroc([1.0], [1.0]) == 0.5
    assert auroc([], [1.0]) is None
    assert auroc([1.0], []) is None


scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@given(scores, scores)
def test_auroc_is_the_share_of_pairs_in_order(positive: list[float], negative: list[float]) -> None:
    """Counted pair by pair it is the same, and both ways add up to 1."""
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    area = auroc(positive, negative)
    assert area == pytest.approx(sum(pairs) / len(pairs))
    assert area == pytest.approx(1 - (auroc(negative, positive) or 0.0))


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_interval_holds_what_was_seen(count: int, of: int) -> None:
    """Wilson's interval lies in [0, 1] and around the observed share."""
    count = min(count, of)
    low, high = wilson(count, of) or (1.0, 0.0)
    assert 0.0 <= low <= count / of + 1e-12
    assert count / of - 1e-12 <= high <= 1.0


def test_the_interval_is_wilsons() -> None:
    """The example of the textbook: 81 of 263."""
    low, high = wilson(81, 263) or (0.0, 0.0)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_nothing_measured_is_none() -> None:
    """No data is not zero."""
    assert share(0, 0) is None
    assert mean([]) is None
    assert wilson(0, 0) is None
    assert paired_interval([], [], rng=np.random.default_rng(1)) is None
    assert share(1, 4) == 0.25
    assert mean([1.0, 2.0]) == 1.5


pairs = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


@settings(max_examples=30)
@given(pairs, st.integers(0, 9))
def test_the_paired_interval_is_of_the_difference(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    """It lies among the differences, turns round with the pairs, and a seed repeats it."""
    before, after = [one for one, _ in pairs], [one for _, one in pairs]
    differences = [b - a for a, b in pairs]

    def drawn(first: list[float], second: list[float]) -> tuple[float, float]:
        found = paired_interval(first, second, rng=np.random.default_rng(seed), rounds=200)
        assert found is not None
        return found

    low, high = drawn(before, after)
    assert min(differences) - 1e-9 <= low <= high <= max(differences) + 1e-9
    assert drawn(before, after) == (low, high)
    assert drawn(after, before) == pytest.approx((-high, -low))


def test_the_paired_interval_is_narrower_than_that_of_apart() -> None:
    """What all questions gain alike has no spread, however much the questions differ."""
    before = [0.0, 0.1, 0.5, 0.9]
    after = [one + 0.25 for one in before]
    found = paired_interval(before, after, rng=np.random.default_rng(1))
    assert found == pytest.approx((0.25, 0.25))


def test_the_paired_interval_is_near_that_of_the_normal_distribution() -> None:
    """For many questions the percentiles are the mean and 1.96 standard errors."""
    rng = np.random.default_rng(7)
    after = rng.normal(0.1, 1.0, 400)
    found = paired_interval(np.zeros(400).tolist(), after.tolist(), rng=rng)
    error = float(after.std()) / 20
    assert found == pytest.approx(
        (fmean(after) - 1.96 * error, fmean(after) + 1.96 * error), abs=0.01
    )
