"""One question while it is being answered: what is known so far, and how long each step took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from answerable.answering.quote import Candidate
from answerable.domain.cancel import Cancel
from answerable.domain.clock import Clock
from answerable.domain.documents import Content, Text
from answerable.domain.questions import (
    Cancelled,
    Claim,
    ModelUse,
    Outcome,
    Passage,
    Scope,
    Step,
    StepDown,
    Trace,
    Turn,
)
from answerable.domain.releases import Bar, JudgeChoice, ModelChoice, Release
from answerable.library.search import Found, Shelf

if TYPE_CHECKING:
    from answerable.answering.ports import ChatModel, Judge
    from answerable.answering.reading import Reader
    from answerable.library.ports import Analyser


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The tools a question needs.

    Attributes:
        model: Gives what a rung of a release asks; raises `AnswerableError` where it is not set
            up on this machine.
        judging_model: The same for a judge, with places of its own: whoever writes keeps a place
            while the judge waits for one.
        judge: Gives what compares drafts with passages, but for a model, which `model` gives;
            raises `AnswerableError` where it is not set up on this machine.
    """

    analyser: Analyser
    reader: Reader
    clock: Clock
    judge: Callable[[JudgeChoice], Judge]
    model: Callable[[ModelChoice], ChatModel]
    judging_model: Callable[[ModelChoice], ChatModel]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """What is asked, and how.

    Attributes:
        turns: Earlier questions of the conversation with their answers, oldest first.
        follows: Id of the trace of the last of them.
        ladder: Rungs in place of the release's own, because somebody asked for them.
        crowded: Why no model may be asked now; empty when one may.
        conversation: What is the same in all of its turns, if that matters; a hash.
    """

    text: str
    turns: tuple[Turn, ...] = ()
    follows: str = ""
    ladder: tuple[str, ...] = ()
    crowded: str = ""
    conversation: str = ""


@dataclass(kw_only=True, slots=True)
class Run:
    """A question on its way; one for each, used by one thread at a time.

    Attributes:
        searched: What is searched for: the question, or what it means in its conversation.
        ranked: What may be quoted, best first.
        sure: Confidence in [0, 1], known before anything is written.
        needed: Its threshold decides.
        shown: Claims that were given away.
    """

    asking: Asking
    scope: Scope
    shelf: Shelf
    release: Release
    overrides: tuple[str, ...]
    trace_id: str
    desk: Desk
    cancel: Cancel
    watch: Watch
    question: str
    searched: str
    found: Found | None = None
    ranked: Sequence[Candidate] = ()
    evidence: tuple[tuple[str, float], ...] = ()
    sure: float = 0.0
    needed: Bar | None = None
    rung: str = ""
    shown: list[Claim] = field(default_factory=list)
    dropped: list[Claim] = field(default_factory=list)
    step_downs: list[StepDown] = field(default_factory=list)
    calls: list[ModelUse] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def passages(self) -> tuple[Passage, ...]:
        """What was found, best first."""
        return self.found.passages if self.found else ()

    @property
    def contents(self) -> Mapping[str, Content]:
        """What the passages are spans of, by content id."""
        return self.found.contents if self.found else {}

    @property
    def revision(self) -> int:
        """Number of the revision that answers."""
        return self.shelf.revision.number

    @property
    def texts(self) -> Mapping[str, Text]:
        """The texts of the contents, by content id."""
        return {name: content.text for name, content in self.contents.items()}

    @property
    def ladder(self) -> tuple[str, ...]:
        """The rungs to climb down, best first."""
        return self.asking.ladder or self.release.ladder

    def trace(self) -> Trace:
        """Return what is known by now; without an outcome the question was cut off."""
        outcome = self.outcome or Cancelled(
            because=self.cancel.because or "whoever asked went away",
            rung=self.rung,
            claims=tuple(self.shown),
            confidence=self.sure,
        )
        return Trace(
            id=self.trace_id,
            at_ms=self.desk.clock.now_ms(),
            principal=self.scope.principal,
            question=self.question,
            release=self.release.id,
            revision=self.revision,
            overrides=self.overrides,
            passages=self.passages,
            evidence=self.evidence,
            outcome=outcome,
            steps=tuple(self.watch.steps),
            took_ms=self.watch.total_ms(),
            searched=self.searched if self.searched != self.question else "",
            follows=self.asking.follows,
            step_downs=tuple(self.step_downs),
            dropped=tuple(self.dropped),
            calls=tuple(self.calls),
            conversation=self.asking.conversation,
        )


@dataclass(kw_only=True, slots=True)
class Watch:
    """Times the steps of one question."""

    clock: Clock
    steps: list[Step] = field(default_factory=list)
    began_ms: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_ms = self.clock.monotonic_ms()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside, however it ends."""
        began_ms = self.clock.monotonic_ms()
        try:
            yield
        finally:
            self.steps.append(Step(name=name, took_ms=self.clock.monotonic_ms() - began_ms))

    def total_ms(self) -> float:
        """Return how long the question has been on its way."""
        return self.clock.monotonic_ms() - self.began_ms
