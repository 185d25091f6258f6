"""AsciiDoc to a tree of blocks, each an exact range of the source.

Masked: comments, attributes, the lines that delimit or describe a block, the marks of headings.
Nothing is included or evaluated: a directive that would is masked, its condition not decided.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from answerable.adapters.parsers.lines import Lines, titled
from answerable.domain.documents import Block, BlockKind, Text

_DEPTH_MAX = 12
_HEADING = re.compile(r"(?P<mark>={1,6}|#{1,6})(?P<space>[ \t]+)(?=\S)")
_ATTRIBUTE = re.compile(r":!?[\w-]+!?:(?:[ \t]|$)")
_ANCHOR = re.compile(r"\[\[[^\]\n]*\]\][ \t]*$")
_DESCRIBED = re.compile(r"\[[^\]\n]{0,400}\][ \t]*$")
_ADMONITION = re.compile(r"\[(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\b")
_TITLE = re.compile(r"\.(?=[^\s.])")
_MACRO = re.compile(
    r"(?:include|image|video|audio|ifdef|ifndef|ifeval|endif|toc)::?[^\[\n]*\[.*\][ \t]*$"
)
_BREAK = re.compile(r"(?:'{3,}|<{3,}|-{3}|\*{3})[ \t]*$")
_DELIMITER = re.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|`{3,}\w*|[|,:!]={3,})")
_ITEM = re.compile(
    r"[ \t]*(?P<mark>\*{1,6}|-|\.{1,6}|<[\d.]+>|\d{1,4}[.)])[ \t]+(?=\S)"
    r"|[ \t]*(?P<term>\S(?:[^\n]{0,300}?))(?P<colons>:{2,4}|;;)(?:[ \t]+|$)"
)
_CELL = re.compile(r"(?:^|(?<=[ \t]))(?:\d+[*+]|\.\d+\+|[<^>.]{1,3})?[a-z]?\|")
_COLUMNS = re.compile(r"cols=(?:\"([^\"\n]*)\"|([^\"\],\n]+))")
_UNDERLINES = "=-~^+"
_UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}|\^{3,}|\+{3,}")
_CONTAINERS = frozenset("=*_")


def read(source: str) -> Text:
    """Return an AsciiDoc document as text with blocks and masks.

    Args:
        source: Canonical text.
    """
    page = _Page(source)
    blocks = page.body(0, len(page.lines), 0)
    return titled(page.lines.text(blocks))


class _Page:
    """The lines of a document while they are read."""

    def __init__(self, source: str) -> None:
        self.lines = Lines(source)
        self.rows = [row.rstrip() for row in self.lines.rows]
        self.places: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            if _DELIMITER.fullmatch(row):
                self.places[_closing(row)].append(number)
        self.described = ""

    def body(self, first: int, last: int, depth: int) -> list[Block]:
        """Return the blocks of the lines from `first` up to `last`."""
        blocks: list[Block] = []
        while first < last:
            if self.lines.is_blank(first):
                first += 1
                continue
            first = self._block(blocks, first, last, depth)
        return blocks

    def _block(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add what begins at a line that is not blank; return the line after it."""
        row = self.rows[first]
        if self._is_silent(row):
            return self._silent(blocks, first)
        if depth == 0 and self._is_underlined(first, last):
            self.lines.hide(first + 1)
            level = 1 + _UNDERLINES.index(self.rows[first + 1][0])
            blocks += self.lines.block(BlockKind.HEADING, first, first + 1, level)
            return first + 2
        if _DELIMITER.fullmatch(row):
            return self._delimited(blocks, first, last, depth)
        return self._marked(blocks, first, last, depth)

    def _marked(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add what the first characters of its line tell: a heading, a title, an item."""
        row = self.rows[first]
        if depth == 0 and (match := _HEADING.match(row)):
            self.lines.hide(first, 0, match.end())
            blocks += self.lines.block(BlockKind.HEADING, first, first + 1, len(match["mark"]))
            return first + 1
        if match := _TITLE.match(row):
            self.lines.hide(first, 0, match.end())
            blocks += self.lines.block(BlockKind.PARAGRAPH, first, first + 1)
            return first + 1
        if _ITEM.match(row):
            return self._list(blocks, first, last, depth)
        return self._paragraph(blocks, first, last)

    def _is_silent(self, row: str) -> bool:
        """Return whether a line says something to the converter only."""
        if row == "+" or (row.startswith("//") and not row.startswith("///")):
            return True
        return any(
            pattern.match(row) for pattern in (_ATTRIBUTE, _ANCHOR, _DESCRIBED, _MACRO, _BREAK)
        )

    def _silent(self, blocks: list[Block], number: int) -> int:
        """Mask a line; of an admonition's the word stays."""
        row = self.rows[number]
        if match := _ADMONITION.match(row):
            self.lines.hide(number, 0, 1)
            self.lines.hide(number, match.end(), len(row))
            blocks += self.lines.block(BlockKind.PARAGRAPH, number, number + 1)
            return number + 1
        if _DESCRIBED.match(row):
            self.described = row
        self.lines.hide(number)
        return number + 1

    def _is_underlined(self, first: int, last: int) -> bool:
        """Return whether a line is a heading of the old kind: the next line is as long a rule."""
        if first + 1 >= last:
            return False
        row, rule = self.rows[first], self.rows[first + 1]
        return (
            bool(_UNDERLINE.fullmatch(rule)) and row[0].isalnum() and abs(len(row) - len(rule)) < 3  # noqa: PLR2004 -- what AsciiDoc allows
        )

    def _delimited(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add what stands between a delimiter and the next one like it, or the end."""
        row = self.rows[first]
        places = self.places[_closing(row)]
        at = bisect_left(places, first + 1)
        end = places[at] if at < len(places) and places[at] < last else last
        self.lines.hide(first)
        if end < last:
            self.lines.hide(end)
        described, self.described = self.described, ""
        inside = first + 1, end
        if row[0] == "/":
            self.lines.hide_lines(*inside)
        elif row[:-1].endswith("==") and row[0] in "|,:!":
            blocks += self._table(*inside, described, row[0])
        elif (row[0] in _CONTAINERS or row == "--") and depth < _DEPTH_MAX:
            if children := self.body(*inside, depth + 1):
                start, stop = children[0].start, children[-1].end
                blocks.append(
                    Block(kind=BlockKind.QUOTE, start=start, end=stop, children=tuple(children))
                )
        else:
            blocks += self.lines.block(BlockKind.CODE, *inside)
        return min(end + 1, last)

    def _table(self, first: int, last: int, described: str, bar: str) -> Sequence[Block]:
        """Return a table; a row goes on until it has as many cells as there are columns.

        Where it is no bar that parts the cells, each line is a row.
        """
        columns = _columns(described)
        rows: list[Block] = []
        begin, cells = first, 0
        for number in range(first, last):
            found = len(_CELL.findall(self.rows[number])) if bar == "|" else 1
            if found and (not columns or cells >= columns) and cells:
                rows += self.lines.block(BlockKind.ROW, begin, number)
                begin, cells = number, 0
            cells += found
            if not columns and found:
                columns = found
        rows += self.lines.block(BlockKind.ROW, begin, last)
        if not rows:
            return ()
        start, end = rows[0].start, rows[-1].end
        return (Block(kind=BlockKind.TABLE, start=start, end=end, children=tuple(rows)),)

    def _list(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add a list with the lists inside it, which other marks tell; return the line after it."""
        mark = _mark(self.rows[first])
        return self._listed(blocks, first, last, depth, (mark,))

    def _listed(
        self, blocks: list[Block], first: int, last: int, depth: int, marks: tuple[str, ...]
    ) -> int:
        items: list[Block] = []
        at = first
        while at < last and _mark(self.rows[at]) == marks[-1]:
            begin = at
            children: list[Block] = []
            at = self._item(children, at, last, depth, marks)
            items += self._made(BlockKind.ITEM, begin, at, children)
            at = self._next(at, last, marks)
        level = int(marks[-1] == "1." or marks[-1].startswith("."))
        blocks += self._made(BlockKind.LIST, first, at, items, level)
        return at

    def _item(
        self, children: list[Block], first: int, last: int, depth: int, marks: tuple[str, ...]
    ) -> int:
        """Read one item: its words, the lists inside it, what a plus sign attaches to it."""
        at = self._run(first + 1, last)
        children += self.lines.block(BlockKind.PARAGRAPH, first, at)
        while at < last:
            ahead = self._next(at, last, marks)
            row = self.rows[at]
            if row == "+" and at + 1 < last and not self.lines.is_blank(at + 1):
                self.lines.hide(at)
                at = self._attached(children, at + 1, last, depth)
            elif ahead < last and (mark := _mark(self.rows[ahead])) and mark not in marks:
                if len(marks) >= _DEPTH_MAX:
                    return at
                at = self._listed(children, ahead, last, depth, (*marks, mark))
            else:
                return at
        return at

    def _attached(self, children: list[Block], first: int, last: int, depth: int) -> int:
        while first < last and self._is_silent(self.rows[first]):
            first = self._silent(children, first)
        if first >= last or self.lines.is_blank(first):
            return first
        if _DELIMITER.fullmatch(self.rows[first]):
            return self._delimited(children, first, last, depth + 1)
        return self._paragraph(children, first, last)

    def _next(self, first: int, last: int, marks: tuple[str, ...]) -> int:
        """Return the next line that is not blank if it is an item, else this one."""
        at = first
        while at < last and self.lines.is_blank(at):
            at += 1
        return at if at < last and (_mark(self.rows[at]) or marks == ()) else first

    def _run(self, first: int, last: int) -> int:
        """Return the line that ends a paragraph: blank, an item, or the mark of a block."""
        while first < last and not self.lines.is_blank(first):
            row = self.rows[first]
            if _DELIMITER.fullmatch(row) or self._is_silent(row) or _mark(row):
                break
            first += 1
        return first

    def _paragraph(self, blocks: list[Block], first: int, last: int) -> int:
        """Add a paragraph; one that is indented keeps its lines."""
        end = max(first + 1, self._run(first + 1, last))
        kind = BlockKind.CODE if self.rows[first][:1] in (" ", "\t") else BlockKind.PARAGRAPH
        described, self.described = self.described, ""
        if described.startswith(("[source", "[listing", "[literal")):
            kind = BlockKind.CODE
        blocks += self.lines.block(kind, first, end)
        return end

    def _made(
        self, kind: BlockKind, first: int, last: int, children: Sequence[Block], level: int = 0
    ) -> Sequence[Block]:
        """Return a container that reaches over all of its children."""
        made = self.lines.block(kind, first, last, level)
        if not children or not made:
            return made if kind is BlockKind.ITEM else ()
        start, end = children[0].start, children[-1].end
        start, end = min(start, made[0].start), max(end, made[0].end)
        return (Block(kind=kind, start=start, end=end, level=level, children=tuple(children)),)


def _closing(row: str) -> str:
    """Return what ends a block that a line begins."""
    return "```" if row.startswith("```") else row


def _mark(row: str) -> str:
    """Return what kind of item a line begins, empty if none."""
    match = _ITEM.match(row)
    if match is None:
        return ""
    if match["mark"] is None:
        return match["colons"]
    mark = match["mark"]
    if mark[0].isdigit():
        return "1."
    return "<1>" if mark[0] == "<" else mark


def _columns(described: str) -> int:
    """Return how many columns the line above a table names, 0 if it does not."""
    match = _COLUMNS.search(described)
    if not match:
        return 0
    count = 0
    for part in (match[1] or match[2] or "").replace(";", ",").split(","):
        times, star, _ = part.strip().partition("*")
        count += int(times) if star and times.isdigit() and len(times) < 4 else 1  # noqa: PLR2004
    return count
