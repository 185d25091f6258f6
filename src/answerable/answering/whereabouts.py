"""Where a quote stands in a text that has changed, and what stands there instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest

from answerable.answering.sentences import sentences
from answerable.answering.standing import Page
from answerable.domain.documents import Block, BlockKind, Span, Text
from answerable.library.visible import shown, visible

# Of a quote that stands everywhere, only so many occurrences near where it stood are looked at,
# and so many of those that may be shown are compared.
_LOOKED_AT_MAX = 400
_OCCURRENCES_MAX = 40
# How far around two occurrences is compared, in code points.
_AROUND_CHARS = 256
# Longer blocks are taken line by line; longer lines cannot be taken in at a glance.
_CANDIDATE_CHARS = 2_000
_CLOSEST_CHARS = 4_000
# Below this share of common words two texts say different things.
_LIKE_MIN = 1 / 3

_WORDS = re.compile(r"\w+")
_ENDS_SENTENCE = re.compile(r"[.!?:;…][\"'\u201d\u2019)\]*_`]*\Z|```\Z|~~~\Z")
# What may stand before a quote in its line without changing what it says.
_OPENS_LINE = re.compile(r"(?:\A|[.!?:;…][\"'\u201d\u2019)\]*_`]*|[|>]|(?:\A|\s)[-*+•#]+|\d[.)])\Z")


def occurrences(quote: str, page: Page, *, near: int) -> list[int]:
    """Return where the quote stands in what may be shown, in order; the nearest ones of many."""
    if not quote:
        return []
    text, found, at = page.text.text, [], -1
    while (at := text.find(quote, at + 1)) >= 0:
        found.append(at)
    nearest = nsmallest(_LOOKED_AT_MAX, found, key=lambda at: (abs(at - near), at))
    seen = [at for at in nearest if is_shown(page, at, at + len(quote))]
    return sorted(seen[:_OCCURRENCES_MAX])


def is_shown(page: Page, start: int, end: int) -> bool:
    """Return whether a span is inside the text and none of it is masked."""
    inside = 0 <= start < end <= len(page.text.text)
    return inside and visible(page.text, start, end) == (Span(start, end),)


def is_whole(quote: str, page: Page, at: int, *, then: Page | None, stood: int) -> bool:
    """Return whether the quote is not part of more that was joined to it.

    ``port: 80`` does not stand in ``port: 8080``, nor ``Restart it`` in ``Never Restart it``.

    Args:
        quote: It stands at `at` in the page.
        page: The document now.
        at: Where.
        then: The document as it was cited, where that is kept.
        stood: Where the quote stood in it.
    """
    left, right = _sides(page.text, at, at + len(quote))
    before, after = ("", "")
    if then is not None:
        before, after = _sides(then.text, stood, stood + len(quote))
    if _joins(left[-1:], quote[:1]) or _joins(quote[-1:], right[:1]):
        return left == before and right == after
    begins = left.strip() == before.strip() or bool(_OPENS_LINE.search(left.rstrip()))
    ends = right.strip() in ("", after.strip()) or bool(_ENDS_SENTENCE.search(quote))
    return begins and ends


def _sides(text: Text, start: int, end: int) -> tuple[str, str]:
    """Return what is shown in the lines of a span before and after it."""
    whole = text.text
    first = max(whole.rfind("\n", 0, start) + 1, start - _AROUND_CHARS)
    newline = whole.find("\n", end)
    last = min(len(whole) if newline < 0 else newline, end + _AROUND_CHARS)
    return shown(text, first, start), shown(text, end, last)


def _veiled(text: Text) -> str:
    """Return the text with blanks for what is masked, so that no choice depends on it."""
    parts, at = [], 0
    for mask in text.masks:
        parts += [text.text[at : mask.start], " " * (mask.end - mask.start)]
        at = mask.end
    return "".join([*parts, text.text[at:]])


def _joins(left: str, right: str) -> bool:
    return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")


def heir(
    old: Sequence[int], new: Sequence[int], *, of: int, length: int, then: Page, now: Page
) -> int | None:
    """Return which new occurrence of a quote is the one that stood at `of`; None if it is gone.

    Of a sentence that stood twice and stands once, it matters which of the two is left. Old and
    new occurrences are paired by what stands around them, the most alike first.

    Args:
        old: Where the quote stood, `of` among them.
        new: Where it stands.
        of: The one that was cited.
        length: Of the quote.
        then: The document as it was.
        now: The document as it is.
    """
    one, other = _veiled(then.text), _veiled(now.text)
    pairs = sorted(
        (-_alike(one, before, other, after, length), abs(before - after), before, after)
        for before in old
        for after in new
    )
    taken: dict[int, int] = {}
    for *_, before, after in pairs:
        if before not in taken and after not in taken.values():
            taken[before] = after
    return taken.get(of)


def _alike(then: str, before: int, now: str, after: int, length: int) -> int:
    """Return how many code points around two occurrences are the same."""
    left = _common(
        then[max(0, before - _AROUND_CHARS) : before][::-1],
        now[max(0, after - _AROUND_CHARS) : after][::-1],
    )
    right = _common(
        then[before + length : before + length + _AROUND_CHARS],
        now[after + length : after + length + _AROUND_CHARS],
    )
    return left + right


def _common(one: str, other: str) -> int:
    """Return the length of what two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(kw_only=True, slots=True)
