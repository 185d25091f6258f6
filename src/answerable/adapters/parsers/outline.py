"""Text whose indentation is its structure, to blocks: configuration and source code.

What stands at the outermost column begins a stanza, and what is indented deeper belongs to it.
A stanza that fits in one chunk is one block. A longer one is a heading, its first line, and the
stanzas inside it, so that whoever finds a part of it is told where that part stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from answerable.adapters.parsers.lines import Lines
from answerable.domain.documents import Block, BlockKind

WHOLE_CHARS = 1_200
HEAD_CHARS = 200
BLANK = -1
INSIDE = 1_000_000
"""The column of a line that begins nothing, wherever it stands: a closing bracket, a string."""

_DEPTH_MAX = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """How the lines of a source are indented.

    Attributes:
        columns: Of each line; `BLANK` or `INSIDE` for what begins no stanza.
        notes: Lines that belong to what follows them: comments, decorators.
        bare: Lines that begin a stanza and name nothing: an opening bracket.
        is_loose: A line begins a stanza only after a blank line, or after something indented:
            statements that follow each other are one stanza.
    """

    lines: Lines
    columns: Sequence[int]
    notes: Collection[int] = frozenset()
    bare: Collection[int] = frozenset()
    is_loose: bool = False

    def blocks(self, first: int, last: int, level: int = 1, depth: int = 0) -> list[Block]:
        """Return the blocks of the lines from `first` up to `last`.

        Args:
            first: Line number, from 0.
            last: Line number.
            level: Of headings among them.
            depth: How many stanzas are open around them.
        """
        return self._listed(self._stanzas(first, last, is_loose=self.is_loose), level, depth)

    def _listed(self, stanzas: Iterable[tuple[int, int]], level: int, depth: int) -> list[Block]:
        return [block for span in stanzas for block in self._stanza(*span, level, depth)]

    def _stanzas(self, first: int, last: int, *, is_loose: bool) -> list[tuple[int, int]]:
        """Return the ranges of lines that begin at the outermost column, covering all."""
        base = min((c for c in self.columns[first:last] if BLANK < c < INSIDE), default=INSIDE)
        begins = [n for n in range(first, last) if self._begins(n, first, base, is_loose=is_loose)]
        lead = range(first, begins[0]) if begins else range(0)
        if any(BLANK < self.columns[line] < INSIDE for line in lead):
            begins.insert(0, first)
        elif begins:
            begins[0] = first
        return list(zip(begins or [first], [*begins[1:], last], strict=True))

    def _begins(self, line: int, first: int, base: int, *, is_loose: bool) -> bool:
        if self.columns[line] != base or base == INSIDE:
            return False
        if line == first:
            return True
        before = self.columns[line - 1]
        if line - 1 in self.notes and before == base:
            return False
        return not is_loose or before == BLANK or before > base

    def _stanza(self, first: int, last: int, level: int, depth: int) -> Sequence[Block]:
        """Return one block, or, of a long stanza, a heading and what stands below it."""
        first, last = self.lines.trimmed(first, last)
        starts = self.lines.starts
        if starts[last] - starts[first] <= WHOLE_CHARS or depth > _DEPTH_MAX:
            return self.lines.block(BlockKind.CODE, first, last, level)
        head = self._head(first, last)
        if not self._has_below(head, last):
            stanzas = self._stanzas(first, last, is_loose=False)
            if len(stanzas) > 1:
                return self._listed(stanzas, level, depth + 1)
            return self.lines.paragraphs(BlockKind.CODE, first, last, level)
        blocks = [*self.lines.block(BlockKind.CODE, first, head, level)]
        if head in self.bare or starts[head + 1] - starts[head] > HEAD_CHARS:
            blocks += self.lines.block(BlockKind.CODE, head, head + 1, level)
            return [*blocks, *self.blocks(head + 1, last, level, depth + 1)]
        blocks += self.lines.block(BlockKind.HEADING, head, head + 1, level)
        return [*blocks, *self.blocks(head + 1, last, level + 1, depth + 1)]

    def _head(self, first: int, last: int) -> int:
        """Return the line that names a stanza: the first one that is no comment."""
        for line in range(first, last):
            if line not in self.notes and self.columns[line] != BLANK:
                return line
        return first

    def _has_below(self, head: int, last: int) -> bool:
        """Return whether there are lines below the first of a stanza, all deeper than it."""
        below = [column for column in self.columns[head + 1 : last] if column != BLANK]
        return bool(below) and min(below) > self.columns[head]
