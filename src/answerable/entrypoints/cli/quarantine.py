"""`documents quarantine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.ingesting import EXIT_PARTLY, progress_bar, summary
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    counted,
    line,
    print_json,
    table,
    talk,
    when,
)

if TYPE_CHECKING:
    from answerable.app.quarantine import Ill

quarantine = typer.Typer(
    no_args_is_help=True,
    help="Documents that could not be read, and what to do about each.\n\n"
    "Example:  answerable documents quarantine list",
    short_help="Documents that could not be read, and what to do about each.",
)

Name = Annotated[str, typer.Argument(help="Id or path of the file.")]


@quarantine.command("list")
def list_quarantined(
    quiet: Annotated[
        bool, typer.Option("--ignored", help="List those that are ignored as well.")
    ] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """List files that could not be read, by path, with what to do about each.

    Example:  answerable documents quarantine list --json
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.quarantined()
    if as_json:
        print_json(found)
        return
    if not found:
        talk("nothing is in quarantine")
        return
    heard = [one for one in found if quiet or not one.document.ignored_because]
    rows = [
        (
            one.document.document_id,
            one.document.path,
            one.document.code,
            str(one.document.size or ""),
            str(one.document.attempts),
            when(one.document.first_seen_ms),
            _to_do(one),
        )
        for one in heard
    ]
    table(rows, ("id", "path", "code", "bytes", "tried", "since", "what to do"))
    if left := len(found) - len(heard):
        talk(f"and {left} ignored: answerable documents quarantine list --ignored")


def _to_do(one: Ill) -> str:
    because = one.document.ignored_because
    return f"ignored: {because}" if because else one.advice


@quarantine.command("show")
def show_quarantined(document: Name, as_json: Json = False, workspace: Workspace = None) -> None:
    """Show what is known of one file that could not be read.

    Example:  answerable documents quarantine show reports/2024.pdf
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.find_quarantined(document)
    if as_json:
        print_json(found)
        return
    one = found.document
    for name, value in (
        ("id", one.document_id),
        ("path", one.path),
        ("source", one.source),
        ("code", one.code),
        ("reason", one.reason),
        ("what to do", found.advice),
        ("format", one.format or "none"),
        ("bytes", str(one.size) if one.bytes_hash else "unknown"),
        ("sha-256", one.bytes_hash or "unknown"),
        ("tried", counted(one.attempts, "time")),
        ("first seen", when(one.first_seen_ms)),
        ("last seen", when(one.last_seen_ms)),
        ("ignored", f"by {one.ignored_by}: {one.ignored_because}" if one.ignored_by else "no"),
    ):
        line(f"{name:<14}{value}")


@quarantine.command("retry")
def retry_quarantined(
    documents: Annotated[
        list[str] | None, typer.Argument(help="Ids or paths; all of them if left out.")
    ] = None,
    later: Annotated[
        bool, typer.Option("--later", help="Only when it is next ingested, not now.")
    ] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Read files again that could not be read, though nothing about them has changed.

    Example:  answerable documents quarantine retry reports/2024.pdf
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        wanted = app.retry_quarantined(tuple(documents or ()))
        if not later and wanted:
            with progress_bar() as progress:
                reports = app.reread(wanted, progress=progress)
            for report in () if as_json else reports:
                for text in summary(report, verbose=False):
                    line(text)
        ids = {one.document.document_id for one in wanted}
        left = tuple(one for one in app.quarantined() if one.document.document_id in ids)
    if as_json:
        print_json(left)
        return
    talk(_after(wanted, left))
    if any(one.document.line for one in left):
        raise typer.Exit(EXIT_PARTLY)


def _after(wanted: tuple[Ill, ...], left: tuple[Ill, ...]) -> str:
    """Return what came of trying again."""
    if not wanted:
        return "nothing is in quarantine"
    waiting = [one for one in left if not one.document.line]
    said = [f"{len(wanted) - len(left)} of {len(wanted)} are well now"]
    if failed := len(left) - len(waiting):
        said.append(f"{failed} cannot be read")
    if waiting:
        said.append(f"{len(waiting)} are tried when they are next ingested or sent again")
    return "; ".join(said)


@quarantine.command("ignore")
def ignore_quarantined(
    document: Name,
    because: Annotated[str, typer.Option("--because", help="Why, for the record.")],
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Hear no more of a file that cannot be read: ingest skips it and does not fail for it.

    Example:  answerable documents quarantine ignore old.pdf --because "a scan of a receipt"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.ignore_quarantined(document, who=app.owner().principal, because=because)
    if as_json:
        print_json(found)
    talk(f"ignored; to hear of it again: answerable documents quarantine retry {document}")
