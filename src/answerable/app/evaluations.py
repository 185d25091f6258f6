"""Runs over question sets, kept in the data directory so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from answerable.adapters.clock import new_id
from answerable.adapters.disk import translated, write_whole
from answerable.domain.errors import AnswerableError, NotFound
from answerable.quality import records
from answerable.quality.evaluation import Ran
from answerable.quality.records import EvalRun
from answerable.releases.flow import Serving

_FOLDER = "evaluations"
_SUFFIX = ".jsonl"
LATEST = "latest"


def evaluated(name: str, ran: Sequence[Ran], serving: Serving, *, now_ms: int) -> EvalRun:
    """Return a run as it is kept.

    Args:
        name: Of the question set.
        ran: What came of its questions.
        serving: What answered.
        now_ms: When.
    """
    return EvalRun(
        id=f"run-{new_id(now_ms)}",
        questions=name,
        questions_hash=records.hash_of([one.case for one in ran]),
        release=serving.release.id,
        revision=serving.revision.number if serving.revision else 0,
        at_ms=now_ms,
        records=tuple(records.record(one) for one in ran),
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


def _read(path: Path) -> EvalRun:
    with translated(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    return records.read(text.splitlines(), name=path.name)


def _paths(data: Path) -> list[Path]:
    with translated(data):
        return sorted((data / _FOLDER).glob(f"run-*{_SUFFIX}"), reverse=True)
