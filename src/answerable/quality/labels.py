"""What people say of answers, blind: of a question and an answer, not of a release.

A label names an answer by its hash. So it counts for every release that says the same, nobody
who gives one can see whose answer it is, and a purge leaves nothing of a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from answerable.domain.errors import BadInput
from answerable.quality.grades import Grade
from answerable.quality.judged import Confusion, confusion
from answerable.quality.records import EvalRun, Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What somebody found an answer to be.

    Attributes:
        key: Of question and answer: `key_of`.
    """

    key: str
    grade: Grade
    who: str
    at_ms: int


def key_of(record: Record) -> str:
    """Return what names a question with its answer, hexadecimal; an abstention is one answer."""
    said = f"{record.question}\n\n{record.answer}"
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def written(label: Label) -> str:
    """Return a label as one line of JSON."""
    return json.dumps(asdict(label))


def read(lines: Iterable[str], *, name: str) -> dict[str, Label]:
    """Return labels by their key; of one answer the last that was said counts.

    Args:
        lines: As `written` gave them; blank ones are passed over.
        name: What errors call the file.

    Raises:
        BadInput: A line is none; says which.
    """
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            label = Label(**{**row, "grade": Grade(row["grade"])})
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadInput(
                f"{name}, line {number}: this is no label",
                hint="take the line out; the others are not affected",
            ) from None
        found[label.key] = label
    return found


def to_label(run: EvalRun, labels: Mapping[str, Label]) -> Sequence[Record]:
    """Return the answers of a run that nobody labelled, in an order that tells nothing.

    Those whose grade nobody knows come first: they say the most. What was purged has no text.
    """
    left = [one for one in run.records if one.question and key_of(one) not in labels]
    return sorted(left, key=lambda one: (one.grade is not Grade.UNDECIDED, key_of(one)))


def labelled(run: EvalRun, labels: Mapping[str, Label]) -> EvalRun:
    """Return a run in which people decide what nothing else could."""
    return replace(run, records=tuple(_decided(one, labels) for one in run.records))


def _decided(record: Record, labels: Mapping[str, Label]) -> Record:
    if record.grade is not Grade.UNDECIDED:
        return record
    label = labels.get(key_of(record))
    return record if label is None else replace(record, grade=label.grade)


def agreement(run: EvalRun, labels: Mapping[str, Label]) -> Confusion:
    """Return how the grades of a run agree with what people said of its answers."""
    both = [(labels[key].grade, one.grade) for key, one in _known(run, labels)]
    return confusion([people for people, _ in both], [grade for _, grade in both])


def _known(run: EvalRun, labels: Mapping[str, Label]) -> Iterator[tuple[str, Record]]:
    for one in run.records:
        key = key_of(one)
        if key in labels:
            yield key, one


def halves(
    run: EvalRun, labels: Mapping[str, Label]
) -> tuple[list[float], list[tuple[float, float]]]:
    """Return the badness of answers nobody labelled, and of the others with what people said.

    Undecided grades are bad, as everywhere; labels that are undecided are left out.

    Returns:
        Shapes (N,) and (n, 2), as `answerable.quality.judged.prediction_powered` takes them.
    """
    known = dict(_known(run, labels))
    alone = [_badness(one.grade) for one in run.records if key_of(one) not in labels]
    seen = [
        (_badness(labels[key].grade), _badness(one.grade))
        for key, one in known.items()
        if labels[key].grade is not Grade.UNDECIDED
    ]
    return alone, seen


def _badness(grade: Grade) -> float:
    return 0.0 if grade is Grade.GOOD else 1.0
