"""Values of the app as the plain dictionaries of `schemas`, ready for `json.dumps`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlencode

from answerable.answering.feedback import Feedback
from answerable.answering.ports import TraceLine
from answerable.answering.standing import AnswerStanding, ClaimStanding, Place
from answerable.app import Check, DocumentView
from answerable.app.quarantine import Ill
from answerable.domain.documents import Content, Member, Purge, Revision
from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    Citation,
    Claim,
    ModelUse,
    Passage,
    StepDown,
    Trace,
)
from answerable.library.landmarks import in_words
from answerable.library.search import Found
from answerable.library.visible import shown
from answerable.operations.ports import Job
from answerable.quality.diagnosis import Diagnosis

Plain: TypeAlias = dict[str, object]

CLOSEST_MAX = 5


def document_url(document_id: str) -> str:
    """Return the address of the page that shows a document."""
    return f"/documents/{document_id}"


def citation_url(citation: Citation, *, revision: int) -> str:
    """Return the address of the page that shows the cited span highlighted."""
    where = {
        "revision": revision,
        "start": citation.start,
        "end": citation.end,
        "hash": citation.content_hash,
    }
    return f"{document_url(citation.document_id)}?{urlencode(where)}#cite"


def answer(trace: Trace, *, top: int = CLOSEST_MAX) -> Plain:
    """Return what came of a question; shape `AnswerOut`."""
    outcome = trace.outcome
    claims = () if isinstance(outcome, Abstained) else outcome.claims
    return {
        "trace_id": trace.id,
        "outcome": outcome_name(trace),
        "rung": outcome.rung,
        "answer": "\n\n".join(claim.text for claim in claims),
        "confidence": outcome.confidence,
        "claims": [shown_claim(claim, trace.revision) for claim in claims],
        "because": "" if isinstance(outcome, Answered) else outcome.because,
        "code": outcome.code if isinstance(outcome, Abstained) else "",
        "closest": closest(outcome.closest, top) if isinstance(outcome, Abstained) else [],
        "release": trace.release,
        "revision": trace.revision,
        "overrides": list(trace.overrides),
        "searched": trace.searched,
        "follows": trace.follows,
        "step_downs": [step_down(one) for one in trace.step_downs],
        "dropped": [dropped(one) for one in trace.dropped],
        "calls": [_call(one) for one in trace.calls],
        "took_ms": trace.took_ms,
        "steps": [{"name": step.name, "took_ms": step.took_ms} for step in trace.steps],
    }


def outcome_name(trace: Trace) -> str:
    """Return ``answered``, ``abstained`` or ``cancelled``."""
    match trace.outcome:
        case Answered():
            return "answered"
        case Abstained():
            return "abstained"
        case Cancelled():
            return "cancelled"


def step_down(step: StepDown) -> Plain:
    """Return why a rung was left; shape `StepDownOut`."""
    return {"rung": step.rung, "reason": step.reason.value, "detail": step.detail}


def dropped(claim: Claim) -> Plain:
    """Return a statement that was not shown as part of the answer; shape `DroppedOut`."""
    return {
        "text": claim.text,
        "kind": claim.kind,
        "verdict": claim.verdict.value.value,
        "score": claim.verdict.score,
        "reasons": list(claim.verdict.reasons),
    }


def _call(use: ModelUse) -> Plain:
    return {
        "model": use.model,
        "purpose": use.purpose,
        "tokens_in": use.tokens_in,
        "tokens_out": use.tokens_out,
        "is_estimated": use.is_estimated,
        "method": use.method,
        "cost_usd": use.cost_usd,
        "first_token_ms": use.first_token_ms,
        "took_ms": use.took_ms,
        "ended": use.ended,
    }


def whole_trace(trace: Trace, given: Iterable[Feedback]) -> Plain:
    """Return everything kept of a question, with its feedback; shape `TraceOut`."""
    return answer(trace) | {
        "at_ms": trace.at_ms,
        "principal": trace.principal,
        "question": trace.question,
        "evidence": dict(trace.evidence),
        "passages": [looked_at(passage) for passage in trace.passages],
        "redacted": trace.is_redacted,
        "feedback": [feedback(one) for one in given],
    }


def looked_at(passage: Passage) -> Plain:
    """Return a passage an answer is made from; shape `LookedAtOut`."""
    return {
        "rank": passage.rank,
        "score": passage.score,
        "document_id": passage.document_id,
        "path": passage.path,
        "title": passage.title,
        "heading": list(passage.chunk.heading),
        "start": passage.chunk.start,
        "end": passage.chunk.end,
    }


def feedback(given: Feedback) -> Plain:
    """Return what somebody thinks of an answer; shape `FeedbackOut`."""
    return {
        "trace_id": given.trace_id,
        "at_ms": given.at_ms,
        "principal": given.principal,
        "verdict": given.thumb.value,
        "reason": given.complaint.value if given.complaint else None,
        "comment": given.comment,
    }


def standing(found: AnswerStanding) -> Plain:
    """Return how an answer stands today; shape `AnswerStandingOut`."""
    return {
        "trace_id": found.trace_id,
        "revision": found.revision,
        "standing": found.standing.value,
        "claims": [_claim_standing(one, found.revision) for one in found.claims],
    }


def diagnosis(found: Diagnosis) -> Plain:
    """Return where an answer went wrong; shape `DiagnosisOut`."""
    return {
        "trace_id": found.trace_id,
        "point": found.point.value,
        "sentence": found.point.sentence,
        "sure": found.sure.value,
        "because": found.because,
        "also": [one.value for one in found.also],
        "evidence": [{"code": one.code, "text": one.text} for one in found.evidence],
        "remedies": [{"text": one.text, "command": one.command} for one in found.remedies],
    }


def closest(passages: Iterable[Passage], top: int) -> list[Plain]:
    """Return the first `top` documents among passages, each once; shape `ClosestOut`."""
    first: dict[str, Plain] = {}
    for passage in passages:
        first.setdefault(
            passage.document_id,
            {
                "document_id": passage.document_id,
                "path": passage.path,
                "title": passage.title,
                "heading": list(passage.chunk.heading),
                "url": document_url(passage.document_id),
            },
        )
    return list(first.values())[:top]


def found(result: Found) -> Plain:
    """Return passages with their text; shape `FoundOut`."""
    return {"passages": [_passage(one, result.contents[one.content_id]) for one in result.passages]}


def document(member: Member) -> Plain:
    """Return a document in a list; shape `DocumentOut`."""
    return {
        "id": member.document.id,
        "path": member.document.path,
        "source": member.document.source,
        "title": member.title,
        "format": member.format,
        "size": member.size,
        "chunks": member.chunks,
        "bytes_hash": member.bytes_hash,
        "url": document_url(member.document.id),
    }


def document_view(view: DocumentView, *, with_text: bool) -> Plain:
    """Return a document in one revision; shape `DocumentViewOut`."""
    text = view.content.text.text
    pieces = [{"start": start, "end": end, "text": text[start:end]} for start, end in view.pieces]
    return document(view.member) | {
        "revision": view.revision,
        "content_hash": view.content_hash,
        "findings": [
            {"kind": found.kind.value, "count": found.count, "text": in_words([found])[0]}
            for found in view.content.text.findings
        ],
        "pieces": pieces if with_text else None,
    }


def job(found_job: Job) -> Plain:
    """Return a background job; shape `JobOut`."""
    return {
        "id": found_job.id,
        "kind": found_job.kind,
        "state": found_job.state.value,
        "attempts": found_job.attempts,
        "attempts_max": found_job.attempts_max,
        "progress": found_job.progress,
        "result": found_job.result,
        "created_ms": found_job.created_ms,
        "updated_ms": found_job.updated_ms,
    }


def trace_line(line: TraceLine) -> Plain:
    """Return a trace in a list; shape `TraceLineOut`."""
    return {
        "id": line.id,
        "at_ms": line.at_ms,
        "question": line.question,
        "outcome": line.outcome,
        "rung": line.rung,
        "release": line.release,
        "revision": line.revision,
        "took_ms": line.took_ms,
        "ups": line.ups,
        "downs": line.downs,
        "redacted": line.is_redacted,
    }


def purge(one: Purge) -> Plain:
    """Return what is left of what was purged; shape `PurgeOut`."""
    return {
        "number": one.number,
        "who": one.who,
        "because": one.because,
        "at_ms": one.at_ms,
        "done_at_ms": one.done_at_ms,
        "documents": [grave.document_id for grave in one.documents],
    }


def quarantined(one: Ill) -> Plain:
    """Return a file that could not be read; shape `QuarantinedOut`."""
    document = one.document
    return {
        "document_id": document.document_id,
        "source": document.source,
        "path": document.path,
        "code": document.code,
        "reason": document.reason,
        "advice": one.advice,
        "format": document.format,
        "size": document.size if document.bytes_hash else None,
        "attempts": document.attempts,
        "first_seen_ms": document.first_seen_ms,
        "last_seen_ms": document.last_seen_ms,
        "retry": not document.line,
        "ignored_by": document.ignored_by,
        "ignored_because": document.ignored_because,
    }


def revision(sealed: Revision, *, serving: int | None) -> Plain:
    """Return a revision; shape `RevisionOut`."""
    return {
        "number": sealed.number,
        "line": sealed.line,
        "base": sealed.base,
        "manifest": sealed.manifest,
        "sealed_at_ms": sealed.sealed_at_ms,
        "documents": sealed.documents,
        "chunks": sealed.chunks,
        "because": sealed.because,
        "serving": sealed.number == serving,
    }


def readiness(checks: Iterable[Check]) -> Plain:
    """Return all checks; shape `ReadinessOut`."""
    listed = [{"name": one.name, "ready": one.ready, "detail": one.detail} for one in checks]
    return {"ready": all(one["ready"] for one in listed), "checks": listed}


def shown_claim(claim: Claim, revision_number: int) -> Plain:
    """Return a statement of an answer; shape `ClaimOut`."""
    return {
        "text": claim.text,
        "kind": claim.kind,
        "verdict": claim.verdict.value.value,
        "score": claim.verdict.score,
        "reasons": list(claim.verdict.reasons),
        "citations": [
            {
                "document_id": one.document_id,
                "path": one.path,
                "title": one.title,
                "heading": list(one.heading),
                "line": one.line,
                "start": one.start,
                "end": one.end,
                "content_hash": one.content_hash,
                "landmark": one.landmark,
                "quote": one.quote,
                "url": citation_url(one, revision=revision_number),
            }
            for one in claim.citations
        ],
    }


def _claim_standing(claim: ClaimStanding, revision_number: int) -> Plain:
    return {
        "standing": claim.standing.value,
        "code": claim.because.value,
        "because": claim.because.sentence,
        "citations": [
            {
                "standing": one.standing.value,
                "code": one.because.value,
                "because": one.because.sentence,
                "moved": one.is_moved,
                "document_id": one.document_id,
                "path": one.path,
                "title": one.title,
                "now": _place(one.now, one.document_id, revision_number),
                "closest": _place(one.closest, one.document_id, revision_number),
            }
            for one in claim.citations
        ],
    }


def _place(place: Place | None, document_id: str, revision_number: int) -> Plain | None:
    if place is None:
        return None
    where = {
        "revision": revision_number,
        "start": place.start,
        "end": place.end,
        "hash": place.content_hash,
    }
    return {
        "start": place.start,
        "end": place.end,
        "line": place.line,
        "landmark": place.landmark,
        "content_hash": place.content_hash,
        "quote": place.quote,
        "url": f"{document_url(document_id)}?{urlencode(where)}#cite",
    }


def _passage(passage: Passage, content: Content) -> Plain:
    text, span = content.text, passage.chunk
    where = {"start": span.start, "end": span.end, "hash": text.hash}
    return {
        "rank": passage.rank,
        "score": passage.score,
        "parts": dict(passage.parts),
        "document_id": passage.document_id,
        "path": passage.path,
        "title": passage.title,
        "heading": list(passage.chunk.heading),
        "ordinal": passage.chunk.ordinal,
        "start": span.start,
        "end": span.end,
        "content_hash": text.hash,
        "text": shown(text, span.start, span.end),
        "url": f"{document_url(passage.document_id)}?{urlencode(where)}#cite",
    }
