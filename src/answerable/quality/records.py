"""What came of every question of a run, kept so that runs can be compared later.

A file of one JSON object a line: the run, then a record for each question.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from hashlib import sha256
from statistics import fmean
from typing import Any

from answerable.domain.errors import BadInput
from answerable.domain.questions import Abstained, Answered, StepReason, Trace
from answerable.quality.evaluation import Ran, contains_quote, holds
from answerable.quality.grades import Grade
from answerable.quality.metrics import hit, ndcg, reciprocal_rank
from answerable.quality.questions import Case

FORMAT = "answerable-run-1"
"""Stands in the first line; raised when a reader of today could not read it."""


_DISTURBING = frozenset(
    {
        StepReason.OUTAGE,
        StepReason.BREAKER,
        StepReason.BUDGET,
        StepReason.OVERLOAD,
        StepReason.POLICY,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What came of one question.

    Attributes:
        id: Of the question in its set.
        cluster: What it shares with others that depend on the same thing: the first digits of
            the hash of its best document's name, since a purge leaves no name.
        grade: Whether it was answered well: see `graded`.
        measures: Numbers by name, as far as they can be measured.
        outcome: ``answered``, ``abstained`` or ``cancelled``.
        answer: Shown text; empty when there is none.
        because: Why there is no answer.
        disturbed: How a model failed to take part, so that this says nothing about the release.
        documents: Ids of those that were cited: a purge of one takes the answer with it. None
            where nobody noted them.
    """

    id: str
    question: str
    tags: tuple[str, ...]
    cluster: str
    grade: Grade
    measures: Mapping[str, float]
    outcome: str
    rung: str
    answer: str
    because: str
    disturbed: str = ""
    documents: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalRun:
    """A run over a question set.

    Attributes:
        questions: Name of the set.
        questions_hash: Of its cases: runs over different sets cannot be compared.
    """

    id: str
    questions: str
    questions_hash: str
    release: str
    revision: int
    at_ms: int
    records: tuple[Record, ...]


def case_hash(case: Case) -> str:
    """Return the SHA-256 of a question and what is said of it, hexadecimal."""
    return sha256(_row_of(case).encode("utf-8", "surrogatepass")).hexdigest()


def hash_of(cases: Sequence[Case]) -> str:
    """Return the SHA-256 of a question set, hexadecimal; the order of its questions counts not."""
    rows = sorted(map(_row_of, cases))
    return sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def _row_of(case: Case) -> str:
    """Return a case as JSON; what came to sets later and is empty does not count."""
    fields_set = asdict(case)
    late = {name for name in ("facts", "forbidden") if not fields_set[name]}
    return json.dumps({k: v for k, v in fields_set.items() if k not in late}, sort_keys=True)


def record(ran: Ran) -> Record:
    """Return what is kept of a question that was asked."""
    case, trace = ran.case, ran.trace
    outcome = trace.outcome
    best = max(case.grades, key=lambda name: case.grades[name], default=case.id)
    return Record(
        id=case.id,
        question=case.question,
        tags=case.tags,
        cluster=sha256(best.encode("utf-8", "surrogatepass")).hexdigest()[:12],
        grade=graded(case, trace),
        measures=_measures(ran),
        outcome=type(outcome).__name__.lower(),
        rung=outcome.rung if isinstance(outcome, Answered | Abstained) else "",
        answer="\n".join(one.text for one in outcome.claims)
        if isinstance(outcome, Answered)
        else "",
        because=outcome.because if isinstance(outcome, Abstained) else "",
        disturbed=_disturbed(trace),
        documents=tuple(sorted(_documents(outcome))) if isinstance(outcome, Answered) else (),
    )


def redacted(found: Record, purged: frozenset[str]) -> Record:
    """Return a record without its texts where it cites a document that was purged."""
    if not found.answer or (found.documents is not None and not purged & set(found.documents)):
        return found
    return replace(found, question="", answer="", because="a document in it was purged")


def graded(case: Case, trace: Trace) -> Grade:
    """Return whether a question was answered well, as far as its set says how.

    BAD whatever else is so if it says something the set forbids. One without an answer in the
    documents: GOOD if it was not answered. One that has an answer: BAD if it was not; GOOD if
    the answer holds a quote the set names, or, where it names none, cites a document it names,
    or holds every fact. Where the set names nothing of these: GOOD if it forbids something,
    else UNDECIDED, as when the answer was cancelled.
    """
    outcome = trace.outcome
    if not isinstance(outcome, Answered | Abstained):
        return Grade.UNDECIDED
    if any(holds(one, outcome) for one in case.forbidden):
        return Grade.BAD
    if not case.answerable:
        return _of(isinstance(outcome, Abstained))
    if case.forbidden and not (case.quotes or case.grades or case.facts):
        return Grade.GOOD
    return _of(_is_right(case, outcome)) if _is_graded(case, outcome) else Grade.UNDECIDED