class Likeness:
    """Finds what in a document comes closest to a text. Reads the document once, when asked."""

    page: Page
    _parts: list[tuple[Span, frozenset[str]]] | None = field(default=None)

    def closest(self, quote: str, *, near: int) -> Span | None:
        """Return the span most like the quote, all of it shown; None when nothing is.

        It grows over what stands beside it while that makes it more like the quote. Of equals
        the one nearest to `near` is taken.
        """
        words = _words(quote)
        parts = self._read()
        scored = [(_like(words, held), -abs(span.start - near)) for span, held in parts]
        if not scored or max(scored)[0] < _LIKE_MIN:
            return None
        first = last = scored.index(max(scored))
        held = parts[first][1]
        grown = True
        while grown:
            grown = False
            for low, high in ((first - 1, last), (first, last + 1)):
                more = self._grown(low, high)
                if more is not None and _like(words, more) > _like(words, held):
                    first, last, held, grown = low, high, more, True
        return Span(parts[first][0].start, parts[last][0].end)

    def _grown(self, first: int, last: int) -> frozenset[str] | None:
        """Return the words from one part to another; None where that is nothing to be shown."""
        parts = self._read()
        if first < 0 or last >= len(parts):
            return None
        start, end = parts[first][0].start, parts[last][0].end
        if end - start > _CLOSEST_CHARS or not is_shown(self.page, start, end):
            return None
        return frozenset().union(*(held for _, held in parts[first : last + 1]))

    def _read(self) -> list[tuple[Span, frozenset[str]]]:
        if self._parts is None:
            text = self.page.text.text
            self._parts = [
                (span, held)
                for span in _spans(self.page)
                if (held := _words(text[span.start : span.end]))
            ]
        return self._parts


def _spans(page: Page) -> Iterator[Span]:
    """Give the sentences, items, rows and code of a document that may be shown, in order."""
    for leaf in _leaves(page.text.blocks):
        for piece in visible(page.text, leaf.start, leaf.end):
            yield from _of_piece(page.text.text, leaf.kind, piece)


def _leaves(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        if block.children:
            yield from _leaves(block.children)
        else:
            yield block


def _of_piece(text: str, kind: BlockKind, piece: Span) -> Iterator[Span]:
    if piece.end - piece.start > _CANDIDATE_CHARS:
        for match in re.compile(r"[^\n]+").finditer(text, piece.start, piece.end):
            if match.end() - match.start() <= _CANDIDATE_CHARS:
                yield _trimmed(text, Span(*match.span()))
    elif kind is BlockKind.PARAGRAPH:
        yield from sentences(text, piece.start, piece.end)
    else:
        yield _trimmed(text, piece)


def _trimmed(text: str, span: Span) -> Span:
    body = text[span.start : span.end]
    start = span.start + len(body) - len(body.lstrip())
    return Span(start, max(start, span.start + len(body.rstrip())))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(text.casefold()))


def _like(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how alike two sets of words are, from 0 to 1.

    Source: Dice, "Measures of the amount of ecologic association between species", 1945.
    """
    return 2 * len(one & other) / (len(one) + len(other) or 1)
