"""`documents`, `revisions` and `traces`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from answerable.answering.feedback import Thumb
from answerable.answering.ports import TraceLine
from answerable.domain.documents import Document, Removal
from answerable.domain.errors import BadInput, NotFound
from answerable.domain.releases import Deployment
from answerable.entrypoints.cli.originals import original, reparse
from answerable.entrypoints.cli.purging import purges
from answerable.entrypoints.cli.quarantine import quarantine
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
from answerable.entrypoints.cli.verifying import said
from answerable.library.landmarks import in_words

documents = typer.Typer(no_args_is_help=True, help="What the library holds.")
revisions = typer.Typer(
    no_args_is_help=True, help="Sealed states of the library, and which serves."
)
traces = typer.Typer(no_args_is_help=True, help="Every question that was asked, and its outcome.")

DocumentId = Annotated[str, typer.Argument(help="Id or path of the document.")]
Why = Annotated[str, typer.Option("--because", help="Why, for the record.")]
_EXIT_FAILED = 1


@documents.command("list")
def list_documents(
    removed: Annotated[
        bool, typer.Option("--removed", help="List those a person removed instead.")
    ] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """List the documents that serve now.

    Example:  answerable documents list --json
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        if removed:
            _list_removals(app.removals(), as_json=as_json)
            return
        members = app.documents(app.owner())
    if as_json:
        print_json(members)
        return
    table(
        [(one.document.id, one.document.path, one.title, str(one.chunks)) for one in members],
        ("id", "path", "title", "chunks"),
    )


def _list_removals(removals: Sequence[tuple[Document, Removal]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"document": one, "removal": removal} for one, removal in removals])
        return
    rows = [
        (one.id, one.path, when(removal.at_ms), removal.who, removal.because)
        for one, removal in removals
    ]
    table(rows, ("id", "path", "removed", "by", "because"))


@documents.command("show")
def show_document(
    document: DocumentId,
    text: Annotated[bool, typer.Option("--text", help="Print the text that may be shown.")] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Show one document.

    Example:  answerable documents show runbooks/etcd/etcdDown.md --text
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        view = app.document(app.find_document(document, app.owner()), app.owner())
    shown = "".join(view.content.text.text[piece.start : piece.end] for piece in view.pieces)
    if as_json:
        found = {
            "member": view.member,
            "revision": view.revision,
            "content_hash": view.content_hash,
            "findings": tuple(view.content.text.findings),
        }
        print_json({**found, "text": shown} if text else found)
        return
    if text:
        line(shown)
        return
    one = view.member
    for name, value in (
        ("id", one.document.id),
        ("path", one.document.path),
        ("source", one.document.source),
        ("title", one.title),
        ("format", one.format),
        ("bytes", str(one.size)),
        ("chunks", str(one.chunks)),
        ("revision", str(view.revision)),
        ("content hash", view.content_hash),
        *(("noticed", text) for text in in_words(view.content.text.findings)),
    ):
        line(f"{name:<14}{value}")


@documents.command("remove")
def remove_document(
    document: DocumentId,
    *,
    because: Why = "removed by hand",
    purge: Annotated[
        bool, typer.Option("--purge", help="Erase it from everything kept; nothing undoes it.")
    ] = False,
    with_copies: Annotated[
        bool, typer.Option("--with-copies", help="Purge those with the same bytes as well.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Purge without asking.")] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Hide a document from every revision, at once; `documents restore` undoes it.

    With --purge nothing does: its text is erased from revisions, vectors, caches and traces.

    Example:  answerable documents remove runbooks/old.md --because "replaced"
    """
    from answerable.app import open_app
    from answerable.entrypoints.cli.purging import purge as erase

    if with_copies and not purge:
        raise BadInput("--with-copies goes with --purge", hint="say --purge too, or leave it out")
    with open_app(workspace) as app:
        if purge:
            left = erase(app, document, because=because, with_copies=with_copies, yes=yes)
            if as_json:
                print_json(left)
            return
        found = app.find_document(document, app.owner())
        member = app.remove(found, who=app.owner().principal, because=because)
    if as_json:
        print_json(member)
    talk(f"removed {member.document.path}; to undo: answerable documents restore {found}")


@documents.command("restore")
def restore_document(
    document: Annotated[str, typer.Argument(help="Id or path of the removed document.")],
    workspace: Workspace = None,
) -> None:
    """Undo `documents remove`. Of what was purged nothing comes back; its place is allowed again.

    Example:  answerable documents restore 1f0c9a7be2d43c55
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        try:
            restored = app.restore(document)
        except NotFound:
            app.lift_purge(document)
            talk("a file at its place is taken in again, unless it is the one that was purged")
            return
    talk(f"restored {restored.path}; if it was left out of a revision: answerable ingest PATH")


documents.command("original")(original)
documents.command("reparse")(reparse)
documents.command("purges")(purges)
documents.add_typer(quarantine, name="quarantine")


@revisions.command("list")
def list_revisions(as_json: Json = False, workspace: Workspace = None) -> None:
    """List revisions, newest first; `*` marks the one that serves.

    Example:  answerable revisions list --json
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        known, now = app.revisions(), app.serving()
    serves = now.revision.number if now.revision else None
    if as_json:
        print_json([{"revision": one, "serves": one.number == serves} for one in known])
        return
    rows = [
        (
            f"{one.number}{'*' if one.number == serves else ''}",
            when(one.sealed_at_ms),
            str(one.documents),
            str(one.chunks),
            one.line,
            one.because,
        )
        for one in known
    ]
    table(rows, ("revision", "sealed", "documents", "chunks", "line", "because"))
    _say_pinned(now.deployment, newest=max((one.number for one in known), default=0))


def _say_pinned(deployment: Deployment, *, newest: int) -> None:
    if deployment.pinned is None:
        return
    talk(f"pinned to revision {deployment.pinned}: {deployment.because}")
    if newest > deployment.pinned:
        talk(
            f"revision {newest} is newer and does not serve; "
            "to serve the newest: answerable revisions switch latest"
        )


@revisions.command("deployments")
def list_deployments(as_json: Json = False, workspace: Workspace = None) -> None:
    """List what served since when, who said so and why, newest first; nothing is ever deleted.

    Example:  answerable revisions deployments --json
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.deployments()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            str(one.number),
            when(one.at_ms),
            one.release_id,
            "newest" if one.pinned is None else str(one.pinned),
            one.who,
            one.because,
        )
        for one in found
    ]
    table(rows, ("deployment", "since", "release", "revision", "by", "because"))


