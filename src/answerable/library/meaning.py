"""What is embedded of a chunk: its words with those of its place, and its sentences beside them.

Markup, addresses of links and marks of lists say nothing of what is meant, and every one of them
takes a part of the model's window. Nothing that is masked is ever embedded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from answerable.domain.documents import Block, BlockKind, Chunk, Span, Text
from answerable.library.visible import shown, visible

SENTENCE_CHARS_MIN = 40
"""A shorter piece says too little by itself and goes with the one after it."""

SENTENCES_MAX = 16
"""Of more sentences than this the shortest neighbours are joined."""

VERSION = f"2-{SENTENCE_CHARS_MIN}-{SENTENCES_MAX}"
"""Changes when the same chunk may give another text."""

# Every alternative begins with a literal, which lets the scan skip what begins none.
_MARKUP = re.compile(
    r"\n[ \t]*(?:(?:```|~~~)[^\n]*"  # the lines around code
    r"|#{1,6}(?=[ \t])"  # the marks of a heading
    r"|[-=*_~^+|: ]{3,}(?=\n|\Z))"  # rules, and the line below a table's header
    r"|!\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])"  # an image: what it is called stays
    r"|\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])"  # a link: its words stay
    r"|__(?=\S)|</?[A-Za-z][^<>\n]{0,200}>|&nbsp;"
)
_LINE_END = re.compile(r"\n")
_MARKER = re.compile(r"\A\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
# A full stop after these ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bcf\.)[\"')\]*_]*\s+"
    r"|(?<=[\u3002\uff01\uff1f])"
)


class Sentence(NamedTuple):
    """A part of a chunk that is embedded by itself.

    Attributes:
        span: Where it stands in the canonical text.
        text: What is embedded of it: on one line, without markup and what is masked.
    """

    span: Span
    text: str


def meaning(text: Text, chunk: Chunk) -> str:
    """Return what is embedded of a chunk: title and headings on one line, then its words.

    Headings are in the order of `Chunk.heading`, each once. Without title and headings it is
    the words alone.
    """
    place = " > ".join(dict.fromkeys(part for part in (text.title, *chunk.heading) if part))
    words = _words(shown(text, chunk.start, chunk.end))
    return f"{place}\n{words}" if place else words


def fingerprint(text: Text, chunk: Chunk) -> str:
    """Return what `meaning` and `sentences` depend on, and nothing else; cheap.

    The same words may lie in other blocks: another parser may have read them.
    """
    blocks = ",".join(
        f"{block.kind.value}{max(block.start, chunk.start) - chunk.start}"
        for block in _leaves(text.blocks, chunk.start, chunk.end)
    )
    words = shown(text, chunk.start, chunk.end)
    return "\0".join((blocks, text.title, *chunk.heading, words))


def sentences(text: Text, chunk: Chunk) -> tuple[Sentence, ...]:
    """Return what is embedded beside a chunk, in order; nothing when it is one sentence only.

    The sentences of its paragraphs and list items, the rows of its tables, the lines of its
    code; short ones with those that follow, at most `SENTENCES_MAX`.
    """
    pieces = (
        piece
        for block in _leaves(text.blocks, chunk.start, chunk.end)
        for piece in _pieces(text, block, chunk)
    )
    joined = _few(_long_enough(pieces))
    return tuple(joined) if len(joined) > 1 else ()


def _words(source: str) -> str:
    # Emphasis may stand inside the words of a link, so it goes last.
    plain = _MARKUP.sub(_kept, f"\n{source}").replace("**", "").replace("`", "")
    return " ".join(plain.split())


def _kept(match: re.Match[str]) -> str:
    """Return what stays of markup: the words of a link; white space where words were parted."""
    return match[1] or match[2] or ("" if match[0] == "__" else " ")


def _leaves(blocks: Sequence[Block], start: int, end: int) -> Iterator[Block]:
    """Give the blocks without children that overlap ``[start, end)``."""
    first = bisect_right(blocks, start, key=lambda block: block.end)
    for number in range(first, len(blocks)):
        block = blocks[number]
        if block.start >= end:
            return
        if block.children:
            yield from _leaves(block.children, start, end)
        else:
            yield block


def _pieces(text: Text, block: Block, chunk: Chunk) -> Iterator[Sentence]:
    start, end = max(block.start, chunk.start), min(block.end, chunk.end)
    source = _blanked(text, start, end)
    if block.kind is BlockKind.CODE:
        ends = [match.end() for match in _LINE_END.finditer(source)]
    elif block.kind is BlockKind.PARAGRAPH:
        ends = [match.end() for match in _SENTENCE_END.finditer(source)]
    else:
        ends = []
    for low, high in pairwise(sorted({0, *ends, len(source)})):
        words = _words(_MARKER.sub("", source[low:high], count=1)).strip("| ")
        if words:
            yield Sentence(Span(start + low, start + high), words)


def _blanked(text: Text, start: int, end: int) -> str:
    """Return ``[start, end)`` with spaces where it is masked, so that places stay."""
    spans = visible(text, start, end)
    if spans == (Span(start, end),):
        return text.text[start:end]
    pieces: list[str] = []
    at = start
    for low, high in spans:
        pieces += (" " * (low - at), text.text[low:high])
        at = high
    return "".join((*pieces, " " * (end - at)))


def _long_enough(pieces: Iterable[Sentence]) -> list[Sentence]:
    """Return the pieces with short ones joined to the next; a short last one to the one before."""
    joined: list[Sentence] = []
    short: Sentence | None = None
    for piece in pieces:
        short = _joined(short, piece) if short else piece
        if len(short.text) >= SENTENCE_CHARS_MIN:
            joined.append(short)
            short = None
    if short:
        joined.append(_joined(joined.pop(), short) if joined else short)
    return joined


def _few(pieces: list[Sentence]) -> list[Sentence]:
    """Return at most `SENTENCES_MAX` pieces: the shortest neighbours become one."""
    while len(pieces) > SENTENCES_MAX:
        sizes = [len(one.text) + len(other.text) for one, other in pairwise(pieces)]
        at = sizes.index(min(sizes))
        pieces[at : at + 2] = [_joined(pieces[at], pieces[at + 1])]
    return pieces


def _joined(one: Sentence, other: Sentence) -> Sentence:
    return Sentence(Span(one.span.start, other.span.end), f"{one.text} {other.text}")
