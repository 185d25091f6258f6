"""YAML, JSON, TOML and INI to blocks: each key, table or section with what it holds and says.

Nothing is loaded: no tag makes an object and no alias is expanded. Lines and their indentation
are all that is read, so comments stay and a file that is broken is still a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from answerable.adapters.parsers.lines import Lines
from answerable.adapters.parsers.outline import BLANK, INSIDE, WHOLE_CHARS, Outline
from answerable.domain.documents import Block, BlockKind, Text

_SCALAR = re.compile(
    r"(?:^|[:\-][ \t])[ \t]*(?:[!&][^ \t]*[ \t]+)*[|>][+\-0-9]{0,2}[ \t]*(?:#.*)?$"
)
_DASHES = re.compile(r"[ \t]*(?:-(?:[ \t]+|$))+")
_TAIL_CHARS = 200
_DOCUMENT = re.compile(r"---(?:[ \t]|$)")
_CLOSER = re.compile(r"[ \t]*[\]})][\]}),; \t]*(?:#.*|//.*)?$")
_OPENER = re.compile(r"[ \t]*[\[{(][\[{( \t]*$")
_SECTION = re.compile(r"[ \t]*\[\[?[^\[\]\n=,]{1,200}\]?\][ \t]*(?:[#;].*)?$")
_LONG_STRING = re.compile(r'"""|\'\'\'')

LINE_CHARS = 2_000
"""A longer line of JSON is nothing that anybody wrote: it is set anew."""

_JSON_TOKEN = re.compile(  # nothing here is ever tried twice: an open string would take for ever
    r"(?P<leaf>[\[{](?:[^\[\]{}\"\\/]{1,40}+|\"(?:[^\"\\]|\\.){0,60}+\"){0,12}+[\]}])"
    r"|(?P<note>//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*+\"?)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)"
    r"|(?P<blank>\s+)|(?P<other>[^\s\"\[\]{},:/]++|[\\/])",
    re.DOTALL,
)
SPREAD_CHARS_MAX = 4_000_000
_JSON_DEPTH_MAX = 12


def yaml(source: str) -> Text:
    """Return YAML as blocks, one for each key; a short document of several is one block.

    Args:
        source: Canonical text.
    """
    lines = Lines(source)
    columns = _settled(lines, _yaml_columns(lines), "#")
    outline = Outline(lines=lines, columns=columns, notes=_notes(lines, "#", "---", "%"))
    marks = [n for n, row in enumerate(lines.rows) if _DOCUMENT.match(row)]
    edges = sorted({0, *marks, len(lines)})
    blocks: list[Block] = []
    for first, last in pairwise(edges):
        size = lines.starts[last] - lines.starts[first]
        if len(edges) > 2 and size <= WHOLE_CHARS:  # noqa: PLR2004 -- more than one document
            blocks += lines.block(BlockKind.CODE, first, last, 1)
        else:
            blocks += outline.blocks(first, last)
    return lines.text(blocks)


def json(source: str) -> Text:
    """Return JSON as blocks, one for each key; what stands on one long line is set anew.

    Args:
        source: Canonical text. It may have comments, and may be cut off.
    """
    longest = max(map(len, source.split("\n")))
    if longest > LINE_CHARS and len(source) <= SPREAD_CHARS_MAX:
        source = spread(source)
    lines = Lines(source)
    columns = _settled(lines, [_column(lines, n) for n in range(len(lines))], "//")
    bare = {n for n, row in enumerate(lines.rows) if _OPENER.match(row)}
    outline = Outline(lines=lines, columns=columns, notes=_notes(lines, "//"), bare=bare)
    return lines.text(outline.blocks(0, len(lines)))


def sections(source: str) -> Text:
    """Return TOML, INI or the like as blocks: its sections, in them what blank lines part.

    Args:
        source: Canonical text.
    """
    lines = Lines(source)
    columns = _settled(lines, _section_columns(lines), "#", ";")
    notes = _notes(lines, "#", ";")
    return lines.text(
        Outline(lines=lines, columns=columns, notes=notes, is_loose=True).blocks(0, len(lines))
    )


def has_sections(source: str) -> bool:
    """Return whether some line of a configuration is the head of a section: ``[server]``."""
    return any(_SECTION.match(row) for row in source.split("\n"))


def spread(source: str) -> str:
    """Return JSON with a line for each member, small objects and lists on one.

    Nothing is loaded, so numbers and repeated keys stay as they are. What is nested very deep
    stays on its line.
    """
    pieces: list[str] = []
    depth, last = 0, ""
    for match in _JSON_TOKEN.finditer(source):
        kind, token = match.lastgroup, match[0]
        if kind == "blank":
            last += " "
            continue
        if kind == last[:-1] == "other":  # words of what is no JSON stay apart
            pieces.append(" ")
        last = kind or ""
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
            pieces.append(_break(depth))
        if kind == "note":
            pieces.append(f" {token}{_break(depth) if token.startswith('//') else ' '}")
            continue
        pieces.append(": " if kind == "colon" else token)
        if kind == "open" or (kind == "comma" and depth):
            pieces.append(_break(depth))
        elif kind == "comma" or (kind == "close" and not depth):
            pieces.append("\n")
    lines = "".join(pieces).split("\n")
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


def _break(depth: int) -> str:
    return f"\n{'  ' * depth}" if depth <= _JSON_DEPTH_MAX else ""


def _column(lines: Lines, line: int) -> int:
    """Return twice the indentation of a line, so that there is room between two."""
    if lines.is_blank(line):
        return BLANK
    return INSIDE if _CLOSER.match(lines.rows[line]) else 2 * lines.indent(line)


def _yaml_columns(lines: Lines) -> list[int]:
    """Return the column of each line; the items of a list are deeper than its key."""
    columns: list[int] = []
    scalar: int | None = None
    for number, row in enumerate(lines.rows):
        column = _column(lines, number)
        if column not in (BLANK, INSIDE):
            dashes = _DASHES.match(row)
            key = column + 2 * len(dashes[0].lstrip()) if dashes else column
            column += dashes is not None
            if scalar is not None and column > scalar:
                column = INSIDE
            elif opens := _SCALAR.search(row[-_TAIL_CHARS:]):
                scalar = key if opens[0].startswith(":") else column
            else:
                scalar = None
        columns.append(column)
    return columns


def _section_columns(lines: Lines) -> list[int]:
    """Return the column of each line: 0 for the head of a section, more for what is in it."""
    columns: list[int] = []
    is_string = False
    for number, row in enumerate(lines.rows):
        column = _column(lines, number)
        if column not in (BLANK, INSIDE):
            is_note = row.lstrip().startswith(("#", ";"))
            in_section = not is_note and not _SECTION.match(row)
            column = INSIDE if is_string else column + 2 if in_section else column if is_note else 0
        columns.append(column)
        is_string ^= len(_LONG_STRING.findall(row)) % 2 == 1
    return columns


def _notes(lines: Lines, *marks: str) -> set[int]:
    return {n for n, row in enumerate(lines.rows) if row.lstrip().startswith(marks)}


def _settled(lines: Lines, columns: Sequence[int], *marks: str) -> list[int]:
    """Return the columns with comments as deep as what follows them, or as they are indented."""
    settled = list(columns)
    following = 0
    for line in reversed(range(len(lines))):
        if settled[line] in (BLANK, INSIDE):
            continue
        if lines.rows[line].lstrip().startswith(marks):
            settled[line] = max(settled[line], following)
        following = settled[line]
    return settled
