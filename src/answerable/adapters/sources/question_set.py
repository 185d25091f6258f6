"""Question sets on disk: a JSONL file, or a folder that brings its own corpus."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from answerable.adapters.disk import translated
from answerable.domain.errors import BadInput, PathMissing
from answerable.library.ports import Raw, Source, Unreadable
from answerable.quality.questions import (
    Case,
    Page,
    parse_corpus,
    parse_queries,
    parse_questions,
    parse_table,
)

_SUFFIX = ".md"


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """Questions, and the documents they are about when the set brings them."""

    name: str
    cases: tuple[Case, ...]
    corpus: Corpus | None = None


class Corpus:
    """The documents of a set as a source; each becomes a Markdown file with its title."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages

    @property
    def name(self) -> str:
        """``corpus``."""
        return "corpus"

    def covers(self, path: str) -> bool:
        """Return True: a set is read whole."""
        return bool(path)

    def count(self) -> int:
        """Return how many there are."""
        return len(self._pages)

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every document."""
        for page in self._pages:
            head = f"---\ntitle: {json.dumps(page.title)}\n---\n\n" if page.title else ""
            yield Raw(path=f"{page.id}{_SUFFIX}", data=f"{head}{page.text}\n".encode())


_: Callable[..., Source] = Corpus


def page_name(path: str) -> str:
    """Return what a question set calls a document of its corpus."""
    return path.removesuffix(_SUFFIX)


def load_questions(named: str, folder: Path) -> QuestionSet:
    """Return the question set at a path, or of a name in the workspace.

    Args:
        named: Path of a JSONL or CSV file, or of a folder with corpus, queries and qrels; or a
            name.
        folder: Where named sets lie: ``NAME.jsonl``, ``NAME.csv`` or a folder ``NAME``.

    Raises:
        PathMissing: There is neither.
        BadInput: A line cannot be understood; it is named.
    """
    for path in (Path(named), folder / named, folder / f"{named}.jsonl", folder / f"{named}.csv"):
        if path.is_dir():
            return _from_folder(path)
        if path.is_file():
            parse = parse_table if path.suffix.casefold() == ".csv" else parse_questions
            cases = parse(_lines(path), name=str(path))
            return QuestionSet(name=path.stem, cases=cases)
    raise PathMissing(
        f"there is no question set {named}, neither a path nor a name in {folder}",
        hint="name a JSONL file, or a folder with corpus, queries and qrels",
    )


def _from_folder(path: Path) -> QuestionSet:
    queries = _part(path, "queries.jsonl")
    qrels = _part(path, "qrels.tsv")
    corpus = _part(path, "corpus.jsonl")
    return QuestionSet(
        name=path.name,
        cases=parse_queries(_lines(queries), _lines(qrels), name=str(path)),
        corpus=Corpus(tuple(parse_corpus(_lines(corpus), name=str(corpus)))),
    )


def _part(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise BadInput(
        f"the question set {folder} has no {name} or {name}.gz",
        hint="a folder holds corpus.jsonl, queries.jsonl and qrels.tsv, each plain or gzipped",
    )


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with translated(path), opened(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"{path} is not a text file in UTF-8", hint="check the file") from error
