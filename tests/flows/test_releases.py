"""Releases from the command line: proposed, gated, promoted, gone back from."""

from __future__ import annotations

import json

import pytest
from command_line import Shell, shell

from answerable.app import open_app

__all__ = ["shell"]  # a fixture, found by its name

NAMES = ("zebra", "okapi", "bilby", "numbat", "quokka", "serval", "caracal", "dingo", "tapir")
WORSE = ("--set", "retrieval.title_boost=0", "--set", "ladder=abstain")


@pytest.fixture
def library(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a workspace with pages and two sets of questions."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    shell.done("init")
    rows = []
    for name in NAMES:
        shell.write(f"docs/{name}.md", f"# {name}\n\nThe {name} sleeps in the {name} house.\n")
        gold = {"gold_doc": f"{name}.md", "gold_quote": f"in the {name} house"}
        rows.append({"id": name, "question": f"where does the {name} sleep?", **gold})
    shell.write("questions/zoo.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    leak = {"id": "keys", "question": "where does the zebra sleep?", "forbidden": ["SECRET"]}
    shell.write("questions/leaks.jsonl", f"{json.dumps(leak)}\n")
    shell.write("questions/none.jsonl", "")
    shell.done("ingest", "docs")
    return shell


def proposed(library: Shell, *changes: str, message: str = "try it") -> str:
    """Propose a release, and return its id."""
    told = library.done("releases", "propose", *changes, "-m", message, "--json")
    return str(told.data["release_id"])


def live(library: Shell) -> str:
    """Return the id of what serves."""
    with open_app(library.home) as app:
        return app.serving().release.id


def test_a_worse_release_fails_and_does_not_serve(library: Shell) -> None:
    """With the questions that were lost, for people, for CI and for scripts."""
    first = live(library)
    worse = proposed(library, *WORSE)
    assert live(library) == first
    gate = ("releases", "gate", worse, "--set", "zoo")
    told = library.run(*gate, "--markdown", "gate.md", "--junit", "gate.xml")
    assert told.status == 20
    assert told.out.startswith(f"FAIL: {worse} against {first}\n")
    assert "lost, zoo: where does the okapi sleep?" in told.out
    assert "in the okapi house" in (library.home / "gate.md").read_text()
    assert 'failures="9"' in (library.home / "gate.xml").read_text()
    found = library.run(*gate, "--json")
    assert (found.status, found.data["decision"]) == (20, "fail")
    assert len(found.data["compared"][0]["lost"]) == len(NAMES)
    said = library.run("releases", "promote", worse).check_error("conflict", status=1)
    assert "its gate said fail" in said
    assert live(library) == first
    listed = {one["id"]: one for one in library.done("releases", "list", "--json").data}
    assert listed[worse]["ruling"]["decision"] == "fail"
    assert listed[first]["is_live"]


def test_a_release_that_passes_serves_and_one_command_goes_back(library: Shell) -> None:
    """Beside a reason, and for good: the workspace changes nothing any more by itself."""
    first = live(library)
    other = proposed(library, "--set", "quoting.units_max=3", message="fewer quotes")
    short = other[:8]
    wide = ("--margin", "0.5")
    told = library.done("releases", "gate", short, "--set", "zoo", *wide)
    assert told.out.startswith(f"PASS: {other} against {first}")
    library.done("releases", "promote", short, "--because", "it reads better")
    assert live(library) == other
    with open_app(library.home) as app:
        assert app.ask("where does the zebra sleep?", app.owner()).release == other
    library.write("aliases.txt", "stripes = zebra\n")
    assert live(library) == other
    shown = library.done("releases", "show", "live").out
    assert "proposed by owner" in shown
    assert "it reads better" in shown
    assert "quoting.units_max: 3" in shown
    back = library.done("releases", "rollback", "--because", "shorter was worse").out
    assert back.startswith(f"{first} serves now with today's documents")
    assert live(library) == first
    library.run("releases", "rollback").check_error("not_found", status=1)
    library.run("releases", "rollback", "--to", first).check_error("conflict", status=1)
    library.done("releases", "rollback", "--to", other)
    assert live(library) == other


def test_an_override_is_on_record(library: Shell) -> None:
    """Whoever serves what has not passed says why."""
    worse = proposed(library, *WORSE)
    library.run("releases", "promote", worse).check_error("conflict", status=1)
    library.done("releases", "promote", worse, "--override", "the old one is worse still")
    newest = library.done("revisions", "deployments", "--json").data[0]
    assert newest["because"] == "override: the old one is worse still"
    assert newest["chosen"]


def test_going_back_with_the_documents_of_then(library: Shell) -> None:
    """Release and index together, pinned; and without, today's documents."""
    other = proposed(library, "--set", "quoting.units_max=3")
    library.done("releases", "promote", other, "--override", "to try")
    library.write("docs/zebra.md", "# zebra\n\nThe zebra sleeps outside.\n")
    library.done("ingest", "docs")
    with open_app(library.home) as app:
        assert app.releases.diff("d0", "d1").changed == ("zebra.md",)
    told = library.done("releases", "diff", "d0", "d1").out
    assert "quoting.units_max: 8 -> 3\nchanged: zebra.md\n" in told
    library.done("releases", "rollback", "--with-index")
    with open_app(library.home) as app:
        now = app.serving()
        assert (now.deployment.pinned, now.revision and now.revision.number) == (1, 1)
        assert "zebra house" in repr(app.ask("where does the zebra sleep?", app.owner()).outcome)
    library.done("revisions", "switch", "latest")
    with open_app(library.home) as app:
        assert "outside" in repr(app.ask("where does the zebra sleep?", app.owner()).outcome)


def test_what_serves_or_could_be_gone_back_to_is_not_pruned(library: Shell) -> None:
    """A pin keeps its revision."""
    with open_app(library.home) as app:
        app.switch(1, who="a", because="b")
        assert 1 in app._needed()
        app.switch(None, who="a", because="b")
        assert 1 in app._needed()


def test_a_leak_and_an_empty_suite(library: Shell) -> None:
    """One is no, the other is not known; and both need no other set."""
    other = proposed(library, "--set", "quoting.units_max=3")
    gate = ("releases", "gate", other, "--zero-tolerance")
    assert library.run(*gate, "leaks").status == 0
    library.write("docs/zebra.md", "# zebra\n\nThe zebra sleeps in the secret house.\n")
    library.done("ingest", "docs")
    told = library.run(*gate, "leaks")
    assert told.status == 20
    assert "leaks, zero tolerance: 1 of 1 bad: keys" in told.out
    told = library.run(*gate, "none")
    assert told.status == 21
    assert "the suite is empty" in told.out
    few = library.run("releases", "gate", other, "--set", "zoo")
    assert few.status == 21
    assert "further questions" in few.err


def test_a_release_travels_as_a_file(library: Shell) -> None:
    """Out, changed by hand, and in again; it is the same one."""
    other = proposed(library, "--set", "retrieval.passages_max=4", message="for Git")
    library.done("releases", "export", other, "-o", "release.json")
    assert library.done("releases", "export", other).out == (
        library.home / "release.json"
    ).read_text(encoding="utf-8")
    library.done("releases", "import", "release.json")
    text = (library.home / "release.json").read_text(encoding="utf-8")
    assert "for Git" in text
    library.write("changed.json", text.replace('"passages_max": 4', '"passages_max": 5'))
    said = library.run("releases", "import", "changed.json").check_error("bad_input", status=2)
    assert "changed by hand" in said
    prompt = library.write("draft.md", "Answer in one word.\n")
    with_prompt = proposed(library, "--set", f"writing.prompts.answer=@{prompt.name}")
    told = library.done("releases", "diff", "live", with_prompt).out
    assert "writing.prompts.answer:" in told
    assert "\n  +Answer in one word." in told


def test_what_serves_can_be_kept_and_let_go(library: Shell) -> None:
    """`live` stays whatever the workspace says, until somebody promotes that."""
    first = live(library)
    library.done("releases", "promote", "live")
    library.run("releases", "promote", "live").check_error("conflict", status=1)
    library.write("aliases.txt", "stripes = zebra\n")
    assert live(library) == first
    library.run("releases", "promote", "workspace").check_error("conflict", status=1)
    library.done("releases", "promote", "workspace", "--override", "all of it is mine")
    second = live(library)
    assert second != first
    library.write("aliases.txt", "stripes = okapi\n")
    assert live(library) not in {first, second}


@pytest.mark.parametrize(
    ("command", "code", "status"),
    [
        (("propose", "--set", "retrieval.passages_max"), "bad_input", 2),
        (("propose", "--set", "retrieval.passages_max=0"), "bad_input", 2),
        (("propose", "--set", "writing.prompts.answer=@nowhere"), "path_missing", 2),
        (("propose", "--from", "live"), "bad_input", 2),
        (("propose", "--from", "rel-123"), "not_found", 1),
        (("show", "rel-"), "not_found", 1),
        (("show", "d9"), "not_found", 1),
        (("gate", "live", "--set", "zoo"), "bad_input", 2),
        (("gate", "live"), "bad_input", 2),
        (("gate", "live", "--set", "nowhere"), "path_missing", 2),
        (("gate", "live", "--set", "zoo", "--margin", "2"), "bad_input", 2),
        (("gate", "live", "--set", "zoo", "--junit", "no/where.xml"), "path_missing", 2),
        (("import", "nowhere.json"), "path_missing", 2),
        (("import", "questions/zoo.jsonl"), "bad_input", 2),
        (("export", "live", "-o", "no/where.json"), "path_missing", 2),
        (("promote", "nowhere"), "not_found", 1),
        (("rollback", "--to", "workspace"), "conflict", 1),
        (("rollback",), "not_found", 1),
    ],
)
def test_what_cannot_be_done_is_said(
    library: Shell, command: tuple[str, ...], code: str, status: int
) -> None:
    """With what to do, and nothing is changed."""
    before = live(library)
    library.run("releases", *command).check_error(code, status=status)
    assert live(library) == before


def test_a_model_that_is_not_there_any_more(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that needs it neither passes nor serves."""
    monkeypatch.setenv("ANSWERABLE_MODELS__MAIN__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ANSWERABLE_RELEASE__MODELS__MAIN__MODEL", "m-1")
    first = live(library)
    plain = proposed(library, "--set", "ladder=quote,search,abstain")
    library.done("releases", "promote", plain, "--override", "without a model")
    monkeypatch.delenv("ANSWERABLE_MODELS__MAIN__BASE_URL")
    monkeypatch.delenv("ANSWERABLE_RELEASE__MODELS__MAIN__MODEL")
    for command in (("gate", first, "--set", "zoo"), ("promote", first, "--override", "x")):
        said = library.run("releases", *command).check_error("not_ready", status=10)
        assert "the model main is not set up here" in said
    library.run("releases", "rollback").check_error("not_ready", status=10)
    assert live(library) == plain


def test_what_was_answered_is_not_asked_again(library: Shell) -> None:
    """A gate that was killed goes on where it was; other documents are other answers."""
    other = proposed(library, "--set", "quoting.units_max=3")
    gate = ("releases", "gate", other, "--set", "zoo", "--json")
    library.run(*gate)
    files = sorted(library.home.glob("**/evaluations/answered/*.jsonl"))
    assert len(files) == 2
    whole = files[0].read_text()
    files[0].write_text(whole[: len(whole) // 2])
    again = library.run(*gate)
    kept = files[0].read_text()
    assert kept.startswith(whole[: len(whole) // 2])
    assert again.data["compared"][0]["rows"][0]["pairs"]["decided"]["both_good"] == len(NAMES)
    library.done("documents", "remove", "okapi.md")
    library.run(*gate)
    assert len(list(library.home.glob("**/evaluations/answered/*.jsonl"))) == 4
