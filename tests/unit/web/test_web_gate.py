"""What every request passes, and every response carries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fake_app import FakeApp, client_of, site_of
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Message

from answerable.settings import Ingest, Settings


@pytest.fixture
def app() -> FakeApp:
    """Return an app with three documents."""
    return FakeApp()


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9", "127.0.0.1:8080", "[::1]:80", "LOCALHOST"]
)
def test_this_machine_is_served(client: TestClient, host: str) -> None:
    """Every name of this machine is let in, with any port."""
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost.x",
     "", "[", "192.168.0.1", "127.0.0.2", "localhost/../evil"],
)  # fmt: skip
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    """A name that some other machine pointed at this one opens nothing."""
    for path in ("/", "/healthz", "/v1/documents", "/static/logo.svg"):
        response = client.get(path, headers={"host": host})
        assert response.status_code == 403
        assert response.json()["code"] == "not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "https://localhost:8080"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:8080"},
        {"origin": "null", "sec-fetch-site": "none"},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    app: FakeApp, client: TestClient, headers: dict[str, str]
) -> None:
    """What a browser marks as another site's doing is refused before anything is done."""
    file = {"file": ("a.md", b"x")}
    assert client.post("/v1/documents", files=file, headers=headers).status_code == 403
    assert client.post("/", data={"question": "x"}, headers=headers).status_code == 403
    assert not app.submitted
    assert not app.asked


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8080"},
        {"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_our_own_page_and_programs_are_let_in(client: TestClient, headers: dict[str, str]) -> None:
    """Our page, with the null origin its referrer policy causes, and curl may ask."""
    assert client.post("/", data={"question": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_api_takes_no_simple_forms(app: FakeApp, client: TestClient, kind: str) -> None:
    """What any page may send without asking is no way into the API."""
    headers = {"content-type": kind}
    response = client.post("/v1/ask", content=b'{"question": "x"}', headers=headers)
    assert response.status_code == 415
    assert response.json()["code"] == "bad_input"
    assert not app.asked


def small() -> FakeApp:
    """Return an app that takes uploads of up to a megabyte."""
    return FakeApp(settings=Settings(ingest=Ingest(size_mb_max=1)))


LIMITS = [("/v1/ask", 256 * 1024), ("/", 256 * 1024), ("/v1/documents", 1_100_000)]
STEP = 16_384


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize(("path", "limit"), LIMITS)
def test_a_large_body_is_refused_while_it_comes(path: str, limit: int, is_announced: bool) -> None:
    """Nothing is read of a body announced too large, and of another hardly more than allowed."""
    app = small()
    status, problem, taken = asyncio.run(endless(site_of(app), path, is_announced=is_announced))
    assert (status, problem["code"]) == (413, "too_large")
    assert taken <= (0 if is_announced else limit + 2 * STEP)
    assert not app.asked
    assert not app.submitted


async def endless(site: FastAPI, path: str, *, is_announced: bool) -> tuple[int, Any, int]:
    """Send a body without end; return status, JSON and how many bytes were taken."""
    kind = b"application/x-www-form-urlencoded" if path == "/" else b"application/json"
    headers = [(b"host", b"localhost"), (b"content-type", kind)]
    if is_announced:
        headers.append((b"content-length", b"9999999999"))
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": headers, "server": ("localhost", 80), "client": ("localhost", 1),
    }  # fmt: skip
    taken = 0
    sent: list[Any] = []

    async def receive() -> Message:
        nonlocal taken
        taken += STEP
        return {"type": "http.request", "body": b"x" * STEP, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    await site(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"]), taken


def test_a_large_part_of_a_form_is_refused() -> None:
    """Multipart uploads are bounded as JSON is."""
    app = small()
    with client_of(app) as client:
        fits = client.post("/v1/documents", files={"file": ("a", b"x" * 1_000_000)})
        assert fits.status_code == 202
        response = client.post("/v1/documents", files={"file": ("a", b"x" * 1_100_000)})
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


@pytest.mark.parametrize("path", ["/", "/v1/documents", "/nothing", "/static/answerable.css"])
def test_every_response_carries_the_security_headers(client: TestClient, path: str) -> None:
    """Nothing inline runs, nothing is framed, sniffed, referred or kept."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    kept = "no-cache" if path.startswith("/static/") else "no-store"
    assert headers["cache-control"] == kept
