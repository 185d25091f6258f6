"""Sources and jobs over HTTP and on the Library page, over a real library in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import answerable.app.tools as app_tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.app import App
from answerable.entrypoints.web.site import build
from answerable.settings import load

HTML = {"accept": "text/html"}
HTMX = {**HTML, "hx-request": "true"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Give a library in memory, empty."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    settings = load(None)
    with ExitStack() as stack:
        own = ExitStack()
        tools = replace(app_tools.memory_tools(settings, own), parser=InlineParser())
        yield stack.enter_context(App(settings, tools, on_close=own))


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with TestClient(build(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(10):
        (folder / f"p{number}.md").write_text(f"# Page {number}\n\nZebra {number} eats.\n")
    return folder


@pytest.fixture
def zoo(client: TestClient, app: App, docs: Path) -> dict[str, Any]:
    """Register a folder over HTTP, read it, and return what is said of it."""
    made = client.post("/v1/sources", json={"name": "zoo", "place": str(docs)})
    assert made.status_code == 201, made.text
    assert app.sources.work_once()
    found: dict[str, Any] = client.get("/v1/sources/zoo").json()
    return found


def paths(app: App) -> set[str]:
    return {one.document.path for one in app.documents(app.owner())}


def test_a_source_is_registered_read_and_shown(
    client: TestClient, zoo: dict[str, Any], docs: Path
) -> None:
    """The API and the command line tell the same."""
    assert (zoo["kind"], zoo["place"], zoo["state"]) == ("folder", str(docs), "ok")
    assert zoo["health"]["counts"] == {"added": 10}
    assert zoo["lag_ms"] >= 0
    assert client.get("/v1/sources").json()["sources"][0]["name"] == "zoo"
    (job,) = client.get("/v1/jobs").json()["jobs"]
    assert (job["kind"], job["state"]) == ("sync", "done")
    assert client.get(f"/v1/jobs/{job['id']}").json() == job


def test_a_reading_can_be_asked_for_and_cancelled(
    client: TestClient, app: App, zoo: dict[str, Any]
) -> None:
    """Asked twice it is one job; a cancelled one is not done."""
    assert zoo
    first = client.post("/v1/sources/zoo/sync")
    assert first.status_code == 202
    assert client.post("/v1/sources/zoo/sync").json()["id"] == first.json()["id"]
    ended = client.post(f"/v1/jobs/{first.json()['id']}/cancel").json()
    assert (ended["state"], ended["result"]) == ("failed", "cancelled by owner")
    assert not app.sources.work_once()
    again = client.post(f"/v1/jobs/{first.json()['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_a_loss_is_held_and_approved(
    client: TestClient, app: App, zoo: dict[str, Any], docs: Path
) -> None:
    """On the page too, with what will happen."""
    assert zoo
    for number in range(5):
        (docs / f"p{number}.md").unlink()
    client.post("/v1/sources/zoo/sync")
    app.sources.work_once()
    assert client.get("/v1/sources/zoo").json()["state"] == "held"
    page = client.get("/library", headers=HTML).text
    assert "lost 5 documents" in page
    assert "Let them go" in page
    assert client.post("/v1/sources/zoo/approve").status_code == 202
    app.sources.work_once()
    assert len(paths(app)) == 5


def test_paused_resumed_removed(client: TestClient, app: App, zoo: dict[str, Any]) -> None:
    """Each says how the source is now."""
    assert zoo
    assert client.post("/v1/sources/zoo/pause").json()["state"] == "paused"
    assert client.post("/v1/sources/zoo/sync").json()["code"] == "conflict"
    assert client.post("/v1/sources/zoo/resume").json()["state"] == "ok"
    assert client.delete("/v1/sources/zoo").json() == {
        "removed": "zoo",
        "documents": 10,
        "revision": 2,
    }
    assert paths(app) == set()
    assert client.get("/v1/sources/zoo").status_code == 404


def test_anything_can_send_documents(client: TestClient, app: App) -> None:
    """PUT stores, DELETE takes away; labels are the source's; nothing else of it changes."""
    made = client.post("/v1/sources", json={"name": "wiki", "place": "push", "labels": ["team-a"]})
    assert (made.json()["kind"], made.json()["schedule"]) == ("push", "never")
    binary = {"content-type": "application/octet-stream"}
    for name in ("a", "b"):
        put = client.put(
            f"/v1/sources/wiki/documents/pages/{name}.md",
            content=f"# {name}\n\nZebra {name} eats.\n",
            headers=binary,
        )
        assert put.status_code == 202
    assert app.work_once()
    assert paths(app) == {"pages/a.md", "pages/b.md"}
    (one, _) = app.documents(app.owner())
    assert one.document.source == "push:wiki"
    assert one.document.labels == {"local", "team-a"}
    shown = client.get(f"/v1/documents/{put.json()['document_id']}").json()
    assert shown["path"] == "pages/b.md"
    gone = client.delete("/v1/sources/wiki/documents/pages/a.md")
    assert gone.status_code == 202
    assert app.work_once()
    assert paths(app) == {"pages/b.md"}
    assert client.get(gone.json()["status_url"]).json()["state"] == "done"


