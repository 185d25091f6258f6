"""What can go wrong between documents and an answer, and what is known about one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from answerable.answering.feedback import Complaint
from answerable.answering.standing import Standing
from answerable.domain.questions import Trace


class FailurePoint(StrEnum):
    """Where an answer went wrong, in the order of a question's path.

    Source: after the failure points of Barnett et al., "Seven Failure Points When Engineering a
    Retrieval Augmented Generation System", 2024; format and extraction are told apart here by
    what the ladder knows, and stale documents and providers are added.
    """

    NOT_IN_DOCUMENTS = "not_in_documents"
    NOT_RETRIEVED = "not_retrieved"
    NOT_USED = "not_used"
    CONTRADICTED = "contradicted"
    WRONG_GRANULARITY = "wrong_granularity"
    INCOMPLETE = "incomplete"
    REFUSED_WRONGLY = "refused_wrongly"
    PROVIDER_FAULT = "provider_fault"
    STALE = "stale"
    NOTHING_WRONG = "nothing_wrong"

    @property
    def sentence(self) -> str:
        """The failure point in a few words."""
        return _SENTENCES[self]


_SENTENCES: Mapping[FailurePoint, str] = {
    FailurePoint.NOT_IN_DOCUMENTS: "not in the documents",
    FailurePoint.NOT_RETRIEVED: "in the documents, not retrieved",
    FailurePoint.NOT_USED: "retrieved, not used",
    FailurePoint.CONTRADICTED: "used, but contradicted",
    FailurePoint.WRONG_GRANULARITY: "the right page in the wrong pieces",
    FailurePoint.INCOMPLETE: "incomplete",
    FailurePoint.REFUSED_WRONGLY: "refused wrongly",
    FailurePoint.PROVIDER_FAULT: "a fault of a model's provider",
    FailurePoint.STALE: "made from a document that has changed",
    FailurePoint.NOTHING_WRONG: "nothing wrong found",
}


class Sureness(StrEnum):
    """How sure a classification is.

    CERTAIN: it was looked up. LIKELY: what is recorded points to it and to nothing else. GUESS:
    it fits, and so would something else; what was expected would settle it.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "guess"


class Said(StrEnum):
    """How much of what was expected an answer says."""

    WHOLE = "whole"
    PART = "part"
    NOT = "not"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """Where what was expected stands, and how far it came. Ranks count from 1.

    Attributes:
        is_page: Whether a document was expected and not a text.
        in_own_words: Whether it stands there in other words, as the judge finds.
        path, line: Of the first place that holds it; empty and 0 when none does.
        is_there: Whether a document holds it now.
        was_there: Whether one did in the revision that answered.
        rank: Of the first passage of the answer that holds any of it; None when none does.
        page_rank: Of the first passage from a page that holds it.
        is_cut: Whether no passage of the answer holds it whole, though one holds part of it.
        rank_now, page_rank_now: The same in a wider search today.
        looked_at: How many passages that search found.
        said: How much of it the answer says.
        against: How the answer contradicts it, as the judge says.
    """

    is_page: bool
    in_own_words: bool = False
    path: str = ""
    line: int = 0
    is_there: bool = False
    was_there: bool = False
    rank: int | None = None
    page_rank: int | None = None
    is_cut: bool = False
    rank_now: int | None = None
    page_rank_now: int | None = None
    looked_at: int = 0
    said: Said = Said.NOT
    against: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """A statement of a model that was not shown.

    Attributes:
        contradicts: Whether a passage says otherwise, and not merely nothing of the kind.
    """

    text: str
    reasons: tuple[str, ...]
    contradicts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known about one answer.

    Attributes:
        expected: None when nobody said what was.
        standing: How what it cites stands today.
        complaints: Of those who rated it down and said why.
        downs: How many rated it down.
        rejected: What its model wrote and nobody was shown.
        needed: Confidence that its release asks for; None when the release is not known.
        found_now: How many passages a wider search finds today; None when it cannot be asked.
    """

    trace: Trace
    expected: Sighting | None = None
    standing: Standing = Standing.NOTHING_CITED
    complaints: tuple[Complaint, ...] = ()
    downs: int = 0
    rejected: tuple[Rejected, ...] = ()
    needed: float | None = None
    found_now: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at: a stable code, and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """What to try.

    Attributes:
        command: That does it; empty where none does.
    """

    text: str
    command: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What went wrong with an answer.

    Attributes:
        because: Why it was classified so, in one sentence.
        also: What else fits, in the order of how well.
        evidence: All that was looked at.
        remedies: What to try, the most promising first.
    """

    trace_id: str
    point: FailurePoint
    sure: Sureness
    because: str
    also: tuple[FailurePoint, ...]
    evidence: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]
