"""What quality needs from outside."""

from __future__ import annotations

from typing import Protocol

from answerable.quality.certificate import Certificate


class Certificates(Protocol):
    """Keeps the one certificate of a workspace.

    Every method may raise `StorageFailure`.
    """

    def read(self) -> Certificate | None:
        """Return what is kept, None if nothing is.

        Raises:
            BadConfiguration: It cannot be understood.
        """
        ...

    def keep(self, certificate: Certificate) -> None:
        """Put a certificate in the place of what was kept, whole or not at all."""
        ...

    def clear(self) -> bool:
        """Forget what is kept, readable or not; return whether there was anything."""
        ...
