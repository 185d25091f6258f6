"""Fit the weights of `Abstaining`, and say how well they tell answerable from unanswerable.

    python benchmarks/fit_abstention.py ../shared/data

Fitted on four sets, each counting the same: questions people wrote for SQuAD 2.0 and COVID-QA,
asked twice, with their page in the library and with the page removed; the questions about the
example runbooks; and `questions/ops-training.jsonl` about operations pages. Two numbers, scale
and bias, then make a probability of the score for questions of the last two kinds, and the
threshold withholds a given share of those that have an answer.

Nothing of ops-qa goes into any of it, so what it prints for ops-qa is of data never fitted on;
that `near` is a feature was chosen with ops-qa in sight (decision 0013). For each fitted set it
prints beside the area that of weights fitted on the others only.

Scored beside it: headings and clipped sentences of operations pages, asked the same two ways;
SQuAD's own unanswerable questions, written to mislead; and the first half of those that share
no word with their page.

With vectors it fits `Abstaining.by_meaning`; where ANSWERABLE_RELEASE__EMBEDDER is none,
`Abstaining.by_words`. One thread is enough: OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from answerable.answering.confidence import Evidence, confidence
from answerable.answering.units import UnitKind, units
from answerable.app import App, open_memory
from answerable.domain.errors import Locked
from answerable.quality.metrics import auroc, wilson

FEATURES = ("found", "unit", "near", "first", "length")
BY_WORDS = ("found", "unit")
HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
WITHHELD = 0.14
PAIRS = 200

Row = tuple[Evidence, bool]
Weights = Sequence[tuple[str, float]]


def main(data: Path) -> None:
    """Fit, then print weights, threshold and areas."""
    rng = random.Random(7)
    fitted: dict[str, list[Row]] = {}
    checks: dict[str, list[Row]] = {}
    with library(data / "ops-docs") as app:
        ops = list(asked(app, rows_of(data / "ops-qa/questions.jsonl"), "question"))
        training = rows_of(HERE / "questions/ops-training.jsonl")
        fitted["ops-training"] = list(asked(app, training, "question"))
        low = tuned(HERE / "questions/low-overlap.jsonl")
        checks["no word in common, tune"] = list(asked(app, low, "question"))
        checks["ops-docs, page held out"] = list(held_out(app, made_questions(app, rng)[:PAIRS]))
    with library(EXAMPLES / "prometheus-operator-runbooks") as app:
        own = rows_of(EXAMPLES / "questions/runbooks.jsonl")
        fitted["example runbooks"] = list(asked(app, own, "question"))
    of_operations = [*fitted["ops-training"], *fitted["example runbooks"]]
    for name in ("squad2", "covid-qa"):
        folder = Path(tempfile.mkdtemp())
        queries = unpack(data / name, folder)
        with library(folder) as app:
            rng.shuffle(queries)
            pairs = [
                (row["text"], f"{row['gold_passage']}.txt") for row in queries if row["answerable"]
            ]
            fitted[f"{name}, page held out"] = list(held_out(app, pairs[:PAIRS]))
            if name == "squad2":
                checks["squad2, as published"] = list(asked(app, queries[: 2 * PAIRS], "text"))
    has_vectors = any(dict(found).get("near") for found, _ in ops)
    features = FEATURES if has_vectors else BY_WORDS
    weights, confidence_min = bar_of(list(fitted.values()), of_operations, features)
    print(f"weights={weights}\nconfidence_min={confidence_min}")
    for name, rows in {**fitted, **checks, "ops-qa": ops}.items():
        others = [its for other, its in fitted.items() if other != name]
        apart = fit(others, features) if name in fitted else weights
        print(f"{name:26}", summary(rows, weights, confidence_min, apart))


def bar_of(
    sets: Sequence[Sequence[Row]], kin: Sequence[Row], features: Sequence[str]
) -> tuple[Weights, float]:
    """Return weights fitted on all sets, calibrated on `kin`, and the threshold for it."""
    raw = fit(sets, features)
    scores: list[Row] = [((("score", logit(found, raw)),), yes) for found, yes in kin]
    (_, bias), (_, scale) = fit([scores], ("score",), balanced=False)
    weights = tuple(
        (name, round(value * scale + (bias if name == "bias" else 0), 3)) for name, value in raw
    )
    sure = sorted(confidence(found, weights) for found, yes in kin if yes)
    return weights, round(sure[int(WITHHELD * len(sure))] - 0.005, 2)


@contextmanager
def library(folder: Path) -> Iterator[App]:
    """Give a library of a folder in memory, with its vectors."""
    with open_memory(keep_vectors=True) as app:
        app.ingest(folder)
        while not filled(app):
            time.sleep(1)
        yield app


def filled(app: App) -> bool:
    """Compute the vectors that are lacking; False where a busy machine lost its lease on that."""
    with suppress(Locked):
        app.fill_vectors(lambda _done, _of: None)
        return True
    return False


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a question set."""
    with path.open() as lines:
        yield from map(json.loads, lines)


