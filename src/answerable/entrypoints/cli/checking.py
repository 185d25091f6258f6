"""`check`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from answerable.entrypoints.cli.terminal import Json, Workspace, escaped, line, say_error, talk

if TYPE_CHECKING:
    from answerable.app.checking import CheckedLine

EXIT_BAD, EXIT_PARTLY = 2, 3
# A file of another kind is bad in every line; one complaint for each would hide the first.
_NAMED_MAX = 20
_SIGNS = {"supported": "+", "unsupported": "x", "undecided": "?"}


def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL file with id, context, question and response; - for stdin.",
            allow_dash=True,
        ),
    ],
    *,
    judge: Annotated[
        str,
        typer.Option(
            help="Who judges: features needs no model; model:NAME asks a model of the workspace; "
            "onnx:NAME or onnx:FOLDER reads with a cross-encoder."
        ),
    ] = "features",
    as_json: Json = False,
    workspace: Workspace = None,
) -> None:
    """Say of each response whether its context supports it, claim by claim.

    Example:  answerable check answers.jsonl --json
    """
    from answerable.app.checking import check_file, open_judge
    from answerable.domain.errors import BadLine

    done = bad = 0
    with open_judge(judge, workspace) as judging:
        for one in check_file(file, judging):
            if isinstance(one, BadLine):
                bad += 1
                if bad <= _NAMED_MAX:
                    say_error(one)
                continue
            done += 1
            if as_json:
                line(escaped(json.dumps(one.as_json(), ensure_ascii=False)))
            else:
                _show(one)
            sys.stdout.flush()
    if not as_json:
        talk(f"{done} checked, {bad} bad lines" if bad else f"{done} checked")
    if bad > _NAMED_MAX:
        talk(f"{bad} bad lines, the first {_NAMED_MAX} named above: is {file} what you meant?")
    if bad:
        raise typer.Exit(EXIT_PARTLY if done else EXIT_BAD)


def _show(one: CheckedLine) -> None:
    checked = one.checked
    name = one.id if one.id is not None else f"line {one.number}"
    line(f"{name}: {checked.verdict.value.upper()} ({checked.p_supported:.2f})")
    for claim in checked.claims:
        sign = _SIGNS[claim.verdict.value]
        text = " ".join(claim.claim.text.split())
        line(f"  {sign} {claim.p_supported:.2f}  {text}")
        if sign != "+":
            line(f"          {'; '.join(reason.text for reason in claim.reasons)}")
