"""Which change made answers worse: a release of sixteen, a part of one, or a document."""

from __future__ import annotations

import json

import pytest
from command_line import Shell, shell

from answerable.app import open_app

__all__ = ["shell"]  # a fixture, found by its name

NAMES = ("zebra", "okapi", "bilby", "numbat", "quokka")


@pytest.fixture
def library(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a workspace with pages and questions about them."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    shell.done("init")
    rows = []
    for name in NAMES:
        shell.write(f"docs/{name}.md", f"# {name}\n\nThe {name} sleeps in the {name} house.\n")
        gold = {"gold_doc": f"{name}.md", "gold_quote": f"in the {name} house"}
        rows.append({"id": name, "question": f"where does the {name} sleep?", **gold})
    shell.write("questions/zoo.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    shell.done("ingest", "docs")
    return shell


def served(library: Shell, *changes: str, base: str = "live") -> str:
    """Serve a release with some changes, and return its id."""
    with open_app(library.home) as app:
        pairs = [(name, value) for name, _, value in (one.partition("=") for one in changes)]
        made = app.releases.propose(base, pairs, author="ann", message="")
        app.releases.promote(made.release_id, who="ann", because="", override="history")
        return made.release_id


@pytest.mark.parametrize("culprit", [1, 6, 15])
def test_one_release_of_sixteen(library: Shell, culprit: int) -> None:
    """It is found with few answers, and of its changes the one that did it."""
    ids = []
    for number in range(1, 16):
        changes = [f"quoting.join=0.{100 + number}"]
        if number == culprit:
            changes += ["retrieval.alias_weight=0.11", "abstaining.by_words.confidence_min=1"]
        ids.append(served(library, *changes))
    told = library.done("releases", "bisect", "--set", "zoo", "--json")
    found = told.data
    assert found["culprit"]["release"] == ids[culprit - 1]
    assert found["posterior"] >= 0.95
    assert found["states"] == 16
    assert found["guilty"] == ["quotes and thresholds"]
    assert [one["name"] for one in found["parts"]] == ["retrieval", "quotes and thresholds"]
    assert len(found["lost"]) == len(NAMES)
    assert "okapi house" in repr([one["before"]["answer"] for one in found["lost"]])
    assert {one["after"]["answer"] for one in found["lost"]} == {""}
    shown = library.done("releases", "bisect", "--question", "where does the okapi sleep?")
    assert f"{ids[culprit - 1]}, revision 1" in shown.out
    assert "because of: quotes and thresholds" in shown.out
    assert "lost: where does the okapi sleep?" in shown.out


def test_a_document_that_was_broken_between_two_revisions(library: Shell) -> None:
    """Among other changes; the release is innocent, and the very file is named."""
    served(library, "quoting.join=0.2")
    library.write("docs/bilby.md", "# bilby\n\nThe bilby sleeps in the bilby house, all day.\n")
    library.done("ingest", "docs")
    library.write("docs/okapi.md", "# okapi\n\nTo be written.\n")
    library.write("docs/numbat.md", "# numbat\n\nThe numbat sleeps in the numbat house. Often.\n")
    library.done("ingest", "docs")
    library.write("docs/tapir.md", "# tapir\n\nThe tapir swims.\n")
    library.done("ingest", "docs")
    served(library, "quoting.join=0.3")
    found = library.done("releases", "bisect", "--set", "zoo", "--json").data
    assert found["states"] == 6
    assert found["culprit"]["revision"] == 3
    assert found["guilty"] == ["index"]
    assert found["documents"] == ["okapi.md"]
    asked = ("releases", "bisect", "--question", "where does the okapi sleep?")
    told = library.done(*asked, "--expect", "in the okapi house").out
    assert "  document: okapi.md\n" in told


def test_ends_can_be_named(library: Shell) -> None:
    """By deployment and by release; what cannot be searched is said."""
    first = served(library, "quoting.join=0.2")
    worse = served(library, "abstaining.by_words.confidence_min=1")
    served(library, "quoting.join=0.3")
    for ends in (("--good", first, "--bad", "d3"), ("--good", "d1", "--bad", worse)):
        found = library.done("releases", "bisect", "--set", "zoo", *ends, "--json").data
        assert found["culprit"]["release"] == worse
        assert found["before"]["release"] == first
        assert found["parts"] == []
    zoo = ("releases", "bisect", "--set", "zoo")
    said = library.run(*zoo, "--bad", "d1").check_error("bad_input", status=2)
    assert "nothing of zoo that d0" in said
    library.run(*zoo, "--good", "d3", "--bad", "d1").check_error("bad_input", status=2)
    library.run(*zoo, "--good", "rel-nowhere").check_error("not_found", status=1)
    library.run("releases", "bisect").check_error("bad_input", status=2)


def test_what_was_no_answer_is_right_to_be_none(library: Shell) -> None:
    """A question that had none and now has one: the document that came is named."""
    asked = "where does the wombat sleep?"
    with open_app(library.home) as app:
        assert type(app.ask(asked, app.owner()).outcome).__name__ == "Abstained"
    library.write("docs/wombat.md", "# wombat\n\nThe wombat sleeps in the wombat house.\n")
    library.done("ingest", "docs")
    found = library.done("releases", "bisect", "--question", asked, "--json").data
    assert found["documents"] == ["wombat.md"]
