"""`serve` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Workspace, line, talk

if TYPE_CHECKING:
    from answerable.entrypoints.web.addition import Adding

Host = Annotated[str | None, typer.Option(help="Address to listen on; this machine only for now.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")]

# A folder with more is found by its words at first; the server computes its vectors.
_DEMO_CHUNKS = 1_000

DEMO_QUESTIONS = (
    "What should I check when KubeAPIDown fires?",
    # The page speaks of volumes and of data no longer needed; words alone miss it.
    "Log files fill the drive, what may I delete?",
    "How do I go back to an earlier revision?",
    "How do I renew my parking permit for the office garage?",
)


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
    workspace: Workspace = None,
) -> None:
    """Serve the page and the API until Ctrl-C; with the extra [mcp], tools under /mcp as well.

    Example:  answerable serve --port 8080
    """
    from answerable.entrypoints.web.server import serve as run
    from answerable.settings import find_workspace, load

    found = find_workspace(workspace or Path())
    settings = load(found).serve
    raise typer.Exit(
        run(
            found,
            host=host or settings.host,
            port=settings.port if port is None else port,
            workers=workers or settings.workers,
            adding=_additions(),
        )
    )


def _additions() -> tuple[Adding, ...]:
    from answerable.entrypoints.mcp import is_installed

    if not is_installed():
        return ()
    from answerable.entrypoints.mcp.http import addition

    return (addition,)


def mcp(workspace: Workspace = None) -> None:
    """Serve the tools ask, search, get_document and verify to an MCP client over stdin and stdout.

    A client starts it, and ends it by closing its stdin. Needs the extra [mcp].

    Example:  answerable mcp --workspace ops
    """
    from answerable.entrypoints.mcp import check_installed

    check_installed()
    from answerable.entrypoints.mcp.stdio import serve as run

    raise typer.Exit(run(workspace))


def worker(workspace: Workspace = None) -> None:
    """Do background work without serving: sources, uploads, vectors. Ctrl-C ends it.

    As many as you like, beside `serve` or alone; each job is done by one of them.

    Example:  answerable worker
    """
    from answerable.entrypoints.working import work

    raise typer.Exit(work(workspace))


def demo(
    docs: Annotated[list[Path], typer.Option("--docs", help="Folders to read.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Made if missing.")],
    port: Port = None,
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the page at the end.")
    ] = True,
) -> None:
    """Read some folders, answer four questions, one of them unanswerable, and serve the page.

    Example:  answerable demo --workspace demo --docs docs/guide
    """
    from answerable.app import init_workspace, open_app
    from answerable.domain.cancel import Cancel
    from answerable.entrypoints.cli.asking import show
    from answerable.entrypoints.cli.embedding import try_to_fill
    from answerable.entrypoints.cli.ingesting import (
        check_read,
        progress_bar,
        summary,
        tell_unread,
    )

    init_workspace(workspace, data_dir="data")
    with open_app(workspace) as app:
        app.check_paths(docs)
        reports = []
        for folder in docs:
            with progress_bar() as progress:
                report = app.ingest(folder, progress=progress)
            line(next(summary(report, verbose=False)))
            tell_unread(report)
            reports.append(report)
            try_to_fill(app, chunks_max=_DEMO_CHUNKS)
        check_read(reports)
        for question in DEMO_QUESTIONS:
            line(f"\n> {question}")
            show(
                app.stream(question, app.owner(), cancel=Cancel()),
                as_json=False,
                top=None,
                explain=False,
            )
    if serving:
        talk("")
        serve(port=port, workspace=workspace)
