"""The command line as a new user meets it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import Shell, library, shell

from answerable.app import open_app
from answerable.entrypoints.cli import main as cli

__all__ = ["library", "shell"]  # pytest finds fixtures by their names here

ROOT: Any = typer.main.get_command(cli.cli)
QUESTION = "At how many degrees does water boil?"


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give every command, also those in groups, by its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def command_of(words: tuple[str, ...]) -> Any:
    """Return the command that is called by these words."""
    found = ROOT
    for word in words:
        found = found.commands[word]
    return found


# Help


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example_that_parses(words: tuple[str, ...]) -> None:
    """The example calls this very command with arguments that it takes."""
    command = command_of(words)
    first, marked, example = command.help.partition("Example:")
    assert first.strip().endswith((".", ":")), "it begins with a sentence"
    assert marked, "there is no example"
    program, *arguments = shlex.split(example.replace("&&", "\n").strip().splitlines()[0])
    assert program == "answerable"
    assert tuple(arguments[: len(words)]) == words
    with command.make_context(" ".join(words), arguments[len(words) :]):
        pass


@pytest.mark.parametrize("words", [(), *commands()], ids=" ".join)
def test_help_is_printed(shell: Shell, words: tuple[str, ...]) -> None:
    """Help goes to stdout with exit 0, and every option says what it does."""
    assert "Usage: answerable" in shell.done(*words, "--help").out
    for parameter in command_of(words).params:
        described = getattr(parameter, "help", None)
        assert described or parameter.name in {"number", "trace"}, parameter.name


def test_help_shows_where_to_start(shell: Shell) -> None:
    """Commands stand in two groups, the first path first, and no sentence is cut off."""
    out = shell.done("--help").out
    start, closer = out.index("Start here:"), out.index("Look closer:")
    assert start < out.index("\n  try ") < out.index("\n  demo ") < closer
    assert closer < out.index("\n  documents ") < out.index("\n  eval ")
    assert "..." not in out[start:]


def test_an_option_that_is_none(shell: Shell) -> None:
    """A mistyped command or option is exit 2, without a traceback."""
    for wrong in (["aks", "what?"], ["ask", "--jsn", "what?"], ["ask"]):
        ran = shell.run(*wrong)
        assert (ran.status, ran.out) == (2, "")
        assert "Traceback" not in ran.err


# Data and talk


READING = (
    ("ask", QUESTION),
    ("try", "docs", QUESTION),
    ("ingest", "docs"),
    ("documents", "list"),
    ("documents", "show", "water.md"),
    ("documents", "show", "water.md", "--text"),
    ("revisions", "list"),
    ("revisions", "show", "1"),
    ("revisions", "verify"),
    ("traces", "list"),
    ("revisions", "deployments"),
    ("settings", "show"),
)


def test_json_is_the_only_thing_on_stdout(library: Shell) -> None:
    """Whatever reads takes `--json` and prints one JSON document; a trace too."""
    for arguments in READING:
        assert library.done(*arguments, "--json").data
    trace = library.done("traces", "list", "--json").data[0]["id"]
    shown = library.done("traces", "show", trace, "--json").data
    assert shown["id"] == trace
    assert shown["outcome"]["kind"] in {"answered", "abstained"}


def test_an_abstention_is_no_failure(library: Shell) -> None:
    """It exits with 0 and says so, on stdout and as JSON."""
    question = "Who won the chess world championship of 1972?"
    assert "The documents do not say" in library.done("ask", question).out
    assert library.done("ask", question, "--json").data["outcome"]["kind"] == "abstained"


def test_talk_does_not_mix_with_data(shell: Shell) -> None:
    """What only a person needs goes to stderr; so do errors."""
    ran = shell.done("init", "--data-dir", "data")
    assert ran.out == ""
    assert "next: answerable ingest PATH" in ran.err
    assert shell.run("ask", QUESTION).out == ""
    shell.run("ask", QUESTION).check_error("not_ready", status=10)


def test_no_workspace(shell: Shell) -> None:
    """The hint is the command that makes one; exit 10."""
    assert "answerable init" in shell.run("ask", QUESTION).check_error("not_ready", status=10)


EVIL = "\x1b]0;owned\x07\x1b[31m\x9b31m\u202egnp.exe\u2066"


def test_nothing_steers_the_terminal(shell: Shell) -> None:
    """No control or direction mark of a text, title or question reaches the terminal raw."""
    shell.done("init", "--data-dir", "data")
    text = f"---\ntitle: Wa{EVIL}ter\n---\n\n# Hot {EVIL}\n\nWater {EVIL} boils at 100 degrees.\n"
    shell.write("docs/water.md", text)
    asked = f"At how many degrees {EVIL} does water boil?"
    shell.done("ingest", "docs")
    shell.done("ask", asked)
    trace = shell.done("traces", "list", "--json").data[0]["id"]
    for arguments in (
        ("ask", asked, "--explain"),
        ("try", "docs", asked),
        ("documents", "list"),
        ("documents", "show", "water.md"),
        ("documents", "show", "water.md", "--text"),
        ("documents", "remove", "nothing" + EVIL),
        ("traces", "list"),
        ("traces", "show", trace),
        ("ingest", EVIL),
    ):
        for extra in ((), ("--json",)):
            ran = shell.run(*arguments, *extra)
            found = set(ran.out + ran.err) & set("\x1b\x07\x9b\u202e\u2066")
            assert not found, (arguments, extra)


def test_a_report_as_json(library: Shell) -> None:
    """Counts are named, and so is every file that is not as it was."""
    library.write("docs/air.md", "Air is a gas.\n")
    (report,) = library.done("ingest", "docs", "--json").data
    assert (report["counts"]["added"], report["counts"]["unchanged"]) == (1, 2)
    assert [one["path"] for one in report["outcomes"]] == ["air.md"]


# Workspaces and paths


def test_a_second_init_changes_nothing(shell: Shell) -> None:
    """It says that the workspace is there, and keeps what a person wrote into it."""
    shell.done("init", "--data-dir", "data")
    config = shell.home / "answerable.toml"
    config.write_text('data_dir = "elsewhere"\n')
    ran = shell.done("init", "--data-dir", "data")
    assert "already there" in ran.err
    assert str(shell.home / "elsewhere") in ran.err
    assert config.read_text() == 'data_dir = "elsewhere"\n'


def test_a_new_configuration_names_no_machine(shell: Shell) -> None:
    """It is meant for Git: the data directory is written down only where it was named."""
    shell.done("init", "ops")
    text = (shell.home / "ops" / "answerable.toml").read_text()
    assert str(shell.home) not in text
    assert tomllib.loads(text)["serve"]["port"] == 8080
    assert "data_dir" not in tomllib.loads(text)
    shell.done("init", "more", "--data-dir", "data")
    text = (shell.home / "more" / "answerable.toml").read_text()
    assert tomllib.loads(text)["data_dir"] == "data"


@pytest.mark.parametrize("name", ["a\nb = 1", 'a"b', "a\\b", "a\x7fb", "\U0001f600", "Ä", "a'b"])
def test_names_in_a_new_configuration(shell: Shell, name: str) -> None:
    """Whatever a folder is called, the file that `init` writes can be read again."""
    shell.done("init", name)
    shell.done("init", "ops", "--data-dir", name)
    for folder in (name, "ops"):
        assert shell.done("settings", "show", "-w", folder).out
    assert (shell.home / "ops" / name).is_dir()


def test_a_data_directory_that_cannot_be_written_down(shell: Shell) -> None:
    """A name that is not Unicode has no place in a TOML file."""
    ran = shell.run("init", "--data-dir", os.fsdecode(b"\xff"))
    ran.check_error("bad_configuration", status=2)
    assert not (shell.home / "answerable.toml").exists()


def test_init_with_a_file_for_data(shell: Shell) -> None:
    """The data directory is named, not the workspace."""
    file = shell.write("data")
    said = shell.run("init", "ops", "--data-dir", str(file)).check_error(
        "storage_failure", status=1
    )
    assert str(file) in said
    assert "ops" not in said


def test_init_elsewhere_says_where_to_go(shell: Shell) -> None:
    """A workspace made in another folder is used from there, or by name."""
    assert "cd ops" in shell.done("init", "ops", "--data-dir", "data").err
    shell.write("docs/water.md")
    shell.done("ingest", "docs", "--workspace", "ops")
    assert "wet" in shell.done("ask", "Is water wet?", "-w", "ops").out


def test_init_where_a_file_is(shell: Shell) -> None:
    """It is not overwritten; the file is named."""
    file = shell.write("ops", "mine")
    said = shell.run("init", "ops").check_error("storage_failure", status=1)
    assert f"{file.name} cannot be a folder" in said
    assert file.read_text() == "mine"


def test_from_a_folder_inside(library: Shell) -> None:
    """The workspace is found upwards; a path is taken from where one stands."""
    library.write("docs/deep/air.md", "Air is a gas.\n")
    library.cd("docs/deep")
    assert "added           1" in library.done("ingest", ".").out
    assert "100 degrees" in library.done("ask", QUESTION).out
    paths = [one["document"]["path"] for one in library.done("documents", "list", "--json").data]
    assert paths == ["deep/air.md", "fire.md", "water.md"]


def test_one_file(library: Shell) -> None:
    """Ingesting one file leaves all others as they are."""
    library.write("docs/water.md", "# Water\n\nWater freezes at 0 degrees.\n")
    (library.home / "docs" / "fire.md").unlink()
    ran = library.done("ingest", "docs/water.md")
    assert "changed         1" in ran.out
    assert "removed" not in ran.out
    assert len(library.done("documents", "list", "--json").data) == 2


def test_excludes(library: Shell) -> None:
    """What is excluded from now on vanishes, and the report says so."""
    ran = library.done("ingest", "docs", "-x", "fire*")
    assert "removed         1" in ran.out
    assert "skipped         1  (ignored 1)" in ran.out


def test_try_leaves_nothing_behind(shell: Shell) -> None:
    """No file is new anywhere: home, temporary folder, current folder, the documents."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    homes = {name: shell.home / name.lower() for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for folder in homes.values():
        folder.mkdir()
    before = sorted(shell.home.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "answerable", "try", "docs", QUESTION],
        cwd=shell.home,
        env={**os.environ, **{name: str(folder) for name, folder in homes.items()}},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "100 degrees" in done.stdout
    assert "read 1 document " in done.stderr
    assert sorted(shell.home.rglob("*")) == before


