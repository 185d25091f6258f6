"""Text that is put together from another format's parts, with its blocks and landmarks.

What is written looks like Markdown, as what is made of HTML does, but nothing in it is parsed
again: every block is known when it is written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from answerable.adapters.parsers import hidden
from answerable.adapters.parsers.canonical import normalised
from answerable.domain.documents import (
    Block,
    BlockKind,
    Finding,
    FindingKind,
    Landmark,
    LandmarkKind,
    Span,
    Text,
)

LEVEL_MAX = 6

# Letters that are drawn as one; nobody types them.
_LIGATURES = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
        "\u00ad": None,
        "\ufeff": None,
        "\ufffe": None,
        "\uffff": None,
        "\u2028": " ",
        "\u2029": " ",
    }
)


def plain(words: str) -> str:
    """Return words on one line: canonical, single spaces, ligatures as letters."""
    words = words.translate(_LIGATURES)
    return " ".join(normalised(words).split())


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list.

    Attributes:
        words: On one line.
        depth: Of nested lists, from 0.
        number: Of its place where items are numbered, else 0.
    """

    words: str
    depth: int = 0
    number: int = 0
    marker: str = ""


@dataclass(slots=True)
class Composer:
    """A text that grows block by block. Words are made canonical here; empty ones are dropped."""

    _pieces: list[str] = field(default_factory=list)
    _at: int = 0
    _blocks: list[Block] = field(default_factory=list)
    _masks: list[Span] = field(default_factory=list)
    _marks: list[Landmark] = field(default_factory=list)
    _waiting: list[Landmark] = field(default_factory=list)
    _unseen: int = 0

    def mark(self, kind: LandmarkKind, number: int, name: str = "") -> None:
        """Let a landmark begin with what is written next; without that it is dropped."""
        self._waiting.append(Landmark(0, kind, number, plain(name)))

    def heading(self, words: str, level: int) -> None:
        """Write a heading; its level is at least 1."""
        level = max(1, min(level, LEVEL_MAX))
        if body := self._plain(words):
            self._block(BlockKind.HEADING, f"{'#' * level} {body}", level=level)

    def paragraph(self, words: str) -> None:
        """Write a paragraph on one line."""
        self.run([(words, None)])

    def run(self, parts: Sequence[tuple[str, Landmark | None]]) -> None:
        """Write a paragraph in parts, where some begin with a landmark; its offset is set here."""
        start = self._begin(" ".join(words for words, _ in parts))
        if start is None:
            return
        for words, mark in parts:
            body = self._plain(words)
            if body and self._at > start:
                self._write(" ")
            self._waiting += [mark] if mark else []
            if body:
                self._land()
                self._write(body)
        self._blocks.append(Block(kind=BlockKind.PARAGRAPH, start=start, end=self._at))

    def code(self, lines: Iterable[str]) -> None:
        """Write code between fences, its indentation kept."""
        source = "\n".join(lines).translate(_LIGATURES)
        self._unseen += hidden.count(source)
        body = normalised(source).strip("\n")
        if not body.strip():
            return
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
        self._block(BlockKind.CODE, f"{fence}\n{body}\n{fence}")

    def items(self, items: Iterable[Item]) -> None:
        """Write a list; deeper items lie in the one before."""
        kept = [replace(one, words=words) for one in items if (words := self._plain(one.words))]
        if self._begin("".join(one.words for one in kept)) is None:
            return
        lines = []
        for place, one in enumerate(kept):
            if place:
                self._write("\n")
            self._land()
            indent = "    " * one.depth
            marker = one.marker or (f"{one.number}." if one.number else "-")
            start = self._at
            self._write(f"{indent}{marker} {one.words}")
            lines.append((one, start, self._at))
        self._blocks.append(_nested(lines))

    def table(
        self, rows: Iterable[Sequence[str]], *, marks: Iterable[int] = (), pipes: bool = True
    ) -> None:
        """Write a table, its first row as header.

        Args:
            rows: Cells of each row.
            marks: Numbers of the rows in the original, as many as rows; none if they have none.
            pipes: Set cells apart by pipes; else each row is one line of words.
        """
        numbers = iter(marks)
        begun: int | None = None
        children: list[Block] = []
        for row in rows:
            cells = [self._plain(cell) for cell in row]
            number = next(numbers, 0)
            if not any(cells):
                continue
            if begun is None:
                begun = self._begin("row")
                assert begun is not None  # noqa: S101 -- it has words
            else:
                self._write("\n")
            if number:
                self._waiting.append(Landmark(0, LandmarkKind.ROW, number))
            self._land()
            start = self._at
            self._write(_row(cells) if pipes else " ".join(cells))
            children.append(Block(kind=BlockKind.ROW, start=start, end=self._at))
            if pipes and len(children) == 1:
                self._write("\n" + "|---" * len(cells) + "|")
        if begun is not None:
            end = self._at
            self._blocks.append(
                Block(kind=BlockKind.TABLE, start=begun, end=end, children=tuple(children))
            )

    def text_of(self, other: Text) -> None:
        """Write another text with its blocks and masks, without its landmarks."""
        start = self._begin(other.text)
        if start is None:
            return
        lead = len(other.text) - len(other.text.lstrip("\n"))
        self._land()
        self._write(other.text.strip("\n"))
        by = start - lead
        self._blocks += (_moved(block, by) for block in other.blocks)
        self._masks += (Span(mask.start + by, mask.end + by) for mask in other.masks)

    def __len__(self) -> int:
        return self._at

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return not self._blocks

    def text(self, title: str | None, findings: Mapping[FindingKind, int] | None = None) -> Text:
        """Return what was written.

        Args:
            title: Of the document; empty for its first heading of the highest rank, None
                for none.
            findings: By kind; those that count nothing are left out.
        """
        counted = Counter({FindingKind.INVISIBLE: self._unseen})
        counted.update(findings or {})
        source = "".join(self._pieces)
        headings = (one for one in self._blocks if one.kind is BlockKind.HEADING)
        first = min(headings, key=lambda one: one.level, default=None)
        if title is not None and not plain(title) and first:
            title = source[first.start : first.end].lstrip("#")
        return Text(
            text=source + ("\n" if source else ""),
            title=plain(title or ""),
            blocks=tuple(self._blocks),
            masks=tuple(self._masks),
            landmarks=tuple(self._marks),
            findings=found(counted),
        )

    def _plain(self, words: str) -> str:
        """Return words as `plain` does, and count what of them nobody would have seen."""
        self._unseen += hidden.count(words.translate(_LIGATURES))
        return plain(words)

    def _block(self, kind: BlockKind, body: str, *, level: int = 0) -> None:
        start = self._begin(body)
        if start is not None:
            self._land()
            self._write(body)
            self._blocks.append(Block(kind=kind, start=start, end=self._at, level=level))

    def _begin(self, words: str) -> int | None:
        """Set a block apart from the one before; None when it would be empty."""
        if not plain(words):
            return None
        if self._blocks:
            self._write("\n\n")
        return self._at

    def _land(self) -> None:
        self._marks += (mark._replace(offset=self._at) for mark in self._waiting)
        self._waiting.clear()

    def _write(self, words: str) -> None:
        self._pieces.append(words)
        self._at += len(words)


def found(counts: Mapping[FindingKind, int]) -> tuple[Finding, ...]:
    """Return what was counted, in the order of the kinds."""
    counted = Counter(counts)
    return tuple(Finding(kind=kind, count=counted[kind]) for kind in FindingKind if counted[kind])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _moved(block: Block, by: int) -> Block:
    children = tuple(_moved(child, by) for child in block.children)
    return replace(block, start=block.start + by, end=block.end + by, children=children)


def _nested(lines: Sequence[tuple[Item, int, int]]) -> Block:
    """Return the list of these items; each with where its line begins and ends."""
    children = []
    base = min(one.depth for one, _, _ in lines)
    at = 0
    while at < len(lines):
        last = at + 1
        while last < len(lines) and lines[last][0].depth > base:
            last += 1
        below = (_nested(lines[at + 1 : last]),) if last > at + 1 else ()
        start, end = lines[at][1], lines[last - 1][2]
        children.append(Block(kind=BlockKind.ITEM, start=start, end=end, children=below))
        at = last
    return Block(
        kind=BlockKind.LIST,
        start=lines[0][1],
        end=lines[-1][2],
        level=int(bool(lines[0][0].number)),
        children=tuple(children),
    )
