"""`why` and `replay`: where a poor answer went wrong, and whether it would again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json

if TYPE_CHECKING:
    from answerable.quality.diagnosis import Diagnosis
    from answerable.quality.replay import Replayed

EXIT_DIFFERS = 6


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


def replay(
    trace: Annotated[str, typer.Argument(help="The trace of the question.")],
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Answer a question again by the release and revision of then; no model is asked.

    Replies that were recorded stand for the models ([traces] record_models). Exits with 0 when
    it comes to the same, 6 when it does not.

    Example:  answerable replay 01m84hpbt6xvyhw8d01xhsmsmn
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.replay(trace, app.owner())
    if as_json:
        print_json(found)
    else:
        _show_replay(found)
    raise typer.Exit(0 if found.is_same else EXIT_DIFFERS)


def _show_replay(found: Replayed) -> None:
    how = "the same" if found.is_same else f"differs: {found.differences[0].what}"
    line(f"{how} · {found.trace_id} · release {found.release} · revision {found.revision}")
    line(f"  recorded replies of models: {found.replies}")
    for one in found.differences:
        line(f"{one.what}\n  then: {one.then}\n  now:  {one.now}")
    for note in found.notes:
        line(f"note: {note}")


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
