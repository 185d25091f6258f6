"""Labels: blind, by what was said and not by who said it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from answerable.domain.errors import BadInput
from answerable.quality.grades import Grade
from answerable.quality.judged import Confusion
from answerable.quality.labels import (
    Label,
    agreement,
    halves,
    key_of,
    labelled,
    read,
    to_label,
    written,
)
from answerable.quality.records import EvalRun, Record

GOOD, BAD, UNDECIDED = Grade.GOOD, Grade.BAD, Grade.UNDECIDED


def run(*grades: Grade) -> EvalRun:
    records = tuple(
        Record(
            id=str(n),
            question=f"q{n}",
            tags=(),
            cluster="",
            grade=grade,
            measures={},
            outcome="answered",
            rung="quote",
            answer=f"a{n}",
            because="",
        )
        for n, grade in enumerate(grades)
    )
    return EvalRun(
        id="run-a",
        questions="s",
        questions_hash="h",
        release="rel-a",
        revision=1,
        at_ms=0,
        records=records,
    )


def said(record: Record, grade: Grade) -> Label:
    return Label(key=key_of(record), grade=grade, who="ann", at_ms=1)


def test_what_nobody_could_tell_is_asked_first_and_decided_by_people() -> None:
    """The rest of the grades stay; another release with the same answer has the label too."""
    made = run(GOOD, UNDECIDED, BAD)
    assert to_label(made, {})[0].id == "1"
    labels = {one.key: one for one in (said(made.records[1], BAD), said(made.records[0], BAD))}
    assert [one.grade for one in labelled(made, labels).records] == [GOOD, BAD, BAD]
    assert [one.id for one in to_label(made, labels)] == ["2"]
    other = replace(made, release="rel-b")
    assert labelled(other, labels).records == labelled(made, labels).records
    purged = replace(made, records=(replace(made.records[0], question="", answer=""),))
    assert list(to_label(purged, {})) == []


def test_the_last_word_counts() -> None:
    """Of one answer; a line that is none is named."""
    record = run(GOOD).records[0]
    lines = [written(said(record, GOOD)), "", written(said(record, BAD))]
    assert read(lines, name="x")[key_of(record)].grade is BAD
    for bad in ("{", "[]", '{"key": "a"}', '{"key": 1, "grade": "fine", "who": "", "at_ms": 1}'):
        with pytest.raises(BadInput, match="x, line 2"):
            read([lines[0], bad], name="x")


def test_agreement_with_people() -> None:
    """Over what both said, and the halves of a prediction-powered estimate."""
    made = run(GOOD, GOOD, BAD, BAD, UNDECIDED, BAD)
    people = (GOOD, BAD, BAD, GOOD, GOOD)
    labels = {
        (one := said(record, grade)).key: one
        for record, grade in zip(made.records, people, strict=False)
    }
    assert agreement(made, labels) == Confusion(
        bad_bad=1, bad_good=1, good_good=1, good_bad=1, undecided=1
    )
    assert halves(made, labels) == (
        [1.0],
        [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.0)],
    )
