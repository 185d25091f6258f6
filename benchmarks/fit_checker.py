"""Fit the table of the claim check, and calibrate it on what people wrote.

    python benchmarks/fit_checker.py ../shared/data

Weights come from claims made of operations pages and of SQuAD 2.0 (`checker_faults.py`), and from
the human labels of BEGIN's Wizard of Wikipedia and CMU-DoG parts. The pages behind
ops-groundedness are left out, and no set the guide reports on is read, those parts of BEGIN aside.

Probabilities and thresholds come from risks of claims that were never fitted on (three folds by
document): BEGIN's responses, SQuAD's questions as statements, and faults in operations text.
Responses of several claims are put together from them. Priors: see `PRIORS`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from answerable.answering.checking import features
from answerable.answering.checking.claims import CODE, SAYS_NOTHING, split_claims
from answerable.answering.checking.context import Context
from answerable.answering.checking.table import Calibration, Table, read_table
from answerable.answering.checking.words import STOP, words_of
from checker_faults import Made, make, operations_sources, rows_of, squad_sources

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "src/answerable/answering/checking/table.json"
SEED = 7
SOURCES = 900
FOLDS = 3
BEGIN_SHARE = 0.5
TREES_SHARE = 0.5
# Probability that a claim is not supported, which probabilities are calibrated for; and that one
# of the claims of a longer response is not, for which its bar is set.
PRIOR, PRIOR_MANY = 0.2, 0.2
# A word in at most one paragraph of the corpora tells as much as one in none.
WORD_PARAGRAPHS_MIN = 2
LEFT_OUT = ("shape",)
KEPT = ("is_short", "pieces")

# More of these never makes a claim better (+1), never makes it worse (-1).
MONOTONE = {
    **dict.fromkeys(features.GROUPS["coverage"][:7], -1),
    **dict.fromkeys(features.GROUPS["uncovered"], 1),
    "plain_best": -1,
    **dict.fromkeys(
        ("pairs_full", "triples_full", "pairs_best", "common_best", "copied", "close_pairs",
         "close_pairs_three", "bound_min", "bound_mean", "rival_margin_min", "tight_min",
         "name_bound_min", "order_kept", "token_rival_margin"), -1,
    ),
    **dict.fromkeys(
        ("numbers_absent", "numbers_other_unit", "tokens_absent", "names_absent", "absent_share",
         "words_absent", "outside_best", "hard_absent", "commands_broken", "rival_max",
         "bound_opposite", "denial_added", "denial_dropped", "opposite", "contradicts", "modal_up",
         "quantifier"), 1,
    ),
}  # fmt: skip

Rows = np.ndarray[Any, np.dtype[np.float64]]


def main() -> None:
    """Make claims, measure them, fit, calibrate, write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--sources", type=int, default=SOURCES, help="texts of each corpus")
    parser.add_argument("--cache", type=Path, help="keep measured claims here between runs")
    parser.add_argument("--out", type=Path, default=TABLE)
    given = parser.parse_args()
    words = word_weights(given.data)
    claims, values = measured(given.data, given.sources, words, given.cache)
    fitted = Fit(claims, values)
    risks = fitted.out_of_fold()
    tell(claims, risks)
    fitted.fit(np.ones(len(claims), dtype=bool))
    table = {
        "about": "written by benchmarks/fit_checker.py; see docs/decisions/0015-claim-check.md",
        "features": features.NAMES,
        **fitted.as_json(),
        "calibration": calibrated(claims, risks),
        "words": words,
    }
    content = json.dumps(table, separators=(",", ":")) + "\n"
    check_export(read_table(content.encode()), fitted)
    given.out.write_text(content)
    print(f"wrote {given.out}: {given.out.stat().st_size / 1e6:.2f} MB")


