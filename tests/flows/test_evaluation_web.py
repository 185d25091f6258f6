"""Evaluations on their pages: runs that were kept, and two of them side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from command_line import Shell, shell
from starlette.testclient import TestClient

from answerable.app import open_app
from answerable.entrypoints.web.site import build

__all__ = ["shell"]  # a fixture, found by its name

HTML = {"accept": "text/html"}


@pytest.fixture
def library(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a workspace with pages and questions about them."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    shell.done("init")
    rows = []
    for name in ("zebra", "okapi"):
        shell.write(f"docs/{name}.md", f"# {name}\n\nThe {name} sleeps in the <{name}> house.\n")
        gold = {"gold_doc": f"{name}.md", "gold_quote": f"sleeps in the <{name}> house"}
        rows.append({"id": name, "question": f"where does the {name} sleep?", **gold})
    shell.write("questions/zoo.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    shell.done("ingest", "docs")
    return shell


@pytest.fixture
def client(library: Shell) -> Iterator[TestClient]:
    with (
        open_app(library.home) as app,
        TestClient(build(app), base_url="http://127.0.0.1") as client,
    ):
        yield client


def test_what_there_is_and_what_there_is_not_yet(client: TestClient, library: Shell) -> None:
    """Sets by name, and runs once there are some."""
    page = client.get("/evaluation", headers=HTML).text
    assert "None yet" in page
    assert ">zoo<" in page
    library.done("eval", "run", "zoo")
    page = client.get("/evaluation", headers=HTML).text
    assert "2 of 2" in page
    assert 'name="before"' in page


def test_two_runs_side_by_side(client: TestClient, library: Shell) -> None:
    """With both answers of each question that flipped, as text; what cannot be is said."""
    library.done("eval", "run", "zoo")
    library.done("documents", "remove", "okapi.md")
    library.done("eval", "run", "zoo")
    newer, older = (one["id"] for one in library.done("eval", "list", "--json").data)
    page = client.get(f"/evaluation/compare?before={older}&after={newer}", headers=HTML).text
    assert "Lost: 1" in page
    assert "where does the okapi sleep?" in page
    assert "&lt;okapi&gt; house" in page
    assert "inconclusive" in page
    again = client.get(f"/evaluation/compare?before={older}&after={older}", headers=HTML)
    assert again.status_code == 422
    for name in ("run-0", "../../etc/passwd", "x"):
        found = client.get(f"/evaluation/compare?before={name}&after={newer}", headers=HTML)
        assert found.status_code in {404, 422}
    wide = client.get(f"/evaluation/compare?before={older}&after={newer}&margin=2", headers=HTML)
    assert wide.status_code == 422


def test_labels_are_given_blind(client: TestClient, library: Shell) -> None:
    """One answer at a time, without its grade or its release; then all have one."""
    library.done("eval", "run", "zoo")
    (run,) = (one["id"] for one in library.done("eval", "list", "--json").data)
    library.run("eval", "label").check_error("bad_input", status=2)
    for _ in range(2):
        page = client.get(f"/evaluation/label?run={run}", headers=HTML).text
        assert "rel-" not in page
        key = page.partition('name="key" value="')[2][:64]
        said = {"run": run, "key": key, "grade": "bad"}
        assert client.post("/evaluation/label", data=said, headers=HTML).status_code == 200
    page = client.get(f"/evaluation/label?run={run}", headers=HTML).text
    assert "All answers of this run have a label" in page
    kept = (library.home / "labels" / "answers.jsonl").read_text()
    assert "zebra" not in kept
    told = library.run("eval", "agree").check_error("not_ready", status=10)
    assert "labelled no good answer" in told
    wrong = {"run": run, "key": "x", "grade": "bad"}
    assert client.post("/evaluation/label", data=wrong, headers=HTML).status_code == 422
