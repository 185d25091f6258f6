"""The first screen is run, not believed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from answerable.adapters.embedders.weights import find_weights
from answerable.entrypoints.cli.main import cli

ROOT = Path(__file__).parents[2]
_SCREEN = re.compile(r"```console\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^\$ answerable (try .*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def _examples() -> list[tuple[str, str]]:
    screen = _SCREEN.findall((ROOT / "README.md").read_text())[0]
    return _COMMAND.findall(screen)


@pytest.mark.parametrize(("command", "shown"), _examples(), ids=["answered", "abstained"])
def test_the_first_screen_is_what_is_printed(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both commands of README's first screen print exactly what it shows, up to the footer."""
    if find_weights() is None:
        pytest.skip("the weights of all-MiniLM-L6-v2 are not installed")
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "minilm")
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(cli, shlex.split(command))
    assert result.exit_code == 0
    printed = result.stdout.rstrip().rsplit("\n", 1)[0]
    assert printed.strip("\n") == shown.strip("\n")


def test_readme_shows_an_answer_and_an_abstention() -> None:
    """The first screen has one of each, so that the test above tests something."""
    (_, answered), (_, abstained) = _examples()
    assert "[1]" in answered
    assert "The documents do not say" in abstained
