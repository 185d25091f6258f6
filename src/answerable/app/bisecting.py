"""Which change made answers worse: releases and revisions are asked again until one is sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from answerable.adapters.sources.question_set import QuestionSet
from answerable.app.current import Current, Open
from answerable.app.releasing import LIVE
from answerable.app.tools import Tools
from answerable.app.trials import Trials
from answerable.domain.errors import BadInput, Corrupt, NotFound
from answerable.domain.questions import Answered, Trace
from answerable.domain.releases import MODEL, Release
from answerable.quality.grades import Grade
from answerable.quality.questions import Case
from answerable.quality.records import Record, graded
from answerable.releases import bisecting as search
from answerable.releases import flow as releases
from answerable.releases.history import INDEX, State, differing, states, swapped

BATCH = 3
"""Answers asked of a state before it is decided which one is asked next."""

_SLICE_MAX = 20
_ROUNDS_MAX = 200
_DOCUMENTS_MAX = 40
_STEADY = search.Rates(before=0.005, after=0.995)
_ONE = "question"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What came of taking one part of the culprit by itself.

    Attributes:
        bad_with: Bad answers when only this part is new.
        bad_without: Bad answers when all but this part is new.
        of: How many were asked, each time.
    """

    name: str
    bad_with: int
    bad_without: int
    of: int

    @property
    def is_guilty(self) -> bool:
        """Whether it alone makes answers bad, and they are good without it."""
        return 2 * self.bad_with > self.of >= 2 * self.bad_without and self.of > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bisected:
    """Who did it.

    Attributes:
        before, after: The last good state, and the culprit.
        posterior: Probability that it is the culprit.
        asked: How many answers that took.
        states: How many states there were.
        parts: What each part that changed does by itself; the only one that changed is not asked.
        guilty: Names of the parts that did it; several where only together they do.
        documents: Paths of the documents at fault, where it is the index.
        flips: The questions that were lost, with both answers.
    """

    before: State
    after: State
    posterior: float
    asked: int
    states: int
    parts: tuple[Part, ...]
    guilty: tuple[str, ...]
    documents: tuple[str, ...]
    flips: tuple[tuple[Record, Record], ...]


