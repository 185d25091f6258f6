"""What Prometheus reads: each trace counted once, under names and labels that stay few."""

from __future__ import annotations

import re
from dataclasses import replace

from answerable.adapters.metrics import METRICS, Metrics
from answerable.domain.questions import (
    Abstained,
    Answered,
    Claim,
    ModelUse,
    StepDown,
    StepReason,
    Trace,
    Verdict,
    VerdictValue,
)

SECRET = "the password is hunter2"  # noqa: S105  a text that must not be repeated
LADDER = ("model:local", "quote", "search", "abstain")
# As Prometheus reads a line: a name, labels, a number.
SAMPLE = re.compile(
    r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+0-9.eE]+$'
)


def claim(value: VerdictValue) -> Claim:
    """Return a statement with a verdict."""
    verdict = Verdict(value=value, judge="features", score=0.5, reasons=(SECRET,))
    return Claim(text=SECRET, citations=(), verdict=verdict)


USE = ModelUse(
    model="local",
    purpose="answer",
    tokens_in=100,
    tokens_out=20,
    is_estimated=False,
    method="",
    cost_usd="0.00015",
    first_token_ms=30.0,
    took_ms=400.0,
    ended="stop",
)
TRACE = Trace(
    id="t1",
    at_ms=1,
    principal="owner",
    question=SECRET,
    release="r1",
    revision=1,
    overrides=(),
    passages=(),
    evidence=(),
    outcome=Answered(
        rung="model:local", claims=(claim(VerdictValue.SUPPORTED),) * 2, confidence=1.0
    ),
    steps=(),
    took_ms=450.0,
    dropped=(claim(VerdictValue.UNSUPPORTED), claim(VerdictValue.UNDECIDED)),
    calls=(USE,),
)


def lines(metrics: Metrics) -> list[str]:
    """Return the lines with numbers."""
    return [one for one in metrics.text(now_open=3).splitlines() if not one.startswith("#")]


def counted(*traces: Trace) -> list[str]:
    """Return the lines after these traces."""
    metrics = Metrics()
    for trace in traces:
        metrics.add(trace, ladder=LADDER)
    return lines(metrics)


def test_a_trace_is_counted_under_every_metric_it_concerns() -> None:
    """Outcome and rung, claims by verdict, calls, tokens and what they cost."""
    found = counted(TRACE, TRACE)
    for line in (
        'answerable_answers_total{outcome="answered",rung="model:local"} 2',
        'answerable_claims_total{fate="shown",verdict="supported"} 4',
        'answerable_claims_total{fate="dropped",verdict="undecided"} 2',
        'answerable_model_calls_total{model="local",ended="stop"} 2',
        'answerable_model_tokens_total{model="local",direction="in",ended="stop"} 200',
        'answerable_model_tokens_total{model="local",direction="out",ended="stop"} 40',
        'answerable_model_cost_usd_total{model="local",ended="stop"} 0.00030',
        "answerable_answers_open 3",
    ):
        assert line in found


def test_latencies_are_cumulative_buckets_in_seconds() -> None:
    """A value counts in its bucket and in every wider one; the last holds all."""
    found = counted(TRACE, replace(TRACE, took_ms=1e6))
    name = 'answerable_answer_duration_seconds_bucket{outcome="answered",le='
    assert f'{name}"0.32"}} 0' in found
    assert f'{name}"0.64"}} 1' in found
    assert f'{name}"81.92"}} 1' in found
    assert f'{name}"+Inf"}} 2' in found
    assert 'answerable_answer_duration_seconds_sum{outcome="answered"} 1000.45' in found
    assert 'answerable_answer_duration_seconds_count{outcome="answered"} 2' in found
    assert 'answerable_model_first_token_seconds_bucket{model="local",le="0.04"} 2' in found


def test_unpriced_is_not_free_and_no_token_has_no_latency() -> None:
    """A call without a price is counted apart; one without a token is in no histogram."""
    found = counted(replace(TRACE, calls=(replace(USE, cost_usd=None, first_token_ms=None),)))
    assert 'answerable_model_unpriced_calls_total{model="local"} 1' in found
    assert not any("cost_usd" in one or "first_token" in one for one in found)


def test_a_step_down_is_counted_by_rung_and_reason() -> None:
    """So that an alarm can tell an outage from a budget."""
    step = StepDown(rung="model:local", reason=StepReason.OUTAGE, detail=SECRET)
    found = counted(replace(TRACE, step_downs=(step,)))
    assert 'answerable_step_downs_total{rung="model:local",reason="outage"} 1' in found


def test_nobody_who_asks_makes_new_labels() -> None:
    """A rung made up by a caller and an end made up by a provider count as other."""
    many = [
        replace(
            TRACE,
            outcome=Abstained(code="policy", because="", confidence=0.0),
            step_downs=(StepDown(rung=f"model:{n}", reason=StepReason.POLICY, detail=""),),
            calls=(replace(USE, ended=f"end {n}"),),
        )
        for n in range(50)
    ]
    found = counted(*many)
    assert 'answerable_step_downs_total{rung="other",reason="policy"} 50' in found
    assert 'answerable_model_calls_total{model="local",ended="other"} 50' in found
    assert len(found) == len(counted(many[0]))


def test_every_line_can_be_read_and_tells_no_text() -> None:
    """It keeps to the format, whatever a model is called, and repeats nobody's words."""
    odd = replace(TRACE, calls=(replace(USE, model='a"b\\c\nd'),))
    metrics = Metrics()
    metrics.add(odd, ladder=LADDER)
    text = metrics.text(now_open=0)
    assert [one for one in lines(metrics) if not SAMPLE.match(one)] == []
    assert "hunter2" not in text
    assert text.endswith("\n")
    assert re.findall(r"^# TYPE (\w+)", text, re.MULTILINE) == [one.name for one in METRICS]


def test_names_say_unit_and_kind() -> None:
    """Counters end in _total, times in _seconds, and each has a help of one line."""
    for metric in METRICS:
        assert metric.name.startswith("answerable_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_seconds") == (metric.kind == "histogram")
        assert "\n" not in metric.help
