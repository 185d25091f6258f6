"""An answer long after: is it still true, and was it any good."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Ran, Shell, library, shell

from answerable.answering.standing import Because, Standing
from answerable.app import open_app
from answerable.domain.errors import NotFound
from answerable.entrypoints.given import read_answers
from answerable.entrypoints.web.render import answer as api_answer

__all__ = ["library", "shell"]  # pytest finds fixtures by their names here

QUESTION = "At how many degrees does water boil?"
QUOTE = "Water boils at 100 degrees Celsius."


def asked(library: Shell) -> dict[str, Any]:
    """Return an answer as `ask --json` gives it."""
    given: dict[str, Any] = library.done("ask", QUESTION, "--json").data
    assert given["outcome"]["kind"] == "answered"
    return given


def change(library: Shell, text: str) -> None:
    """Put another text in the place of the cited document."""
    library.write("docs/water.md", text)
    library.done("ingest", "docs")


def file_of(library: Shell, *answers: object) -> Path:
    """Return a file of answers, one a line."""
    return library.write("answers.jsonl", "".join(json.dumps(one) + "\n" for one in answers))


def citation(ran: Ran) -> dict[str, Any]:
    """Return the first citation of what `verify TRACE --json` printed."""
    found: dict[str, Any] = ran.data["claims"][0]["citations"][0]
    return found


def test_an_answer_of_today_is_still_true(library: Shell) -> None:
    """By its trace, by its file, and from stdin."""
    given = asked(library)
    ran = library.done("verify", given["id"])
    assert ran.out.startswith(f"still true · {given['id']}")
    assert library.done("verify", given["id"], "--json").data["standing"] == "still_true"
    assert library.done("verify", file_of(library, given)).out == ran.out
    pretty = library.write("one.json", json.dumps(given, indent=2))
    assert library.done("verify", pretty).out == ran.out


def test_answers_come_from_stdin(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ask --json | answerable verify -` would, with one line of JSON for each answer."""
    given = json.dumps(asked(library)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given + b"\n" + given)))
    lines = library.done("verify", "-", "--json").out.splitlines()
    assert [json.loads(one)["standing"] for one in lines] == ["still_true"] * 2


def test_what_the_api_gave_can_be_verified_here(library: Shell) -> None:
    """Both shapes of an answer are read, and say the same."""
    given = asked(library)
    with open_app() as app:
        body = api_answer(app.trace(given["id"]))
    (here,) = read_answers(json.dumps(given))
    (there,) = read_answers(json.dumps(body))
    assert here == there
    library.done("verify", file_of(library, body))


def test_a_document_that_grew_moves_the_quote(library: Shell) -> None:
    """The quote is found again at its new place."""
    given = asked(library)
    text = f"# Water\n\nÄ first 🚒 line.\n\n{QUOTE}\n"
    change(library, text)
    ran = library.done("verify", given["id"], "--json")
    found = citation(ran)
    assert found["moved"]
    assert text[found["now"]["start"] : found["now"]["end"]] == QUOTE
    assert "moved" in library.done("verify", file_of(library, given)).out


def test_a_document_that_changed_says_what_it_says_now(library: Shell) -> None:
    """Exit 4, and the sentence of today with its place."""
    given = asked(library)
    change(library, "# Water\n\nWater boils at 99 degrees Celsius.\n")
    for named in (given["id"], file_of(library, given)):
        ran = library.run("verify", named)
        assert ran.status == 4
        assert ran.out.startswith("document changed")
        assert "Water boils at 99 degrees Celsius." in ran.out
        assert "line 3" in ran.out


def test_vanished_and_removed_look_the_same(library: Shell) -> None:
    """Exit 4 and nothing of the document, whoever took it away."""
    given = asked(library)
    library.done("documents", "remove", "water.md")
    removed = library.run("verify", given["id"])
    library.done("documents", "restore", "water.md")
    (library.home / "docs/water.md").unlink()
    library.done("ingest", "docs")
    vanished = library.run("verify", given["id"])
    assert removed.status == vanished.status == 4
    assert removed.out.splitlines()[1:] == vanished.out.splitlines()[1:]
    assert "water" not in vanished.out.lower()


def test_who_may_not_read_it_learns_nothing(library: Shell) -> None:
    """Without a label no document is there, for an answer made up or real; nor is the trace."""
    given = asked(library)
    with open_app() as app:
        nobody = replace(app.owner(), labels=frozenset())
        (real,) = read_answers(json.dumps(given))
        made_up = json.loads(json.dumps(given).replace("100 degrees", "101 degrees"))
        (forged,) = read_answers(json.dumps(made_up | {"id": ""}))
        for handed_in in (real.value(), forged.value()):
            assert handed_in is not None
            (one,) = app.recheck(handed_in, nobody).claims[0].citations
            assert (one.standing, one.because) == (Standing.DOCUMENT_GONE, Because.NO_DOCUMENT)
        stranger = replace(app.owner(), principal="eve")
        with pytest.raises(NotFound):
            app.recheck_trace(given["id"], stranger)
        # The answer proves itself to anyone who may read the document.
        value = real.value()
        assert value is not None
        assert app.recheck(value, stranger).standing is Standing.STILL_TRUE


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("quote", "Water boils at 90 degrees Celsius."),
        ("content_hash", "0" * 64),
        ("start", 0),
        ("end", 100_000),
        ("line", 1),
        ("path", "official.md"),
    ],
)
@pytest.mark.parametrize("trace", ["", "kept"])
def test_an_altered_answer_is_not_as_given(
    library: Shell, part: str, value: object, trace: str
) -> None:
    """Exit 5, with or without a trace to compare with, whatever was altered."""
    given = asked(library)
    given["id"] = given["id"] if trace else ""
    claim = given["outcome"]["claims"][0]
    claim["citations"][0][part] = value
    if part == "quote":
        claim["text"] = value
    ran = library.run("verify", file_of(library, given), "--json")
    assert ran.status == 5
    assert ran.data["standing"] == "not_as_given"


