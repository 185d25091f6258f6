"""`eval`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.answering.feedback import Thumb
from answerable.domain.errors import BadInput, PathMissing
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

if TYPE_CHECKING:
    from answerable.app import App
    from answerable.domain.releases import Retrieval
    from answerable.library.ports import Source
    from answerable.library.vectors import Coverage
    from answerable.quality.comparison import Comparison
    from answerable.quality.evaluation import Ran, Report, Scores
    from answerable.quality.grades import Grade
    from answerable.quality.judged import Confusion, Corrected
    from answerable.quality.records import Record

evaluation = typer.Typer(no_args_is_help=True, help="Measure answers on question sets.")

_TALK_EVERY = 100
_FLIPS_MAX = 20
EXIT_PARTLY = 3
_LINES_MAX = 4

Settings = Mapping[str, Mapping[str, str | float]]


class Mode(StrEnum):
    """What is measured."""

    ANSWERS = "answers"
    RETRIEVAL = "retrieval"


@evaluation.callback()
def _group() -> None:
    """Measure answers on question sets."""


@evaluation.command("run")
def run(
    questions: Annotated[
        str, typer.Argument(help="JSONL file, folder with corpus, or name of a set.")
    ],
    *,
    docs: Annotated[
        list[Path] | None,
        typer.Option("--docs", help="Ask these documents, in memory, not the live library."),
    ] = None,
    mode: Annotated[
        Mode, typer.Option("--mode", help="Answer every question, or only rank documents.")
    ] = Mode.ANSWERS,
    by: Annotated[
        str, typer.Option("--by", help="Rank by words, vectors, fused (both) or full.")
    ] = "full",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Change a retrieval setting for this run only."
        ),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Measure a library that lacks vectors as it is.")
    ] = False,
    k: Annotated[str, typer.Option("--k", help="Cut-offs of hit@k.")] = "1,5,10",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write what came of every question to this file."),
    ] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Ask every question of a set and report retrieval, quotes, citations and abstention.

    What came of every question of the live library is kept: answerable eval list.

    Example:  answerable eval run questions.jsonl --docs runbooks/
    """
    from answerable.app import load_question_set, open_app, open_memory
    from answerable.app.variants import differences, vary
    from answerable.quality.evaluation import evaluate, evaluate_rankings

    ks = _cut_offs(k)
    _check_ranks(mode, by, settings)
    if output is not None and mode is Mode.RETRIEVAL:
        raise BadInput("only answers are kept, not rankings", hint="leave out --output")
    check_outputs(output)
    found = load_question_set(questions, workspace)
    has_own = bool(docs) or found.corpus is not None
    with open_memory(keep_vectors=True) if has_own else open_app(workspace) as app:
        released = app.serving().release.retrieval
        retrieval = vary(released, by=by, settings=settings or ())
        if has_own:
            read_documents(app, docs or [], found.corpus)
        # In memory the release is measured as far as this machine can have it.
        is_strict = not partial and not (has_own and by == "full")
        coverage = _coverage(app, retrieval, fill=has_own, strict=is_strict)
        may_lack = partial or (coverage is not None and not coverage.is_full)
        vectors = _about(app, coverage)
        talk(f"{found.name}: {len(found.cases)} questions, {library_of(app)}")
        if mode is Mode.ANSWERS:
            ran = app.answers(found, asked=_asked, partial=may_lack)
            report = evaluate(ran, ks=ks)
            _keep(app, found.name, ran, output=output, is_live=not has_own)
        else:
            rankings = app.rankings(found, asked=_asked, retrieval=retrieval, partial=may_lack)
            report = evaluate_rankings(rankings, ks=ks)
    changed = differences(released, retrieval)
    if as_json:
        about = {"mode": mode.value, "by": by, "settings": changed, "vectors": vectors}
        print_json({**about, **report.as_json()})
    else:
        _show(report)
        _show_run(changed, vectors)


def check_outputs(*files: Path | None) -> None:
    """Make sure that files can be written, before hours are spent on what stands in them.

    Raises:
        BadInput, PathMissing: One cannot.
    """
    for file in filter(None, files):
        if file.is_dir():
            raise BadInput(f"{file} is a folder", hint=f"name a file in it: {file / 'run'}")
        if not file.parent.is_dir():
            raise PathMissing(f"there is no folder {file.parent}", hint="make it first")


def _keep(app: App, name: str, ran: Sequence[Ran], *, output: Path | None, is_live: bool) -> None:
    from answerable.app import evaluations

    kept = app.evaluated(name, ran)
    if output is not None:
        evaluations.write(kept, output)
    if is_live:
        evaluations.keep(kept, app.settings.data)
        talk(f"kept as {kept.id}; to compare: answerable eval compare BEFORE latest")


