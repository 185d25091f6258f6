"""What the Ask page shows of an answer: statements, numbered sources, what was left out and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from markupsafe import Markup

from answerable.domain.questions import (
    Abstained,
    Citation,
    Claim,
    ModelUse,
    Outcome,
    Passage,
    StepDown,
    StepReason,
    Trace,
    Verdict,
)
from answerable.domain.releases import MODEL
from answerable.entrypoints.web import paper, render

# What these say, an abstention says itself.
_SAID_ANYWAY = frozenset({StepReason.NOTHING_FOUND, StepReason.THIN_EVIDENCE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A citation with its number on the page.

    Attributes:
        name: Of the place where it is shown; no other on the page has it.
    """

    number: int
    citation: Citation
    url: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A paragraph, set, with where it comes from."""

    html: Markup
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A claim with its verdict, in paragraphs."""

    paragraphs: tuple[Said, ...]
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A statement of a model that is no part of the answer.

    Attributes:
        sources: Where documents speak of the same; they do not bear it out.
    """

    text: str
    because: str
    sources: tuple[Source, ...]


@dataclass(kw_only=True, slots=True)
class Press:
    """Sets the statements of one answer, and numbers their sources as they come.

    A span has one number, however often it is cited.
    """

    revision: int
    _numbers: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _shown: int = 0

    def statement(self, claim: Claim) -> Statement:
        """Return a claim as it is shown."""
        said = "".join(one.quote for one in claim.citations)
        parts = self._quotes(claim) if claim.text == said else self._own_words(claim)
        return Statement(paragraphs=tuple(parts), verdict=claim.verdict)

    def left_out(self, claim: Claim) -> LeftOut:
        """Return a dropped claim; its sources get no numbers, since nothing rests on them."""
        return LeftOut(
            text=claim.text.strip(),
            because="; ".join(claim.verdict.reasons) or claim.verdict.value.value,
            sources=tuple(self._source(one, 0) for one in claim.citations[:1]),
        )

    def _own_words(self, claim: Claim) -> Iterator[Said]:
        kind = "rows" if claim.kind == "row" else claim.kind
        yield Said(html=paper.quoted(kind, claim.text), sources=self._sources(claim.citations))

    def _quotes(self, claim: Claim) -> Iterator[Said]:
        """Give quotes by paragraphs: one that goes on in the line of the one before joins it."""
        paragraphs = _paragraphs(claim.citations)
        for place, citations in enumerate(paragraphs):
            # What comes before code or rows introduces them.
            is_prose = claim.kind == "code" and place + 1 < len(paragraphs)
            kind = "sentence" if is_prose else "rows" if claim.kind == "row" else claim.kind
            words = "".join(one.quote for one in citations)
            yield Said(html=paper.quoted(kind, words), sources=self._sources(citations))

    def _sources(self, citations: Iterable[Citation]) -> tuple[Source, ...]:
        return tuple(self._source(one, self._number(one)) for one in citations)

    def _number(self, one: Citation) -> int:
        span = (one.document_id, one.start, one.end)
        return self._numbers.setdefault(span, len(self._numbers) + 1)

    def _source(self, one: Citation, number: int) -> Source:
        self._shown += 1
        url = render.citation_url(one, revision=self.revision)
        return Source(number=number, citation=one, url=url, name=f"peek-{self._shown}")


def _paragraphs(citations: Iterable[Citation]) -> list[list[Citation]]:
    found: list[list[Citation]] = []
    line = 0
    for one in citations:
        if found and one.line == line:
            found[-1].append(one)
        else:
            found.append([one])
        line = one.line + one.quote.count("\n")
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What the calls of models took.

    Attributes:
        cost: In words; a call whose price nobody knows is said to be unpriced.
    """

    models: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    is_estimated: bool
    cost: str


