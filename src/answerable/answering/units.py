"""What can be quoted whole: sentences, list items, lists, table rows and code blocks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from answerable.answering.sentences import sentences
from answerable.domain.documents import Block, BlockKind, Span, Text

# Up to these lengths, in code points, a list or table is read at a glance, and an item too.
_LIST_CHARS = 600
_STEPS_CHARS = 1500
_TABLE_CHARS = 500
_ITEM_CHARS = 400
_LEAD_CHARS = 400
# Generated pages hold paragraphs of a megabyte; sentences are sought this far around a passage.
_NEAR_CHARS = 2000


class UnitKind(StrEnum):
    """What a unit is. STEPS are the items of a numbered list, all of them."""

    SENTENCE = "sentence"
    ITEM = "item"
    LIST = "list"
    STEPS = "steps"
    ROWS = "rows"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """The least that is quoted of a text: nothing is shown of it unless all of it is.

    Attributes:
        start, end: Code points in the canonical text.
        lead: What has to be read first: the sentence that introduces a list or code block,
            the header of a table, the sentence that "it" or "this" points back to. Ends at
            or before `start`.
    """

    kind: UnitKind
    start: int
    end: int
    lead: Span | None = None

    @property
    def shown(self) -> Span:
        """From the start of the lead to the end of the unit."""
        return Span(self.lead.start if self.lead else self.start, self.end)


def units(text: Text, start: int, end: int) -> tuple[Unit, ...]:
    """Return what can be quoted and overlaps ``[start, end)``, by start.

    Units may contain each other (a list and its items). Headings are no units. A part of a
    code block, of a numbered step or of a table row never is one.
    """
    # One block more on either side: it may be introduced by, or introduce, one inside.
    first = max(0, bisect_left(text.blocks, start, key=lambda block: block.end) - 1)
    last = bisect_left(text.blocks, end, key=lambda block: block.start) + 1
    near = Span(start - _NEAR_CHARS, end + _NEAR_CHARS)
    found = _of_blocks(text.text, text.blocks[first:last], None, near)
    return tuple(unit for unit in found if unit.shown.start < end and unit.end > start)


def _of_blocks(text: str, blocks: Sequence[Block], lead: Span | None, near: Span) -> Iterator[Unit]:
    """Give the units of blocks that follow each other; `lead` introduces the first one."""
    for block in blocks:
        if block.kind is BlockKind.PARAGRAPH:
            spans = _sentences_near(text, block, near)
            # A sentence that opens something is nothing without it.
            opens = bool(spans) and _opens(text, spans[-1])
            yield from _of_sentences(text, spans[:-1] if opens else spans, lead)
            lead = _lead(spans)
            continue
        if block.kind is BlockKind.LIST and not _opens(text, lead):
            lead = None
        yield from _of_block(text, block, lead, near)
        lead = None


def _of_block(text: str, block: Block, lead: Span | None, near: Span) -> Iterator[Unit]:
    if block.kind is BlockKind.CODE:
        yield Unit(kind=UnitKind.CODE, start=block.start, end=block.end, lead=lead)
    elif block.kind is BlockKind.LIST:
        yield from _of_list(text, block, lead, near)
    elif block.kind is BlockKind.TABLE:
        yield from _of_table(block, near)
    elif block.kind in (BlockKind.QUOTE, BlockKind.ITEM):
        yield from _of_blocks(text, block.children, lead, near)


def _sentences_near(text: str, block: Block, near: Span) -> tuple[Span, ...]:
    """Return the sentences of a paragraph; of one that goes on and on, the whole ones near."""
    start, end = max(block.start, near.start), min(block.end, near.end)
    spans = sentences(text, start, max(start, end))
    return spans[start > block.start : len(spans) - (end < block.end)]


def _of_sentences(text: str, spans: Sequence[Span], lead: Span | None) -> Iterator[Unit]:
    for place, span in enumerate(spans):
        before = spans[place - 1] if place else lead
        points_back = before is not None and _POINTS_BACK.match(text, span.start, span.end)
        near = before if points_back and before and span.end - before.start <= _LEAD_CHARS else None
        yield Unit(kind=UnitKind.SENTENCE, start=span.start, end=span.end, lead=near)


# A sentence that begins so cannot be read without the one before it.
_POINTS_BACK = re.compile(
    r"[*_\"'(]*(?:this|that|these|those|it|its|they|their|such|otherwise|however|instead|then"
    r"|therefore|thus|hence|also|but|so|for example|for instance|in (?:this|that|these|such) case"
    r"|as a result|if (?:so|not)|he|she|his|her|both|doing so|note that this|the (?:former|latter)"
    r"|the default (?:is|value is))\b",
    re.IGNORECASE,
)


def _of_list(text: str, block: Block, lead: Span | None, near: Span) -> Iterator[Unit]:
    is_steps = block.level == 1
    if block.end - block.start <= (_STEPS_CHARS if is_steps else _LIST_CHARS):
        kind = UnitKind.STEPS if is_steps else UnitKind.LIST
        yield Unit(kind=kind, start=block.start, end=block.end, lead=lead)
    for item in _those_near(block.children, near):
        if is_steps or item.end - item.start <= _ITEM_CHARS:
            yield Unit(kind=UnitKind.ITEM, start=item.start, end=item.end, lead=lead)
        else:
            yield from _of_blocks(text, item.children, lead, near)


def _of_table(block: Block, near: Span) -> Iterator[Unit]:
    if block.end - block.start <= _TABLE_CHARS:
        yield Unit(kind=UnitKind.ROWS, start=block.start, end=block.end)
    if len(block.children) > 1:
        # From the table's start to the first row of data: header and rule, whole lines.
        header = Span(block.start, block.children[1].start)
        for row in _those_near(block.children[1:], near):
            yield Unit(kind=UnitKind.ROWS, start=row.start, end=row.end, lead=header)


def _those_near(blocks: Sequence[Block], near: Span) -> Sequence[Block]:
    """Return the blocks that meet a range."""
    first = bisect_left(blocks, near.start, key=lambda block: block.end)
    return blocks[first : bisect_left(blocks, near.end, key=lambda block: block.start)]


def _opens(text: str, span: Span | None) -> bool:
    """Return whether a sentence announces what follows it."""
    return span is not None and text[span.start : span.end].rstrip("*_` ").endswith((":", ","))


def _lead(spans: Sequence[Span]) -> Span | None:
    if not spans or spans[-1].end - spans[-1].start > _LEAD_CHARS:
        return None
    return spans[-1]
