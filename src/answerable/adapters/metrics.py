"""Counts and latencies made from traces, in the text format of Prometheus.

No line of a question's path counts anything: each trace is counted once, when it is kept. Labels
are names of the release, of the settings and of this file, never text of a question or document.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from threading import Lock
from typing import TypeVar

from answerable.domain.questions import Abstained, Claim, ModelUse, StepReason, Trace

OTHER = "other"
"""Stands for every value of a label that is not one of those known beforehand."""

_RUNGS = ("quote", "search", "abstain")
_ENDS = frozenset(
    {"stop", "length", "filtered", "given up", "cancelled", *(one.value for one in StepReason)}
)
# Seconds: 0.01 doubled again and again, as the GenAI conventions of OpenTelemetry have it.
BUCKETS = tuple(0.01 * 2**power for power in range(14))


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """What is counted under one name.

    Attributes:
        kind: ``counter``, ``gauge`` or ``histogram``.
        labels: In the order in which they are written.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


ANSWERS = Metric(
    name="answerable_answers_total",
    kind="counter",
    labels=("outcome", "rung"),
    help="Questions that came to an end, by how and on which rung.",
)
STEP_DOWNS = Metric(
    name="answerable_step_downs_total",
    kind="counter",
    labels=("rung", "reason"),
    help="Rungs that were left without an answer.",
)
CLAIMS = Metric(
    name="answerable_claims_total",
    kind="counter",
    labels=("fate", "verdict"),
    help="Statements that were shown or dropped, by the verdict on them.",
)
CALLS = Metric(
    name="answerable_model_calls_total",
    kind="counter",
    labels=("model", "ended"),
    help="Calls of language models, by how they ended.",
)
TOKENS = Metric(
    name="answerable_model_tokens_total",
    kind="counter",
    labels=("model", "direction", "ended"),
    help="Tokens sent to and received from language models, estimated ones among them.",
)
COST = Metric(
    name="answerable_model_cost_usd_total",
    kind="counter",
    labels=("model", "ended"),
    help="What calls with a known price cost, in US dollars.",
)
UNPRICED = Metric(
    name="answerable_model_unpriced_calls_total",
    kind="counter",
    labels=("model",),
    help="Calls whose price is not known, which is not the same as free.",
)
FIRST_TOKEN = Metric(
    name="answerable_model_first_token_seconds",
    kind="histogram",
    labels=("model",),
    help="From a call of a model to its first token; calls without one are not in it.",
)
DURATION = Metric(
    name="answerable_answer_duration_seconds",
    kind="histogram",
    labels=("outcome",),
    help="From a question to its outcome.",
)
NOT_KEPT = Metric(
    name="answerable_traces_not_kept_total",
    kind="counter",
    labels=(),
    help="Answers whose trace could not be put into the ledger.",
)
OPEN = Metric(
    name="answerable_answers_open",
    kind="gauge",
    labels=(),
    help="Answers that are on their way now.",
)
METRICS = (
    ANSWERS,
    STEP_DOWNS,
    CLAIMS,
    CALLS,
    TOKENS,
    COST,
    UNPRICED,
    FIRST_TOKEN,
    DURATION,
    NOT_KEPT,
    OPEN,
)

Labels = tuple[str, ...]
_T = TypeVar("_T")


class _Histogram:
    """How many values fell into each bucket, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.sum += value


class Metrics:
    """Counts traces since this process began. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[Metric, Labels], int | Decimal] = defaultdict(int)
        self._histograms: dict[tuple[Metric, Labels], _Histogram] = defaultdict(_Histogram)
        self._counts[NOT_KEPT, ()] = 0

    def add(self, trace: Trace, *, ladder: Collection[str]) -> None:
        """Count a trace.

        Args:
            trace: Of a question that came to an end.
            ladder: The rungs of its release; who asks may name others, which count as `OTHER`.
        """
        rungs = frozenset((*_RUNGS, *ladder))
        outcome = type(trace.outcome).__name__.lower()
        claims = () if isinstance(trace.outcome, Abstained) else trace.outcome.claims
        with self._lock:
            self._count(ANSWERS, (outcome, _rung(trace.outcome.rung, rungs)))
            self._histograms[DURATION, (outcome,)].add(trace.took_ms / 1000)
            for step in trace.step_downs:
                self._count(STEP_DOWNS, (_rung(step.rung, rungs), step.reason.value))
            self._claims("shown", claims)
            self._claims("dropped", trace.dropped)
            for call in trace.calls:
                self._call(call)

    def not_kept(self) -> None:
        """Count a trace that could not be stored."""
        with self._lock:
            self._count(NOT_KEPT, ())

    def text(self, *, now_open: int) -> str:
        """Return everything that was counted, every metric with its help.

        Args:
            now_open: How many answers are on their way.
        """
        with self._lock:
            self._counts[OPEN, ()] = now_open
            return "".join(f"{line}\n" for line in self._lines())

    def _claims(self, fate: str, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._count(CLAIMS, (fate, claim.verdict.value.value))

    def _call(self, call: ModelUse) -> None:
        ended = call.ended if call.ended in _ENDS else OTHER
        self._count(CALLS, (call.model, ended))
        self._count(TOKENS, (call.model, "in", ended), call.tokens_in)
        self._count(TOKENS, (call.model, "out", ended), call.tokens_out)
        if call.cost_usd is None:
            self._count(UNPRICED, (call.model,))
        else:
            self._count(COST, (call.model, ended), Decimal(call.cost_usd))
        if call.first_token_ms is not None:
            self._histograms[FIRST_TOKEN, (call.model,)].add(call.first_token_ms / 1000)

    def _count(self, metric: Metric, labels: Labels, by: int | Decimal = 1) -> None:
        self._counts[metric, labels] += by

    def _lines(self) -> Iterator[str]:
        for metric in METRICS:
            yield f"# HELP {metric.name} {metric.help}"
            yield f"# TYPE {metric.name} {metric.kind}"
            for labels, number in _of(metric, self._counts):
                yield f"{metric.name}{_labels(metric.labels, labels)} {number}"
            for labels, histogram in _of(metric, self._histograms):
                yield from _histogram(metric, labels, histogram)


def _of(metric: Metric, kept: Mapping[tuple[Metric, Labels], _T]) -> list[tuple[Labels, _T]]:
    found = [(labels, value) for (one, labels), value in kept.items() if one is metric]
    return sorted(found, key=lambda pair: pair[0])


def _rung(name: str, known: Collection[str]) -> str:
    """Return a rung as a label; without a rung, before the ladder was reached, ``none``."""
    if not name:
        return "none"
    return name if name in known else OTHER


def _histogram(metric: Metric, labels: Labels, histogram: _Histogram) -> Iterator[str]:
    names, total = (*metric.labels, "le"), sum(histogram.counts)
    for bound, count in zip((*BUCKETS, None), accumulate(histogram.counts), strict=True):
        le = "+Inf" if bound is None else f"{bound:g}"
        yield f"{metric.name}_bucket{_labels(names, (*labels, le))} {count}"
    yield f"{metric.name}_sum{_labels(metric.labels, labels)} {histogram.sum}"
    yield f"{metric.name}_count{_labels(metric.labels, labels)} {total}"


def _labels(names: Labels, values: Labels) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{','.join(pairs)}}}" if names else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
