"""The web application: API, pages and assets behind the gate."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from answerable import __version__
from answerable.app import App
from answerable.domain.errors import AnswerableError
from answerable.entrypoints.web import problems, schemas
from answerable.entrypoints.web.addition import Adding
from answerable.entrypoints.web.api import api
from answerable.entrypoints.web.evaluations import evaluation_pages
from answerable.entrypoints.web.gate import Gate
from answerable.entrypoints.web.happening import Answers
from answerable.entrypoints.web.library import library_pages
from answerable.entrypoints.web.openai import openai
from answerable.entrypoints.web.pages import pages
from answerable.entrypoints.web.printing import HERE, error_page, html
from answerable.entrypoints.web.releases import releases_pages
from answerable.entrypoints.web.releases_api import releases_api
from answerable.entrypoints.web.sources_api import sources_api
from answerable.entrypoints.web.streams import Streams

QUESTION_BYTES_MAX = 256 * 1024
# A comment as long as may be, with every character escaped.
FEEDBACK_BYTES_MAX = 32 * 1024
# An answer of many code blocks, handed back.
ANSWER_BYTES_MAX = 4 * 1024 * 1024
_PUSHED = re.compile(r"/v1/sources/[^/]+/documents/")
_WITH_ANSWERS = frozenset({"/v1/verify", "/mcp"})
# What a form adds around a file.
_FORM_BYTES = 64 * 1024


def build(
    app: App,
    background: AbstractAsyncContextManager[None] | None = None,
    adding: Sequence[Adding] = (),
) -> FastAPI:
    """Return the web application over one app.

    Args:
        app: Who answers.
        background: Entered before the first request and left after the last.
        adding: What other doors add.
    """
    streams = Streams(app.settings.serve.answers)
    answers = Answers(app, streams)
    additions = [add(app, answers) for add in adding]
    running = (background or nullcontext(), *(one.running for one in additions))
    site = FastAPI(
        title="Answerable",
        version=__version__,
        description="Answers from your own documents, every sentence checked against exact quotes.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(running, streams),
        telemetry={"tracing": False},
    )
    site.include_router(api(app, answers))
    site.include_router(sources_api(app))
    site.include_router(releases_api(app))
    site.include_router(openai(app, answers))
    site.include_router(pages(app, answers))
    site.include_router(library_pages(app))
    site.include_router(releases_pages(app))
    site.include_router(evaluation_pages(app))
    site.routes.extend(route for one in additions for route in one.routes)
    site.mount("/static", StaticFiles(directory=HERE / "static"))
    _add_docs(site)
    _add_failures(site)
    upload_bytes_max = app.settings.ingest.size_mb_max * 1_000_000 + _FORM_BYTES

    def limit(path: str) -> int:
        if path.startswith("/v1/documents") or _PUSHED.match(path):
            return upload_bytes_max
        if path in _WITH_ANSWERS:
            return ANSWER_BYTES_MAX
        return FEEDBACK_BYTES_MAX if path.endswith("/feedback") else QUESTION_BYTES_MAX

    site.add_middleware(Gate, limit=limit)
    return site


def _lifespan(running: Iterable[AbstractAsyncContextManager[None]], streams: Streams) -> Any:
    @asynccontextmanager
    async def lifespan(_site: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in running:
                await stack.enter_async_context(one)
            try:
                yield
            finally:
                await run_in_threadpool(streams.close)

    return lifespan


def _add_failures(site: FastAPI) -> None:
    def answer(request: Request, found: problems.Problem) -> Response:
        is_page = not request.url.path.startswith("/v1/")
        if is_page and "text/html" in request.headers.get("accept", ""):
            is_fragment = request.headers.get("hx-request") == "true"
            return error_page(found, is_fragment=is_fragment)
        return problems.response(found)

    @site.exception_handler(AnswerableError)
    async def failed(request: Request, error: AnswerableError) -> Response:
        return answer(request, problems.of_failure(error))

    @site.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        shown = answer(request, problems.of_http(error))
        shown.headers.update(error.headers or {})
        return shown

    @site.exception_handler(RequestValidationError)
    async def misshapen(request: Request, error: RequestValidationError) -> Response:
        return answer(request, problems.of_validation(error))


def _add_docs(site: FastAPI) -> None:
    make = site.openapi

    def schema() -> dict[str, Any]:
        made = make()
        # Named by every operation, used by none of FastAPI's own models.
        made["components"]["schemas"]["ProblemOut"] = schemas.ProblemOut.model_json_schema()
        return made

    # FastAPI's documented way to extend it.
    site.openapi = schema  # type: ignore[method-assign]

    @site.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        context = {"version": __version__, "operations": list(operations(site.openapi()))}
        return html("docs.html", context)


def operations(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what the page of addresses says about each operation of an OpenAPI schema."""
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            status, answer = next(iter(one["responses"].items()))
            yield {
                "path": path,
                "method": method.upper(),
                "summary": one.get("description", one["summary"]),
                "parameters": [parameter["name"] for parameter in one.get("parameters", ())],
                "body": _shape(schema, one["requestBody"]) if "requestBody" in one else "",
                "status": status,
                "answer": _shape(schema, answer),
            }


def _shape(schema: Mapping[str, Any], holder: Mapping[str, Any]) -> str:
    """Return the shape of a request or response, references of the first level resolved."""
    kind, media = next(iter(holder["content"].items()))
    shape = media["schema"]
    name = shape.get("$ref", "").rpartition("/")[2]
    resolved = schema["components"]["schemas"][name] if name else shape
    return f"{kind}\n{json.dumps(resolved.get('properties', resolved), indent=2)}"
