"""Canaries: who answers, what counts, and what is done when."""

from dataclasses import replace

import numpy as np
import pytest

from answerable.releases.canary import (
    Arm,
    Canary,
    Plan,
    Step,
    advised,
    arm_of,
    begun,
    held,
    observed,
    observed_both,
)

PLAN = Plan(guards=("quality",), judge="features", minutes_min=0)
HOUR_MS = 3_600_000


def started(**changes: object) -> Canary:
    """Return a canary with another plan."""
    return begun("rel-b", "rel-a", replace(PLAN, **changes), now_ms=0)  # type: ignore[arg-type]


def test_a_conversation_stays_where_it_is() -> None:
    """And so many as planned go to the candidate, others in another canary."""
    canary = started(percent=10)
    names = [f"conversation {n}" for n in range(5_000)]
    arms = [arm_of(name, canary) for name in names]
    assert arms == [arm_of(name, canary) for name in names]
    assert 420 <= arms.count(Arm.CANARY) <= 580
    again = replace(canary, began_ms=1)
    both = sum(arm_of(name, again) is arm is Arm.CANARY for name, arm in zip(names, arms))  # noqa: B905
    assert both < 100


def test_nobody_sees_a_shadow() -> None:
    """It answers beside the live release."""
    canary = started(is_shadow=True, percent=50)
    assert {arm_of(str(n), canary) for n in range(100)} == {Arm.LIVE}


def test_each_conversation_is_compared_with_those_beside_it() -> None:
    """One difference for each of the candidate's; it waits for a live one."""
    canary = started()
    canary = observed(canary, Arm.CANARY, [True])
    assert canary.guards[0].worse.n == 0
    canary = observed(canary, Arm.LIVE, [True])
    assert canary.guards[0].worse.n == 1
    assert canary.guards[0].worse.log_e == pytest.approx(0)
    for bad in (True, False, False, False):
        canary = observed(canary, Arm.LIVE, [bad])
    canary = observed(canary, Arm.CANARY, [False])
    assert canary.guards[0].worse.n == 2
    # 0 less 1 / 4, on a line of 0: the stakes lose a quarter each.
    stakes = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8])
    assert canary.guards[0].worse.log_e == pytest.approx(np.log((1 - stakes / 4).mean()))
    assert (canary.live, canary.canary, canary.since) == (5, 2, 0)


def test_a_bad_release_is_rolled_back_and_not_before_it_was_seen() -> None:
    """Twenty of its conversations at least, and the minutes too."""
    canary = started(minutes_min=15, is_shadow=True)
    for seen in range(1, 25):
        canary = observed_both(canary, [False], [True])
        early = advised(canary, now_ms=HOUR_MS).step is Step.WAIT
        assert early == (seen < 20)
    assert advised(canary, now_ms=60_000).step is Step.WAIT
    assert advised(canary, now_ms=-HOUR_MS).step is Step.WAIT
    advice = advised(canary, now_ms=HOUR_MS)
    assert advice.step is Step.ROLL_BACK
    assert advice.because == "quality is worse: 24 of 24 bad, 0 of 24 in the live release"


def test_as_good_a_release_is_promoted_unless_a_person_holds_it() -> None:
    """A person wins at any time; a bad one would be rolled back all the same."""
    canary = started(is_shadow=True)
    for _ in range(200):
        canary = observed_both(canary, [False], [False])
    assert advised(canary, now_ms=HOUR_MS).step is Step.PROMOTE
    canary = held(canary, "until Monday")
    advice = advised(canary, now_ms=HOUR_MS)
    assert (advice.step, advice.because) == (Step.HOLD, "it has won, and is held: until Monday")
    assert advised(held(canary, ""), now_ms=HOUR_MS).step is Step.PROMOTE


