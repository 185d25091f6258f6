"""How the bets of a canary stand, as a picture: lines of evidence and the line that decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from answerable.releases.canary import Plan
from answerable.releases.watching import Point

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 28
_LEAST = -2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the picture.

    Attributes:
        points: ``x,y`` pairs, as SVG takes them.
    """

    name: str
    points: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A picture of one question: is it worse, or is it no worse.

    Attributes:
        title: The question.
        lines: One for each guard.
        boundary: Height of the line that decides, from above.
        zero: Height of no evidence.
        said: The same in words, for whoever does not see it.
        conversations: How many the last points stand for.
    """

    title: str
    lines: tuple[Line, ...]
    boundary: float
    zero: float
    said: str
    conversations: int


def charts(points: Sequence[Point], plan: Plan) -> tuple[Chart, ...]:
    """Return both pictures of a canary; none before anything was compared."""
    if not points:
        return ()
    worse = math.log(len(plan.guards) / plan.alpha_rollback)
    return (
        _chart("Is it worse?", points, [one.worse for one in points], plan.guards, worse),
        _chart(
            "Is it no worse?",
            points,
            [one.no_worse for one in points],
            plan.guards,
            -math.log(plan.alpha_promote),
        ),
    )


def _chart(
    title: str,
    points: Sequence[Point],
    rows: Sequence[tuple[float, ...]],
    guards: Sequence[str],
    boundary: float,
) -> Chart:
    last = points[-1].n
    top = max(boundary * 1.2, *(max(row) for row in rows))
    low = min(_LEAST, *(max(min(row), -2 * boundary) for row in rows))

    def x(n: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * n / last

    def y(value: float) -> float:
        share = (top - max(value, low)) / (top - low)
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * share

    lines = tuple(
        Line(
            name=name,
            points=" ".join(
                [f"{x(0):.1f},{y(0):.1f}"]
                + [f"{x(p.n):.1f},{y(row[at]):.1f}" for p, row in zip(points, rows, strict=True)]
            ),
        )
        for at, name in enumerate(guards)
    )
    said = ", ".join(
        f"{name} {100 * value / boundary:.0f} %"
        for name, value in zip(guards, rows[-1], strict=True)
    )
    return Chart(
        title=title,
        lines=lines,
        boundary=round(y(boundary), 1),
        zero=round(y(0), 1),
        said=f"Evidence after {last} conversations, of what decides: {said}",
        conversations=last,
    )
