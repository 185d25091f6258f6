"""The HTTP API. Every handler calls one method of the app and says what it said as JSON."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse, Response

from answerable.answering.feedback import Thumb
from answerable.app import App
from answerable.domain.documents import Member, document_id
from answerable.domain.errors import BadInput, Conflict
from answerable.entrypoints.given import GivenIn
from answerable.entrypoints.web import happening, problems, render, schemas
from answerable.entrypoints.web.happening import Answers
from answerable.entrypoints.web.originals import add_originals
from answerable.entrypoints.web.quarantine import add_quarantine
from answerable.entrypoints.web.removing import add_removing
from answerable.entrypoints.web.replies import as_json
from answerable.entrypoints.web.uploads import Upload, new_content, new_document, request_body

UPLOADED = "upload"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def api(app: App, answers: Answers) -> APIRouter:
    """Return all routes of the API over one app."""
    router = APIRouter(responses=problems.RESPONSES)
    _add_questions(router, app, answers)
    _add_answers(router, app)
    add_quarantine(router, app)  # before a document could be called so
    _add_documents(router, app)
    add_originals(router, app)
    _add_uploads(router, app)
    add_removing(router, app)
    _add_records(router, app)
    _add_health(router, app)
    _add_metrics(router, app, answers)
    return router


def _add_questions(router: APIRouter, app: App, answers: Answers) -> None:
    @router.post(
        "/v1/ask",
        response_model=schemas.AnswerOut,
        responses={200: {"content": {happening.MEDIA_TYPE: {}}}},
        tags=["questions"],
    )
    async def ask(request: Request, asked: schemas.AskIn) -> Response:
        """Answer from the documents, every statement checked and cited, or say they do not say.

        With `stream`, or when `text/event-stream` is accepted, what happens comes as events:
        `understood`, `passages`, `claim`, `dropped`, `step_down`, `error`, and `done` last.
        """
        how = {
            "rung": asked.rung,
            "follows": asked.follows,
            "conversation": happening.conversation(request),
        }
        if asked.stream or happening.MEDIA_TYPE in request.headers.get("accept", ""):
            return await happening.streamed(answers.events(asked.question, **how), top=asked.top)
        trace = await answers.whole(request, asked.question, **how)
        return as_json(render.answer(trace, top=asked.top))

    @router.post("/v1/search", response_model=schemas.FoundOut, tags=["questions"])
    def search(asked: schemas.SearchIn) -> Response:
        """Find passages, best first."""
        return as_json(render.found(app.search(asked.query, app.owner(), limit=asked.limit)))


def _add_answers(router: APIRouter, app: App) -> None:
    @router.post("/v1/verify", response_model=schemas.AnswerStandingOut, tags=["answers"])
    def verify(given: GivenIn) -> Response:
        """Compare an answer that was given with what its documents say now."""
        answer = given.value()
        if answer is None:
            found = app.recheck_trace(given.trace_id, app.owner())
        else:
            found = app.recheck(answer, app.owner())
        return as_json(render.standing(found))

    @router.post(
        "/v1/feedback", status_code=201, response_model=schemas.FeedbackOut, tags=["answers"]
    )
    def rate(said: schemas.FeedbackIn) -> Response:
        """Say whether an answer helped, and if not, why; your last word on it counts."""
        given = app.rate(said.trace_id, app.owner(), said.verdict, said.reason, said.comment)
        return as_json(render.feedback(given), status=201)


def _add_documents(router: APIRouter, app: App) -> None:
    @router.get("/v1/documents", response_model=schemas.DocumentsOut, tags=["documents"])
    def documents(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[str, Query(max_length=8192, description="`next` of a page")] = "",
    ) -> Response:
        """List the documents that serve now, by path."""
        members = sorted(app.documents(app.owner()), key=_place)
        first = bisect_right(members, _from_cursor(after), key=_place) if after else 0
        page = members[first : first + limit]
        has_more = first + limit < len(members)
        listed: render.Plain = {
            "documents": [render.document(member) for member in page],
            "total": len(members),
            "next": _cursor(page[-1]) if has_more else None,
        }
        return as_json(listed)

    @router.get(
        "/v1/documents/{document}", response_model=schemas.DocumentViewOut, tags=["documents"]
    )
    def one(
        document: str,
        revision: Annotated[int | None, Query(ge=0, le=schemas.NUMBER_MAX)] = None,
        text: bool = False,
    ) -> Response:
        """Show a document as it is in the serving revision or another one."""
        view = app.document(document, app.owner(), revision=revision)
        return as_json(render.document_view(view, with_text=text))


def _add_uploads(router: APIRouter, app: App) -> None:
    @router.post(
        "/v1/documents",
        status_code=202,
        response_model=schemas.AcceptedOut,
        tags=["documents"],
        openapi_extra=request_body(schemas.DocumentIn, with_path=True),
    )
    def add(sent: Annotated[Upload, Depends(new_document)]) -> Response:
        """Store a file durably; it is read in the background."""
        return _accepted(app, sent.path, sent.data)

    @router.post(
        "/v1/documents/{document}",
        status_code=202,
        response_model=schemas.AcceptedOut,
        tags=["documents"],
        openapi_extra=request_body(schemas.ContentIn, with_path=False),
    )
    def replace(document: str, data: Annotated[bytes, Depends(new_content)]) -> Response:
        """Store new content for an uploaded document; it is read in the background."""
        place = app.document(document, app.owner()).member.document
        if place.source != UPLOADED:
            raise Conflict(
                f"{place.path} was not uploaded: its content comes from {place.source}",
                hint="change the file there and run `answerable ingest` again",
            )
        return _accepted(app, place.path, data)


def _add_records(router: APIRouter, app: App) -> None:
    @router.get("/v1/traces", response_model=schemas.TracesOut, tags=["records"])
    def traces(
        limit: Annotated[int, Query(ge=1, le=1000)] = 20,
        before: Annotated[str | None, Query(max_length=64)] = None,
        rated: Annotated[Thumb | None, Query(description="Only those somebody rates so")] = None,
    ) -> Response:
        """List past questions, newest first."""
        lines = app.traces(limit=limit, before=before, rated=rated)
        listed: render.Plain = {
            "traces": [render.trace_line(line) for line in lines],
            "next": lines[-1].id if len(lines) == limit else None,
        }
        return as_json(listed)

    @router.get("/v1/traces/{trace}", response_model=schemas.TraceOut, tags=["records"])
    def one(trace: str) -> Response:
        """Show everything kept of one question."""
        return as_json(render.whole_trace(app.trace(trace), app.feedback(trace)))

    @router.get("/v1/traces/{trace}/why", response_model=schemas.DiagnosisOut, tags=["records"])
    def why(
        trace: str,
        expected: Annotated[
            str, Query(max_length=schemas.EXPECTED_MAX, description="A text, or a document's path")
        ] = "",
    ) -> Response:
        """Say where an answer went wrong, on what evidence, and what to try."""
        return as_json(render.diagnosis(app.why(trace, app.owner(), expected=expected)))

    @router.get("/v1/revisions", response_model=schemas.RevisionsOut, tags=["records"])
    def revisions() -> Response:
        """List the sealed revisions, newest first, and which one serves."""
        now = app.serving().revision
        number = now.number if now else None
        listed = [render.revision(one, serving=number) for one in app.revisions()]
        return as_json({"revisions": listed})


def _add_health(router: APIRouter, app: App) -> None:
    @router.get("/healthz", response_model=schemas.HealthOut, tags=["health"])
    def healthz() -> Response:
        """Say that the process is alive; looks at nothing."""
        return as_json({"alive": True})

    @router.get(
        "/readyz",
        response_model=schemas.ReadinessOut,
        responses={503: {"model": schemas.ReadinessOut, "description": "Something is missing"}},
        tags=["health"],
    )
    def readyz() -> Response:
        """Say whether questions can be answered, and what is missing if not."""
        state = render.readiness(app.readiness())
        return as_json(state, status=200 if state["ready"] else 503)


def _add_metrics(router: APIRouter, app: App, answers: Answers) -> None:
    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        tags=["health"],
    )
    def metrics() -> Response:
        """Give what this process counted, in the text format of Prometheus."""
        return Response(app.metrics(now_open=answers.open), media_type=METRICS_TYPE)


def _accepted(app: App, path: str, data: bytes) -> Response:
    job = app.submit(path, data)
    accepted = {
        "job_id": job.id,
        "document_id": document_id(UPLOADED, job.payload.get("path", path)),
        "status_url": f"/v1/jobs/{job.id}",
    }
    return as_json(accepted, status=202)


def _place(member: Member) -> tuple[str, str]:
    return member.document.path, member.document.id


def _cursor(member: Member) -> str:
    """Return a name for the place of a document in the list that outlives the document."""
    place = "\0".join(_place(member)).encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(place).decode()


def _from_cursor(cursor: str) -> tuple[str, str]:
    try:
        place = base64.urlsafe_b64decode(cursor).decode("utf-8", "surrogateescape")
        path, identity = place.split("\0")
    except (ValueError, binascii.Error) as error:
        raise BadInput(
            "after: is not the `next` of a page", hint="leave it out to begin again"
        ) from error
    return path, identity
