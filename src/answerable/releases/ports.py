"""What releases need from the outside world."""

from __future__ import annotations

from collections.abc import Sequence
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
