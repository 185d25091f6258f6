"""`answerable`: the commands, and how a failure leaves them.

Heavy imports wait inside the commands, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from answerable import __version__
from answerable.domain.errors import AnswerableError, StorageFailure
from answerable.entrypoints.cli import (
    asking,
    calibrating,
    checking,
    embedding,
    evaluating,
    explaining,
    ingesting,
    inspecting,
    modelling,
    operating,
    reading,
    releasing,
    sourcing,
    verifying,
)
from answerable.entrypoints.cli.terminal import say_error

EXIT_INTERRUPTED = 130

START = "Start here"
LOOK = "Look closer"
# A whole sentence; longer ones are cut.
_HELP_MAX = 160


class Panels(TyperGroup):
    """A group whose help shows commands below their panel, without the time rich takes."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # typer keeps these types private
        """Write one section for each panel, in the order of the first command in it."""
        del ctx
        panels: dict[str, list[tuple[str, str]]] = {}
        widest = max(map(len, self.commands))
        for name, command in self.commands.items():
            row = name.ljust(widest), command.get_short_help_str(_HELP_MAX)
            panels.setdefault(getattr(command, "rich_help_panel", LOOK), []).append(row)
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


cli = typer.Typer(
    name="answerable",
    help="Answers from your own documents, with exact quotes, or an honest “they do not say”.",
    epilog="Start with:  answerable try docs/ “how do I restart the ingester?”",
    cls=Panels,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

cli.command("try", rich_help_panel=START)(asking.try_)
cli.command("init", rich_help_panel=START)(ingesting.init)
cli.command("ingest", rich_help_panel=START)(ingesting.ingest)
cli.command("ask", rich_help_panel=START)(asking.ask)
cli.command("serve", rich_help_panel=START)(operating.serve)
cli.command("mcp", rich_help_panel=START)(operating.mcp)
cli.command("demo", rich_help_panel=START)(operating.demo)
cli.command("doctor", rich_help_panel=START)(modelling.doctor)
cli.command("verify", rich_help_panel=LOOK)(verifying.verify)
cli.command("why", rich_help_panel=LOOK)(explaining.why)
cli.command("replay", rich_help_panel=LOOK)(explaining.replay)
cli.command("feedback", rich_help_panel=LOOK)(verifying.feedback)
cli.add_typer(reading.documents, name="documents", rich_help_panel=LOOK)
cli.add_typer(reading.revisions, name="revisions", rich_help_panel=LOOK)
cli.add_typer(reading.traces, name="traces", rich_help_panel=LOOK)
cli.add_typer(embedding.embedders, name="embedders", rich_help_panel=LOOK)
cli.add_typer(modelling.models, name="models", rich_help_panel=LOOK)
cli.add_typer(sourcing.sources, name="sources", rich_help_panel=LOOK)
cli.add_typer(inspecting.jobs, name="jobs", rich_help_panel=LOOK)
cli.add_typer(inspecting.settings, name="settings", rich_help_panel=LOOK)
cli.command("worker", rich_help_panel=LOOK)(operating.worker)
cli.command("check", rich_help_panel=LOOK)(checking.check)
cli.add_typer(evaluating.evaluation, name="eval", rich_help_panel=LOOK)
cli.add_typer(releasing.releases, name="releases", rich_help_panel=LOOK)
cli.command("calibrate", rich_help_panel=LOOK)(calibrating.calibrate)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"answerable {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Answers from your own documents, with exact quotes, or an honest “they do not say”."""


def main() -> None:
    """Run the command line; a failure ends with its own exit code, never with a traceback."""
    try:
        cli()
    except AnswerableError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201 (talk to the person, whatever state we are in)
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        # Often it is our output: it goes to a full disk. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failure = StorageFailure(
            f"{error.filename or 'the output'} cannot be used: {error.strerror or error}",
            hint="check the disk and the permissions there, then run it again",
        )
        say_error(failure)
        sys.exit(failure.exit_code)
