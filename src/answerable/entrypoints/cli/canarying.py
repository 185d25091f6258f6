"""`releases canary`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json, table, talk, when

if TYPE_CHECKING:
    from answerable.app.canarying import CanaryView

canary = typer.Typer(no_args_is_help=True, help="Try a release on a share of the conversations.")


@canary.callback()
def _group() -> None:
    """Try a release on a share of the conversations; it goes by itself if it is worse."""


@canary.command("start")
def start(
    release: Annotated[str, typer.Argument(help="The candidate: an id or its beginning.")],
    *,
    percent: Annotated[int, typer.Option("--percent", help="Of the conversations, 1 to 50.")] = 10,
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow", help="Nobody sees its answers; earlier questions are asked again too."
        ),
    ] = False,
    margin: Annotated[
        float, typer.Option("--margin", help="Share of bad answers it may have more.")
    ] = 0.05,
    guards: Annotated[
        list[str] | None,
        typer.Option("--guard", help="What may not get worse; left out, all of them."),
    ] = None,
    minutes: Annotated[
        int, typer.Option("--minutes", min=0, help="Nothing is decided before.")
    ] = 15,
    override: Annotated[
        str, typer.Option("--override", metavar="REASON", help="Though no gate let it pass.")
    ] = "",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Let a release answer a share of the conversations, from the next one on.

    A server promotes it when it has proved no worse, and ends it when it has proved worse.

    Example:  answerable releases canary start rel-3f2a --percent 10
    """
    from answerable.app import open_app
    from answerable.app.canarying import plan

    how: dict[str, Any] = {"guards": tuple(guards)} if guards else {}
    wanted = plan(percent=percent, is_shadow=shadow, margin=margin, minutes_min=minutes, **how)
    with open_app(workspace) as app:
        found = app.canaries.start(release, wanted, who=app.owner().principal, override=override)
    _show(found, as_json=as_json)
    if not as_json:
        talk(
            "a server looks after it: answerable serve; to see it: answerable releases canary show"
        )


@canary.command("show")
def show(as_json: Json = False, workspace: Workspace = None) -> None:
    """Show the canary that runs, or ran last: what was seen, and what would be done now.

    Example:  answerable releases canary show
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.canaries.view()
    _show(found, as_json=as_json)


@canary.command("list")
def list_canaries(as_json: Json = False, workspace: Workspace = None) -> None:
    """List canaries, newest first, and how they ended.

    Example:  answerable releases canary list
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.canaries.all()
    if as_json:
        print_json([_as_object(one) for one in found])
        return
    rows = [
        (
            str(one.record.number),
            one.record.candidate,
            when(one.record.began_ms),
            one.record.stage.value,
            one.record.because,
        )
        for one in found
    ]
    table(rows, ("canary", "candidate", "began", "stage", "because"))


@canary.command("hold")
def hold(
    because: Annotated[str, typer.Option("--because", help="Why.")] = "held by hand",
    workspace: Workspace = None,
) -> None:
    """Keep the canary that runs from being promoted; a bad one is still rolled back.

    Example:  answerable releases canary hold --because "not before Monday"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.canaries.hold(because)
    _show(found, as_json=False)


@canary.command("resume")
def resume(workspace: Workspace = None) -> None:
    """Let a canary that is held be promoted again.

    Example:  answerable releases canary resume
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.canaries.hold("")
    _show(found, as_json=False)


@canary.command("stop")
def stop(
    because: Annotated[str, typer.Option("--because", help="Why.")] = "stopped by hand",
    workspace: Workspace = None,
) -> None:
    """End the canary that runs: the live release answers every conversation again.

    Example:  answerable releases canary stop --because "we saw enough"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.canaries.stop(because=because)
    _show(found, as_json=False)


def _as_object(found: CanaryView) -> dict[str, Any]:
    seen = found.watch.canary
    record = asdict(found.record)
    record.pop("watch")
    return {
        **record,
        "plan": asdict(seen.plan),
        "live": seen.live,
        "canary": seen.canary,
        "guards": [
            {
                "name": one.name,
                "bad_live": one.bad_live,
                "bad_canary": one.bad_canary,
                "compared": one.worse.n,
                "worse_p": one.worse.p,
                "no_worse_p": one.no_worse.p,
            }
            for one in seen.guards
        ],
        "advice": found.advice,
        "points": found.watch.points,
    }


def _show(found: CanaryView, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_object(found))
        return
    record, seen = found.record, found.watch.canary
    how = "in the shadow" if seen.plan.is_shadow else f"{seen.plan.percent} % of conversations"
    held = f", held: {record.held}" if record.held else ""
    line(f"canary {record.number}: {record.candidate} beside {record.baseline}, {how}{held}")
    because = found.advice.because if record.ended_ms is None else record.because
    line(f"{record.stage.value}: {because}")
    rows = [
        (
            one.name,
            f"{one.bad_canary} of {seen.canary}",
            f"{one.bad_live} of {seen.live}",
            f"{one.worse.p:.3g}",
            f"{one.no_worse.p:.3g}",
        )
        for one in seen.guards
    ]
    table(rows, ("guard", "bad", "bad in the live one", "p: worse", "p: no worse"))
