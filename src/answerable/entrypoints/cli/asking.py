"""`ask` and `try`."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, counted, line, print_json, talk

if TYPE_CHECKING:
    from answerable.answering.events import Event
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
    *,
    as_json: Json = False,
    top: Top = None,
    explain: Explain = False,
    rung: Annotated[
        str, typer.Option("--rung", help="Let only this rung answer: quote, search, model:NAME.")
    ] = "",
    model: Annotated[str, typer.Option("--model", help="Let only this model answer.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="The question goes on from the last one you asked.")
    ] = False,
    workspace: Workspace = None,
) -> None:
    """Answer a question from the library; every sentence is checked and cited.

    Example:  answerable ask "what does KubeAPIDown mean?"
    """
    from answerable.app import open_app
    from answerable.domain.cancel import Cancel

    with open_app(workspace) as app:
        _warn_if_void(app)
        happening = app.stream(
            question,
            app.owner(),
            cancel=Cancel(),
            rung=_rung(rung, model),
            follows=app.last_trace(app.owner()) if follow else "",
        )
        show(happening, as_json=as_json, top=top, explain=explain)


def _rung(rung: str, model: str) -> str:
    """Return the one rung that was asked for; empty for the whole ladder.

    Raises:
        BadInput: Two were asked for.
    """
    from answerable.domain.errors import BadInput

    if rung and model and rung != f"model:{model}":
        raise BadInput("--rung and --model ask for different rungs", hint="give one of them")
    return f"model:{model}" if model else rung


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
    from answerable.domain.cancel import Cancel
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
        happening = app.stream(question, app.owner(), cancel=Cancel())
        show(happening, as_json=as_json, top=top, explain=explain)


def show(
    happening: Generator[Event, None, None], *, as_json: bool, top: int | None, explain: bool
) -> None:
    """Print an answer or an abstention, each statement as soon as it was checked."""
    from answerable.answering.events import Done, Shown, Understood
    from answerable.entrypoints.cli.answers import Sheet, as_object

    sheet, passages = Sheet(), top or (8 if explain else 0)
    with closing(happening):
        for event in happening:
            if isinstance(event, Done):
                _notes(event.trace, explain=explain)
            if as_json:
                if isinstance(event, Done):
                    print_json(as_object(event.trace, passages=top))
                continue
            match event:
                case Understood():
                    _lines(["", *sheet.searched(event.searched)])
                case Shown():
                    _lines([*([] if sheet.shown else [""]), *sheet.claim(event.claim)])
                case Done():
                    below = sheet.end(event.trace, passages=passages, explain=explain)
                    _lines([*([] if sheet.shown else [""]), *below])
                case _:
                    pass


def _lines(texts: Iterable[str]) -> None:
    for text in texts:
        line(text)


def _notes(trace: Trace, *, explain: bool) -> None:
    if not explain:
        for override in trace.overrides:
            talk(f"note: {override}")
