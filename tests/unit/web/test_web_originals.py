"""Originals are files to be saved; whatever is in them, no browser runs it."""

from __future__ import annotations

import pytest
from fake_app import FakeApp
from starlette.testclient import TestClient
from test_web_api import app, client, problem, runbook_id

__all__ = ["app", "client"]


def test_the_bytes_come_as_a_file(client: TestClient) -> None:
    """Of no type that is shown, sniffed at by nobody, and in a sandbox should it be opened."""
    answer = client.get(f"/v1/documents/{runbook_id(client)}/original")
    assert answer.status_code == 200
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''page.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policies = answer.headers.get_list("content-security-policy")
    assert any(one.startswith("sandbox;") for one in policies)
    assert not any("allow-scripts" in one for one in policies)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('a"; filename=b.exe', "a%22%3B%20filename%3Db.exe"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("Grüße.md", "Gr%C3%BC%C3%9Fe.md"),
        ("\udcff.md", "%FF.md"),
    ],
)
def test_a_name_adds_nothing(app: FakeApp, client: TestClient, name: str, said: str) -> None:
    """Neither a parameter nor a header, whatever stands in it."""
    app.named = name
    answer = client.get(f"/v1/documents/{runbook_id(client)}/original")
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{said}"
    assert "x-evil" not in answer.headers


def test_what_is_not_there_is_a_problem(client: TestClient) -> None:
    """As for the document itself."""
    problem(client.get("/v1/documents/nope/original"), 404, "not_found")
    address = f"/v1/documents/{runbook_id(client)}/original"
    problem(client.get(address, params={"revision": 99}), 404, "not_found")