def test_the_same_path_of_two_sources_is_two_documents(client: TestClient, app: App) -> None:
    """And an upload is a third."""
    for name in ("one", "two"):
        client.post("/v1/sources", json={"name": name, "place": "push"})
        client.put(
            f"/v1/sources/{name}/documents/a.md",
            content=f"# A\n\nZebra {name} eats.\n",
            headers={"content-type": "application/octet-stream"},
        )
    client.post("/v1/documents", json={"path": "a.md", "content": "# A\n\nUploaded.\n"})
    assert app.work_once()
    assert {one.document.source for one in app.documents(app.owner())} == {
        "push:one",
        "push:two",
        "upload",
    }


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("asked", "body", "status", "code"),
    [
        ("POST /v1/sources", {"name": "Bad Name", "place": "push"}, 422, "bad_input"),
        ("POST /v1/sources", {"name": "x", "place": "nowhere"}, 422, "path_missing"),
        ("POST /v1/sources", {"name": "x"}, 422, "bad_input"),
        ("POST /v1/sources", {"name": "x", "place": "push", "more": 1}, 422, "bad_input"),
        ("POST /v1/sources/nobody/sync", None, 404, "not_found"),
        ("POST /v1/sources/nobody/approve", None, 404, "not_found"),
        ("DELETE /v1/sources/nobody", None, 404, "not_found"),
        ("POST /v1/jobs/job-99/cancel", None, 404, "not_found"),
        ("DELETE /v1/sources/zoo/documents/p1.md", None, 409, "conflict"),
        ("POST /v1/sources/zoo/approve", None, 409, "conflict"),
    ],
)
def test_what_cannot_be_done_is_a_problem(
    client: TestClient, asked: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    """With its code, and what to do."""
    told = client.request(*asked.split(), json=body)
    assert (told.status_code, told.json()["code"]) == (status, code), told.text
    assert told.json()["hint"]


@pytest.mark.parametrize("path", ["../up.md", "a//b.md", "%2e%2e/up.md", "a%00.md"])
def test_what_is_sent_stays_below_its_source(client: TestClient, app: App, path: str) -> None:
    """No path leaves it."""
    client.post("/v1/sources", json={"name": "wiki", "place": "push"})
    told = client.put(
        f"/v1/sources/wiki/documents/{path}",
        content=b"text",
        headers={"content-type": "application/octet-stream"},
    )
    assert told.status_code in (404, 405, 422)
    assert not app.work_once()


def test_a_form_is_no_file(client: TestClient, app: App) -> None:
    """Its envelope would be indexed."""
    client.post("/v1/sources", json={"name": "wiki", "place": "push"})
    told = client.put("/v1/sources/wiki/documents/a.md", files={"file": b"text"})
    assert (told.status_code, told.json()["code"]) == (422, "bad_input")
    assert not app.work_once()


def test_what_could_not_be_read_is_on_the_page(client: TestClient, app: App, docs: Path) -> None:
    """With its reason and what to do; tried again, or ignored with a reason."""
    (docs / "<b>.pdf").write_bytes(b"%PDF-1.4 no")
    app.sources.add("zoo", str(docs), who="me")
    while app.work_once() or app.sources.work_once():
        pass
    page = client.get("/library", headers=HTML).text
    assert "Could not be read" in page
    assert "&lt;b&gt;.pdf" in page
    assert "To mend it:" in page
    (one,) = app.quarantined()
    address = f"/library/quarantine/{one.document.document_id}"
    back = client.post(f"{address}/retry", headers=HTML, follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, "/library#ill-title")
    assert app.sources.unfinished()[0].payload["because"].endswith("again")
    assert app.sources.work_once()
    assert app.quarantined()[0].document.attempts == 2
    assert client.post(f"{address}/ignore", headers=HTML).status_code == 422
    client.post(f"{address}/ignore", data={"because": "a <scan>"}, headers=HTML)
    page = client.get("/library", headers=HTML).text
    assert "owner said: a &lt;scan&gt;" in page
    assert f"{address}/ignore" not in page
    assert client.post("/library/quarantine/none/retry", headers=HTML).status_code == 404


def test_what_was_erased_is_on_the_page_without_its_name(client: TestClient, app: App) -> None:
    """Who, when and why."""
    app.sources.add("wiki", "push", who="me")
    app.sources.push("wiki", "secret-name.md", b"# Secret\n\nWords.\n")
    while app.work_once():
        pass
    app.begin_purge(app.plan_purge("secret-name.md"), who="ann", because="asked", with_copies=True)
    assert "pending" in client.get("/library", headers=HTML).text
    app.finish_purges()
    page = client.get("/library", headers=HTML).text
    assert "1 document, by ann" in page
    assert "secret-name" not in page.partition("Erased")[2]


def test_an_empty_file_is_no_file(client: TestClient) -> None:
    """To take one away there is DELETE."""
    client.post("/v1/sources", json={"name": "wiki", "place": "push"})
    told = client.put("/v1/sources/wiki/documents/a.md", content=b"")
    assert (told.status_code, told.json()["code"]) == (422, "bad_input")


def test_the_page_shows_what_there_is(client: TestClient, zoo: dict[str, Any]) -> None:
    """Sources, work, documents, revisions; found by path or title, a page at a time."""
    assert zoo
    page = client.get("/library", headers=HTML).text
    for said in ("zoo", "10 added", "p3.md", "Page 3", "sync zoo", "serves"):
        assert said in page, said
    found = client.get("/library", params={"find": "page 7"}, headers=HTML).text
    assert "p7.md" in found
    assert "p3.md" not in found
    assert "No document has this" in client.get("/library?find=xyz", headers=HTML).text
    revision = client.get("/library/revisions/1", headers=HTML).text
    assert "Added: 10" in revision
    assert "p9.md" in revision
    assert client.get("/library/revisions/9", headers=HTML).status_code == 404


def test_the_page_works_without_script_and_with_it(
    client: TestClient, app: App, zoo: dict[str, Any], docs: Path
) -> None:
    """A form comes back to the page; htmx gets the part that moves."""
    assert zoo
    posted = client.post("/library/sources/zoo/pause", headers=HTML, follow_redirects=False)
    assert (posted.status_code, posted.headers["location"]) == (303, "/library")
    part = client.post("/library/sources/zoo/resume", headers=HTMX).text
    assert "<!doctype" not in part
    assert "Read now" in part
    client.post("/library/sources/zoo/sync", headers=HTMX)
    assert "queued" in client.get("/library/live", headers=HTMX).text
    (job,) = [one for one in app.jobs() if one.state == "queued"]
    assert "cancelled by owner" in client.post(f"/library/jobs/{job.id}/cancel", headers=HTMX).text
    assert client.post("/library/sources/zoo/burn", headers=HTML).status_code == 422
    bad = client.post("/library/sources", data={"name": "A B", "place": str(docs)}, headers=HTML)
    assert bad.status_code == 422
    assert 'value="A B"' in bad.text
    good = client.post("/library/sources", data={"name": "wiki", "place": "push"}, headers=HTML)
    assert "wiki" in good.text


def test_nothing_a_name_holds_becomes_markup(client: TestClient, app: App, tmp_path: Path) -> None:
    """Content is data, in paths and titles too."""
    folder = tmp_path / "<b>docs"
    folder.mkdir()
    (folder / "<script>.md").write_text("# <img src=x onerror=alert(1)>\n\nZebras eat.\n")
    client.post("/v1/sources", json={"name": "odd", "place": str(folder)})
    app.sources.work_once()
    page = client.get("/library", headers=HTML).text
    assert "<script>.md" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;.md" in page


def test_a_page_of_another_site_changes_nothing(client: TestClient, zoo: dict[str, Any]) -> None:
    """Neither by form nor by script, with or without a body."""
    assert zoo
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        for address in ("/v1/sources/zoo/pause", "/library/sources/zoo/pause"):
            assert client.post(address, headers=headers).status_code == 403
        assert client.delete("/v1/sources/zoo", headers=headers).status_code == 403
    assert client.get("/v1/sources/zoo").json()["state"] == "ok"
