"""Gates: every finding has to be in favour, and nothing unknown is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from answerable.quality.comparison import compared
from answerable.quality.grades import Grade
from answerable.quality.paired import Decision
from answerable.quality.records import EvalRun, Record
from answerable.releases.gate import Policy, judged

GOOD, BAD, UNDECIDED = Grade.GOOD, Grade.BAD, Grade.UNDECIDED


def record(name: str, grade: Grade, **measures: float) -> Record:
    return Record(
        id=name,
        question=name,
        tags=(),
        cluster=name,
        grade=grade,
        measures=measures,
        outcome="answered",
        rung="quote",
        answer="a",
        because="",
    )


def run(grades: list[Grade], **measures: float) -> EvalRun:
    return EvalRun(
        id="run",
        questions="ops",
        questions_hash="h",
        release="rel",
        revision=1,
        at_ms=0,
        records=tuple(
            record(str(n), grade, **{name.replace("_at_", "@"): v for name, v in measures.items()})
            for n, grade in enumerate(grades)
        ),
    )


def decided(before: EvalRun, after: EvalRun, policy: Policy) -> dict[str, Decision]:
    """Return what was found by name, and the decision as ``all``."""
    found = judged([compared(before, after, margin=policy.margin)], {}, policy)
    return {"all": found.decision, **{one.name: one.decision for one in found.findings}}


SAME = run([GOOD] * 300, latency_ms=10.0, cost_usd=0.01, hit_at_10=1.0)


def test_as_good_a_release_passes() -> None:
    """Three hundred equal answers are enough for five points."""
    assert decided(SAME, SAME, Policy()) == {"all": Decision.PASS, "ops": Decision.PASS}


def test_one_finding_against_it_is_enough() -> None:
    """Whatever all others say; one that is unknown keeps it from passing."""
    slow = run([GOOD] * 300, latency_ms=31.0, cost_usd=0.03, hit_at_10=1.0)
    policy = Policy(latency_ratio_max=2.0, latency_ms_max=100, cost_usd_max=0.05)
    assert decided(SAME, slow, policy) == {
        "all": Decision.FAIL,
        "ops": Decision.PASS,
        "ops, latency": Decision.FAIL,
        "ops, cost": Decision.PASS,
    }
    policy = Policy(latency_ms_max=40, cost_usd_max=0.02)
    assert decided(SAME, slow, policy)["ops, latency"] is Decision.PASS
    assert decided(SAME, slow, policy)["ops, cost"] is Decision.FAIL


def test_what_was_not_measured_is_not_good() -> None:
    """No price, too few answers to know the slowest, a model that was down, nobody asked."""
    unpriced = replace(SAME, records=tuple(record(str(n), GOOD) for n in range(300)))
    policy = Policy(latency_ms_max=50, cost_usd_max=1, margins={"hit@10": 0.1})
    found = decided(unpriced, unpriced, policy)
    assert set(found) == {"all", "ops", "ops, latency", "ops, cost", "ops, hit@10"}
    assert found["ops"] is Decision.PASS
    assert {found[name] for name in found if name != "ops"} == {Decision.INCONCLUSIVE}
    down = replace(
        SAME, records=(replace(SAME.records[0], disturbed="model:main: outage"), *SAME.records[1:])
    )
    assert decided(SAME, down, Policy())["ops, models"] is Decision.INCONCLUSIVE
    assert judged([], {}, Policy()).decision is Decision.INCONCLUSIVE
    assert judged([], {}, Policy()).because == "nothing was asked"


def test_a_measure_may_not_fall_by_more_than_its_margin() -> None:
    """By the interval of the mean, not by the mean."""
    worse = run([GOOD] * 300, hit_at_10=0.8)
    policy = Policy(margins={"hit@10": 0.1})
    assert decided(SAME, worse, policy)["ops, hit@10"] is Decision.FAIL
    noisy = replace(
        SAME,
        records=tuple(
            record(str(n), GOOD, **{"hit@10": float(n % 4 != 0 or n > 40)}) for n in range(300)
        ),
    )
    assert decided(SAME, noisy, policy)["ops, hit@10"] is Decision.PASS
    tight = Policy(margins={"hit@10": 0.05})
    found = judged([compared(SAME, noisy, margin=0.05)], {}, tight)
    assert found.decision is Decision.FAIL, "an interval below 0 is worse, though by little"


def test_not_one_leak() -> None:
    """And an empty suite proves nothing."""
    for records, decision in (
        (SAME.records[:5], Decision.PASS),
        ((), Decision.INCONCLUSIVE),
        ((*SAME.records, record("leak", BAD)), Decision.FAIL),
        ((*SAME.records, record("unknown", UNDECIDED)), Decision.INCONCLUSIVE),
    ):
        found = judged([], {"leaks": replace(SAME, records=records)}, Policy())
        assert found.decision is decision
    found = judged(
        [compared(SAME, SAME, margin=0.05)],
        {"leaks": replace(SAME, records=(record("q7", BAD),))},
        Policy(),
    )
    assert found.because.splitlines()[0] == "leaks, zero tolerance: 1 of 1 bad: q7"


def test_it_says_how_many_questions_are_lacking() -> None:
    """The most that any finding lacks; none where one of them would never be decided."""
    few = run([GOOD] * 20 + [BAD] * 2)
    found = judged([compared(few, few, margin=0.05)], {}, Policy())
    assert found.decision is Decision.INCONCLUSIVE
    assert found.more == found.findings[0].more
    assert found.more is not None
    with_empty = judged(
        [compared(few, few, margin=0.05)], {"leaks": replace(few, records=())}, Policy()
    )
    assert with_empty.more is None


@pytest.mark.parametrize("lost", [0.05])
def test_at_the_margin_it_passes_one_time_in_twenty(lost: float) -> None:
    """As the level says: a release worse by just the margin."""
    rng = np.random.default_rng(20_261_207)
    passed, runs = 0, 600
    for _ in range(runs):
        change = rng.random(250)
        after = [BAD if one < 0.025 + lost else GOOD for one in change]
        before = [BAD if one > 1 - 0.025 else GOOD for one in change]
        found = judged([compared_fast(before, after)], {}, Policy())
        passed += found.decision is Decision.PASS
    assert 0.03 <= passed / runs <= 0.07


def compared_fast(before: list[Grade], after: list[Grade]):  # type: ignore[no-untyped-def]
    return compared(run(before), run(after), margin=0.05)