def _is_graded(case: Case, outcome: Answered | Abstained) -> bool:
    return isinstance(outcome, Abstained) or bool(case.quotes or case.grades or case.facts)


def _is_right(case: Case, outcome: Answered | Abstained) -> bool:
    """Return whether what the set names first of quotes, documents and facts is there."""
    if isinstance(outcome, Abstained):
        return False
    if case.quotes:
        return contains_quote(case, outcome)
    if case.grades:
        return any(name in case.grades for name in _cited(outcome))
    return all(holds(one, outcome) for one in case.facts)


def _of(is_good: bool) -> Grade:
    return Grade.GOOD if is_good else Grade.BAD


def _disturbed(trace: Trace) -> str:
    for one in trace.step_downs:
        if one.reason in _DISTURBING:
            return f"{one.rung}: {one.reason.value}"
    return ""


def _documents(outcome: Answered) -> set[str]:
    return {cited.document_id for claim in outcome.claims for cited in claim.citations}


def _cited(outcome: Answered) -> Iterator[str]:
    for claim in outcome.claims:
        for cited in claim.citations:
            yield cited.path
            yield cited.document_id


def _measures(ran: Ran) -> dict[str, float]:
    case, trace = ran.case, ran.trace
    found = {"confidence": trace.outcome.confidence, "latency_ms": trace.took_ms}
    costs = [one.cost_usd for one in trace.calls]
    known = [one for one in costs if one is not None]
    if len(known) == len(costs):
        found["cost_usd"] = float(sum(map(Decimal, known)))
    if case.facts:
        found["fact_recall"] = fmean(holds(one, trace.outcome) for one in case.facts)
    if case.is_judged:
        found |= {
            "hit@1": float(hit(ran.ranked, case.grades, k=1)),
            "hit@10": float(hit(ran.ranked, case.grades, k=10)),
            "mrr@10": reciprocal_rank(ran.ranked, case.grades, k=10),
            "ndcg@10": ndcg(ran.ranked, case.grades, k=10) or 0.0,
        }
    return found


def written(run: EvalRun) -> Iterator[str]:
    """Give the lines of a run as a file."""
    head = {one.name: getattr(run, one.name) for one in fields(EvalRun) if one.name != "records"}
    yield json.dumps({"format": FORMAT, **head})
    yield from map(written_record, run.records)


def read(lines: Iterable[str], *, name: str) -> EvalRun:
    """Return the run that a file holds.

    Args:
        lines: As `written` gave them.
        name: What errors call it.

    Raises:
        BadInput: It is none, or was cut off or changed by hand; says where.
    """
    rows = enumerate(lines, start=1)
    head = _row(name, *next(rows, (1, "")))
    if head.pop("format", None) != FORMAT:
        raise _bad(name, 1, "this is no run of answerable eval run")
    records = tuple(_record(name, number, line) for number, line in rows if line.strip())
    try:
        return EvalRun(**head, records=records)
    except TypeError:
        raise _bad(name, 1, "a field of the run is missing or unknown") from None


def read_record(line: str) -> Record:
    """Return what `written_record` made a line of.

    Raises:
        BadInput: It is none, or was cut off.
    """
    return _record("a record", 1, line)


def written_record(one: Record) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(asdict(one))


def _record(name: str, number: int, line: str) -> Record:
    row = _row(name, number, line)
    try:
        row["tags"], row["grade"] = tuple(row["tags"]), Grade(row["grade"])
        if row.get("documents") is not None:
            row["documents"] = tuple(row["documents"])
        return Record(**row)
    except (KeyError, TypeError, ValueError):
        raise _bad(name, number, "this is no record of a question") from None


def _row(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise _bad(name, number, "this is not JSON") from None
    if not isinstance(row, dict):
        raise _bad(name, number, "this is not a JSON object")
    return row


def _bad(name: str, number: int, why: str) -> BadInput:
    return BadInput(f"{name}, line {number}: {why}", hint="answerable eval run SET -o FILE")
