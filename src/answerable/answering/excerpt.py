"""Passages as a model and a judge see them, and the way back to the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from answerable.domain.documents import Content, Span, Text
from answerable.domain.questions import Passage
from answerable.library.visible import visible


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """The visible text of a passage.

    Attributes:
        text: The pieces joined by nothing.
        pieces: Where they stand in the canonical text, in order.
        content_hash: Of the canonical text.
    """

    passage: Passage
    source: Text
    content_hash: str
    text: str
    pieces: tuple[Span, ...]

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """Return where ``text[start:end]`` stands in the canonical text, in order.

        Offsets are code points of `text`; ``0 <= start < end <= len(text)``.
        """
        return tuple(self._spans(start, end))

    def _spans(self, start: int, end: int) -> Iterator[Span]:
        for begins, piece in zip(self._begins(), self.pieces, strict=True):
            first = max(start, begins)
            last = min(end, begins + piece.end - piece.start)
            if first < last:
                yield Span(piece.start + first - begins, piece.start + last - begins)

    def _begins(self) -> Iterator[int]:
        at = 0
        for piece in self.pieces:
            yield at
            at += piece.end - piece.start


def excerpts(
    passages: Sequence[Passage], contents: Mapping[str, Content], *, chars_max: int
) -> tuple[Excerpt, ...]:
    """Return the passages' visible texts, best first, as many as fit.

    A passage is taken whole or not at all; only the first one is cut, at a line or a word,
    when it is too long by itself.

    Args:
        passages: Best first.
        contents: What they are spans of, by content id.
        chars_max: Code points of all texts together, at least 1.
    """
    taken: list[Excerpt] = []
    left = chars_max
    for passage in passages:
        one = _excerpt(passage, contents[passage.content_id].text)
        if len(one.text) > left:
            if taken:
                continue
            one = _cut(one, left)
        if one.text.strip():
            taken.append(one)
            left -= len(one.text)
    return tuple(taken)


def _excerpt(passage: Passage, text: Text) -> Excerpt:
    pieces = visible(text, passage.chunk.start, passage.chunk.end)
    return Excerpt(
        passage=passage,
        source=text,
        content_hash=text.hash,
        text="".join(text.text[start:end] for start, end in pieces),
        pieces=pieces,
    )


def _cut(one: Excerpt, chars_max: int) -> Excerpt:
    """Return the beginning of an excerpt, to the last line or word that fits."""
    head = one.text[:chars_max]
    end = max(head.rfind("\n"), 0) or max(head.rfind(" "), 0) or chars_max
    return Excerpt(
        passage=one.passage,
        source=one.source,
        content_hash=one.content_hash,
        text=one.text[:end],
        pieces=one.spans(0, end),
    )
