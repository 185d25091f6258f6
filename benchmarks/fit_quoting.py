"""Fit the weights of `Quoting`, and say how often the unit that answers comes first.

    python benchmarks/fit_quoting.py ../shared/data

Fitted on three sets, each counting the same: answerable questions of SQuAD 2.0 (a unit of the
right page that holds the answer is right), those about the example runbooks, and those of
`questions/ops-training.jsonl` (a unit that holds the gold quote is right). Maximises how likely
the right units of a question are among all units of its passages, by the softmax of their
scores. For each set it prints the mean reciprocal rank of the first right unit by weights
fitted on the others only, and by the weights of the release.

Nothing of ops-qa goes into it. Questions none of whose passages holds the answer are left out.
One thread is enough: OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from answerable.answering.asked import content_words, read_question
from answerable.answering.quote import Candidate, rank
from answerable.app import App
from answerable.domain.releases import Quoting
from answerable.library.search import embedded, near_sentences, read_query, search
from answerable.quality.evaluation import comparable
from fit_abstention import EXAMPLES, HERE, library, rows_of, unpack

PARTS = ("match", "lead", "heading", "pairs", "passage", "page", "kind", "meaning", "elsewhere")
SQUAD = 400
SHRINK = 0.03
STEPS = 600

Row = dict[str, Any]


class Units(NamedTuple):
    """The units of one question: ``float64 [units, parts]`` and which of them are right."""

    parts: NDArray[np.float64]
    right: NDArray[np.bool_]


def main(data: Path) -> None:
    """Fit, then print weights and ranks."""
    sets = {
        "squad2": of_squad(data / "squad2"),
        "example runbooks": of_folder(
            EXAMPLES / "prometheus-operator-runbooks", EXAMPLES / "questions/runbooks.jsonl"
        ),
        "ops-training": of_folder(data / "ops-docs", HERE / "questions/ops-training.jsonl"),
    }
    weights = fit(list(sets.values()))
    print({name: round(float(weight), 2) for name, weight in zip(PARTS, weights, strict=True)})
    for name, questions in sets.items():
        apart = fit([its for other, its in sets.items() if other != name])
        print(
            f"{name:18} {len(questions)} questions; mean reciprocal rank of a right unit:"
            f" fitted apart {ranked(questions, apart):.3f},"
            f" fitted {ranked(questions, weights):.3f},"
            f" released {ranked(questions, released()):.3f}"
        )


def released() -> NDArray[np.float64]:
    """Return the weights of the release; `elsewhere` counts against."""
    return np.array(
        [getattr(Quoting(), name) * (-1 if name == "elsewhere" else 1) for name in PARTS]
    )


def of_squad(source: Path) -> list[Units]:
    """Return the units of answerable questions of SQuAD 2.0."""
    folder = Path(tempfile.mkdtemp())
    rows = [row for row in unpack(source, folder) if row["answerable"]]
    random.Random(7).shuffle(rows)
    with library(folder) as app:
        return units_of(
            app,
            rows[:SQUAD],
            "text",
            lambda row, path, text: (
                path == f"{row['gold_passage']}.txt"
                and any(comparable(one) in text for one in row["answers"])
            ),
        )


def of_folder(folder: Path, questions: Path) -> list[Units]:
    """Return the units of the answerable questions of a set about a folder."""
    rows = [row for row in rows_of(questions) if row["answerable"]]
    with library(folder) as app:
        return units_of(
            app, rows, "question", lambda row, _, text: comparable(row["gold_quote"]) in text
        )


def units_of(
    app: App, rows: Iterable[Row], field: str, is_right: Callable[[Row, str, str], bool]
) -> list[Units]:
    """Return the units of each question that has a right one; the same path as an answer's."""
    found = []
    for row in rows:
        candidates, texts = candidates_of(app, row[field])
        right = [
            is_right(
                row,
                one.passage.path,
                comparable(texts[one.passage.content_id][slice(*one.unit.shown)]),
            )
            for one in candidates
        ]
        if any(right):
            parts = np.array([[value for _, value in one.parts] for one in candidates])
            found.append(Units(parts, np.array(right)))
    return found


def candidates_of(app: App, question: str) -> tuple[list[Candidate], dict[str, str]]:
    """Return the units a question's passages have, and their texts by content id."""
    now = app._current.open()  # noqa: SLF001 - what is fitted is not offered at a door
    release, desk, shelf = now.serving.release, app._asks._desk, now.shelf  # noqa: SLF001
    query = read_query(question, desk.analyser, release.retrieval)
    query = embedded(query, question, shelf, release.retrieval)
    limit = release.retrieval.passages_max
    found = search(shelf, query, app.owner(), release.retrieval, limit=limit)
    terms = desk.analyser.terms(content_words(question))
    frequencies = shelf.searcher.frequencies(set(terms))
    texts = {name: content.text for name, content in found.contents.items()}
    ranked_units = rank(
        read_question(question, terms, frequencies, shelf.searcher.chunks),
        found.passages,
        texts,
        reader=desk.reader,
        settings=release.quoting,
        near=near_sentences(shelf, query, found, release.retrieval),
    )
    return ranked_units, {name: text.text for name, text in texts.items()}


def fit(sets: Sequence[Sequence[Units]]) -> NDArray[np.float64]:
    """Return weights, that of `match` 1, by gradient ascent; each set counts the same."""
    spread = np.vstack([one.parts for its in sets for one in its]).std(axis=0) + 1e-6
    weights = np.zeros(len(PARTS))
    for step in range(STEPS):
        slope = -SHRINK * weights
        for its in sets:
            for one in its:
                scores = np.exp((scaled := one.parts / spread) @ weights)
                likely = scores / scores.sum()
                of_right = np.where(one.right, scores, 0) / scores[one.right].sum()
                slope += scaled.T @ (of_right - likely) / (len(its) * len(sets))
        weights += slope * (2.0 if step < STEPS // 2 else 0.5)
    weights /= spread
    return np.asarray(weights / weights[0])


def ranked(questions: Sequence[Units], weights: NDArray[np.float64]) -> float:
    """Return the mean of 1 / rank of the first right unit."""
    places = []
    for one in questions:
        scores = one.parts @ weights
        places.append(1 + np.count_nonzero(scores > scores[one.right].max()))
    return float(np.mean([1 / place for place in places]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
