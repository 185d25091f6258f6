"""Every command explains itself and has its place in the guide."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from answerable.entrypoints.cli.main import cli

ROOT = Path(__file__).parents[2]
GUIDE = "\n".join(page.read_text() for page in sorted((ROOT / "docs/guide").glob("*.md")))


def _commands(group: Any, *above: str) -> Iterator[tuple[str, ...]]:
    """Give every command below a group by its names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *above, name)
        else:
            yield (*above, name)


COMMANDS = list(_commands(typer.main.get_command(cli)))


def test_there_are_commands() -> None:
    """The list the tests below stand on is not empty."""
    assert ("ingest",) in COMMANDS
    assert ("revisions", "switch") in COMMANDS
    assert ("releases", "canary", "start") in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    """Help says what it does and shows one command that works."""
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example:" in result.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_stands_in_the_guide(command: tuple[str, ...]) -> None:
    """A page of the guide names it as it is typed."""
    assert f"answerable {' '.join(command)}" in GUIDE


def _hinted() -> set[str]:
    """Return the commands that hints and talk tell people to type, without arguments."""
    found = set()
    for file in (ROOT / "src" / "answerable").rglob("*.py"):
        # In a string: after its beginning, a colon or a gap, and up to what is no plain word.
        typed = r"(?:\"|: |`)answerable ([a-z]+(?: [a-z]+){0,2})"
        found |= set(re.findall(typed, file.read_text()))
    return found


@pytest.mark.parametrize("words", sorted(_hinted()))
def test_every_hint_names_a_command_that_exists(words: str) -> None:
    """What a failure tells people to type can be typed."""
    typed = tuple(words.split())
    assert any(typed[:length] in COMMANDS for length in range(1, len(typed) + 1))


def test_help_imports_nothing_heavy() -> None:
    """Help comes at once: no database, web framework, parser, index or painter is loaded for it."""
    script = (
        "import sys, answerable.entrypoints.cli.main\n"
        "heavy = {'sqlalchemy', 'fastapi', 'tantivy', 'pydantic', 'markdown_it', 'alembic'}\n"
        "heavy.add('rich')\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
