"""`ask` and `try`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, counted, line, print_json, talk

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.domain.questions import Trace

# So many chunks have their vectors in some twenty seconds; who tries something waits no longer.
_TRIED_CHUNKS = 1_000

Top = Annotated[
    int | None, typer.Option("--top", min=1, max=50, help="Show so many passages it looked at.")
]
Explain = Annotated[bool, typer.Option("--explain", help="Show scores, evidence and timings.")]
QuestionText = Annotated[str, typer.Argument(help="The question, in quotation marks.")]


def ask(
    question: QuestionText,
    as_json: Json = False,
    top: Top = None,
    explain: Explain = False,
    workspace: Workspace = None,
) -> None:
    """Answer a question from the library, with exact quotes.

    Example:  answerable ask "what does KubeAPIDown mean?"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        _warn_if_void(app)
        show(app.ask(question, app.owner()), as_json=as_json, top=top, explain=explain)


def _warn_if_void(app: App) -> None:
    """Say that what was promised of answers does not hold any more, if so."""
    from answerable.app.calibrating import said

    standing = app.calibration()
    if standing.state.value == "void":
        talk(f"note: {said(standing)}")


def try_(
    path: Annotated[Path, typer.Argument(help="A file or folder of documents.")],
    question: QuestionText,
    as_json: Json = False,
    top: Top = None,
    explain: Explain = False,
) -> None:
    """Answer a question from a file or folder, in memory; nothing is left behind.

    Example:  answerable try runbooks/ "what does KubeAPIDown mean?"
    """
    from answerable.app import open_memory
    from answerable.entrypoints.cli.embedding import try_to_fill
    from answerable.entrypoints.cli.ingesting import check_read, progress_bar, tell_unread

    with open_memory() as app:
        with progress_bar() as progress:
            report = app.ingest(path, progress=progress)
        read = counted(report.documents, "document")
        talk(f"read {read} in {report.took_ms / 1000:.1f} s")
        tell_unread(report)
        check_read([report])
        try_to_fill(app, chunks_max=_TRIED_CHUNKS)
        show(app.ask(question, app.owner()), as_json=as_json, top=top, explain=explain)


def show(trace: Trace, *, as_json: bool, top: int | None, explain: bool) -> None:
    """Print an answer or an abstention."""
    from answerable.entrypoints.cli.answers import as_object, lines

    if not explain:
        for override in trace.overrides:
            talk(f"note: {override}")
    if as_json:
        print_json(as_object(trace, passages=top))
        return
    for text in lines(trace, passages=top or (8 if explain else 0), explain=explain):
        line(text)
