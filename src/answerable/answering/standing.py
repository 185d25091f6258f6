"""Whether an answer still stands: what is re-checked, and what can come of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from answerable.domain.documents import Text
from answerable.domain.questions import Answered, Citation, Trace


class Standing(StrEnum):
    """How a citation, a claim or an answer stands today; the later, the worse."""

    NOTHING_CITED = "nothing_cited"
    STILL_TRUE = "still_true"
    DOCUMENT_CHANGED = "document_changed"
    DOCUMENT_GONE = "document_gone"
    NOT_AS_GIVEN = "not_as_given"


_SEVERITY: Mapping[Standing, int] = {standing: place for place, standing in enumerate(Standing)}


def worst(standings: Iterable[Standing]) -> Standing:
    """Return the worst of these; without any, nothing was cited."""
    return max(standings, key=_SEVERITY.__getitem__, default=Standing.NOTHING_CITED)


class Because(StrEnum):
    """Why something stands as it does; `sentence` says it to people."""

    SAME_TEXT = "same_text"
    CHANGED_ELSEWHERE = "changed_elsewhere"
    MOVED = "moved"
    QUOTE_GONE = "quote_gone"
    QUOTE_WITHIN = "quote_within"
    QUOTE_NOT_KEPT = "quote_not_kept"
    NO_DOCUMENT = "no_document"
    ANOTHER_PATH = "another_path"
    UNKNOWN_TEXT = "unknown_text"
    OUTSIDE = "outside"
    NEVER_STOOD = "never_stood"
    ANOTHER_LINE = "another_line"
    NOT_ITS_QUOTES = "not_its_quotes"
    NOT_RECORDED = "not_recorded"
    UNPROVEN = "unproven"
    NO_CITATION = "no_citation"
    CITATIONS = "citations"

    @property
    def sentence(self) -> str:
        """The reason in a few words."""
        return _SENTENCES[self]


_SENTENCES: Mapping[Because, str] = {
    Because.SAME_TEXT: "the document is the one that was cited",
    Because.CHANGED_ELSEWHERE: "the document changed elsewhere; the quote stands where it stood",
    Because.MOVED: "moved: the document changed elsewhere; the quote stands at another place now",
    Because.QUOTE_GONE: "the quote no longer stands in the document",
    Because.QUOTE_WITHIN: "its words still stand there, but others were joined to them",
    Because.QUOTE_NOT_KEPT: "the document changed, and the text of the quote is no longer kept",
    Because.NO_DOCUMENT: "there is no such document that you may read",
    Because.ANOTHER_PATH: "the document has another path than the citation says",
    Because.UNKNOWN_TEXT: "the document had no text of this hash in that revision",
    Because.OUTSIDE: "the span is empty or outside the text",
    Because.NEVER_STOOD: "the quote never stood at this place of that text",
    Because.ANOTHER_LINE: "the quote begins in another line than the citation says",
    Because.NOT_ITS_QUOTES: "the sentence says something else than its quotes",
    Because.NOT_RECORDED: "another answer was recorded under this trace",
    Because.UNPROVEN: "neither its quotes nor a record prove that this sentence was the answer",
    Because.NO_CITATION: "nothing is cited for it",
    Because.CITATIONS: "as its citations stand",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenClaim:
    """A statement of an answer as it is handed in, with the citations it names."""

    text: str
    citations: tuple[Citation, ...]

    @property
    def is_verbatim(self) -> bool:
        """Whether it says what its quotes say, and nothing else."""
        return self.text == "".join(citation.quote for citation in self.citations)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An answer that is to be re-checked. Nothing in it is believed.

    Attributes:
        trace_id: Under which it was recorded, as it says; may be empty.
        revision: In which it was made, as it says; None when it does not.
        rung: Which rung gave it, as it says.
        claims: None of them when it abstained.
    """

    trace_id: str
    revision: int | None
    rung: str
    claims: tuple[GivenClaim, ...]


def of_trace(trace: Trace) -> Given:
    """Return the answer that a trace records."""
    outcome = trace.outcome
    claims = outcome.claims if isinstance(outcome, Answered) else ()
    return Given(
        trace_id=trace.id,
        revision=trace.revision,
        rung=outcome.rung if isinstance(outcome, Answered) else "",
        claims=tuple(GivenClaim(text=one.text, citations=one.citations) for one in claims),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A document as the caller may read it, in one revision.

    Attributes:
        content_hash: Of its canonical text.
    """

    document_id: str
    path: str
    title: str
    text: Text
    content_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A span of a document as it is now: ``text[start:end] == quote``; may be shown whole."""

    start: int
    end: int
    line: int
    content_hash: str
    quote: str
    landmark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CitationStanding:
    """How one citation stands. What the caller may not read is not repeated to them.

    Attributes:
        path, title: Of the document as it is now; empty when it is gone.
        now: Where the quote stands now; None unless it is still true.
        closest: What comes closest to the quote now; None unless the document changed, and
            where nothing is like it.
    """

    standing: Standing
    because: Because
    document_id: str
    path: str = ""
    title: str = ""
    now: Place | None = None
    closest: Place | None = None

    @property
    def is_moved(self) -> bool:
        """Whether the quote stands, at another place than it did."""
        return self.because is Because.MOVED


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimStanding:
    """How one claim stands: as its worst citation, or as given by nobody."""

    standing: Standing
    because: Because
    citations: tuple[CitationStanding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerStanding:
    """How an answer stands today.

    Attributes:
        standing: The worst of its claims.
        revision: The one it was compared with.
    """

    trace_id: str
    revision: int
    standing: Standing
    claims: tuple[ClaimStanding, ...]
