"""`make demo`, up to the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import answerable.app.tools
from answerable.adapters.embedders.weights import find_weights
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


def answers(output: str) -> list[str]:
    """Return what is printed below each question."""
    shown = [output.index(f"> {question}") for question in DEMO_QUESTIONS]
    return [output[begin:end] for begin, end in zip(shown, [*shown[1:], None], strict=True)]


def test_the_demo_answers_three_questions_and_abstains_from_one(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newcomer sees two runbooks quoted, the handbook quoted, and an honest abstention."""
    if find_weights() is None:
        pytest.skip("the weights of all-MiniLM-L6-v2 are not installed")
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "minilm")
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0
    runbook, meant, handbook, unanswerable = answers(result.stdout)
    assert "KubeAPIDown.md" in runbook
    assert "Deleting no longer needed data is the fastest and the cheapest" in meant
    assert "answerable revisions switch" in handbook
    assert "The documents do not say" in unanswerable


def test_words_alone_miss_what_the_demo_finds_by_meaning(arguments: list[str]) -> None:
    """Of the second question the words lead elsewhere; the others need no vectors."""
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0
    runbook, meant, handbook, unanswerable = answers(result.stdout)
    assert "no longer needed data" not in meant
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
