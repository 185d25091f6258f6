"""Confidence: what is known before anything is said."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from answering_samples import shelf
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.confidence import confidence
from answerable.domain.releases import Abstaining

__all__ = ["shelf"]

MakeShelf = Callable[..., Any]
PAGE = "# Draining\n\nTo drain a node run `kubectl drain`.\n\n## Quota\n\nThe etcd quota is 2 GB.\n"


def test_a_covered_question_has_more_evidence_than_a_foreign_one(shelf: MakeShelf) -> None:
    """With the weights that are shipped, what the pages say scores above what they do not."""
    some = shelf(PAGE)
    weights = Abstaining().by_words.weights
    said = confidence(tuple(some.evidence("what is the etcd quota").items()), weights)
    unsaid = confidence(tuple(some.evidence("unseal vault quota transit engine").items()), weights)
    assert said > unsaid


def test_shares_are_shares(shelf: MakeShelf) -> None:
    """Every share lies in [0, 1] and grows from unit to passage to document."""
    found = shelf(PAGE).evidence("drain a node with zebras")
    for name in ("document", "passage", "unit", "units", "kind", "unknown", "margin"):
        assert 0 <= found[name] <= 1
    assert found["passage"] <= found["document"] + 1e-9
    assert found["unknown"] > 0
    assert all(math.isfinite(value) for value in found.values())


def test_one_sentence_that_is_near_by_chance_is_less_than_three(shelf: MakeShelf) -> None:
    """`near` is the mean of the three nearest sentences; without vectors there is none."""
    some = shelf(PAGE)
    assert "near" not in some.evidence("drain a node")
    found = some.evidence("drain a node", cosines=(0.9, 0.2, 0.1, 0.0))
    assert found["meaning"] == pytest.approx(0.9)
    assert found["near"] == pytest.approx(0.4)


def test_no_passages_are_no_evidence_and_no_confidence(shelf: MakeShelf) -> None:
    """Nothing found never answers, whatever the weights say."""
    assert shelf().evidence("drain") == {}
    assert confidence((), (("bias", 50.0),)) == 0.0


def test_the_shipped_weights_name_features_that_exist(shelf: MakeShelf) -> None:
    """A renamed feature cannot silently weigh nothing."""
    some = shelf(PAGE)
    by_words = {"bias", *some.evidence("drain a node")}
    by_meaning = {"bias", *some.evidence("drain a node", cosines=(0.5,))}
    assert {name for name, _ in Abstaining().by_words.weights} <= by_words
    assert {name for name, _ in Abstaining().by_meaning.weights} <= by_meaning


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4), st.floats(-1e6, 1e6))
def test_confidence_is_a_probability_however_odd_the_numbers(
    values: list[float], bias: float
) -> None:
    """No evidence overflows."""
    found = tuple((f"f{place}", value) for place, value in enumerate(values))
    weights = (("bias", bias), *((name, 3.0) for name, _ in found))
    assert 0.0 <= confidence(found, weights) <= 1.0


@given(st.floats(-5, 5), st.floats(0.01, 5))
def test_confidence_rises_with_what_speaks_for_it(value: float, more: float) -> None:
    """A larger feature of positive weight never lowers confidence."""
    weights = (("x", 1.0),)
    assert confidence((("x", value + more),), weights) > confidence((("x", value),), weights)
