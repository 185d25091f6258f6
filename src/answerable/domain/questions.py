"""Questions, who asks them, and what came of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from answerable.domain.documents import Chunk


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a caller may read, and because of what.

    A document is visible when it carries at least one of the labels; no labels, no documents.
    """

    principal: str
    labels: frozenset[str]
    because: str

    def allows(self, labels: Collection[str]) -> bool:
        """Return whether a document with these labels may be read."""
        return not self.labels.isdisjoint(labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A chunk found for one question.

    Attributes:
        rank: From 1, best first.
        score: What it was ranked by; comparable only within one search.
        parts: What the score is made of, for `--explain`: name and value.
    """

    rank: int
    score: float
    document_id: str
    content_id: str
    path: str
    title: str
    chunk: Chunk
    parts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """An exact span of a document.

    Attributes:
        content_hash: SHA-256 of the canonical text the offsets count in.
        line: Line of `start` in the canonical text, from 1.
        start, end: Code points; ``text[start:end] == quote``.
        landmark: Where it stands in the original, in words: ``page 12``; empty where lines say it.
    """

    document_id: str
    path: str
    title: str
    heading: tuple[str, ...]
    line: int
    start: int
    end: int
    content_hash: str
    quote: str
    landmark: str = ""


class VerdictValue(StrEnum):
    """Whether a claim rests on its passages. UNDECIDED is never averaged into good."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a judge said about one claim, with its reasons."""

    value: VerdictValue
    judge: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One statement of an answer and the spans it rests on.

    On the `quote` rung ``text`` is the quotes of its citations joined by nothing.
    """

    text: str
    citations: tuple[Citation, ...]
    verdict: Verdict
    kind: str = "sentence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """An answer was given.

    Attributes:
        rung: Which rung of the ladder gave it, the last one when several had a part in it.
        confidence: In [0, 1]; what abstention is decided by.
    """

    rung: str
    claims: tuple[Claim, ...]
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Abstained:
    """The documents do not say, as far as could be found. A result, not an error.

    Attributes:
        code: The value of the `StepReason` that ended the search for an answer.
        because: Why, in one sentence for people.
        closest: The passages of the documents that came closest, best first.
        rung: ``search`` when the closest are given, ``abstain`` when nothing is.
    """

    code: str
    because: str
    confidence: float
    closest: tuple[Passage, ...] = ()
    rung: str = "abstain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """Whoever asked went away, or the time was up, before there was an outcome.

    Attributes:
        because: Who or what ended it.
        rung: The one that was at work; empty when none was yet.
        claims: What had been shown by then.
    """

    because: str
    rung: str = ""
    claims: tuple[Claim, ...] = ()
    confidence: float = 0.0


Outcome = Answered | Abstained | Cancelled


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDown:
    """A rung was left without an answer.

    Attributes:
        detail: What happened, in one sentence without text of documents or of the model.
    """

    rung: str
    reason: StepReason
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelUse:
    """One call of a model: what it was for, what it took and what it cost.

    Attributes:
        purpose: ``answer``, ``repair`` or ``rewrite``.
        is_estimated: Whether the tokens were counted here, because the provider did not say.
        cost_usd: A decimal number; None when no price is known, which is not the same as free.
        first_token_ms: None when none came.
        ended: ``stop``, ``length`` and the like, or the value of the `StepReason`.
    """

    model: str
    purpose: str
    tokens_in: int
    tokens_out: int
    is_estimated: bool
    method: str
    cost_usd: str | None
    first_token_ms: float | None
    took_ms: float
    ended: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """An earlier question of the same conversation and what was answered."""

    question: str
    answer: str


class StepReason(StrEnum):
    """Why a rung of the ladder was left.

    The provider: ``outage``, ``timeout``, ``breaker`` (it failed so often that it was not asked).
    Our own limits: ``budget``, ``overload``, ``policy`` (it may not, or is not set up).
    What was written: ``malformed``, ``check_failed`` (too little of it holds), ``declined`` (the
    model says that the passages do not hold the answer).
    What was found: ``nothing_found``, ``thin_evidence``.
    """

    OUTAGE = "outage"
    TIMEOUT = "timeout"
    BREAKER = "breaker"
    BUDGET = "budget"
    OVERLOAD = "overload"
    POLICY = "policy"
    MALFORMED = "malformed"
    CHECK_FAILED = "check_failed"
    DECLINED = "declined"
    NOTHING_FOUND = "nothing_found"
    THIN_EVIDENCE = "thin_evidence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """How long one step of a question's path took."""

    name: str
    took_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """Everything needed to explain one outcome later.

    Attributes:
        overrides: What moved the answer away from its release, with cause; usually nothing.
        evidence: Features abstention was decided by: name and value.
        searched: What was searched for where the question leaned on an earlier one; else empty.
        follows: Id of the trace before it in a conversation; empty for a question of its own.
        step_downs: The rungs that were left, in order.
        dropped: Statements of a model that were not shown, each with its verdict.
        calls: Of models, in order.
        replies: Of models, a line of JSON each, where the operator has them kept; for replays.
        is_redacted: Whether its texts were deleted because a document in it was purged. No part
            of what is stored of a trace.
        conversation: What is the same in all turns of a conversation, where it mattered which
            release answers it: while a canary ran. A hash; else empty.
    """

    id: str
    at_ms: int
    principal: str
    question: str
    release: str
    revision: int
    overrides: tuple[str, ...]
    passages: tuple[Passage, ...]
    evidence: tuple[tuple[str, float], ...]
    outcome: Outcome
    steps: tuple[Step, ...]
    took_ms: float
    searched: str = ""
    follows: str = ""
    step_downs: tuple[StepDown, ...] = ()
    dropped: tuple[Claim, ...] = ()
    calls: tuple[ModelUse, ...] = ()
    replies: tuple[str, ...] = ()
    is_redacted: bool = False
    conversation: str = ""
