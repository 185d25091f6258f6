"""`releases`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from answerable.domain.errors import BadInput, PathMissing
from answerable.entrypoints.cli.canarying import canary
from answerable.entrypoints.cli.evaluating import show_flip
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
    from answerable.app.bisecting import Bisected
    from answerable.app.releasing import Difference, Gated, ReleaseView
    from answerable.quality.comparison import Comparison
    from answerable.releases.gate import Policy
    from answerable.releases.history import State
    from answerable.settings import Gate

releases = typer.Typer(
    no_args_is_help=True, help="Change what answers: propose, gate, promote, go back."
)

releases.add_typer(canary, name="canary")

EXIT_FAILED = 20
EXIT_INCONCLUSIVE = 21
_FLIPS_MAX = 10
_PATHS_MAX = 20
_TALK_EVERY = 100

Release = Annotated[
    str,
    typer.Argument(help="live, workspace, an id or its beginning, or d3 for deployment 3."),
]


@releases.callback()
def _group() -> None:
    """Change what answers: propose, gate, promote, go back."""


@releases.command("propose")
def propose(
    base: Annotated[
        str,
        typer.Option("--from", help="What it is made from: a release, or what the workspace says."),
    ] = "workspace",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a value; @FILE reads a text."),
    ] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What it is for.")] = "",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Keep a release: what the workspace says, or another release with some values changed.

    Nothing serves it yet. `releases show` names the values that can be changed.

    Example:  answerable releases propose --set retrieval.passages_max=4 -m "shorter answers"
    """
    from answerable.app import open_app

    wanted = [_change(one) for one in changes or ()]
    with open_app(workspace) as app:
        kept = app.releases.propose(
            base, wanted, author=app.owner().principal, message=message or ", ".join(changes or ())
        )
        found = app.releases.diff("live", kept.release_id)
    if as_json:
        print_json(kept)
        return
    line(kept.release_id)
    _say_values(found)
    talk(f"next: answerable releases gate {kept.release_id} --set NAME")


@releases.command("list")
def list_releases(as_json: Json = False, workspace: Workspace = None) -> None:
    """List releases, newest first: who proposed them, what their gates said, what serves.

    Example:  answerable releases list
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.releases.all()
    if as_json:
        print_json([_as_object(one) for one in found])
        return
    rows = [
        (
            f"{one.id} *" if one.is_live else one.id,
            when(one.at_ms),
            one.proposal.author if one.proposal else "",
            one.ruling.decision if one.ruling else "",
            when(one.deployed[0].at_ms) if one.deployed else "",
            one.proposal.message if one.proposal else _because(one),
        )
        for one in found
    ]
    table(rows, ("release", "since", "by", "gate", "deployed", "what for"))
    talk("* serves now")


@releases.command("show")
def show(release: Release = "live", as_json: Json = False, workspace: Workspace = None) -> None:
    """Show every value of a release, who wanted it, and what its gates said.

    Example:  answerable releases show live
    """
    from answerable.app import open_app
    from answerable.releases.recipes import flat

    with open_app(workspace) as app:
        found = app.releases.view(release)
    if as_json:
        values = flat(found.release) if found.release else None
        print_json({**_as_object(found), "values": values})
        return
    for text in _told(found):
        line(text)
    if found.release is None:
        talk("this version cannot read it")
        return
    line()
    for name, value in flat(found.release).items():
        line(f"{name}: {_short(value)}")


@releases.command("diff")
def diff(
    before: Release = "live",
    after: Release = "workspace",
    *,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Show what differs between two releases; between two deployments, their documents too.

    Example:  answerable releases diff live workspace
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        found = app.releases.diff(before, after)
    if as_json:
        print_json(found)
        return
    _say_values(found)
    for what, paths in (("added", found.added), ("changed", found.changed), ("gone", found.gone)):
        for path in (paths or ())[:_PATHS_MAX]:
            line(f"{what}: {path}")
        if paths is not None and len(paths) > _PATHS_MAX:
            talk(f"{len(paths) - _PATHS_MAX} more {what}: --json names all")
    if not (found.values or found.added or found.changed or found.gone):
        talk("nothing differs")


@releases.command("export")
def export(
    release: Release = "live",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it here; else to stdout.")
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Write a release as a file, to be kept in Git or taken to another machine.

    Example:  answerable releases export live -o release.json
    """
    from answerable.app import evaluations, open_app

    with open_app(workspace) as app:
        text = app.releases.file(release)
    if output is None:
        typer.echo(text, nl=False)
    else:
        if not output.parent.is_dir():
            raise PathMissing(f"there is no folder {output.parent}", hint="make it first")
        evaluations.report(output, text)


