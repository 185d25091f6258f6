"""What every request passes before anything looks at it, and every response after.

A page of another site must not read or change anything here, although it can reach this
address through its visitor's browser: so hosts, origins and content types are checked.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from answerable.entrypoints.web import problems

HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_OWN_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)

_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a form of another site can send without asking first is not among these.
_API_TYPES = ("application/json", "multipart/form-data", "application/octet-stream")
_TYPED = ("/v1/", "/mcp")

_log = logging.getLogger("answerable.web")


class Gate:
    """Middleware that lets in what may come in, and bounds it.

    Attributes:
        limit: Gives the most bytes of body that a path may be sent.
    """

    def __init__(self, app: ASGIApp, *, limit: Callable[[str], int]) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _secured(send, is_static=scope["path"].startswith("/static/"))
        refusal = _refusal(scope, limit=self.limit(scope["path"]))
        if refusal is not None:
            await problems.response(refusal)(scope, receive, send)
            return
        await self._guarded(scope, _bounded(receive, self.limit(scope["path"])), send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001  the last one who can answer
            found = problems.internal()
            # Frames only: the message of an exception may hold text of a document.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("internal %s: %s\n%s", found.trace_id, type(error).__name__, frames)
            if not has_begun:
                await problems.response(found)(scope, receive, send)


def _refusal(scope: Scope, *, limit: int) -> problems.Problem | None:
    """Return why a request is not let in, None when it is."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    host = _one(headers, b"host")
    if not _OWN_HOST.fullmatch(host):
        return _not_allowed("this host name is not served here", "use http://127.0.0.1")
    if (length := _one(headers, b"content-length")).isdigit() and int(length) > limit:
        return problems.of_http(too_large(limit))
    if scope["method"] in _SAFE_METHODS:
        return None
    if not _is_own(headers, scope["scheme"], host):
        return _not_allowed("a page of another site sent this", "ask from Answerable's own page")
    kind = _one(headers, b"content-type").lower()
    is_bare = length in ("", "0") and not _one(headers, b"transfer-encoding")
    if _is_typed(scope) and not (is_bare or kind.startswith(_API_TYPES)):
        return problems.of_http(
            HTTPException(415, f"the content type must be {' or '.join(_API_TYPES)}")
        )
    return None


def _is_typed(scope: Scope) -> bool:
    """Return whether a request must say that it is none that a form can send.

    No page can send a DELETE to another site without asking first, and it has no body.
    """
    path: str = scope["path"]
    return path.startswith(_TYPED) and not (scope["method"] == "DELETE" and path.startswith("/v1/"))


def too_large(limit: int) -> HTTPException:
    """Return the refusal of a body of more than `limit` bytes."""
    return HTTPException(413, f"the body is larger than {limit} bytes")


def _not_allowed(detail: str, hint: str) -> problems.Problem:
    return problems.problem(status=403, code="not_allowed", detail=detail, hint=hint)


def _one(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Return the value of a header that stands there once, else the empty string."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _is_own(headers: list[tuple[bytes, bytes]], scheme: str, host: str) -> bool:
    """Return whether a browser says that this origin sent it, or no browser is involved."""
    site = _one(headers, b"sec-fetch-site")
    if site not in ("", "same-origin", "none"):
        return False
    # A browser that was told to send no referrer writes the origin of a form as null; only
    # together with `same-origin`, which no page can forge, is that our own form.
    origin = _one(headers, b"origin")
    return origin in ("", f"{scheme}://{host}") or (origin == "null" and site == "same-origin")


def _bounded(receive: Receive, limit: int) -> Receive:
    """Return a `receive` that fails as soon as more than `limit` bytes of body have come."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise too_large(limit)
        return message

    return bounded


def _secured(send: Send, *, is_static: bool) -> Send:
    """Return a `send` that adds the security headers, and lets nothing but assets be kept."""
    cache = b"no-cache" if is_static else b"no-store"

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_HEADERS, (b"cache-control", cache)]
        await send(message)

    return secured
