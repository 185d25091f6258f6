"""Two runs side by side, and how they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from answerable.domain.errors import BadInput
from answerable.quality.comparison import as_json, compared, junit, markdown
from answerable.quality.grades import Grade
from answerable.quality.paired import Decision
from answerable.quality.records import EvalRun, Record, read, written

GOOD, BAD, UNDECIDED = Grade.GOOD, Grade.BAD, Grade.UNDECIDED


def record(name: str, grade: Grade, *, answer: str = "", score: float = 1.0) -> Record:
    """Return what came of a question; every other one has a tag of its own."""
    return Record(
        id=name,
        question=f"what about <{name}> & *more*?",
        tags=("odd",) if int(name) % 2 else ("even",),
        cluster=f"{int(name) // 3}.md",
        grade=grade,
        measures={"mrr@10": score} if grade is not UNDECIDED else {},
        outcome="answered" if answer else "abstained",
        rung="quote" if answer else "abstain",
        answer=answer,
        because="" if answer else "nothing was found",
    )


def run(*grades: Grade, name: str = "run-a", score: float = 1.0) -> EvalRun:
    """Return a run with these grades."""
    return EvalRun(
        id=name,
        questions="set",
        questions_hash="h",
        release=f"rel-{name}",
        revision=3,
        at_ms=5,
        records=tuple(
            record(str(number), grade, answer="it is so" if grade is GOOD else "", score=score)
            for number, grade in enumerate(grades)
        ),
    )


BEFORE = run(*[GOOD] * 8, *[BAD] * 4)
AFTER = run(*[BAD] * 2, *[GOOD] * 7, *[BAD] * 2, UNDECIDED, name="run-b", score=0.5)


def test_flips_and_shares_by_tag() -> None:
    """What is undecided in either run is counted apart, and flips nothing."""
    found = compared(BEFORE, AFTER, margin=0.05)
    assert [pair[0].id for pair in found.lost] == ["0", "1"]
    assert [pair[0].id for pair in found.gained] == ["8"]
    everything, even, odd = found.rows
    assert (everything.pairs.decided.n, everything.pairs.undecided) == (11, 1)
    assert (everything.before, everything.after) == (8 / 11, 7 / 11)
    assert (even.tag, even.pairs.decided.n, odd.pairs.decided.n) == ("even", 6, 5)
    assert found.p_value is None, "three discordant questions cannot decide"
    assert found.verdict.decision is Decision.INCONCLUSIVE
    assert found.measures["mrr@10"].difference == pytest.approx(-0.5)
    assert found.measures["mrr@10"].clusters == 4


def test_the_same_run_twice_loses_nothing() -> None:
    """And the draws are the same each time."""
    large = run(*[GOOD, BAD] * 200)
    found = compared(large, large, margin=0.05)
    assert found.verdict.decision is Decision.PASS
    assert (found.lost, found.gained) == ((), ())
    assert as_json(compared(BEFORE, AFTER, margin=0.1)) == as_json(
        compared(BEFORE, AFTER, margin=0.1)
    )


def test_a_run_that_is_worse_fails() -> None:
    """Shown by enough questions."""
    found = compared(run(*[GOOD] * 100), run(*[BAD] * 30, *[GOOD] * 70), margin=0.05)
    assert found.verdict.decision is Decision.FAIL
    assert found.p_value is not None
    assert found.p_value < 1e-8


def test_other_questions_are_not_compared() -> None:
    """Neither another set, nor half of one."""
    with pytest.raises(BadInput, match="different question sets"):
        compared(BEFORE, replace(AFTER, questions_hash="other"), margin=0.05)
    with pytest.raises(BadInput, match="every question"):
        compared(BEFORE, replace(AFTER, records=AFTER.records[:-1]), margin=0.05)


def test_a_run_is_read_as_it_was_written() -> None:
    """Line by line."""
    assert read(written(AFTER), name="a.jsonl") == AFTER


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: rows[1:], 1),
        (lambda rows: rows[:0], 1),
        (lambda rows: ["[]", *rows[1:]], 1),
        (lambda rows: [rows[0], rows[1][:-9], *rows[2:]], 2),
        (lambda rows: [rows[0], rows[1].replace('"good"', '"fine"'), *rows[2:]], 2),
        (lambda rows: [rows[0], '{"id": "0"}'], 2),
        (lambda rows: [rows[0].replace('"revision"', '"version"'), *rows[1:]], 1),
    ],
)
def test_a_damaged_file_is_named_with_its_line(change, line: int) -> None:  # type: ignore[no-untyped-def]
    """Cut off, edited, or something else altogether."""
    with pytest.raises(BadInput, match=rf"a.jsonl, line {line}: "):
        read(change(list(written(BEFORE))), name="a.jsonl")


def test_the_page_shows_both_answers_and_no_markup_of_theirs() -> None:
    """Questions are what anybody typed."""
    page = markdown(compared(BEFORE, AFTER, margin=0.05))
    assert page.startswith("# set: inconclusive\n")
    assert "what about \\<0\\> & \\*more\\*?" in page
    assert "  - before, quote: it is so\n  - after, abstain: nothing was found" in page
    assert "## Gained" in page


def test_lost_questions_are_failed_tests() -> None:
    """What was bad before is not a failure of this change; undecided ones are skipped."""
    after = replace(
        AFTER, records=(replace(AFTER.records[0], because="\x1b[31m<&>"), *AFTER.records[1:])
    )
    suite = ET.fromstring(junit(compared(BEFORE, after, margin=0.05)))  # noqa: S314 - ours
    assert suite.attrib == {"name": "set", "tests": "12", "failures": "2", "skipped": "1"}
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == [f"{number}: what about <{number}> & *more*?" for number in (0, 1)]
    assert "[31m<&>" in (suite[0].findtext("failure") or "")


def test_the_json_is_plain() -> None:
    """With both answers of every flip."""
    found = json.loads(json.dumps(as_json(compared(BEFORE, AFTER, margin=0.05))))
    assert found["verdict"]["decision"] == "inconclusive"
    assert found["lost"][0]["before"]["answer"] == "it is so"
    assert [row["tag"] for row in found["rows"]] == ["all", "even", "odd"]