def check_export(table: Table, fitted: Fit) -> None:
    """Make sure that the table says what scikit-learn says, but for rounding."""
    some = np.arange(0, len(fitted.values), 40)
    expected = fitted.raw(some)
    found = [table.raw([float(value) for value in fitted.values[n]]) for n in some]
    differs = np.abs(expected - found)
    print(f"table against scikit-learn: median difference {np.median(differs):.2g}")
    if np.median(differs) > 1e-3:
        sys.exit("the exported table does not say what was fitted")


def word_weights(data: Path) -> dict[str, float]:
    """Return for each stem how much it tells: 1 where no paragraph holds it."""
    counts: Counter[str] = Counter()
    paragraphs = 0
    for text in _paragraphs(data):
        found = {word.stem for word in words_of(text) if word.is_content}
        if found:
            counts.update(found)
            paragraphs += 1
    most = math.log(paragraphs + 1)
    weights = {
        one: round(max(0.05, 1 - math.log(count) / most), 2)
        for one, count in sorted(counts.items())
        if count >= WORD_PARAGRAPHS_MIN and len(one) <= 24 and not one[0].isdigit()
    }
    return {one: weight for one, weight in weights.items() if one not in STOP and weight < 0.93}


def _paragraphs(data: Path) -> Iterator[str]:
    for path in sorted((data / "ops-docs").rglob("*.md")):
        yield from path.read_text().split("\n\n")
    for row in rows_of(data / "squad2/corpus.jsonl.gz"):
        yield row["text"]
    for row in _begin(data):
        yield row["context"]


def _begin(data: Path) -> list[dict[str, Any]]:
    """Return BEGIN's responses of Wizard of Wikipedia and CMU-DoG that carry a label."""
    return [
        row
        for row in rows_of(data / "begin/responses.jsonl.gz")
        if row["hallucinated"] is not None and row["source"] in ("wow", "cmu")
    ]


def measured(
    data: Path, count: int, words: dict[str, float], cache: Path | None
) -> tuple[list[Made], Rows]:
    """Return all claims with their features, one row each."""
    rng = random.Random(SEED)
    claims = [
        *make(operations_sources(data, rng, count), rng, each=4),
        *make(squad_sources(data, rng, count), rng, each=3),
        *(
            Made(
                group=f"begin {row['context'][:60]}", passages=(row["context"],),
                question=row["question"], claim=row["response"], is_bad=row["hallucinated"],
                how="begin",
            )
            for row in _begin(data)
        ),
    ]  # fmt: skip
    if cache and cache.exists():
        return claims, np.load(cache)
    began = time.monotonic()
    rows, last, context = [], None, None
    for number, one in enumerate(claims):
        key = (one.passages, one.question)
        if key != last or context is None:
            last, context = key, Context(one.passages, one.question, words)
        rows.append(worst(one, context) if one.how == "begin" else values_of(one.claim, context))
        if number % 2000 == 0:
            print(
                f"  {number} of {len(claims)} measured, {time.monotonic() - began:.0f} s",
                file=sys.stderr,
            )
    found = np.array(rows)
    if cache:
        np.save(cache, found)
    return claims, found


def values_of(text: str, context: Context) -> tuple[float, ...]:
    """Return the features of one claim."""
    return features.measure(text, context).values


def worst(one: Made, context: Context) -> tuple[float, ...]:
    """Return the features of the claim of a response whose words are missing most.

    BEGIN labels responses, not sentences: what makes one unsupported is most likely there.
    """
    parts = [part for part in split_claims(one.claim) if part.kind not in SAYS_NOTHING]
    found = [
        features.measure(part.text, context, is_code=part.kind == CODE).values for part in parts
    ] or [values_of(one.claim, context)]
    at = features.NAMES.index("missing_asked_sum")
    return max(found, key=lambda values: values[at])


