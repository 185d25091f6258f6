"""A document as it is read on a page: its own characters, set by blocks, a span marked.

Nothing of a document is ever interpreted. Every character that is shown is one of its text,
in its order; markup of ours only stands around them.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from answerable.domain.documents import Block, BlockKind, Landmark, Span, Text
from answerable.library.landmarks import begins, label

WINDOW = 60_000
"""Code points on one page: more makes browsers slow on a phone."""

_BEFORE_SHARE = 4
_DEPTH_MAX = 24
_LINE_CHARS = 2_000

_QUIET = Markup('<span class="syntax">{}</span>')
_CODE = Markup("<code>{}</code>")
# Its words come from the style sheet, so that they are never taken for words of the document.
_LANDMARK = Markup('<span class="landmark" data-landmark="{}"></span>')

_TAGS = {
    BlockKind.PARAGRAPH: "p",
    BlockKind.LIST: "ul",
    BlockKind.ITEM: "li",
    BlockKind.TABLE: "div",
    BlockKind.ROW: "div",
    BlockKind.QUOTE: "blockquote",
    BlockKind.CODE: "pre",
}
_CLASSES = {BlockKind.TABLE: "table", BlockKind.ROW: "row"}

# Characters that are markup of the document's own format: shown, but quietly.
_SYNTAX = {
    BlockKind.HEADING: re.compile(
        r"^#{1,6}[ \t]{1,8}|[ \t]{1,8}#{1,6}[ \t]{0,8}$|\n[=\-~^\"'`*+#.:_]{2,}[ \t]*$"
    ),
    BlockKind.CODE: re.compile(
        r"^[ \t]*(?:`{3,}|~{3,})[^\n]*(?:\n|$)|\n[ \t]*(?:`{3,}|~{3,})[ \t]*$"
    ),
    BlockKind.QUOTE: re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE),
}
# Bounded, so that a page of backticks costs no more than any other page.
_INLINE = re.compile(r"(?<!`)(?P<ticks>`{1,2})[^`\n]{1,200}(?P=ticks)(?!`)")
_LISTED = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """Part of a document, set.

    Attributes:
        before: Where the page before begins, None on the first.
        after: Where the page after begins, None on the last.
        is_marked: Whether anything of the cited span is on it.
    """

    html: Markup
    start: int
    end: int
    before: int | None
    after: int | None
    is_marked: bool


def window(text: str, *, begin: int | None, cited: Span | None) -> Span:
    """Return the part of a text that one page shows.

    It begins at `begin`, or, with None, a little before what is cited, or at the start.
    """
    if begin is None:
        begin = max(0, cited.start - WINDOW // _BEFORE_SHARE) if cited else 0
    begin = _line_start(text, min(max(begin, 0), len(text)))
    end = min(len(text), begin + WINDOW)
    return Span(begin, end if end == len(text) else _line_start(text, end))


def _line_start(text: str, at: int) -> int:
    """Return where the line of this place begins, or the place when its line is very long."""
    found = text.rfind("\n", max(0, at - _LINE_CHARS), at) + 1
    return found or (0 if at <= _LINE_CHARS else at)


def sheet(
    text: Text, pieces: Sequence[Span], *, begin: int | None = None, cited: Span | None = None
) -> Sheet:
    """Return one page of a document: of the `pieces` that may be shown, with `cited` marked.

    It begins at `begin`, or, with None, so that it holds what is cited.
    """
    shown = window(text.text, begin=begin, cited=cited)
    press = _Press(
        text=text.text, landmarks=text.landmarks, pieces=pieces, shown=shown, cited=cited
    )
    html = Markup("").join(press.blocks(text.blocks, shown, depth=0))
    return Sheet(
        html=html,
        is_marked=press.is_marked,
        start=shown.start,
        end=shown.end,
        before=max(0, shown.start - WINDOW) if shown.start > 0 else None,
        after=shown.end if shown.end < len(text.text) else None,
    )


@dataclass(kw_only=True, slots=True)
class _Press:
    """Sets blocks; remembers only whether the mark has begun."""

    text: str
    landmarks: Sequence[Landmark]
    pieces: Sequence[Span]
    shown: Span
    cited: Span | None
    is_marked: bool = False

    def blocks(self, blocks: Sequence[Block], within: Span, *, depth: int) -> Iterator[Markup]:
        """Give the blocks that reach into `within`, and what stands between them."""
        at = within.start
        first = bisect_right(blocks, within.start, key=lambda block: block.end)
        last = bisect_left(blocks, within.end, key=lambda block: block.start)
        for block in blocks[first:last]:
            yield self.between(Span(at, block.start))
            yield self.block(block, depth=depth)
            at = block.end
        yield self.between(Span(at, within.end))

    def between(self, span: Span) -> Markup:
        """Return what stands between blocks: the marker of a list item, or white space."""
        body = Markup("").join(self.runs(span))
        if not body.strip():
            return Markup("")
        return _QUIET.format(body)

    def block(self, block: Block, *, depth: int) -> Markup:
        """Return one block with all that is in it."""
        inside = Span(max(block.start, self.shown.start), min(block.end, self.shown.end))
        if block.children and depth < _DEPTH_MAX:
            body = Markup("").join(self.blocks(block.children, inside, depth=depth + 1))
        else:
            body = Markup("").join(self.leaf(block.kind, inside))
        if not body:
            return Markup("")
        tag = _tag(block)
        kind = _CLASSES.get(block.kind, "")
        # Browsers drop a line break right after <pre>; this one keeps the text's own.
        breaks = "\n" if tag == "pre" else ""
        return Markup('<{0} class="{1}">{2}{3}</{0}>\n').format(tag, kind, breaks, body)

    def leaf(self, kind: BlockKind, span: Span) -> Iterator[Markup]:
        """Give the text of a leaf, its inline code and its own markup set apart."""
        at = span.start
        for start, end, wrap in decorations(kind, self.text[span.start : span.end]):
            first, last = span.start + start, span.start + end
            yield from self.runs(Span(at, first))
            yield wrap.format(Markup("").join(self.runs(Span(first, last))))
            at = last
        yield from self.runs(Span(at, span.end))

    def runs(self, span: Span) -> Iterator[Markup]:
        """Give what may be shown of a span, with what is cited of it marked."""
        first = bisect_right(self.pieces, span.start, key=lambda piece: piece.end)
        for piece in self.pieces[first:]:
            if piece.start >= span.end:
                break
            yield from self.landed(Span(max(piece.start, span.start), min(piece.end, span.end)))

    def landed(self, span: Span) -> Iterator[Markup]:
        """Give a shown span with a sign wherever a page, slide or row begins."""
        at = span.start
        for mark in begins(self.landmarks, span.start, span.end):
            yield from self.marked(Span(at, mark.offset))
            yield _LANDMARK.format(label(mark))
            at = mark.offset
        yield from self.marked(Span(at, span.end))

    def marked(self, span: Span) -> Iterator[Markup]:
        """Give a shown span, split where the cited one begins and ends."""
        cited = self.cited or Span(0, 0)
        start, end = max(span.start, cited.start), min(span.end, cited.end)
        if start >= end:
            yield escape(self.text[span.start : span.end])
            return
        yield escape(self.text[span.start : start])
        name = Markup("") if self.is_marked else Markup(' id="cite" tabindex="-1"')
        self.is_marked = True
        yield Markup("<mark{}>{}</mark>").format(name, self.text[start:end])
        yield escape(self.text[end : span.end])


def decorations(kind: BlockKind, body: str) -> Iterator[tuple[int, int, Markup]]:
    """Give (start, end, element) of the parts of a leaf that are set apart, in order."""
    if kind is BlockKind.ROW:
        return
    pattern, wrap = (_SYNTAX[kind], _QUIET) if kind in _SYNTAX else (_INLINE, _CODE)
    for match in pattern.finditer(body):
        yield match.start(), match.end(), wrap


def quoted(kind: str, quote: str) -> Markup:
    """Return a quote of an answer, set by what kind of unit it is."""
    if kind == "code":
        return Markup("<pre>\n{}</pre>").format(_decorated(BlockKind.CODE, quote))
    if kind == "rows":
        return Markup("<pre>\n{}</pre>").format(quote)
    # Lines of prose flow; those of a list are its structure.
    role = "said lines" if _LISTED.search(quote) else "said"
    return Markup('<p class="{}">{}</p>').format(role, _decorated(BlockKind.PARAGRAPH, quote))


def _decorated(kind: BlockKind, body: str) -> Markup:
    parts, at = [], 0
    for start, end, wrap in decorations(kind, body):
        parts += [escape(body[at:start]), wrap.format(body[start:end])]
        at = end
    return Markup("").join([*parts, escape(body[at:])])


def _tag(block: Block) -> str:
    """Return the element of a block; the title of the page is its only h1."""
    if block.kind is BlockKind.HEADING:
        return f"h{min(block.level + 1, 6)}"
    return _TAGS[block.kind]
