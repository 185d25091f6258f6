"""The Library page: documents, where they come from, what each revision changed, work under way.

It calls the same methods of the app as the API. What moves is asked for every two seconds by
htmx; every button is a form that works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, RedirectResponse, Response

from answerable.app import App
from answerable.domain.documents import Member
from answerable.domain.errors import AnswerableError, BadInput, Conflict, NotFound
from answerable.entrypoints.web import problems
from answerable.entrypoints.web.printing import html
from answerable.operations.ports import Job
from answerable.operations.schedule import ago
from answerable.operations.sources import RegisteredSource

DOCUMENTS_MAX = 50
_JOBS_MAX = 12
_REVISIONS_MAX = 12
_PATHS_MAX = 200
_ILL_MAX = 50
_PURGES_MAX = 12


class NewSource(BaseModel):
    """What the form for a source says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = ""
    place: str = ""
    schedule: str = ""


def library_pages(app: App) -> APIRouter:
    """Return the routes of the Library page over one app."""
    router = APIRouter(include_in_schema=False)
    _add_looking(router, app)
    _add_doing(router, app)
    _add_nursing(router, app)
    return router


def _add_looking(router: APIRouter, app: App) -> None:
    @router.get("/library")
    def library(
        find: Annotated[str, Query(max_length=200)] = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> HTMLResponse:
        return html("library.html", shelf(app, find=find, page=page))

    @router.get("/library/live")
    def live() -> HTMLResponse:
        return html("library_live.html", moving(app))

    @router.get("/library/revisions/{number}")
    def revision(number: int) -> HTMLResponse:
        view = app.revision(number)
        changes = {
            "Added": view.added[:_PATHS_MAX],
            "Changed": view.changed[:_PATHS_MAX],
            "Gone": view.gone[:_PATHS_MAX],
        }
        counts = {"Added": len(view.added), "Changed": len(view.changed), "Gone": len(view.gone)}
        made = {"view": view, "changes": changes, "counts": counts, "serves": serves(app)}
        return html("revision.html", made)


def _add_doing(router: APIRouter, app: App) -> None:
    @router.post("/library/sources")
    def add(request: Request, said: Annotated[NewSource, Form()]) -> Response:
        try:
            who = app.owner().principal
            app.sources.add(said.name, said.place, who=who, schedule=said.schedule)
        except AnswerableError as error:
            problem = problems.of_failure(error)
            made = shelf(app) | {"problem": problem, "said": said}
            return html("library.html", made, status=problem.status)
        return _back(request)

    @router.post("/library/sources/{name}/{action}")
    def act(request: Request, name: str, action: str) -> Response:
        acts = _acts(app)
        if action not in acts:
            raise BadInput(f"a source cannot be told to {action}", hint="go back to /library")
        acts[action](name)
        return _back(request)

    @router.post("/library/jobs/{job}/cancel")
    def cancel(request: Request, job: str) -> Response:
        app.cancel_job(job, who=app.owner().principal)
        return _back(request)

    def _back(request: Request) -> Response:
        if request.headers.get("hx-request") == "true":
            return html("library_live.html", moving(app))
        return RedirectResponse("/library", status_code=303)


def _add_nursing(router: APIRouter, app: App) -> None:
    """Add what can be done about files that could not be read."""

    @router.post("/library/quarantine/{document}/retry")
    def retry(document: str) -> Response:
        (wanted,) = app.retry_quarantined((document,))
        with suppress(NotFound, Conflict):  # of no registered source: with the next ingest
            app.sources.sync_of(wanted.document.source, because=f"{wanted.document.path} again")
        return RedirectResponse("/library#ill-title", status_code=303)

    @router.post("/library/quarantine/{document}/ignore")
    def ignore(document: str, because: Annotated[str, Form(max_length=500)] = "") -> Response:
        app.ignore_quarantined(document, who=app.owner().principal, because=because)
        return RedirectResponse("/library#ill-title", status_code=303)


def _acts(app: App) -> Mapping[str, Callable[[str], object]]:
    """Return what a source can be told to do."""
    return {
        "sync": lambda name: app.sources.sync(name, because="asked for"),
        "approve": lambda name: app.sources.approve(name, who=app.owner().principal),
        "pause": app.sources.pause,
        "resume": app.sources.resume,
    }


def shelf(app: App, *, find: str = "", page: int = 1) -> dict[str, Any]:
    """Return what the Library page is made of."""
    members = sorted(app.documents(app.owner()), key=lambda one: one.document.path)
    found = [one for one in members if _matches(one, find)]
    pages = max(1, -(-len(found) // DOCUMENTS_MAX))
    page = min(page, pages)
    begin = (page - 1) * DOCUMENTS_MAX
    ill = app.quarantined()
    return moving(app) | {
        "find": find,
        "page": page,
        "pages": pages,
        "documents": found[begin : begin + DOCUMENTS_MAX],
        "found": len(found),
        "total": len(members),
        "ill": ill[:_ILL_MAX],
        "ill_count": len(ill),
        "purges": app.purges()[:_PURGES_MAX],
        "revisions": app.revisions()[:_REVISIONS_MAX],
        "serves": serves(app),
        "problem": None,
        "said": NewSource(),
    }


def moving(app: App) -> dict[str, Any]:
    """Return what is asked for again and again: sources and jobs."""
    now_ms = app.now_ms()
    jobs = app.jobs(limit=_JOBS_MAX)
    busy = {job.payload["source"]: job for job in app.sources.unfinished()}
    return {
        "sources": [_row(one, busy.get(one.spec.name), now_ms) for one in app.sources.all()],
        "jobs": [(job, ago(now_ms - job.updated_ms)) for job in jobs],
    }


def serves(app: App) -> int | None:
    """Return the number of the revision that answers; None when there is none."""
    revision = app.serving().revision
    return revision.number if revision else None


def _matches(member: Member, find: str) -> bool:
    words = find.casefold().split()
    said = f"{member.document.path} {member.title}".casefold()
    return all(word in said for word in words)


def _row(one: RegisteredSource, busy: Job | None, now_ms: int) -> Mapping[str, Any]:
    """Return what is shown of a source, and of the job that reads it."""
    health = one.health
    return {
        "spec": one.spec,
        "health": health,
        "busy": busy,
        "read": f"{ago(now_ms - health.succeeded_ms)} ago" if health.succeeded_ms else "never",
        "changed": f"{ago(now_ms - health.changed_ms)} ago" if health.changed_ms else "never",
        "counts": ", ".join(f"{count:,} {change}" for change, count in health.counts),
    }
