"""`documents original` and `documents reparse`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from answerable.domain.errors import BadInput, Conflict
from answerable.entrypoints.cli.ingesting import EXIT_PARTLY, as_object, progress_bar, summary
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    counted,
    line,
    print_json,
    talk,
)

_NAMED_MAX = 20


def original(
    document: Annotated[str, typer.Argument(help="Id or path of the document.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write it to this file, or into this folder."),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Write the bytes a document was read from to a file or a pipe.

    Example:  answerable documents original reports/2024.md -o 2024.md
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.original(app.find_document(document, app.owner()), app.owner())
    if output is not None:
        output = output / found.name if output.is_dir() else output
        if output.exists():
            raise Conflict(f"{output} is there already", hint="name another file, or move it away")
        output.write_bytes(found.data)
        talk(f"wrote {counted(len(found.data), 'byte')} to {output}")
        return
    if sys.stdout.isatty():
        # What a document says must not steer a terminal.
        raise BadInput("it is not written to a terminal", hint="name a file: --output FILE")
    sys.stdout.buffer.write(found.data)


def reparse(as_json: Json = False, workspace: Workspace = None) -> None:
    """Read documents again from their originals that were read in an older way.

    For after an upgrade, where their source is not at hand; an ingest of it does the same.

    Example:  answerable documents reparse
    """
    from answerable.app import open_app

    with open_app(workspace) as app, progress_bar() as progress:
        done = app.reparse(progress=progress)
    if as_json:
        reports = [as_object(one) for one in done.reports]
        print_json({"reports": reports, "missing": done.missing})
    for report in () if as_json else done.reports:
        for text in summary(report, verbose=False):
            line(text)
    if not done.reports and not done.missing:
        talk("every document is read as documents are now")
    for one in done.missing[:_NAMED_MAX]:
        talk(f"  no original of {one.document.path}; ingest {one.document.source}")
    if done.missing or any(report.has_failures for report in done.reports):
        raise typer.Exit(EXIT_PARTLY)
