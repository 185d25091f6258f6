"""A table is numbers; it is read as it was written, or refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.checking.features import GROUPS, NAMES, measure
from answerable.answering.checking.judging import prepare
from answerable.answering.checking.table import Calibration, joined, packaged, read_table

CALIBRATION = {
    "bias": 0.0,
    "slope": 1.0,
    "supported_min": 0.8,
    "unsupported_below": 0.5,
    "unsupported_below_many": 0.3,
}


def content(**changed: Any) -> bytes:
    table = {
        "features": NAMES,
        "linear": [2.0, *[0.0] * (len(NAMES) - 1)],
        "bias": 1.0,
        "trees": [[[0, 0.5, 1, 2], [-1, -3.0, 0, 0], [-1, 3.0, 0, 0]]],
        "start": 0.25,
        "share": 0.5,
        "calibration": CALIBRATION,
        "words": {},
    }
    return json.dumps({**table, **changed}).encode()


@pytest.mark.parametrize(
    ("value", "raw"), [(0.5, 0.5 * 2.0 + 0.5 * -2.75), (0.6, 0.5 * 2.2 + 0.5 * 3.25)]
)
def test_line_and_trees_are_blended(value: float, raw: float) -> None:
    """At a threshold a tree goes low, above it high; the line adds its share."""
    values = [value, *[0.0] * (len(NAMES) - 1)]
    assert read_table(content()).raw(values) == pytest.approx(raw)


def test_a_table_of_other_features_is_refused() -> None:
    """Numbers fitted for other measures would judge nonsense."""
    with pytest.raises(ValueError, match="other features"):
        read_table(content(features=["something"]))


def test_the_digest_changes_with_any_number() -> None:
    """A release that names it names all of it."""
    assert read_table(content()).digest != read_table(content(bias=1.1)).digest


def test_probabilities_fall_with_risk_and_with_the_worst_claim() -> None:
    """More risk is never better, and a response is no better than its worst claim makes it."""
    how = Calibration(
        bias=0.0, slope=0.7, supported_min=0.8, unsupported_below=0.5, unsupported_below_many=0.3
    )
    ps = [how.p_supported([risk]) for risk in (-100.0, -1.0, 0.0, 1.0, 100.0)]
    assert ps == sorted(ps, reverse=True)
    assert how.p_supported([3.0, -3.0]) < how.p_supported([-3.0, -3.0])
    assert how.p_supported([0.0]) == pytest.approx(0.5)
    assert how.risk(how.p_supported([1.3])) == pytest.approx(1.3)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20), st.floats(-30, 30))
def test_odds_add_up(risks: list[float], more: float) -> None:
    """One claim keeps its risk; another claim adds its odds, whatever the order."""
    assert joined(risks[:1]) == pytest.approx(risks[0])
    both = joined([*risks, more])
    assert both == pytest.approx(joined([more, *reversed(risks)]))
    assert math.exp(both) == pytest.approx(math.exp(joined(risks)) + math.exp(more))


def test_the_table_that_ships_fits_the_code() -> None:
    """It is there, it reads, and its thresholds are in order."""
    table = packaged()
    assert len(table.trees) > 10
    assert len(table.words) > 1000
    how = table.calibration
    assert 0 < how.unsupported_below_many <= how.unsupported_below <= how.supported_min < 1
    assert how.slope > 0


def test_every_measure_is_a_finite_number() -> None:
    """Whatever the claim, there is one value for each name, and groups hold each name once."""
    assert len(set(NAMES)) == len(NAMES) == sum(map(len, GROUPS.values()))
    for text in ("", "Yes", "Port 80.", "`x y`", "| a | b |", "\u00e9\u4e2d", "not " * 50):
        values = measure(text, prepare(["Port 80 is open."], question="Which?")).values
        assert len(values) == len(NAMES)
        assert all(map(math.isfinite, values))
