"""Every metric has its row in the guide, with its kind and labels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from answerable.adapters.metrics import METRICS, Metric
from answerable.domain.questions import StepReason
from answerable.quality.diagnosis import FailurePoint, Sureness

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PAGE = (GUIDE / "metrics.md").read_text()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_has_its_row(metric: Metric) -> None:
    """Name, kind and labels stand there as they are exposed."""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    row = " | ".join(filter(None, (f"| `{metric.name}`", metric.kind, labels)))
    assert row in PAGE


def test_no_row_without_metric() -> None:
    """The page explains no metric that has gone."""
    rows = re.findall(r"^\| `(answerable_\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [one.name for one in METRICS]


def test_every_reason_is_named() -> None:
    """Whoever reads a label finds its value on the page."""
    assert [one for one in StepReason if f"`{one}`" not in PAGE] == []


def test_every_failure_point_has_its_row() -> None:
    """What `why` may say is explained, with how sure it may be."""
    page = (GUIDE / "why.md").read_text()
    assert [one for one in (*FailurePoint, *Sureness) if f"\n| `{one}` | " not in page] == []
