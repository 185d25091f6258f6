"""Releases and canaries over HTTP, as on the command line; but for gates, which take long."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from answerable.app import App
from answerable.app.canarying import CanaryView, plan
from answerable.app.releasing import ReleaseView
from answerable.domain.errors import BadInput
from answerable.entrypoints.web import problems, schemas
from answerable.entrypoints.web.replies import as_json
from answerable.releases.recipes import flat

_Name = Annotated[str, Query(max_length=80)]


def releases_api(app: App) -> APIRouter:
    """Return the routes of releases over one app."""
    router = APIRouter(responses=problems.RESPONSES)
    _add_canaries(router, app)
    _add_record(router, app)
    _add_deciding(router, app)
    return router


def _add_record(router: APIRouter, app: App) -> None:
    @router.get("/v1/releases", response_model=schemas.ReleasesOut, tags=["releases"])
    def releases() -> Response:
        """List releases, newest first: who proposed them, what gates said, what serves."""
        return as_json({"releases": [release(one) for one in app.releases.all()]})

    @router.post(
        "/v1/releases", status_code=201, response_model=schemas.ProposalOut, tags=["releases"]
    )
    def propose(asked: schemas.ProposeIn) -> Response:
        """Keep a release made from another one; nothing serves it yet."""
        kept = app.releases.propose(
            asked.base,
            list(asked.changes.items()),
            author=app.owner().principal,
            message=asked.message,
        )
        return as_json(asdict(kept), status=201)

    @router.get("/v1/releases/diff", response_model=schemas.DifferenceOut, tags=["releases"])
    def diff(before: _Name = "live", after: _Name = "workspace") -> Response:
        """Show what differs between two releases, or what two deployments (`d3`) served."""
        return as_json(asdict(app.releases.diff(before, after)))

    @router.get("/v1/releases/{name}", response_model=schemas.ReleaseOut, tags=["releases"])
    def one(name: str) -> Response:
        """Show every value of a release and its history."""
        found = app.releases.view(name)
        values = flat(found.release) if found.release else None
        return as_json(release(found) | {"values": values})

    @router.get("/v1/deployments", tags=["releases"], response_model=list[schemas.DeploymentOut])
    def deployments() -> Response:
        """List what served, newest first, who said so and why."""
        return as_json([asdict(one) for one in app.deployments()])


def _add_deciding(router: APIRouter, app: App) -> None:
    @router.post("/v1/releases/rollback", response_model=schemas.DeploymentOut, tags=["releases"])
    def rollback(asked: schemas.RollbackIn) -> Response:
        """Serve again what served before, from the next question on, in all processes."""
        made = app.releases.rollback(
            to=asked.to,
            with_index=asked.with_index,
            who=app.owner().principal,
            because=asked.because,
        )
        return as_json(asdict(made))

    @router.post(
        "/v1/releases/{name}/promote", response_model=schemas.DeploymentOut, tags=["releases"]
    )
    def promote(name: str, asked: schemas.PromoteIn) -> Response:
        """Serve a release from the next question on, in all processes."""
        made = app.releases.promote(
            name, who=app.owner().principal, because=asked.because, override=asked.override
        )
        return as_json(asdict(made))


def _add_canaries(router: APIRouter, app: App) -> None:
    @router.get("/v1/canaries", response_model=schemas.CanariesOut, tags=["releases"])
    def canaries() -> Response:
        """List canaries, newest first."""
        return as_json({"canaries": [canary(one) for one in app.canaries.all()]})

    @router.post(
        "/v1/releases/{name}/canary",
        status_code=201,
        response_model=schemas.CanaryOut,
        tags=["releases"],
    )
    def start(name: str, asked: schemas.CanaryIn) -> Response:
        """Let a release answer a share of the conversations, from the next one on."""
        wanted = plan(
            percent=asked.percent,
            is_shadow=asked.shadow,
            margin=asked.margin,
            minutes_min=asked.minutes,
        )
        who = app.owner().principal
        made = app.canaries.start(name, wanted, who=who, override=asked.override)
        return as_json(canary(made), status=201)

    @router.post("/v1/canaries/{action}", response_model=schemas.CanaryOut, tags=["releases"])
    def act(action: str, asked: schemas.BecauseIn) -> Response:
        """Have the canary that runs `hold`, `resume` or `stop`."""
        if action == "stop":
            return as_json(canary(app.canaries.stop(because=asked.because or "stopped over HTTP")))
        if action in {"hold", "resume"}:
            reason = (asked.because or "held over HTTP") if action == "hold" else ""
            return as_json(canary(app.canaries.hold(reason)))
        raise BadInput(f"a canary cannot be told to {action[:40]}", hint="hold, resume or stop")


def release(one: ReleaseView) -> dict[str, Any]:
    """Return a release as it is shown."""
    return {
        "id": one.id,
        "is_live": one.is_live,
        "at_ms": one.at_ms,
        "proposal": asdict(one.proposal) if one.proposal else None,
        "ruling": asdict(one.ruling) if one.ruling else None,
        "deployed": [asdict(each) for each in one.deployed],
    }


def canary(one: CanaryView) -> dict[str, Any]:
    """Return a canary as it is shown."""
    record, seen = asdict(one.record), one.watch.canary
    record.pop("watch")
    return record | {
        "percent": seen.plan.percent,
        "shadow": seen.plan.is_shadow,
        "live": seen.live,
        "canary": seen.canary,
        "guards": [
            {
                "name": guard.name,
                "bad_live": guard.bad_live,
                "bad_canary": guard.bad_canary,
                "compared": guard.worse.n,
                "worse_p": guard.worse.p,
                "no_worse_p": guard.no_worse.p,
            }
            for guard in seen.guards
        ],
        "advice": one.advice.because,
    }
