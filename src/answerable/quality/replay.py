"""Whether a question that was answered again came to the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from answerable.domain.questions import Abstained, Claim, Trace

# Confidence is a sum of floats; the same sum on another machine differs in the last digits.
_DIGITS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that came out otherwise.

    Attributes:
        what: ``searched``, ``passages``, ``confidence``, ``step_downs``, ``shown``, ``dropped``
            or ``outcome``, in the order of a question's path.
        then, now: It was, and it is, in words for people.
    """

    what: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What a replay came to.

    Attributes:
        replies: How many recorded replies of models stood for the models.
        differences: None when everything came out the same.
        notes: What may explain a difference.
    """

    trace_id: str
    release: str
    revision: int
    replies: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether everything came out the same."""
        return not self.differences


def differences(then: Trace, now: Trace) -> tuple[Difference, ...]:
    """Return what of a question's path came out otherwise, in the order of the path.

    Times and what calls cost are not compared: nobody promises them.
    """
    return tuple(
        Difference(what=what, then=_listed(told(then)), now=_listed(told(now)))
        for what, told in _TOLD
        if told(then) != told(now)
    )


def _searched(trace: Trace) -> list[str]:
    return [trace.searched or trace.question]


def _passages(trace: Trace) -> list[str]:
    return [f"{one.path} {one.chunk.start}-{one.chunk.end}" for one in trace.passages]


def _confidence(trace: Trace) -> list[str]:
    return [f"{trace.outcome.confidence:.{_DIGITS}f}"]


def _step_downs(trace: Trace) -> list[str]:
    return [f"{one.rung} ({one.reason.value})" for one in trace.step_downs]


def _shown(trace: Trace) -> list[str]:
    claims = () if isinstance(trace.outcome, Abstained) else trace.outcome.claims
    return [_claim(one) for one in claims]


def _dropped(trace: Trace) -> list[str]:
    return [_claim(one) for one in trace.dropped]


def _outcome(trace: Trace) -> list[str]:
    outcome = trace.outcome
    code = f", {outcome.code}" if isinstance(outcome, Abstained) else ""
    return [f"{type(outcome).__name__.lower()} on {outcome.rung or 'no rung'}{code}"]


def _claim(claim: Claim) -> str:
    cited = ", ".join(f"{one.path} {one.start}-{one.end}" for one in claim.citations)
    return f"“{claim.text}” {claim.verdict.value.value}{f' [{cited}]' if cited else ''}"


def _listed(told: list[str]) -> str:
    return "; ".join(told) or "nothing"


_TOLD: tuple[tuple[str, Callable[[Trace], list[str]]], ...] = (
    ("searched", _searched),
    ("passages", _passages),
    ("confidence", _confidence),
    ("step_downs", _step_downs),
    ("shown", _shown),
    ("dropped", _dropped),
    ("outcome", _outcome),
)
