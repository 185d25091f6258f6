"""Measure the claim check on sets it was not fitted on, and write one table into the guide.

    python benchmarks/checker_table.py ../shared/data --write

Each response is judged as `answerable check` judges it. AUROC ranks by `1 - p_supported`; F1 is
that of the hallucinated class, where hallucinated means the verdict UNSUPPORTED. Beside it stand
the share of words that the context lacks, and flagging everything. Nothing is fitted here, but for
`--ablate CACHE`: fits without one group of features at a time, on the claims `fit_checker.py
--cache CACHE` measured.

Times are of this thread alone, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from answerable.answering.checking import (
    CheckedResponse,
    check_response,
    judging,
    prepare,
)
from answerable.answering.checking.claims import CONNECTIVE, REMARK
from answerable.answering.checking.features import GROUPS, NAMES, Measured
from answerable.answering.checking.table import packaged
from answerable.domain.questions import VerdictValue
from answerable.quality.metrics import auroc
from checker_faults import rows_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "checking.md"
BEGIN, END = "<!-- checker table: begin -->", "<!-- checker table: end -->"
SETS = ("ops-groundedness", "ragtruth-qa", "factscore-claims", "begin", "halueval-qa")
BINS = 15
EXAMPLES = 12


@dataclass(kw_only=True)
class Result:
    """What came of one set.

    Attributes:
        bad: Whether people called each response hallucinated.
        risks: 1 - p_supported of each.
        values: Features of each measured claim of each response; None for a quoted one.
        claim_ms, answer_ms: Time of this thread.
    """

    name: str
    bad: list[bool] = field(default_factory=list)
    risks: list[float] = field(default_factory=list)
    flagged: list[bool] = field(default_factory=list)
    undecided: int = 0
    overlap: list[float] = field(default_factory=list)
    values: list[list[tuple[float, ...] | None]] = field(default_factory=list)
    claim_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    checked: list[CheckedResponse] = field(default_factory=list)


def main() -> None:
    """Judge all sets, print the table, write it if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--first", type=int, default=0, help="only so many responses of each set")
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--ablate", type=Path, help="claims that fit_checker.py --cache measured")
    parser.add_argument("--errors", type=int, default=0, help="print so many errors of each kind")
    given = parser.parse_args()
    results = []
    for name in given.only:
        print(f"{name}…", file=sys.stderr, flush=True)
        results.append(judge(name, given.data, given.first))
        print("\n".join(rows(results[-1:])), flush=True)
        errors(results[-1], given.errors)
    text = page_text(results)
    if given.ablate:
        text += "\n" + "\n".join(ablations(results, given.data, given.ablate)) + "\n"
    print(text)
    if given.write:
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def responses(name: str, data: Path) -> Iterator[dict[str, Any]]:
    """Give the responses of a set that people gave a label."""
    contexts: dict[str, str] = {}
    file = "responses.jsonl.gz"
    if name == "factscore-claims":
        file = "claims.jsonl.gz"
        contexts = {row["id"]: row["text"] for row in rows_of(data / name / "contexts.jsonl.gz")}
    for row in rows_of(data / name / file):
        if row["hallucinated"] is not None:
            yield {**row, "context": row.get("context") or contexts[row["context_id"]]}


def judge(name: str, data: Path, first: int) -> Result:
    """Return the verdicts on a set."""
    result = Result(name=name)
    seen: list[tuple[float, ...]] = []
    measure = judging.measure

    def recording(*args: Any, **named: Any) -> Measured:
        began = time.thread_time()
        found = measure(*args, **named)
        result.claim_ms.append(1000 * (time.thread_time() - began))
        seen.append(found.values)
        return found

    judging.measure = recording
    try:
        for number, row in enumerate(responses(name, data)):
            if first and number >= first:
                break
            seen.clear()
            began = time.thread_time()
            context = prepare([row["context"]], question=row["question"] or "")
            checked = check_response(row["response"], context)
            result.answer_ms.append(1000 * (time.thread_time() - began))
            _note(result, row, checked, list(seen))
    finally:
        judging.measure = measure
    return result


