"""The pages of evaluations: question sets, runs, and two runs side by side with every flip."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from answerable.app import App, evaluations
from answerable.domain.errors import BadInput
from answerable.entrypoints.web.printing import html
from answerable.quality import comparison
from answerable.quality.grades import Grade
from answerable.quality.records import EvalRun

_RUNS_MAX = 40
_FLIPS_MAX = 50
_Name = Annotated[str, Query(max_length=80, pattern=r"^(latest|run-[0-9a-z]+)$")]


def evaluation_pages(app: App) -> APIRouter:
    """Return the routes of the pages of evaluations over one app."""
    router = APIRouter(include_in_schema=False)

    @router.get("/evaluation")
    def runs() -> HTMLResponse:
        found = list(evaluations.kept(app.settings.data))
        made = {
            "sets": evaluations.sets(app.settings.workspace / "questions"),
            "runs": [_row(one) for one in found[:_RUNS_MAX]],
            "count": len(found),
        }
        return html("evaluation.html", made)

    @router.get("/evaluation/compare")
    def compare(
        before: _Name,
        after: _Name,
        margin: Annotated[float, Query(gt=0, lt=1)] = 0.05,
    ) -> HTMLResponse:
        data = app.settings.data
        if before == after:
            raise BadInput("a run is as good as itself", hint="choose two runs on /evaluation")
        found = comparison.compared(
            evaluations.found(before, data), evaluations.found(after, data), margin=margin
        )
        made = {
            "found": found,
            "rows": [comparison.cells(row) for row in found.rows],
            "flips": (("Lost", found.lost), ("Gained", found.gained)),
            "flips_max": _FLIPS_MAX,
        }
        return html("compared.html", made)

    return router


def _row(run: EvalRun) -> dict[str, object]:
    counts = Counter(one.grade for one in run.records)
    return {
        "run": run,
        "good": counts[Grade.GOOD],
        "undecided": counts[Grade.UNDECIDED],
        "of": len(run.records),
    }
