"""Org to a tree of blocks, each an exact range of the source.

Masked: comments, keywords, drawers, the lines around blocks, the stars and tags of headings.
Nothing is evaluated or included.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from answerable.adapters.parsers.lines import Lines, titled
from answerable.domain.documents import Block, BlockKind, Text

_DEPTH_MAX = 12
_HEADING = re.compile(r"(?P<stars>\*+)[ \t]+(?=\S)")
_PRIORITY = re.compile(r"(?:[A-Z]{2,20}[ \t]+)?(?P<mark>\[#[A-Z0-9]\][ \t]*)(?=\S)")
_TAGS = re.compile(r"(?<![ \t])[ \t]++:[\w@#%:]+:$")
_KEYWORD = re.compile(r"[ \t]*#\+(?P<name>[\w-]+)(?:\[[^\]\n]*\])?:[ \t]*(?P<value>.*)")
_COMMENT = re.compile(r"[ \t]*#(?:[ \t]|$)")
_BEGIN = re.compile(r"[ \t]*#\+begin_(?P<name>\w+)(?:[ \t]|$)", re.IGNORECASE)
_END = re.compile(r"[ \t]*#\+end_(?P<name>\w+)[ \t]*$", re.IGNORECASE)
_DRAWER = re.compile(r"[ \t]*:[\w-]+:$")
_DRAWER_END = re.compile(r"[ \t]*:end:$", re.IGNORECASE)
_FIXED = re.compile(r"[ \t]*:(?:[ \t]|$)")
_TABLE = re.compile(r"[ \t]*\|")
_RULE = re.compile(r"[ \t]*\|[-+|: \t]*$")
_BREAK = re.compile(r"-{5,}$")
_ITEM = re.compile(
    r"[ \t]*(?:(?P<bullet>[-+]|(?<=[ \t])\*)|(?P<number>(?:\d{1,4}|[a-z])[.)]))(?:[ \t]+|$)"
)
_ESCAPED = re.compile(r"[ \t]*,(?=,*(?:\*|#\+))")
_CODE = frozenset({"src", "example", "export", "verbatim"})


def read(source: str) -> Text:
    """Return an Org document as text with blocks and masks.

    Args:
        source: Canonical text.
    """
    page = _Page(source)
    blocks = page.body(0, len(page.lines), 0)
    return titled(page.lines.text(blocks, page.title))


class _Page:
    """The lines of a document while they are read."""

    def __init__(self, source: str) -> None:
        self.lines = Lines(source)
        self.rows = [row.rstrip() for row in self.lines.rows]
        self.title = ""
        self.ends: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            if match := _END.match(row):
                self.ends[match["name"].lower()].append(number)
            elif _DRAWER_END.match(row):
                self.ends[":"].append(number)
            elif row.startswith("*") and _HEADING.match(row):
                self.ends["*"].append(number)

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
        if depth == 0 and (match := _HEADING.match(row)):
            return self._heading(blocks, first, match)
        if match := _BEGIN.match(row):
            return self._begun(blocks, first, last, depth, match["name"].lower())
        if _DRAWER.match(row) and (end := self._end(":", first, last)) < last:
            self.lines.hide_lines(first, end + 1)
            return end + 1
        if self._is_silent(row):
            return self._silent(first)
        return self._marked(blocks, first, last, depth)

    def _marked(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add what the first characters of its line tell: a table, a list, a paragraph."""
        row = self.rows[first]
        for kind, pattern in ((BlockKind.CODE, _FIXED), (BlockKind.TABLE, _TABLE)):
            if pattern.match(row):
                end = first
                while end < last and pattern.match(self.rows[end]):
                    end += 1
                return self._run(blocks, kind, first, end)
        if _ITEM.match(row):
            return self._list(blocks, first, last, depth)
        end = first + 1
        while end < last and not self._parts(end):
            end += 1
        blocks += self.lines.block(BlockKind.PARAGRAPH, first, end)
        return end

    def _heading(self, blocks: list[Block], number: int, match: re.Match[str]) -> int:
        self.lines.hide(number, 0, match.end())
        if priority := _PRIORITY.match(self.rows[number], match.end()):
            self.lines.hide(number, *priority.span("mark"))
        if tags := _TAGS.search(self.rows[number], match.end()):
            self.lines.hide(number, *tags.span())
        level = len(match["stars"])
        blocks += self.lines.block(BlockKind.HEADING, number, number + 1, level)
        return number + 1

    def _begun(self, blocks: list[Block], first: int, last: int, depth: int, name: str) -> int:
        """Add a block between its two lines; one that never ends is only its first line."""
        end = self._end(name, first, last)
        self.lines.hide(first)
        if end == last:
            return first + 1
        self.lines.hide(end)
        inside = first + 1, end
        if name == "comment":
            self.lines.hide_lines(*inside)
        elif name in _CODE or depth >= _DEPTH_MAX:
            self._unescape(*inside)
            blocks += self.lines.block(BlockKind.CODE, *inside)
        elif children := self.body(*inside, depth + 1):
            start, stop = children[0].start, children[-1].end
            block = Block(kind=BlockKind.QUOTE, start=start, end=stop, children=tuple(children))
            blocks.append(block)
        return end + 1

    def _unescape(self, first: int, last: int) -> None:
        """Mask the commas that keep lines of code from being headings or keywords."""
        for number in range(first, last):
            if comma := _ESCAPED.match(self.rows[number]):
                self.lines.hide(number, comma.end() - 1, comma.end())

    def _end(self, name: str, first: int, last: int) -> int:
        """Return the line that ends what is open; `last` when a heading or nothing comes."""
        found = []
        for wanted in (name, "*"):
            places = self.ends[wanted]
            at = bisect_left(places, first + 1)
            found.append(places[at] if at < len(places) else last)
        return found[0] if found[0] < min(found[1], last) else last

    def _is_silent(self, row: str) -> bool:
        return any(pattern.match(row) for pattern in (_KEYWORD, _COMMENT, _END, _BREAK))

    def _silent(self, number: int) -> int:
        match = _KEYWORD.match(self.rows[number])
        if match and match["name"].lower() == "title" and not self.title:
            self.title = " ".join(match["value"].split())
        self.lines.hide(number)
        return number + 1

    def _parts(self, number: int) -> bool:
        """Return whether a line ends the paragraph before it."""
        row = self.rows[number]
        patterns = (_HEADING, _BEGIN, _DRAWER, _TABLE, _FIXED, _ITEM)
        return (
            self.lines.is_blank(number)
            or self._is_silent(row)
            or any(pattern.match(row) for pattern in patterns)
        )

    def _run(self, blocks: list[Block], kind: BlockKind, first: int, last: int) -> int:
        """Add a table, its rules apart, or lines of fixed width."""
        if kind is BlockKind.CODE:
            blocks += self.lines.block(kind, first, last)
            return last
        rows = [
            row
            for number in range(first, last)
            if not _RULE.match(self.rows[number])
            for row in self.lines.block(BlockKind.ROW, number, number + 1)
        ]
        blocks += self._made(kind, first, last, rows) if rows else ()
        if not rows:
            self.lines.hide_lines(first, last)
        return last

    def _list(self, blocks: list[Block], first: int, last: int, depth: int) -> int:
        """Add a list: items of one indentation, each with what is indented below it."""
        base = self.lines.indent(first)
        items: list[Block] = []
        at, kind = first, _kind(self.rows[first])
        while at < last and self.lines.indent(at) == base and _kind(self.rows[at]) == kind:
            end = self._deeper(at + 1, last, base)
            children: list[Block] = []
            head = at + 1
            while head < end and not self._parts(head):
                head += 1
            children += self.lines.block(BlockKind.PARAGRAPH, at, head)
            if depth < _DEPTH_MAX:
                children += self.body(head, end, depth + 1)
            else:
                children += self.lines.block(BlockKind.PARAGRAPH, head, end)
            items += self._made(BlockKind.ITEM, at, end, children)
            at = end
            while at < last and self.lines.is_blank(at):
                at += 1
        blocks += self._made(BlockKind.LIST, first, at, items, int(kind == "number"))
        return at

    def _deeper(self, first: int, last: int, base: int) -> int:
        """Return the line after all that is indented more; two blank lines end a list."""
        at = first
        while at < last:
            if self.lines.is_blank(at):
                if at + 1 < last and self.lines.is_blank(at + 1):
                    break
            elif self.lines.indent(at) <= base or _HEADING.match(self.rows[at]):
                break
            at += 1
        return at

    def _made(
        self,
        kind: BlockKind,
        first: int,
        last: int,
        children: Sequence[Block],
        level: int = 0,
    ) -> Sequence[Block]:
        """Return a container that reaches over all of its children."""
        made = self.lines.block(kind, first, last, level)
        if not made or not children:
            return made if kind is BlockKind.ITEM else ()
        start = min(made[0].start, children[0].start)
        end = max(made[0].end, children[-1].end)
        return (Block(kind=kind, start=start, end=end, level=level, children=tuple(children)),)


def _kind(row: str) -> str:
    """Return what kind of item a line begins, empty if none."""
    match = _ITEM.match(row)
    return (match.lastgroup or "") if match else ""
