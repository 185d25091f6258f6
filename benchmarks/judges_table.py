"""Compare judges on sets that people labelled, response by response.

    python benchmarks/judges_table.py ../shared/data --judge onnx:FOLDER --judge model:NAME

The judge that ships is always among them. A model is one of the workspace's (`--workspace`). Each
response is judged as `answerable check --judge` judges it; F1 is that of the hallucinated class,
where hallucinated means the verdict UNSUPPORTED; kappa is Cohen's, of that verdict, beside the
judge that ships.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from answerable.answering.ports import Judge
from answerable.app.checking import open_judge
from answerable.domain.questions import VerdictValue
from answerable.domain.releases import FEATURES
from checker_table import area_of, f1, responses

SETS = ("ops-groundedness", "ragtruth-qa")
COLUMNS = (
    *("set", "judge", "responses", "AUROC", "F1", "precision / recall"),
    *("undecided", "kappa", "ms a response"),
)


@dataclass(kw_only=True)
class Judged:
    """What one judge said of one set.

    Attributes:
        bad: Whether people called each response hallucinated.
        risks: 1 - p_supported of each.
        took_ms: By the wall: a model elsewhere takes no time of ours.
    """

    bad: list[bool] = field(default_factory=list)
    risks: list[float] = field(default_factory=list)
    verdicts: list[VerdictValue] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)

    @property
    def flagged(self) -> list[bool]:
        """Which were called UNSUPPORTED."""
        return [one is VerdictValue.UNSUPPORTED for one in self.verdicts]


def main() -> None:
    """Judge each set by each judge and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--judge", action="append", default=[])
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--first", type=int, help="only so many responses of each set")
    parser.add_argument("--only", nargs="*", default=SETS)
    given = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name in given.only:
        rows = list(islice(responses(name, given.data), given.first))
        own: Judged | None = None
        for judge in (FEATURES, *given.judge):
            print(f"{name} by {judge}…", file=sys.stderr, flush=True)
            with open_judge(judge, given.workspace) as judging:
                found = judged(judging, rows)
            own = own or found
            print(line(name, judge, found, own), flush=True)


def judged(judge: Judge, rows: Sequence[dict[str, Any]]) -> Judged:
    """Return what a judge says of each response."""
    found = Judged()
    for row in rows:
        began = time.perf_counter()
        judging = judge.prepare([row["context"]], question=row["question"] or "")
        checked = judging.check_response(row["response"])
        found.took_ms.append(1000 * (time.perf_counter() - began))
        found.bad.append(row["hallucinated"])
        found.risks.append(1 - checked.p_supported)
        found.verdicts.append(checked.verdict)
    return found


def line(name: str, judge: str, found: Judged, own: Judged) -> str:
    """Return one line of the table."""
    score, precision, recall = f1(found.flagged, found.bad)
    undecided = found.verdicts.count(VerdictValue.UNDECIDED) / max(1, len(found.verdicts))
    shown = Path(judge).name if "/" in judge else judge
    cells = (
        *(name, shown, f"{len(found.bad):,}"),
        f"{area_of(found.risks, found.bad):.3f}",
        f"{score:.3f}",
        f"{precision:.2f} / {recall:.2f}",
        f"{undecided:.0%}",
        "" if found is own else f"{kappa(found.flagged, own.flagged):.2f}",
        f"{sorted(found.took_ms)[len(found.took_ms) // 2]:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def kappa(ones: Sequence[bool], others: Sequence[bool]) -> float:
    """Return Cohen's kappa: agreement beyond chance, 1 for all of it."""
    total = len(ones)
    same = sum(one == other for one, other in zip(ones, others, strict=True)) / total
    by_chance = sum(_share(ones, said=said) * _share(others, said=said) for said in (True, False))
    return 1.0 if by_chance == 1 else (same - by_chance) / (1 - by_chance)


def _share(flags: Sequence[bool], *, said: bool) -> float:
    return sum(one is said for one in flags) / len(flags)


if __name__ == "__main__":
    main()
