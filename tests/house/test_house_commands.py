"""Every command explains itself and has its place in the guide."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from answerable.entrypoints.cli.main import cli

ROOT = Path(__file__).parents[2]
GUIDE = "\n".join(page.read_text() for page in sorted((ROOT / "docs/guide").glob("*.md")))


def _commands() -> Iterator[tuple[str, ...]]:
    group = typer.main.get_command(cli)
    for name, command in group.commands.items():  # type: ignore[attr-defined] # it is a group
        children = getattr(command, "commands", None)
        if children is None:
            yield (name,)
        else:
            yield from ((name, child) for child in children)


COMMANDS = list(_commands())


def test_there_are_commands() -> None:
    """The list the tests below stand on is not empty."""
    assert ("ingest",) in COMMANDS
    assert ("revisions", "switch") in COMMANDS


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
        found |= set(re.findall(r"(?:\"|: |`)answerable ([a-z]+(?: [a-z]+)?)", file.read_text()))
    return found


@pytest.mark.parametrize("words", sorted(_hinted()))
def test_every_hint_names_a_command_that_exists(words: str) -> None:
    """What a failure tells people to type can be typed."""
    first, _, second = words.partition(" ")
    assert (first,) in COMMANDS or (first, second) in COMMANDS


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
