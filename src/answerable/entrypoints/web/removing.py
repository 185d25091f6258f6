"""Taking documents away over HTTP: hidden, or erased."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from answerable.app import App
from answerable.domain.errors import NotFound
from answerable.entrypoints.web import render, schemas
from answerable.entrypoints.web.replies import as_json

_BECAUSE = "removed over HTTP"
_BECAUSE_MAX = 1_000

Number = Annotated[int, Path(ge=0, le=schemas.NUMBER_MAX)]


def add_removing(router: APIRouter, app: App) -> None:
    """Add the routes that take documents away."""

    @router.delete(
        "/v1/documents/{document}",
        response_model=schemas.RemovedOut,
        responses={202: {"model": schemas.RemovedOut, "description": "Hidden, and to be erased"}},
        tags=["documents"],
    )
    def remove(
        document: str,
        because: Annotated[
            schemas.Words, Query(max_length=_BECAUSE_MAX, description="Why, for the record")
        ] = _BECAUSE,
        purge: Annotated[
            bool, Query(description="Erase it from everything kept; nothing undoes that")
        ] = False,
        with_copies: Annotated[
            bool, Query(description="Purge documents with the same bytes as well")
        ] = False,
    ) -> Response:
        """Hide a document from every revision at once; with `purge`, erase it in the background."""
        who = app.owner().principal
        if not purge:
            removed = app.remove(document, who=who, because=because).document.id
            return as_json({"documents": [removed], "purge": None, "status_url": None})
        plan = app.plan_purge(document)
        begun = app.begin_purge(plan, who=who, because=because, with_copies=with_copies)
        accepted: render.Plain = {
            "documents": [one.document_id for one in begun.documents],
            "purge": begun.number,
            "status_url": f"/v1/purges/{begun.number}",
        }
        return as_json(accepted, status=202)

    @router.get("/v1/purges", response_model=schemas.PurgesOut, tags=["documents"])
    def purges() -> Response:
        """List what was purged, newest first: neither texts nor names are left."""
        return as_json({"purges": [render.purge(one) for one in app.purges()]})

    @router.get("/v1/purges/{number}", response_model=schemas.PurgeOut, tags=["documents"])
    def one(number: Number) -> Response:
        """Show whether a purge is done."""
        for found in app.purges():
            if found.number == number:
                return as_json(render.purge(found))
        raise NotFound("there is no such purge", hint="GET /v1/purges")