def test_try_says_what_it_could_not_read(shell: Shell) -> None:
    """Files that failed or were skipped are named with their reason, on stderr."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/broken.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    shell.write("docs/empty.md", "")
    shell.write("docs/.hidden", "")
    ran = shell.done("try", "docs", QUESTION)
    assert "100 degrees" in ran.out
    assert "broken.md" not in ran.out
    assert "failed: broken.md: " in ran.err
    assert "[malformed]" in ran.err
    assert "skipped: empty.md: " in ran.err
    assert "not read either: ignored 1" in ran.err


def test_many_files_that_try_could_not_read(shell: Shell) -> None:
    """Nobody reads hundreds of lines: after some, the rest is counted."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    for number in range(300):
        shell.write(f"docs/{number}.png", b"\x89PNG\r\n\x1a\n\0\0")
    ran = shell.done("try", "docs", QUESTION)
    assert len(ran.err.splitlines()) < 30
    assert "not read either: binary 280" in ran.err


BROKEN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def test_when_nothing_could_be_read(shell: Shell) -> None:
    """`try`, `eval` and `demo` end with the reason, not with an empty library."""
    shell.write("docs/broken.md", BROKEN)
    shell.write("set.jsonl", '{"id": "1", "question": "Is it?", "answerable": false}\n')
    for arguments in (
        ("try", "docs", QUESTION),
        ("try", "docs/broken.md", QUESTION),
        ("eval", "run", "set.jsonl", "--docs", "docs"),
        ("demo", "--no-serve", "-w", "demo", "--docs", "docs"),
    ):
        said = shell.run(*arguments).check_error("bad_input", status=2)
        assert "broken.md: " in said
        assert "[malformed]" in said