@releases.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `releases export` wrote.")],
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Keep a release from a file; nothing serves it yet.

    Example:  answerable releases import release.json
    """
    from answerable.app import open_app

    text = _read(file)
    with open_app(workspace) as app:
        kept = app.releases.take(text, name=file.name, who=app.owner().principal)
    if as_json:
        print_json(kept)
    else:
        line(kept.release_id)


@releases.command("gate")
def gate(
    candidate: Release,
    *,
    against: Annotated[str, typer.Option("--against", help="What it would follow.")] = "live",
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="A question set; left out, those of [gate] questions."),
    ] = None,
    suites: Annotated[
        list[str] | None,
        typer.Option("--zero-tolerance", help="A question set of which no answer may be bad."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", help="Share of good answers that may be lost.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Asked at once.")] = 4,
    partial: Annotated[
        bool, typer.Option("--partial", help="Ask a library that lacks vectors as it is.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write a page with every flip.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the questions as tests, for CI.")
    ] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say whether a release may serve: exit code 0 for yes, 20 for no, 21 for not known yet.

    What was asked before is not asked again, so a run that was stopped goes on.

    Example:  answerable releases gate workspace --set ops --zero-tolerance leaks
    """
    from answerable.app import evaluations, load_question_set, open_app
    from answerable.entrypoints.cli.evaluating import check_outputs
    from answerable.quality import comparison

    check_outputs(markdown, junit)
    with open_app(workspace) as app:
        asked = app.settings.gate
        policy = _policy(asked, margin)
        questions = [load_question_set(one, workspace) for one in sets or asked.questions]
        zero = [load_question_set(one, workspace) for one in suites or asked.zero_tolerance]
        if not questions and not zero:
            raise BadInput(
                "no question set was named", hint="--set NAME, or [gate] questions = [...]"
            )
        found = app.releases.gate(
            candidate,
            against,
            questions,
            zero,
            policy,
            who=app.owner().principal,
            asked=_asked,
            jobs=jobs,
            partial=partial,
            labels=evaluations.known_labels(app.settings.workspace),
        )
    pages = [comparison.markdown(one) for one in found.compared]
    if markdown is not None:
        evaluations.report(markdown, "\n".join(pages))
    if junit is not None and found.compared:
        evaluations.report(junit, comparison.junit(found.compared[0]))
    if as_json:
        print_json(_gated(found))
    else:
        _show_gate(found)
    raise typer.Exit(_EXITS[found.judgement.decision.value])


_EXITS = {"pass": 0, "fail": EXIT_FAILED, "inconclusive": EXIT_INCONCLUSIVE}


