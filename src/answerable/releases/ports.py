"""What releases need from the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from answerable.domain.releases import Deployment, Release


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

    def deploy(
        self, *, release_id: str, pinned: int | None, who: str, because: str, at_ms: int
    ) -> Deployment:
        """Append a deployment with the next number; the first has number 0.

        Raises:
            NotFound: The release is not stored.
        """
        ...

    def deployments(self) -> Sequence[Deployment]:
        """Return all deployments, newest first."""
        ...

    def current(self) -> Deployment | None:
        """Return the newest deployment, None before the first."""
        ...
