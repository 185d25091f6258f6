"""Questions put to the release that serves; each leaves its trace in the ledger."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from answerable.adapters.clock import new_id
from answerable.adapters.metrics import Metrics
from answerable.adapters.models.recording import MemoryTape, Recording, Tape, to_json
from answerable.answering import flow as answering
from answerable.answering.events import Done, Event
from answerable.app.current import Current, Open
from answerable.app.tools import Tools
from answerable.app.views import Check
from answerable.domain.cancel import Cancel
from answerable.domain.errors import NotFound, StorageFailure
from answerable.domain.questions import Abstained, Answered, Cancelled, Scope, Trace, Turn
from answerable.domain.releases import Release

_LEDGER_WAIT_MS = 30_000
_SILENT = ("search", "abstain")


class Asks:
    """Asks the release that serves now. Safe for many threads.

    Args:
        tools: Where traces go.
        current: What serves.
        desk: What answering needs.
        metrics: Count each trace.
        record_models: Whether replies of models are kept with the traces.
    """

    def __init__(
        self,
        tools: Tools,
        current: Current,
        desk: answering.Desk,
        metrics: Metrics,
        *,
        record_models: bool = False,
    ) -> None:
        self._tools = tools
        self._current = current
        self._desk = desk
        self._metrics = metrics
        self._record_models = record_models
        self._failed: tuple[str, int] | None = None

    def stream(
        self,
        asking: answering.Asking,
        scope: Scope,
        *,
        cancel: Cancel,
        on: Open | None = None,
    ) -> Generator[Event, None, None]:
        """Give what happens while a question is answered, `Done` last.

        The trace is in the ledger when `Done` comes. Closing the iterator, or cancelling, frees
        everything, and leaves a trace that says so.

        Args:
            asking: The question.
            scope: As whom.
            cancel: Ends it from any thread.
            on: Another release than that which serves, with what it answers from.

        Raises:
            BadQuestion: It is empty or too long.
            BadInput: A rung is unknown.
            NotReady: The library is empty.
        """
        tape = MemoryTape()
        desk = recording(self._desk, tape) if self._record_models else self._desk
        return self._kept(self._begin(asking, scope, cancel, desk=desk, on=on), tape)

    def answer(
        self,
        text: str,
        scope: Scope,
        *,
        release: Release | None = None,
        on: Open | None = None,
    ) -> Trace:
        """Return the trace of a question that leaves none in the ledger, for evaluations.

        Args:
            text: The question.
            scope: As whom.
            release: Another one than that which serves, over the same revision.
            on: Another release with what it answers from; None for what serves.
        """
        run = self._begin(answering.Asking(text=text), scope, Cancel(), release=release, on=on)
        return answering.drained(answering.events(run))

    def check(self) -> Check:
        """Return whether traces can be kept: not for a while after one could not.

        Then it is ready again, because only another question can tell.
        """
        if self._failed is None:
            return Check(name="ledger", ready=True, detail="traces are kept")
        said, at_ms = self._failed
        is_over = self._tools.clock.now_ms() - at_ms > _LEDGER_WAIT_MS
        return Check(name="ledger", ready=is_over, detail=f"the last trace was not kept: {said}")

    def turns(
        self, follows: str, scope: Scope, *, most: int, rejected: frozenset[str] = frozenset()
    ) -> tuple[Turn, ...]:
        """Return a trace and those it follows as turns, oldest first; at most so many.

        Args:
            follows: Id of the trace.
            scope: As whom.
            most: At most so many turns.
            rejected: Releases whose answers are left out: they were found to be bad.

        Raises:
            NotFound: There is no such trace, or it is somebody else's.
        """
        found: list[Turn] = []
        name = follows
        while name and len(found) < most:
            trace = self._tools.ledger.trace(name)
            if trace is None or trace.principal != scope.principal:
                raise NotFound("there is no such trace to follow", hint="answerable traces list")
            if not trace.question:
                break  # its text has expired, and with it what came before
            if trace.release not in rejected:
                found.append(Turn(question=trace.searched or trace.question, answer=said(trace)))
            name = trace.follows
        return tuple(reversed(found))

    def _begin(
        self,
        asking: answering.Asking,
        scope: Scope,
        cancel: Cancel,
        *,
        release: Release | None = None,
        desk: answering.Desk | None = None,
        on: Open | None = None,
    ) -> answering.Run:
        now = on or self._current.open()
        return answering.begin(
            asking,
            scope,
            shelf=now.shelf,
            release=release or now.serving.release,
            overrides=now.serving.overrides,
            trace_id=new_id(self._tools.clock.now_ms()),
            desk=desk or self._desk,
            cancel=cancel,
        )

    def _kept(self, run: answering.Run, tape: MemoryTape) -> Generator[Event, None, None]:
        is_done = False
        try:
            with closing(answering.events(run)) as happening:
                for event in happening:
                    if isinstance(event, Done):
                        is_done = True
                        yield Done(trace=self._keep(event.trace, run.release, tape))
                    else:
                        yield event
        finally:
            if not is_done:
                self._keep(run.trace(), run.release, tape)

    def _keep(self, trace: Trace, release: Release, tape: MemoryTape) -> Trace:
        """Put a trace into the ledger; where it cannot, the answer says so and comes anyway."""
        self._metrics.add(trace, ladder=release.ladder)
        if tape.replies:
            trace = replace(trace, replies=tuple(to_json(one) for one in tape.replies))
        try:
            self._tools.ledger.append(trace)
        except StorageFailure as error:
            self._failed = (f"{error.code}: {error.message}", self._tools.clock.now_ms())
            self._metrics.not_kept()
            return replace(trace, overrides=(*trace.overrides, f"trace not kept: {error.code}"))
        self._failed = None
        return trace


def recording(desk: answering.Desk, tape: Tape) -> answering.Desk:
    """Return a desk whose models' replies are written down."""
    return replace(
        desk,
        model=lambda choice: Recording(desk.model(choice), tape),
        judging_model=lambda choice: Recording(desk.judging_model(choice), tape),
    )


def only(rung: str) -> tuple[str, ...]:
    """Return the ladder of one rung that somebody asked for; silence stands below it."""
    return tuple(dict.fromkeys((rung, *_SILENT))) if rung else ()


def said(trace: Trace) -> str:
    """Return what was answered, as text."""
    match trace.outcome:
        case Answered() | Cancelled():
            return "\n".join(claim.text for claim in trace.outcome.claims)
        case Abstained():
            return f"The documents do not say. {trace.outcome.because}"
