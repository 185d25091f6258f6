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
    table = _Table()
    for line in lines:
        table.take(line)
    table.end_row()
    return table.rows


class _Table:
    """Takes options, formats and data of one table."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self._tab = "\t"
        self._is_data = False
        self._cells: list[list[str]] = [[]]
        self._in_block = False

    def take(self, line: Request) -> None:
        if line.name == "T&":
            self._is_data = False
        elif self._is_data:
            words = _words(line)
            if words is not None and (self._in_block or not _RULE.fullmatch(words)):
                self._data(words)
        elif not line.name:
            if match := _TAB.search(line.rest):
                self._tab = match[1]
            self._is_data = line.rest.rstrip().endswith(".")

    def end_row(self) -> None:
        row = " | ".join(" ".join(part for part in cell if part) for cell in self._cells)
        if row.strip("| "):
            self.rows.append(row)
        self._cells = [[]]

    def _data(self, words: str) -> None:
        """Add one line: cells, or part of a cell that is a block of text."""
        if self._in_block and not words.startswith("T}"):
            self._cells[-1].append(words.strip())
            return
        self._in_block = False
        for number, part in enumerate(words.removeprefix("T}").split(self._tab)):
            if number:
                self._cells.append([])
            if part.strip() == "T{":
                self._in_block = True
            else:
                self._cells[-1].append(part.strip())
        if not self._in_block:
            self.end_row()


def _words(line: Request) -> str | None:
    """Return what a line of data says; None when it is a request that says nothing."""
    if not line.name:
        return plain(line.rest)
    if line.name in _SET:
        apart = " " if len(line.name) == 1 else ""
        return apart.join(plain(each) for each in arguments(line.rest))
    return None
