"""`jobs` and `settings`."""

from __future__ import annotations

from typing import Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, print_json, table, when

jobs = typer.Typer(no_args_is_help=True, help="Uploads that wait, run or have ended.")
settings = typer.Typer(no_args_is_help=True, help="Where things live on this machine.")


@jobs.callback()
def _jobs() -> None:
    """Uploads that wait, run or have ended."""


@jobs.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """List background jobs, newest first.

    Example:  answerable jobs list --json
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.jobs(limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.id,
            when(one.created_ms),
            one.kind,
            one.state.value,
            f"{one.attempts}/{one.attempts_max}",
            one.payload.get("path", ""),
            one.result or one.progress,
        )
        for one in found
    ]
    table(rows, ("job", "since", "kind", "state", "attempts", "path", "result"))


@settings.callback()
def _settings() -> None:
    """Where things live on this machine."""


@settings.command("show")
def show_settings(as_json: Json = False, workspace: Workspace = None) -> None:
    """Show every setting, its value, and whether flag, environment, file or default says so.

    Example:  answerable settings show --json
    """
    from answerable.settings import explain

    found = explain(workspace)
    if as_json:
        print_json(found)
        return
    table([(one.name, str(one.value), one.origin) for one in found], ("setting", "value", "from"))