def test_eval_and_demo_say_what_they_could_not_read(shell: Shell) -> None:
    """A measurement over half of the documents must not pass for one over all."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/broken.md", BROKEN)
    shell.write("set.jsonl", '{"id": "1", "question": "Is it?", "answerable": false}\n')
    for arguments in (
        ("eval", "run", "set.jsonl", "--docs", "docs"),
        ("demo", "--no-serve", "-w", "demo", "--docs", "docs"),
    ):
        assert "failed: broken.md: " in shell.done(*arguments).err


def test_what_is_in_memory_reads_no_configuration(shell: Shell) -> None:
    """`try` and `eval --docs` are the same everywhere: `answerable.toml` plays no part."""
    shell.write("answerable.toml", "[ingest]\nnonsense = 1\n")
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("set.jsonl", '{"id": "1", "question": "Is it?", "answerable": false}\n')
    assert "100 degrees" in shell.done("try", "docs", QUESTION).out
    shell.done("eval", "run", "set.jsonl", "--docs", "docs")


# Documents


def test_a_removed_document_stays_removed(library: Shell) -> None:
    """Gone from answers at once, after another ingest, and in older revisions; until restored."""
    ran = library.done("documents", "remove", "water.md", "--because", "wrong")
    undo = shlex.split(ran.err.strip().rpartition("to undo: answerable ")[2])
    for again in (("ingest", "docs"), ("revisions", "switch", "1")):
        assert "100 degrees" not in library.done("ask", QUESTION).out
        library.run("documents", "show", "water.md").check_error("not_found", status=1)
        assert len(library.done("documents", "list", "--json").data) == 1
        library.done(*again)
    assert "100 degrees" not in library.done("ask", QUESTION).out
    library.done(*undo)
    assert "100 degrees" in library.done("ask", QUESTION).out, "revision 1 holds it again"
    library.done("revisions", "switch", "latest")
    library.done("ingest", "docs")
    assert "100 degrees" in library.done("ask", QUESTION).out
    library.run(*undo).check_error("not_found", status=1)


def test_removed_documents_are_listed(library: Shell) -> None:
    """Who removed what and why can be looked up, and a path is enough to undo it."""
    library.done("documents", "remove", "water.md", "--because", "it is wrong")
    row = library.done("documents", "list", "--removed").out.splitlines()[1]
    assert "water.md" in row
    assert row.endswith("it is wrong")
    (listed,) = library.done("documents", "list", "--removed", "--json").data
    assert listed["removal"]["document_id"] == listed["document"]["id"]
    assert "restored water.md" in library.done("documents", "restore", "water.md").err
    assert library.done("documents", "list", "--removed", "--json").data == []


def test_removing_the_only_document(shell: Shell) -> None:
    """The next ingest finds nothing but what a person removed, and is content."""
    shell.done("init", "--data-dir", "data")
    shell.write("docs/water.md")
    shell.done("ingest", "docs")
    shell.done("documents", "remove", "water.md")
    assert "removed 1" in shell.done("ingest", "docs").out


def test_a_document_is_shown(library: Shell) -> None:
    """By path or by id; its text as it may be shown."""
    shown = library.done("documents", "show", "water.md", "--json").data
    by_id = library.done("documents", "show", shown["member"]["document"]["id"], "--text").out
    assert "Water boils at 100 degrees Celsius." in by_id
    assert "title         Water" in library.done("documents", "show", "water.md").out


def test_two_documents_of_one_path(library: Shell) -> None:
    """The ids are named, so that one can be chosen."""
    library.write("more/water.md", "Water is wet.\n")
    library.done("ingest", "more")
    said = library.run("documents", "show", "water.md").check_error("not_found", status=1)
    ids = [
        one["document"]["id"]
        for one in library.done("documents", "list", "--json").data
        if one["document"]["path"] == "water.md"
    ]
    assert len(ids) == 2
    assert all(one in said for one in ids)


# Revisions


def test_a_bad_sync_is_undone_by_going_back(library: Shell) -> None:
    """The old revision answers again; while it is pinned, ingest says that it still serves."""
    (library.home / "docs" / "water.md").unlink()
    library.done("ingest", "docs")
    assert "100 degrees" not in library.done("ask", QUESTION).out
    ran = library.done("revisions", "switch", "1", "--because", "bad sync")
    assert "revision 1 serves now, pinned" in ran.err
    assert "100 degrees" in library.done("ask", QUESTION).out
    library.write("more/air.md", "Air is a gas.\n")
    ran = library.done("ingest", "more")
    assert "revision 3 sealed, 3 documents" in ran.out, "it goes on from the one that serves"
    assert "revision 1 is pinned and still serves" in ran.err
    assert "answerable revisions switch latest" in ran.err
    said = library.done("revisions", "list").err
    assert "pinned to revision 1: bad sync" in said
    assert "revision 3 is newer" in said
    assert "revision 3 serves now" in library.done("revisions", "switch", "latest").err
    assert "100 degrees" in library.done("ask", QUESTION).out


def test_revisions_are_listed_and_shown(library: Shell) -> None:
    """The one that serves is marked; what each one changed is named."""
    library.write("docs/water.md", "# Water\n\nWater freezes at 0 degrees.\n")
    library.write("docs/air.md", "Air is a gas.\n")
    (library.home / "docs" / "fire.md").unlink()
    library.done("ingest", "docs")
    rows = library.done("revisions", "list").out.splitlines()
    assert rows[1].startswith("2* ")
    assert rows[2].startswith("1  ")
    shown = library.done("revisions", "show", "2").out
    for line in ("added: air.md", "changed: water.md", "gone: fire.md"):
        assert line in shown


def test_a_pin_on_the_newest_is_no_news(library: Shell) -> None:
    """Nothing newer is spoken of while there is nothing newer."""
    library.done("revisions", "switch", "1")
    assert "newer" not in library.done("revisions", "list").err


def test_deployments_are_a_record(library: Shell) -> None:
    """Who switched, when and why stays readable, newest first, after switching back."""
    library.done("revisions", "switch", "1", "--because", "bad sync")
    library.done("revisions", "switch", "latest", "--because", "mended")
    newest, bad, *older = library.done("revisions", "deployments", "--json").data
    assert (newest["because"], newest["pinned"]) == ("mended", None)
    assert (bad["because"], bad["pinned"]) == ("bad sync", 1)
    assert older[-1]["because"] == "first start"
    assert newest["number"] > bad["number"] > older[0]["number"]
    rows = library.done("revisions", "deployments").out.splitlines()
    assert len(rows) == len(older) + 3
    assert rows[2].endswith("bad sync")


# Jobs and settings


def test_jobs_are_listed(library: Shell) -> None:
    """An upload that waits is there, with its path and state; one that ended, with its result."""
    assert library.done("jobs", "list", "--json").data == []
    with open_app(library.home) as app:
        job = app.submit("notes/air.md", b"Air is a gas.\n")
    row = library.done("jobs", "list").out.splitlines()[1]
    assert row.startswith(job.id)
    assert "queued" in row
    assert "notes/air.md" in row
    with open_app(library.home) as app:
        app.work_once()
    (listed,) = library.done("jobs", "list", "--json").data
    assert (listed["state"], listed["result"]) == ("done", "revision 2")


def test_settings_say_where_they_come_from(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment over file over default; every setting is there."""
    shell.write("answerable.toml", "[serve]\nport = 9000\nworkers = 2\n")
    monkeypatch.setenv("ANSWERABLE_SERVE__PORT", "9001")
    found = {one["name"]: one for one in shell.done("settings", "show", "--json").data}
    seen = {name: (one["value"], one["origin"]) for name, one in found.items()}
    assert seen["serve.port"] == (9001, "environment")
    assert seen["serve.workers"] == (2, "file")
    assert seen["serve.host"] == ("127.0.0.1", "default")
    assert seen["workspace"] == (str(shell.home), "default")
    assert seen["data_dir"][0].startswith(str(shell.home / "share" / "answerable"))
    assert seen["data_dir"][1] == "default"
    assert {"ingest.size_mb_max", "traces.text_days"} <= seen.keys()
    rows = shell.done("settings", "show", "-w", ".").out.splitlines()
    assert ["workspace", str(shell.home), "flag"] in [row.split() for row in rows]
    monkeypatch.setenv("ANSWERABLE_WORKSPACE", str(shell.home))
    rows = shell.done("settings", "show").out.splitlines()
    assert ["workspace", str(shell.home), "environment"] in [row.split() for row in rows]