@releases.command("promote")
def promote(
    release: Release,
    because: Annotated[str, typer.Option("--because", help="Why; goes on record.")] = "",
    override: Annotated[
        str,
        typer.Option("--override", metavar="REASON", help="Serve it though no gate let it pass."),
    ] = "",
    workspace: Workspace = None,
) -> None:
    """Serve a release from the next question on, in all processes, without a restart.

    From then on a change of the workspace changes nothing by itself; `promote workspace` goes
    back to that.

    Example:  answerable releases promote rel-3f2a --because "passed, and reads better"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        before = app.serving().release.id
        now = app.releases.promote(
            release, who=app.owner().principal, because=because, override=override
        )
    line(f"{now.release_id} serves now, deployment {now.number}: {now.because}")
    talk(f"to go back to {before}: answerable releases rollback")


@releases.command("rollback")
def rollback(
    to: Annotated[
        str, typer.Option("--to", help="A release, or deployment d3; else the one before.")
    ] = "",
    with_index: Annotated[
        bool,
        typer.Option("--with-index", help="Go back to the documents it served, and stay there."),
    ] = False,
    because: Annotated[str, typer.Option("--because", help="Why; goes on record.")] = (
        "rolled back by hand"
    ),
    workspace: Workspace = None,
) -> None:
    """Serve again what served before, from the next question on, in all processes.

    Example:  answerable releases rollback --because "worse answers since noon"
    """
    from answerable.app import open_app

    with open_app(workspace) as app:
        now = app.releases.rollback(
            to=to, with_index=with_index, who=app.owner().principal, because=because
        )
    documents = "today's documents" if now.pinned is None else f"revision {now.pinned}, pinned"
    line(f"{now.release_id} serves now with {documents}, deployment {now.number}")
    if now.pinned is not None:
        talk("to serve the newest documents again: answerable revisions switch latest")


@releases.command("bisect")
def bisect(
    question: Annotated[
        str, typer.Option("--question", help="A question that is answered worse now.")
    ] = "",
    expect: Annotated[
        str, typer.Option("--expect", help="A text its answer has to hold; else as it was then.")
    ] = "",
    questions: Annotated[str, typer.Option("--set", help="Or a question set.")] = "",
    good: Annotated[
        str, typer.Option("--good", help="Where it was good: d3, or a release; else the oldest.")
    ] = "",
    bad: Annotated[str, typer.Option("--bad", help="Where it is bad; else what serves now.")] = "",
    *,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Find the change that made answers worse: a release, a part of it, or the very documents.

    What served is asked again, each release with the documents it had.

    Example:  answerable releases bisect --question "how to restart it?" --expect "rollout"
    """
    from answerable.app import load_question_set, open_app

    if bool(question) == bool(questions):
        raise BadInput("name one question, or one set", hint='--question "...", or --set NAME')
    with open_app(workspace) as app:
        history = app.bisecting.between(good, bad)
        if question:
            asked = app.bisecting.case(question, expect, history[0])
        else:
            asked = load_question_set(questions, workspace)
        found = app.bisecting.run(asked, history, told=lambda text: talk(f"  {text}"))
    if as_json:
        print_json(_bisected(found))
    else:
        _show_bisected(found)


def _bisected(found: Bisected) -> dict[str, Any]:
    return {
        "culprit": _state(found.after),
        "before": _state(found.before),
        "posterior": found.posterior,
        "asked": found.asked,
        "states": found.states,
        "guilty": list(found.guilty),
        "parts": [asdict(one) for one in found.parts],
        "documents": list(found.documents),
        "lost": [{"before": asdict(one), "after": asdict(two)} for one, two in found.flips],
    }


def _state(one: State) -> dict[str, Any]:
    return {
        "deployment": one.deployment,
        "release": one.release.id,
        "revision": one.revision.number,
        "since_ms": one.since_ms,
    }


def _show_bisected(found: Bisected) -> None:
    line(f"{found.after.name}, since {when(found.after.since_ms)}: {found.posterior:.1%} sure")
    line(f"it was good in {found.before.name}")
    for one in found.parts:
        line(
            f"  {one.name}: {one.bad_with} of {one.of} bad with only that changed, "
            f"{one.bad_without} with all but that"
        )
    line(f"because of: {' and '.join(found.guilty)}")
    for path in found.documents:
        line(f"  document: {path}")
    for before, after in found.flips[:_FLIPS_MAX]:
        show_flip("lost", before, after)
    talk(f"{found.asked} answers of {found.states} states were looked at")


