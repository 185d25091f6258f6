"""The pages: Ask and Document. They call the same methods of the app as the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from answerable.answering.feedback import COMMENT_CHARS_MAX, Complaint, Feedback, Thumb
from answerable.app import App, DocumentView
from answerable.domain.documents import Span
from answerable.domain.errors import AnswerableError, NotFound
from answerable.domain.questions import (
    Abstained,
    Answered,
    Cancelled,
    Citation,
    Claim,
    Outcome,
    Scope,
    Trace,
)
from answerable.entrypoints.naming import trail
from answerable.entrypoints.web import paper, problems, render
from answerable.entrypoints.web.schemas import NUMBER_MAX

HERE = Path(__file__).parent
PAST_MAX = 8

_WHOLE_MS = 10

RUNGS = {
    "quote": "quoted verbatim, no model",
    "search": "search results only",
}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = when
    environment.filters["trail"] = trail
    environment.filters["ms"] = milliseconds
    environment.globals["RUNGS"] = RUNGS
    environment.globals["COMPLAINTS"] = tuple(Complaint)
    environment.globals["COMMENT_CHARS_MAX"] = COMMENT_CHARS_MAX
    return environment


def when(at_ms: int) -> str:
    """Return a moment as people write it, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def milliseconds(took_ms: float) -> str:
    """Return a duration with the digits that matter."""
    return f"{took_ms:.1f} ms" if took_ms < _WHOLE_MS else f"{took_ms:.0f} ms"


TEMPLATES = _environment()


