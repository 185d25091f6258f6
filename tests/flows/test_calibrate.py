"""`calibrate`: a threshold with a certificate, kept whole, void when answers change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from command_line import Ran, Shell, shell

from answerable.answering import flow as answering
from answerable.app import open_app

__all__ = ["shell"]

# Each has a page of its own, so that every question is answered from the right one.
NAMES = (
    "abacus badger cactus dynamo ember falcon gravel hammer icicle jigsaw kettle lantern magnet "
    "nectar osprey pepper quartz rocket saddle tundra umbra velvet walnut xenon yonder zephyr"
).split()
PROMISE = ("--alpha", "0.1", "--delta", "0.1")


def question(name: str, number: int) -> dict[str, Any]:
    """Return a question a page answers."""
    return {
        "id": name,
        "question": f"How many seconds does the {name} wait?",
        "gold_doc": f"{name}.md",
        "gold_quote": f"The {name} waits {number} seconds.",
    }


def unanswered(number: int) -> dict[str, Any]:
    """Return a question no page answers."""
    return {"id": f"u{number}", "question": f"Who painted ceiling {number}?", "answerable": False}


def write_set(shell: Shell, rows: Iterable[dict[str, Any]], name: str = "set.jsonl") -> None:
    """Write a question set beside the workspace."""
    shell.write(name, "\n".join(map(json.dumps, rows)))


@pytest.fixture
def asked(shell: Shell) -> Shell:
    """Give a workspace with a page for each name, and a set of what they answer and do not."""
    shell.done("init", "--data-dir", "data")
    for number, name in enumerate(NAMES, start=11):
        text = f"# {name.title()}\n\nThe {name} waits {number} seconds.\n"
        shell.write(f"docs/{name}.md", text)
    shell.done("ingest", "docs")
    rows = [question(name, number) for number, name in enumerate(NAMES, start=11)]
    write_set(shell, [*rows, *(unanswered(number) for number in range(4))])
    return shell


@pytest.fixture
def certified(asked: Shell) -> Shell:
    """Give the same with a certificate."""
    asked.done("calibrate", "set.jsonl", *PROMISE)
    return asked


def shown(shell: Shell) -> Any:
    """Return what the certificate is worth."""
    return shell.done("calibrate", "--show", "--json").data


def test_a_threshold_is_certified_and_kept(asked: Shell) -> None:
    """The file holds n, k and bound; the release has the threshold; what changed is on record."""
    before = asked.done("ask", "who?", "--json").data["release"]
    found = asked.done("calibrate", "set.jsonl", *PROMISE, "--json").data
    assert (found["outcome"], found["k"], found["mode"]) == ("certified", 0, "by_words")
    assert found["n"] >= 22
    assert found["bound"] <= 0.1
    assert found["coverage"] == found["n"] / 30
    assert found["coverage_answerable"] == found["n_answerable"] / 26
    kept = json.loads((asked.home / "calibration.json").read_text())
    assert (kept["n"], kept["k"], kept["threshold"]) == (found["n"], 0, found["threshold"])
    standing = shown(asked)
    assert (standing["state"], standing["threshold"]) == ("holds", found["threshold"])
    assert asked.done("ask", "who?", "--json").data["release"] != before
    with open_app(asked.home) as app:
        deployment = app.deployments()[0]
        assert deployment.because == "the workspace changed: thresholds"
        (check,) = (one for one in app.readiness() if one.name == "calibration")
    assert check.ready
    assert "at most 0.1 of answers wrong" in check.detail


def test_people_are_told_risk_beside_coverage(asked: Shell) -> None:
    """One screen says what is promised, what was measured, of what, and where it is kept."""
    ran = asked.done("calibrate", "set.jsonl")
    assert ran.out.startswith("certified: answering from confidence ")
    for word in ("risk", "bound", "coverage", "loss quote", "revision 1 with 26 documents"):
        assert word in ran.out
    assert "calibration.json" in ran.err


def check_nothing_kept(ran: Ran, shell: Shell) -> None:
    """Make sure that a run certified nothing and left nothing."""
    assert ran.status == 21
    assert not (shell.home / "calibration.json").exists()


def test_too_little_data_says_how_much_more(asked: Shell) -> None:
    """Ten right answers do not do: exit code 21, the number on the first line, nothing kept."""
    rows = [question(name, number) for number, name in enumerate(NAMES[:10], start=11)]
    write_set(asked, rows)
    ran = asked.run("calibrate", "set.jsonl", *PROMISE)
    check_nothing_kept(ran, asked)
    first = ran.out.splitlines()[0]
    assert first.startswith("insufficient: ")
    assert first.split()[1].isdigit()
    found = asked.run("calibrate", "set.jsonl", *PROMISE, "--json")
    check_nothing_kept(found, asked)
    assert (found.data["outcome"], found.data["more_at_observed_error"]) == ("insufficient", True)
    assert found.data["more"] == 22 - found.data["measured"]["n"]


def test_wrong_answers_certify_nothing(asked: Shell) -> None:
    """Where the gold quotes say something else, no number of questions is said to do."""
    rows = [question(name, 99) for name in NAMES]
    write_set(asked, rows)
    ran = asked.run("calibrate", "set.jsonl", *PROMISE)
    check_nothing_kept(ran, asked)
    assert "if every one of them were right" in ran.out
    assert "no number of questions would do" in ran.out
    weaker = asked.done("calibrate", "set.jsonl", "--loss", "answerable", "--json").data
    assert (weaker["loss"], weaker["k"]) == ("answerable", 0)


def test_a_set_that_certifies_nothing_leaves_what_was(certified: Shell) -> None:
    """An earlier certificate stays, and that is said."""
    before = (certified.home / "calibration.json").read_bytes()
    write_set(certified, [question("abacus", 11)])
    ran = certified.run("calibrate", "set.jsonl")
    assert ran.status == 21
    assert "from before stays" in ran.err
    assert (certified.home / "calibration.json").read_bytes() == before


@pytest.mark.parametrize("flags", [("--dry-run",), ("--docs", "docs")])
def test_a_trial_keeps_nothing(asked: Shell, flags: tuple[str, ...]) -> None:
    """A dry run, and one over documents in memory, report the same and leave nothing."""
    ran = asked.done("calibrate", "set.jsonl", *flags)
    assert ran.out.startswith("certified")
    assert "nothing was kept" in ran.err
    assert not (asked.home / "calibration.json").exists()


def test_another_set_is_measured_at_a_threshold(asked: Shell) -> None:
    """What was chosen on one set is looked at on another one, wrong answers and all."""
    write_set(asked, [question("abacus", 11), question("badger", 99), unanswered(0)], "other.jsonl")
    found = asked.done("calibrate", "other.jsonl", "--at", "0", "--json").data
    assert (found["outcome"], found["n"], found["k"]) == ("measured", 2, 1)
    assert (found["risk"], found["coverage_answerable"]) == (0.5, 1.0)
    assert not (asked.home / "calibration.json").exists()


def test_what_changes_answers_voids_it(certified: Shell) -> None:
    """Another alias: the status names it, asking says it, and no more is answered than before."""
    threshold = shown(certified)["threshold"]
    certified.write("aliases.txt", "timer = abacus\n")
    found = shown(certified)
    assert (found["state"], found["changed"]) == ("void", ["aliases"])
    assert found["threshold"] >= threshold
    asked = certified.done("ask", "how many seconds does the abacus wait?")
    assert "note: the certificate is void: aliases changed since" in asked.err
    certified.write("aliases.txt", "")
    assert shown(certified)["state"] == "holds"


def test_another_revision_does_not_void_it(certified: Shell) -> None:
    """Documents change every day: it is said of which revision it was measured."""
    certified.write("docs/new.md", "# New\n\nSomething else.\n")
    certified.done("ingest", "docs")
    found = certified.done("calibrate", "--show")
    assert found.out.startswith("holds: ")
    assert "measured on revision 1, now 2" in found.out
    assert certified.done("ask", "how many seconds does the abacus wait?").err == ""


def test_a_certificate_is_forgotten(certified: Shell) -> None:
    """The release's own threshold counts again."""
    certified.done("calibrate", "--clear")
    assert not (certified.home / "calibration.json").exists()
    assert shown(certified)["state"] == "none"
    assert "there was none" in certified.done("calibrate", "--clear").err