@pytest.mark.parametrize("target", ["99", "x", "-1", "1.5", "²"])
def test_switching_to_nothing(library: Shell, target: str) -> None:
    """What is no revision is refused, and what served goes on serving."""
    ran = library.run("revisions", "switch", "--", target)
    assert ran.status in {1, 2}
    assert "hint: answerable revisions list" in ran.err
    assert "100 degrees" in library.done("ask", QUESTION).out


def test_a_damaged_index_is_found_and_mended(library: Shell) -> None:
    """Every command says how to mend it; afterwards all is well, and the answer is the same."""
    library.done("revisions", "verify")
    (damaged,) = (library.home / "data" / "index" / "revisions").glob("*/chunk/*.store")
    data = bytearray(damaged.read_bytes())
    damaged.unlink()
    damaged.write_bytes(data[:-1])
    ran = library.run("revisions", "verify")
    assert ran.status == 1
    assert "revision 1: damaged" in ran.out
    assert "answerable revisions rebuild 1" in ran.out
    said = library.run("ask", QUESTION).check_error("corrupt", status=1)
    assert "answerable revisions rebuild 1" in said
    library.done("revisions", "rebuild", "1")
    assert "revision 1: well" in library.done("revisions", "verify").out
    assert "100 degrees" in library.done("ask", QUESTION).out


