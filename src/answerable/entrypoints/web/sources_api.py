"""Sources and jobs over HTTP: the same as on the command line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from answerable.app import App
from answerable.app.source_kinds import as_json as plain
from answerable.domain.documents import document_id
from answerable.domain.errors import BadInput
from answerable.entrypoints.web import problems, render, schemas
from answerable.entrypoints.web.replies import as_json
from answerable.library.report import Change
from answerable.operations.ports import Job
from answerable.operations.sources import RegisteredSource, SourceHealth

_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def sources_api(app: App) -> APIRouter:
    """Return the routes of sources and jobs over one app."""
    router = APIRouter(responses=problems.RESPONSES)
    _add_registry(router, app)
    _add_actions(router, app)
    _add_pushing(router, app)
    _add_jobs(router, app)
    return router


def _add_registry(router: APIRouter, app: App) -> None:
    @router.get("/v1/sources", response_model=schemas.SourcesOut, tags=["sources"])
    def sources() -> Response:
        """List where documents come from, with the health of each."""
        return as_json({"sources": [source(one, app) for one in app.sources.all()]})

    @router.post("/v1/sources", status_code=201, response_model=schemas.SourceOut, tags=["sources"])
    def add(asked: schemas.SourceIn) -> Response:
        """Register a source; it is read when it is due, or asked for."""
        made = app.sources.add(**asked.model_dump(), who=app.owner().principal)
        return as_json(source(made, app), status=201)

    @router.get("/v1/sources/{name}", response_model=schemas.SourceOut, tags=["sources"])
    def one(name: str) -> Response:
        """Show what was said of a source, and how it is."""
        return as_json(source(app.sources.source(name), app))

    @router.delete("/v1/sources/{name}", response_model=schemas.SourceGoneOut, tags=["sources"])
    def remove(name: str, keep_documents: Annotated[bool, Query()] = False) -> Response:
        """Forget a source; its documents vanish with a new revision, or stay."""
        who = app.owner().principal
        report = app.sources.remove(name, keep_documents=keep_documents, who=who)
        gone = report.count(Change.REMOVED) if report else 0
        sealed = report.revision if report else None
        return as_json({"removed": name, "documents": gone, "revision": sealed})


def _add_actions(router: APIRouter, app: App) -> None:
    @router.post(
        "/v1/sources/{name}/sync", status_code=202, response_model=schemas.JobOut, tags=["sources"]
    )
    def sync(name: str) -> Response:
        """Read a source as soon as may be, unless it is being read already."""
        return _accepted(app.sources.sync(name, because="asked for"))

    @router.post(
        "/v1/sources/{name}/approve",
        status_code=202,
        response_model=schemas.JobOut,
        tags=["sources"],
    )
    def approve(name: str) -> Response:
        """Let a source lose the documents that are kept because they were too many."""
        return _accepted(app.sources.approve(name, who=app.owner().principal))

    @router.post("/v1/sources/{name}/pause", response_model=schemas.SourceOut, tags=["sources"])
    def pause(name: str) -> Response:
        """Stop reading a source; its documents stay."""
        return as_json(source(app.sources.pause(name), app))

    @router.post("/v1/sources/{name}/resume", response_model=schemas.SourceOut, tags=["sources"])
    def resume(name: str) -> Response:
        """Read a source again."""
        return as_json(source(app.sources.resume(name), app))


def _add_pushing(router: APIRouter, app: App) -> None:
    @router.put(
        "/v1/sources/{name}/documents/{path:path}",
        status_code=202,
        response_model=schemas.AcceptedOut,
        tags=["sources"],
        openapi_extra=_FILE,
    )
    async def put(request: Request, name: str, path: str) -> Response:
        """Store a file in a source that is sent to, durably; it is read in the background."""
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise BadInput(
                "the body is a form, not a file",
                hint="curl -T FILE -H 'content-type: application/octet-stream' ADDRESS",
            )
        data = await request.body()
        if not data:
            raise BadInput("the body is empty", hint="send the bytes of the file, or DELETE it")
        return await run_in_threadpool(_pushed, app, name, path, data)

    @router.delete(
        "/v1/sources/{name}/documents/{path:path}",
        status_code=202,
        response_model=schemas.AcceptedOut,
        tags=["sources"],
    )
    def delete(name: str, path: str) -> Response:
        """Have a file of a source that is sent to vanish."""
        return _pushed(app, name, path, None)


def _add_jobs(router: APIRouter, app: App) -> None:
    @router.get("/v1/jobs", response_model=schemas.JobsOut, tags=["jobs"])
    def jobs(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
        """List background jobs, newest first."""
        return as_json({"jobs": [render.job(one) for one in app.jobs(limit=limit)]})

    @router.get("/v1/jobs/{job}", response_model=schemas.JobOut, tags=["jobs"])
    def job(job: str) -> Response:
        """Show a background job."""
        return as_json(render.job(app.job(job)))

    @router.post("/v1/jobs/{job}/cancel", response_model=schemas.JobOut, tags=["jobs"])
    def cancel(job: str) -> Response:
        """End a job that waits or runs; what it has sealed stays."""
        return as_json(render.job(app.cancel_job(job, who=app.owner().principal)))


def source(one: RegisteredSource, app: App) -> dict[str, Any]:
    """Return a source; shape `SourceOut`."""
    return plain(one) | {"lag_ms": lag_ms(one.health, app.now_ms())}


def lag_ms(health: SourceHealth, now_ms: int) -> int | None:
    """Return for how long nothing is known of a source; None where nothing ever was."""
    return now_ms - health.succeeded_ms if health.succeeded_ms else None


def _accepted(job: Job) -> Response:
    return as_json(render.job(job), status=202)


def _pushed(app: App, name: str, path: str, data: bytes | None) -> Response:
    job = app.sources.push(name, path, data)
    accepted = {
        "job_id": job.id,
        "document_id": document_id(job.payload["source"], job.payload["path"]),
        "status_url": f"/v1/jobs/{job.id}",
    }
    return as_json(accepted, status=202)
