"""`documents remove --purge` and `documents purges`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.domain.documents import Purge
from answerable.domain.errors import BadInput, Locked
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
from answerable.library.purge import Heard, Plan, unheard

if TYPE_CHECKING:
    from answerable.app import App

FINISH = "answerable documents purges --finish"
_NAMED_MAX = 20


def purge(app: App, name: str, *, because: str, with_copies: bool, yes: bool) -> Purge:
    """Say what will be erased, ask, erase it, and return what is left.

    Raises:
        BadInput: Nobody is there to be asked, and nobody said yes.
        Conflict: Others hold the same bytes, and nobody said that they go too.
        Locked: Another process is writing; the documents are hidden, and erased later.
    """
    from answerable.app.purging import has_copies

    plan = app.plan_purge(name)
    if plan.copies and not with_copies:
        raise has_copies(plan.copies)
    for text in foretold(plan):
        talk(text)
    if not yes:
        _ask()
    begun = app.begin_purge(
        plan, who=app.owner().principal, because=because, with_copies=with_copies
    )
    talk(f"hidden from now on, and never taken in again: purge {begun.number}")
    finish(app)
    return next(one for one in app.purges() if one.number == begun.number)


def finish(app: App) -> tuple[Purge, ...]:
    """Erase what is to be erased, telling how it goes on; return what is done.

    Raises:
        Locked: Another process is writing.
    """
    try:
        with progress() as heard:
            done = app.finish_purges(heard)
    except Locked as error:
        raise Locked(
            f"{error.message}; what is to be purged is hidden, but not erased yet",
            hint=f"a server does it by itself; or run it again: {FINISH}",
        ) from error
    for one in done:
        talk(
            f"purge {one.number} is done: nothing of {counted(len(one.documents), 'document')} "
            "is left in databases, indexes, caches and traces"
        )
    return done


def foretold(plan: Plan) -> Iterator[str]:
    """Give what a purge will do, a line each."""
    yield "this erases for good, and nothing brings it back:"
    for one in (*plan.documents, *plan.copies)[:_NAMED_MAX]:
        is_copy = " (holds, or held, the same bytes)" if one in plan.copies else ""
        yield f"  {one.path} of {one.source}{is_copy}"
    if (more := len(plan.documents) + len(plan.copies) - _NAMED_MAX) > 0:
        yield f"  and {more} more"
    numbers = ", ".join(map(str, plan.revisions)) or "none"
    yield f"from revisions ({numbers}), vectors, caches, uploads that wait, and the texts of traces"
    yield "not from where it came: delete the file there too, and in backups"


def _ask() -> None:
    if not is_terminal():
        raise BadInput("nobody is there to be asked", hint="say it with --yes")
    typer.confirm("erase it?", abort=True, err=True)


@contextmanager
def progress() -> Iterator[Heard]:
    """Give a bar for each thing a purge is at, on a terminal; nothing elsewhere."""
    if not is_terminal():
        yield unheard
        return
    from answerable.entrypoints.cli.progress import counting

    with counting("purging", "items") as bar:

        def heard(what: str, done: int, of: int, /) -> None:
            bar(done, of, what)

        yield heard


def purges(
    finish_them: Annotated[
        bool, typer.Option("--finish", help="Erase what is still to be erased.")
    ] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """List what was purged, by whom and why, newest first: neither texts nor names are left.

    Example:  answerable documents purges --finish
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        if finish_them:
            finish(app)
        found = app.purges()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            str(one.number),
            when(one.at_ms),
            "pending" if one.done_at_ms is None else when(one.done_at_ms),
            one.who,
            one.because,
            ", ".join(grave.document_id for grave in one.documents),
        )
        for one in found
    ]
    table(rows, ("purge", "asked", "done", "by", "because", "documents"))
    if any(one.done_at_ms is None for one in found):
        line(f"to erase what is pending: {FINISH}")