def spent(calls: Sequence[ModelUse]) -> Spent | None:
    """Return what the calls of an answer took together; None where no model was asked."""
    if not calls:
        return None
    return Spent(
        models=tuple(dict.fromkeys(one.model for one in calls)),
        tokens_in=sum(one.tokens_in for one in calls),
        tokens_out=sum(one.tokens_out for one in calls),
        is_estimated=any(one.is_estimated for one in calls),
        cost=_cost([one.cost_usd for one in calls]),
    )


def _cost(costs: Sequence[str | None]) -> str:
    known = [Decimal(one) for one in costs if one is not None]
    unknown = len(costs) - len(known)
    if not known:
        return "unpriced"
    priced = f"{sum(known):f} USD"
    return f"{priced} and {unknown} unpriced" if unknown else priced


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedAt:
    """A passage that was found, and whether the answer rests on it."""

    passage: Passage
    url: str
    is_used: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A trace as the page shows it.

    Attributes:
        before: The question this one follows, with the id of its trace; None when it follows none.
    """

    trace: Trace
    outcome: Outcome
    statements: tuple[Statement, ...]
    left_out: tuple[LeftOut, ...]
    is_past: bool
    before: tuple[str, str] | None

    @property
    def kind(self) -> str:
        """``answered``, ``abstained`` or ``cancelled``."""
        return render.outcome_name(self.trace)

    @property
    def places(self) -> list[list[Source]]:
        """The sources by the section they stand in, each once, in the order they are used."""
        found: dict[tuple[str, tuple[str, ...]], dict[int, Source]] = {}
        for source in self._sources():
            place = (source.citation.document_id, source.citation.heading)
            found.setdefault(place, {}).setdefault(source.number, source)
        return [list(one.values()) for one in found.values()]

    @property
    def closest(self) -> list[render.Plain]:
        """What came closest where nothing answers."""
        found = self.outcome.closest if isinstance(self.outcome, Abstained) else ()
        return render.closest(found, render.CLOSEST_MAX)

    @property
    def steps_down(self) -> list[StepDown]:
        """The models that were left, where that is news."""
        return [one for one in self.trace.step_downs if is_news(one)]

    @property
    def spent(self) -> Spent | None:
        """What models took; None where none was asked."""
        return spent(self.trace.calls)

    @property
    def looked_at(self) -> list[LookedAt]:
        """The passages that were found, best first."""
        cited = [source.citation for source in self._sources()]
        return [
            LookedAt(
                passage=one,
                url=f"{render.document_url(one.document_id)}?revision={self.trace.revision}",
                is_used=any(_is_of(citation, one) for citation in cited),
            )
            for one in self.trace.passages
        ]

    @property
    def summary(self) -> str:
        """The outcome in one sentence, for those who hear the page."""
        if self.kind == "abstained":
            return "The documents do not say."
        count = len(self.statements)
        said = f"{count} statement{'' if count == 1 else 's'}"
        left = f", {len(self.left_out)} left out" if self.left_out else ""
        return f"{'Answered' if self.kind == 'answered' else 'Stopped'}: {said}{left}."

    def _sources(self) -> Iterator[Source]:
        for statement in self.statements:
            for said in statement.paragraphs:
                yield from said.sources


def is_news(step: StepDown) -> bool:
    """Return whether somebody who waits for an answer wants to know that a rung was left."""
    return step.rung.startswith(MODEL) and step.reason not in _SAID_ANYWAY


def sheet_of(trace: Trace, *, is_past: bool, before: tuple[str, str] | None = None) -> Shown:
    """Return a trace ready to be shown."""
    outcome, press = trace.outcome, Press(revision=trace.revision)
    claims = () if isinstance(outcome, Abstained) else outcome.claims
    return Shown(
        trace=trace,
        outcome=outcome,
        statements=tuple(press.statement(one) for one in claims),
        left_out=tuple(press.left_out(one) for one in trace.dropped),
        is_past=is_past,
        before=before,
    )


def _is_of(citation: Citation, passage: Passage) -> bool:
    is_same = citation.document_id == passage.document_id
    chunk = passage.chunk
    return is_same and citation.start < chunk.end and chunk.start < citation.end
