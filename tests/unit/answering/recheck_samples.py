"""Documents that change, and answers that cite them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from answerable.adapters.parsers.markdown import read
from answerable.answering.recheck import changed, recheck
from answerable.answering.standing import (
    AnswerStanding,
    CitationStanding,
    Given,
    GivenClaim,
    Page,
)
from answerable.domain.questions import Citation

REVISION = 7
DOCUMENT = "d1"


def page(source: str, document_id: str = DOCUMENT) -> Page:
    """Return a Markdown document as it is read."""
    text = read(source)
    return Page(
        document_id=document_id,
        path=f"{document_id}.md",
        title=text.title,
        text=text,
        content_hash=text.hash,
    )


def cite(quote: str, then: Page, *, start: int | None = None) -> Citation:
    """Return the citation of words that stand in a document."""
    text = then.text.text
    at = text.index(quote) if start is None else start
    return Citation(
        document_id=then.document_id,
        path=then.path,
        title=then.title,
        heading=(),
        line=text.count("\n", 0, at) + 1,
        start=at,
        end=at + len(quote),
        content_hash=then.content_hash,
        quote=quote,
    )


def given(*citations: Citation, text: str | None = None, rung: str = "quote") -> Given:
    """Return an answer of one claim with these citations; verbatim unless told otherwise."""
    said = "".join(one.quote for one in citations) if text is None else text
    claim = GivenClaim(text=said, citations=citations)
    return Given(trace_id="t1", revision=REVISION, rung=rung, claims=(claim,))


def check(
    answer: Given, now: Sequence[Page], then: Sequence[Page], recorded: Given | None = None
) -> AnswerStanding:
    """Return how an answer stands; of the earlier documents only what is needed is looked up."""
    today = {one.document_id: one for one in now}
    wanted = changed(answer, today)
    return recheck(
        answer,
        recorded=recorded,
        revision=REVISION + 1,
        now=today,
        then={one.document_id: one for one in then if one.document_id in wanted},
    )


def stands(quote: str, then: str, now: str, *, start: int | None = None) -> CitationStanding:
    """Return how a quote of one source stands in another."""
    old = page(then)
    found = check(given(cite(quote, old, start=start)), [page(now)], [old])
    return found.claims[0].citations[0]


def forged(citation: Citation, **changes: object) -> Given:
    """Return an answer that cites with something altered, and says what its quote says."""
    return given(replace(citation, **changes))  # type: ignore[arg-type]