def test_questions_of_a_set_leave_no_trace(certified: Shell) -> None:
    """They are nobody's questions."""
    assert certified.done("traces", "list", "--json").data == []


@pytest.mark.parametrize("text", ["{", '{"some": "other file"}', "<<<<<<< ours\n"])
def test_a_file_that_is_none_of_ours(certified: Shell, text: str) -> None:
    """Nothing is answered by a threshold nobody knows; `--clear` mends it."""
    certified.write("calibration.json", text)
    for command in (("ask", "who?"), ("calibrate", "--show")):
        said = certified.run(*command).check_error("bad_configuration", status=2)
        assert "calibration.json" in said
        assert "calibrate --clear" in said
    certified.done("calibrate", "--clear")
    certified.done("ask", "who?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "takes a question set"),
        (("set.jsonl", "--show"), "takes a question set"),
        (("set.jsonl", "--alpha", "0"), "--alpha takes"),
        (("set.jsonl", "--alpha", "nan"), "--alpha takes"),
        (("set.jsonl", "--delta", "1"), "--delta takes"),
        (("set.jsonl", "--at", "1.5"), "--at takes"),
    ],
)
def test_what_cannot_be_promised(asked: Shell, arguments: tuple[str, ...], said: str) -> None:
    """A promise that is none is refused before anything is asked."""
    assert said in asked.run("calibrate", *arguments).check_error("bad_input", status=2)


