"""Releases over HTTP and on their pages, over a real library in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import answerable.app.tools as app_tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.app import App
from answerable.entrypoints.web.site import build
from answerable.operations.flow import Every
from answerable.settings import load

HTML = {"accept": "text/html"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[App]:
    """Give a library in memory with a page."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    monkeypatch.setattr(Every, "is_due", lambda _self, _seconds: True)
    (tmp_path / "zebra.md").write_text("# Zebra\n\nThe zebra sleeps in the zebra house.\n")
    settings = load(None)
    with ExitStack() as stack:
        own = ExitStack()
        tools = replace(app_tools.memory_tools(settings, own), parser=InlineParser())
        made = stack.enter_context(App(settings, tools, on_close=own))
        made.ingest(tmp_path)
        yield made


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with TestClient(build(app), base_url="http://127.0.0.1") as client:
        yield client


def proposed(client: TestClient, **changes: str) -> str:
    """Propose a release, and return its id."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    made = client.post("/v1/releases", json={"base": "live", "changes": named, "message": "<try>"})
    assert made.status_code == 201, made.text
    return str(made.json()["release_id"])


def test_a_release_from_its_proposal_to_its_end(client: TestClient, app: App) -> None:
    """The same as on the command line, and refused for the same reasons."""
    live = app.serving().release.id
    made = proposed(client, quoting__units_max="3")
    listed = client.get("/v1/releases").json()["releases"]
    assert {one["id"]: one["is_live"] for one in listed} == {live: True, made: False}
    assert client.get(f"/v1/releases/{made}").json()["values"]["quoting.units_max"] == 3
    found = client.get(f"/v1/releases/diff?before=live&after={made}").json()
    assert found["values"] == {"quoting.units_max": [8, 3]}
    refused = client.post(f"/v1/releases/{made}/promote", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    done = client.post(f"/v1/releases/{made}/promote", json={"override": "to try"})
    assert done.json()["because"] == "override: to try"
    answer = client.post("/v1/ask", json={"question": "where does the zebra sleep?"}).json()
    assert answer["release"] == made
    assert client.post("/v1/releases/rollback", json={}).status_code == 422
    back = client.post("/v1/releases/rollback", json={"because": "worse"}).json()
    assert back["release_id"] == live
    numbers = [one["number"] for one in client.get("/v1/deployments").json()]
    assert numbers == [2, 1, 0]
    assert client.get("/v1/releases/rel-nowhere").status_code == 404


def test_a_canary_over_http(client: TestClient, app: App) -> None:
    """The header tells conversations apart, and keeps them where they are."""
    made = proposed(client, quoting__units_max="3")
    path = f"/v1/releases/{made}/canary"
    assert client.post(path, json={}).status_code == 409
    assert client.post(path, json={"percent": 80}).status_code == 422
    started = client.post(path, json={"percent": 50, "override": "to try"})
    assert (started.status_code, started.json()["stage"]) == (201, "running")
    seen: dict[str, set[str]] = {}
    for turn in range(2):
        for name in map(str, range(30)):
            asked = {"question": f"where does the zebra sleep, {turn}?"}
            answer = client.post("/v1/ask", json=asked, headers={"Answerable-Conversation": name})
            seen.setdefault(name, set()).add(answer.json()["release"])
    assert {len(one) for one in seen.values()} == {1}
    assert len(set.union(*seen.values())) == 2
    app.canaries.step()
    now = client.get("/v1/canaries").json()["canaries"][0]
    assert now["live"] + now["canary"] == 30
    assert client.post("/v1/canaries/hold", json={"because": "no"}).json()["held"] == "no"
    assert client.post("/v1/canaries/resume", json={}).json()["held"] == ""
    assert client.post("/v1/canaries/sing", json={}).status_code == 422
    assert client.post("/v1/canaries/stop", json={}).json()["stage"] == "stopped"
    assert client.post("/v1/canaries/stop", json={}).status_code == 404


def test_a_chat_stays_on_one_release(client: TestClient, app: App) -> None:
    """A client that sends all earlier turns is known by the first of them."""
    made = proposed(client, quoting__units_max="3")
    client.post(f"/v1/releases/{made}/canary", json={"percent": 50, "override": "to try"})
    for number in range(12):
        said = [{"role": "user", "content": f"where does the zebra sleep, {number}?"}]
        client.post("/v1/chat/completions", json={"model": "answerable", "messages": said})
        said += [
            {"role": "assistant", "content": "In its house."},
            {"role": "user", "content": "where is that?"},
        ]
        client.post("/v1/chat/completions", json={"model": "answerable", "messages": said})
        later, first = app.traces(limit=2)
        assert first.release == later.release


def test_the_pages_show_and_decide(client: TestClient, app: App) -> None:
    """With a reason and a tick; without them nothing is changed, and it says so."""
    live = app.serving().release.id
    made = proposed(client, quoting__units_max="3")
    page = client.get("/releases", headers=HTML).text
    assert "follows the workspace" in page
    assert "&lt;try&gt;" in page
    one = client.get(f"/releases/{made}", headers=HTML).text
    assert "quoting.units_max: 8 -&gt; 3" in one
    assert "No gate has let it pass" in one
    for said, status in (
        ({"because": "better"}, 422),
        ({"sure": "true", "because": " "}, 422),
        ({"sure": "true", "because": "better"}, 409),
    ):
        failed = client.post(f"/releases/{made}/promote", data=said, headers=HTML)
        assert failed.status_code == status
        assert 'class="problem' in failed.text
        assert app.serving().release.id == live
    said = {"sure": "true", "because": "better", "override": "true"}
    done = client.post(f"/releases/{made}/promote", data=said, headers=HTML)
    assert done.status_code == 200
    assert app.serving().release.id == made
    assert "override: better" in done.text
    assert client.post("/releases/rollback", data={"because": "x"}).status_code == 422
    client.post("/releases/rollback", data={"because": "worse", "sure": "true"})
    assert app.serving().release.id == live
    shown = client.get("/releases/diff?before=d0&after=d1", headers=HTML).text
    assert "Changed: 0" in shown
    assert client.get("/releases/rel-nowhere", headers=HTML).status_code == 404


def test_a_canary_is_a_picture(client: TestClient, app: App) -> None:
    """Both lines and what decides, in words too; and a person can end it there."""
    made = proposed(client, abstaining__by_words__confidence_min="1")
    assert "canary-title" not in client.get("/releases", headers=HTML).text
    start = f"/releases/{made}/canary"
    assert client.post(start, data={"percent": "50"}, headers=HTML).status_code == 409
    said = {"percent": "50", "override": "true", "because": "to see"}
    assert client.post(start, data=said, headers=HTML).status_code == 200
    for name in map(str, range(30)):
        app.ask("where does the zebra sleep?", app.owner(), conversation=name)
    app.canaries.step()
    live = client.get("/releases/live", headers=HTML).text
    assert live.count("<polyline") == 6
    label = re.search(r'aria-label="(Evidence after \d+ conversations[^"]*)"', live)
    assert label is not None
    assert "abstained" in label[1]
    client.post("/releases/canary/hold", data={"because": "<wait>"}, headers=HTML)
    assert "Held: &lt;wait&gt;" in client.get("/releases", headers=HTML).text
    client.post("/releases/canary/resume", headers=HTML)
    client.post("/releases/canary/stop", headers=HTML)
    assert "stopped" in client.get("/releases", headers=HTML).text
    assert client.post("/releases/canary/stop", headers=HTML).status_code == 404
    assert client.post("/releases/canary/sing", headers=HTML).status_code == 422
