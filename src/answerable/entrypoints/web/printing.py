"""Templates become pages and parts of pages; whatever they are given is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from answerable.answering.feedback import COMMENT_CHARS_MAX, Complaint
from answerable.domain.releases import MODEL
from answerable.entrypoints.naming import spot, trail
from answerable.entrypoints.web import problems

HERE = Path(__file__).parent
_WHOLE_MS = 10

_RUNGS = {
    "quote": "quoted verbatim, no model",
    "search": "search results only",
    "abstain": "abstained",
    "": "before any rung",
}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = when
    environment.filters["trail"] = trail
    environment.filters["spot"] = spot
    environment.filters["ms"] = milliseconds
    environment.filters["rung"] = rung
    environment.filters["plainly"] = plainly
    environment.globals["COMPLAINTS"] = tuple(Complaint)
    environment.globals["COMMENT_CHARS_MAX"] = COMMENT_CHARS_MAX
    return environment


def when(at_ms: int) -> str:
    """Return a moment as people write it, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def milliseconds(took_ms: float) -> str:
    """Return a duration with the digits that matter."""
    return f"{took_ms:.1f} ms" if took_ms < _WHOLE_MS else f"{took_ms:.0f} ms"


def rung(name: str) -> str:
    """Return how an answer of a rung comes about, in a few words."""
    if name.startswith(MODEL):
        return f"written by {name.removeprefix(MODEL)}, each statement checked"
    return _RUNGS.get(name, name)


def plainly(code: str) -> str:
    """Return a stable name as words: ``model:main`` is ``main``, ``check_failed`` two words."""
    return code.removeprefix(MODEL).replace("_", " ")


TEMPLATES = _environment()


def part(name: str, context: Mapping[str, object]) -> str:
    """Return a part of a page, or a whole one, as text that is Unicode whatever went in."""
    text = TEMPLATES.get_template(name).render(context)
    # A name that is no Unicode must not take the page down with it.
    return text.encode("utf-8", "replace").decode()


def html(name: str, context: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(part(name, context), status_code=status)


def error_page(problem: problems.Problem, *, is_fragment: bool) -> HTMLResponse:
    """Return a failure as a page, or as the part of one that htmx puts in its place."""
    name = "problem.html" if is_fragment else "error.html"
    return html(name, {"problem": problem}, status=problem.status)