def test_a_set_that_cannot_be_judged(asked: Shell) -> None:
    """Without answerable questions, or without their quotes, nothing is right or wrong."""
    write_set(asked, [unanswered(1)])
    said = asked.run("calibrate", "set.jsonl").check_error("bad_input", status=2)
    assert "no answerable question" in said
    write_set(asked, [{"id": "q9", "question": "How long?"}])
    said = asked.run("calibrate", "set.jsonl").check_error("bad_input", status=2)
    assert "q9" in said
    asked.write("set.jsonl", "")
    asked.run("calibrate", "set.jsonl").check_error("bad_input", status=2)
    asked.run("calibrate", "nothing.jsonl").check_error("path_missing", status=2)


def test_an_empty_library_is_not_ready(shell: Shell) -> None:
    """There is nothing to be asked."""
    shell.done("init", "--data-dir", "data")
    write_set(shell, [question("abacus", 11)])
    shell.run("calibrate", "set.jsonl").check_error("not_ready", status=10)


def interrupted_after(monkeypatch: pytest.MonkeyPatch, questions: int, then: Any) -> None:
    """Let something happen after so many questions."""
    count = 0
    begin = answering.begin

    def counted(*arguments: Any, **named: Any) -> answering.Run:
        nonlocal count
        count += 1
        if count == questions:
            then()
        return begin(*arguments, **named)

    monkeypatch.setattr(answering, "begin", counted)


def test_stopped_in_the_middle(certified: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and leaves the certificate of before."""
    before = (certified.home / "calibration.json").read_bytes()

    def stop() -> None:
        raise KeyboardInterrupt

    interrupted_after(monkeypatch, 5, stop)
    assert certified.run("calibrate", "set.jsonl", "--alpha", "0.2").status == 130
    assert (certified.home / "calibration.json").read_bytes() == before
    assert [one.name for one in certified.home.glob(".calibration*")] == []


def test_documents_that_change_meanwhile(asked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the questions were asked of other documents: that certifies neither."""
    asked.write("more/late.md", "# Late\n\nToo late.\n")

    def ingest() -> None:
        with open_app(asked.home) as app:
            app.ingest(asked.home / "more")

    interrupted_after(monkeypatch, 5, ingest)
    said = asked.run("calibrate", "set.jsonl").check_error("conflict", status=1)
    assert "the documents changed" in said
    assert not (asked.home / "calibration.json").exists()
