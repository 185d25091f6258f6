"""`check` takes lines of JSON and gives lines of JSON, whatever else is in the file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Shell

from answerable.app.checking import LINE_MB_MAX, CheckedLine, check_file
from answerable.domain.errors import BadLine

PASSAGE = "The ingester listens on port 8443. Restart it with `systemctl restart ingester`."
GOOD: dict[str, Any] = {
    "id": "a",
    "context": PASSAGE,
    "question": "Which port?",
    "response": "The ingester listens on port 8443.",
}
WRONG = {**GOOD, "id": 7, "context": [PASSAGE, "Another."], "response": "It uses port 8080 [1]."}


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


def write(folder: Path, *rows: object) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in rows))
    return path


def test_each_line_gets_its_verdict_in_order(shell: Shell) -> None:
    """One object a line, in input order, with exact offsets; no workspace is needed."""
    write(shell.home, GOOD, "\n", WRONG)
    ran = shell.run("check", "answers.jsonl", "--json")
    assert ran.status == 0
    first, second = map(json.loads, ran.out.splitlines())
    assert (first["id"], first["verdict"]) == ("a", "SUPPORTED")
    assert (second["id"], second["verdict"]) == (7, "UNSUPPORTED")
    assert set(first) == {"id", "p_supported", "verdict", "claims"}
    (claim,) = second["claims"]
    assert WRONG["response"][claim["start"] : claim["end"]] == "It uses port 8080 [1]."
    assert claim["verdict"] == "UNSUPPORTED"
    assert 0 <= claim["p"] < 0.5
    assert claim["reasons"][0] == {
        "code": "number_differs",
        "text": "says 8080, the document says 8443",
    }


def test_without_json_people_read_it(shell: Shell) -> None:
    """The listing shows each claim, its sign and why."""
    write(shell.home, GOOD, WRONG)
    ran = shell.run("check", "answers.jsonl")
    assert ran.status == 0
    assert "a: SUPPORTED" in ran.out
    assert "says 8080, the document says 8443" in ran.out
    assert "2 checked" in ran.err


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("nonsense\n", "line 2 is no JSON"),
        ("[1]\n", "line 2 is a JSON list, not an object"),
        (json.dumps({"response": "x"}) + "\n", "line 2 has no context"),
        ('{"context": 1, "response": "x"}\n', "line 2 has a context that is a number"),
        ('{"context": [1], "response": "x"}\n', "line 2 has a context that is a list"),
        (json.dumps({"context": "x"}) + "\n", "line 2 has no response"),
        ('{"context": "x", "response": {}}\n', "line 2 has a response that is an object"),
        (json.dumps({"id": [], "context": "x", "response": "y"}) + "\n", "line 2 has an id"),
        ("[" * 100_000 + "\n", "line 2 is no JSON"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_others_are_done(shell: Shell, bad: str, said: str) -> None:
    """The line number, what is wrong, what to do; the exit code says that something was."""
    write(shell.home, GOOD, bad, WRONG)
    ran = shell.run("check", "answers.jsonl", "--json")
    assert ran.status == 3
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ["a", 7]
    assert said in ran.check_error("bad_line", status=3)


def test_a_file_of_bad_lines_fails(shell: Shell) -> None:
    """Nothing done is not partly done."""
    write(shell.home, "nonsense\n")
    ran = shell.run("check", "answers.jsonl", "--json")
    assert (ran.status, ran.out) == (2, "")


def test_a_file_of_another_kind_does_not_flood_the_terminal(shell: Shell) -> None:
    """The first complaints are named, the others counted."""
    write(shell.home, *["nonsense\n"] * 500, GOOD)
    ran = shell.run("check", "answers.jsonl", "--json")
    assert ran.status == 3
    assert ran.err.count("error[bad_line]") == 20
    assert "500 bad lines" in ran.err
    assert json.loads(ran.out)["id"] == "a"


def test_a_missing_file_is_named(shell: Shell) -> None:
    """As every command says it."""
    ran = shell.run("check", "nowhere.jsonl")
    assert "nowhere.jsonl" in ran.check_error("path_missing", status=2)


def test_what_a_terminal_obeys_is_escaped(shell: Shell) -> None:
    """A response cannot steer the terminal it is shown on."""
    write(shell.home, {**GOOD, "id": "\u001b[2J\u202e", "response": "It is \u009b31m red\u202e."})
    for arguments in (("--json",), ()):
        ran = shell.run("check", "answers.jsonl", *arguments)
        assert ran.status == 0
        assert not {"\u001b", "\u202e", "\u009b"}.intersection(ran.out)


def test_stdin_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is judged before the next one has been written."""
    read: list[int] = []

    class Slow(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readline(self, size: int | None = -1, /) -> bytes:
            del size
            read.append(1)
            return json.dumps(GOOD).encode() + b"\n" if len(read) <= 3 else b""

    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": Slow()})())
    lines = check_file(Path("-"))
    assert isinstance(next(lines), CheckedLine)
    assert len(read) == 1


def test_a_line_too_long_is_not_held(tmp_path: Path) -> None:
    """A line above the limit is refused, and the one after it is read."""
    path = tmp_path / "long.jsonl"
    with path.open("w") as out:
        out.write("x" * (2 * LINE_MB_MAX * 1_000_000 + 10) + "\n")
        out.write(json.dumps(GOOD) + "\n")
    first, second = check_file(path)
    assert isinstance(first, BadLine)
    assert "longer than" in first.message
    assert isinstance(second, CheckedLine)
    assert second.number == 2


def test_a_closed_pipe_ends_it_quietly(tmp_path: Path) -> None:
    """`check … | head` shows no traceback."""
    path = write(tmp_path, *[GOOD] * 2000)
    command = [sys.executable, "-m", "answerable", "check", str(path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        process.wait(timeout=60)
