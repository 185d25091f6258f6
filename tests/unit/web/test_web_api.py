"""The API says what the app said, in the shapes that OpenAPI promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_app import RUNBOOK, FakeApp, client_of
from httpx2 import Response
from pydantic import BaseModel
from starlette.testclient import TestClient

from answerable.domain.errors import AnswerableError, DiskFull
from answerable.entrypoints.web import schemas


@pytest.fixture
def app() -> FakeApp:
    """Return an app with three documents."""
    return FakeApp()


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


def fits(shape: type[BaseModel], response: Response) -> dict[str, Any]:
    """Return the JSON of a response that fits its schema with nothing left over."""
    assert response.headers["content-type"] == "application/json"
    return shape.model_validate_json(response.content).model_dump()


def problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem in a response of this status and code."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = schemas.ProblemOut.model_validate_json(response.content).model_dump()
    assert (found["status"], found["code"]) == (status, code)
    assert found["hint"]
    assert len(found["trace_id"]) == 26
    return found


def runbook_id(client: TestClient) -> str:
    """Return the id of the runbook that stands in a folder."""
    listed = client.get("/v1/documents").json()["documents"]
    return str(next(one["id"] for one in listed if one["path"].endswith("KubeAPIDown.md")))


def test_an_answer_has_every_claim_with_its_citations(client: TestClient) -> None:
    """An answer carries its claims, and each quote is what its offsets say."""
    answer = fits(schemas.AnswerOut, client.post("/v1/ask", json={"question": "API down?"}))
    assert answer["outcome"] == "answered"
    assert [one["kind"] for one in answer["claims"]] == ["sentence", "list", "code"]
    assert answer["answer"] == "\n\n".join(one["text"] for one in answer["claims"])
    for claim in answer["claims"]:
        assert claim["verdict"] == "supported"
        for one in claim["citations"]:
            assert RUNBOOK[one["start"] : one["end"]] == one["quote"]
            assert one["url"].endswith(f"&hash={one['content_hash']}#cite")


def test_abstaining_is_a_result(client: TestClient) -> None:
    """An abstention is 200 with the reason and the closest documents, at most `top`."""
    asked = client.post("/v1/ask", json={"question": "the phone number?", "top": 0})
    assert fits(schemas.AnswerOut, asked)["closest"] == []
    asked = client.post("/v1/ask", json={"question": "the phone number?"})
    answer = fits(schemas.AnswerOut, asked)
    assert asked.status_code == 200
    assert (answer["outcome"], answer["rung"], answer["answer"]) == ("abstained", "abstain", "")
    assert answer["code"] == "thin_evidence"
    assert [one["title"] for one in answer["closest"]] == ["KubeAPIDown"]


def test_found_passages_leave_out_what_is_masked(client: TestClient) -> None:
    """Text of a passage holds no front matter and no comment."""
    found = fits(schemas.FoundOut, client.post("/v1/search", json={"query": "api"}))
    text = found["passages"][0]["text"]
    assert "not reachable" in text
    assert "Ada" not in text
    assert "title:" not in text


def test_documents_come_in_pages_without_gap_or_repeat(client: TestClient) -> None:
    """Following `next` gives every document once, also when one went away meanwhile."""
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/v1/documents", params={"limit": 1, "after": after})
        listed = fits(schemas.DocumentsOut, page)
        seen += [one["path"] for one in listed["documents"]]
        after = listed["next"]
    assert seen == ["runbooks/KubeAPIDown.md", "runbooks/etcdNoLeader.md", "upload/notes.md"]


def test_a_page_goes_on_after_a_document_that_vanished(app: FakeApp, client: TestClient) -> None:
    """A cursor names a place, not a document."""
    cursor = client.get("/v1/documents", params={"limit": 1}).json()["next"]
    del app.texts["runbooks/KubeAPIDown.md"]
    listed = client.get("/v1/documents", params={"after": cursor}).json()["documents"]
    assert [one["path"] for one in listed] == ["runbooks/etcdNoLeader.md", "upload/notes.md"]


@pytest.mark.parametrize("after", ["x", "AAAA", "é", "////", "YQ=="])
def test_a_made_up_cursor_is_bad_input(client: TestClient, after: str) -> None:
    """A cursor that no page gave is refused by name."""
    found = problem(client.get("/v1/documents", params={"after": after}), 422, "bad_input")
    assert found["detail"].startswith("after:")


def test_a_document_is_shown_with_and_without_text(client: TestClient) -> None:
    """`text=true` adds the pieces that may be shown, with their offsets."""
    address = f"/v1/documents/{runbook_id(client)}"
    assert fits(schemas.DocumentViewOut, client.get(address))["pieces"] is None
    view = fits(schemas.DocumentViewOut, client.get(address, params={"text": "true"}))
    assert len(view["pieces"]) == 2
    for piece in view["pieces"]:
        assert RUNBOOK[piece["start"] : piece["end"]] == piece["text"]
    problem(client.get(address, params={"revision": 99}), 404, "not_found")
    problem(client.get("/v1/documents/nope"), 404, "not_found")


@pytest.mark.parametrize("path", ["notes.md", 'a"><script>.md', "é/ü.md", "line\nbreak.md"])
def test_a_file_is_taken_as_form_and_as_json(app: FakeApp, client: TestClient, path: str) -> None:
    """Both ways hand the same path and bytes to the app, whatever the name."""
    sent = client.post("/v1/documents", json={"path": path, "content": "Grüße\n"})
    accepted = fits(schemas.AcceptedOut, sent)
    assert sent.status_code == 202
    assert app.submitted == {path: "Grüße\n".encode()}
    assert fits(schemas.JobOut, client.get(accepted["status_url"]))["state"] == "queued"
    app.submitted.clear()
    part = {"file": ("ignored.md", b"\x00\xff")}
    assert client.post("/v1/documents", files=part, data={"path": path}).json() == accepted
    assert app.submitted == {path: b"\x00\xff"}


def test_a_form_without_path_takes_the_name_of_the_file(app: FakeApp, client: TestClient) -> None:
    """The file's own name is its path when no other is given."""
    client.post("/v1/documents", files={"file": ("deep/run.md", b"x")})
    assert app.submitted == {"deep/run.md": b"x"}


