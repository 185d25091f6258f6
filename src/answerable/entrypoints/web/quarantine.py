"""Files that could not be read, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from answerable.app import App
from answerable.app.quarantine import Ill
from answerable.entrypoints.web import render, schemas
from answerable.entrypoints.web.replies import as_json


def add_quarantine(router: APIRouter, app: App) -> None:
    """Add the routes of what could not be read."""

    @router.get(
        "/v1/documents/quarantine", response_model=schemas.QuarantineOut, tags=["quarantine"]
    )
    def quarantine() -> Response:
        """List files that could not be read, by path, with what to do about each."""
        return as_json({"quarantine": [render.quarantined(one) for one in app.quarantined()]})

    @router.get(
        "/v1/documents/quarantine/{document}",
        response_model=schemas.QuarantinedOut,
        tags=["quarantine"],
    )
    def one(document: str) -> Response:
        """Show what is known of one of them."""
        return _one(app.find_quarantined(document))

    @router.post(
        "/v1/documents/quarantine/{document}/retry",
        response_model=schemas.QuarantinedOut,
        tags=["quarantine"],
    )
    def retry(document: str) -> Response:
        """Let it be tried again when its source is next read, though nothing has changed."""
        (wanted,) = app.retry_quarantined((document,))
        return _one(app.find_quarantined(wanted.document.document_id))

    @router.post(
        "/v1/documents/quarantine/{document}/ignore",
        response_model=schemas.QuarantinedOut,
        tags=["quarantine"],
    )
    def ignore(document: str, said: schemas.IgnoreIn) -> Response:
        """Hear no more of it: it is skipped, and no ingest fails for it."""
        who = app.owner().principal
        return _one(app.ignore_quarantined(document, who=who, because=said.because))


def _one(found: Ill) -> Response:
    return as_json(render.quarantined(found))