def test_the_worst_answer_decides(library: Shell) -> None:
    """A file of several ends as its worst one, and says each by itself."""
    good = asked(library)
    silent = library.done("ask", "who painted the ceiling?", "--json").data
    bad = json.loads(json.dumps(good).replace("100 degrees", "101 degrees"))
    assert library.done("verify", file_of(library, good, silent)).status == 0
    ran = library.run("verify", file_of(library, good, silent, bad), "--json")
    assert ran.status == 5
    standings = [json.loads(one)["standing"] for one in ran.out.splitlines()]
    assert standings == ["still_true", "nothing_cited", "not_as_given"]


def test_an_expired_answer_is_still_verified(library: Shell) -> None:
    """When the ledger has forgotten its words, its offsets and hashes still tell."""
    library.write("answerable.toml", 'data_dir = "data"\n\n[traces]\ntext_days = 0\n')
    given = asked(library)
    assert "text has expired" in library.done("traces", "show", given["id"]).out
    library.done("verify", given["id"])
    library.done("verify", file_of(library, given))
    change(library, f"# Water\n\nFirst.\n\n{QUOTE}\n")
    assert citation(library.done("verify", given["id"], "--json"))["moved"]
    change(library, "# Water\n\nWater boils at 99 degrees Celsius.\n")
    assert library.run("verify", given["id"]).status == 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no answer"),
        ("{", "line 1: is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("\n\n[1]", "line 3"),
        ('{"claims": [{"text": "secret"}]}', "claims.0.citations"),
        ('{"id": "\\ud800", "outcome": {}}', "trace_id"),
        ('{"revision": ' + "9" * 5000 + "}", "is not valid JSON"),
    ],
)
def test_what_is_no_answer(library: Shell, text: str, named: str) -> None:
    """Exit 2, the place is named and nothing is repeated."""
    ran = library.run("verify", library.write("bad.json", text))
    said = ran.check_error("bad_input", status=2)
    assert named in said
    assert "secret" not in said
    assert ran.out == ""


def test_what_is_not_there(library: Shell) -> None:
    """A trace that is not there is exit 1, a file exit 2, and a file in another encoding too."""
    library.run("verify", "01m84hpbt6xvyhw8d01xhsmsmn").check_error("not_found", status=1)
    library.run("verify", "no/such.json").check_error("path_missing", status=2)
    library.run("verify", library.write("x.json", b"\xff\xfe{}")).check_error("bad_input", status=2)


# Feedback


def test_feedback_is_kept_and_listed(library: Shell) -> None:
    """A thumb stands beside its trace, the last one counts, and the list can be of those."""
    given = asked(library)
    library.done("ask", "what does fire need?")
    library.done("feedback", given["id"], "--up")
    said = library.done("feedback", given["id"], "--down", "--because", "Outdated")
    assert said.out == ""
    assert "it is no longer true" in said.err
    assert "thumb down by owner" in library.done("traces", "show", given["id"]).out
    shown = library.done("traces", "show", given["id"], "--json").data["feedback"]
    assert [(one["thumb"], one["complaint"]) for one in shown] == [("down", "outdated")]
    rated = library.done("traces", "list", "--rated", "down", "--json").data
    assert [(one["id"], one["downs"]) for one in rated] == [(given["id"], 1)]
    assert library.done("traces", "list", "--rated", "up", "--json").data == []


def test_a_reason_in_own_words(library: Shell) -> None:
    """What is none of the reasons is kept as it was said, on either thumb."""
    given = asked(library)
    words = "at 2,000 m it is 93 \u202e degrees"
    ran = library.done("feedback", given["id"], "--down", "--because", words, "--json")
    assert (ran.data["complaint"], ran.data["comment"]) == ("other", words)
    assert "\u202e" not in ran.out
    assert "93" in library.done("traces", "show", given["id"]).out
    library.done("feedback", given["id"], "--up", "--because", "just right")


def test_feedback_that_makes_no_sense(library: Shell) -> None:
    """No thumb, a complaint with a thumb up, a novel, and a trace that is not there."""
    trace = asked(library)["id"]
    library.run("feedback", trace).check_error("bad_input", status=2)
    wrong = library.run("feedback", trace, "--up", "--because", "wrong")
    wrong.check_error("bad_input", status=2)
    long = library.run("feedback", trace, "--down", "--because", "x" * 2_001)
    long.check_error("bad_input", status=2)
    stray = library.run("feedback", trace, "--down", "--because", "\udcff")
    stray.check_error("bad_input", status=2)
    library.run("feedback", "nope", "--up").check_error("not_found", status=1)
    with open_app() as app:
        assert app.feedback(trace) == ()
