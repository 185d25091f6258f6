"""Fit the weights of `Abstaining`, and say how well they tell answerable from unanswerable.

    python benchmarks/fit_abstention.py ../shared/data

The weights are fitted on questions people wrote for SQuAD 2.0 and COVID-QA. Each is asked
twice: with its page in the library, and with the page removed, which makes it unanswerable.
Nothing of ops-qa goes into them. It then gives two numbers, scale and bias, that turn the
score into a probability for questions of its kind, and the threshold. These do not change the
order of questions, so its AUROC is that of data never fitted on; which features there are was
chosen with ops-qa in sight.

Scored beside it: headings and clipped sentences of operations pages, asked the same two ways,
and SQuAD's own unanswerable questions, written to mislead; those about the example runbooks; and
the first half of those that share no word with their page.

With vectors it fits `Abstaining.by_meaning`; where ANSWERABLE_RELEASE__EMBEDDER is none,
`Abstaining.by_words`.
"""

from __future__ import annotations

import gzip
import json
import math
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from answerable.answering.confidence import Evidence, confidence
from answerable.answering.units import UnitKind, units
from answerable.app import App, open_memory
from answerable.quality.metrics import auroc, wilson

FEATURES = ("found", "unit", "meaning")
HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
WITHHELD = 0.12
PAIRS = 300

Row = tuple[Evidence, bool]
Weights = Sequence[tuple[str, float]]


def main(data: Path) -> None:
    """Fit, then print weights, threshold and areas."""
    rng = random.Random(7)
    checks: dict[str, list[Row]] = {}
    with library(data / "ops-docs") as app:
        ops = list(asked(app, rows_of(data / "ops-qa/questions.jsonl"), "question"))
        low = list(asked(app, tuned(HERE / "questions/low-overlap.jsonl"), "question"))
        checks["ops-docs, page held out"] = list(held_out(app, made_questions(app, rng)[:PAIRS]))
    with library(EXAMPLES / "prometheus-operator-runbooks") as app:
        own = rows_of(EXAMPLES / "questions/runbooks.jsonl")
        checks["example runbooks"] = list(asked(app, own, "question"))
    checks["no word in common, tune"] = low
    fitted: dict[str, list[Row]] = {}
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
    features = [name for name in FEATURES if any(dict(found).get(name) for found, _ in ops)]
    raw = fit(list(fitted.values()), features)
    scores = [((("score", logit(found, raw)),), answerable) for found, answerable in ops]
    (_, bias), (_, scale) = fit([scores], ("score",), balanced=False)
    weights = [
        (name, round(value * scale + (bias if name == "bias" else 0), 3)) for name, value in raw
    ]
    threshold = sorted(confidence(found, weights) for found, answerable in ops if answerable)
    confidence_min = round(threshold[int(WITHHELD * len(threshold))] - 0.005, 2)
    print(f"weights={tuple(weights)}\nconfidence_min={confidence_min}")
    for name, rows in {**fitted, **checks, "ops-qa": ops}.items():
        print(f"{name:26}", summary(rows, weights, confidence_min))


@contextmanager
def library(folder: Path) -> Iterator[App]:
    """Give a library of a folder in memory, with its vectors."""
    with open_memory(keep_vectors=True) as app:
        app.ingest(folder)
        app.fill_vectors(lambda _done, _of: None)
        yield app


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a question set."""
    with path.open() as lines:
        yield from map(json.loads, lines)


def tuned(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of a question set that may be looked at."""
    return (row for row in rows_of(path) if row["split"] == "tune")


def summary(rows: Sequence[Row], weights: Weights, confidence_min: float) -> str:
    """Return areas and error rates of one set, in one line."""
    yes = [confidence(found, weights) for found, answerable in rows if answerable]
    no = [confidence(found, weights) for found, answerable in rows if not answerable]
    bm25 = [
        [dict(found).get("bm25", 0.0) for found, answerable in rows if answerable is which]
        for which in (True, False)
    ]
    withheld = sum(score < confidence_min for score in yes)
    answered = sum(score >= confidence_min for score in no)
    return (
        f"AUROC {auroc(yes, no) or math.nan:.3f} (BM25 alone {auroc(*bm25) or math.nan:.3f})"
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
