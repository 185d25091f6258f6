"""`models` and `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from answerable.domain.errors import AnswerableError
from answerable.entrypoints.cli.terminal import (
    Json,
    Workspace,
    line,
    print_json,
    say_error,
    table,
    talk,
)

if TYPE_CHECKING:
    from answerable.app.connecting import Connected
    from answerable.app.models import ModelReport

models = typer.Typer(no_args_is_help=True, help="Language models, for answers in own words.")

_EXIT_FAILED = 1


@models.callback()
def _group() -> None:
    """Language models, for answers in own words."""


@models.command("add")
def add_model(
    named: Annotated[
        str, typer.Argument(metavar="MODEL", help="provider:model, or the address of a server.")
    ],
    *,
    name: Annotated[str, typer.Option(help="What it is called here.")] = "",
    model: Annotated[str, typer.Option(help="Which one, of a server named by its address.")] = "",
    key_env: Annotated[str, typer.Option(help="Environment variable that holds its key.")] = "",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Connect a model: write it into answerable.toml, and say what is still missing.

    Example:  answerable models add ollama:llama3.2
    """
    from answerable.app.connecting import add_model as add

    done = add(workspace, named, name=name, model=model, key_variable=key_env)
    if as_json:
        print_json(done)
        return
    verb = "added" if done.is_new else "there already:"
    line(f"{verb} {done.name}: {done.model} at {done.address}, in {done.file}")
    for step in _next_steps(done):
        talk(step)


def _next_steps(done: Connected) -> list[str]:
    steps = []
    if done.extra:
        steps.append(f"install what it needs: pip install '{done.extra}'")
    if done.key and not done.has_key:
        steps.append(f"set its key: export {done.key.partition(' ')[0]}=…")
    if done.is_open:
        steps.append("its key would be sent without encryption: use https outside this machine")
    steps.append(f"then: answerable models check {done.name}")
    return steps


@models.command("list")
def list_models(as_json: Json = False, workspace: Workspace = None) -> None:
    """List the models that are set up, and what is missing; none is asked.

    Example:  answerable models list
    """
    from answerable.app import open_app
    from answerable.app.connecting import local_servers
    from answerable.app.doctor import offer

    with open_app(workspace) as app:
        found = app.models()
    if as_json:
        print_json(found)
        return
    if found:
        rows = [
            (
                one.name,
                one.model,
                one.address or one.provider,
                {True: "set", False: "missing", None: "none needed"}[one.has_key],
                "known" if one.is_priced else "unpriced",
                one.trouble or "ready",
            )
            for one in found
        ]
        table(rows, ("name", "model", "where", "key", "price", ""))
        return
    talk("no model is connected: answers are quotes, which need none")
    for server in local_servers():
        talk(f"{server.provider} answers at {server.base_url}: {offer(server)}")


@models.command("check")
def check_models(
    name: Annotated[str | None, typer.Argument(help="Its name; all if left out.")] = None,
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Ask a model for a few words: time to the first token, tokens a second, cost.

    Example:  answerable models check
    """
    from answerable.app import open_app

    reports: list[ModelReport] = []
    failures: dict[str, AnswerableError] = {}
    with open_app(workspace) as app:
        names = [name] if name else [one.name for one in app.models()]
        for one in names:
            try:
                reports.append(app.check_model(one))
            except AnswerableError as error:
                if name:
                    raise
                failures[one] = error
    if as_json:
        told = [
            {"name": one, "code": why.code, "message": why.message, "hint": why.hint}
            for one, why in failures.items()
        ]
        print_json({"models": [_plain(one) for one in reports], "failed": told})
    else:
        for report in reports:
            line(_said(report))
        for failure in failures.values():
            say_error(failure)
    if not names:
        talk("no model is connected: answerable models add ollama:llama3.2")
    if failures:
        raise typer.Exit(_EXIT_FAILED)


def _plain(report: ModelReport) -> dict[str, object]:
    from dataclasses import asdict

    cost = report.cost_usd
    return asdict(report) | {"cost_usd": None if cost is None else str(cost)}


def _said(report: ModelReport) -> str:
    speed = f"{report.tokens_s:.0f} tokens/s" if report.tokens_s else "speed not measurable"
    cost = "unpriced" if report.cost_usd is None else f"${report.cost_usd.normalize():f}"
    about = "about " if report.is_estimated else ""
    return (
        f"{report.name}: {report.model}: first token after {report.first_token_ms:.0f} ms, "
        f"{about}{speed}, {about}{report.tokens_in} + {report.tokens_out} tokens, {cost}"
    )


def doctor(as_json: Json = False, workspace: Workspace = None) -> None:
    """Look at every part and say what is wrong and what to do; exits with 1 if something fails.

    Example:  answerable doctor
    """
    from answerable.app.doctor import examine

    found = examine(workspace)
    if as_json:
        print_json({"findings": found})
    else:
        for one in found:
            hint = f"\n      {one.hint}" if one.hint else ""
            line(f"{one.health:4}  {one.part}: {one.said}{hint}")
    if any(one.health == "fail" for one in found):
        raise typer.Exit(_EXIT_FAILED)
