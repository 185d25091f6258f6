"""reStructuredText to a tree of blocks, each an exact range of the source.

A reader of lines of its own, not docutils: docutils gives nodes whose line numbers are off
by one or missing inside lists, tables and directives, and it knows no Sphinx directive or
role, so a quote could not be located exactly and words would be lost. Indentation is all the
structure this needs. Nothing is included, evaluated or fetched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from answerable.adapters.parsers.shortcodes import joined
from answerable.domain.documents import Block, BlockKind, Span, Text
from answerable.library.visible import headline, shown

_DEPTH_MAX = 40  # deeper nesting is read as plain paragraphs
_ADORNMENT = re.compile(r"([!-/:-@[-`{-~])\1*")
_ADORNMENT_MIN = 4  # shorter ones must be as long as their title
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?(?P<name>[\w.+:-]*?\w)[ \t]?::(?:[ \t]+|$)")
_FOOTNOTE = re.compile(r"\.\.[ \t]+\[[^\]]+\][ \t]+")
_EXPLICIT = re.compile(r"\.\.(?:[ \t]|$)")
_ANONYMOUS = re.compile(r"__[ \t]")
_OPTION = re.compile(r":[\w-]+:(?:[ \t]|$)")
_ITEM = re.compile(
    r"(?P<bullet>[-*+•])(?:[ \t]+|$)"
    r"|\(?(?P<number>\d+|#|[A-Za-z]|[ivxlcdmIVXLCDM]+)[.)](?:[ \t]+|$)"
    r"|(?P<field>:(?![: ])[^:\n]+(?<!\s):)(?:[ \t]+|$)"
)
_GRID = re.compile(r"\+[-=]+(?:\+[-=]+)*\+[ \t]*")
_SIMPLE = re.compile(r"=+(?:[ \t]+=+)+[ \t]*")
_SIMPLE_RULE = re.compile(r"[=-]+(?:[ \t]+[=-]+)*[ \t]*")
_ROLE = re.compile(r"(?<![\w:]):[a-zA-Z][\w+.-]*(?::[\w+.-]+)*:(?=`[^`\s])")
_CODE = frozenset(
    {"code", "code-block", "sourcecode", "parsed-literal", "prompt", "doctest", "highlight"}
    | {"testcode", "testoutput", "console", "ipython", "productionlist", "graphviz"}
)
_HIDDEN = frozenset(
    {"toctree", "contents", "index", "meta", "raw", "include", "image", "replace", "unicode"}
    | {"literalinclude", "default-role", "role", "currentmodule", "module", "sectnum", "date"}
    | {"testsetup", "testcleanup", "automodule", "autoclass", "autofunction", "automethod"}
    | {"autosummary", "tabularcolumns", "highlight-language", "title"}
)
_PATHS = frozenset({"figure", "container", "class", "only", "rst-class"})  # no words behind it


def read(source: str) -> Text:
    """Return a reStructuredText document as text with blocks and masks.

    Masked: comments, targets, substitutions, the marks and options of directives, names of
    roles, transitions. The words that directives hold stay, whichever directive it is.

    Args:
        source: Canonical text.
    """
    page = _Page(source)
    blocks = tuple(page.body(0, len(page.lines), 0))
    masks = joined((*page.masks, *_roles(source, blocks)))
    text = Text(text=source, title="", blocks=blocks, masks=masks)
    first = next((block for block in blocks if block.kind is BlockKind.HEADING), None)
    title = headline(shown(text, first.start, first.end)) if first else ""
    return Text(text=source, title=title, blocks=blocks, masks=masks)


def _roles(source: str, blocks: Sequence[Block]) -> list[Span]:
    """Return the names of roles outside code: of ``:ref:`Install <x>` `` only the text is shown."""
    spans: list[Span] = []
    for block in blocks:
        if block.children:
            spans += _roles(source, block.children)
        elif block.kind is not BlockKind.CODE:
            matches = _ROLE.finditer(source, block.start, block.end)
            spans += (Span(*match.span()) for match in matches)
    return spans


class _Page:
    """The lines of a source while they are read.

    Attributes:
        lines: What is still to be read of each line: without indentation, and without the
            marks of lists and directives once these are read; empty if blank or masked.
        indents: Columns before it.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        rows = source.split("\n")
        self.starts = [0, *accumulate(len(row) + 1 for row in rows)]
        self.lines = [row.strip() for row in rows]
        self.indents = [_indent(row) for row in rows]
        self.masks: list[Span] = []
        self.styles: list[tuple[str, bool]] = []

    def body(self, first: int, last: int, depth: int) -> list[Block]:
        """Return the blocks of the lines from `first` up to `last`."""
        blocks: list[Block] = []
        indents = [self.indents[n] for n in range(first, last) if self.lines[n]]
        base = min(indents, default=0)
        while first < last:
            if not self.lines[first]:
                first += 1
                continue
            first = self._block(blocks, first, last, base, depth)
        return blocks

    def _block(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        """Add what begins at a line that is not blank; return the line after it."""
        if depth > _DEPTH_MAX:
            return self._leaf(blocks, BlockKind.PARAGRAPH, first, self._run(first, last))
        if self.indents[first] > base:
            end = self._deeper(first, last, base)
            children = self.body(first, end, depth + 1)
            if children:
                blocks.append(self._made(BlockKind.QUOTE, first, end, children=children))
            return end
        if depth == 0 and (end := self._section(blocks, first, last)):
            return end
        return self._marked(blocks, first, last, base, depth)

    def _marked(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        """Add what the first characters of its line tell: a table, a list, a paragraph."""
        line = self.lines[first]
        if _EXPLICIT.match(line) or _ANONYMOUS.match(line):
            return self._explicit(blocks, first, last, base, depth)
        if _GRID.fullmatch(line) or _SIMPLE.fullmatch(line):
            return self._table(blocks, first, last)
        if line.startswith(">>>"):
            return self._leaf(blocks, BlockKind.CODE, first, self._run(first, last))
        if _ITEM.match(line):
            return self._list(blocks, first, last, base, depth)
        return self._paragraph(blocks, first, last, base, depth)

    def _section(self, blocks: list[Block], first: int, last: int) -> int:
        """Add a heading or mask a transition; return the line after it, 0 if there is none."""
        lines = [self.lines[n] if n < last else "" for n in range(first, first + 3)]
        over = _ADORNMENT.fullmatch(lines[0])
        if over and lines[1] and lines[2] == lines[0]:
            title, style, end = lines[1], (lines[0][0], True), first + 3
        elif over and not lines[1] and len(lines[0]) >= _ADORNMENT_MIN:
            self._mask(first, first + 1)
            return first + 1
        elif (
            not over
            and _ADORNMENT.fullmatch(lines[1])
            and self.indents[first] == self.indents[min(first + 1, last - 1)]
        ):
            title, style, end = lines[0], (lines[1][0], False), first + 2
        else:
            return 0
        length = len(self.lines[end - 1])
        if length < min(_ADORNMENT_MIN, len(title)):
            return 0
        if style not in self.styles:
            self.styles.append(style)
        return self._leaf(blocks, BlockKind.HEADING, first, end, self.styles.index(style) + 1)

    def _explicit(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        """Read what begins with two dots: a directive, a footnote, a target or a comment."""
        line = self.lines[first]
        empty = line == ".." and (first + 1 >= last or not self.lines[first + 1])
        end = first + 1 if empty else self._deeper(first + 1, last, base)
        directive = _DIRECTIVE.match(line)
        name = directive["name"].lower().rpartition(":")[2] if directive else ""
        if footnote := _FOOTNOTE.match(line):
            self._consume(first, end, footnote.end(), mask=False)
        elif directive is None or name in _HIDDEN or name.startswith("auto"):
            self._mask(first, end)
        elif name in _CODE:
            return self._code(blocks, first, end)
        else:
            self._consume(first, end, directive.end())
            self._mask(first, first + (name in _PATHS))
            self._options(first + 1, end)
        blocks += self.body(first, end, depth + 1)
        return end

    def _code(self, blocks: list[Block], first: int, end: int) -> int:
        self._mask(first, first + 1)
        body = self._options(first + 1, end)
        while body < end and not self.lines[body]:
            body += 1
        return self._leaf(blocks, BlockKind.CODE, body, end) if body < end else end

    def _options(self, first: int, end: int) -> int:
        """Mask the options of a directive; return the line after them."""
        at = first
        while at < end and _OPTION.match(self.lines[at]):
            indent = self.indents[at]
            at += 1
            while at < end and self.lines[at] and self.indents[at] > indent:
                at += 1
        self._mask(first, at)
        return at

    def _table(self, blocks: list[Block], first: int, last: int) -> int:
        """Add a grid or simple table: rows are what its rules part, or lines of a simple one."""
        grid = self.lines[first][0] == "+"
        end = self._run(first, last) if grid else self._simple_end(first, last)
        rule = _GRID if grid else _SIMPLE_RULE
        rows: list[Block] = []
        begun: int | None = None
        for number in range(first, end + 1):
            parts = number == end or not self.lines[number] or rule.fullmatch(self.lines[number])
            begins = not parts and not grid and self.indents[number] <= self.indents[first]
            if begun is not None and (parts or begins):
                self._leaf(rows, BlockKind.ROW, begun, number)
                begun = None
            if begun is None and not parts:
                begun = number
        blocks.append(self._made(BlockKind.TABLE, first, end, children=rows))
        return end

    def _simple_end(self, first: int, last: int) -> int:
        """Return the line after a simple table: its last rule is followed by a blank line."""
        rules = 0
        for number in range(first, last):
            if _SIMPLE_RULE.fullmatch(self.lines[number]) and self.lines[number][0] == "=":
                rules += 1
                if rules > 1 and (number + 1 >= last or not self.lines[number + 1]):
                    return number + 1
        return self._run(first, last)

    def _list(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        """Add a list: items of the same kind, each with what is indented below it."""
        items: list[Block] = []
        begin = at = first
        kind = _item_kind(self.lines[first])
        while at < last and self.indents[at] == base and _item_kind(self.lines[at]) == kind:
            end = self._deeper(at + 1, last, base)
            match = _ITEM.match(self.lines[at])
            self._consume(at, end, match.end() if match else 0, mask=False)
            children = self.body(at, end, depth + 1)
            items.append(self._made(BlockKind.ITEM, at, end, children=children))
            at = end
            while at < last and not self.lines[at]:
                at += 1
        end = self._trimmed(begin, at)
        blocks.append(self._made(BlockKind.LIST, begin, end, int(kind == "number"), items))
        return at

    def _paragraph(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        """Add a paragraph with the literal block it announces, or a term with its definition."""
        end = self._run(first, last)
        below = next((n for n in range(first + 1, end) if self.indents[n] > base), end)
        if below == first + 1 < end and not self.lines[first].endswith("::"):
            return self._definition(blocks, first, last, base, depth)
        end = below
        announces = self.lines[end - 1].endswith("::")
        if announces:
            self._mask_colon(end - 1)
        if self.lines[first]:
            self._leaf(blocks, BlockKind.PARAGRAPH, first, end)
        return self._literal(blocks, end, last, base) if announces else end

    def _literal(self, blocks: list[Block], first: int, last: int, base: int) -> int:
        while first < last and not self.lines[first]:
            first += 1
        end = self._deeper(first, last, base)
        if first < end and self.indents[first] > base:
            return self._leaf(blocks, BlockKind.CODE, first, end)
        return first

    def _definition(self, blocks: list[Block], first: int, last: int, base: int, depth: int) -> int:
        end = self._deeper(first + 1, last, base)
        children: list[Block] = []
        self._leaf(children, BlockKind.PARAGRAPH, first, first + 1)
        children += self.body(first + 1, end, depth + 1)
        item = self._made(BlockKind.ITEM, first, end, children=children)
        blocks.append(self._made(BlockKind.LIST, first, end, children=[item]))
        return end

    def _leaf(
        self, blocks: list[Block], kind: BlockKind, first: int, end: int, level: int = 0
    ) -> int:
        blocks.append(self._made(kind, first, end, level))
        return end

    def _made(
        self,
        kind: BlockKind,
        first: int,
        end: int,
        level: int = 0,
        children: Sequence[Block] = (),
    ) -> Block:
        """Return the block of these lines, without blank ones at its end."""
        end = self._trimmed(first, end)
        start, stop = self.starts[first], self.starts[end] - 1
        if children:  # an empty item at the end looks blank once its mark is read
            stop = max(stop, children[-1].end)
        return Block(kind=kind, start=start, end=stop, level=level, children=tuple(children))

    def _run(self, first: int, last: int) -> int:
        """Return the next blank line."""
        while first < last and self.lines[first]:
            first += 1
        return first

    def _deeper(self, first: int, last: int, base: int) -> int:
        """Return the line after all that is blank or indented more than `base`."""
        at = first
        while at < last and (not self.lines[at] or self.indents[at] > base):
            at += 1
        return max(first, self._trimmed(first, at))

    def _trimmed(self, first: int, end: int) -> int:
        while end > first + 1 and not self.lines[end - 1]:
            end -= 1
        return end

    def _consume(self, number: int, end: int, length: int, *, mask: bool = True) -> None:
        """Take a mark from the start of a line; the rest becomes the first line of its body."""
        if mask:
            start = self._rest(number).start
            self.masks.append(Span(start, start + length))
        self.lines[number] = self.lines[number][length:]
        below = (self.indents[n] for n in range(number + 1, end) if self.lines[n])
        self.indents[number] = min((self.indents[number] + length, *below))

    def _rest(self, number: int) -> Span:
        """Return where the rest of a line stands that is still to be read."""
        row = self.source[self.starts[number] : self.starts[number + 1] - 1]
        end = self.starts[number] + len(row.rstrip())
        return Span(end - len(self.lines[number]), end)

    def _mask(self, first: int, end: int) -> None:
        """Mask what is left of these lines; to what is read later they are blank."""
        for number in range(first, end):
            if self.lines[number]:
                self.masks.append(self._rest(number))
                self.lines[number] = ""

    def _mask_colon(self, number: int) -> None:
        """Mask the second colon that announces literal text; both if they stand alone."""
        end = self._rest(number).end
        alone = self.lines[number] == "::"
        self.masks.append(Span(end - (2 if alone else 1), end))
        if alone:
            self.lines[number] = ""


def _indent(row: str) -> int:
    row = row.expandtabs()
    return len(row) - len(row.lstrip())


def _item_kind(line: str) -> str:
    match = _ITEM.match(line)
    return (match.lastgroup or "") if match else ""