class Bisecting:
    """Asks what served before.

    Args:
        tools: Register and state.
        current: Opens what served.
        trials: Asks questions, and remembers the answers.
        embedded: What the workspace says, of the software that runs.
        ask: Answers a question as a release that was opened does.
    """

    def __init__(
        self,
        tools: Tools,
        current: Current,
        trials: Trials,
        embedded: Release,
        ask: Callable[[str, Open], Trace],
    ) -> None:
        self._tools = tools
        self._current = current
        self._trials = trials
        self._embedded = embedded
        self._ask = ask

    def history(self) -> tuple[State, ...]:
        """Return what answered and can be asked again, oldest first."""
        register = self._tools.register
        released = {}
        for name in register.ids():
            try:
                release = register.release(name)
            except Corrupt:
                continue
            if release is not None:
                released[name] = releases.rebased(release, self._embedded)
        return states(register.deployments(), released, self._tools.state.revisions())

    def between(self, good: str, bad: str) -> tuple[State, ...]:
        """Return the history from a good state to a bad one.

        Args:
            good: A deployment (``d3``) or a release, as it served last; empty for the oldest.
            bad: The same; empty for what serves now.

        Raises:
            NotFound: It never served, or cannot be asked again.
            BadInput: The good one is not before the bad one.
        """
        history = self.history()
        first = _place(good, history) if good else 0
        last = _place(bad, history) if bad else len(history) - 1
        if first >= last:
            raise BadInput(
                "the good state has to be before the bad one, and there is nothing between",
                hint="answerable revisions deployments",
            )
        return history[first : last + 1]

    def case(self, question: str, expect: str, good: State) -> QuestionSet:
        """Return one question as a set: what is right is what is expected, or was answered then.

        Args:
            question: As it was asked.
            expect: A text the answer has to hold; empty for what the good state says first: its
                words, or, of a model, the documents it cites there.
            good: Where it was answered well.
        """
        case = Case(id=_ONE, question=question, answerable=True, grades={}, quotes=())
        if expect:
            return QuestionSet(name=_ONE, cases=(replace(case, quotes=(expect,)),))
        outcome = self._ask(question, self._open(good)).outcome
        if not isinstance(outcome, Answered):
            return QuestionSet(name=_ONE, cases=(replace(case, answerable=False),))
        first = outcome.claims[0]
        if outcome.rung.startswith(MODEL):  # it says the same in other words each time
            cited = {one.path: 1.0 for one in first.citations}
            return QuestionSet(name=_ONE, cases=(replace(case, grades=cited),))
        return QuestionSet(name=_ONE, cases=(replace(case, quotes=(first.text,)),))

    def run(
        self,
        questions: QuestionSet,
        history: Sequence[State],
        *,
        told: Callable[[str], None],
    ) -> Bisected:
        """Return which state of a history made answers worse.

        A revision that lacked vectors answered by words alone, and does so again.

        Args:
            questions: Some of them were answered well in the first state, and not in the last.
            history: At least two states, oldest first.
            told: Hears what is asked.

        Raises:
            BadInput: Nothing of the set got worse between both ends.
        """
        asking = _Asking(self, questions, told=told)
        lost = asking.lost(history[0], history[-1])
        if not lost:
            raise BadInput(
                f"nothing of {questions.name} that {history[0].name} answers well is lost in "
                f"{history[-1].name}",
                hint="name other ends with --good and --bad, or say what is right with --expect",
            )
        found = asking.find(history, lost)
        place = found.likeliest + 1
        before, after = history[place - 1], history[place]
        parts = differing(before, after)
        tried = tuple(asking.parts(before, after, parts, lost)) if len(parts) > 1 else ()
        guilty = tuple(one.name for one in tried if one.is_guilty) or parts
        documents: tuple[str, ...] = ()
        if guilty == (INDEX,):
            documents = tuple(self._documents(before, after, lost))
        flips = zip(asking.records(before, lost), asking.records(after, lost), strict=True)
        return Bisected(
            before=before,
            after=after,
            posterior=max(found.posterior),
            asked=asking.count,
            states=len(history),
            parts=tried,
            guilty=guilty,
            documents=documents,
            flips=tuple(flips),
        )

    def _open(self, state: State) -> Open:
        return self._current.staged(state.release, state.revision)

    def _documents(self, before: State, after: State, lost: Sequence[Case]) -> Iterator[str]:
        """Give the documents whose change alone flips an answer.

        One that was changed or is gone: hidden from the good state, the answer is lost. One that
        came: hidden from the bad state, the answer is there again.
        """
        ours = self._tools.state.members(before.revision.number)
        theirs = self._tools.state.members(after.revision.number)
        went = [
            one
            for one in ours
            if one not in theirs or theirs[one].content_id != ours[one].content_id
        ]
        came = [one for one in theirs if one not in ours]
        on_before, on_after = self._open(before), self._open(after)
        seen: set[str] = set()
        for case in lost[:_SLICE_MAX]:
            for on, suspects, wanted in (
                (on_before, went, Grade.BAD),
                (on_after, came, Grade.GOOD),
            ):
                found = {one.document_id for one in self._ask(case.question, on).passages}
                for one in [one for one in suspects if one in found][:_DOCUMENTS_MAX]:
                    without = self._ask(case.question, _hiding(on, one))
                    if graded(case, without) is wanted and one not in seen:
                        seen.add(one)
                        yield (ours.get(one) or theirs[one]).document.path