def _note(
    result: Result, row: dict[str, Any], checked: CheckedResponse, seen: list[tuple[float, ...]]
) -> None:
    result.rows.append(row)
    result.checked.append(checked)
    result.bad.append(row["hallucinated"])
    result.risks.append(1 - checked.p_supported)
    result.flagged.append(checked.verdict is VerdictValue.UNSUPPORTED)
    result.undecided += checked.verdict is VerdictValue.UNDECIDED
    words = re.findall(r"\w+", row["response"].lower())
    known = set(re.findall(r"\w+", row["context"].lower()))
    result.overlap.append(sum(word not in known for word in words) / max(1, len(words)))
    left = iter(seen)
    values: list[tuple[float, ...] | None] = []
    for one in checked.claims:
        if one.claim.kind in (CONNECTIVE, REMARK):
            continue
        is_quoted = one.reasons[0].code == "quoted"
        values.append(None if is_quoted else next(left))
        if one.verdict is VerdictValue.UNSUPPORTED:
            result.reasons.update(reason.code for reason in one.reasons)
            if row["hallucinated"]:
                text = "; ".join(reason.text for reason in one.reasons[:2])
                result.examples.append((result.name, " ".join(one.claim.text.split()), text))
    result.values.append(values)


def f1(flagged: Sequence[bool], bad: Sequence[bool]) -> tuple[float, float, float]:
    """Return F1, precision and recall of the hallucinated class."""
    hits = sum(one and other for one, other in zip(flagged, bad, strict=True))
    precision = hits / max(1, sum(flagged))
    recall = hits / max(1, sum(bad))
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


def area_of(scores: Sequence[float], bad: Sequence[bool]) -> float:
    """Return how often a bad response scores above a good one."""
    pairs = list(zip(scores, bad, strict=True))
    area = auroc(
        [score for score, is_bad in pairs if is_bad],
        [score for score, is_bad in pairs if not is_bad],
    )
    return float("nan") if area is None else area


def calibration_error(risks: Sequence[float], bad: Sequence[bool]) -> float:
    """Return the expected calibration error over bins that hold equally many."""
    pairs = sorted(zip(risks, bad, strict=True))
    total = 0.0
    for part in np.array_split(np.array(pairs, dtype=float), BINS):
        if len(part):
            total += abs(part[:, 0].mean() - part[:, 1].mean()) * len(part) / len(pairs)
    return total


def rows(results: Sequence[Result]) -> Iterator[str]:
    """Give one line of the table for each set."""
    for one in results:
        area, words = area_of(one.risks, one.bad), area_of(one.overlap, one.bad)
        score, precision, recall = f1(one.flagged, one.bad)
        always = f1([True] * len(one.bad), one.bad)[0]
        brier = sum((p - b) ** 2 for p, b in zip(one.risks, one.bad, strict=True)) / len(one.bad)
        yield (
            f"| {one.name} | {len(one.bad):,} | {sum(one.bad) / len(one.bad):.0%} | **{area:.3f}** "
            f"| {words:.3f} | **{score:.3f}** | {precision:.2f} / {recall:.2f} | {always:.3f} "
            f"| {one.undecided / len(one.bad):.0%} | {calibration_error(one.risks, one.bad):.3f} "
            f"| {brier:.3f} |"
        )


