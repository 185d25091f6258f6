"""`why`: where a poor answer went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json

if TYPE_CHECKING:
    from answerable.quality.diagnosis import Diagnosis


def why(
    trace: Annotated[str, typer.Argument(help="The trace of the answer.")],
    *,
    expected: Annotated[
        str,
        typer.Option(
            "--expected",
            help="What should have been answered: a text, or the path of a document.",
        ),
    ] = "",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say where an answer went wrong between the documents and what was shown, and what to try.

    Example:  answerable why 01m84hpbt6xvyhw8d01xhsmsmn --expected "the port is 8443"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.why(trace, app.owner(), expected=expected)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Diagnosis) -> None:
    line(f"{found.point.sentence} ({found.sure}) · {found.trace_id}")
    line(f"  {found.because}")
    if found.also:
        line(f"  also: {'; '.join(point.sentence for point in found.also)}")
    line("evidence")
    for one in found.evidence:
        line(f"  {one.text}")
    if found.remedies:
        line("what to try")
    for remedy in found.remedies:
        line(f"  {remedy.text}{f':  {remedy.command}' if remedy.command else ''}")