def test_every_guard_has_to_win_and_one_is_enough_to_lose() -> None:
    """And the chance of a false alarm is shared among them."""
    canary = started(guards=("quality", "failures"), is_shadow=True)
    for _ in range(200):
        canary = observed_both(canary, [False, True], [False, True])
    assert advised(canary, now_ms=HOUR_MS).step is Step.PROMOTE
    for _ in range(60):
        canary = observed_both(canary, [False, False], [False, True])
    advice = advised(canary, now_ms=HOUR_MS)
    assert advice.step is Step.ROLL_BACK
    assert advice.because.startswith("failures is worse")


def test_an_uneven_split_decides_nothing() -> None:
    """Something other than chance sent conversations to the candidate."""
    canary = started(percent=10)
    for _ in range(100):
        canary = observed_both(canary, [False], [True])
    advice = advised(canary, now_ms=HOUR_MS)
    assert advice.step is Step.HOLD
    assert "100 of 200 conversations" in advice.because


@pytest.mark.parametrize("otherwise", [Step.HOLD, Step.ROLL_BACK])
def test_it_ends_undecided_as_planned(otherwise: Step) -> None:
    """Too many answers or too many days; a canary without traffic ends too."""
    canary = started(otherwise=otherwise, exposure_max=30, exposure_min=0, is_shadow=True)
    late = canary.plan.minutes_max * 60_000
    assert advised(canary, now_ms=late - 1).step is Step.WAIT
    assert advised(canary, now_ms=late).step is otherwise
    for n in range(30):
        canary = observed_both(canary, [n % 2 == 0], [n % 2 == 0])
    assert advised(canary, now_ms=0).step is otherwise


def outcome(live: float, candidate: float, rng: np.random.Generator) -> tuple[Step, int]:
    """Return how a canary of ten percent ends, and after how many of its conversations."""
    canary = started(exposure_min=0)
    while True:
        for bad in rng.random(9) < live:
            canary = observed(canary, Arm.LIVE, [bool(bad)])
        canary = observed(canary, Arm.CANARY, [bool(rng.random() < candidate)])
        advice = advised(canary, now_ms=HOUR_MS)
        if advice.step is not Step.WAIT:
            return advice.step, canary.canary


@pytest.mark.accept
@pytest.mark.parametrize(
    ("live", "candidate", "rolled_back", "median"),
    [
        (0.05, 0.15, (0.99, 1.0), 127),
        (0.05, 0.20, (0.99, 1.0), 79),
        (0.05, 0.30, (0.99, 1.0), 46),
        (0.10, 0.20, (0.98, 1.0), 145),
        (0.05, 0.05, (0.0, 0.01), 203),
        (0.10, 0.10, (0.0, 0.01), 296),
        (0.05, 0.10, (0.93, 1.0), 292),
    ],
)
def test_the_table_of_the_reference(
    live: float, candidate: float, rolled_back: tuple[float, float], median: int
) -> None:
    """False alarms stay below alpha, and a decision takes as long as was published, within 20 %."""
    rng = np.random.default_rng(20_261_203)
    ends = [outcome(live, candidate, rng) for _ in range(600)]
    low, high = rolled_back
    assert low <= sum(step is Step.ROLL_BACK for step, _ in ends) / len(ends) <= high
    wanted = Step.PROMOTE if live == candidate else Step.ROLL_BACK
    took = float(np.median([n for step, n in ends if step is wanted]))
    assert took == pytest.approx(median, rel=0.2)
    if candidate - live >= 0.05:
        assert sum(step is Step.PROMOTE for step, _ in ends) / len(ends) <= 0.05


def test_chance_rolls_nothing_back_and_a_bad_release_goes() -> None:
    """The same with few runs, so that every run of the tests looks."""
    rng = np.random.default_rng(20_261_204)
    assert [outcome(0.05, 0.05, rng)[0] for _ in range(10)] == [Step.PROMOTE] * 10
    assert [outcome(0.05, 0.3, rng)[0] for _ in range(10)] == [Step.ROLL_BACK] * 10
