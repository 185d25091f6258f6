"""Tables of tbl(1), as they stand in manual pages, to rows whose cells a bar parts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from answerable.adapters.parsers.roff import Request, arguments, plain

_TAB = re.compile(r"\btab[ \t]*\((.)\)")
_SET = frozenset({"B", "I", "BI", "BR", "IB", "IR", "RB", "RI", "SM", "SB"})
_RULE = re.compile(r"[ \t]*\\?[_=][ \t]*")


def rows(lines: Iterable[Request]) -> list[str]:
    """Return the rows of a table, the first of them its header.

    Args:
        lines: Everything between ``.TS`` and ``.TE``.
    """
    tab, is_data, found = "\t", False, []
    cells: list[list[str]] = [[]]
    in_block = False
    for line in lines:
        if not is_data:
            if (match := _TAB.search(line.rest)) and not line.name:
                tab = match[1]
            is_data = not line.name and line.rest.rstrip().endswith(".")
            continue
        if line.name == "T&":
            is_data = False
            continue
        words = _words(line)
        if words is None or (not in_block and _RULE.fullmatch(words)):
            continue
        parts = [words] if in_block and not words.startswith("T}") else words.split(tab)
        for number, part in enumerate(parts):
            if number:
                cells.append([])
            if in_block and number == 0:
                in_block = not part.startswith("T}")
                part = part.removeprefix("T}")  # noqa: PLW2901 -- the end of a block of text
            if part.strip() == "T{":
                in_block = True
            else:
                cells[-1].append(part.strip())
        if not in_block:
            found.append(_row(cells))
            cells = [[]]
    if any(any(cell) for cell in cells):
        found.append(_row(cells))
    return [row for row in found if row.strip("| ")]


def _words(line: Request) -> str | None:
    """Return what a line of data says; None when it is a request that says nothing."""
    if not line.name:
        return plain(line.rest)
    if line.name in _SET:
        apart = " " if len(line.name) == 1 else ""
        return apart.join(plain(each) for each in arguments(line.rest))
    return None


def _row(cells: Iterable[Iterable[str]]) -> str:
    return " | ".join(" ".join(part for part in cell if part) for cell in cells)