def _change(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise BadInput(
            f"--set takes NAME=VALUE, not {given[:60]!r}", hint="--set retrieval.passages_max=4"
        )
    return name.strip(), _read(Path(value[1:])) if value.startswith("@") else value


def _read(file: Path) -> str:
    if not file.is_file():
        raise PathMissing(f"there is no file {file}", hint="name one that is there")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not UTF-8", hint="save it as UTF-8") from None


def _policy(asked: Gate, margin: float | None) -> Policy:
    from answerable.releases.gate import Policy

    if margin is not None and not 0 < margin < 1:
        raise BadInput(f"--margin takes a share above 0 and below 1, not {margin}", hint="0.05")
    found = Policy(
        margin=asked.margin,
        margins=asked.margins,
        latency_ms_max=asked.latency_ms_max,
        latency_ratio_max=asked.latency_ratio_max,
        cost_usd_max=asked.cost_usd_max,
    )
    return found if margin is None else replace(found, margin=margin)


def _asked(name: str, done: int, of: int) -> None:
    step = 1 if is_terminal() and done == of else _TALK_EVERY
    if done % step == 0 or done == of:
        talk(f"  {name}: {done} of {of} asked")


def _as_object(one: ReleaseView) -> dict[str, Any]:
    return {
        "id": one.id,
        "is_live": one.is_live,
        "at_ms": one.at_ms,
        "proposal": one.proposal,
        "ruling": one.ruling,
        "deployed": list(one.deployed),
    }


def _because(one: ReleaseView) -> str:
    return one.deployed[-1].because if one.deployed else ""


def _told(found: ReleaseView) -> Iterator[str]:
    yield f"{found.id}{', serves now' if found.is_live else ''}"
    if (proposal := found.proposal) is not None:
        yield f"proposed by {proposal.author}, {when(proposal.at_ms)}: {proposal.message}"
        yield f"made from {proposal.parent}"
    if (ruling := found.ruling) is not None:
        yield f"gate against {ruling.against}, {when(ruling.at_ms)}: {ruling.decision.upper()}"
        yield from (f"  {reason}" for reason in ruling.because.splitlines())
        yield f"  asked: {ruling.questions}"
    for one in found.deployed:
        yield f"deployment {one.number}, {when(one.at_ms)}, by {one.who}: {one.because}"


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    lines = text.splitlines()
    return text if len(lines) < 2 else f"{lines[0]} ({counted(len(lines), 'line')})"  # noqa: PLR2004 -- one is shown


def _say_values(found: Difference) -> None:
    from answerable.releases.recipes import in_words

    for text in in_words(found.values):
        line(text)


def _gated(found: Gated) -> dict[str, Any]:
    from answerable.quality import comparison

    return {
        "candidate": found.candidate.id,
        "against": found.against.id,
        "decision": found.judgement.decision.value,
        "more": found.judgement.more,
        "findings": [asdict(one) for one in found.judgement.findings],
        "ruling": found.ruling.number,
        "compared": [comparison.as_json(one) for one in found.compared],
    }


def _show_gate(found: Gated) -> None:
    judgement = found.judgement
    line(f"{judgement.decision.value.upper()}: {found.candidate.id} against {found.against.id}")
    for one in judgement.findings:
        line(f"  {one.decision.value:<13}{one.name}: {one.because}")
    for comparison in found.compared:
        _show_flips("lost", comparison, comparison.lost)
        _show_flips("gained", comparison, comparison.gained)
    if judgement.more is not None:
        talk(f"about {counted(judgement.more, 'further question')} would probably decide it")


def _show_flips(title: str, comparison: Comparison, flips: Sequence[Any]) -> None:
    for before, after in flips[:_FLIPS_MAX]:
        show_flip(f"{title}, {comparison.after.questions}", before, after)
    if len(flips) > _FLIPS_MAX:
        talk(f"{len(flips) - _FLIPS_MAX} more {title}: --json or --markdown FILE has all")
