"""Source code and scripts to blocks: each definition with the comments that stand above it.

Python says itself where its statements end. Of every other language only indentation, brackets
and comments are read, which nearly all of them share; what is written otherwise is cut at blank
lines. Nothing is ever run, and a file that is broken is still a text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from answerable.adapters.parsers.lines import Lines
from answerable.adapters.parsers.outline import BLANK, INSIDE, Outline
from answerable.domain.documents import Text

PYTHON = frozenset({".py", ".pyi", ".pyw"})
AST_CHARS_MAX = 1_000_000
"""Python longer than this is read by its indentation alone: a tree of it takes much memory."""

_CONTINUES = re.compile(
    r"[ \t]*(?:[\]})]|\{[ \t]*$|(?:else|elif|elsif|except|finally|catch|rescue|ensure|then|do|done"
    r"|fi|esac|end|EOF|EOT|END)\b(?![ \t]*[=(.]))"
)
_NOTE = re.compile(r"[ \t]*(?:#(?!\{)|//|--(?!-)|;|@|\"\"\"|'''|%)")
_DOCS_OPEN = re.compile(r"[ \t]*(?:/\*|\(\*|<!--|\{-)")
_DOCS_CLOSE = re.compile(r"\*/|\*\)|-->|-\}")
_HEREDOC = re.compile(r"<<[-~]?[ \t]*([\"']?)(\w{1,40})\1")


def read(source: str, suffix: str) -> Text:
    """Return source code as blocks: definitions whole, long ones by what is in them.

    Args:
        source: Canonical text.
        suffix: Of the file, lower case with its dot.
    """
    lines = Lines(source)
    inside = _inside_python(source) if suffix in PYTHON else _inside_heredocs(lines)
    columns, notes = _columns(lines, inside)
    outline = Outline(lines=lines, columns=columns, notes=notes, is_loose=True)
    return lines.text(outline.blocks(0, len(lines)))


def _columns(lines: Lines, inside: set[int]) -> tuple[list[int], set[int]]:
    """Return the column of each line, and which lines are comments or decorators.

    A comment of several lines stands at the column of its first; one between the lines of a
    body, further out than they are, belongs to the body.
    """
    columns: list[int] = []
    notes: set[int] = set()
    docs: int | None = None
    for number, row in enumerate(lines.rows):
        if lines.is_blank(number):
            columns.append(BLANK)
            continue
        if number in inside or (docs is None and _CONTINUES.match(row)):
            columns.append(INSIDE)
            continue
        if docs is None and _DOCS_OPEN.match(row):
            docs = lines.indent(number)
        is_note = docs is not None or bool(_NOTE.match(row))
        columns.append(docs if docs is not None else lines.indent(number))
        if is_note:
            notes.add(number)
        if docs is not None and _DOCS_CLOSE.search(row):
            docs = None
    return _settled(columns, notes), notes


def _settled(columns: list[int], notes: set[int]) -> list[int]:
    following = 0
    for line in reversed(range(len(columns))):
        if columns[line] in (BLANK, INSIDE):
            continue
        if line in notes:
            columns[line] = max(columns[line], following)
        following = columns[line]
    return columns


def _inside_heredocs(lines: Lines) -> set[int]:
    """Return the lines of here-documents, which begin nothing wherever they stand."""
    inside: set[int] = set()
    until = ""
    for number, row in enumerate(lines.rows):
        if until:
            inside.add(number)
            if row.strip() == until:
                until = ""
        elif "<<" in row and (match := _HEREDOC.search(row)):
            until = match[2]
    return set() if until else inside


def _inside_python(source: str) -> set[int]:
    """Return the lines on which a statement of Python goes on; none if it is no Python."""
    if len(source) > AST_CHARS_MAX:
        return set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {line for first, last in _statements(tree) for line in range(first, last)}


def _statements(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """Give the ranges of lines, from 0, on which the statements of a tree go on."""
    waiting = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
                waiting.append(node)
                yield _rest(node)


def _rest(node: ast.AST) -> tuple[int, int]:
    """Return the lines after the first of a statement, or of its head when it has a body."""
    body = getattr(node, "body", None)
    first = getattr(node, "lineno", 0)
    if isinstance(body, list) and body:
        last = getattr(body[0], "lineno", first) - 1
        decorators = getattr(body[0], "decorator_list", [])
        last = min((last, *(each.lineno - 1 for each in decorators)))
        return (first, last) if first else (0, 0)
    return first, getattr(node, "end_lineno", None) or first
