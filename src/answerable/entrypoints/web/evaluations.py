"""The pages of evaluations: question sets, runs, and two runs side by side with every flip."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import HTMLResponse, RedirectResponse, Response

from answerable.app import App, evaluations
from answerable.domain.errors import BadInput
from answerable.entrypoints.web.printing import html
from answerable.quality import comparison, labels
from answerable.quality.grades import Grade
from answerable.quality.records import EvalRun

_RUNS_MAX = 40
_FLIPS_MAX = 50
_RUN = r"^(latest|run-[0-9a-z]+)$"
_Name = Annotated[str, Query(max_length=80, pattern=_RUN)]
_GRADES = (("g", "good", "Good"), ("b", "bad", "Bad"), ("u", "undecided", "Cannot tell"))


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
        known = evaluations.known_labels(app.settings.workspace)
        both = [labels.labelled(evaluations.found(one, data), known) for one in (before, after)]
        found = comparison.compared(*both, margin=margin)
        made = {
            "found": found,
            "rows": [comparison.cells(row) for row in found.rows],
            "flips": (("Lost", found.lost), ("Gained", found.gained)),
            "flips_max": _FLIPS_MAX,
        }
        return html("compared.html", made)

    _add_labelling(router, app)
    return router


def _add_labelling(router: APIRouter, app: App) -> None:
    home, data = app.settings.workspace, app.settings.data

    @router.get("/evaluation/label")
    def asked(run: _Name = evaluations.LATEST) -> HTMLResponse:
        found = evaluations.found(run, data)
        left = labels.to_label(found, evaluations.known_labels(home))
        made = {
            "run": found,
            "one": left[0] if left else None,
            "key": labels.key_of(left[0]) if left else "",
            "left": len(left),
            "grades": _GRADES,
        }
        return html("label.html", made)

    @router.post("/evaluation/label")
    def said(
        run: Annotated[str, Form(pattern=_RUN)],
        key: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
        grade: Annotated[Grade, Form()],
    ) -> Response:
        who, now_ms = app.owner().principal, app.now_ms()
        made = labels.Label(key=key, grade=grade, who=who, at_ms=now_ms)
        evaluations.add_label(home, made)
        return RedirectResponse(f"/evaluation/label?run={run}", status_code=303)


def _row(run: EvalRun) -> dict[str, object]:
    counts = Counter(one.grade for one in run.records)
    return {
        "run": run,
        "good": counts[Grade.GOOD],
        "undecided": counts[Grade.UNDECIDED],
        "of": len(run.records),
    }
