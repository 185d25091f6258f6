"""A question's path: retrieve → choose what to quote → verify each span → answer or abstain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from answerable.answering.asked import Asked, content_words, read_question
from answerable.answering.cite import claim
from answerable.answering.confidence import bar, confidence, evidence
from answerable.answering.quote import Candidate, choose, rank
from answerable.answering.reading import Reader
from answerable.answering.verify import judged, verify_claim
from answerable.domain.clock import Clock
from answerable.domain.documents import Content, Text
from answerable.domain.errors import BadQuestion
from answerable.domain.questions import (
    Abstained,
    Answered,
    Claim,
    Outcome,
    Passage,
    Scope,
    Step,
    Trace,
    VerdictValue,
)
from answerable.domain.releases import Bar, Release
from answerable.library.ports import Analyser
from answerable.library.search import (
    Found,
    Query,
    Shelf,
    embedded,
    near_sentences,
    read_query,
    search,
)

QUESTION_CHARS_MAX = 4_000
_CLOSEST_DOCUMENTS = 3
_RUNG = "quote"


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The tools a question needs."""

    analyser: Analyser
    reader: Reader
    clock: Clock


def answer(
    question: str,
    scope: Scope,
    *,
    shelf: Shelf,
    release: Release,
    overrides: Sequence[str],
    trace_id: str,
    desk: Desk,
) -> Trace:
    """Return the trace of a question: what was found, what was made of it and how it ended.

    Raises:
        BadQuestion: It is empty or too long.
    """
    text = checked_question(question)
    watch = _Watch(clock=desk.clock)
    query = read_query(text, desk.analyser, release.retrieval)
    if release.retrieval.embedder:
        with watch.step("embed"):
            query = embedded(query, text, shelf, release.retrieval)
    with watch.step("retrieve"):
        found, asked = _retrieve(text, query, scope, shelf=shelf, release=release, desk=desk)
        texts = {name: content.text for name, content in found.contents.items()}
    with watch.step("quote"):
        near = near_sentences(shelf, query, found, release.retrieval)
        ranked = rank(
            asked,
            found.passages,
            texts,
            reader=desk.reader,
            settings=release.quoting,
            near=near,
        )
        seen = evidence(asked, found.passages, ranked, texts, reader=desk.reader, near=near)
        needed = bar(seen, release.abstaining)
        sure = confidence(seen, needed.weights)
        claims = _claims(ranked, texts, release) if _RUNG in release.ladder else []
    with watch.step("verify"):
        kept = _verified(claims, found)
    return Trace(
        id=trace_id,
        at_ms=desk.clock.now_ms(),
        principal=scope.principal,
        question=text,
        release=release.id,
        revision=shelf.revision.number,
        overrides=(*overrides, *_words_only(found)),
        passages=found.passages,
        evidence=seen,
        outcome=decide(found.passages, claims, kept, sure, needed),
        steps=tuple(watch.steps),
        took_ms=watch.total_ms(),
    )


def checked_question(text: str) -> str:
    """Return the question without white space around it.

    Raises:
        BadQuestion: It is empty or too long.
    """
    question = text.strip()
    if not question:
        raise BadQuestion("the question is empty", hint="ask in a few words, as of a colleague")
    if len(question) > QUESTION_CHARS_MAX:
        raise BadQuestion(
            f"the question has {len(question):,} characters; at most {QUESTION_CHARS_MAX:,}",
            hint="ask for one thing; documents are read with `answerable ingest`",
        )
    return question


def decide(
    passages: Sequence[Passage],
    claims: Sequence[Claim],
    kept: Sequence[Claim],
    sure: float,
    needed: Bar,
) -> Outcome:
    """Return the answer, or why there is none.

    Args:
        passages: What was found, best first.
        claims: What would be quoted.
        kept: Those of them whose every citation was verified.
        sure: Confidence in [0, 1].
        needed: Its threshold decides.
    """
    if not passages:
        return Abstained(
            code="nothing_found",
            because="No document holds any of the words that matter.",
            confidence=sure,
        )
    closest = _closest(passages)
    if sure < needed.confidence_min or not claims:
        return Abstained(
            code="thin_evidence",
            because="What was found is too far from the question.",
            confidence=sure,
            closest=closest,
        )
    if not kept:
        return Abstained(
            code="not_verified",
            because="No quote could be verified against its document.",
            confidence=sure,
            closest=closest,
        )
    return Answered(rung=_RUNG, claims=tuple(kept), confidence=sure)


def _words_only(found: Found) -> tuple[str, ...]:
    return (f"found by words only: {found.words_only}",) if found.words_only else ()


def _retrieve(
    question: str, query: Query, scope: Scope, *, shelf: Shelf, release: Release, desk: Desk
) -> tuple[Found, Asked]:
    retrieval = release.retrieval
    found = search(shelf, query, scope, retrieval, limit=retrieval.passages_max)
    terms = desk.analyser.terms(content_words(question))
    searcher = shelf.searcher
    asked = read_question(question, terms, searcher.frequencies(set(terms)), searcher.chunks)
    return found, asked


def _claims(
    ranked: Sequence[Candidate], texts: Mapping[str, Text], release: Release
) -> list[Claim]:
    quotes = choose(ranked, texts, release.quoting)
    return [claim(quote, texts[quote.passage.content_id]) for quote in quotes]


def _verified(claims: Sequence[Claim], found: Found) -> list[Claim]:
    """Return the claims that hold, each with its verdict. Only what was found may be cited."""
    contents: dict[str, Content] = {
        passage.document_id: found.contents[passage.content_id] for passage in found.passages
    }
    texts = {name: content.text.text for name, content in contents.items()}
    masks = {name: content.text.masks for name, content in contents.items()}
    checked = [judged(one, verify_claim(one, texts, masks=masks)) for one in claims]
    return [one for one in checked if one.verdict.value is VerdictValue.SUPPORTED]


def _closest(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the best passage of each of the first few documents."""
    best: dict[str, Passage] = {}
    for passage in passages:
        best.setdefault(passage.document_id, passage)
    return tuple(best.values())[:_CLOSEST_DOCUMENTS]


@dataclass(kw_only=True, slots=True)
class _Watch:
    """Times the steps of one question."""

    clock: Clock
    steps: list[Step] = field(default_factory=list)
    began_ms: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_ms = self.clock.monotonic_ms()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began_ms = self.clock.monotonic_ms()
        yield
        self.steps.append(Step(name=name, took_ms=self.clock.monotonic_ms() - began_ms))

    def total_ms(self) -> float:
        return self.clock.monotonic_ms() - self.began_ms