def page_text(results: Sequence[Result]) -> str:
    """Return what stands between the marks of the page."""
    claim_ms = np.concatenate([one.claim_ms for one in results])
    lines = [
        f"Table `{packaged().digest}`, made by `python benchmarks/checker_table.py DATA --write`.",
        "",
        (
            "| set | responses | bad | AUROC | of word overlap | F1 | precision / recall "
            "| flagging all | undecided | ECE | Brier |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *rows(results),
        "",
        "| ms of one thread | claims | p50 | p99 | answers, reading passages too | p50 | p99 |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one.name} | {len(one.claim_ms):,} | {np.percentile(one.claim_ms, 50):.1f} "
            f"| {np.percentile(one.claim_ms, 99):.1f} | {len(one.answer_ms):,} "
            f"| {np.percentile(one.answer_ms, 50):.1f} | {np.percentile(one.answer_ms, 99):.1f} |"
            for one in results
        ),
        (
            f"| all | {len(claim_ms):,} | {np.percentile(claim_ms, 50):.1f} "
            f"| {np.percentile(claim_ms, 99):.1f} | | | |"
        ),
        "",
        "Reasons given for claims found unsupported in ops-groundedness:",
        "",
        "| claim | reasons |",
        "|---|---|",
        *(
            f"| {_cell(claim)} | {_cell(text)} |"
            for name, claim, text in _spread(results)
            if name == "ops-groundedness"
        ),
    ]
    return "\n".join(lines) + "\n"


def _spread(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    found = [one for result in results for one in result.examples if result.name.startswith("ops")]
    step = max(1, len(found) // EXAMPLES)
    return found[::step][:EXAMPLES]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{{", "{ {")


def errors(result: Result, count: int) -> None:
    """Print the misses with the lowest risk and the false alarms with the highest."""
    order = np.argsort(result.risks)
    for title, chosen in (
        ("missed", [n for n in order if result.bad[n]]),
        ("false alarms", [n for n in order[::-1] if not result.bad[n]]),
    ):
        for n in chosen[:count]:
            worst = min(result.checked[n].claims, key=lambda one: one.p_supported, default=None)
            why = "; ".join(reason.text for reason in worst.reasons) if worst else ""
            said = " ".join(worst.claim.text.split()) if worst else ""
            print(f"{title} {result.risks[n]:.2f} {result.rows[n]['id']}: {said} [{why}]")


def ablations(results: Sequence[Result], data: Path, cache: Path) -> Iterator[str]:
    """Give a table of areas with each group of features left out, and alone."""
    import fit_checker  # noqa: PLC0415 - needs scikit-learn

    claims, values = fit_checker.measured(data, fit_checker.SOURCES, packaged().words, cache)
    groups = [name for name in GROUPS if name not in fit_checker.LEFT_OUT]
    yield "| features | " + " | ".join(one.name for one in results) + " |"
    yield "|---" * (len(results) + 1) + "|"
    variants: Mapping[str, Callable[[str], bool]] = {
        "all": lambda _: True,
        **{f"without {name}": (lambda group, name=name: group != name) for name in groups},
        **{f"only {name}": (lambda group, name=name: group == name) for name in groups},
    }
    for title, keeps in variants.items():
        fitted = fit_checker.Fit(claims, values)
        kept = {name for group in groups if keeps(group) for name in GROUPS[group]}
        fitted.used = [n for n in fitted.used if NAMES[n] in kept]
        fitted.fit(np.ones(len(claims), dtype=bool))
        areas = (area_of(_raw(fitted, one), one.bad) for one in results)
        yield f"| {title} | " + " | ".join(f"{area:.3f}" for area in areas) + " |"


def _raw(fitted: Any, result: Result) -> list[float]:
    """Return for each response the risk of its worst claim and a third of that of the second."""
    flat = [one for claims in result.values for one in claims if one is not None]
    fitted.values = np.array(flat) if flat else np.zeros((0, len(NAMES)))
    risks = iter(fitted.raw(np.ones(len(flat), dtype=bool)) if flat else ())
    found = []
    for claims in result.values:
        ranked = sorted(
            (-9.0 if one is None else float(next(risks)) for one in claims), reverse=True
        )
        found.append(ranked[0] + 0.33 * ranked[min(1, len(ranked) - 1)] if ranked else 0.0)
    return found


if __name__ == "__main__":
    main()
