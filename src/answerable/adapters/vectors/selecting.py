"""Choosing the best of many scores that are known only roughly."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
Places = NDArray[np.intp]

_GROUP = 16
_SURE_MAX = 128
_MOST = 8192
_DEVIATIONS = 8
# The lowest score of what may be found at all.
_LOWEST = float(np.finfo(np.float32).min)


class Doubt(NamedTuple):
    """How far a rough score may be from the true one.

    Attributes:
        surely: Never farther than this.
        hardly: Farther less than once in 10 ** 14 scores: rounding errors of many numbers mostly
            cancel, so this is much less than `surely`.
    """

    surely: float
    hardly: float


def doubt(query_error: float, row_error: float, dimension: int, rounding: float) -> Doubt:
    """Return how far the scalar product of two rounded vectors may be from the true one.

    Args:
        query_error: Distance of the rounded query from the true one, of length 1.
        row_error: Greatest distance of a rounded row from the true one, of length 1.
        dimension: Over how many numbers these errors spread.
        rounding: How far a true score may be moved by rounding it.
    """
    surely = query_error * (1 + row_error) + row_error
    deviation = math.hypot(query_error, row_error) / math.sqrt(dimension)
    return Doubt(surely + rounding, min(surely, _DEVIATIONS * deviation) + rounding)


def contenders(scores: Scores, limit: int, unsure: Doubt) -> Places:
    """Return where those scores stand whose true ones may be among the best `limit`.

    Of scores of minus infinity none is. When more than a few may be, `unsure.hardly` decides:
    each is measured again, from memory that no scan has read. Of more than 8,192 beyond the
    limit, those with the highest scores.
    """
    near = _within(scores, limit, unsure.surely)
    if len(near) > limit + _SURE_MAX:
        near = near[_within(scores[near], limit, unsure.hardly)]
    if len(near) > limit + _MOST:
        near = near[np.argpartition(scores[near], -(limit + _MOST))[-(limit + _MOST) :]]
    return near


def _within(scores: Scores, limit: int, distance: float) -> Places:
    """Return where the scores stand that are at most twice the distance below the limit-th.

    What is below the limit-th of the highest of groups of 16 is not: those are 16 times fewer to
    look through, and few of them lead to scores that have to be looked at.
    """
    groups = len(scores) // _GROUP
    if groups < 8 * limit:
        near = np.flatnonzero(scores > -np.inf)
    else:
        near = _in_groups(scores, groups, limit, distance)
    if len(near) <= limit:
        return near
    found = scores[near]
    last = np.partition(found, -limit)[-limit]
    return np.asarray(near[found >= last - 2 * distance])


def _in_groups(scores: Scores, groups: int, limit: int, distance: float) -> Places:
    """Return where those scores stand that may be among the best, in any order."""
    grouped = scores[: groups * _GROUP].reshape(_GROUP, groups)
    highest = grouped.max(axis=0)
    least = max(float(np.partition(highest, -limit)[-limit]) - 2 * distance, _LOWEST)
    columns = np.flatnonzero(highest >= least)
    members, places = np.nonzero(grouped[:, columns] >= least)
    rest = groups * _GROUP + np.flatnonzero(scores[groups * _GROUP :] >= least)
    return np.concatenate((members * groups + columns[places], rest))
