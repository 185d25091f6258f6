"""Two runs over the same questions, side by side: what got better, what got worse, and how sure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from answerable.domain.errors import BadInput
from answerable.quality.grades import Grade
from answerable.quality.metrics import share
from answerable.quality.paired import (
    Compared,
    Pairs,
    Verdict,
    changed_p,
    compare,
    newcombe,
    non_inferior,
    pairs,
)
from answerable.quality.records import EvalRun, Record

SEED = 20_261_130
"""Of the draws: the same two runs always give the same intervals."""

Both = tuple[Record, Record]
"""What came of one question before, and after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How the questions of one tag were answered; ``all`` is every question.

    Attributes:
        before, after: Share of good answers among the decided; None where there are none.
        interval: Of the difference, 95 %.
    """

    tag: str
    pairs: Pairs
    before: float | None
    after: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What two runs over one question set say about each other.

    Attributes:
        both: What came of each question, before and after.
        rows: ``all`` first, then each tag.
        p_value: Of as uneven a change if nothing had changed; None where too few changed.
        verdict: Whether the newer one is no worse than the other by more than the margin.
        measures: Means of graded numbers by name, where both runs have them.
        lost, gained: Questions that were answered well in one run only.
    """

    before: EvalRun
    after: EvalRun
    both: tuple[Both, ...]
    rows: tuple[Row, ...]
    p_value: float | None
    verdict: Verdict
    measures: Mapping[str, Compared]
    lost: tuple[Both, ...]
    gained: tuple[Both, ...]


def compared(before: EvalRun, after: EvalRun, *, margin: float) -> Comparison:
    """Return what two runs say about each other.

    Args:
        before: Of the older release.
        after: Of the newer one, over the same questions.
        margin: So much may be lost, in shares above 0.

    Raises:
        BadInput: They are over different sets, or one is not whole.
    """
    both = _both(before, after)
    tags = dict.fromkeys(tag for one, _ in both for tag in one.tags)
    everything = _row("all", both)
    return Comparison(
        before=before,
        after=after,
        both=tuple(both),
        rows=(
            everything,
            *(_row(tag, [pair for pair in both if tag in pair[0].tags]) for tag in tags),
        ),
        p_value=changed_p(everything.pairs.decided),
        verdict=non_inferior(everything.pairs, margin=margin),
        measures=_measures(both),
        lost=_flipped(both, Grade.GOOD, Grade.BAD),
        gained=_flipped(both, Grade.BAD, Grade.GOOD),
    )


def _both(before: EvalRun, after: EvalRun) -> list[Both]:
    if before.questions_hash != after.questions_hash:
        raise BadInput(
            f"the runs are over different question sets, or the set has changed: "
            f"{before.questions} and {after.questions}",
            hint="run both releases over the same file again",
        )
    newer = {one.id: one for one in after.records}
    if newer.keys() != {one.id for one in before.records}:
        raise BadInput("one of the runs does not have every question", hint="run it again")
    return [(one, newer[one.id]) for one in before.records]


def _row(tag: str, both: Sequence[Both]) -> Row:
    found = pairs([one.grade for one, _ in both], [two.grade for _, two in both])
    table = found.decided
    return Row(
        tag=tag,
        pairs=found,
        before=share(table.both_good + table.lost, table.n),
        after=share(table.both_good + table.gained, table.n),
        interval=newcombe(table),
    )


def _measures(both: Sequence[Both]) -> dict[str, Compared]:
    found = {}
    for name in dict.fromkeys(name for one, _ in both for name in one.measures):
        some = [pair for pair in both if all(name in one.measures for one in pair)]
        difference = compare(
            [one.measures[name] for one, _ in some],
            [two.measures[name] for _, two in some],
            clusters=[one.cluster for one, _ in some],
            rng=np.random.default_rng(SEED),
        )
        if difference is not None:
            found[name] = difference
    return found


