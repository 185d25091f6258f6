"""What happens while a question is answered, in the order it happens."""

from __future__ import annotations

from dataclasses import dataclass

from answerable.domain.questions import Claim, Passage, StepDown, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """The question leaned on an earlier one; this is what is searched for instead."""

    searched: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieved:
    """These passages were found, best first; the answer is made of them and nothing else.

    Attributes:
        revision: Number of the revision they were found in.
    """

    passages: tuple[Passage, ...]
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A statement that was checked and holds. It is never taken back."""

    claim: Claim
    rung: str
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A statement of a model that does not hold, or may not; its verdict says why."""

    claim: Claim
    rung: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SteppedDown:
    """A rung was left; the next one has its turn."""

    step: StepDown


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The question has its outcome. Nothing follows."""

    trace: Trace


Event = Understood | Retrieved | Shown | Dropped | SteppedDown | Done
