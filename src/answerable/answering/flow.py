"""A question's path: understand → retrieve → climb the ladder → the outcome.

One generator tells what happens while it happens; whoever wants only the end drains it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from answerable.answering.asked import Asked, content_words, read_question
from answerable.answering.confidence import bar, confidence, evidence
from answerable.answering.conversation import remembered
from answerable.answering.events import Done, Event, Retrieved, Understood
from answerable.answering.ladder import checked_ladder, climb
from answerable.answering.quote import rank
from answerable.answering.rewriting import understood
from answerable.answering.run import Asking, Desk, Run, Watch
from answerable.domain.cancel import Cancel, Cancelled
from answerable.domain.errors import BadQuestion
from answerable.domain.questions import Scope, Trace
from answerable.domain.releases import Release
from answerable.library.search import (
    Found,
    Query,
    Shelf,
    embedded,
    near_sentences,
    read_query,
    search,
)

__all__ = ["Asking", "Desk", "Run", "answer", "begin", "checked_question", "events"]

QUESTION_CHARS_MAX = 4_000


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
    run = begin(
        Asking(text=question),
        scope,
        shelf=shelf,
        release=release,
        overrides=overrides,
        trace_id=trace_id,
        desk=desk,
        cancel=Cancel(),
    )
    return drained(events(run))


def drained(happening: Iterator[Event]) -> Trace:
    """Return the trace at the end of what happens."""
    for event in happening:
        if isinstance(event, Done):
            return event.trace
    raise AssertionError("what happens ends with Done, or raises")


def begin(
    asking: Asking,
    scope: Scope,
    *,
    shelf: Shelf,
    release: Release,
    overrides: Sequence[str],
    trace_id: str,
    desk: Desk,
    cancel: Cancel,
) -> Run:
    """Return a question ready to be answered.

    Raises:
        BadQuestion: It is empty or too long.
        BadInput: A rung that was asked for is unknown.
    """
    text = checked_question(asking.text)
    writing = release.writing
    asking = Asking(
        text=text,
        turns=remembered(
            asking.turns, turns_max=writing.turns_max, chars_max=writing.turn_chars_max
        ),
        follows=asking.follows,
        ladder=checked_ladder(asking.ladder),
        crowded=asking.crowded,
        conversation=asking.conversation,
    )
    asked_for = f"asked for: {', '.join(asking.ladder)}"
    return Run(
        asking=asking,
        scope=scope,
        shelf=shelf,
        release=release,
        overrides=(*overrides, *((asked_for,) if asking.ladder else ())),
        trace_id=trace_id,
        desk=desk,
        cancel=cancel,
        watch=Watch(clock=desk.clock),
        question=text,
        searched=text,
    )


def events(run: Run) -> Generator[Event, None, None]:
    """Give what happens until the question has its outcome, `Done` last.

    Closing the iterator, or cancelling, lets go of everything at once; `run.trace()` then says
    how far it came.
    """
    try:
        yield from _path(run)
    except Cancelled:
        run.outcome = None  # the trace says who cancelled
    yield Done(trace=run.trace())


def _path(run: Run) -> Iterator[Event]:
    run.cancel.check()
    run.searched = understood(run)
    if run.searched != run.question:
        yield Understood(searched=run.searched)
    _retrieve(run)
    yield Retrieved(passages=run.passages, revision=run.revision)
    with closing(climb(run)) as climbing:
        run.outcome = yield from climbing


def _retrieve(run: Run) -> None:
    """Find passages, and how far they seem to answer."""
    retrieval, watch = run.release.retrieval, run.watch
    query = read_query(run.searched, run.desk.analyser, retrieval)
    if retrieval.embedder:
        with watch.step("embed"):
            query = embedded(query, run.searched, run.shelf, retrieval)
    with watch.step("retrieve"):
        found = search(run.shelf, query, run.scope, retrieval, limit=retrieval.passages_max)
        asked = _read(run)
    run.found = found
    run.overrides = (*run.overrides, *_words_only(found))
    with watch.step("rank"):
        _weigh(run, query, found, asked)


def _weigh(run: Run, query: Query, found: Found, asked: Asked) -> None:
    texts, reader = run.texts, run.desk.reader
    near = near_sentences(run.shelf, query, found, run.release.retrieval)
    run.ranked = rank(
        asked,
        found.passages,
        texts,
        reader=reader,
        settings=run.release.quoting,
        near=near,
    )
    run.evidence = evidence(asked, found.passages, run.ranked, texts, reader=reader, near=near)
    run.needed = bar(run.evidence, run.release.abstaining)
    run.sure = confidence(run.evidence, run.needed.weights)


def _read(run: Run) -> Asked:
    searcher = run.shelf.searcher
    terms = run.desk.analyser.terms(content_words(run.searched))
    return read_question(run.searched, terms, searcher.frequencies(set(terms)), searcher.chunks)


def _words_only(found: Found) -> tuple[str, ...]:
    return (f"found by words only: {found.words_only}",) if found.words_only else ()


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
