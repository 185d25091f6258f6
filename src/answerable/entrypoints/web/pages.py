"""The pages: Ask and Document. They call the same methods of the app as the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from answerable.answering.feedback import Complaint, Feedback, Thumb
from answerable.app import App
from answerable.app.connecting import local_servers
from answerable.domain.errors import AnswerableError
from answerable.domain.questions import Trace
from answerable.entrypoints.web import live, problems
from answerable.entrypoints.web.happening import MEDIA_TYPE, Answers
from answerable.entrypoints.web.printing import html, part
from answerable.entrypoints.web.reader import Link, reading
from answerable.entrypoints.web.schemas import NUMBER_MAX
from answerable.entrypoints.web.sheets import Shown, sheet_of

PAST_MAX = 8


class Asked(BaseModel):
    """What the form of the Ask page says.

    Attributes:
        follows: Id of the trace this question comes after; empty for one of its own.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    question: str = ""
    follows: str = ""

    @property
    def how(self) -> dict[str, Any]:
        """How the app is asked."""
        return {"follows": self.follows}


class Opinion(BaseModel):
    """What the form below an answer says of it; a select that was left alone says nothing."""

    verdict: Thumb
    reason: Complaint | Literal[""] = ""
    comment: str = ""


def pages(app: App, answers: Answers) -> APIRouter:
    """Return the routes of all pages over one app."""
    router = APIRouter(include_in_schema=False)
    _add_asking(router, app, answers)
    _add_answers(router, app)

    @router.get("/documents/{document}")
    def document(document: str, link: Annotated[Link, Query()]) -> HTMLResponse:
        return html("document.html", reading(app, document, link))

    @router.get("/documents/{document}/pages/{number}")
    def page(
        document: str,
        number: Annotated[int, Path(ge=1, le=NUMBER_MAX)],
        revision: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
    ) -> Response:
        png = app.page(document, number, app.owner(), revision=revision)
        return Response(png, media_type="image/png")

    return router


def _add_asking(router: APIRouter, app: App, answers: Answers) -> None:
    @router.get("/")
    def start() -> HTMLResponse:
        return html("ask.html", desk(app) | {"offers": not app.settings.models})

    @router.post("/")
    async def ask(request: Request, asked: Annotated[Asked, Form()]) -> Response:
        if MEDIA_TYPE in request.headers.get("accept", ""):
            return await _streamed(app, answers, asked)
        try:
            shown: Trace | problems.Problem = await answers.whole(
                request, asked.question, **asked.how
            )
        except AnswerableError as error:
            shown = problems.of_failure(error)
        return await run_in_threadpool(_posted, app, asked.question, shown)

    @router.get("/models/nearby")
    def nearby() -> HTMLResponse:
        return html("nearby.html", {"servers": local_servers()})


def _add_answers(router: APIRouter, app: App) -> None:
    @router.get("/traces/{trace}")
    def trace(trace: str) -> HTMLResponse:
        recorded = app.trace(trace)
        shown = sheet_of(recorded, is_past=True, before=before(app, recorded.follows))
        return html("ask.html", desk(app, question=recorded.question, shown=shown))

    @router.post("/traces/{trace}/feedback")
    def rate(request: Request, trace: str, said: Annotated[Opinion, Form()]) -> Response:
        app.rate(trace, app.owner(), said.verdict, said.reason or None, said.comment)
        if request.headers.get("hx-request") != "true":
            return RedirectResponse(f"/traces/{trace}#feedback", status_code=303)
        return html("feedback.html", {"rating": rating_of(app, trace)})


async def _streamed(app: App, answers: Answers, asked: Asked) -> Response:
    """Return the answer as it is made, or why none begins, to be shown in place."""

    def ending(trace: Trace) -> dict[str, object]:
        shown = sheet_of(trace, is_past=False, before=before(app, trace.follows))
        made = desk(app, question=asked.question, shown=shown)
        return {
            "html": part("answer_body.html", made),
            "past": part("past.html", made),
            "address": address_of(app, trace),
            "said": shown.summary,
        }

    try:
        earlier = await run_in_threadpool(before, app, asked.follows)
        head: dict[str, object] = {"before": earlier, "question": asked.question}
        return await live.streamed(answers.events(asked.question, **asked.how), head, ending)
    except AnswerableError as error:
        problem = problems.of_failure(error)
        return html("problem.html", {"problem": problem}, status=problem.status)


def _posted(app: App, question: str, came: Trace | problems.Problem) -> Response:
    """Return what a form without script gets, failure included."""
    if isinstance(came, problems.Problem):
        made = desk(app, question=question, problem=came)
        return html("ask.html", made, status=came.status)
    # An address of its own, so that going back from a document leads to the answer again.
    if kept := address_of(app, came):
        return RedirectResponse(kept, status_code=303)
    shown = sheet_of(came, is_past=False, before=before(app, came.follows))
    return html("ask.html", desk(app, question=question, shown=shown))


def address_of(app: App, trace: Trace) -> str:
    """Return where this can be seen again; empty when a full disk or no retention forbid it."""
    try:
        is_kept = bool(app.trace(trace.id).question)
    except AnswerableError:
        return ""
    return f"/traces/{trace.id}" if is_kept else ""


def before(app: App, follows: str) -> tuple[str, str] | None:
    """Return the question that one follows, with its trace's id; None where there is none."""
    try:
        return (app.trace(follows).question, follows) if follows else None
    except AnswerableError:
        return None


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


def desk(
    app: App,
    *,
    question: str = "",
    shown: Shown | None = None,
    problem: problems.Problem | None = None,
) -> dict[str, object]:
    """Return what the Ask page is made of."""
    revision = app.serving().revision
    return {
        "question": question,
        "shown": shown,
        "rating": rating_of(app, shown.trace.id) if shown else None,
        "problem": problem,
        "past": app.traces(limit=PAST_MAX),
        "revision": revision,
        "is_empty": revision is None or revision.documents == 0,
        "offers": False,
    }
