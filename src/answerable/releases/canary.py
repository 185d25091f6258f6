"""A new release beside the one that serves, on a share of the conversations, until one has won.

What is compared is one conversation of the candidate with those the live release had meanwhile,
so that a bad hour counts for both. Each guard, such as quality or failures, has two bets
(`answerable.releases.betting`): that the candidate is worse, which rolls back, and that it is no
worse than the margin, which all guards have to win before it is promoted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from answerable.releases.betting import Bet, log_uneven, no_worse_than, played, worse_than

SPLIT_LOG = math.log(1_000)
"""So uneven a split is seen once in a thousand canaries: what was seen is no comparison."""

PERCENT_MAX = 50
_MINUTE_MS = 60_000
_DAYS_7 = 7 * 24 * 60


class Arm(StrEnum):
    """Which release a conversation is answered by."""

    LIVE = "live"
    CANARY = "canary"


class Step(StrEnum):
    """What is to be done about a canary."""

    WAIT = "wait"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a canary is run; it never changes while one runs.

    Attributes:
        guards: What may get worse, each with a test of its own.
        judge: What finds answers bad: verdicts of another judge would be another test.
        percent: Of the conversations, to the candidate; at most `PERCENT_MAX`.
        is_shadow: The candidate answers what the live release answers, and nobody sees it.
        margin: The share of bad answers may be so much higher, and it is promoted.
        alpha_rollback: How likely a good release is rolled back, all guards together.
        alpha_promote: How likely a release worse by the margin is promoted.
        exposure_min, minutes_min: Nothing is done before so many conversations of the
            candidate and so many minutes.
        exposure_max, minutes_max: Then it ends, decided or not.
        otherwise: What is done when it ends undecided: hold or roll back.
    """

    guards: tuple[str, ...]
    judge: str
    percent: int = 10
    is_shadow: bool = False
    margin: float = 0.05
    alpha_rollback: float = 0.01
    alpha_promote: float = 0.05
    exposure_min: int = 20
    minutes_min: int = 15
    exposure_max: int = 2_000
    minutes_max: int = _DAYS_7
    otherwise: Step = Step.HOLD


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """The two bets on one thing that may get worse, and what was counted."""

    name: str
    worse: Bet
    no_worse: Bet
    bad_live: int = 0
    bad_canary: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """A canary as far as it has come: all that has to survive a restart.

    Attributes:
        live, canary: Conversations of each.
        guards: In the order of the plan.
        meanwhile: Of each guard, the bad ones among the live conversations since the last
            comparison.
        since: How many live conversations these were.
        waiting: Conversations of the candidate that no live one has come beside yet.
        held: Why a person holds it; empty when nobody does. Held, it is never promoted.
    """

    candidate: str
    baseline: str
    plan: Plan
    began_ms: int
    guards: tuple[Guard, ...]
    live: int = 0
    canary: int = 0
    meanwhile: tuple[int, ...]
    since: int = 0
    waiting: tuple[tuple[bool, ...], ...] = ()
    held: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What is to be done, and why."""

    step: Step
    because: str


def begun(candidate: str, baseline: str, plan: Plan, *, now_ms: int) -> Canary:
    """Return a canary in which nothing has been seen.

    Args:
        candidate: Id of the new release.
        baseline: Id of the one that serves.
        plan: How it is run.
        now_ms: When it begins.
    """
    return Canary(
        candidate=candidate,
        baseline=baseline,
        plan=plan,
        began_ms=now_ms,
        guards=tuple(
            Guard(name=name, worse=worse_than(), no_worse=no_worse_than(plan.margin))
            for name in plan.guards
        ),
        meanwhile=(0,) * len(plan.guards),
    )


def arm_of(conversation: str, canary: Canary) -> Arm:
    """Return which release answers a conversation: always the same one.

    Args:
        conversation: What is the same in all its turns.
        canary: That is running. Another one divides conversations anew.
    """
    if canary.plan.is_shadow:
        return Arm.LIVE
    named = f"{canary.candidate}\n{canary.began_ms}\n{conversation}"
    drawn = int.from_bytes(sha256(named.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    return Arm.CANARY if drawn * 100 < canary.plan.percent else Arm.LIVE


def observed(canary: Canary, arm: Arm, bad: Sequence[bool]) -> Canary:
    """Return a canary after one more conversation, of which only one answer may count.

    Args:
        canary: So far.
        arm: Who answered.
        bad: Whether it was bad, for each guard. Undecided is bad.
    """
    if arm is Arm.LIVE:
        after = replace(
            canary,
            live=canary.live + 1,
            since=canary.since + 1,
            meanwhile=tuple(have + one for have, one in zip(canary.meanwhile, bad, strict=True)),
            guards=tuple(
                replace(guard, bad_live=guard.bad_live + one)
                for guard, one in zip(canary.guards, bad, strict=True)
            ),
        )
    else:
        after = replace(
            canary,
            canary=canary.canary + 1,
            waiting=(*canary.waiting, tuple(bad)),
            guards=tuple(
                replace(guard, bad_canary=guard.bad_canary + one)
                for guard, one in zip(canary.guards, bad, strict=True)
            ),
        )
    return _compared(after) if after.waiting and after.since else after


def observed_both(canary: Canary, live: Sequence[bool], candidate: Sequence[bool]) -> Canary:
    """Return a canary after both releases answered the same question, as a shadow does."""
    return observed(observed(canary, Arm.LIVE, live), Arm.CANARY, candidate)


def _compared(canary: Canary) -> Canary:
    """Play every bet once: a conversation of the candidate, and the live ones beside it."""
    first, *rest = canary.waiting
    guards = []
    for guard, bad, beside in zip(canary.guards, first, canary.meanwhile, strict=True):
        difference = bad - beside / canary.since
        guards.append(
            replace(
                guard,
                worse=played(guard.worse, difference),
                no_worse=played(guard.no_worse, difference),
            )
        )
    return replace(
        canary,
        guards=tuple(guards),
        waiting=tuple(rest),
        since=0,
        meanwhile=(0,) * len(canary.guards),
    )


def held(canary: Canary, because: str) -> Canary:
    """Return a canary that a person holds for a reason, or, with none, lets go on."""
    return replace(canary, held=because)


def advised(canary: Canary, *, now_ms: int) -> Advice:
    """Return what is to be done about a canary now; cheap enough to ask after every answer.

    Args:
        canary: As it is.
        now_ms: A clock that went backwards makes it wait, and decides nothing.
    """
    plan = canary.plan
    minutes = max(0, now_ms - canary.began_ms) / _MINUTE_MS
    if reason := _unfair(canary):
        return Advice(step=Step.HOLD, because=reason)
    if canary.canary < plan.exposure_min or minutes < plan.minutes_min:
        return Advice(step=Step.WAIT, because=_still(canary, minutes))
    if (won := _won(canary)) is not None:
        return won
    if canary.canary >= plan.exposure_max or minutes >= plan.minutes_max:
        return Advice(step=plan.otherwise, because=f"undecided at its end: {_counted(canary)}")
    return Advice(step=Step.WAIT, because=f"undecided: {_counted(canary)}")


def _won(canary: Canary) -> Advice | None:
    """Return what the bets say; None while none is won."""
    plan = canary.plan
    alpha = plan.alpha_rollback / len(canary.guards)
    for guard in canary.guards:
        if guard.worse.has_won(alpha):
            return Advice(step=Step.ROLL_BACK, because=_worse(canary, guard))
    if not all(guard.no_worse.has_won(plan.alpha_promote) for guard in canary.guards):
        return None
    if canary.held:
        return Advice(step=Step.HOLD, because=f"it has won, and is held: {canary.held}")
    because = f"no worse by {100 * plan.margin:g} points: {_counted(canary)}"
    return Advice(step=Step.PROMOTE, because=because)


def _unfair(canary: Canary) -> str:
    plan, seen = canary.plan, canary.live + canary.canary
    if plan.is_shadow or log_uneven(canary.canary, seen, share=plan.percent / 100) < SPLIT_LOG:
        return ""
    return (
        f"{canary.canary} of {seen} conversations went to the candidate where "
        f"{plan.percent} % should: the two cannot be compared"
    )


def _still(canary: Canary, minutes: float) -> str:
    plan = canary.plan
    return (
        f"{canary.canary} of {plan.exposure_min} conversations and {minutes:.0f} of "
        f"{plan.minutes_min} minutes before anything is decided"
    )


def _worse(canary: Canary, guard: Guard) -> str:
    return (
        f"{guard.name} is worse: {guard.bad_canary} of {canary.canary} bad, "
        f"{guard.bad_live} of {canary.live} in the live release"
    )


def _counted(canary: Canary) -> str:
    return "; ".join(
        f"{one.name} {one.bad_canary} of {canary.canary} bad, live {one.bad_live} of {canary.live}"
        for one in canary.guards
    )
