"""Writing to a terminal: data to stdout, talk to stderr, nothing a document can steer."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from answerable.domain.errors import AnswerableError

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="Folder of answerable.toml; found upwards from here if left out.",
        envvar="ANSWERABLE_WORKSPACE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_KEPT = {"\n", "\t"}
_DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def plain(text: str) -> str:
    """Return the text without anything a terminal would obey: control and direction marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char for char in text if char in _KEPT or unicodedata.category(char) not in _DANGEROUS
    )


def line(text: str = "") -> None:
    """Print one line of data."""
    typer.echo(plain(text))


def talk(text: str) -> None:
    """Say something to the person; never data."""
    typer.echo(plain(text), err=True)


def print_json(value: object) -> None:
    """Print a value as one JSON document; dataclasses become objects."""
    text = json.dumps(value, default=_plain_value, ensure_ascii=False, indent=2)
    typer.echo(escaped(text))


def escaped(text: str) -> str:
    """Return JSON with what a terminal would obey written as escapes."""
    return text if text.isascii() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    """Return a character of JSON as it may be printed: some of what JSON allows is obeyed."""
    if char == "\n" or unicodedata.category(char) not in _DANGEROUS:
        return char
    return json.dumps(char)[1:-1]


def _plain_value(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def say_error(error: AnswerableError) -> None:
    """Print what happened, where, and what to do."""
    talk(f"error[{error.code}]: {error.message}\n  hint: {error.hint}")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it has to be."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def when(at_ms: int) -> str:
    """Return a moment as the clock on the wall shows it."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def is_terminal() -> bool:
    """Return whether a person watches stderr."""
    return sys.stderr.isatty()


def table(rows: Sequence[tuple[str, ...]], header: tuple[str, ...]) -> None:
    """Print rows in columns as wide as they need to be."""
    cells = [tuple(plain(cell).replace("\n", " ") for cell in row) for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        typer.echo(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
