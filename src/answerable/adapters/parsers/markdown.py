"""Markdown to a tree of blocks, each an exact range of the source.

markdown-it-py says which lines a block covers; inline marks are never parsed, for a quote
shows the source as it stands. What the source hides is found in `shortcodes`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from answerable.adapters.parsers.shortcodes import (
    Marked,
    filled,
    front_matter,
    front_title,
    joined,
    mark,
)
from answerable.domain.documents import Block, BlockKind, Span, Text
from answerable.library.visible import headline, shown

_OPEN = {
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "list_item_open": BlockKind.ITEM,
    "blockquote_open": BlockKind.QUOTE,
    "table_open": BlockKind.TABLE,
}
_CLOSE = frozenset(name.replace("_open", "_close") for name in _OPEN)
_LEAF = {
    "heading_open": BlockKind.HEADING,
    "paragraph_open": BlockKind.PARAGRAPH,
    "html_block": BlockKind.PARAGRAPH,
    "hr": BlockKind.PARAGRAPH,  # stands for the words of a shortcode, or for nothing
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "tr_open": BlockKind.ROW,
}
_BREAK = re.compile(r"^[ \t>]*(?:[-*+][ \t]+)?([-*_])(?:[ \t]*\1){2,}[ \t]*$")


def read(source: str, *, jsx: bool = False) -> Text:
    """Return a Markdown document as text with blocks and masks.

    Args:
        source: Canonical text.
        jsx: It is MDX: components, imports and exports are masked too.
    """
    marked = mark(source, jsx=jsx)
    tokens = _parser(html=True).parse(marked.copy)
    if code := _misread(marked, tokens):
        marked = mark(source, jsx=jsx, code=code)
        tokens = _parser(html=True).parse(marked.copy)
    matter = front_matter(source)
    title = front_title(source[: matter.end]) if matter else ""
    return _text(source, tokens, marked.masks, title)


def read_generated(source: str, title: str) -> Text:
    """Return Markdown that was made from another format: nothing in it is front matter,
    comment, shortcode or tag.
    """  # noqa: D205 -- one sentence
    return _text(source, _parser(html=False).parse(source), (), title)


@cache
def _parser(*, html: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    if not html:
        parser.disable(["html_block", "reference"])
    parser.core.ruler.enableOnly(["block"])
    return parser


def _misread(marked: Marked, tokens: Sequence[Token]) -> tuple[Span, ...]:
    """Return where code is, if masks were looked for in other places; else nothing.

    Fences were searched for before parsing, since parsing needs the masks: that goes wrong
    where containers end a fence, and it knows no indented code.
    """
    starts = _line_starts(marked.copy)
    rails = {span.start for span in marked.rails}
    code: list[Span] = []
    fences: list[Span] = []
    for token in tokens:
        if token.map and token.type in ("fence", "code_block"):
            span = _tight(marked.copy, starts[token.map[0]], starts[token.map[1]])
            if span.start not in rails:
                code.append(span)
            if token.type == "fence":
                fences.append(span)
    found = sorted(_tight(marked.copy, *span) for span in (*marked.code, *marked.rails))
    if fences == found and not any(_meets(marked.masks, span) for span in code):
        return ()
    return tuple(code)


def _tight(source: str, start: int, end: int) -> Span:
    return Span(start, start + len(source[start:end].rstrip()))


def _meets(masks: Sequence[Span], span: Span) -> bool:
    at = bisect_right(masks, span.start, key=lambda mask: mask.end)
    return at < len(masks) and masks[at].start < span.end


def _line_starts(text: str) -> list[int]:
    """Return where each line starts, and last where another one would."""
    return [0, *accumulate(len(line) + 1 for line in text.split("\n"))]


@dataclass(slots=True)
class _Open:
    """A block whose children are still being read."""

    kind: BlockKind
    lines: tuple[int, int]
    level: int
    children: list[Block] = field(default_factory=list)


class _Page:
    """The lines of one source, for making blocks."""

    def __init__(self, source: str, masks: Sequence[Span]) -> None:
        self.source = source
        self.starts = _line_starts(source)
        self.seen = _without(source, masks)

    def block(
        self, kind: BlockKind, lines: tuple[int, int], level: int, children: Sequence[Block] = ()
    ) -> Block | None:
        """Return the block of these lines without blank ones around; None if all are blank."""
        first, last = lines
        while first < last and self._blank(first):
            first += 1
        while last > first and self._blank(last - 1):
            last -= 1
        if first == last:
            return None
        start, end = self.starts[first], self.starts[last] - 1
        return Block(kind=kind, start=start, end=end, level=level, children=tuple(children))

    def _blank(self, line: int) -> bool:
        return not self.seen[self.starts[line] : self.starts[line + 1]].strip()

    def breaks(self, lines: tuple[int, int]) -> bool:
        """Return whether these lines are a thematic break of the source itself."""
        line = self.seen[self.starts[lines[0]] : self.starts[lines[1]]]
        return bool(_BREAK.match(line.rstrip("\n")))


def _without(source: str, masks: Sequence[Span]) -> str:
    """Return the source with blanks in place of what is masked."""
    pieces: list[str] = []
    at = 0
    for start, end in masks:
        pieces += (source[at:start], filled(source[start:end], " "))
        at = end
    pieces.append(source[at:])
    return "".join(pieces)


def _text(source: str, tokens: Sequence[Token], masks: tuple[Span, ...], title: str) -> Text:
    page = _Page(source, masks)
    blocks = _tree(tokens, page)
    masks = joined((*masks, *_gaps(page, blocks)))
    text = Text(text=source, title=title, blocks=blocks, masks=masks)
    if title:
        return text
    first = next((block for block in blocks if block.kind is BlockKind.HEADING), None)
    title = headline(shown(text, first.start, first.end)) if first else ""
    return Text(text=source, title=title, blocks=blocks, masks=masks)


def _tree(tokens: Sequence[Token], page: _Page) -> tuple[Block, ...]:
    root = _Open(BlockKind.QUOTE, (0, 0), 0)
    stack = [root]
    for token in tokens:
        if token.type in _CLOSE:
            closed = stack.pop()
            block = page.block(closed.kind, closed.lines, closed.level, closed.children)
            stack[-1].children += (block,) if block else ()
            continue
        if token.map is None:
            continue
        lines = (token.map[0], token.map[1])
        if token.type in _OPEN:
            level = int(token.type == "ordered_list_open")
            stack.append(_Open(_OPEN[token.type], lines, level))
        elif token.type in _LEAF and not (token.type == "hr" and page.breaks(lines)):
            level = int(token.tag[1]) if token.type == "heading_open" else 0
            block = page.block(_LEAF[token.type], lines, level)
            stack[-1].children += (block,) if block else ()
    return tuple(root.children)


def _gaps(page: _Page, blocks: Sequence[Block]) -> list[Span]:
    """Return what stands between blocks: thematic breaks and definitions of links."""
    gaps: list[Span] = []
    at = 0
    for start, end in (*((block.start, block.end) for block in blocks), (len(page.source), 0)):
        gap = page.seen[at:start]
        if gap.strip():
            lead = len(gap) - len(gap.lstrip())
            gaps.append(Span(at + lead, at + len(gap.rstrip())))
        at = end
    return gaps
