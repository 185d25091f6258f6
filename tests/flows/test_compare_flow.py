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


def test_a_set_that_does_not_fit_any_more(library: Shell) -> None:
    """What went is named, what is near is offered, and the mended set fits."""
    library.write("questions/zoo.jsonl", (library.home / "set.jsonl").read_text())
    assert library.done("eval", "check", "zoo").out == ""
    library.write("docs/okapi.md", "# okapi\n\nThe okapi sleeps in the new okapi house.\n")
    library.done("ingest", "docs")
    told = library.run("eval", "check", "zoo", "--write", "mended.jsonl")
    assert told.status == 3
    assert "okapi: its quote is in no document any more; the nearest is in okapi.md" in told.out
    assert library.done("eval", "check", "mended.jsonl", "--json").data == []
    library.write("empty.jsonl", "\n")
    library.run("eval", "check", "empty.jsonl").check_error("bad_input", status=2)


def test_questions_come_from_tables_and_from_people(library: Shell) -> None:
    """A thumb down makes a candidate; nothing is added twice or overwritten."""
    library.write("more.csv", "question,gold_doc\nwhere is the zebra?,zebra.md\n")
    assert library.done("eval", "import", "more.csv", "zoo").out.startswith("1 question added")
    library.done("ask", "where does the bilby sleep?")
    trace = library.done("traces", "list", "--json").data[0]["id"]
    assert library.done("eval", "import", "traces", "zoo").out.startswith("0 questions added")
    library.done("feedback", trace, "--down")
    assert library.done("eval", "import", "traces", "zoo").out.startswith("1 question added")
    assert library.done("eval", "import", "traces", "zoo").out.startswith("0 questions added")
    library.write("again.csv", "question\nwhere is the okapi?\n")
    assert library.done("eval", "import", "again.csv", "zoo").out.startswith("1 question added")
    rows = (library.home / "questions" / "zoo.jsonl").read_text().splitlines()
    assert len({json.loads(row)["id"] for row in rows}) == 3
    assert [json.loads(row)["question"] for row in rows] == [
        "where is the zebra?",
        "where does the bilby sleep?",
        "where is the okapi?",
    ]
    library.run("eval", "import", "more.csv", "../zoo").check_error("bad_input", status=2)
    library.run("eval", "import", "nowhere.csv", "zoo").check_error("path_missing", status=2)
