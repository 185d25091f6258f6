"""`eval`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.domain.errors import BadInput
from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json, table, talk

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.library.ports import Source
    from answerable.quality.evaluation import Report, Scores

evaluation = typer.Typer(no_args_is_help=True, help="Measure answers on question sets.")

_TALK_EVERY = 100


@evaluation.callback()
def _group() -> None:
    """Measure answers on question sets."""


@evaluation.command("run")
def run(
    questions: Annotated[
        str, typer.Argument(help="JSONL file, folder with corpus, or name of a set.")
    ],
    docs: Annotated[
        list[Path] | None,
        typer.Option("--docs", help="Ask these documents, in memory, not the live library."),
    ] = None,
    k: Annotated[str, typer.Option("--k", help="Cut-offs of hit@k.")] = "1,5,10",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Ask every question of a set and report retrieval, quotes, citations and abstention.

    Example:  answerable eval run questions.jsonl --docs runbooks/
    """
    from answerable.app import load_question_set, open_app, open_memory

    ks = _cut_offs(k)
    found = load_question_set(questions, workspace)
    has_own = bool(docs) or found.corpus is not None
    with open_memory() if has_own else open_app(workspace) as app:
        if has_own:
            _read(app, docs or [], found.corpus)
        talk(f"{found.name}: {len(found.cases)} questions, {_library(app)}")
        report = app.evaluate(found, ks=ks, asked=_asked)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)


def _read(app: App, docs: Sequence[Path], corpus: Source | None) -> None:
    """Take in what shall be asked; say what could not be read."""
    from answerable.entrypoints.cli.ingesting import check_read, progress_bar, tell_unread

    app.check_paths(docs)
    reports = []
    for folder in docs:
        with progress_bar() as progress:
            reports.append(app.ingest(folder, progress=progress))
    if corpus is not None:
        with progress_bar() as progress:
            reports.append(app.ingest_corpus(corpus, progress=progress))
    for report in reports:
        tell_unread(report)
    check_read(reports)


def _cut_offs(given: str) -> tuple[int, ...]:
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise BadInput(f"--k takes whole numbers from 1, not {given!r}", hint="--k 1,5,10")
    return tuple(sorted({int(part) for part in parts}))


def _library(app: App) -> str:
    revision = app.serving().revision
    return f"{revision.documents} documents" if revision else "an empty library"


def _asked(count: int) -> None:
    if count % _TALK_EVERY == 0:
        talk(f"  {count} asked")


def _show(report: Report) -> None:
    names = [name for name, value in report.overall.items() if not isinstance(value, Mapping)]
    columns = {"all": report.overall, **report.tags}
    table(
        [(name, *(_cell(scores, name) for scores in columns.values())) for name in names],
        ("", *columns),
    )
    line()
    intervals = report.overall.get("intervals")
    if isinstance(intervals, Mapping):
        for name, (low, high) in intervals.items():
            line(f"{name}: 95 % interval {low:.3f} to {high:.3f} (Wilson)")


def _cell(scores: Scores, name: str) -> str:
    value = scores.get(name)
    if value is None or isinstance(value, Mapping):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
