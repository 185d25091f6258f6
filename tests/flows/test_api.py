"""The API over the real app: a question's path and a document's path from door to door."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from answerable.app import App, init_workspace, open_app
from answerable.domain.documents import text_hash
from answerable.entrypoints.web.site import build

RUNBOOKS = Path(__file__).parents[2] / "examples" / "prometheus-operator-runbooks"
pytestmark = pytest.mark.skipif(
    not RUNBOOKS.is_dir(), reason="examples/prometheus-operator-runbooks is not vendored here"
)


def workspace(folder: Path) -> Path:
    """Return a new workspace whose data stays in its folder."""
    init_workspace(folder, data_dir="data")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Give an app over the example runbooks, for tests that change no documents."""
    with open_app(workspace(tmp_path_factory.mktemp("library"))) as app:
        app.ingest(RUNBOOKS)
        yield app


@pytest.fixture
def client(library: App) -> Iterator[TestClient]:
    """Give a client of the site over the runbooks."""
    with TestClient(build(library), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[App]:
    """Give an app with nothing in it."""
    with open_app(workspace(tmp_path / "empty")) as app:
        yield app


def ask(client: TestClient, question: str) -> Response:
    """Return what came of a question."""
    return client.post("/v1/ask", json={"question": question})


def text_of(client: TestClient, document: str) -> dict[str, Any]:
    """Return a document with its text, masked ranges filled with blanks."""
    view: dict[str, Any] = client.get(f"/v1/documents/{document}?text=true").json()
    text = ""
    for piece in view["pieces"]:
        text += "\0" * (piece["start"] - len(text)) + piece["text"]
    return view | {"text": text}


def test_an_answer_quotes_the_documents_exactly(client: TestClient) -> None:
    """Every citation is the text at its offsets, and its address shows it highlighted."""
    answer = ask(client, "What should I check when KubeAPIDown fires?").json()
    assert answer["outcome"] == "answered"
    citations = [one for claim in answer["claims"] for one in claim["citations"]]
    assert any(one["path"].endswith("KubeAPIDown.md") for one in citations)
    for one in citations:
        view = text_of(client, one["document_id"])
        assert view["text"][one["start"] : one["end"]] == one["quote"]
        assert view["content_hash"] == one["content_hash"]
        assert view["text"].count("\n", 0, one["start"]) < one["line"]
        page = client.get(one["url"].removesuffix("#cite")).text
        assert page.count('id="cite"') == 1


def test_what_the_documents_do_not_say_is_not_answered(client: TestClient) -> None:
    """An unanswerable question abstains, with a reason and a trace."""
    answer = ask(client, "Which xylophone suits a zucchini lasagna?").json()
    assert answer["outcome"] == "abstained"
    assert answer["because"]
    assert answer["claims"] == []
    kept = client.get(f"/v1/traces/{answer['trace_id']}").json()
    assert kept["outcome"] == "abstained"
    assert kept["release"] == answer["release"]


def test_search_finds_passages_of_the_text(client: TestClient) -> None:
    """Passages come best first, at most `limit`, and their address leads to them."""
    found = client.post("/v1/search", json={"query": "etcd has no leader", "limit": 3}).json()
    passages = found["passages"]
    assert 1 <= len(passages) <= 3
    assert "etcdNoLeader" in passages[0]["path"]
    scores = [one["score"] for one in passages]
    assert scores == sorted(scores, reverse=True)
    assert client.get(passages[0]["url"].removesuffix("#cite")).status_code == 200


@pytest.mark.parametrize(
    "question",
    ['" OR NEAR( *', "title:etcd AND (", "etcd^5 ~3 [a TO b]", "'; DROP TABLE traces; --",
     "\\", "* ? + - : { } / ", "etcd\x00leader", "\u202ereversed", "x" * 99_000, "é " * 4_000],
)  # fmt: skip
def test_no_question_is_a_query_language(client: TestClient, question: str) -> None:
    """Operators are words like others: an outcome or a bad question, never a failure."""
    for response in (
        ask(client, question),
        client.post("/v1/search", json={"query": question}),
    ):
        assert response.status_code in (200, 422), response.text
        if response.status_code == 422:
            assert response.json()["code"] == "bad_question"
            assert question[:20] not in response.text


@pytest.mark.parametrize("question", ["", "   \n", "why " * 25_000, "x" * 100_001])
def test_a_question_of_no_or_endless_length_is_refused(client: TestClient, question: str) -> None:
    """0 and 100,000 characters: one clear sentence, which does not repeat them."""
    response = ask(client, question)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "bad_question"
    assert len(response.content) < 1000
    page = client.post("/", data={"question": question})
    assert page.status_code == 422


def test_all_documents_are_listed_page_by_page(client: TestClient, library: App) -> None:
    """The pages together are the library, in order."""
    paths: list[str] = []
    after = ""
    while True:
        page = client.get("/v1/documents", params={"limit": 50, "after": after}).json()
        paths += [one["path"] for one in page["documents"]]
        if not page["next"]:
            break
        after = page["next"]
    assert paths == [one.document.path for one in library.documents(library.owner())]
    assert page["total"] == len(paths) > 100


def test_records_show_what_serves(client: TestClient) -> None:
    """The revision of an answer is the serving one of the list."""
    answer = ask(client, "etcd has no leader").json()
    serving = [one for one in client.get("/v1/revisions").json()["revisions"] if one["serving"]]
    assert [one["number"] for one in serving] == [answer["revision"]]
    assert client.get("/v1/traces?limit=1").json()["traces"][0]["id"] == answer["trace_id"]
    assert client.get("/readyz").json()["ready"] is True


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/documents/nope", 404, "not_found"),
        ("GET", "/v1/traces/nope", 404, "not_found"),
        ("GET", "/v1/jobs/nope", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/documents", 405, "method_not_allowed"),
        ("PUT", "/v1/ask", 405, "method_not_allowed"),
        ("GET", "/v1/ask", 405, "method_not_allowed"),
        ("GET", "/v1/documents?limit=0", 422, "bad_input"),
        ("GET", "/v1/documents/nope?revision=x", 422, "bad_input"),
        ("GET", "/v1/documents/nope?revision=99999999999999999999", 422, "bad_input"),
        ("GET", "/v1/traces?before=%00", 200, ""),
        ("GET", "/v1/documents/%00", 404, "not_found"),
    ],
)
def test_failures_are_problems(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    """Whatever is asked wrongly is answered in one shape."""
    response = client.request(method, path)
    assert response.status_code == status, response.text
    if code:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == code


def test_an_empty_library_is_not_ready(empty: App) -> None:
    """Asking says what to do first; alive is not ready."""
    with TestClient(build(empty), base_url="http://localhost") as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        response = ask(client, "anything?")
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert "answerable ingest" in response.json()["hint"]
        assert "answerable ingest PATH" in client.get("/").text
        assert client.get("/v1/documents").json()["documents"] == []


HOSTILE = 'deep/"><script>alert(1)<.md'
TEXT = "# Quokka duty\n\nThe quokka shift begins at 07:45 in the north hangar.\n"
QUESTION = "When does the quokka shift begin?"


def test_an_upload_becomes_an_answer_and_can_be_replaced(empty: App) -> None:
    """202, a job, then answers from it; new content replaces the old, whatever its name."""
    with TestClient(build(empty), base_url="http://localhost") as client:
        sent = client.post("/v1/documents", json={"path": HOSTILE, "content": TEXT})
        assert sent.status_code == 202, sent.text
        accepted = sent.json()
        assert client.get(accepted["status_url"]).json()["state"] == "queued"
        assert empty.work_once()
        assert client.get(accepted["status_url"]).json()["state"] == "done"
        view = client.get(f"/v1/documents/{accepted['document_id']}").json()
        assert (view["path"], view["content_hash"]) == (HOSTILE, text_hash(TEXT))
        first = ask(client, QUESTION).json()
        assert "07:45" in first["answer"]
        page = client.post("/", data={"question": QUESTION}).text
        assert "<script>alert" not in page

        address = f"/v1/documents/{accepted['document_id']}"
        changed = TEXT.replace("07:45", "09:15").encode()
        again = client.post(address, files={"file": ("x", changed)})
        assert again.json()["document_id"] == accepted["document_id"]
        assert empty.work_once()
        assert "09:15" in ask(client, QUESTION).json()["answer"]
        # The first answer's link still shows what was quoted then.
        old = first["claims"][0]["citations"][0]["url"].removesuffix("#cite")
        page = client.get(old).text
        assert "It has changed since" in page
        assert "07:45" in page


@pytest.mark.parametrize("path", ["../up.md", "/abs.md", "", "a/../b.md", "a//b.md", "x\n/../.."])
def test_an_unsafe_path_is_refused(empty: App, path: str) -> None:
    """No upload leaves its place."""
    with TestClient(build(empty), base_url="http://localhost") as client:
        response = client.post("/v1/documents", json={"path": path, "content": "x"})
        assert response.status_code == 422, response.text
        assert response.json()["code"] == "bad_input"


def test_a_failed_upload_says_why(empty: App) -> None:
    """A file nobody can read fails its job with the reason; the library is as before."""
    with TestClient(build(empty), base_url="http://localhost") as client:
        sent = client.post("/v1/documents", files={"file": ("a.md", b"\x00\x01\x02" * 500)}).json()
        empty.work_once()
        job = client.get(sent["status_url"]).json()
        assert job["state"] in ("failed", "done")
        assert job["result"]
        assert client.get("/v1/documents").json()["total"] == 0


def test_only_this_machine_is_served(client: TestClient) -> None:
    """Rebound names and other sites' forms get nowhere."""
    assert client.get("/v1/documents", headers={"host": "evil.example"}).status_code == 403
    origin = {"origin": "http://evil.example"}
    assert client.post("/", data={"question": "x"}, headers=origin).status_code == 403
    assert client.post("/v1/ask", json={"question": "x"}, headers=origin).status_code == 403


def test_a_document_of_a_folder_is_not_replaced(client: TestClient) -> None:
    """What comes from a folder changes there."""
    first = client.get("/v1/documents?limit=1").json()["documents"][0]
    response = client.post(f"/v1/documents/{first['id']}", json={"content": "x"})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_serving_needs_no_name_lookup(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on a question's path leaves the machine."""

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert ask(client, "etcd has no leader").status_code == 200
