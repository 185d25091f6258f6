"""Whether `minilm` gives on this machine what it should, and how fast."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from answerable.adapters.embedders.minilm import (
    MiniLm,
    graph,
    read_tokenizer,
    windows_of,
)
from answerable.adapters.embedders.weights import Weights
from answerable.adapters.embedders.windows import pooled
from answerable.library.ports import Embedder, Vectors

COSINE_MIN = 0.99
"""Least cosine between a vector of eight bits and the one of the float32 graph."""

PAIR_TOLERANCE = 0.03
"""How far the cosine of a pair may be from the one of the float32 graph."""

_GRAPH = "minilm-float32.onnx"
# Of the training; sentences are pooled by their mean.
_UNUSED = "pooler."
_CHUNKS = 24
_QUESTIONS = 20

SENTENCES = (
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "How do I restart a pod that is stuck in CrashLoopBackOff?",
    "A container that keeps crashing is started again with a growing delay.",
    "The disk of the database server is almost full.",
    "There is hardly any free space left on the volume that PostgreSQL writes to.",
    "Knead the dough for ten minutes and let it rest under a cloth.",
    "Rotate the credentials before they expire.",
    "Change passwords and keys while they are still valid.",
    "etcd lost its quorum after two of three members were drained.",
    "kubectl rollout undo deployment/web --to-revision=3",
    "rate(http_requests_total{code=~'5..'}[5m]) / rate(http_requests_total[5m]) > 0.01",
    "ERROR 0x80070005: access is denied",
    "Traceback (most recent call last): ConnectionRefusedError: [Errno 111]",
    "Wie starte ich den Dienst nach einem Absturz neu?",
)
"""What is compared with the float32 graph. Texts of a word or two may be off by 0.015."""

PAIRS = (
    (SENTENCES[0], SENTENCES[1], 0.6660),
    (SENTENCES[0], SENTENCES[2], 0.1046),
    (SENTENCES[1], SENTENCES[2], 0.1411),
    (SENTENCES[3], SENTENCES[4], 0.4288),
    (SENTENCES[5], SENTENCES[6], 0.4999),
    (SENTENCES[8], SENTENCES[9], 0.6178),
    (SENTENCES[3], SENTENCES[7], 0.1093),
    (SENTENCES[5], SENTENCES[7], 0.0986),
)
"""Two of the sentences, and their cosine by the float32 graph.

The first three are those of the model card of sentence-transformers: 0.6660, 0.1046, 0.1411.
"""

TEXT = (
    "When the error rate of the checkout service stays above one per cent for ten minutes, the "
    "person on call is paged. First look at the dashboard: if only one zone is affected, drain it "
    "and watch whether the rate falls. If all zones are affected, find out what was changed within "
    "the last hour. A release that was promoted in that time is rolled back before anybody looks "
    "for the cause; rolling back takes less than a minute and can itself be undone. If nothing "
    "was released, compare the latency of the database with that of last week. Slow queries "
    "usually mean that a table has outgrown its statistics, and analysing it again helps. "
    "When the connections are used up, restart the pool one instance at a time, never all at once, "
    "or the queue of waiting requests will hit the database in a single wave. Write down what you "
    "saw and when. If the rate has not fallen after half an hour, call the owners of the service "
    "and of the database, tell them what you have tried, and ask for a decision on switching "
    "to the standby. Once the alarm has cleared, wait for two more intervals before you close the "
    "incident, and add what was missing to this page while you still remember it well."
)
"""What speed is measured with: about 1,200 characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at, in words.

    Attributes:
        is_well: None when it could not be looked at.
    """

    is_well: bool | None
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found.

    Attributes:
        cosine_min: Least cosine to the float32 graph over `SENTENCES`; None when the published
            files are not there any more.
        pair_error_max: Largest difference of a pair's cosine to the pinned one.
        chunks_per_second: Of 1,200 characters each.
        question_ms: Median time of one question.
    """

    cosine_min: float | None
    pair_error_max: float
    chunks_per_second: float
    question_ms: float

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each thing in words."""
        return (
            _equality(self.cosine_min),
            Finding(
                is_well=self.pair_error_max <= PAIR_TOLERANCE,
                said=f"cosines of known pairs are off by {self.pair_error_max:.3f} at most",
            ),
            Finding(
                is_well=True,
                said=f"{self.chunks_per_second:.0f} chunks of 1,200 characters a second; "
                f"a question takes {self.question_ms:.1f} ms",
            ),
        )

    @property
    def is_well(self) -> bool:
        """Whether nothing was found wrong."""
        return all(finding.is_well is not False for finding in self.findings)


def check(embedder: MiniLm) -> Report:
    """Compare an embedder with the float32 graph and with known pairs, and measure its speed.

    Takes a few seconds.

    Raises:
        NotReady: Its weights are missing or not the published ones.
        EmbedderFailed: It gave no vectors.
    """
    vectors = embedder.embed(SENTENCES, purpose="passage")
    published = embedder.published()
    cosines = None if published is None else (vectors * float32(published, SENTENCES)).sum(axis=1)
    return Report(
        cosine_min=None if cosines is None else float(cosines.min()),
        pair_error_max=max(abs(_cosine(vectors, a, b) - told) for a, b, told in PAIRS),
        chunks_per_second=_CHUNKS / _seconds(embedder, [TEXT] * _CHUNKS),
        question_ms=1000 * float(np.median([_question(embedder) for _ in range(_QUESTIONS)])),
    )


def float32(published: Weights, texts: Sequence[str]) -> Vectors:
    """Return the vectors that the published numbers give, without any rounding to eight bits.

    Raises:
        NotReady: The published files cannot be read, or are others.
    """
    from answerable.adapters.embedders.engine import Engine  # noqa: PLC0415 # slow

    tokenizer = read_tokenizer(published.tokenizer_bytes())
    windows = [windows_of(tokenizer, text) for text in texts]
    flat = [window for of_text in windows for window in of_text]
    arrays = published.arrays()
    used = {name: arrays[name] for name in arrays if not name.startswith(_UNUSED)}
    means = Engine(graph(_GRAPH), used).means(flat, threads=1)
    return pooled(means, [len(window) for window in flat], [len(one) for one in windows])


def _cosine(vectors: Vectors, first: str, second: str) -> float:
    return float(vectors[SENTENCES.index(first)] @ vectors[SENTENCES.index(second)])


def _equality(cosine_min: float | None) -> Finding:
    if cosine_min is None:
        return Finding(
            is_well=None,
            said="not compared with float32: the published files are not there any more",
        )
    return Finding(
        is_well=cosine_min >= COSINE_MIN,
        said=f"the cosine to float32 is at least {cosine_min:.4f}; it should be {COSINE_MIN}",
    )


def _question(embedder: Embedder) -> float:
    return _seconds(embedder, [SENTENCES[3]])


def _seconds(embedder: Embedder, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    embedder.embed(texts, purpose="passage")
    return time.perf_counter() - began
