"""The table of numbers a score is made of, and how it is read.

`benchmarks/fit_checker.py` writes it; nothing in it is executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from answerable.answering.checking.features import NAMES

Tree = tuple[tuple[int, ...], tuple[float, ...], tuple[int, ...], tuple[int, ...]]
"""A tree by node: feature (-1 in a leaf), threshold or value, next node if not above, if above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How raw risks become a probability, and where verdicts are cut.

    Attributes:
        bias, slope: Of the logit of the probability that something is wrong.
        supported_min: From this probability of support on a verdict is SUPPORTED.
        unsupported_below: Below this one it is UNSUPPORTED.
        unsupported_below_many: The same for a response of several claims.
    """

    bias: float
    slope: float
    supported_min: float
    unsupported_below: float
    unsupported_below_many: float

    def p_supported(self, risks: Sequence[float]) -> float:
        """Return the probability that all claims with these raw risks are supported."""
        logit = self.bias + self.slope * joined(risks)
        return 1 / (1 + math.exp(max(-60.0, min(60.0, logit))))

    def risk(self, p: float) -> float:
        """Return the raw risk of a claim that is supported with this probability."""
        bounded = min(max(p, 1e-6), 1 - 1e-6)
        return (math.log((1 - bounded) / bounded) - self.bias) / self.slope


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """All that was fitted.

    Attributes:
        linear: One weight for each feature; raw risk is a logit, higher is worse.
        trees: Their values add up to a second raw risk.
        share: Of the trees in the blend.
        calibration: Of all probabilities.
        words: For a stem how much it tells, in [0, 1].
        digest: SHA-256 of the file, first 12 hex digits: names the scorer in a release.
    """

    linear: tuple[float, ...]
    bias: float
    trees: tuple[Tree, ...]
    start: float
    share: float
    calibration: Calibration
    words: Mapping[str, float]
    digest: str

    def raw(self, values: Sequence[float]) -> float:
        """Return the raw risk of a claim with these features: a logit, not yet calibrated."""
        line = self.bias + sum(map(float.__mul__, self.linear, values))
        total = self.start
        for features, numbers, low, high in self.trees:
            node = 0
            while (feature := features[node]) >= 0:
                node = low[node] if values[feature] <= numbers[node] else high[node]
            total += numbers[node]
        return (1 - self.share) * line + self.share * total


@cache
def packaged() -> Table:
    """Return the table that ships with Answerable, read once."""
    return read_table((files(__package__) / "table.json").read_bytes())


def read_table(content: bytes) -> Table:
    """Return a table from its file.

    Raises:
        ValueError: It was fitted for other features than these.
    """
    found = json.loads(content)
    if tuple(found["features"]) != NAMES:
        raise ValueError("the table of the claim check was fitted for other features")
    return Table(
        linear=tuple(map(float, found["linear"])),
        bias=found["bias"],
        trees=tuple(_tree(nodes) for nodes in found["trees"]),
        start=found["start"],
        share=found["share"],
        calibration=Calibration(**found["calibration"]),
        words=found["words"],
        digest=sha256(content).hexdigest()[:12],
    )


def _tree(nodes: Sequence[Sequence[float]]) -> Tree:
    feature, number, low, high = zip(*nodes, strict=True)
    return (
        tuple(map(int, feature)),
        tuple(map(float, number)),
        tuple(map(int, low)),
        tuple(map(int, high)),
    )


def joined(risks: Sequence[float]) -> float:
    """Return the risk that any of some claims is wrong: a logit whose odds are the sum of theirs.

    A claim of long odds adds next to nothing, two of even odds add up; one alone keeps its own.
    """
    most = max(risks)
    return most + math.log(math.fsum(math.exp(risk - most) for risk in risks))
