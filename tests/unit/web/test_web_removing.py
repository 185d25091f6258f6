"""Documents are taken away over HTTP: hidden, or erased in the background."""

from __future__ import annotations

import pytest
from fake_app import FakeApp
from starlette.testclient import TestClient
from test_web_api import app, client, fits, problem, runbook_id

from answerable.entrypoints.web import schemas

__all__ = ["app", "client"]


def test_a_document_is_hidden(app: FakeApp, client: TestClient) -> None:
    """At once, with who and why; nothing is erased."""
    one = runbook_id(client)
    answer = client.delete(f"/v1/documents/{one}", params={"because": "replaced"})
    assert answer.status_code == 200
    assert fits(schemas.RemovedOut, answer) == {
        "documents": [one],
        "purge": None,
        "status_url": None,
    }
    assert app.removed == [(one, app.owner().principal, "replaced")]
    assert app.purged == []
    problem(client.delete("/v1/documents/nope"), 404, "not_found")


def test_a_document_is_purged(app: FakeApp, client: TestClient) -> None:
    """It is accepted, and its address says when nothing is left; no name is told."""
    one = runbook_id(client)
    answer = client.delete(f"/v1/documents/{one}", params={"purge": "true", "because": "a key"})
    assert answer.status_code == 202
    accepted = fits(schemas.RemovedOut, answer)
    assert accepted == {"documents": [one], "purge": 1, "status_url": "/v1/purges/1"}
    assert app.removed == []
    found = fits(schemas.PurgeOut, client.get(accepted["status_url"]))
    assert (found["who"], found["because"]) == (app.owner().principal, "a key")
    assert (found["done_at_ms"], found["documents"]) == (None, [one])
    assert fits(schemas.PurgesOut, client.get("/v1/purges")) == {"purges": [found]}
    assert "KubeAPIDown" not in client.get("/v1/purges").text
    problem(client.get("/v1/purges/2"), 404, "not_found")
    problem(client.delete("/v1/documents/nope", params={"purge": "true"}), 404, "not_found")


def test_copies_go_only_when_that_is_said(app: FakeApp, client: TestClient) -> None:
    """Without it nothing happens."""
    app.has_copy = True
    address = f"/v1/documents/{runbook_id(client)}"
    problem(client.delete(address, params={"purge": "true"}), 409, "conflict")
    assert app.purged == []
    both = client.delete(address, params={"purge": "true", "with_copies": "true"})
    assert len(fits(schemas.RemovedOut, both)["documents"]) == 2


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_a_page_of_another_site_takes_nothing_away(
    app: FakeApp, client: TestClient, headers: dict[str, str]
) -> None:
    """However it is sent."""
    address = f"/v1/documents/{runbook_id(client)}"
    problem(client.delete(address, headers=headers), 403, "not_allowed")
    assert app.removed == []


def test_why_must_be_text_of_some_length(client: TestClient) -> None:
    """What cannot be kept is refused by name."""
    address = f"/v1/documents/{runbook_id(client)}"
    said = problem(client.delete(address, params={"because": "x" * 1_001}), 422, "bad_input")
    assert said["detail"].startswith("because:")
