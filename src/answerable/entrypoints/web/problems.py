"""Every failure as ``application/problem+json``, in one shape.

Source: RFC 9457, with `code`, `hint` and `trace_id` beside the standard members.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from answerable.domain.errors import AnswerableError

MEDIA_TYPE = "application/problem+json"

RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong, with a stable code and what to do",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
}
"""For every route: what it answers when something goes wrong."""

# Codes and hints of failures that never reach the app.
_OF_HTTP = {
    404: ("not_found", "GET /docs lists what there is"),
    405: ("method_not_allowed", "GET /docs lists the methods of every address"),
    413: ("too_large", "send less at once"),
    415: ("bad_input", "say what the body is, with Content-Type"),
}
_NAME_CHARS = 60
_COMPLAINTS_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What went wrong, for programs and people. Never holds text of questions or documents.

    Attributes:
        code: As in `AnswerableError`; ``internal`` when it is our mistake.
        trace_id: Names this one failure; the log has it where there is more to know.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    trace_id: str


def problem(*, status: int, code: str, detail: str, hint: str) -> Problem:
    """Return a problem under a fresh trace id."""
    return Problem(
        type=f"urn:answerable:error:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        trace_id=secrets.token_hex(13),
    )


def of_failure(error: AnswerableError) -> Problem:
    """Return the problem that says what a failure says."""
    return problem(status=error.status, code=error.code, detail=error.message, hint=error.hint)


def of_http(error: HTTPException) -> Problem:
    """Return the problem of a status the framework decided on."""
    status = error.status_code
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    code, hint = _OF_HTTP.get(status, ("internal" if is_ours else "bad_input", "GET /docs"))
    return problem(
        status=status, code=code, detail=str(error.detail or HTTPStatus(status).phrase), hint=hint
    )


def of_validation(error: RequestValidationError) -> Problem:
    """Return the problem of a request that does not fit its schema; names fields, not values."""
    complaints = [_complaint(one["type"], one["loc"], one["msg"]) for one in error.errors()]
    return problem(
        status=422,
        code="bad_input",
        detail="; ".join(complaints[:_COMPLAINTS_MAX]),
        hint="GET /docs",
    )


def internal() -> Problem:
    """Return the problem of a mistake of ours; what happened is in the log under its id."""
    return problem(
        status=500,
        code="internal",
        detail="Answerable failed in a way it should not.",
        hint="look for the trace id in the log of `answerable serve`",
    )


def response(found: Problem) -> Response:
    """Return a problem as an HTTP response."""
    body = json.dumps(asdict(found)).encode()
    return Response(body, status_code=found.status, media_type=MEDIA_TYPE)


def _complaint(kind: str, place: tuple[int | str, ...], message: str) -> str:
    if kind == "json_invalid":
        return "the body is not valid JSON"
    name = ".".join(str(part) for part in place[1:]) or "the body"
    return f"{_printable(name[:_NAME_CHARS])}: {message[0].lower()}{message[1:]}"


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)
