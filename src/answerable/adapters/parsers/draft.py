"""Canonical text that is written, not read: for formats whose source nobody would quote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from answerable.adapters.parsers import hidden
from answerable.adapters.parsers.canonical import Refused, normalised
from answerable.adapters.parsers.compose import found
from answerable.adapters.parsers.lines import titled
from answerable.adapters.parsers.shortcodes import joined
from answerable.domain.documents import Block, BlockKind, FindingKind, Span, Text

_TRAILING = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)


class Draft:
    """A text while it is put together, piece by piece, with its blocks."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._at = 0
        self._masks: list[Span] = []
        self._open: list[list[Block]] = [[]]
        self._findings: Counter[FindingKind] = Counter()

    def add(self, kind: BlockKind, body: str, level: int = 0, *, is_tight: bool = False) -> None:
        """Write a block that has no children; nothing when it is blank.

        Args:
            kind: What it is.
            body: Its text; white space at the ends of lines and blank lines around go.
            level: As in `Block`.
            is_tight: It follows what is before it without a blank line.
        """
        body = _TRAILING.sub("", self.seen(body)).strip("\n")
        if body:
            start = self._begin(is_tight=is_tight)
            self._write(body)
            self._open[-1].append(Block(kind=kind, start=start, end=self._at, level=level))

    def seen(self, words: str) -> str:
        """Return words in canonical form, and count what of them nobody would have seen."""
        self._findings[FindingKind.INVISIBLE] += hidden.count(words)
        return normalised(words)

    def adopt(self, text: Text, *, deeper: int = 0) -> None:
        """Write the text of another document, its headings that many levels further down."""
        self._findings.update({one.kind: one.count for one in text.findings})
        if not text.text.strip("\n"):
            return
        at = self._begin(is_tight=False)
        self._write(text.text.rstrip("\n"))
        masks = (Span(mask.start + at, min(mask.end + at, self._at)) for mask in text.masks)
        self._masks += (mask for mask in masks if mask.start < mask.end)
        self._open[-1] += (_moved(block, at, deeper) for block in text.blocks)

    def open(self) -> None:
        """Begin a block with children: what is written until it is closed."""
        self._open.append([])

    def close(self, kind: BlockKind, level: int = 0) -> None:
        """End the block that was begun last; without children there is none."""
        children = self._open.pop()
        if children:
            start, end = children[0].start, children[-1].end
            block = Block(kind=kind, start=start, end=end, level=level, children=tuple(children))
            self._open[-1].append(block)

    @contextmanager
    def within(self, kind: BlockKind, level: int = 0) -> Iterator[None]:
        """Make what is written meanwhile the children of a block."""
        self.open()
        yield
        self.close(kind, level)

    def table(self, rows: Sequence[str]) -> None:
        """Write a table, each row on a line of its own; the first one is its header."""
        with self.within(BlockKind.TABLE):
            for number, row in enumerate(rows):
                self.add(BlockKind.ROW, " ".join(row.split("\n")), is_tight=number > 0)

    def text(self, title: str = "") -> Text:
        """Return what was written; without a title the first heading is it.

        Raises:
            Refused: ``empty`` when that is nothing.
        """
        if not self._pieces:
            raise Refused("empty", "it shows no text")
        source = "".join((*self._pieces, "\n"))
        title = " ".join(normalised(title).split())
        blocks, masks = tuple(self._open[0]), joined(self._masks)
        findings = found(self._findings)
        return titled(Text(text=source, title=title, blocks=blocks, masks=masks, findings=findings))

    def _begin(self, *, is_tight: bool) -> int:
        """Part what comes from what is there; return where it begins."""
        if self._pieces:
            self._write("\n" if is_tight else "\n\n")
        return self._at

    def _write(self, piece: str) -> None:
        self._pieces.append(piece)
        self._at += len(piece)


def _moved(block: Block, by: int, deeper: int) -> Block:
    level = block.level + deeper if block.kind is BlockKind.HEADING else block.level
    return replace(
        block,
        start=block.start + by,
        end=block.end + by,
        level=level,
        children=tuple(_moved(child, by, deeper) for child in block.children),
    )
