"""Metrics: the textbook values, and None where nothing can be measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.quality.metrics import (
    auroc,
    hit,
    mean,
    ndcg,
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
    assert share(1, 4) == 0.25
    assert mean([1.0, 2.0]) == 1.5