@evaluation.command("list")
def list_runs(as_json: Json = False, workspace: Workspace = None) -> None:
    """List the runs that were kept, newest first.

    Example:  answerable eval list
    """
    from answerable.app import evaluations, open_app
    from answerable.quality.grades import Grade

    with open_app(workspace) as app:
        runs = list(evaluations.kept(app.settings.data))
    rows = [
        {
            "id": run.id,
            "at_ms": run.at_ms,
            "questions": run.questions,
            "good": sum(one.grade is Grade.GOOD for one in run.records),
            "of": len(run.records),
            "release": run.release,
            "revision": run.revision,
        }
        for run in runs
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        talk("no run was kept yet: answerable eval run SET")
    else:
        table(
            [
                (
                    str(row["id"]),
                    when(run.at_ms),
                    str(row["questions"]),
                    f"{row['good']} of {row['of']}",
                    str(row["release"]),
                    str(row["revision"]),
                )
                for row, run in zip(rows, runs, strict=True)
            ],
            ("run", "when", "questions", "good", "release", "revision"),
        )


@evaluation.command("compare")
def compare(
    before: Annotated[str, typer.Argument(help="A run: its id, its file, or latest.")],
    after: Annotated[str, typer.Argument(help="The run that may have become worse.")] = "latest",
    *,
    margin: Annotated[
        float, typer.Option("--margin", help="Share of good answers that may be lost.")
    ] = 0.05,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write a page with every flip.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the questions as tests, for CI.")
    ] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say what got better and worse between two runs over the same questions, and how sure that is.

    Example:  answerable eval compare before.jsonl after.jsonl --markdown report.md
    """
    from answerable.app import evaluations
    from answerable.quality import comparison
    from answerable.quality.labels import labelled

    if not 0 < margin < 1:
        raise BadInput(f"--margin takes a share above 0 and below 1, not {margin}", hint="0.05")
    check_outputs(markdown, junit)
    data, home = _homes(workspace, before, after)
    known = evaluations.known_labels(home) if home is not None else {}
    runs = [labelled(evaluations.found(name, data), known) for name in (before, after)]
    found = comparison.compared(*runs, margin=margin)
    if markdown is not None:
        evaluations.report(markdown, comparison.markdown(found))
    if junit is not None:
        evaluations.report(junit, comparison.junit(found))
    if as_json:
        print_json(comparison.as_json(found))
    else:
        _show_comparison(found)


@evaluation.command("label")
def label(
    run: Annotated[str, typer.Argument(help="A run: its id, its file, or latest.")] = "latest",
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    who: Annotated[str, typer.Option("--who", help="Who labels.")] = "owner",
    workspace: Workspace = None,
) -> None:
    """Say of answers whether they are good: one key each, without seeing whose they are.

    Example:  answerable eval label latest
    """
    from answerable.app import evaluations, open_app
    from answerable.quality import labels

    with open_app(workspace) as app:
        home, data, now_ms = app.settings.workspace, app.settings.data, app.now_ms
        left = labels.to_label(evaluations.found(run, data), evaluations.known_labels(home))
        if left and not sys.stdin.isatty():
            raise BadInput("labels are given by a person, key by key", hint="the page /evaluation")
        done = 0
        for one in left[:limit]:
            grade = _asked_for_grade(one, f"{done + 1} of {min(len(left), limit)}")
            if grade is None:
                break
            made = labels.Label(key=labels.key_of(one), grade=grade, who=who, at_ms=now_ms())
            evaluations.add_label(home, made)
            done += 1
    talk(f"{counted(done, 'answer')} labelled; how the grades agree: answerable eval agree {run}")


_KEYS = {"g": "good", "b": "bad", "u": "undecided"}


def _asked_for_grade(one: Record, place: str) -> Grade | None:
    """Return what a person says of an answer; None when they want to stop."""
    from answerable.quality.grades import Grade

    line()
    line(f"{place}: {one.question}")
    line()
    line(one.answer or "(no answer was given)")
    talk("good [g], bad [b], cannot tell [u], stop [q]")
    while (key := typer.getchar().casefold()) not in {*_KEYS, "q", "\x03", "\x04"}:
        pass
    return Grade(_KEYS[key]) if key in _KEYS else None


@evaluation.command("agree")
def agree(
    run: Annotated[str, typer.Argument(help="A run: its id, its file, or latest.")] = "latest",
    *,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say how far the grades of a run can be believed, and what share of answers is bad.

    People's labels show how often the grades are wrong; the share is corrected for that. Where
    the grades are hardly better than chance, no share is shown.

    Example:  answerable eval agree latest
    """
    from answerable.app import evaluations, open_app
    from answerable.quality import judged, labels

    with open_app(workspace) as app:
        found = evaluations.found(run, app.settings.data)
        known = evaluations.known_labels(app.settings.workspace)
    table_ = labels.agreement(found, known)
    judged.informed(table_)
    bad = sum(one.grade.value != "good" for one in found.records)
    corrected = judged.rogan_gladen(bad, len(found.records), table_)
    alone, seen = labels.halves(found, known)
    powered = judged.prediction_powered(alone, seen) if min(len(alone), len(seen)) > 1 else None
    if as_json:
        made = {"run": found.id, "labelled": table_, "corrected": corrected, "powered": powered}
        print_json({**made, "kappa": table_.kappa})
    else:
        _show_agreement(table_, corrected, powered)


def _show_agreement(found: Confusion, corrected: Corrected, powered: Corrected | None) -> None:
    table(
        [
            ("bad", str(found.bad_bad), str(found.bad_good)),
            ("good", str(found.good_bad), str(found.good_good)),
        ],
        ("people say", "graded bad", "graded good"),
    )
    for name, value, interval in (
        ("of the bad ones found", found.sensitivity, found.sensitivity_interval),
        ("of the good ones passed", found.specificity, found.specificity_interval),
    ):
        if value is not None and interval is not None:
            line(f"{name}: {value:.1%} ({interval[0]:.1%} to {interval[1]:.1%})")
    if found.kappa is not None:
        line(f"agreement beyond chance (kappa): {found.kappa:.2f}")
    if found.undecided:
        line(f"undecided, by either: {found.undecided}")
    line(f"bad answers as graded: {corrected.raw:.1%}")
    for name, one in (("corrected (Rogan-Gladen)", corrected), ("prediction-powered", powered)):
        if one is not None:
            line(f"bad answers, {name}: {one.value:.1%} ({one.low:.1%} to {one.high:.1%})")


@evaluation.command("check")
def check(
    questions: Annotated[str, typer.Argument(help="A question set: its file, or its name.")],
    *,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the set with the quotes that are offered instead."),
    ] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say what of a question set does not fit the library any more, or contradicts itself.

    Ends with exit code 3 if there is anything. What is offered instead of a quote that went is
    to be read before it is used.

    Example:  answerable eval check ops --write mended.jsonl
    """
    from answerable.app import evaluations, load_question_set, open_app
    from answerable.quality.anchors import flaws

    check_outputs(write)
    found = load_question_set(questions, workspace)
    with open_app(workspace) as app:
        seen = flaws(found.cases, app.texts(app.owner()))
    if write is not None:
        evaluations.report(write, evaluations.mended(found.cases, seen))
    if as_json:
        print_json(seen)
    else:
        for one in seen:
            line(f"{one.case}: {one.because} [{one.fault.value}]")
            if one.quote:
                line(f"  offered: {one.document}: {one.quote}")
        talk(f"{counted(len(seen), 'flaw')} in {counted(len(found.cases), 'question')}")
    if not found.cases:
        raise BadInput(f"{found.name} has no questions", hint="a set that is empty proves nothing")
    if seen:
        raise typer.Exit(EXIT_PARTLY)


@evaluation.command("import")
def import_(
    origin: Annotated[
        str, typer.Argument(help="A JSONL or CSV file, a folder with qrels, or traces.")
    ],
    name: Annotated[str, typer.Argument(help="The set in questions/ that they go to.")],
    *,
    rated: Annotated[
        Thumb | None, typer.Option("--rated", help="Of traces, only those rated so.")
    ] = Thumb.DOWN,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Of traces, the newest.")] = 100,
    workspace: Workspace = None,
) -> None:
    """Add questions to a set of the workspace; those it has are left as they are.

    Of traces, those that somebody rated down become candidates: say what is right in the file.

    Example:  answerable eval import traces complaints
    """
    from answerable.app import evaluations, load_question_set, open_app

    with open_app(workspace) as app:
        if origin == "traces":
            lines = app.traces(limit=limit, rated=rated)
            cases = evaluations.candidates(lines)
        else:
            cases = load_question_set(origin, workspace).cases
        path = app.settings.workspace / "questions" / f"{_set_name(name)}.jsonl"
        added = evaluations.add_questions(path, cases)
    line(f"{counted(added, 'question')} added to {path.name}")


def _set_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,60}", name) or name.startswith("."):
        raise BadInput(
            f"a set cannot be called {name[:60]!r}", hint="letters, digits, - and _ will do"
        )
    return name.removesuffix(".jsonl")


def _homes(workspace: Path | None, *names: str) -> tuple[Path | None, Path | None]:
    """Return where runs are kept, and the workspace; None where files are named and need none."""
    from answerable.app import open_app

    if all(Path(name).is_file() for name in names):
        return None, None
    with open_app(workspace) as app:
        return app.settings.data, app.settings.workspace


def _show_comparison(found: Comparison) -> None:
    from answerable.quality.comparison import cells

    line(f"{found.verdict.decision.value.upper()}: {found.verdict.because}")
    if found.verdict.margin_min is not None:
        line(f"the smallest loss these questions can rule out: {found.verdict.margin_min:.1%}")
    table(
        [cells(row) for row in found.rows],
        ("questions", "n", "before", "after", "difference, 95 %"),
    )
    line()
    for name, one in found.measures.items():
        line(f"{name}: {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})")
    for title, flips in (("lost", found.lost), ("gained", found.gained)):
        for before, after in flips[:_FLIPS_MAX]:
            show_flip(title, before, after)
        if len(flips) > _FLIPS_MAX:
            talk(f"{len(flips) - _FLIPS_MAX} more {title}: --json or --markdown FILE has all")


def show_flip(title: str, before: Record, after: Record) -> None:
    """Print a question with two answers to it, the first lines of each."""
    line(f"{title}: {before.question}")
    for label, one in (("before", before), ("after", after)):
        first, *rest = (one.answer or one.because).splitlines() or [""]
        line(f"  {label}, {one.rung or one.outcome}: {first}")
        for text in rest[: _LINES_MAX - 1]:
            line(f"    {text}")
        if len(rest) >= _LINES_MAX:
            line(f"    ({counted(len(rest) - _LINES_MAX + 1, 'line')} more)")


def _check_ranks(mode: Mode, by: str, settings: Sequence[str] | None) -> None:
    if mode is Mode.ANSWERS and (by != "full" or settings):
        raise BadInput(
            "answers are measured of the release as it is; --by and --set only rank",
            hint="add --mode retrieval",
        )


def _coverage(app: App, retrieval: Retrieval, *, fill: bool, strict: bool) -> Coverage | None:
    """Return how many chunks have vectors, after computing them if asked to; None if not used.

    Raises:
        NotReady: Strictly, all of them had to.
    """
    from answerable.app.respondent import check_covered
    from answerable.app.variants import uses_vectors
    from answerable.entrypoints.cli.embedding import fill_vectors, try_to_fill

    if not uses_vectors(retrieval):
        return None
    if fill and strict:
        fill_vectors(app)
    elif fill:
        try_to_fill(app)
    coverage = app.served_coverage()
    if strict:
        check_covered(coverage, app.mending())
    return coverage


def _about(app: App, coverage: Coverage | None) -> dict[str, str | float] | None:
    """Return whose vectors were searched and what share of the chunks has them."""
    if coverage is None:
        return None
    return {"embedder": app.embedder(), "covered": coverage.share}


def read_documents(app: App, docs: Sequence[Path], corpus: Source | None) -> None:
    """Take in what shall be asked; say what could not be read."""
    from answerable.entrypoints.cli.ingesting import check_read, progress_bar, tell_unread

    app.check_paths(docs)
    reports = []
    for folder in docs:
        with progress_bar() as progress:
            reports.append(app.ingest(folder, progress=progress))
    if corpus is not None:
        with progress_bar() as progress:
            reports.append(app.ingest_corpus(corpus, progress=progress))
    for report in reports:
        tell_unread(report)
    check_read(reports)


def _cut_offs(given: str) -> tuple[int, ...]:
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise BadInput(f"--k takes whole numbers from 1, not {given!r}", hint="--k 1,5,10")
    return tuple(sorted({int(part) for part in parts}))


def library_of(app: App) -> str:
    """Return how much is asked, in words."""
    revision = app.serving().revision
    return f"{revision.documents} documents" if revision else "an empty library"


def _asked(count: int) -> None:
    if count % _TALK_EVERY == 0:
        talk(f"  {count} asked")


def _show(report: Report) -> None:
    names = [name for name, value in report.overall.items() if not isinstance(value, Mapping)]
    columns = {"all": report.overall, **report.tags}
    table(
        [(name, *(_cell(scores, name) for scores in columns.values())) for name in names],
        ("", *columns),
    )
    line()
    intervals = report.overall.get("intervals")
    if isinstance(intervals, Mapping):
        for name, (low, high) in intervals.items():
            line(f"{name}: 95 % interval {low:.3f} to {high:.3f} (Wilson)")


def _show_run(settings: Settings, vectors: Mapping[str, str | float] | None) -> None:
    """Say what was measured."""
    for name, values in settings.items():
        ours, theirs = (_short(values[whose]) for whose in ("run", "release"))
        line(f"{name}: {ours} in this run, {theirs} in the release")
    if vectors is None:
        line("vectors: none were used")
    else:
        line(f"vectors: {vectors['embedder']}, of {vectors['covered']:.1%} of the chunks")


def _short(value: str | float) -> str:
    """Return a value to be read; a digest by its first digits, none as that."""
    return (value[:12] or "none") if isinstance(value, str) else str(value)


def _cell(scores: Scores, name: str) -> str:
    value = scores.get(name)
    if value is None or isinstance(value, Mapping):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
