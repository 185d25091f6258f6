"""What releases need from the outside world."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from answerable.domain.releases import Deployment, Proposal, Release, Ruling


class Register(Protocol):
    """Releases by id and the append-only record of deployments.

    Every method may raise `StorageFailure`; a change is durable when it returns.
    """

    def add(self, release: Release) -> None:
        """Store a release; the same one twice is no change."""
        ...

    def release(self, release_id: str) -> Release | None:
        """Return a release."""
        ...

    def propose(self, release: Release, proposal: Proposal) -> Proposal:
        """Store a release with who proposed it, whole or not at all.

        Returns:
            What is kept: the first proposal of a recipe stands.
        """
        ...

    def proposals(self) -> Sequence[Proposal]:
        """Return all proposals, newest first."""
        ...

    def ids(self) -> Sequence[str]:
        """Return the ids of all releases, in no order."""
        ...

    def deploy(
        self,
        *,
        release_id: str,
        pinned: int | None,
        who: str,
        because: str,
        at_ms: int,
        chosen: bool = False,
        after: int | None = None,
    ) -> Deployment:
        """Append a deployment with the next number; the first has number 0.

        Args:
            release_id: Of a release that is stored.
            pinned: A revision number; None follows the line.
            who: Who says so.
            because: Why.
            at_ms: When.
            chosen: Whether somebody chose the release.
            after: Number of the deployment that this one has to follow directly; None for any.

        Raises:
            NotFound: The release is not stored.
            Conflict: Somebody deployed after `after`.
        """
        ...

    def deployments(self) -> Sequence[Deployment]:
        """Return all deployments, newest first."""
        ...

    def current(self) -> Deployment | None:
        """Return the newest deployment, None before the first."""
        ...

    def rule(
        self,
        *,
        candidate: str,
        against: str,
        questions: str,
        decision: str,
        because: str,
        who: str,
        at_ms: int,
    ) -> Ruling:
        """Append what a gate said, with the next number.

        Raises:
            NotFound: The candidate is not stored.
        """
        ...

    def rulings(self) -> Sequence[Ruling]:
        """Return what gates said, newest first."""
        ...


class Stage(StrEnum):
    """How far a canary is.

    ``promoting`` is between the decision and the deployment: whoever finds it so, deploys.
    """

    RUNNING = "running"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    UNDECIDED = "undecided"
    STOPPED = "stopped"


OPEN = frozenset({Stage.RUNNING, Stage.PROMOTING})


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryRecord:
    """A canary as it is stored.

    Attributes:
        number: From 0, rising.
        watch: What was seen, as JSON.
        held: Why a person holds it; empty when nobody does.
        because: Why it began; once it has ended, why it ended.
        who: Who began it.
        ended_ms: None while it is open.
    """

    number: int
    candidate: str
    baseline: str
    watch: str
    held: str
    stage: Stage
    because: str
    who: str
    began_ms: int
    ended_ms: int | None


class Canaries(Protocol):
    """The record of canaries, of which one at most is open.

    Every method may raise `StorageFailure`; a change is durable when it returns.
    """

    def begin(
        self, *, candidate: str, baseline: str, watch: str, who: str, because: str, now_ms: int
    ) -> CanaryRecord:
        """Store a new one with the next number.

        Raises:
            NotFound: The candidate is not stored.
            Conflict: Another one is open.
        """
        ...

    def all(self) -> Sequence[CanaryRecord]:
        """Return all canaries, newest first."""
        ...

    def open(self) -> CanaryRecord | None:
        """Return the one that is open."""
        ...

    def save(self, number: int, watch: str) -> bool:
        """Store what was seen; return False, and store nothing, where it does not run any more."""
        ...

    def hold(self, number: int, because: str) -> bool:
        """Note why a person holds it, or with nothing that nobody does; False as for `save`."""
        ...

    def move(
        self,
        number: int,
        stage: Stage,
        *,
        of: Collection[Stage],
        because: str,
        now_ms: int,
    ) -> bool:
        """Bring it to a stage if it is at one of these; return whether it was.

        A stage that is not open ends it.
        """
        ...
