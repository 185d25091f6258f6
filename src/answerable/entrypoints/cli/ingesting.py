"""`init` and `ingest`."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from answerable.domain.errors import BadInput
from answerable.entrypoints.cli.embedding import try_to_fill
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    counted,
    is_terminal,
    line,
    print_json,
    talk,
)
from answerable.library.landmarks import in_words
from answerable.library.report import Change, FileOutcome, Progress, Report, Silent

if TYPE_CHECKING:
    from answerable.app import App

EXIT_PARTLY = 3
EXIT_INTERRUPTED = 130
_NAMED_MAX = 20
_NICE = 10


def init(
    folder: Annotated[Path, typer.Argument(help="The workspace to make.")] = Path(),
    data_dir: Annotated[str | None, typer.Option(help="Where databases and index go.")] = None,
) -> None:
    """Make a workspace: answerable.toml, questions/, prompts/, objectives/.

    Example:  answerable init ops && cd ops
    """
    from answerable.app import init_workspace

    made = init_workspace(folder, data_dir=data_dir)
    talk(f"{'made' if made.is_new else 'already there:'} workspace {made.workspace}")
    talk(f"data goes to {made.data}")
    go = "" if made.workspace == Path().absolute() else f"cd {shlex.quote(str(folder))} && "
    talk(f"next: {go}answerable ingest PATH")


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders or files; a folder is kept in step.")
    ],
    *,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", "-x", help="Skip these, as in .gitignore.")
    ] = None,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty", help="Go on without any document; those known before vanish."
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Compute vectors too; a server does so by itself."),
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every file.")] = False,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Bring the library in step with folders or files, and seal the result as a revision.

    Unchanged files cost almost nothing. What is new is found by words at once, and by its
    meaning when its vectors are computed.

    Example:  answerable ingest runbooks/ docs/guide.md
    """
    # Whoever is asked meanwhile goes first.
    os.nice(_NICE)
    reports: list[Report] = []
    try:
        _ingest_all(
            paths,
            reports,
            excludes=exclude or (),
            allow_empty=allow_empty,
            told=None if as_json else partial(_tell, verbose=verbose),
            wait=wait,
            workspace=workspace,
        )
    except KeyboardInterrupt:
        talk("stopped; what was done is kept, run the same command to go on")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        if as_json and reports:
            print_json([as_object(report) for report in reports])
    if any(report.has_failures for report in reports):
        raise typer.Exit(EXIT_PARTLY)


def _ingest_all(
    paths: Sequence[Path],
    reports: list[Report],
    *,
    excludes: Sequence[str],
    allow_empty: bool,
    told: Callable[[Report], None] | None,
    wait: bool,
    workspace: Path | None,
) -> None:
    """Ingest one path after the other, then compute vectors; note and tell each report."""
    from answerable.app import open_app

    with open_app(workspace) as app:
        app.check_paths(paths)
        for path in paths:
            with progress_bar() as progress:
                report = app.ingest(
                    path, excludes=excludes, allow_empty=allow_empty, progress=progress
                )
            reports.append(report)
            if told:
                told(report)
        _say_pinned(app, reports)
        if wait:
            try_to_fill(app)


def _tell(report: Report, *, verbose: bool) -> None:
    for text in summary(report, verbose=verbose):
        line(text)


def _say_pinned(app: App, reports: Sequence[Report]) -> None:
    served = app.serving().revision
    newest = max((report.revision or 0 for report in reports), default=0)
    if served is not None and newest > served.number:
        talk(
            f"revision {served.number} is pinned and still serves; "
            "to serve the newest: answerable revisions switch latest"
        )


def as_object(report: Report) -> dict[str, Any]:
    """Return a report as JSON values."""
    return {**asdict(report), "counts": dict(report.counts)}


def summary(report: Report, *, verbose: bool) -> Iterator[str]:
    """Give one line for each outcome, then what failed and why."""
    yield f"{report.source.removeprefix('folder:')}: {_result(report)}"
    for change, count in report.counts:
        if count:
            yield f"  {change.value:<10}{count:>7}{_reasons(report, change)}"
    for outcome in report.outcomes:
        if outcome.change is Change.FAILED:
            yield f"  failed: {outcome.path}: {outcome.reason} [{outcome.code}]"
    for outcome in report.outcomes:
        if outcome.findings:
            yield f"  noticed: {outcome.path}: {'; '.join(in_words(outcome.findings))}"
    named = [one for one in report.outcomes if one.change is not Change.FAILED]
    if verbose or 0 < _interesting(report) <= _NAMED_MAX:
        for outcome in named:
            if verbose or outcome.change is not Change.SKIPPED:
                yield f"  {outcome.change.value}: {outcome.path}{_because(outcome)}"


def tell_unread(report: Report) -> None:
    """Tell the person what was not read and why; what is meant to be ignored is only counted."""
    failed = [one for one in report.outcomes if one.change is Change.FAILED]
    skipped = [one for one in report.outcomes if one.change is Change.SKIPPED]
    surprising = [*failed, *(one for one in skipped if one.code != "ignored")]
    for one in surprising[:_NAMED_MAX]:
        talk(f"  {one.change.value}: {one.path}: {one.reason} [{one.code}]")
    ignored = [one for one in skipped if one.code == "ignored"]
    rest = _by_code((*surprising[_NAMED_MAX:], *ignored))
    if rest:
        talk(f"  not read either: {rest}")


def check_read(reports: Sequence[Report]) -> None:
    """Make sure that there is something to ask after these runs.

    Raises:
        BadInput: There is no document; says why the first file was not taken.
    """
    if not reports or reports[-1].documents:
        return
    for one in (one for report in reports for one in report.outcomes if one.reason):
        raise BadInput(
            f"nothing could be read: {one.path}: {one.reason} [{one.code}]",
            hint="see the guide on errors for what the code means, or name other documents",
        )


def _result(report: Report) -> str:
    took = f"{report.took_ms / 1000:.1f} s"
    if report.revision is None:
        return f"nothing changed, {counted(report.documents, 'document')} ({took})"
    return (
        f"revision {report.revision} sealed, {counted(report.documents, 'document')}, "
        f"{counted(report.chunks, 'chunk')} ({took})"
    )


def _interesting(report: Report) -> int:
    changes = (Change.ADDED, Change.CHANGED, Change.REMOVED)
    return sum(report.count(change) for change in changes)


def _because(outcome: FileOutcome) -> str:
    return f": {outcome.reason}" if outcome.reason else ""


def _reasons(report: Report, change: Change) -> str:
    codes = _by_code(one for one in report.outcomes if one.change is change)
    return f"  ({codes})" if codes else ""


def _by_code(outcomes: Iterable[FileOutcome]) -> str:
    codes = Counter(one.code for one in outcomes if one.code)
    return ", ".join(f"{code} {count}" for code, count in codes.items())


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give a bar with rate and time left on a terminal, nothing elsewhere."""
    if not is_terminal():
        yield Silent()
        return
    from answerable.entrypoints.cli.progress import Bar

    with Bar() as bar:
        yield bar
