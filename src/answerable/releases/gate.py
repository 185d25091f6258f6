"""Whether a release may serve: no worse than the one it would follow, within its limits, no leak.

Every finding has to be in favour. One that cannot be decided is not: what was not measured is
never taken for good, and an empty suite proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

import numpy as np

from answerable.quality.comparison import SEED, Both, Comparison
from answerable.quality.grades import Grade
from answerable.quality.paired import Compared, Decision, compare
from answerable.quality.records import EvalRun, Record

LATENCY: Final = "latency_ms"
COST: Final = "cost_usd"
_ANSWERS_MIN = 20
_SLOW = 0.95
_BOTH_ENDS = 0.9
_NAMED_MAX = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a release has to keep; what is None or empty is not asked for.

    Attributes:
        margin: So much of the share of good answers may be lost.
        margins: The same for the mean of a measure by its name: ``hit@10``, ``fact_recall``.
        latency_ms_max: 95 of 100 answers take no longer.
        latency_ratio_max: Nor longer than so many times what they take now.
        cost_usd_max: An answer costs no more in the mean.
    """

    margin: float = 0.05
    margins: Mapping[str, float] = field(default_factory=dict)
    latency_ms_max: float | None = None
    latency_ratio_max: float | None = None
    cost_usd_max: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: Of the question set, and what was measured on it.
        more: How many further questions would probably decide it; None where none would, or
            it is decided.
    """

    name: str
    decision: Decision
    because: str
    more: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a gate says, and everything it found."""

    decision: Decision
    findings: tuple[Finding, ...]

    @property
    def because(self) -> str:
        """The reasons for the decision, one a line: the worst first."""
        ranked = sorted(self.findings, key=lambda one: _WORST.index(one.decision))
        return "\n".join(f"{one.name}: {one.because}" for one in ranked) or "nothing was asked"

    @property
    def more(self) -> int | None:
        """How many further questions of one set would decide all of them; None where none would."""
        wanted = [one.more for one in self.findings if one.decision is Decision.INCONCLUSIVE]
        known = [one for one in wanted if one is not None]
        return max(known) if known and len(known) == len(wanted) else None


_WORST = (Decision.FAIL, Decision.INCONCLUSIVE, Decision.PASS)


def judged(
    compared: Sequence[Comparison], suites: Mapping[str, EvalRun], policy: Policy
) -> Judgement:
    """Return whether a release may serve.

    Args:
        compared: The live release and the candidate over each question set.
        suites: Runs of the candidate in which not one answer may be bad, by their name.
        policy: What has to be kept.
    """
    findings = [one for comparison in compared for one in _of_set(comparison, policy)]
    findings += [_of_suite(name, run.records) for name, run in suites.items()]
    # No findings at all are no reason to pass.
    worst = next((one for one in _WORST if any(f.decision is one for f in findings)), None)
    return Judgement(decision=worst or Decision.INCONCLUSIVE, findings=tuple(findings))


def _of_set(found: Comparison, policy: Policy) -> Iterator[Finding]:
    name = found.after.questions
    yield Finding(
        name=name,
        decision=found.verdict.decision,
        because=found.verdict.because,
        more=found.verdict.more,
    )
    both = found.both
    if disturbed := [one for pair in both for one in pair if one.disturbed]:
        yield _disturbed(name, disturbed)
    for measure, margin in policy.margins.items():
        yield _of_measure(f"{name}, {measure}", measure, both, margin)
    yield from _of_latency(f"{name}, latency", both, policy)
    if policy.cost_usd_max is not None:
        yield _of_cost(f"{name}, cost", [two for _, two in both], policy.cost_usd_max)


def _disturbed(name: str, records: Sequence[Record]) -> Finding:
    return Finding(
        name=f"{name}, models",
        decision=Decision.INCONCLUSIVE,
        because=f"{len(records)} answers are not the release's own: {records[0].disturbed}",
    )


