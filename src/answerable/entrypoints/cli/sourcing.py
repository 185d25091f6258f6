"""`sources`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from answerable.domain.errors import BadInput
from answerable.entrypoints.cli.ingesting import progress_bar
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    counted,
    is_terminal,
    line,
    print_json,
    table,
    talk,
    when,
)

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.operations.ports import Job
    from answerable.operations.sources import RegisteredSource

EXIT_HELD, EXIT_FAILED = 4, 1

sources = typer.Typer(no_args_is_help=True, help="Where documents come from, kept in step.")
Name = Annotated[str, typer.Argument(help="What the source is called.")]


@sources.callback()
def _sources() -> None:
    """Where documents come from, kept in step."""


@sources.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it: lower-case letters, digits, `-`.")],
    place: Annotated[str, typer.Argument(help="A folder, an address, or `push`.")],
    *,
    kind: Annotated[str, typer.Option(help="folder, git, web, bucket, push; else seen.")] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", help="KEY=VALUE of its kind, as branch=main; the guide has all."
        ),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option("--include", "-i", help="Take only these, as .gitignore.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", "-x", help="Leave these out, as .gitignore.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Who may read it, beside the owner.")
    ] = None,
    every: Annotated[
        str, typer.Option(help="15m, 2h, 1d, cron in UTC, or never; left out, by its kind.")
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Follow changes of a folder at once.")
    ] = True,
    loss_max: Annotated[
        float, typer.Option(min=0, max=1, help="Share that may vanish at once unasked.")
    ] = 0.3,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Register a source. `serve` or `worker` reads it from then on; `sources sync` does now.

    Example:  answerable sources add runbooks /srv/runbooks --every 15m
    """
    from answerable.app import open_app

    options = _options(option or ())
    with open_app(workspace) as app:
        made = app.sources.add(
            name,
            place,
            who=app.owner().principal,
            kind=kind,
            options=options,
            include=include or (),
            exclude=exclude or (),
            labels=label or (),
            schedule=every,
            watch=watch,
            loss_max=loss_max,
        )
    if as_json:
        print_json(as_object(made))
        return
    what = " ".join(filter(None, (made.spec.kind.value, made.spec.place)))
    line(f"added {name}: {what}, {_when(made)}")
    talk(f"next: answerable sources sync {name}, or leave it to answerable serve")


@sources.command("list")
def list_sources(as_json: Json = False, workspace: Workspace = None) -> None:
    """List sources with their health.

    Example:  answerable sources list
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.sources.all()
    if as_json:
        print_json([as_object(one) for one in found])
        return
    if not found:
        talk("no sources; answerable sources add NAME PLACE")
        return
    rows = [
        (
            one.spec.name,
            one.spec.kind.value,
            one.health.state,
            str(one.health.documents),
            when(one.health.succeeded_ms) if one.health.succeeded_ms else "never",
            one.spec.schedule,
            one.health.error or one.spec.place,
        )
        for one in found
    ]
    table(rows, ("source", "kind", "state", "documents", "last read", "every", "place or error"))


@sources.command("show")
def show(name: Name, as_json: Json = False, workspace: Workspace = None) -> None:
    """Show one source: what was said of it, how it is, and what to do.

    Example:  answerable sources show runbooks
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        one = app.sources.source(name)
    if as_json:
        print_json(as_object(one))
        return
    for key, value in _lines(one):
        line(f"{key:<12}{value}")


@sources.command("sync")
def sync(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; or --all.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that are not paused.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Read it now, or only queue it.")
    ] = True,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Bring the library in step with sources now.

    Exits with 1 when one could not be read, 4 when one seems to have lost too much.

    Example:  answerable sources sync runbooks
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        chosen = _chosen(app, names or (), every=every)
        jobs = [app.sources.sync(name, because="asked for") for name in chosen]
        if wait:
            jobs = [_waited(app, job) for job in jobs]
        found = [app.sources.source(name) for name in chosen]
    _tell(found, jobs, as_json=as_json)
    if wait:
        raise typer.Exit(_status(found, jobs))


@sources.command("approve")
def approve(name: Name, as_json: Json = False, workspace: Workspace = None) -> None:
    """Let a source lose the documents that are kept because they were too many, now.

    Example:  answerable sources approve runbooks
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        job = _waited(app, app.sources.approve(name, who=app.owner().principal))
        found = [app.sources.source(name)]
    _tell(found, [job], as_json=as_json)
    raise typer.Exit(_status(found, [job]))


@sources.command("pause")
def pause(name: Name, as_json: Json = False, workspace: Workspace = None) -> None:
    """Stop reading a source; its documents stay.

    Example:  answerable sources pause runbooks
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        one = app.sources.pause(name)
    _say_state(one, as_json=as_json)