class Fit:
    """Logistic regression and boosted trees on the same rows."""

    def __init__(self, claims: Sequence[Made], values: Rows) -> None:
        self.claims, self.values = claims, values
        self.bad = np.array([one.is_bad for one in claims])
        self.weights = sample_weights(claims)
        left_out = {name for group in LEFT_OUT for name in features.GROUPS[group]}.difference(KEPT)
        self.used = [n for n, name in enumerate(features.NAMES) if name not in left_out]

    def fit(self, rows: Any) -> None:
        """Fit on these rows."""
        values, bad, weights = self.values[rows][:, self.used], self.bad[rows], self.weights[rows]
        self.scaler = StandardScaler().fit(values)
        self.linear = LogisticRegression(C=0.03, max_iter=2000)
        self.linear.fit(self.scaler.transform(values), bad, sample_weight=weights)
        names = [features.NAMES[n] for n in self.used]
        self.trees = HistGradientBoostingClassifier(
            max_iter=120, max_leaf_nodes=15, learning_rate=0.07, min_samples_leaf=40,
            l2_regularization=5.0, early_stopping=False, random_state=SEED,
            monotonic_cst=[MONOTONE.get(name, 0) for name in names],
        )  # fmt: skip
        self.trees.fit(values, bad, sample_weight=weights)

    def raw(self, rows: Any) -> Rows:
        """Return the blended raw risk of these rows."""
        values = self.values[rows][:, self.used]
        line = self.linear.decision_function(self.scaler.transform(values))
        found: Rows = (1 - TREES_SHARE) * line + TREES_SHARE * self.trees.decision_function(values)
        return found

    def out_of_fold(self) -> Rows:
        """Return the raw risk of each claim from a fit that saw nothing of its document."""
        groups = {one: n for n, one in enumerate(dict.fromkeys(made.group for made in self.claims))}
        order = list(range(len(groups)))
        random.Random(SEED).shuffle(order)
        folds = np.array([order[groups[made.group]] % FOLDS for made in self.claims])
        risks = np.zeros(len(self.claims))
        for fold in range(FOLDS):
            self.fit(folds != fold)
            risks[folds == fold] = self.raw(folds == fold)
        return risks

    def as_json(self) -> dict[str, Any]:
        """Return the last fit as numbers."""
        weights = self.linear.coef_[0] / self.scaler.scale_
        linear = [0.0] * len(features.NAMES)
        for n, weight in zip(self.used, weights, strict=True):
            linear[n] = round(float(weight), 5)
        bias = float(self.linear.intercept_[0] - weights @ self.scaler.mean_)
        return {
            "linear": linear,
            "bias": round(bias, 5),
            "trees": [self._nodes(one[0].nodes) for one in self.trees._predictors],  # noqa: SLF001
            "start": float(self.trees._baseline_prediction.ravel()[0]),  # noqa: SLF001
            "share": TREES_SHARE,
        }

    def _nodes(self, nodes: Any) -> list[list[float]]:
        return [
            [-1, round(float(node["value"]), 5), 0, 0]
            if node["is_leaf"]
            else [
                self.used[int(node["feature_idx"])],
                float(node["num_threshold"]),
                int(node["left"]),
                int(node["right"]),
            ]
            for node in nodes
        ]


def sample_weights(claims: Sequence[Made]) -> Rows:
    """Return a weight for each claim: kinds by the root of their number, classes in balance."""
    counts = Counter((one.how, one.is_bad) for one in claims)
    weights = np.array([1 / math.sqrt(counts[one.how, one.is_bad]) for one in claims])
    begin = np.array([one.how == "begin" for one in claims])
    bad = np.array([one.is_bad for one in claims])
    for part, share in ((begin, BEGIN_SHARE), (~begin, 1.0)):
        for is_bad in (True, False):
            chosen = part & (bad == is_bad)
            weights[chosen] *= share * len(claims) / 2 / weights[chosen].sum()
    found: Rows = weights
    return found