# Questions and traces


def test_an_answer_has_a_citation_that_leads_back(library: Shell) -> None:
    """The quote stands in the document where the citation says."""
    trace = library.done("ask", QUESTION, "--json").data
    (claim, *_) = trace["outcome"]["claims"]
    (citation, *_) = claim["citations"]
    text = (library.home / "docs" / citation["path"]).read_text()
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert "100 degrees" in citation["quote"]


def test_traces_are_listed_and_shown(library: Shell) -> None:
    """Newest first; a trace says what was asked, answered and looked at."""
    for number in range(3):
        library.done("ask", f"{QUESTION} {number}")
    rows = library.done("traces", "list", "--limit", "2").out.splitlines()
    assert len(rows) == 3
    assert rows[1].endswith(f"{QUESTION} 2")
    shown = library.done("traces", "show", rows[1].split()[0]).out
    assert f"{QUESTION} 2" in shown
    assert "Looked at:" in shown
    assert "Steps:" in shown
    library.run("traces", "show", "nothing").check_error("not_found", status=1)


def test_top_and_explain(library: Shell) -> None:
    """Passages are shown when asked for, with their scores when asked for those."""
    assert "Looked at:" not in library.done("ask", QUESTION).out
    assert "1. water.md" in library.done("ask", QUESTION, "--top", "1").out
    assert "bm25" in library.done("ask", QUESTION, "--explain").out


def test_version(shell: Shell) -> None:
    """It is one line on stdout."""
    assert shell.done("--version").out.startswith("answerable ")


def test_a_reader_that_goes_away(library: Shell) -> None:
    """`| head -0` is no reason for a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone:  # noqa: PTH123 - it is a number, not a path
        done = subprocess.run(
            [sys.executable, "-m", "answerable", "documents", "list"],
            cwd=library.home,
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""


def test_the_folder_of_a_document_holds_no_program(shell: Shell) -> None:
    """A `json.py` in the current folder is a document, not a module."""
    shell.write("json.py", "raise SystemExit('owned')\n")
    shell.write("water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    program = Path(sys.executable).parent / "answerable"
    if not program.exists():
        pytest.skip("the command is not installed beside this Python")
    done = subprocess.run(
        [program, "try", ".", QUESTION], cwd=shell.home, capture_output=True, text=True, check=True
    )
    assert "100 degrees" in done.stdout
