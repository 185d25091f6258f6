"""Runs over question sets, kept in the data directory so that they can be compared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock

from answerable.adapters.clock import new_id
from answerable.adapters.disk import translated, write_whole
from answerable.answering.ports import TraceLine
from answerable.domain.errors import AnswerableError, BadInput, NotFound
from answerable.quality import labels, records
from answerable.quality.anchors import Flaw
from answerable.quality.labels import Label
from answerable.quality.questions import Case, parse_questions, written_case
from answerable.quality.records import EvalRun, Record
from answerable.releases.flow import Serving

_FOLDER = "evaluations"
_ANSWERED = "answered"
_SUFFIX = ".jsonl"
LATEST = "latest"
LABELS = Path("labels") / "answers.jsonl"
"""Below the workspace: what people said of answers belongs to the operator."""


def evaluated(
    name: str, cases: Sequence[Case], found: Sequence[Record], serving: Serving, *, now_ms: int
) -> EvalRun:
    """Return a run as it is kept.

    Args:
        name: Of the question set.
        cases: Its questions.
        found: What came of each.
        serving: What answered.
        now_ms: When.
    """
    return EvalRun(
        id=f"run-{new_id(now_ms)}",
        questions=name,
        questions_hash=records.hash_of(cases),
        release=serving.release.id,
        revision=serving.revision.number if serving.revision else 0,
        at_ms=now_ms,
        records=tuple(found),
    )


def keep(run: EvalRun, data: Path) -> Path:
    """Write a run into the data directory, and return where it is."""
    folder = data / _FOLDER
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.id}{_SUFFIX}"
    write(run, path)
    return path


def write(run: EvalRun, path: Path) -> None:
    """Write a run into a file, whole or not at all.

    Raises:
        StorageFailure: It cannot be written.
    """
    write_whole(path, "".join(f"{line}\n" for line in records.written(run)))


def report(path: Path, text: str) -> None:
    """Write a report into a file, whole or not at all.

    Raises:
        StorageFailure: It cannot be written.
    """
    write_whole(path, text)


def known_labels(workspace: Path) -> dict[str, Label]:
    """Return what people said of answers, by `answerable.quality.labels.key_of`.

    Raises:
        BadInput: A line of the file is no label.
    """
    path = workspace / LABELS
    if not path.is_file():
        return {}
    with translated(path):
        lines = path.read_text(encoding="utf-8").splitlines()
    return labels.read(lines, name=str(path))


def add_label(workspace: Path, label: Label) -> None:
    """Add what somebody said of an answer; it is on disk when this returns.

    Raises:
        StorageFailure: It cannot be written.
    """
    path = workspace / LABELS
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{labels.written(label)}\n")
            file.flush()
            os.fsync(file.fileno())


def sets(folder: Path) -> tuple[str, ...]:
    """Return the names of the question sets in a folder, sorted."""
    if not folder.is_dir():
        return ()
    with translated(folder):
        there = sorted(folder.iterdir())
    return tuple(
        one.stem if one.is_file() else one.name
        for one in there
        if one.suffix in {".jsonl", ".csv"} or (one / "queries.jsonl").is_file()
    )


def candidates(lines: Sequence[TraceLine]) -> tuple[Case, ...]:
    """Return questions that people asked, to be said what is right; those without text are gone."""
    return tuple(
        Case(
            id=one.id,
            question=one.question,
            answerable=True,
            grades={},
            tags=("from-traces",),
        )
        for one in lines
        if one.question
    )


def add_questions(path: Path, cases: Sequence[Case]) -> int:
    """Add questions to a JSONL set, whole or not at all; return how many it did not have.

    Raises:
        BadInput: The file is there and is no question set.
        StorageFailure: It cannot be written.
    """
    with translated(path):
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = parse_questions(before.splitlines(), name=path.name)
    ids = {one.id for one in known}
    asked = {one.question for one in known}
    new = []
    for one in cases:
        if one.question not in asked:
            # Numbers of lines, for instance, are no names.
            name = f"{one.id}-{records.case_hash(one)[:6]}" if one.id in ids else one.id
            new.append(replace(one, id=name))
            ids.add(name)
            asked.add(one.question)
    if new:
        gap = "\n" if before and not before.endswith("\n") else ""
        write_whole(path, before + gap + "".join(f"{written_case(one)}\n" for one in new))
    return len(new)


def mended(cases: Sequence[Case], flaws: Sequence[Flaw]) -> str:
    """Return a set as JSONL, with what was offered in place of quotes that went."""
    offered = {one.case: one for one in flaws if one.quote}
    lines = []
    for case in cases:
        flaw = offered.get(case.id)
        if flaw is not None:
            case = replace(case, quotes=(flaw.quote,), grades={flaw.document: 2.0})  # noqa: PLW2901
        lines.append(f"{written_case(case)}\n")
    return "".join(lines)


def kept(data: Path) -> Iterator[EvalRun]:
    """Give the runs that were kept, newest first; a file that is none is passed over."""
    for path in _paths(data):
        try:
            yield _read(path)
        except AnswerableError:
            continue


def found(name: str, data: Path | None) -> EvalRun:
    """Return the run in a file, or the kept one of this id, or the newest for ``latest``.

    Raises:
        NotFound: There is none.
        BadInput: The file holds none.
    """
    path = Path(name)
    if not path.is_file():
        paths = _paths(data) if data is not None else []
        matching = [one for one in paths if name in (LATEST, one.stem)]
        if not matching:
            raise NotFound(f"there is no run {name[:80]}", hint="answerable eval list")
        path = matching[0]
    return _read(path)


class Answered:
    """What came of questions that one release answered over one state of the documents.

    Each is written at once, so that a run that was killed goes on where it was.

    Args:
        data: The data directory.
        name: Of the release and of all that an answer depends on beside it.
    """

    def __init__(self, data: Path, name: str) -> None:
        self._path = data / _FOLDER / _ANSWERED / f"{name}{_SUFFIX}"
        self._known: dict[str, Record] = {}
        self._lock = Lock()
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.is_file():
                self._known = dict(_answered(self._path.read_text(encoding="utf-8")))

    def get(self, case: str) -> Record | None:
        """Return what came of a question, by `records.case_hash`; None when it was not asked."""
        return self._known.get(case)

    def keep(self, case: str, record: Record) -> None:
        """Note what came of a question.

        Raises:
            StorageFailure: It cannot be written.
        """
        line = f"{case} {records.written_record(record)}\n"
        with self._lock, translated(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            self._known[case] = record


def _answered(text: str) -> Iterator[tuple[str, Record]]:
    for line in text.splitlines():
        case, _, row = line.partition(" ")
        with suppress(AnswerableError):  # the last line of a run that was killed
            yield case, records.read_record(row)


def forget(data: Path, purged: frozenset[str]) -> None:
    """Take the answers that cite purged documents out of all runs that are kept.

    Raises:
        StorageFailure: A file cannot be written; the next call goes on.
    """
    folder = data / _FOLDER / _ANSWERED
    with translated(folder):
        for path in folder.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)
    for path in _paths(data):
        with suppress(BadInput):
            run = _read(path)
            after = tuple(records.redacted(one, purged) for one in run.records)
            if after != run.records:
                write(replace(run, records=after), path)


def _read(path: Path) -> EvalRun:
    with translated(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    return records.read(text.splitlines(), name=path.name)


def _paths(data: Path) -> list[Path]:
    with translated(data):
        return sorted((data / _FOLDER).glob(f"run-*{_SUFFIX}"), reverse=True)