def calibrated(claims: Sequence[Made], risks: Rows) -> dict[str, float]:
    """Return the calibration, from risks that no fit saw."""
    rng = random.Random(SEED)
    bad = [_pool(claims, risks, of, is_bad=True) for of in _PARTS]
    # True claims are worded by people: rules reword less, and would set the bar too high.
    good = [_pool(claims, risks, of, is_bad=False) for of in _PARTS[:2]]
    wrong = np.array([rng.random() < PRIOR for _ in range(20_000)])
    drawn = np.array([rng.choice(rng.choice(bad if one else good)) for one in wrong])
    model = LogisticRegression(C=1000.0, max_iter=1000).fit(drawn[:, None], wrong)
    how = Calibration(
        bias=round(float(model.intercept_[0]), 4),
        slope=round(float(model.coef_[0][0]), 4),
        supported_min=SUPPORTED_MIN,
        unsupported_below=UNSUPPORTED_BELOW,
        unsupported_below_many=0.0,
    )
    return asdict(how) | {"unsupported_below_many": round(_cut_many(bad[0], good[1], how), 3)}


def _cut_many(bad: Sequence[float], good: Sequence[float], how: Calibration) -> float:
    """Return the bar for responses of 2 to 12 claims, as models write them.

    False claims are BEGIN's. True ones are statements made of SQuAD's questions, because models
    reword as much as they do; BEGIN's true ones are next to copies, and would set the bar too high.

    Each claim is bad or not whatever the others are, so that longer responses are bad more often;
    at the mean length the prior holds.
    """
    rng = random.Random(SEED)
    rate = 1 - (1 - PRIOR_MANY) ** (1 / MEAN_CLAIMS)
    supported, any_bad = [], []
    for _ in range(20_000):
        wrong = [rng.random() < rate for _ in range(rng.randint(2, 12))]
        supported.append(how.p_supported([rng.choice(bad if one else good) for one in wrong]))
        any_bad.append(any(wrong))
    return best_cut(np.array(supported), np.array(any_bad))


# Wording by people: BEGIN, and SQuAD's questions. Faults of one place: operations text.
_PARTS: tuple[Callable[[Made], bool], ...] = (
    lambda one: one.how == "begin",
    lambda one: one.how in ("question", "unanswerable", "wrong answer", "question, short"),
    lambda one: (
        one.group.endswith(".md") and one.how not in ("verbatim", "other document", "same document")
    ),
)


def _pool(
    claims: Sequence[Made], risks: Rows, of: Callable[[Made], bool], *, is_bad: bool
) -> list[float]:
    return [
        float(risk)
        for one, risk in zip(claims, risks, strict=True)
        if of(one) and one.is_bad == is_bad
    ]


SUPPORTED_MIN = 0.8
UNSUPPORTED_BELOW = 0.75
MEAN_CLAIMS = 7


def best_cut(good: Rows, bad: Rows) -> float:
    """Return the probability of support below which calling a response bad has the best F1."""
    order = np.argsort(good)
    hits = np.cumsum(bad[order])
    f1 = 2 * hits / (np.arange(1, len(bad) + 1) + bad.sum())
    at = int(np.argmax(f1))
    return float((good[order][at] + good[order][min(at + 1, len(bad) - 1)]) / 2)


def tell(claims: Sequence[Made], risks: Rows) -> None:
    """Print how well risks out of fold tell bad from good, by part and by fault."""
    bad = np.array([one.is_bad for one in claims])
    how = np.array([one.how for one in claims])
    groups = {"begin": how == "begin"}
    ops = np.array([one.group.endswith(".md") for one in claims])
    groups["operations"] = ops
    groups["squad"] = ~ops & (how != "begin")
    for name, part in groups.items():
        print(f"{name:12} {part.sum():6} AUROC {roc_auc_score(bad[part], risks[part]):.3f}")
        if name != "begin":
            good = part & ~bad
            for kind in sorted(set(how[part & bad])):
                chosen = good | (part & bad & (how == kind))
                area = roc_auc_score(bad[chosen], risks[chosen])
                print(f"    {kind:24} {(part & bad & (how == kind)).sum():5} {area:.3f}")


if __name__ == "__main__":
    main()
