"""What answering needs from the outside world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from answerable.answering.checking import CheckedClaim, CheckedResponse, DraftClaim
from answerable.answering.feedback import Feedback, Thumb
from answerable.domain.cancel import Cancel
from answerable.domain.questions import Trace
from answerable.domain.releases import Sampling, TimeLimits


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceLine:
    """A trace in a list. `question` is empty once its text has expired.

    Attributes:
        outcome: ``answered`` or ``abstained``.
        ups, downs: How many callers rate it so, each by their last feedback.
        is_redacted: Whether its texts were deleted because a document in it was purged.
    """

    id: str
    at_ms: int
    principal: str
    question: str
    outcome: str
    rung: str
    release: str
    revision: int
    took_ms: float
    ups: int = 0
    downs: int = 0
    is_redacted: bool = False


class Ledger(Protocol):
    """Every trace, append-only but for `redact`. Text lives apart, with its own retention.

    Every method may raise `StorageFailure`.
    """

    def append(self, trace: Trace) -> None:
        """Store a trace; it is committed when this returns.

        Calls from many threads share one commit.
        """
        ...

    def recent(
        self,
        *,
        limit: int,
        before: str | None = None,
        principal: str | None = None,
        rated: Thumb | None = None,
    ) -> Sequence[TraceLine]:
        """Return the newest traces, newest first, older than the trace `before`.

        With `rated`, those that somebody's last feedback rates so.
        """
        ...

    def trace(self, trace_id: str) -> Trace | None:
        """Return one trace whole; texts that have expired are empty strings."""
        ...

    def rate(self, feedback: Feedback) -> None:
        """Store what a caller thinks of an answer; it is committed when this returns.

        Nothing is replaced: of each caller the last one counts. One that says the same as the
        caller's last one is not stored again.

        Raises:
            NotFound: There is no such trace.
            Conflict: The caller rated this answer `PER_PRINCIPAL_MAX` times.
            NotReady: The ledger is closed.
        """
        ...

    def feedback(self, trace_id: str) -> Sequence[Feedback]:
        """Return all feedback on one trace in the order it was given."""
        ...

    def forget_texts(self, older_than_ms: int) -> int:
        """Delete the texts of traces from before this moment; return how many traces.

        Comments from before this moment go with them.
        """
        ...

    def redact(
        self, document_ids: Collection[str], *, at_ms: int, heard: Callable[[int, int], None]
    ) -> int:
        """Delete all texts and comments of traces that name any of these documents.

        Also of those that follow one of them, for what they say may come from its answer. Their
        structure stays, without the paths of these documents, and they are marked. Traces that are
        appended later are treated alike, until `unredact`. No file holds anything of the
        texts when this returns.

        Args:
            document_ids: Of the documents.
            at_ms: When.
            heard: Hears how many traces were looked at, and of how many.

        Returns:
            How many traces were redacted now.

        Raises:
            Locked: Another process reads or writes without a pause; it can be called again.
        """
        ...

    def unredact(self, document_ids: Collection[str]) -> None:
        """Keep texts of traces that name these documents again, from now on."""
        ...

    def close(self) -> None:
        """Commit what waits and let go of the file."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of what a model is told."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCall:
    """What a model is asked, how it is to choose its words, and how long it may take."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    limits: TimeLimits = field(default_factory=TimeLimits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """What a model said since the last one; never empty."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """How much a call took.

    Attributes:
        tokens_in: Of the prompt, with those the provider had cached.
        tokens_out: Of the reply, with those of reasoning nobody sees.
        is_estimated: Whether the counts are ours, because the provider gave none.
        method: How they were estimated, such as ``utf8/3.5``; empty where they were not.
        cost_usd: None where the price is not known: unpriced, which is not free.
    """

    tokens_in: int
    tokens_out: int
    is_estimated: bool = False
    method: str = ""
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The end of a reply.

    Attributes:
        reason: ``stop``, ``length`` where `Sampling.tokens_max` cut it, ``filtered``, or what
            else the provider called it.
        model: Which model answered, as the provider calls it.
    """

    reason: str
    usage: Usage
    model: str = ""


class ChatModel(Protocol):
    """A language model somewhere, and whatever wraps one. Safe for many threads.

    Attributes:
        name: As the ladder and the settings call it.
    """

    name: str

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply bit by bit, then exactly one `Finished`, and nothing after it.

        Nothing happens before the first item is asked for. A reply that ends in any other way
        MUST raise. Closing the iterator, or `cancel` from any thread, MUST let go of everything
        at once, the provider's socket too. MUST NOT give an item after `cancel`.

        Raises:
            ModelFailed: No reply, or only the beginning of one; `kind` says why.
            Cancelled: `cancel` was called.
        """
        ...

    def close(self) -> None:
        """Let go of connections; streams that are open end with `ModelFailed`."""


class Judging(Protocol):
    """Checks claims against the passages of one question."""

    def check(self, claim: DraftClaim, *, before: str = "") -> CheckedClaim:
        """Return the verdict on one claim.

        MUST give SUPPORTED to a claim that is, word for word, a whole sentence, item, row or line
        of a passage. MUST NOT give it to one with a number, version, date, address, path, flag
        or command that is in neither passages nor question. Evidence MUST be spans of the
        passages, `reasons` MUST NOT be empty, and the same call MUST give the same verdict.

        `before` is the claim shown before it: what its pronouns may mean.
        """
        ...

    def check_response(self, response: str) -> CheckedResponse:
        """Return the verdict on a whole response and on each of its claims.

        Claims MUST have the verdicts `check` gives them, and a response MUST NOT be SUPPORTED
        when one of them that counts is UNSUPPORTED. One that says nothing is UNDECIDED.
        """
        ...


class PairScorer(Protocol):
    """Reads two texts together: how surely does one say what the other states?

    Safe for many threads.

    Attributes:
        name: As the settings call it.
        digest: Changes whenever a score might.
        supported_min, unsupported_below: From where on a score means SUPPORTED, and below what
            UNSUPPORTED.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def digest(self) -> str: ...  # noqa: D102

    @property
    def supported_min(self) -> float: ...  # noqa: D102

    @property
    def unsupported_below(self) -> float: ...  # noqa: D102

    def scores(self, texts: Sequence[str], claim: str) -> Sequence[float]:
        """Return for each text a number in [0, 1]: how surely it says what the claim states.

        What is longer than the encoder reads is cut at the end of the text, never of the claim.

        Raises:
            JudgeFailed: It gave no number.
        """
        ...


class Judge(Protocol):
    """Says whether passages support claims. One judge serves many threads.

    Attributes:
        name: Stands in traces and releases, such as ``features``.
        digest: Changes whenever a verdict might.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def digest(self) -> str: ...  # noqa: D102

    def prepare(self, passages: Sequence[str], *, question: str) -> Judging:
        """Return what checks claims against these passages; reads them once."""
        ...
