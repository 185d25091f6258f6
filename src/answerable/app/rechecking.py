"""Re-checking answers against the library as one caller may read it now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from answerable.answering.recheck import changed, recheck
from answerable.answering.standing import AnswerStanding, Given, Page, of_trace
from answerable.app.views import DocumentView
from answerable.domain.errors import NotFound
from answerable.domain.questions import Scope, Trace

Look = Callable[[str, int | None], DocumentView]
"""Gives a document by id, in one revision or as it serves, or raises `NotFound`."""


def recorded_trace(find: Callable[[str], Trace | None], trace_id: str, scope: Scope) -> Trace:
    """Return a trace of this caller's.

    Raises:
        NotFound: There is none; that of another caller looks the same.
    """
    trace = find(trace_id)
    if trace is None or trace.principal != scope.principal:
        raise NotFound("there is no such trace", hint="answerable traces list")
    return trace


def recheck_trace(trace: Trace, look: Look, *, revision: int) -> AnswerStanding:
    """Return how the answer that a trace records stands today; its texts may have expired."""
    given = of_trace(trace)
    return _recheck(given, given, look, revision=revision)


def recheck_given(
    given: Given,
    look: Look,
    find: Callable[[str], Trace | None],
    scope: Scope,
    *,
    revision: int,
) -> AnswerStanding:
    """Return how an answer that a caller hands in stands today."""
    return _recheck(given, _record(given.trace_id, find, scope), look, revision=revision)


def _record(trace_id: str, find: Callable[[str], Trace | None], scope: Scope) -> Given | None:
    """Return the answer this caller was given under a trace; None without one that is kept.

    A record whose texts have expired proves nothing about sentences.
    """
    trace = find(trace_id) if trace_id else None
    if trace is None or trace.principal != scope.principal or not trace.question:
        return None
    return of_trace(trace)


def _recheck(given: Given, recorded: Given | None, look: Look, *, revision: int) -> AnswerStanding:
    cited = {one.document_id for claim in given.claims for one in claim.citations}
    now = _pages(cited, look, None)
    then: Mapping[str, Page] = {}
    if given.revision is not None:
        then = _pages(changed(given, now), look, given.revision)
    return recheck(given, recorded=recorded, revision=revision, now=now, then=then)


def _pages(wanted: Collection[str], look: Look, revision: int | None) -> dict[str, Page]:
    pages = (_page(one, look, revision) for one in sorted(wanted))
    return {page.document_id: page for page in pages if page is not None}


def _page(document_id: str, look: Look, revision: int | None) -> Page | None:
    try:
        view = look(document_id, revision)
    except NotFound:
        return None
    return Page(
        document_id=document_id,
        path=view.member.document.path,
        title=view.member.title,
        text=view.content.text,
        content_hash=view.content_hash,
    )