class _Asking:
    """Asks the questions of one search, and counts."""

    def __init__(
        self,
        app: Bisecting,
        questions: QuestionSet,
        *,
        told: Callable[[str], None],
    ) -> None:
        self._app = app
        self._questions = questions
        self._told = told
        self._repeats: dict[tuple[str, int, str], int] = {}
        self.count = 0

    def records(self, state: State, cases: Sequence[Case]) -> tuple[Record, ...]:
        """Return what came of questions in a state; what was answered before is not asked again."""
        self.count += len(cases)
        return self._app._trials.records(  # noqa: SLF001 -- one search is part of it
            self._questions,
            cases,
            self._app._open(state),  # noqa: SLF001
            asked=lambda _count: None,
            partial=True,
        )

    def bad(self, state: State, cases: Sequence[Case]) -> int:
        """Return how many of the answers are bad; one that is undecided is."""
        return sum(one.grade is not Grade.GOOD for one in self.records(state, cases))

    def lost(self, good: State, bad: State) -> list[Case]:
        """Return the questions that are answered well at one end and not at the other."""
        cases = self._questions.cases
        self._told(f"{good.name}: {len(cases)} questions")
        before = self.records(good, cases)
        self._told(f"{bad.name}: {len(cases)} questions")
        after = self.records(bad, cases)
        return [
            case
            for case, one, two in zip(cases, before, after, strict=True)
            if one.grade is Grade.GOOD and two.grade is not Grade.GOOD
        ][:_SLICE_MAX]

    def find(self, history: Sequence[State], lost: Sequence[Case]) -> search.Search:
        """Return what is known of the states after the first once one of them is sure.

        Without models an answer is always the same: a state is asked once, and most of its
        answers say what it is.
        """
        is_noisy = any(_asks_models(one.release) for one in history)
        rates = self._rates(history, lost) if is_noisy else _STEADY
        found = search.begun(rates, [1.0] * (len(history) - 1))
        for _ in range(_ROUNDS_MAX):
            if found.is_over:
                break
            place = search.next_place(found)
            state = history[place + 1]
            some = self._again(state, lost) if is_noisy else lost
            bad = self.bad(state, some)
            if is_noisy:
                found = search.learned(found, place, bad=bad, of=len(some))
            else:
                found = search.learned(found, place, bad=int(2 * bad >= len(some)), of=1)
            self._told(
                f"{state.name}: {bad} of {len(some)} bad; likeliest now "
                f"{history[found.likeliest + 1].name}, {max(found.posterior):.0%}"
            )
        return found

    def parts(
        self, before: State, after: State, names: Sequence[str], lost: Sequence[Case]
    ) -> Iterator[Part]:
        """Give what each part of a culprit does by itself."""
        for name in names:
            self._told(f"only {name} of {after.name}, and all but that")
            yield Part(
                name=name,
                bad_with=self.bad(swapped(before, name, after), lost),
                bad_without=self.bad(swapped(after, name, before), lost),
                of=len(lost),
            )

    def _rates(self, history: Sequence[State], lost: Sequence[Case]) -> search.Rates:
        """Return how often both ends fail, asked anew: those chosen for failing tell too much."""
        counts = []
        for state in (history[0], history[-1]):
            again = [case for _ in range(2) for case in self._again(state, lost, most=len(lost))]
            counts.append((self.bad(state, again), len(again)))
        found = search.rates(*counts)
        if found is None:
            raise NotFound(
                "asked again, the bad end is no worse than the good one: it was chance",
                hint="ask a larger set, or more often: answerable eval run",
            )
        return found

    def _again(self, state: State, lost: Sequence[Case], *, most: int = BATCH) -> list[Case]:
        """Return questions that were not asked of a state as often yet: repeats are new answers."""
        known = [
            (self._repeats.get((state.release.id, state.revision.number, case.id), 1), place)
            for place, case in enumerate(lost)
        ]
        some = []
        for times, place in sorted(known)[:most]:
            case = lost[place]
            self._repeats[state.release.id, state.revision.number, case.id] = times + 1
            some.append(replace(case, id=f"{case.id}#{times + 1}"))
        return some


def _place(name: str, history: Sequence[State]) -> int:
    """Return where a deployment or a release ended in a history; ``live`` is its end."""
    if name == LIVE:
        return len(history) - 1
    found = [
        place
        for place, one in enumerate(history)
        if name == f"d{one.deployment}" or one.release.id.startswith(name)
    ]
    if not found:
        raise NotFound(
            f"{name[:60]} never served, or cannot be asked again",
            hint="answerable revisions deployments",
        )
    return found[-1]


def _asks_models(release: Release) -> bool:
    return any(rung.startswith(MODEL) for rung in release.ladder)


def _hiding(on: Open, document_id: str) -> Open:
    return replace(on, shelf=replace(on.shelf, hidden=on.shelf.hidden | {document_id}))
