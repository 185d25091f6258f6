"""The pages of releases: what serves, what was proposed, the canary, and what differs.

They call the same methods of the app as the command line. Every button is a form that works
without script; what decides asks for a reason.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, RedirectResponse, Response

from answerable.app import App
from answerable.app.canarying import CanaryView, plan
from answerable.domain.errors import AnswerableError, BadInput, NotFound
from answerable.entrypoints.web import problems
from answerable.entrypoints.web.chart import HEIGHT, WIDTH, charts
from answerable.entrypoints.web.printing import html
from answerable.releases.recipes import in_words

_RELEASES_MAX = 30
_DEPLOYMENTS_MAX = 30
_REASON_MAX = 500


class Decision(BaseModel):
    """What a form says that changes what serves.

    Attributes:
        because: Why.
        sure: Ticked by whoever means it.
        override: Whether it shall serve though no gate let it pass; the reason is `because`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    because: str = ""
    sure: bool = False
    override: bool = False


class Trial(BaseModel):
    """What the form for a canary says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    percent: int = 10
    shadow: bool = False
    override: bool = False
    because: str = ""


def releases_pages(app: App) -> APIRouter:
    """Return the routes of the pages of releases over one app."""
    router = APIRouter(include_in_schema=False)
    _add_looking(router, app)
    _add_deciding(router, app)
    _add_trying(router, app)
    return router


def _add_looking(router: APIRouter, app: App) -> None:
    @router.get("/releases")
    def releases() -> HTMLResponse:
        return html("releases.html", timeline(app))

    @router.get("/releases/live")
    def live() -> HTMLResponse:
        return html("releases_live.html", running(app))

    @router.get("/releases/diff")
    def diff(before: str = "live", after: str = "workspace") -> HTMLResponse:
        found = app.releases.diff(before[:80], after[:80])
        return html("difference.html", {"found": found, "values": list(in_words(found.values))})

    @router.get("/releases/{name}")
    def one(name: str, against: Annotated[str, Query(max_length=80)] = "live") -> HTMLResponse:
        return html("release.html", shown(app, name, against=against))


def _add_deciding(router: APIRouter, app: App) -> None:
    @router.post("/releases/rollback")
    def rollback(said: Annotated[Decision, Form()]) -> Response:
        try:
            _check(said)
            app.releases.rollback(who=app.owner().principal, because=said.because)
        except AnswerableError as error:
            return _failed(app, error)
        return RedirectResponse("/releases", status_code=303)

    @router.post("/releases/{name}/promote")
    def promote(name: str, said: Annotated[Decision, Form()]) -> Response:
        try:
            _check(said)
            override = said.because if said.override else ""
            app.releases.promote(
                name, who=app.owner().principal, because=said.because, override=override
            )
        except AnswerableError as error:
            problem = problems.of_failure(error)
            made = shown(app, name, against="live") | {"problem": problem, "said": said}
            return html("release.html", made, status=problem.status)
        return RedirectResponse("/releases", status_code=303)


def _add_trying(router: APIRouter, app: App) -> None:
    @router.post("/releases/canary/{action}")
    def act(request: Request, action: str, said: Annotated[Decision, Form()]) -> Response:
        reason = said.because[:_REASON_MAX]
        try:
            if action == "stop":
                app.canaries.stop(because=reason or "stopped on the page")
            elif action == "hold":
                app.canaries.hold(reason or "held on the page")
            elif action == "resume":
                app.canaries.hold("")
            else:
                raise BadInput(f"a canary cannot be told to {action}", hint="go back to /releases")
        except AnswerableError as error:
            return _failed(app, error)
        if request.headers.get("hx-request") == "true":
            return html("releases_live.html", running(app))
        return RedirectResponse("/releases", status_code=303)

    @router.post("/releases/{name}/canary")
    def start(name: str, said: Annotated[Trial, Form()]) -> Response:
        wanted = plan(percent=said.percent, is_shadow=said.shadow)
        try:
            override = said.because if said.override else ""
            app.canaries.start(name, wanted, who=app.owner().principal, override=override)
        except AnswerableError as error:
            problem = problems.of_failure(error)
            made = shown(app, name, against="live") | {"problem": problem}
            return html("release.html", made, status=problem.status)
        return RedirectResponse("/releases", status_code=303)


def timeline(app: App) -> dict[str, object]:
    """Return what the page of releases is made of."""
    found = app.releases.all()
    return running(app) | {
        "releases": found[:_RELEASES_MAX],
        "count": len(found),
        "deployments": app.deployments()[:_DEPLOYMENTS_MAX],
        "serving": app.serving(),
        "problem": None,
    }


def running(app: App) -> dict[str, object]:
    """Return what moves on the page: the canary that runs, or ran last."""
    try:
        view: CanaryView | None = app.canaries.view()
    except NotFound:
        view = None
    pictures = charts(view.watch.points, view.watch.canary.plan) if view else ()
    return {"canary": view, "charts": pictures, "width": WIDTH, "height": HEIGHT}


def shown(app: App, name: str, *, against: str) -> dict[str, object]:
    """Return what the page of one release is made of."""
    found = app.releases.view(name)
    difference = None if found.is_live else app.releases.diff(against, found.id)
    return {
        "found": found,
        "values": list(in_words(difference.values)) if difference else [],
        "against": against,
        "problem": None,
        "said": Decision(),
        "passed": found.ruling is not None and found.ruling.decision == "pass",
    }


def _check(said: Decision) -> None:
    """Make sure that somebody means it, and says why.

    Raises:
        BadInput: They do not.
    """
    if not said.sure:
        raise BadInput("nothing was changed: tick the box to confirm", hint="go back and tick it")
    if not said.because.strip() or len(said.because) > _REASON_MAX:
        raise BadInput(
            "nothing was changed: say why, it goes on record",
            hint=f"a reason of up to {_REASON_MAX} characters",
        )


def _failed(app: App, error: AnswerableError) -> Response:
    problem = problems.of_failure(error)
    return html("releases.html", timeline(app) | {"problem": problem}, status=problem.status)