@sources.command("resume")
def resume(name: Name, as_json: Json = False, workspace: Workspace = None) -> None:
    """Read a source again.

    Example:  answerable sources resume runbooks
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        one = app.sources.resume(name)
    _say_state(one, as_json=as_json)


@sources.command("remove")
def remove(
    name: Name,
    *,
    keep_documents: Annotated[
        bool, typer.Option("--keep-documents", help="Leave its documents in the library.")
    ] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Forget a source; its documents vanish with a new revision.

    Example:  answerable sources remove runbooks
    """
    from answerable.app import open_app
    from answerable.library.report import Change

    with open_app(workspace) as app:
        who = app.owner().principal
        report = app.sources.remove(name, keep_documents=keep_documents, who=who)
        before = app.revision(report.revision).revision.base if report and report.revision else None
    gone = report.count(Change.REMOVED) if report else 0
    sealed = report.revision if report else None
    if as_json:
        print_json({"removed": name, "documents": gone, "revision": sealed})
        return
    after = f" with revision {sealed}" if sealed else ""
    line(f"removed {name}; {counted(gone, 'document')} vanished{after}")
    if before:
        talk(f"to undo it: answerable revisions switch {before}")


def as_object(one: RegisteredSource) -> dict[str, Any]:
    """Return a source as JSON values."""
    from answerable.app.source_kinds import as_json

    return as_json(one)


def _chosen(app: App, names: Sequence[str], *, every: bool) -> list[str]:
    if every == bool(names):
        raise BadInput("name sources, or give --all", hint="answerable sources sync runbooks")
    if every:
        return [one.spec.name for one in app.sources.all() if one.is_read]
    return list(dict.fromkeys(app.sources.source(name).spec.name for name in names))


def _waited(app: App, job: Job) -> Job:
    said = ""

    def heard(text: str) -> None:
        nonlocal said
        if text != said and is_terminal():
            talk(f"  {text}")
        said = text

    with progress_bar() as progress:
        return app.sources.done(job, progress=progress, heard=heard)


def _tell(found: Sequence[RegisteredSource], jobs: Sequence[Job], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {**as_object(one), "job": {"id": job.id, "state": job.state, "result": job.result}}
                for one, job in zip(found, jobs, strict=True)
            ]
        )
        return
    for one, job in zip(found, jobs, strict=True):
        counts = ", ".join(f"{count} {change}" for change, count in one.health.counts)
        what = f" ({counts})" if counts and job.state == "done" else ""
        line(f"{one.spec.name}: {job.result or job.state.value}{what}")
        if job.state == "queued" and job.attempts:
            talk("  it is tried again by answerable serve or answerable worker, or when you ask")
        if dict(one.health.counts).get("failed") and job.state == "done":
            talk("  what could not be read, and why: answerable documents quarantine list")
        if one.health.withheld:
            talk(f"  if they shall go: answerable sources approve {one.spec.name}")


def _status(found: Sequence[RegisteredSource], jobs: Sequence[Job]) -> int:
    if any(job.state != "done" for job in jobs):
        return EXIT_FAILED
    return EXIT_HELD if any(one.health.withheld for one in found) else 0


def _say_state(one: RegisteredSource, *, as_json: bool) -> None:
    if as_json:
        print_json(as_object(one))
    else:
        line(f"{one.spec.name}: {one.health.state}")


def _lines(one: RegisteredSource) -> list[tuple[str, str]]:
    spec, health = one.spec, one.health
    found = [
        ("source", spec.name),
        ("kind", spec.kind.value),
        ("place", spec.place),
        *((key, value) for key, value in spec.options),
        ("include", ", ".join(spec.include)),
        ("exclude", ", ".join(spec.exclude)),
        ("labels", ", ".join(spec.labels)),
        ("every", _when(one)),
        ("state", health.state),
        ("documents", str(health.documents)),
        ("last read", when(health.succeeded_ms) if health.succeeded_ms else "never"),
        ("last change", when(health.changed_ms) if health.changed_ms else "never"),
        ("counts", ", ".join(f"{count} {change}" for change, count in health.counts)),
        ("failures", f"{health.failures} in a row: {health.error}" if health.failures else ""),
        ("held", f"{health.withheld} documents seem lost and are kept" if health.withheld else ""),
        ("added", f"{when(one.added_ms)} by {one.who}"),
    ]
    return [(key, value) for key, value in found if value]


def _when(one: RegisteredSource) -> str:
    watched = ", and when its files change" if one.spec.watch else ""
    return f"{one.spec.schedule}{watched}"


def _options(given: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise BadInput(f"{one!r} is no KEY=VALUE", hint="--option branch=main")
        found[key] = value
    return found
