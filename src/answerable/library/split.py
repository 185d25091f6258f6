"""Text to chunks: spans that follow a document's sections and keep whole what belongs together."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from answerable.domain.documents import Block, BlockKind, Chunk, Span, Text
from answerable.library.visible import headline, shown

VERSION = "2"
CHUNK_CHARS = 1200
_HEADER_CHARS = 200

_SENTENCE_END = re.compile(r"(?<=[.!?:])[\"')\]*_`]*\s+|(?<=[\u3002\uff01\uff1f])|\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n")
_WORD_END = re.compile(r"\s+")


def digest() -> str:
    """Return what changes when the same text may give other chunks."""
    return f"sections-{VERSION}-{CHUNK_CHARS}"


def split(text: Text, *, chars: int = CHUNK_CHARS) -> tuple[Chunk, ...]:
    """Return the chunks of a document in order, covering all of its visible text once.

    A chunk lies in one section and begins with the section's heading if it is its first; a
    heading without text of its own goes with the subsection below it, or stands alone when
    there is none. It holds as many whole blocks as fit. Only a block that alone exceeds the
    limit is cut: between its children, then at sentences (prose) or lines (code, rows), then
    at white space, then anywhere. A block that ends in a colon goes with the one it announces.
    Where a table is cut, the words of its header are the last heading of what follows.

    Args:
        text: What a parser made of a document.
        chars: Most visible code points in a chunk, at least 1.
    """
    ruler = _Ruler(text, chars)
    chunks: list[Chunk] = []
    for heading, blocks in _sections(text):
        spans = [span for block in blocks for span in _atoms(ruler, block, block.start, block.end)]
        chunks += (
            Chunk(ordinal=0, start=start, end=end, heading=heading + _header(text, blocks, start))
            for start, end in _packed(ruler, spans)
        )
    return tuple(
        Chunk(ordinal=ordinal, start=chunk.start, end=chunk.end, heading=chunk.heading)
        for ordinal, chunk in enumerate(chunks)
    )


class _Ruler:
    """Measures how much of a span is visible."""

    def __init__(self, text: Text, chars: int) -> None:
        self.text = text
        self.chars = chars
        self._ends = [mask.end for mask in text.masks]
        lengths = (mask.end - mask.start for mask in text.masks)
        self._masked = list(accumulate(lengths, initial=0))

    def size(self, start: int, end: int) -> int:
        """Return how many code points between are not masked."""
        return (end - start) - (self._before(end) - self._before(start))

    def fits(self, start: int, end: int) -> bool:
        """Return whether a chunk may hold all of this."""
        return end - start <= self.chars or self.size(start, end) <= self.chars

    def _before(self, at: int) -> int:
        number = bisect_left(self._ends, at)
        masked = self._masked[number]
        if number < len(self._ends):
            masked += max(0, at - self.text.masks[number].start)
        return masked


def _sections(text: Text) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Give the blocks between headings, each with the headings it stands under."""
    path: list[tuple[int, str]] = []
    blocks: list[Block] = []
    first = True
    for block in text.blocks:
        if block.kind is BlockKind.HEADING:
            if blocks and not _announces(blocks[-1], block):
                yield _titles(path), blocks
                blocks = []
            path = [entry for entry in path if entry[0] < block.level]
            words = headline(shown(text, block.start, block.end))
            path.append((block.level, "" if first and words == text.title else words))
            first = False
        elif block.kind is BlockKind.CODE and block.level and path:
            above = [entry for entry in path if entry[0] < block.level]
            if above != path:
                yield _titles(path), blocks
                path, blocks = above, []
        blocks.append(block)
    if blocks:
        yield _titles(path), blocks


def _announces(last: Block, heading: Block) -> bool:
    """Return whether a heading follows one of a higher level that has no text of its own."""
    return last.kind is BlockKind.HEADING and last.level < heading.level


def _titles(path: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(words for _, words in path if words)


def _header(text: Text, blocks: Sequence[Block], start: int) -> tuple[str, ...]:
    """Return the header of the table whose rows a chunk begins with, else nothing."""
    at = bisect_right(blocks, start, key=lambda block: block.start) - 1
    block = blocks[max(at, 0)]
    if block.kind is not BlockKind.TABLE or len(block.children) < 2:  # noqa: PLR2004 -- no rows
        return ()
    first, second = block.children[:2]
    if not second.start <= start < block.end:
        return ()
    end = min(first.end, first.start + _HEADER_CHARS)
    words = headline(shown(text, first.start, end)).strip("| ")
    return (words,) if words else ()


def _atoms(ruler: _Ruler, block: Block, start: int, end: int) -> Iterator[Span]:
    """Give spans that are not to be cut again and cover a block with what surrounds it.

    What lies between children, such as the line below a table's header, goes with the child
    before it.
    """
    if ruler.fits(block.start, block.end):
        yield Span(start, end)
    elif block.children:
        edges = [start, *(child.start for child in block.children[1:]), end]
        for child, (low, high) in zip(block.children, pairwise(edges), strict=True):
            yield from _atoms(ruler, child, low, high)
    else:
        prose = block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING)
        yield from _cut(ruler, Span(start, end), prose=prose)


def _cut(ruler: _Ruler, span: Span, *, prose: bool) -> Iterator[Span]:
    """Give the sentences or lines of a span; what is still too long, in pieces that fit."""
    pattern = _SENTENCE_END if prose else _LINE_END
    for piece in _pieces(ruler.text.text, span, pattern):
        if ruler.fits(*piece):
            yield piece
        elif prose and "\n" in ruler.text.text[piece.start : piece.end]:
            yield from _cut(ruler, piece, prose=False)
        else:
            yield from _forced(ruler, piece)


def _forced(ruler: _Ruler, span: Span) -> Iterator[Span]:
    for word in _pieces(ruler.text.text, span, _WORD_END):
        for start in range(word.start, word.end, ruler.chars):
            yield Span(start, min(start + ruler.chars, word.end))


def _pieces(source: str, span: Span, pattern: re.Pattern[str]) -> list[Span]:
    ends = [match.end() for match in pattern.finditer(source, span.start, span.end)]
    cuts = [span.start, *(end for end in ends if span.start < end < span.end), span.end]
    return [Span(start, end) for start, end in pairwise(cuts)]


def _packed(ruler: _Ruler, spans: Sequence[Span]) -> Iterator[Span]:
    """Give spans joined while they fit, without white space around, none of them blank."""
    source = ruler.text.text
    ends = [start + len(source[start:end].rstrip()) for start, end in spans]
    first = 0
    for number in range(1, len(spans) + 1):
        if number < len(spans) and ruler.fits(spans[first].start, ends[number]):
            continue
        last = number
        if number < len(spans) and first < number - 1:
            intro = spans[number - 1]
            if _introduces(ruler.text, intro) and ruler.fits(intro.start, ends[number]):
                last = number - 1
        if trimmed := _trimmed(ruler.text, spans[first].start, spans[last - 1].end):
            yield trimmed
        first = last


def _introduces(text: Text, span: Span) -> bool:
    tail = text.text[max(span.start, span.end - 16) : span.end]
    return tail.rstrip("*_ \n").endswith(":")


def _trimmed(text: Text, start: int, end: int) -> Span | None:
    """Return a span without white space at its ends, None if nothing in it is visible."""
    source = text.text[start:end]
    lead = len(source) - len(source.lstrip())
    end = start + len(source.rstrip())
    start += source.rfind("\n", 0, lead) + 1  # the indentation of its first line stays
    return Span(start, end) if shown(text, start, end).strip() else None
