"""Whether there is room to take anything in; answering needs none."""

from __future__ import annotations

import shutil
from pathlib import Path

from answerable.domain.errors import DiskFull


class Room:
    """The disk of the data directory.

    Args:
        folder: The data directory, or where it will be.
        least_bytes: So much has to be free before anything is taken in.
    """

    def __init__(self, folder: Path, *, least_bytes: int) -> None:
        self._folder = folder
        self._least_bytes = least_bytes

    @property
    def free_bytes(self) -> int:
        """How much is free."""
        there = next(one for one in (self._folder, *self._folder.parents) if one.exists())
        return shutil.disk_usage(there).free

    def check(self) -> None:
        """Make sure that there is room.

        Raises:
            DiskFull: There is too little; what is there goes on answering.
        """
        free = self.free_bytes
        if free < self._least_bytes:
            raise DiskFull(
                f"{free / 2**20:,.0f} MiB are free on the disk of {self._folder}, and nothing is "
                f"taken in below {self._least_bytes / 2**20:,.0f} MiB",
                hint="free some space there, or lower ingest.free_mb_min in answerable.toml",
            )
