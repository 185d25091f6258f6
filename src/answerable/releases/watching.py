"""What is seen of a canary: which answers count, whether they are bad, and how the bets stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from answerable.domain.decoding import decode
from answerable.domain.questions import Abstained, Cancelled, StepReason, Trace
from answerable.releases.canary import Arm, Canary, observed, observed_both

SEEN_MAX = 2_000
"""So many conversations are remembered: a later turn of one of them is no news."""

POINTS_MAX = 240
_FAILED = frozenset(
    {StepReason.OUTAGE, StepReason.TIMEOUT, StepReason.BREAKER, StepReason.MALFORMED}
)
_DIGITS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """How the bets stood after so many conversations of the candidate, for a picture.

    Attributes:
        worse, no_worse: Logarithms of the evidence, a number for each guard.
    """

    n: int
    worse: tuple[float, ...]
    no_worse: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A canary, and how far the ledger has been read for it.

    Attributes:
        read_ms: Traces up to about here have been looked at.
        seen: The last conversations that counted, oldest first.
        points: How the bets stood, thinned out where there are many.
        replayed: Id of the oldest recorded question that was asked again; empty before that.
    """

    canary: Canary
    read_ms: int
    seen: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    replayed: str = ""


def written(watch: Watch) -> str:
    """Return a watch as JSON."""
    return json.dumps(asdict(watch), separators=(",", ":"))


def read(text: str) -> Watch:
    """Return the watch that `written` made a text of.

    Raises:
        ValueError: It is none.
    """
    return decode(Watch, json.loads(text))


def conversation_of(principal: str, first: str) -> str:
    """Return what names a conversation: the same for all its turns, and nothing of its text.

    Args:
        principal: Who asks.
        first: What the client calls it, or its first question.
    """
    named = f"{principal}\n{first}".encode("utf-8", "surrogatepass")
    return sha256(named).hexdigest()[:_DIGITS]


def _abstained(trace: Trace) -> bool:
    return isinstance(trace.outcome, Abstained)


def _failed(trace: Trace) -> bool:
    return any(one.reason in _FAILED for one in trace.step_downs)


def _unsupported(trace: Trace) -> bool:
    return bool(trace.dropped)


GUARDS: Mapping[str, Callable[[Trace], bool]] = {
    "abstained": _abstained,
    "failed": _failed,
    "unsupported": _unsupported,
}
"""What may get worse: no answer; a model that failed; statements that had to be dropped."""

JUDGE = "trace-1"
"""Of what `GUARDS` find bad: another version is another test."""


def bad(trace: Trace, guards: Sequence[str]) -> tuple[bool, ...]:
    """Return whether an answer is bad, for each guard."""
    return tuple(GUARDS[name](trace) for name in guards)


def counts(watch: Watch, trace: Trace) -> bool:
    """Return whether a trace is the first answer of a conversation that is compared.

    One that was cut off, or for which somebody chose the rungs, says nothing of a release.
    """
    canary = watch.canary
    return (
        bool(trace.conversation)
        and trace.conversation not in watch.seen
        and trace.release in {canary.candidate, canary.baseline}
        and not isinstance(trace.outcome, Cancelled)
        and not any(one.startswith("asked for: ") for one in trace.overrides)
    )


def noted(watch: Watch, trace: Trace) -> Watch:
    """Return a watch after an answer of either release; one that does not count changes nothing."""
    if not counts(watch, trace):
        return watch
    canary = watch.canary
    arm = Arm.CANARY if trace.release == canary.candidate else Arm.LIVE
    after = observed(canary, arm, bad(trace, canary.plan.guards))
    return _pointed(replace(watch, canary=after, seen=_remembered(watch, trace.conversation)))


def noted_both(watch: Watch, name: str, live: Trace, candidate: Trace) -> Watch:
    """Return a watch after both releases answered one question.

    Args:
        watch: So far.
        name: Of the question, or its conversation.
        live: What the live release made of it.
        candidate: What the candidate made of it.
    """
    guards = watch.canary.plan.guards
    after = observed_both(watch.canary, bad(live, guards), bad(candidate, guards))
    return _pointed(replace(watch, canary=after, seen=_remembered(watch, name)))


def _remembered(watch: Watch, conversation: str) -> tuple[str, ...]:
    return (*watch.seen, conversation)[-SEEN_MAX:]


def _pointed(watch: Watch) -> Watch:
    """Return a watch with how the bets stand now, if they were played."""
    guards = watch.canary.guards
    n = guards[0].worse.n
    if n == (watch.points[-1].n if watch.points else 0):
        return watch
    point = Point(
        n=n,
        worse=tuple(round(one.worse.log_e, 3) for one in guards),
        no_worse=tuple(round(one.no_worse.log_e, 3) for one in guards),
    )
    points = (*watch.points, point)
    return replace(watch, points=points[::2] if len(points) > POINTS_MAX else points)