def _of_measure(name: str, measure: str, both: Sequence[Both], margin: float) -> Finding:
    some = [pair for pair in both if all(measure in one.measures for one in pair)]
    found = compare(
        [one.measures[measure] for one, _ in some],
        [two.measures[measure] for _, two in some],
        clusters=[one.cluster for one, _ in some],
        rng=np.random.default_rng(SEED),
        level=_BOTH_ENDS,  # each of its ends by itself holds at 95 %
    )
    if found is None:
        because = "fewer than two questions measure it"
        return Finding(name=name, decision=Decision.INCONCLUSIVE, because=because)
    said = f"{found.difference:+.3f}, {found.low:+.3f} at worst, and {margin:g} may be lost"
    if found.low > -margin:
        return Finding(name=name, decision=Decision.PASS, because=said)
    if found.high < 0:
        return Finding(name=name, decision=Decision.FAIL, because=f"worse: {said}")
    more = _more(found, margin)
    return Finding(name=name, decision=Decision.INCONCLUSIVE, because=said, more=more)


def _more(found: Compared, margin: float) -> int | None:
    """Return how many further questions would narrow the interval enough, if the mean stays."""
    room, reach = found.difference + margin, found.difference - found.low
    if room <= 0:
        return None
    return max(1, round(found.n * ((reach / room) ** 2 - 1)))


def _of_latency(name: str, both: Sequence[Both], policy: Policy) -> Iterator[Finding]:
    limits = [policy.latency_ms_max] if policy.latency_ms_max is not None else []
    before = [one.measures[LATENCY] for one, _ in both if LATENCY in one.measures]
    after = [two.measures[LATENCY] for _, two in both if LATENCY in two.measures]
    few = min(len(before), len(after)) < _ANSWERS_MIN
    if policy.latency_ratio_max is not None and not few:
        limits.append(policy.latency_ratio_max * _slow(before))
    if few and (limits or policy.latency_ratio_max is not None):
        because = f"fewer than {_ANSWERS_MIN} answers say nothing about the slowest"
        yield Finding(name=name, decision=Decision.INCONCLUSIVE, because=because)
    elif limits:
        took, limit = _slow(after), min(limits)
        decision = Decision.PASS if took <= limit else Decision.FAIL
        because = f"95 of 100 within {took:.1f} ms, before {_slow(before):.1f}, limit {limit:.1f}"
        yield Finding(name=name, decision=decision, because=because)


def _slow(took: Sequence[float]) -> float:
    return float(np.quantile(took, _SLOW))


def _of_cost(name: str, records: Sequence[Record], limit: float) -> Finding:
    costs = [one.measures[COST] for one in records if COST in one.measures]
    if len(costs) < len(records) or not costs:
        because = f"{len(records) - len(costs)} answers have no price"
        return Finding(name=name, decision=Decision.INCONCLUSIVE, because=because)
    decision = Decision.PASS if fmean(costs) <= limit else Decision.FAIL
    because = f"${fmean(costs):.5f} an answer in the mean, limit ${limit:.5f}"
    return Finding(name=name, decision=decision, because=because)


def _of_suite(name: str, records: Sequence[Record]) -> Finding:
    """Return whether not one answer is bad. No statistics: one leak is one too many."""
    title = f"{name}, zero tolerance"
    bad = [one.id for one in records if one.grade is Grade.BAD]
    unknown = [one.id for one in records if one.grade is Grade.UNDECIDED or one.disturbed]
    if bad:
        because = f"{len(bad)} of {len(records)} bad: {', '.join(bad[:_NAMED_MAX])}"
        return Finding(name=title, decision=Decision.FAIL, because=because)
    if not records:
        because = "the suite is empty, which proves nothing"
        return Finding(name=title, decision=Decision.INCONCLUSIVE, because=because)
    if unknown:
        because = f"{len(unknown)} of {len(records)} undecided: {', '.join(unknown[:_NAMED_MAX])}"
        return Finding(name=title, decision=Decision.INCONCLUSIVE, because=because)
    return Finding(name=title, decision=Decision.PASS, because=f"none of {len(records)} bad")
