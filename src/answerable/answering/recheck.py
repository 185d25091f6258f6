"""Re-checking an answer that was given: what it cites against what its documents say now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from answerable.answering.cite import line_of
from answerable.answering.standing import (
    AnswerStanding,
    Because,
    CitationStanding,
    ClaimStanding,
    Given,
    GivenClaim,
    Page,
    Place,
    Standing,
    worst,
)
from answerable.answering.whereabouts import Likeness, heir, is_shown, is_whole, occurrences
from answerable.domain.documents import Span
from answerable.domain.questions import Citation
from answerable.library.landmarks import whereabouts

_QUOTING_RUNG = "quote"


def changed(given: Given, now: Mapping[str, Page]) -> frozenset[str]:
    """Return the documents whose earlier text is needed to re-check the answer."""
    citations = (one for claim in given.claims for one in claim.citations)
    return frozenset(
        one.document_id
        for one in citations
        if one.document_id in now and now[one.document_id].content_hash != one.content_hash
    )


def recheck(
    given: Given,
    *,
    recorded: Given | None,
    revision: int,
    now: Mapping[str, Page],
    then: Mapping[str, Page],
) -> AnswerStanding:
    """Return how an answer stands today.

    Nothing about a document that is not in `now` is told apart: one that vanished, one that was
    removed and one that this caller may not read look the same. What is masked is treated like
    text that is not there, so that no answer made up for it can be used to guess at either.

    Args:
        given: The answer. Nothing in it is believed: a quote has to have stood where it says,
            and a sentence has to be its quotes or what was recorded.
        recorded: What the ledger recorded under its trace for this caller, with its texts or,
            when that is what is checked, without; None when there is no such record.
        revision: The number of the revision that `now` is.
        now: Cited documents by id, as they are and as far as this caller may read them.
        then: Those of them that are `changed`, as they were in the answer's revision.
    """
    bench = _Bench(now=now, then=then, is_own=recorded is not None and recorded == given)
    claims = tuple(_claim(one, given, recorded, bench) for one in given.claims)
    return AnswerStanding(
        trace_id=given.trace_id,
        revision=revision,
        standing=worst(one.standing for one in claims),
        claims=claims,
    )


@dataclass(kw_only=True, slots=True)
class _Bench:
    """The texts an answer is compared with.

    Attributes:
        is_own: Whether it comes from the ledger, so that each citation was verified once.
    """

    now: Mapping[str, Page]
    then: Mapping[str, Page]
    is_own: bool
    _likenesses: dict[str, Likeness] = field(default_factory=dict)

    def likeness(self, page: Page) -> Likeness:
        return self._likenesses.setdefault(page.document_id, Likeness(page=page))


def _claim(claim: GivenClaim, given: Given, recorded: Given | None, bench: _Bench) -> ClaimStanding:
    citations = tuple(_citation(one, bench) for one in claim.citations)
    fault = _fault_of_claim(claim, given, recorded)
    if fault is not None:
        return ClaimStanding(standing=Standing.NOT_AS_GIVEN, because=fault, citations=citations)
    if not citations:
        return ClaimStanding(
            standing=Standing.NOTHING_CITED, because=Because.NO_CITATION, citations=()
        )
    return ClaimStanding(
        standing=worst(one.standing for one in citations),
        because=Because.CITATIONS,
        citations=citations,
    )


def _fault_of_claim(claim: GivenClaim, given: Given, recorded: Given | None) -> Because | None:
    """Return why a sentence was not the answer; None when it is proven that it was."""
    if recorded is not None:
        return None if claim in recorded.claims else Because.NOT_RECORDED
    if not claim.citations:
        return Because.NO_CITATION
    if claim.is_verbatim:
        return None
    return Because.NOT_ITS_QUOTES if given.rung == _QUOTING_RUNG else Because.UNPROVEN


def _citation(citation: Citation, bench: _Bench) -> CitationStanding:
    page = bench.now.get(citation.document_id)
    if page is None:
        return CitationStanding(
            standing=Standing.DOCUMENT_GONE,
            because=Because.NO_DOCUMENT,
            document_id=citation.document_id,
        )
    if citation.path != page.path:
        return _standing(page, Standing.NOT_AS_GIVEN, Because.ANOTHER_PATH)
    cited = page if page.content_hash == citation.content_hash else _then(citation, bench)
    if cited is None and not bench.is_own:
        return _standing(page, Standing.NOT_AS_GIVEN, Because.UNKNOWN_TEXT)
    quote = _quote(citation, cited, bench)
    fault = None if cited is None else _fault(citation, quote, cited)
    if fault is not None:
        return _standing(page, Standing.NOT_AS_GIVEN, fault)
    if cited is page:
        here = Span(citation.start, citation.end)
        return _standing(page, Standing.STILL_TRUE, Because.SAME_TEXT, now=here)
    return _in_changed(citation, quote, page, cited, bench)


def _then(citation: Citation, bench: _Bench) -> Page | None:
    """Return the document as it was cited, if it is kept and has the hash that was cited."""
    page = bench.then.get(citation.document_id)
    return page if page is not None and page.content_hash == citation.content_hash else None


def _quote(citation: Citation, cited: Page | None, bench: _Bench) -> str:
    """Return the quote; where retention has taken it from the ledger, from the text itself."""
    if citation.quote or cited is None or not bench.is_own:
        return citation.quote
    return cited.text.text[citation.start : citation.end]


def _fault(citation: Citation, quote: str, cited: Page) -> Because | None:
    """Return why a citation does not hold in the very text it cites.

    One reason for a quote that differs and for one that is masked: no guess at what is masked
    is ever confirmed.
    """
    text, start, end = cited.text.text, citation.start, citation.end
    if not 0 <= start < end <= len(text):
        return Because.OUTSIDE
    if not is_shown(cited, start, end) or text[start:end] != quote:
        return Because.NEVER_STOOD
    return Because.ANOTHER_LINE if citation.line != line_of(text, start) else None


def _in_changed(
    citation: Citation, quote: str, page: Page, cited: Page | None, bench: _Bench
) -> CitationStanding:
    """Return how a citation stands whose document has another text now."""
    if not quote:
        return _standing(page, Standing.DOCUMENT_CHANGED, Because.QUOTE_NOT_KEPT)
    stood = citation.start
    found = occurrences(quote, page, near=stood)
    whole = [at for at in found if is_whole(quote, page, at, then=cited, stood=stood)]
    at = _now(quote, stood, whole, page, cited)
    if at is not None:
        because = Because.CHANGED_ELSEWHERE if at == stood else Because.MOVED
        return _standing(page, Standing.STILL_TRUE, because, now=Span(at, at + len(quote)))
    lost = Because.QUOTE_WITHIN if found and not whole else Because.QUOTE_GONE
    closest = bench.likeness(page).closest(quote, near=stood)
    return _standing(page, Standing.DOCUMENT_CHANGED, lost, closest=closest)


def _now(quote: str, stood: int, whole: list[int], page: Page, cited: Page | None) -> int | None:
    if not whole:
        return None
    if cited is None:
        return min(whole, key=lambda at: (abs(at - stood), at))
    old = occurrences(quote, cited, near=stood)
    return heir(old, whole, of=stood, length=len(quote), then=cited, now=page)


def _standing(
    page: Page,
    standing: Standing,
    because: Because,
    *,
    now: Span | None = None,
    closest: Span | None = None,
) -> CitationStanding:
    return CitationStanding(
        standing=standing,
        because=because,
        document_id=page.document_id,
        path=page.path,
        title=page.title,
        now=_place(page, now),
        closest=_place(page, closest),
    )


def _place(page: Page, span: Span | None) -> Place | None:
    if span is None:
        return None
    return Place(
        start=span.start,
        end=span.end,
        line=line_of(page.text.text, span.start),
        content_hash=page.content_hash,
        quote=page.text.text[span.start : span.end],
        landmark=whereabouts(page.text.landmarks, span.start, span.end),
    )
