"""Question sets: what is asked, what should be found and quoted, and what has no answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from answerable.domain.errors import BadInput

PLAIN = "plain"
UNANSWERABLE = "unanswerable"

_LISTS = frozenset({"tags", "facts", "forbidden", "acceptable_docs"})
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A question of a set.

    Attributes:
        grades: Gain of each relevant document, by its path below its folder or its id; empty
            when the set does not say.
        quotes: Texts of which one has to be quoted; empty when the set does not say.
        tags: Groups that are reported apart. An answerable one without any is ``plain``; an
            unanswerable one has its kind.
        split: ``tune`` or ``held``, where the set says so; any word will do.
        facts: Texts a whole answer contains, each; empty when the set does not say.
        forbidden: Texts that no answer may contain: a secret, or what an instruction hidden in a
            document would make a model say.
    """

    id: str
    question: str
    answerable: bool
    grades: Mapping[str, float]
    quotes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: str = ""
    facts: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    @property
    def is_judged(self) -> bool:
        """Whether it counts for retrieval: it has an answer and says in which documents."""
        return self.answerable and bool(self.grades)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A document of a set that brings its own corpus."""

    id: str
    title: str
    text: str


def parse_questions(lines: Iterable[str], *, name: str) -> tuple[Case, ...]:
    """Return the cases of a JSONL question set; blank lines and unknown fields are passed over.

    Args:
        lines: One JSON object each: ``question``; ``id`` (the line number when missing),
            ``answerable`` (true when missing), ``gold_doc``, ``acceptable_docs``,
            ``gold_quote``, ``tags``, ``kind``, ``split``, ``facts``, ``forbidden``.
        name: What errors call the set.

    Raises:
        BadInput: A line is no object, a field is missing or of the wrong type, or an id or
            the whole set is of no use; names line and field.
    """
    return _cases(_rows(lines, name), _question)


def written_case(case: Case) -> str:
    """Return a case as a line that `parse_questions` reads; of several quotes the first."""
    documents = sorted(case.grades, key=lambda one: -case.grades[one])
    fields: dict[str, object] = {
        "id": case.id,
        "question": case.question,
        "answerable": case.answerable,
        "gold_doc": documents[0] if documents else "",
        "acceptable_docs": documents[1:],
        "gold_quote": case.quotes[0] if case.quotes else "",
        "tags": [tag for tag in case.tags if tag not in {PLAIN, UNANSWERABLE}],
        "split": case.split,
        "facts": list(case.facts),
        "forbidden": list(case.forbidden),
    }
    kept = {name: value for name, value in fields.items() if value or value is False}
    return json.dumps(kept, ensure_ascii=False)


def parse_table(lines: Iterable[str], *, name: str) -> tuple[Case, ...]:
    """Return the cases of a CSV question set: the fields of `parse_questions` as columns.

    Args:
        lines: The first names the columns. ``answerable`` is true or false; several tags, facts,
            documents or forbidden texts have ``|`` between them; an empty cell says nothing.
        name: What errors call the set.

    Raises:
        BadInput: As for `parse_questions`.
    """
    rows = [f"{line}\n" for line in lines]  # a cell may go on over several of them
    separator = ";" if rows and rows[0].count(";") > rows[0].count(",") else ","
    reader = csv.DictReader(rows, delimiter=separator, strict=True)
    try:
        if "question" not in (reader.fieldnames or ()):
            raise _bad(f"{name}, line 1: no column is called question")
        return _cases(
            (
                _Row(name=name, line=(at := reader.line_num), fields=dict(_cells(row, name, at)))
                for row in reader
            ),
            _question,
        )
    except csv.Error as error:
        raise _bad(f"{name}, line {reader.line_num}: this is not CSV: {error}") from None


def _cells(row: Mapping[str, Any], name: str, line: int) -> Iterator[tuple[str, Any]]:
    for field, cell in row.items():
        if not isinstance(cell, str) or not isinstance(field, str):
            raise _bad(f"{name}, line {line}: it has more or fewer cells than there are columns")
        if not cell.strip():
            continue
        if field in _LISTS:
            yield field, [part.strip() for part in cell.split("|")]
        elif field == "answerable":
            if cell.strip().casefold() not in _TRUTH:
                raise _bad(f"{name}, line {line}: {field} has to be true or false")
            yield field, _TRUTH[cell.strip().casefold()]
        else:
            yield field, cell


def parse_queries(queries: Iterable[str], qrels: Iterable[str], *, name: str) -> tuple[Case, ...]:
    """Return the cases of a folder with corpus, queries and qrels.

    Args:
        queries: JSONL rows with ``id`` and ``text``; ``answerable`` (true when missing),
            ``answers`` (texts of which one has to be quoted), ``tags``, ``kind``, ``split``.
        qrels: Rows ``query-id``, ``corpus-id`` and ``score`` between tabs, below a header. A
            score of 0 or less is not relevant.
        name: What errors call the set.

    Raises:
        BadInput: As for `parse_questions`.
    """
    grades = _grades(qrels, f"{name}/qrels")
    return _cases(_rows(queries, f"{name}/queries"), lambda row: _query(row, grades))


def parse_corpus(lines: Iterable[str], *, name: str) -> Iterator[Page]:
    """Give the documents of a set: JSONL rows with ``id`` and ``text``, ``title`` if it has one.

    Raises:
        BadInput: As for `parse_questions`.
    """
    for row in _rows(lines, f"{name}/corpus"):
        yield Page(
            id=row.text("id"),
            title=row.text("title", default=""),
            text=row.text("text", default=""),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A line of a set; reads its fields strictly."""

    name: str
    line: int
    fields: Mapping[str, Any]

    def text(self, field: str, *, default: str | None = None) -> str:
        value = self.fields.get(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(field, "has to be a text that is not empty")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        value = self.fields.get(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(field, "has to be a list of texts")
        return tuple(value)

    def truth(self, field: str) -> bool:
        value = self.fields.get(field, True)
        if not isinstance(value, bool):
            raise self.wrong(field, "has to be true or false")
        return value

    def wrong(self, field: str, why: str) -> BadInput:
        return _bad(f"{self.name}, line {self.line}: {field} {why}")


def _bad(message: str) -> BadInput:
    return BadInput(message, hint="the fields of a question set are described in the guide")


def _rows(lines: Iterable[str], name: str) -> Iterator[_Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            raise _bad(f"{name}, line {number}: this is not JSON") from None
        if not isinstance(fields, dict):
            raise _bad(f"{name}, line {number}: this is not a JSON object")
        yield _Row(name=name, line=number, fields=fields)


def _cases(rows: Iterable[_Row], read: Callable[[_Row], Case]) -> tuple[Case, ...]:
    cases: dict[str, Case] = {}
    for row in rows:
        case = read(row)
        if case.id in cases:
            raise row.wrong("id", "was used by an earlier line")
        cases[case.id] = case
    return tuple(cases.values())


def _question(row: _Row) -> Case:
    relevant = [*row.texts("acceptable_docs"), row.text("gold_doc", default="")]
    quote = row.text("gold_quote", default="")
    is_answerable = row.truth("answerable")
    return Case(
        id=row.text("id", default=str(row.line)),
        question=row.text("question"),
        answerable=is_answerable,
        # 2 for the document the quote is from, 1 for others that say the same.
        grades={path: 1.0 + (path == relevant[-1]) for path in relevant if path},
        quotes=(quote,) if quote.strip() else (),
        tags=_tags(row, is_answerable=is_answerable),
        split=row.text("split", default=""),
        facts=_said(row, "facts"),
        forbidden=_said(row, "forbidden"),
    )


def _query(row: _Row, grades: Mapping[str, Mapping[str, float]]) -> Case:
    is_answerable = row.truth("answerable")
    query_id = row.text("id")
    return Case(
        id=query_id,
        question=row.text("text"),
        answerable=is_answerable,
        grades=grades.get(query_id, {}),
        quotes=tuple(answer for answer in row.texts("answers") if answer.strip()),
        tags=_tags(row, is_answerable=is_answerable),
        split=row.text("split", default=""),
        facts=_said(row, "facts"),
        forbidden=_said(row, "forbidden"),
    )


def _said(row: _Row, field: str) -> tuple[str, ...]:
    return tuple(one for one in row.texts(field) if one.strip())


def _tags(row: _Row, *, is_answerable: bool) -> tuple[str, ...]:
    tags = row.texts("tags")
    if not is_answerable:
        tags = (UNANSWERABLE, *tags, row.text("kind", default=""))
    return tuple(dict.fromkeys(tag for tag in tags if tag)) or (PLAIN,)


def _grades(lines: Iterable[str], name: str) -> Mapping[str, dict[str, float]]:
    grades: dict[str, dict[str, float]] = {}
    for number, line in enumerate(lines, start=1):
        parts = line.rstrip("\r\n").split("\t")
        if number == 1 or parts == [""]:
            continue
        try:
            query, document, score = parts[0], parts[1], float(parts[2])
        except (IndexError, ValueError):
            raise _bad(
                f"{name}, line {number}: not a query-id, a corpus-id and a score between tabs"
            ) from None
        if score > 0:
            grades.setdefault(query, {})[document] = score
    return grades
