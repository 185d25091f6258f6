"""`embedders`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.domain.errors import AnswerableError, Locked
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    is_terminal,
    line,
    print_json,
    table,
    talk,
)

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.app.filling import Heard

embedders = typer.Typer(no_args_is_help=True, help="What finds passages by their meaning.")

Named = Annotated[str, typer.Argument(help="Its name, as `embedders list` shows it.")]

_EXIT_FAILED = 1
_CHUNKS_A_SECOND = 50


@embedders.callback()
def _group() -> None:
    """What finds passages by their meaning."""


@embedders.command("list")
def list_embedders(as_json: Json = False, workspace: Workspace = None) -> None:
    """List the embedders that are set up, whether they work, and how far their vectors are.

    Example:  answerable embedders list
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found, coverage = app.embedders(), app.coverage()
        pinned = app.serving().deployment.pinned
    if as_json:
        print_json({"embedders": found, "coverage": coverage})
        return
    rows = [
        (
            f"{one.name}{'*' if one.is_used else ''}",
            str(one.dimension),
            one.space[:12],
            one.detail,
        )
        for one in found
    ]
    table(rows, ("embedder", "dimension", "space", ""))
    if coverage.space:
        which = "" if pinned is None else f" of the newest revision; {pinned} is pinned"
        talk(f"* finds now, in {coverage.share:.0%} of {coverage.chunks} chunks{which}")
    else:
        talk("the release that serves searches by words only")


@embedders.command("fetch")
def fetch_embedder(name: Named = "minilm", workspace: Workspace = None) -> None:
    """Get the weights of an embedder from where they were published, and check them.

    Example:  answerable embedders fetch minilm
    """
    from answerable.app import open_app

    with open_app(workspace) as app, _bar("fetching", "bytes") as heard:
        where = app.fetch_embedder(name, heard)
    line(f"{name}: {where}")


@embedders.command("check")
def check_embedder(
    name: Named = "minilm", as_json: Json = False, workspace: Workspace = None
) -> None:
    """Check that an embedder gives what it should, and measure how fast.

    Example:  answerable embedders check minilm
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        report = app.check_embedder(name)
    if as_json:
        print_json(report)
    else:
        for one in report.findings:
            line(f"{'well' if one.is_well else 'WRONG'}: {one.said}")
    if not report.is_well:
        raise typer.Exit(_EXIT_FAILED)


@embedders.command("fill")
def fill(workspace: Workspace = None) -> None:
    """Compute the vectors that the newest revision lacks, now, and seal them.

    A server does so by itself. Stopped, it goes on where it was.

    Example:  answerable embedders fill
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        fill_vectors(app)
        coverage = app.coverage()
        pinned = app.serving().deployment.pinned
    if not coverage.space:
        talk("the release that serves searches by words only: nothing to compute")
    else:
        line(f"{coverage.covered} of {coverage.chunks} chunks have vectors")
    if pinned is not None:
        talk(
            f"revision {pinned} is pinned and stays as it is; "
            "to answer with these: answerable revisions switch latest"
        )


def fill_vectors(app: App) -> None:
    """Compute what is lacking, with a bar."""
    with _bar("vectors", "chunks") as heard:
        app.fill_vectors(heard)


def try_to_fill(app: App, *, chunks_max: int | None = None) -> None:
    """Compute what is lacking; where that cannot be, say why in one line and go on by words.

    Args:
        app: Of the library.
        chunks_max: Where more are lacking, that is left to a server.
    """
    coverage = app.coverage()
    lacking = coverage.chunks - coverage.covered if coverage.space else 0
    if chunks_max is not None and lacking > chunks_max:
        talk(
            f"{lacking} chunks are found by their words only for now: their vectors take about "
            f"{lacking / _CHUNKS_A_SECOND / 60:.0f} minutes"
        )
        return
    try:
        fill_vectors(app)
    except Locked as error:
        talk(f"vectors come later: {error.message}; {error.hint}")
    except AnswerableError as error:
        talk(f"found by words only: {error.message}; {error.hint}")


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Heard]:
    """Give a bar with rate and time left on a terminal, nothing elsewhere."""
    if not is_terminal():
        yield _ignored
        return
    from answerable.entrypoints.cli.progress import counting

    with counting(what, unit) as heard:
        yield heard


def _ignored(_done: int, _of: int) -> None:
    pass
