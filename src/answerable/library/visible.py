"""What of a document may be shown: everything that is not masked."""

from __future__ import annotations

import re
from bisect import bisect_right

from answerable.domain.documents import Span, Text

_MARKUP = re.compile(
    r"^[ \t]*#{1,6}(?:[ \t]+|$)"  # the marks of an ATX heading
    r"|(?<![ \t])[ \t]++#++[ \t]*+$"
    r"|\n[ \t]*(?:([^\w\s])\1*)[ \t]*\Z"  # the line under a heading
    r"|\A([^\w\s])\2{2,}[ \t]*\n"  # the line over a heading (reStructuredText)
    r"|!?\[([^\]\n]{0,300})\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,300}\])"  # a link: its words stay
    r"|\*\*|__(?=\S)|(?<=\S)__|`+"
)

_KEY = re.compile(r'"([^"]+)"[ \t]*:[ \t]*[\[{]?')


def visible(text: Text, start: int, end: int) -> tuple[Span, ...]:
    """Return the pieces of ``[start, end)`` that are not masked, in order, none of them empty."""
    masks = text.masks
    if not masks:
        return (Span(start, end),) if start < end else ()
    spans: list[Span] = []
    at = start
    for number in range(bisect_right(masks, start, key=lambda mask: mask.end), len(masks)):
        mask = masks[number]
        if mask.start >= end:
            break
        if mask.start > at:
            spans.append(Span(at, mask.start))
        at = mask.end
    if at < end:
        spans.append(Span(at, end))
    return tuple(spans)


def shown(text: Text, start: int, end: int) -> str:
    """Return the text of ``[start, end)`` without what is masked; nothing else is changed."""
    spans = visible(text, start, end)
    if len(spans) == 1:
        return text.text[spans[0].start : spans[0].end]
    return "".join([text.text[first:last] for first, last in spans])


def headline(source: str) -> str:
    """Return the words of a heading: on one line, without the marks that make it a heading.

    Args:
        source: The visible text of a heading block: Markdown, reStructuredText, a key of JSON.
    """
    words = " ".join(_MARKUP.sub(lambda match: match[3] or "", source.strip()).split())
    key = _KEY.fullmatch(words)
    return key[1] if key else words
