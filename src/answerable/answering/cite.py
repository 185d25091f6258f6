"""From what is quoted to citations: exact spans, split around what is never shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from answerable.answering.quote import Quote
from answerable.domain.documents import Span, Text
from answerable.domain.questions import Citation, Claim, Verdict, VerdictValue
from answerable.library.landmarks import whereabouts
from answerable.library.visible import visible

_UNCHECKED = Verdict(
    value=VerdictValue.UNDECIDED, judge="verbatim", score=0.0, reasons=("not checked yet",)
)


def claim(quote: Quote, text: Text) -> Claim:
    """Return a quote as a claim with its citations, not yet checked.

    The claim's text is the quotes of its citations joined by nothing: white space between two
    pieces belongs to one of them. It has no citation when all of it is masked.

    Args:
        quote: From `answerable.answering.quote.choose`.
        text: Canonical text of its passage.
    """
    content_hash = text.hash
    citations = tuple(
        Citation(
            document_id=quote.passage.document_id,
            path=quote.passage.path,
            title=quote.passage.title,
            heading=quote.passage.chunk.heading,
            line=line_of(text.text, span.start),
            start=span.start,
            end=span.end,
            content_hash=content_hash,
            quote=text.text[span.start : span.end],
            landmark=whereabouts(text.landmarks, span.start, span.end),
        )
        for span in pieces(text, quote.spans)
    )
    return Claim(
        text="".join(citation.quote for citation in citations),
        citations=citations,
        verdict=_UNCHECKED,
        kind=quote.kind.value,
    )


def line_of(text: str, offset: int) -> int:
    """Return the line an offset stands in, from 1."""
    return text.count("\n", 0, offset) + 1


def pieces(text: Text, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return what of these spans is shown: around masks, no white space at the two ends.

    A span that is followed by another takes along the white space behind it. A piece of white
    space only, between two masks, is kept where it alone keeps two words apart.

    Args:
        text: The canonical text with its masks.
        spans: Disjoint, in order.
    """
    parts = [part for span in _with_breaks(text.text, spans) for part in visible(text, *span)]
    kept = _trimmed_right(text.text, list(reversed(_trimmed_left(text.text, parts))))
    return tuple(_without_blanks(text.text, list(reversed(kept))))


def _with_breaks(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    for place, span in enumerate(spans):
        end = span.end
        limit = spans[place + 1].start if place + 1 < len(spans) else end
        while end < limit and text[end].isspace():
            end += 1
        yield Span(span.start, end)


def _trimmed_left(text: str, parts: Sequence[Span]) -> list[Span]:
    """Return the parts from the first that holds more than white space; indentation of code stays.

    A first line that is indented keeps its indentation, so that the lines below still line up.
    """
    for place, part in enumerate(parts):
        body = text[part.start : part.end]
        if body.strip():
            blank = len(body) - len(body.lstrip())
            start = part.start + (body.rfind("\n", 0, blank) + 1)
            is_indented = "\n" in body.strip() and (start == 0 or text[start - 1] == "\n")
            first = Span(start if is_indented else part.start + blank, part.end)
            return [first, *parts[place + 1 :]]
    return []


def _trimmed_right(text: str, parts: Sequence[Span]) -> list[Span]:
    """Return the parts, given last first, without the white space that ends the last one."""
    for place, part in enumerate(parts):
        body = text[part.start : part.end]
        if body.strip():
            last = Span(part.start, part.start + len(body.rstrip()))
            return [last, *parts[place + 1 :]]
    return []


def _without_blanks(text: str, parts: Sequence[Span]) -> Iterator[Span]:
    """Give the parts without those of white space that stand beside white space."""
    ends_blank = True
    for place, part in enumerate(parts):
        body = text[part.start : part.end]
        following = text[parts[place + 1].start] if place + 1 < len(parts) else " "
        if not body.strip() and (ends_blank or following.isspace()):
            continue
        ends_blank = body[-1].isspace()
        yield part
