"""The lines of a source while a parser reads them: blocks are made of lines, masks of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from answerable.adapters.parsers.shortcodes import joined
from answerable.domain.documents import Block, BlockKind, Span, Text
from answerable.library.visible import headline, shown


class Lines:
    """A source by lines. What is masked of a line reads as blank from then on.

    Attributes:
        rows: What is left to be seen of each line; of the same length as the line.
        starts: Where each line begins in the source, and last where another one would.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.rows = source.split("\n")
        self.starts = [0, *accumulate(len(row) + 1 for row in self.rows)]
        self._masks: list[Span] = []

    def __len__(self) -> int:
        return len(self.rows)

    def is_blank(self, line: int) -> bool:
        """Return whether nothing is to be seen of a line."""
        row = self.rows[line]
        return not row or row.isspace()

    def indent(self, line: int) -> int:
        """Return how many columns are before the first character of a line."""
        row = self.rows[line]
        lead = row[: len(row) - len(row.lstrip())]
        return len(lead.expandtabs())

    def hide(self, line: int, start: int = 0, end: int | None = None) -> None:
        """Mask columns ``[start, end)`` of a line; all of it when nothing is said."""
        row = self.rows[line]
        end = len(row) if end is None else end
        if start < end:
            first = self.starts[line]
            self._masks.append(Span(first + start, first + end))
            self.rows[line] = row[:start] + " " * (end - start) + row[end:]

    def hide_lines(self, first: int, last: int) -> None:
        """Mask the lines from `first` up to `last`."""
        for line in range(first, last):
            self.hide(line)

    def mask(self, span: Span) -> None:
        """Mask a part of the source, without a change to what is read of its lines."""
        self._masks.append(span)

    def trimmed(self, first: int, last: int) -> tuple[int, int]:
        """Return a range of lines without the blank ones around it."""
        while first < last and self.is_blank(first):
            first += 1
        while last > first and self.is_blank(last - 1):
            last -= 1
        return first, last

    def block(
        self,
        kind: BlockKind,
        first: int,
        last: int,
        level: int = 0,
        children: Sequence[Block] = (),
    ) -> tuple[Block, ...]:
        """Return the block of the lines from `first` up to `last`, none if all are blank."""
        first, last = self.trimmed(first, last)
        if first == last:
            return ()
        start, end = self.starts[first], self.starts[last] - 1
        return (Block(kind=kind, start=start, end=end, level=level, children=tuple(children)),)

    def paragraphs(
        self, kind: BlockKind, first: int, last: int, level: int = 0
    ) -> tuple[Block, ...]:
        """Return the blocks of these lines, parted by blank lines."""
        blocks: list[Block] = []
        begun = first
        for line in range(first, last + 1):
            if line == last or self.is_blank(line):
                if begun < line:
                    blocks += self.block(kind, begun, line, level)
                begun = line + 1
        return tuple(blocks)

    def text(self, blocks: Sequence[Block], title: str = "") -> Text:
        """Return the source with blocks and masks."""
        masks = joined(self._masks)
        return Text(text=self.source, title=title, blocks=tuple(blocks), masks=masks)


def titled(text: Text) -> Text:
    """Return a text whose title, when it has none, is its first heading."""
    first = next((block for block in text.blocks if block.kind is BlockKind.HEADING), None)
    if text.title or first is None:
        return text
    return replace(text, title=headline(shown(text, first.start, first.end)))