def test_only_uploaded_documents_are_replaced(app: FakeApp, client: TestClient) -> None:
    """A document of a folder is changed in its folder; hidden and missing look the same."""
    ids = {one["path"]: one["id"] for one in client.get("/v1/documents").json()["documents"]}
    sent = client.post(f"/v1/documents/{ids['upload/notes.md']}", json={"content": "new"})
    assert sent.status_code == 202
    assert app.submitted == {"upload/notes.md": b"new"}
    address = f"/v1/documents/{ids['runbooks/KubeAPIDown.md']}"
    problem(client.post(address, files={"file": ("x", b"new")}), 409, "conflict")
    problem(client.post("/v1/documents/nope", json={"content": "new"}), 404, "not_found")


def test_traces_are_listed_and_shown(client: TestClient) -> None:
    """Every question can be looked at again, newest first, page by page."""
    for number in range(3):
        client.post("/v1/ask", json={"question": f"question {number}"})
    page = fits(schemas.TracesOut, client.get("/v1/traces", params={"limit": 2}))
    assert [one["question"] for one in page["traces"]] == ["question 2", "question 1"]
    rest = client.get("/v1/traces", params={"limit": 2, "before": page["next"]})
    assert [one["question"] for one in fits(schemas.TracesOut, rest)["traces"]] == ["question 0"]
    trace = fits(schemas.TraceOut, client.get(f"/v1/traces/{page['traces'][0]['id']}"))
    assert trace["question"] == "question 2"
    assert trace["evidence"] == {"coverage": 0.9}
    problem(client.get("/v1/traces/nope"), 404, "not_found")
    problem(client.get("/v1/jobs/nope"), 404, "not_found")


def test_revisions_say_which_one_serves(client: TestClient) -> None:
    """Exactly the serving revision is marked."""
    listed = fits(schemas.RevisionsOut, client.get("/v1/revisions"))
    assert [(one["number"], one["serving"]) for one in listed["revisions"]] == [(3, True)]


