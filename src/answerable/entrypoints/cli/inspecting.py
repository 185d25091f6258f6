"""`jobs` and `settings`."""

from __future__ import annotations

from typing import Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json, table, when

jobs = typer.Typer(no_args_is_help=True, help="Background work: waiting, running, ended.")
settings = typer.Typer(no_args_is_help=True, help="Where things live on this machine.")


@jobs.callback()
def _jobs() -> None:
    """Background work: waiting, running, ended."""


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
            one.payload.get("path") or one.payload.get("source", ""),
            one.result or one.progress,
        )
        for one in found
    ]
    table(rows, ("job", "since", "kind", "state", "attempts", "of", "result"))


@jobs.command("cancel")
def cancel_job(
    job: Annotated[str, typer.Argument(help="Its id, as `jobs list` shows it.")],
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """End a job that waits or runs. What it has sealed stays.

    Example:  answerable jobs cancel job-17
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        ended = app.cancel_job(job, who=app.owner().principal)
    if as_json:
        print_json(ended)
        return
    line(f"{ended.id}: {ended.result}")


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
