"""Files that could not be read, over HTTP."""

from __future__ import annotations

from dataclasses import replace

from fake_app import FakeApp
from starlette.testclient import TestClient
from test_web_api import app, client, fits, problem

from answerable.entrypoints.web import schemas

__all__ = ["app", "client"]

ADDRESS = "/v1/documents/quarantine"


def test_they_are_listed_with_what_to_do(app: FakeApp, client: TestClient) -> None:
    """All of them, and each by itself; a size that nobody knows is none."""
    (one,) = fits(schemas.QuarantineOut, client.get(ADDRESS))["quarantine"]
    assert (one["path"], one["code"], one["advice"]) == ("scan.pdf", "malformed", "save it again")
    assert (one["size"], one["attempts"], one["retry"]) == (7, 2, False)
    assert fits(schemas.QuarantinedOut, client.get(f"{ADDRESS}/{one['document_id']}")) == one
    problem(client.get(f"{ADDRESS}/nope"), 404, "not_found")
    app.ill = replace(app.ill, bytes_hash="", size=0)
    assert client.get(ADDRESS).json()["quarantine"][0]["size"] is None


def test_one_is_ignored_and_tried_again(app: FakeApp, client: TestClient) -> None:
    """With who and why; and that it will be tried is said."""
    address = f"{ADDRESS}/{app.ill.document_id}"
    ignored = client.post(f"{address}/ignore", json={"because": "a scan"})
    found = fits(schemas.QuarantinedOut, ignored)
    assert (found["ignored_by"], found["ignored_because"]) == ("owner", "a scan")
    again = client.post(f"{address}/retry", headers={"Content-Type": "application/json"})
    found = fits(schemas.QuarantinedOut, again)
    assert (found["ignored_by"], found["retry"]) == ("", True)
    problem(client.post(f"{address}/ignore", json={"because": ""}), 422, "bad_input")
    problem(client.post(f"{ADDRESS}/nope/ignore", json={"because": "x"}), 404, "not_found")