def _flipped(both: Sequence[Both], was: Grade, now: Grade) -> tuple[Both, ...]:
    return tuple(pair for pair in both if (pair[0].grade, pair[1].grade) == (was, now))


def as_json(found: Comparison) -> dict[str, object]:
    """Return one object: verdict, rows, measures, and the questions that flipped."""
    return {
        "before": _named(found.before),
        "after": _named(found.after),
        "verdict": asdict(found.verdict),
        "p_value": found.p_value,
        "rows": [asdict(row) for row in found.rows],
        "measures": {name: asdict(one) for name, one in found.measures.items()},
        "lost": [_flip(pair) for pair in found.lost],
        "gained": [_flip(pair) for pair in found.gained],
    }


def _named(run: EvalRun) -> dict[str, object]:
    return {
        "id": run.id,
        "questions": run.questions,
        "release": run.release,
        "revision": run.revision,
    }


def _flip(pair: Both) -> dict[str, object]:
    before, after = pair
    shown = {"before": asdict(before), "after": asdict(after)}
    return {"id": before.id, "question": before.question, **shown}


def markdown(found: Comparison) -> str:
    """Return a page for a pull request."""
    before, after, verdict = found.before, found.after, found.verdict
    lines = [
        f"# {after.questions}: {verdict.decision.value}",
        "",
        f"{_stood(before)}, then {_stood(after)}. {verdict.because}.",
        "",
        "| questions | n | before | after | difference, 95 % |",
        "|---|--:|--:|--:|--:|",
        *(f"| {' | '.join(cells(row))} |" for row in found.rows),
    ]
    for title, flips in (("Lost", found.lost), ("Gained", found.gained)):
        if flips:
            lines += ["", f"## {title}", ""]
            lines += [line for pair in flips for line in _side_by_side(pair)]
    return "\n".join(lines) + "\n"


def _stood(run: EvalRun) -> str:
    return f"{run.release} at revision {run.revision}"


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table of tags: tag, n, before, after, difference."""
    table = row.pairs.decided
    undecided = f" + {row.pairs.undecided} undecided" if row.pairs.undecided else ""
    apart = "-"
    if row.interval and table.difference is not None:
        low, high = (100 * one for one in row.interval)
        apart = f"{100 * table.difference:+.1f} ({low:+.1f} to {high:+.1f})"
    return (row.tag, f"{table.n}{undecided}", _percent(row.before), _percent(row.after), apart)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _side_by_side(pair: Both) -> Iterator[str]:
    before, after = pair
    yield f"- **{_flat(before.question)}** (`{_flat(before.id)}`)"
    yield f"  - before, {before.rung or before.outcome}: {_flat(before.answer or before.because)}"
    yield f"  - after, {after.rung or after.outcome}: {_flat(after.answer or after.because)}"


def _flat(text: str) -> str:
    """Return a text on one line in which nothing is markup."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in " ".join(text.split()))


def junit(found: Comparison) -> str:
    """Return the questions as tests of one suite, in XML: those that were lost have failed."""
    lost = {before.id: (before, after) for before, after in found.lost}
    newer = found.after.records
    undecided = sum(one.grade is Grade.UNDECIDED for one in newer)
    counts = {"tests": len(newer), "failures": len(lost), "skipped": undecided}
    name = _printable(found.after.questions)
    suite = Element("testsuite", {"name": name} | {key: str(one) for key, one in counts.items()})
    for one in newer:
        said = {"classname": name, "name": _printable(f"{one.id}: {one.question}")}
        test = SubElement(suite, "testcase", said)
        if one.id in lost:
            before, after = lost[one.id]
            told = ("before:", before.answer, "after:", after.answer or after.because)
            failed = SubElement(test, "failure", {"message": "it was answered well before"})
            failed.text = _printable("\n".join(told))
        elif one.grade is Grade.UNDECIDED:
            SubElement(test, "skipped", {"message": "undecided"})
    indent(suite)
    return tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)
