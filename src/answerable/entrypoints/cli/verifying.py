"""`verify` and `feedback`: what can be done with an answer that was given."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.answering.feedback import Complaint, Feedback, Thumb, because
from answerable.answering.standing import (
    AnswerStanding,
    CitationStanding,
    Place,
    Standing,
    worst,
)
from answerable.domain.errors import BadInput, PathMissing, StorageFailure
from answerable.entrypoints.cli.terminal import Json, Workspace, line, print_json, talk
from answerable.entrypoints.naming import spot

if TYPE_CHECKING:
    from answerable.app import App

EXIT_CHANGED = 4
EXIT_NOT_AS_GIVEN = 5

_EXITS = {
    Standing.NOTHING_CITED: 0,
    Standing.STILL_TRUE: 0,
    Standing.DOCUMENT_CHANGED: EXIT_CHANGED,
    Standing.DOCUMENT_GONE: EXIT_CHANGED,
    Standing.NOT_AS_GIVEN: EXIT_NOT_AS_GIVEN,
}
_QUOTE_CHARS = 300
_REASONS = ", ".join(one.value for one in Complaint)


def verify(
    answer: Annotated[
        str,
        typer.Argument(
            help="A trace, or a file of answers as `ask --json` or POST /v1/ask gave them; "
            "`-` reads them from stdin."
        ),
    ],
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Compare an answer that was given with what its documents say now.

    Exits with 0 when all of it is still true, 4 when a document changed or is gone, 5 when a
    quote never stood where the answer says.

    Example:  answerable verify 01m84hpbt6xvyhw8d01xhsmsmn
    """
    from answerable.app import open_app

    text = _text_of(answer)
    with open_app(workspace) as app:
        found = _rechecked(app, answer, text)
    for number, one in enumerate(found, start=1):
        if as_json:
            _print_object(one, on_one_line=text is not None)
        else:
            _show(one, name=one.trace_id or f"answer {number}")
    raise typer.Exit(_EXITS[worst(one.standing for one in found)])


def feedback(
    trace: Annotated[str, typer.Argument(help="The trace of the answer.")],
    up: Annotated[
        bool | None, typer.Option("--up/--down", help="Whether it helped or not.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--because", help=f"{_REASONS}; or in your own words.")
    ] = "",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say whether an answer helped; your last word on it counts.

    Example:  answerable feedback 01m84hpbt6xvyhw8d01xhsmsmn --down --because outdated
    """
    from answerable.app import open_app

    if up is None:
        raise BadInput("say --up or --down, one of the two", hint="answerable feedback --help")
    complaint, comment = because(reason)
    with open_app(workspace) as app:
        given = app.rate(trace, app.owner(), Thumb.UP if up else Thumb.DOWN, complaint, comment)
    if as_json:
        print_json(given)
    talk(f"noted: {said(given)}; to see what was rated down: answerable traces list --rated down")


def said(given: Feedback) -> str:
    """Return in a line what somebody thinks of an answer."""
    reasons = [given.complaint.sentence if given.complaint else "", given.comment]
    why = "; ".join(one for one in reasons if one)
    return f"thumb {given.thumb} by {given.principal}{f': {why}' if why else ''}"


def _text_of(answer: str) -> str | None:
    """Return the text of a file of answers, None when a trace is named.

    Raises:
        PathMissing: It can only be a path, and nothing is there.
        BadInput: It is not UTF-8.
    """
    try:
        if answer == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        if Path(answer).is_file():
            return Path(answer).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{answer} is not UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise StorageFailure(
            f"{answer} cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
    if not answer.isalnum():
        raise PathMissing(f"there is no file {answer}", hint="check the spelling")
    return None


def _rechecked(app: App, answer: str, text: str | None) -> list[AnswerStanding]:
    from answerable.entrypoints.given import read_answers

    if text is None:
        return [app.recheck_trace(answer, app.owner())]
    given = list(read_answers(text))
    if not given:
        raise BadInput("there is no answer in it", hint="answerable ask --json gives one")
    found = []
    for one in given:
        value = one.value()
        if value is None:
            found.append(app.recheck_trace(one.trace_id, app.owner()))
        else:
            found.append(app.recheck(value, app.owner()))
    return found


def _print_object(found: AnswerStanding, *, on_one_line: bool) -> None:
    from answerable.entrypoints.web.render import standing

    if on_one_line:  # as many lines as answers came in; ASCII, so nothing steers the terminal
        typer.echo(json.dumps(standing(found)))
    else:
        print_json(standing(found))


def _show(found: AnswerStanding, *, name: str) -> None:
    line(f"{_words(found.standing)} · {name} · against revision {found.revision}")
    for number, claim in enumerate(found.claims, start=1):
        line(f"  claim {number}: {_words(claim.standing)}, {claim.because.sentence}")
        for text in _citations(claim.citations):
            line(f"    {text}")


def _citations(citations: Iterable[CitationStanding]) -> Iterator[str]:
    for number, one in enumerate(citations, start=1):
        where = one.path or f"document {one.document_id}"
        yield f"[{number}] {where}: {_words(one.standing)}, {one.because.sentence}"
        if one.now is not None:
            yield f"    {_place(one.now)}"
        if one.closest is not None:
            yield f"    now it says, {_place(one.closest)}:"
            yield from (f"      {text}" for text in _cut(one.closest.quote).splitlines())


def _place(place: Place) -> str:
    return f"{spot(place)}, code points {place.start} to {place.end}"


def _cut(quote: str) -> str:
    return quote if len(quote) <= _QUOTE_CHARS else f"{quote[:_QUOTE_CHARS]} …"


def _words(standing: Standing) -> str:
    return standing.value.replace("_", " ")