@revisions.command("show")
def show_revision(number: int, as_json: Json = False, workspace: Workspace = None) -> None:
    """Show one revision and what it changed.

    Example:  answerable revisions show 3
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        view = app.revision(number)
    if as_json:
        print_json(view)
        return
    one = view.revision
    line(f"revision {one.number}, sealed {when(one.sealed_at_ms)}: {one.because}")
    held = f"{counted(one.documents, 'document')}, {counted(one.chunks, 'chunk')}"
    line(f"{held}, line {one.line}, base {one.base or 'none'}")
    line(f"manifest {one.manifest}")
    for name, paths in (("added", view.added), ("changed", view.changed), ("gone", view.gone)):
        for path in paths:
            line(f"  {name}: {path}")


@revisions.command("switch")
def switch_revision(
    target: Annotated[str, typer.Argument(help="A revision number, or `latest` to follow again.")],
    because: Why = "switched by hand",
    workspace: Workspace = None,
) -> None:
    """Serve another revision from now on, without a restart.

    Example:  answerable revisions switch 3 --because "bad sync"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        now = app.switch(_pin(target), who=app.owner().principal, because=because)
    number = now.revision.number if now.revision else "none"
    talk(f"revision {number} serves now{'' if now.deployment.pinned is None else ', pinned'}")


def _pin(target: str) -> int | None:
    if target == "latest":
        return None
    if not target.isascii() or not target.isdigit():
        raise BadInput("a revision is a number, or `latest`", hint="answerable revisions list")
    return int(target)


@revisions.command("verify")
def verify_revisions(
    number: Annotated[int | None, typer.Argument(help="One revision; all if left out.")] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Compare index files with what was sealed.

    Example:  answerable revisions verify
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.verify(number)
    if as_json:
        print_json(found)
    else:
        for one, problems in found.items():
            line(f"revision {one}: {'well' if not problems else 'damaged'}")
            for problem in problems:
                line(f"  {problem}; to mend: answerable revisions rebuild {one}")
    if any(found.values()):
        raise typer.Exit(_EXIT_FAILED)


@revisions.command("rebuild")
def rebuild_revision(
    number: Annotated[int | None, typer.Argument(help="The one that serves if left out.")] = None,
    workspace: Workspace = None,
) -> None:
    """Make the index of a revision anew from the state.

    Example:  answerable revisions rebuild 3
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        revision = app.rebuild(number)
    talk(f"revision {revision.number} rebuilt, {revision.chunks} chunks")


@traces.command("list")
def list_traces(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    rated: Annotated[
        Thumb | None, typer.Option("--rated", help="Only those that somebody rates so.")
    ] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """List questions, newest first.

    Example:  answerable traces list --rated down
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.traces(limit=limit, rated=rated)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.id,
            when(one.at_ms),
            one.outcome,
            one.rung,
            f"{one.took_ms:.1f}",
            _thumbs(one),
            one.question,
        )
        for one in found
    ]
    table(rows, ("trace", "at", "outcome", "rung", "ms", "rated", "question"))


def _thumbs(one: TraceLine) -> str:
    """Return how callers rate an answer; empty when nobody does."""
    ups = f"+{one.ups}" if one.ups else ""
    downs = f"-{one.downs}" if one.downs else ""
    return f"{ups}{downs}"


@traces.command("show")
def show_trace(trace: str, as_json: Json = False, workspace: Workspace = None) -> None:
    """Show one trace whole: what was found, why it answered or not, and how long it took.

    Example:  answerable traces show 01m84hpbt6xvyhw8d01xhsmsmn
    """
    from answerable.app import open_app
    from answerable.entrypoints.cli.answers import as_object, lines

    with open_app(workspace) as app:
        found = app.trace(trace)
        rated = app.feedback(trace)
    if as_json:
        print_json(as_object(found, passages=None) | {"feedback": rated})
        return
    gone = "a document in it was purged" if found.is_redacted else "the text has expired"
    line(found.question or f"({gone})")
    for text in lines(found, passages=len(found.passages), explain=True):
        line(text)
    for one in rated:
        line(f"  {said(one)}")
