"""Compare ways to search on all question sets, and write one table into the guide.

    python benchmarks/retrieval_table.py ../shared/data --held --write

Every set is read and embedded once; its questions are then ranked by words, by vectors, by both
and as the release does. Without `--held` nothing of a held half is measured, so that a setting can
be tried without looking at it. `--set` tries one; then nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from answerable.app import App, load_question_set, open_memory
from answerable.app.respondent import check_covered
from answerable.app.software import software
from answerable.app.variants import VARIANTS, vary
from answerable.domain.errors import AnswerableError
from answerable.quality.evaluation import Ranked, Scores, evaluate_rankings
from answerable.quality.metrics import paired_interval, reciprocal_rank
from answerable.quality.questions import Case

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "retrieval.md"
BEGIN, END = "<!-- retrieval table: begin -->", "<!-- retrieval table: end -->"
METRICS = ("hit@1", "hit@5", "hit@10", "recall@100", "mrr@10", "ndcg@10")
LIBRARIES = ("numkong", "numpy", "onnxruntime", "tantivy", "tokenizers")
SEED = 7
HELD = "held"

Rankings = Mapping[str, Sequence[Ranked]]
"""What was found for the same cases in the same order, by variant."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """Documents, and the question sets that are asked of them.

    Attributes:
        folder: Of the documents; None when the one set brings its own.
        sets: By the name in the table.
    """

    folder: Path | None
    sets: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Row:
    """The scores of some questions by one variant.

    Attributes:
        gain: Interval of the gain in MRR@10 over words; None where it is not asked for.
    """

    name: str
    by: str
    scores: Scores
    gain: tuple[float, float] | None


def libraries(data: Path) -> tuple[Library, ...]:
    """Return what is measured; the large public sets lie in `data`."""
    ops = {
        "ops-qa": data / "ops-qa" / "questions.jsonl",
        "low-overlap": ROOT / "benchmarks" / "questions" / "low-overlap.jsonl",
    }
    runbooks = {"runbooks": ROOT / "examples" / "questions" / "runbooks.jsonl"}
    own = ("squad2", "covid-qa", "cranfield", "cisi")
    return (
        Library(folder=ROOT / "examples" / "prometheus-operator-runbooks", sets=runbooks),
        Library(folder=data / "ops-docs", sets=ops),
        *(Library(folder=None, sets={name: data / name}) for name in own),
    )


def measure(library: Library, *, held: bool, settings: Sequence[str]) -> Iterator[Row]:
    """Give the rows of all sets of a library."""
    sets = {
        name: load_question_set(str(path), None)
        for name, path in library.sets.items()
        if path.exists()
    }
    if not sets or (library.folder is not None and not library.folder.exists()):
        print(f"left out, not there: {', '.join(library.sets)}", file=sys.stderr)
        return
    with open_memory(keep_vectors=True) as app:
        if library.folder is not None:
            app.ingest(library.folder)
        for questions in sets.values():
            if questions.corpus is not None:
                app.ingest_corpus(questions.corpus)
        check_covered(app.fill_vectors(_progress(next(iter(sets)))), app.mending())
        for name, questions in sets.items():
            allowed = tuple(one for one in questions.cases if held or one.split != HELD)
            asked = replace(questions, cases=allowed)
            released = app.serving().release.retrieval
            ways = {by: vary(released, by=by) for by in VARIANTS}
            ways["full"] = vary(released, settings=settings)
            found = {
                by: app.rankings(asked, asked=_ignored, retrieval=retrieval)
                for by, retrieval in ways.items()
            }
            yield from rows(name, found)


def rows(name: str, found: Rankings) -> Iterator[Row]:
    """Give a row for each variant and each part of a set: all, then its splits, else its tags."""
    for part, belongs in parts([one.case for one in found["full"]]):
        of_part = {by: [one for one in ranked if belongs(one.case)] for by, ranked in found.items()}
        for by, ranked in of_part.items():
            yield Row(
                name=f"{name}, {part}" if part else name,
                by=by,
                scores=evaluate_rankings(ranked).overall,
                gain=gain(of_part["words"], ranked) if by == "full" else None,
            )


def parts(cases: Sequence[Case]) -> Iterator[tuple[str, Callable[[Case], bool]]]:
    """Give each part by name, with what belongs to it; the whole has no name."""
    splits = sorted({one.split for one in cases} - {""})
    tags = sorted({tag for one in cases for tag in one.tags}, reverse=True)
    if len(splits) != 1:
        yield "", lambda _: True
    if splits:
        yield from ((split, lambda one, split=split: one.split == split) for split in splits)
    elif len(tags) > 1:
        yield from ((tag, lambda one, tag=tag: tag in one.tags) for tag in tags)


def gain(before: Sequence[Ranked], after: Sequence[Ranked]) -> tuple[float, float] | None:
    """Return the 95 % interval of what was gained in MRR@10, question by question."""
    return paired_interval(_ranks(before), _ranks(after), rng=np.random.default_rng(SEED))


def _ranks(ranked: Sequence[Ranked]) -> list[float]:
    return [reciprocal_rank(one.ranked, one.case.grades, k=10) for one in ranked]


def table(measured: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    head = ("questions", "n", "by", *METRICS, "gain in MRR@10")
    lines = [_line(head), _line(("---", "--:", "---", *("--:" for _ in METRICS), "--:"))]
    for row in measured:
        scores = (_number(row.scores[name]) for name in METRICS)
        interval = f"{row.gain[0]:+.3f} to {row.gain[1]:+.3f}" if row.gain else ""
        lines.append(_line((row.name, str(row.scores["ranked"]), row.by, *scores, interval)))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "-"


def page(measured: Sequence[Row], *, held: bool, about: str) -> str:
    """Return what stands between the markers."""
    command = f"python benchmarks/retrieval_table.py DATA{' --held' if held else ''} --write"
    libraries_used = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    today = datetime.now(tz=UTC).date().isoformat()
    return (
        f"{table(measured)}\n\n"
        "`words` is the release without vectors, `vectors` the chunks' vectors alone, `fused` the "
        "words and vectors of chunks, `full` the release as it is. The last column is the 95 % "
        "interval of what `full` gains over `words` in MRR@10, by paired bootstrap (10,000 draws, "
        f"seed {SEED}).\n\n"
        f"Measured on {today} with `{command}`: {about}; {libraries_used}.\n"
    )


def about(app: App) -> str:
    """Return what was measured: software, release, embedder."""
    release = app.serving().release
    return f"Answerable {software()}, release `{release.id}`, embedder `{app.embedder()}`"


def write(path: Path, text: str) -> None:
    """Put a text between the markers of a page."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path.name} has no markers {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _progress(name: str) -> Callable[[int, int], None]:
    """Return what says now and then how far the vectors of a set are."""
    said = [-1]

    def heard(done: int, chunks: int) -> None:
        tenth = 10 * done // max(chunks, 1)
        if tenth > said[0]:
            said[0] = tenth
            print(f"{name}: vectors of {done} of {chunks} chunks", file=sys.stderr)

    return heard


def _ignored(_count: int) -> None:
    pass


def main() -> None:
    """Measure, print the table, and write it if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the public sets")
    parser.add_argument("--held", action="store_true", help="measure held halves too")
    parser.add_argument("--write", action="store_true", help="write docs/guide/retrieval.md")
    parser.add_argument(
        "--only", action="append", metavar="SET", help="only libraries with this set"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="try a setting for `full`"
    )
    given = parser.parse_args()
    if given.write and (given.set or given.only):
        parser.error("--write takes the whole table of the release as it is")
    measured: list[Row] = []
    try:
        for library in libraries(given.data):
            if not given.only or set(given.only) & library.sets.keys():
                measured += measure(library, held=given.held, settings=given.set)
        with open_memory() as app:
            text = page(measured, held=given.held, about=about(app))
    except AnswerableError as error:
        sys.exit(f"{error.message}\n  hint: {error.hint}")
    print(text)
    if given.write:
        write(PAGE, text)


if __name__ == "__main__":
    main()
