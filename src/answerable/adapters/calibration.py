"""The certificate of a workspace: one file beside its aliases, for Git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from answerable.adapters.disk import translated, write_whole
from answerable.domain.errors import BadConfiguration
from answerable.quality.certificate import Certificate, dumps, loads
from answerable.quality.ports import Certificates

CALIBRATION_NAME = "calibration.json"


class CalibrationFile:
    """Fits `quality.ports.Certificates`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Certificate | None:
        """Return the certificate in the file, None if there is no file."""
        if not self._path.exists():
            return None
        try:
            with translated(self._path):
                text = self._path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadConfiguration(
                f"{self._path} is not UTF-8",
                hint="take it back from Git, or answerable calibrate --clear",
            ) from error
        return loads(text, name=str(self._path))

    def keep(self, certificate: Certificate) -> None:
        """Write the file anew; whoever reads meanwhile finds the old one or the new one whole."""
        write_whole(self._path, dumps(certificate))

    def clear(self) -> bool:
        """Remove the file."""
        with translated(self._path):
            is_there = self._path.exists()
            self._path.unlink(missing_ok=True)
        return is_there


_: Callable[..., Certificates] = CalibrationFile
