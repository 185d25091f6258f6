"""`make demo`, up to the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.entrypoints.cli.main import cli
from answerable.entrypoints.cli.operating import DEMO_QUESTIONS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the Makefile calls, over the shipped documents, without the page."""
    monkeypatch.setattr(answerable.app.tools, "new_parser", lambda *_: InlineParser())
    folders = (ROOT / "docs" / "guide", ROOT / "examples" / "prometheus-operator-runbooks")
    docs = [part for folder in folders for part in ("--docs", str(folder))]
    return ["demo", "--workspace", str(tmp_path / "demo"), "--no-serve", *docs]


def test_the_demo_answers_two_questions_and_abstains_from_one(arguments: list[str]) -> None:
    """A newcomer sees a runbook quoted, the handbook quoted, and an honest abstention."""
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0
    shown = [result.stdout.index(f"> {question}") for question in DEMO_QUESTIONS]
    runbook, handbook, unanswerable = (
        result.stdout[begin:end] for begin, end in zip(shown, [*shown[1:], None], strict=True)
    )
    assert "KubeAPIDown.md" in runbook
    assert "answerable revisions switch" in handbook
    assert "The documents do not say" in unanswerable


def test_a_second_demo_reads_nothing_again(arguments: list[str]) -> None:
    """It starts from the workspace of the first."""
    runner = CliRunner()
    runner.invoke(cli, arguments)
    again = runner.invoke(cli, arguments)
    assert again.exit_code == 0
    assert again.stdout.count("nothing changed") == 2