def html(name: str, context: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """Return a page."""
    text = TEMPLATES.get_template(name).render(context)
    # A name that is no Unicode must not take the page down with it.
    return HTMLResponse(text.encode("utf-8", "replace"), status_code=status)


class Link(BaseModel):
    """What a link to a document says about where it leads.

    Attributes:
        start, end: What was cited; empty for the document as a whole.
        hash: Of the text the span counts in; empty when the link cites nothing.
        begin: Where the page begins; None for the page that holds what is cited.
    """

    revision: Annotated[int | None, Field(ge=0, le=NUMBER_MAX)] = None
    start: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    end: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    hash: Annotated[str, Field(max_length=64)] = ""
    begin: Annotated[int | None, Field(alias="from", ge=0, le=NUMBER_MAX)] = None


class Opinion(BaseModel):
    """What the form below an answer says of it; a select that was left alone says nothing."""

    verdict: Thumb
    reason: Complaint | Literal[""] = ""
    comment: str = ""


def pages(app: App) -> APIRouter:
    """Return the routes of all pages over one app."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def start() -> HTMLResponse:
        return html("ask.html", desk(app))

    @router.post("/")
    def ask(request: Request, question: Annotated[str, Form()] = "") -> Response:
        shown = asked(app, question)
        status = shown.status if isinstance(shown, problems.Problem) else 200
        # An address of its own, so that going back from a document leads to the answer again.
        kept = address_of(app, shown)
        if request.headers.get("hx-request") != "true":
            if kept:
                return RedirectResponse(kept, status_code=303)
            return html("ask.html", desk(app, question=question, shown=shown), status=status)
        part = html("answer.html", desk(app, question=question, shown=shown), status=status)
        if kept:
            part.headers["hx-push-url"] = kept
        return part

    @router.get("/traces/{trace}")
    def trace(trace: str) -> HTMLResponse:
        recorded = app.trace(trace)
        shown = sheet_of(recorded, is_past=True)
        return html("ask.html", desk(app, question=recorded.question, shown=shown))

    @router.post("/traces/{trace}/feedback")
    def rate(request: Request, trace: str, said: Annotated[Opinion, Form()]) -> Response:
        app.rate(trace, app.owner(), said.verdict, said.reason or None, said.comment)
        if request.headers.get("hx-request") != "true":
            return RedirectResponse(f"/traces/{trace}#feedback", status_code=303)
        return html("feedback.html", {"rating": rating_of(app, trace)})

    @router.get("/documents/{document}")
    def document(document: str, link: Annotated[Link, Query()]) -> HTMLResponse:
        return html("document.html", reading(app, document, link))

    return router


def error_page(problem: problems.Problem, *, is_fragment: bool) -> HTMLResponse:
    """Return a failure as a page, or as the part of one that htmx puts in its place."""
    name = "problem.html" if is_fragment else "error.html"
    return html(name, {"problem": problem}, status=problem.status)


# Asking


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A citation with its number on the page."""

    number: int
    citation: Citation
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Quotes that follow each other in one paragraph, set, with where they come from."""

    html: Markup
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A trace as the page shows it: each claim with its numbered sources."""

    trace: Trace
    outcome: Outcome
    claims: tuple[tuple[Said, ...], ...]
    closest: list[render.Plain]
    is_past: bool

    @property
    def places(self) -> list[list[Source]]:
        """The sources by the section they stand in, in the order they are first used."""
        found: dict[tuple[str, tuple[str, ...]], list[Source]] = {}
        for source in (one for claim in self.claims for said in claim for one in said.sources):
            place = (source.citation.document_id, source.citation.heading)
            found.setdefault(place, []).append(source)
        return list(found.values())


def asked(app: App, question: str) -> Shown | problems.Problem:
    """Return what came of a question, failure included, to be shown in place."""
    try:
        return sheet_of(app.ask(question, app.owner()), is_past=False)
    except AnswerableError as error:
        return problems.of_failure(error)


def address_of(app: App, shown: Shown | problems.Problem) -> str:
    """Return where this can be seen again; empty when a full disk or no retention forbid it."""
    if isinstance(shown, problems.Problem):
        return ""
    try:
        is_kept = bool(app.trace(shown.trace.id).question)
    except AnswerableError:
        return ""
    return f"/traces/{shown.trace.id}" if is_kept else ""


def sheet_of(trace: Trace, *, is_past: bool) -> Shown:
    """Return a trace ready to be shown."""
    outcome = trace.outcome
    numbers = count(1)
    claims = outcome.claims if isinstance(outcome, Answered | Cancelled) else ()
    closest = outcome.closest if isinstance(outcome, Abstained) else ()
    return Shown(
        trace=trace,
        outcome=outcome,
        claims=tuple(tuple(_said(one, trace.revision, numbers)) for one in claims),
        closest=render.closest(closest, render.CLOSEST_MAX),
        is_past=is_past,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """What the form below an answer shows.

    Attributes:
        last: What this caller said of it last; None when nothing yet.
    """

    trace_id: str
    last: Feedback | None


def rating_of(app: App, trace_id: str) -> Rating | None:
    """Return what the form below an answer shows; None where its trace is not kept."""
    try:
        who = app.trace(trace_id).principal
        said = [one for one in app.feedback(trace_id) if one.principal == who]
    except AnswerableError:
        return None
    return Rating(trace_id=trace_id, last=said[-1] if said else None)


def _said(claim: Claim, revision: int, numbers: count[int]) -> Iterator[Said]:
    """Give a claim by paragraphs: a quote that goes on in the line of the one before joins it."""
    paragraphs = _paragraphs(claim.citations)
    for place, citations in enumerate(paragraphs):
        # What comes before code or rows introduces them.
        is_prose = claim.kind == "code" and place + 1 < len(paragraphs)
        yield Said(
            html=paper.quoted(
                "sentence" if is_prose else claim.kind, "".join(one.quote for one in citations)
            ),
            sources=tuple(
                Source(
                    number=next(numbers),
                    citation=one,
                    url=render.citation_url(one, revision=revision),
                )
                for one in citations
            ),
        )


def _paragraphs(citations: Iterable[Citation]) -> list[list[Citation]]:
    found: list[list[Citation]] = []
    line = 0
    for one in citations:
        if found and one.line == line:
            found[-1].append(one)
        else:
            found.append([one])
        line = one.line + one.quote.count("\n")
    return found


def desk(
    app: App, *, question: str = "", shown: Shown | problems.Problem | None = None
) -> dict[str, object]:
    """Return what the Ask page is made of."""
    revision = app.serving().revision
    return {
        "question": question,
        "shown": shown if isinstance(shown, Shown) else None,
        "rating": rating_of(app, shown.trace.id) if isinstance(shown, Shown) else None,
        "problem": shown if isinstance(shown, problems.Problem) else None,
        "past": app.traces(limit=PAST_MAX),
        "revision": revision,
        "is_empty": revision is None or revision.documents == 0,
    }


# Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """The document a link leads to, and whether its span can be trusted there.

    Attributes:
        notice: What the reader should know first: ``changed``, ``vanished``, ``gone`` or empty.
    """

    view: DocumentView
    is_exact: bool
    notice: str = ""


def locate(app: App, document: str, scope: Scope, link: Link) -> Located:
    """Return the document as it is now if its text is still the cited one, else as it was.

    Raises:
        NotFound: There is no such document, now or then.
    """
    now = _view(app, document, scope, None)
    if now and (now.content_hash == link.hash or not (link.hash or link.revision)):
        return Located(view=now, is_exact=now.content_hash == link.hash)
    then = _view(app, document, scope, link.revision) if link.revision is not None else None
    if then and link.hash in ("", then.content_hash):
        is_same = now is not None and now.content_hash == then.content_hash
        changed = "" if is_same else "changed" if now else "vanished"
        return Located(view=then, is_exact=bool(link.hash), notice=changed)
    if now:
        return Located(view=now, is_exact=False, notice="gone")
    raise NotFound("there is no such document", hint="ask again, or GET /v1/documents")


def _view(app: App, document: str, scope: Scope, revision: int | None) -> DocumentView | None:
    try:
        return app.document(document, scope, revision=revision)
    except NotFound:
        return None


def reading(app: App, document: str, link: Link) -> dict[str, object]:
    """Return what the Document page is made of."""
    located = locate(app, document, app.owner(), link)
    view = located.view
    cited = Span(link.start, link.end) if located.is_exact and link.start < link.end else None
    return {
        "view": view,
        "member": view.member,
        "notice": located.notice,
        "link": link,
        "chars": len(view.content.text.text),
        "line": view.content.text.text.count("\n", 0, link.start) + 1,
        "sheet": paper.sheet(view.content.text, view.pieces, begin=link.begin, cited=cited),
    }
