"""Two runs compared from the command line."""

from __future__ import annotations

import json

import pytest
from command_line import Shell, shell

__all__ = ["shell"]  # a fixture, found by its name


@pytest.fixture
def library(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a workspace with four pages and a set of questions about them."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    shell.done("init")
    rows = []
    for name in ("zebra", "okapi", "bilby", "numbat"):
        shell.write(f"docs/{name}.md", f"# {name}\n\nThe {name} sleeps in the {name} house.\n")
        question = f"where does the {name} sleep?"
        gold = {"gold_doc": f"{name}.md", "gold_quote": f"in the {name} house"}
        rows.append({"id": name, "question": question, "answerable": True, **gold})
    shell.write("set.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    shell.done("ingest", "docs")
    return shell


def test_a_document_that_went_is_a_question_that_was_lost(library: Shell) -> None:
    """Kept, listed, compared, written for people and for CI."""
    library.done("eval", "run", "set.jsonl")
    library.done("documents", "remove", "okapi.md")
    library.done("eval", "run", "set.jsonl", "-o", "after.jsonl")
    newer, older = library.done("eval", "list", "--json").data
    assert (older["good"], newer["good"], newer["of"]) == (4, 3, 4)
    written = ("--markdown", "report.md", "--junit", "report.xml")
    told = library.done("eval", "compare", older["id"], "after.jsonl", *written)
    assert told.out.startswith("INCONCLUSIVE: 0 questions gained and 1 lost of 4")
    assert "lost: where does the okapi sleep?" in told.out
    assert "in the okapi house" in told.out
    assert "Lost" in (library.home / "report.md").read_text()
    assert 'failures="1"' in (library.home / "report.xml").read_text()
    found = library.done("eval", "compare", older["id"], "--json").data
    assert [one["id"] for one in found["lost"]] == ["okapi"]
    assert found["after"]["id"] == newer["id"]


def test_a_purge_takes_its_answers_along(library: Shell) -> None:
    """Nothing of the document is left in what evaluations keep; the rest is."""
    library.done("eval", "run", "set.jsonl")
    kept = next(library.home.glob("**/evaluations/run-*.jsonl"))
    assert "okapi house" in kept.read_text()
    library.done("documents", "remove", "okapi.md", "--purge", "--yes", "--because", "secret")
    assert "okapi" not in kept.read_text().replace('"id": "okapi"', "")
    assert "bilby house" in kept.read_text()
    found = library.done("eval", "compare", "latest", "--json").data
    assert (found["lost"], found["rows"][0]["pairs"]["decided"]["both_good"]) == ([], 4)


def test_what_cannot_be_compared_is_said(library: Shell) -> None:
    """In words, with what to do."""
    library.run("eval", "compare", "latest").check_error("not_found", status=1)
    assert library.done("eval", "list", "--json").data == []
    library.done("eval", "run", "set.jsonl", "-o", "a.jsonl")
    library.run("eval", "compare", "set.jsonl", "a.jsonl").check_error("bad_input", status=2)
    library.run("eval", "compare", "a.jsonl", "--margin", "0").check_error("bad_input", status=2)
    nowhere = ("eval", "run", "set.jsonl", "-o", "nowhere/run.jsonl")
    library.run(*nowhere).check_error("path_missing", status=2)
    library.run("eval", "compare", "a.jsonl", "a.jsonl", "--junit", "nowhere/x.xml").check_error(
        "path_missing", status=2
    )
    library.run(*nowhere[:-1], "docs").check_error("bad_input", status=2)
    bad = ("eval", "run", "set.jsonl", "--mode", "retrieval", "-o", "b.jsonl")
    library.run(*bad).check_error("bad_input", status=2)


def test_what_a_run_holds_does_not_write_to_the_terminal(library: Shell) -> None:
    """A file may come from anybody."""
    library.done("eval", "run", "set.jsonl", "-o", "a.jsonl")
    rows = (library.home / "a.jsonl").read_text().splitlines()
    changed = json.loads(rows[1]) | {"grade": "bad", "answer": "\x1b[31mred\x07"}
    library.write("b.jsonl", "\n".join([rows[0], json.dumps(changed), *rows[2:]]))
    told = library.done("eval", "compare", "a.jsonl", "b.jsonl", "--junit", "x.xml")
    assert "red" in told.out
    assert "\x1b" not in told.out
    assert "\x1b" not in (library.home / "x.xml").read_text()