def test_alive_is_not_ready(app: FakeApp, client: TestClient) -> None:
    """An empty library is alive, not ready, and says what to do."""
    assert client.get("/readyz").status_code == 200
    app.is_ready = False
    assert fits(schemas.HealthOut, client.get("/healthz")) == {"alive": True}
    response = client.get("/readyz")
    assert response.status_code == 503
    state = fits(schemas.ReadinessOut, response)
    assert "answerable ingest" in state["checks"][1]["detail"]
    problem(client.post("/v1/ask", json={"question": "x"}), 503, "not_ready")


def subclasses(kind: type[AnswerableError]) -> list[type[AnswerableError]]:
    """Return an error with all below it in the tree."""
    return [kind, *(deep for one in kind.__subclasses__() for deep in subclasses(one))]


@pytest.mark.parametrize("kind", subclasses(AnswerableError), ids=lambda kind: kind.code)
def test_every_failure_is_a_problem(
    app: FakeApp, client: TestClient, kind: type[AnswerableError]
) -> None:
    """Status, code and hint of every error of the tree reach the caller."""
    app.failure = kind("it broke", hint="mend it")
    found = problem(client.post("/v1/ask", json={"question": "x"}), kind.status, kind.code)
    assert (found["detail"], found["hint"]) == ("it broke", "mend it")


def test_a_mistake_of_ours_shows_nothing_of_itself(
    app: FakeApp, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is 500 `internal`; its message is neither sent nor logged."""
    app.failure = RuntimeError("the secret text of a document")
    found = problem(client.post("/v1/ask", json={"question": "my question"}), 500, "internal")
    assert found["trace_id"] in caplog.text
    for text in (str(found), caplog.text):
        assert "secret" not in text
        assert "my question" not in text
    app.failure = DiskFull("no room", hint="make some")
    problem(client.post("/v1/documents", json={"path": "a", "content": "b"}), 507, "disk_full")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "JSON"),
        (b'"words"', "body"),
        (b"[" * 50_000, ""),
        (b'{"question": 7}', "question"),
        (b'{"ask": "my secret"}', "question"),
        (b'{"question": "my secret", "top": "many"}', "top"),
        (b'{"question": "my secret", "top": 51}', "top: input should be less than or equal to 50"),
        (b'{"question": "my secret \\ud800"}', "question"),
        (b'{"question": "my secret", "other": 1}', "other"),
        (b'{"question": "my secret", "top": ' + b"9" * 5000 + b"}", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_misshapen_question_is_named_not_echoed(
    client: TestClient, body: bytes, named: str
) -> None:
    """The complaint names the field and holds nothing of what was sent."""
    headers = {"content-type": "application/json"}
    response = client.post("/v1/ask", content=body, headers=headers)
    found = problem(response, response.status_code, "bad_input")
    assert response.status_code in (400, 422)
    assert named in found["detail"]
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{}",
        b'{"path": "", "content": "secret"}',
        b'{"path": "a", "content": "secret \\udc80"}',
    ],
)
def test_a_misshapen_upload_is_named_not_echoed(client: TestClient, content: bytes) -> None:
    """Uploads complain as questions do."""
    headers = {"content-type": "application/json"}
    response = client.post("/v1/documents", content=content, headers=headers)
    problem(response, 422, "bad_input")
    assert "secret" not in response.text
    no_file = client.post("/v1/documents", data={"path": "x"}, files={"other": b""})
    assert problem(no_file, 422, "bad_input")["detail"].startswith("file:")


def test_unknown_addresses_and_methods_are_problems(client: TestClient) -> None:
    """404 and 405 have the same shape as every other failure."""
    problem(client.get("/v1/nothing"), 404, "not_found")
    response = client.get("/v1/ask")
    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_the_schema_names_every_operation(client: TestClient) -> None:
    """OpenAPI describes every route, the problem shape included; the page lists them all."""
    schema = client.get("/openapi.json").json()
    assert "ProblemOut" in schema["components"]["schemas"]
    page = client.get("/docs").text
    for path, methods in schema["paths"].items():
        assert path in page
        for one in methods.values():
            assert one["description"]
            assert "default" in one["responses"]
