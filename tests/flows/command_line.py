"""Runs `answerable` inside the test's process, as a shell would see it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.entrypoints.cli import main as cli


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, which must be JSON."""
        return json.loads(self.out)

    def check_error(self, code: str, *, status: int) -> str:
        """Make sure that it failed as every command fails, and return the two lines it said."""
        assert self.status == status, self
        last_two = self.err.splitlines()[-2:]
        assert last_two[0].startswith(f"error[{code}]: "), self.err
        assert last_two[1].startswith("  hint: "), self.err
        assert "Traceback" not in self.err
        return "\n".join(last_two)


class Shell:
    """A terminal in a folder.

    Attributes:
        home: Its current folder; absolute.
    """

    def __init__(
        self, home: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self._patch = patch
        self._captured = captured
        patch.chdir(home)
        patch.setenv("XDG_DATA_HOME", str(home / "share"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.delenv("ANSWERABLE_WORKSPACE", raising=False)
        # Files are read by the same code, without starting processes for each test.
        patch.setattr(answerable.app.tools, "new_parser", _inline)

    def run(self, *arguments: str | Path) -> Ran:
        """Run `answerable` with these arguments."""
        self._captured.readouterr()
        self._patch.setattr(sys, "argv", ["answerable", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = self._captured.readouterr()
        status = left.value.code or 0
        assert isinstance(status, int)
        return Ran(status=status, out=out, err=err)

    def done(self, *arguments: str | Path) -> Ran:
        """Run `answerable`, which must not fail."""
        ran = self.run(*arguments)
        assert ran.status == 0, ran
        return ran

    def write(self, path: str, text: str | bytes = "Water is wet.\n") -> Path:
        """Write a file below the current folder; return its path."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def cd(self, folder: str) -> None:
        """Go to a folder below the first one."""
        self._patch.chdir(self.home / folder)


def _inline(*_: object) -> InlineParser:
    return InlineParser()


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Give a terminal in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def library(shell: Shell) -> Shell:
    """Give a terminal in a workspace whose library holds `docs/water.md` and `docs/fire.md`."""
    shell.done("init", "--data-dir", "data")
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    shell.done("ingest", "docs")
    return shell