def tuned(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a question set that may be looked at."""
    return (row for row in rows_of(path) if row["split"] == "tune")


def summary(rows: Sequence[Row], weights: Weights, confidence_min: float, apart: Weights) -> str:
    """Return areas and error rates of one set, in one line; the first by weights fitted apart."""
    yes = [confidence(found, weights) for found, answerable in rows if answerable]
    no = [confidence(found, weights) for found, answerable in rows if not answerable]
    elsewhere = [
        [logit(found, apart) for found, answerable in rows if answerable is which]
        for which in (True, False)
    ]
    bm25 = [
        [dict(found).get("bm25", 0.0) for found, answerable in rows if answerable is which]
        for which in (True, False)
    ]
    withheld = sum(score < confidence_min for score in yes)
    answered = sum(score >= confidence_min for score in no)
    return (
        f"AUROC {auroc(*elsewhere) or math.nan:.3f} (fitted {auroc(yes, no) or math.nan:.3f},"
        f" BM25 alone {auroc(*bm25) or math.nan:.3f})"
        f"  withheld {withheld}/{len(yes)} {interval(withheld, len(yes))}"
        f"  answered without an answer {answered}/{len(no)} {interval(answered, len(no))}"
    )


def interval(count: int, of: int) -> str:
    """Return a 95 % interval in words."""
    low, high = wilson(count, of) or (math.nan, math.nan)
    return f"[{low:.2f}, {high:.2f}]"


def asked(app: App, rows: Iterable[dict[str, Any]], field: str) -> Iterator[Row]:
    """Give the evidence of each question as it stands."""
    for row in rows:
        yield app.ask(row[field], app.owner()).evidence, row["answerable"]


def held_out(app: App, questions: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """Give the evidence of each question with its page, and without it."""
    for question, path in questions:
        name = app.find_document(path, app.owner())
        yield app.ask(question, app.owner()).evidence, True
        app.remove(name, who="fit", because="held out")
        yield app.ask(question, app.owner()).evidence, False
        app.restore(name)


def made_questions(app: App, rng: random.Random) -> list[tuple[str, str]]:
    """Return headings and clipped sentences with the path of their page, shuffled."""
    made = []
    for member in app.documents(app.owner()):
        if member.format != "markdown":
            continue
        path = member.document.path
        content = app.document(member.document.id, app.owner()).content
        made += [
            (f"{chunk.heading[-1]} {content.text.title}", path)
            for chunk in content.chunks[::3]
            if chunk.heading
        ]
        prose = [
            unit
            for unit in units(content.text, 0, len(content.text.text))
            if unit.kind is UnitKind.SENTENCE and 60 < unit.end - unit.start < 220
        ]
        for unit in rng.sample(prose, min(2, len(prose))):
            words = re.findall(r"[\w./-]+", content.text.text[unit.start : unit.end])
            made.append((" ".join(rng.sample(words, (len(words) + 1) // 2)) or path, path))
    rng.shuffle(made)
    return made


def unpack(source: Path, folder: Path) -> list[dict[str, Any]]:
    """Write a corpus as text files, one a document; return its queries."""
    with gzip.open(source / "corpus.jsonl.gz", "rt") as lines:
        for page in map(json.loads, lines):
            (folder / f"{page['id']}.txt").write_text(f"{page['title']}\n\n{page['text']}")
    with gzip.open(source / "queries.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def logit(found: Evidence, weights: Weights) -> float:
    """Return the score before it is squeezed into [0, 1]."""
    by_name = dict(found)
    return sum(
        weight * (1.0 if name == "bias" else by_name.get(name, 0.0)) for name, weight in weights
    )


def fit(
    sets: Sequence[Sequence[Row]], features: Sequence[str], *, balanced: bool = True
) -> list[tuple[str, float]]:
    """Return the weights of a logistic regression by gradient descent.

    Args:
        sets: Each counts the same, whatever its size.
        features: Names in the evidence.
        balanced: Answerable and unanswerable count the same too.
    """
    table = []
    for rows in sets:
        yes = sum(answerable for _, answerable in rows)
        for found, answerable in rows:
            by_name = dict(found)
            values = [1.0, *(by_name.get(name, 0.0) for name in features)]
            size = 2 * (yes if answerable else len(rows) - yes) if balanced else len(rows)
            table.append((values, float(answerable), 1 / (size * len(sets))))
    weights = [0.0] * (len(features) + 1)
    for _ in range(4000):
        slope = [0.0] * len(weights)
        for values, target, share in table:
            at = sum(weight * value for weight, value in zip(weights, values, strict=True))
            error = share * (1 / (1 + math.exp(-at)) - target)
            for place, value in enumerate(values):
                slope[place] += error * value
        weights = [weight - 0.8 * down for weight, down in zip(weights, slope, strict=True)]
    return list(zip(("bias", *features), weights, strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
