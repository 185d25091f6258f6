"""Recomputing citations: nothing is shown that is not, letter for letter, where it claims to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from answerable.domain.documents import Span, text_hash
from answerable.domain.questions import Citation, Claim, Verdict, VerdictValue

JUDGE = "verbatim"


def verify(
    citation: Citation,
    text: str,
    *,
    spans: Sequence[Span] | None,
    masks: Sequence[Span] = (),
) -> tuple[str, ...]:
    """Return why a citation does not hold, a reason each; nothing when it holds.

    Args:
        citation: What is claimed.
        text: Canonical text of the document as it is stored.
        spans: What the caller may be shown of it; the citation has to lie inside one of them.
            None when all of it.
        masks: What is never shown of it.
    """
    return verify_in(citation, text, content_hash=text_hash(text), spans=spans, masks=masks)


def verify_in(
    citation: Citation,
    text: str,
    *,
    content_hash: str,
    spans: Sequence[Span] | None,
    masks: Sequence[Span] = (),
) -> tuple[str, ...]:
    """Return the same as `verify` where the hash of the text has been computed already."""
    reasons = []
    start, end = citation.start, citation.end
    if citation.content_hash != content_hash:
        reasons.append("the document is not the one that was cited: its hash differs")
    if not 0 <= start < end <= len(text):
        return (*reasons, f"the span {start}-{end} is empty or outside the document")
    if text[start:end] != citation.quote:
        reasons.append("the quote differs from the document")
    if citation.line != text.count("\n", 0, start) + 1:
        reasons.append("the line is not the one the quote begins in")
    if any(mask.start < end and start < mask.end for mask in masks):
        reasons.append("the quote meets text that is never shown")
    if spans is not None and not any(span.start <= start and end <= span.end for span in spans):
        reasons.append("the quote lies outside what may be shown")
    return tuple(reasons)


def verify_claim(
    claim: Claim,
    texts: Mapping[str, str],
    *,
    spans: Mapping[str, Sequence[Span]] | None = None,
    masks: Mapping[str, Sequence[Span]] | None = None,
) -> tuple[str, ...]:
    """Return why a quoted claim does not hold; nothing when it holds.

    Args:
        claim: Of the quote rung: its text is its quotes joined by nothing.
        texts: Canonical texts by document id; a document that is missing may not be shown.
        spans: What may be shown of each document, by id; None when all of the texts.
        masks: What is never shown of each document, by id.
    """
    reasons = [] if claim.citations else ["nothing is cited"]
    if claim.text != "".join(citation.quote for citation in claim.citations):
        reasons.append("the claim says something else than its quotes")
    cited = {citation.document_id for citation in claim.citations}.intersection(texts)
    hashes = {document_id: text_hash(texts[document_id]) for document_id in cited}
    for citation in claim.citations:
        document_id = citation.document_id
        if document_id not in hashes:
            reasons.append("the cited document may not be shown")
            continue
        reasons += verify_in(
            citation,
            texts[document_id],
            content_hash=hashes[document_id],
            spans=None if spans is None else spans.get(document_id, ()),
            masks=(masks or {}).get(document_id, ()),
        )
    return tuple(dict.fromkeys(reasons))


def judged(claim: Claim, reasons: Sequence[str]) -> Claim:
    """Return the claim with its verdict: SUPPORTED when there is no reason against it."""
    verdict = Verdict(
        value=VerdictValue.UNSUPPORTED if reasons else VerdictValue.SUPPORTED,
        judge=JUDGE,
        score=0.0 if reasons else 1.0,
        reasons=tuple(reasons),
    )
    return replace(claim, verdict=verdict)
