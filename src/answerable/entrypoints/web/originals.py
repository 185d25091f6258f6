"""The bytes documents were read from, over HTTP: to be saved, never to be shown here."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from answerable.app import App
from answerable.entrypoints.web import schemas

_KIND = "application/octet-stream"
# Whatever a browser makes of it all the same has no scripts and no origin.
_POLICY = "sandbox; default-src 'none'"


def add_originals(router: APIRouter, app: App) -> None:
    """Add the route of originals."""

    @router.get(
        "/v1/documents/{document}/original",
        response_class=Response,
        responses={
            200: {"content": {_KIND: {"schema": {"type": "string", "format": "binary"}}}},
        },
        tags=["documents"],
    )
    def original(
        document: str,
        revision: Annotated[int | None, Query(ge=0, le=schemas.NUMBER_MAX)] = None,
    ) -> Response:
        """Give the bytes a document was read from, as a file to be saved."""
        found = app.original(document, app.owner(), revision=revision)
        headers = {
            "content-disposition": _attachment(found.name),
            "content-security-policy": _POLICY,
            "x-answerable-sha256": found.member.bytes_hash,
        }
        return Response(found.data, media_type=_KIND, headers=headers)


def _attachment(name: str) -> str:
    """Return the header that has a browser save a file under its name.

    Source: RFC 6266; quoted whole, so that no name can add a parameter or a header.
    """
    named = quote(name.encode("utf-8", "surrogateescape"), safe="")
    return f"attachment; filename*=UTF-8''{named}"
