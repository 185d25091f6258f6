"""Canaries: which release answers a conversation, what is seen of it, and what is done about it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from answerable.app.asking import Asks
from answerable.app.current import Current, Open
from answerable.app.releasing import Releasing
from answerable.app.tools import Tools
from answerable.domain.errors import AnswerableError, BadInput, Conflict, NotFound
from answerable.domain.questions import Scope, Trace, Turn
from answerable.operations import flow as operations
from answerable.releases import canary as canaries
from answerable.releases import flow as releases
from answerable.releases.canary import Advice, Arm, Plan, Step
from answerable.releases.ports import OPEN, CanaryRecord, Stage
from answerable.releases.watching import (
    GUARDS,
    JUDGE,
    Watch,
    conversation_of,
    counts,
    noted,
    noted_both,
    read,
    written,
)

KEEPER = "canary"
"""Who promotes and rolls back."""

_LATE_MS = 120_000
_REREAD_MS = 600_000
_PAGE = 200
_REPLAYS = 8
_OLDER_MAX = 40
_READ_EVERY_S = 0.5
_ENDS = {
    Step.ROLL_BACK: Stage.ROLLED_BACK,
    Step.HOLD: Stage.UNDECIDED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryView:
    """A canary as it is shown.

    Attributes:
        advice: What would be done about it now; once it has ended, what was done.
    """

    record: CanaryRecord
    watch: Watch
    advice: Advice


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    record: CanaryRecord
    watch: Watch
    on: Open | None


class Canarying:
    """Tries releases on a share of the conversations. Safe for many threads.

    Args:
        tools: Register, ledger and clock.
        current: What serves.
        named: Knows releases.
        asks: Answers questions that nobody sees.
        scope: As whom those are asked.
    """

    def __init__(
        self, tools: Tools, current: Current, named: Releasing, asks: Asks, scope: Scope
    ) -> None:
        self._tools = tools
        self._current = current
        self._named = named
        self._asks = asks
        self._scope = scope
        self._known: tuple[int, _Running | None] | None = None
        self._rejected: tuple[int, frozenset[str]] | None = None
        self._looked_at: set[str] = set()
        self._reads = operations.Every(tools.clock)

    # For whoever answers

    def route(
        self, text: str, scope: Scope, *, follows: str, turns: Sequence[Turn], named: str
    ) -> tuple[Open | None, str]:
        """Return which release answers a question, None for the live one, and its conversation.

        Costs nothing while no canary runs.

        Args:
            text: The question.
            scope: As whom.
            follows: Id of the trace before it.
            turns: What was said before, where it is not in the ledger.
            named: What the client calls the conversation; empty where it says nothing.
        """
        running = self._running()
        if running is None or running.on is None:
            return None, ""
        if follows and not named:
            before = self._tools.ledger.trace(follows)
            conversation = before.conversation if before is not None else ""
        else:
            first = named or (turns[0].question if turns else text)
            conversation = conversation_of(scope.principal, first)
        if not conversation:  # it began before the canary did, and stays where it is
            return None, ""
        arm = canaries.arm_of(conversation, running.watch.canary)
        return (running.on if arm is Arm.CANARY else None), conversation

    def rejected(self) -> frozenset[str]:
        """Return the releases that canaries rolled back: what they said is no context any more."""
        pulse = self._tools.state.pulse()
        if self._rejected is None or self._rejected[0] != pulse:
            live = self._current.serving().release.id
            found = frozenset(
                one.candidate
                for one in self._tools.canaries.all()
                if one.stage is Stage.ROLLED_BACK and one.candidate != live
            )
            self._rejected = (pulse, found)
        return self._rejected[1]

    # For people

    def all(self) -> tuple[CanaryView, ...]:
        """Return all canaries, newest first."""
        return tuple(self._view(one) for one in self._tools.canaries.all())

    def view(self) -> CanaryView:
        """Return the one that runs, or ran last.

        Raises:
            NotFound: There was none yet.
        """
        for one in self._tools.canaries.all():
            return self._view(one)
        raise NotFound("no canary ran yet", hint="answerable releases canary start RELEASE")

    def start(self, name: str, plan: Plan, *, who: str, override: str = "") -> CanaryView:
        """Let a release answer a share of the conversations, from the next one on.

        Args:
            name: As `Releasing.named` takes it.
            plan: How; its guards have to be of `GUARDS`.
            who: Who says so.
            override: Why it may answer though its gate has not let it pass; empty where it has.

        Raises:
            BadInput: The plan cannot be followed.
            Conflict: Its gate has not let it pass, it serves already, or another canary runs.
            NotReady: It cannot answer here.
        """
        _check(plan)
        release = self._named.named(name)
        live = self._current.serving().deployment.release_id
        if release.id == live:
            raise Conflict(f"{release.id} serves already", hint="answerable releases list")
        reason = releases.refusal(release.id, live, self._tools.register.rulings())
        if reason and not override:
            raise Conflict(
                f"{release.id} may not answer: {reason}",
                hint=f'answerable releases gate {release.id}; or --override "reason"',
            )
        self._named.staged(name)
        self._tools.register.add(release)
        now_ms = self._tools.clock.now_ms()
        begun = canaries.begun(release.id, live, plan, now_ms=now_ms)
        record = self._tools.canaries.begin(
            candidate=release.id,
            baseline=live,
            watch=written(Watch(canary=begun, read_ms=now_ms)),
            who=who,
            because=f"override: {override}" if override else "its gate let it pass",
            now_ms=now_ms,
        )
        return self._view(record)

    def hold(self, because: str) -> CanaryView:
        """Keep the canary that runs from being promoted; with no reason, let it go on.

        Raises:
            NotFound: None runs.
        """
        record = self._open()
        if not self._tools.canaries.hold(record.number, because):
            raise _none_runs()
        return self.view()

    def stop(self, *, because: str) -> CanaryView:
        """End the canary that runs: the live release answers everything again.

        Raises:
            NotFound: None runs.
        """
        record = self._open()
        if not self._end(record, Stage.STOPPED, because):
            raise _none_runs()
        return self.view()

    # For the keeper

    def step(self) -> bool:
        """Look at what was answered since, and do what is to be done; return whether there was any.

        To be called by one process at a time, as often as it likes.
        """
        if not self._reads.is_due(_READ_EVERY_S):
            return False
        record = self._tools.canaries.open()
        if record is None:
            self._looked_at.clear()
            return False
        if record.stage is Stage.PROMOTING:
            self._deploy(record)
            return True
        if reason := self._over(record):
            return self._end(record, Stage.STOPPED, reason)
        watch = read(record.watch)
        try:
            on = self._named.staged(record.candidate)
        except AnswerableError as error:
            return self._end(record, Stage.ROLLED_BACK, f"it cannot answer: {error.message}")
        after = self._shadowed(watch, on) if watch.canary.plan.is_shadow else self._read(watch)
        if after is not watch:
            self._tools.canaries.save(record.number, written(after))
        return self._act(record, after) or after.canary is not watch.canary

    def _act(self, record: CanaryRecord, watch: Watch) -> bool:
        """Do what the bets say, unless a person has done something meanwhile."""
        advice = self._advice(record, watch)
        if advice.step is Step.PROMOTE:
            now = self._tools.canaries.open()  # a person may hold it since it was read
            if now is None or now.held:
                return False
            moved = self._tools.canaries.move(
                record.number,
                Stage.PROMOTING,
                of=[Stage.RUNNING],
                because=advice.because,
                now_ms=self._tools.clock.now_ms(),
            )
            if moved:
                self._deploy(replace(record, because=advice.because))
            return moved
        if advice.step in _ENDS and not (advice.step is Step.HOLD and record.held):
            return self._end(record, _ENDS[advice.step], advice.because)
        return False

    def _deploy(self, record: CanaryRecord) -> None:
        """Serve the candidate, and note that; killed in between, it is done again from here."""
        current = self._current.serving().deployment
        release = self._named.named(record.candidate)
        if current.release_id == record.baseline:
            try:
                releases.promote(
                    self._tools.register,
                    release,
                    current=current,
                    who=KEEPER,
                    because=record.because,
                    clock=self._tools.clock,
                )
            except Conflict:
                return  # somebody deployed just now; the next round sees what
        elif current.release_id != record.candidate:
            self._end(record, Stage.STOPPED, "somebody deployed another release meanwhile")
            return
        self._end(record, Stage.PROMOTED, record.because)

    def _read(self, watch: Watch) -> Watch:
        """Count what was answered since."""
        after = watch
        for trace in self._since(watch):
            after = noted(after, trace)
        return self._caught_up(watch, after)

    def _caught_up(self, before: Watch, after: Watch) -> Watch:
        """Return a watch that need not read again what was read; unchanged as long as it may."""
        now_ms = self._tools.clock.now_ms()
        is_old = now_ms - before.read_ms > _REREAD_MS
        return before if after is before and not is_old else replace(after, read_ms=now_ms)

    def _shadowed(self, watch: Watch, on: Open) -> Watch:
        """Let the candidate answer what was asked since, and where that is little, before."""
        before, left = watch, _REPLAYS
        with closing(self._since(watch)) as since:
            for trace in since:
                if trace.question and counts(watch, trace):
                    seen = self._asks.answer(trace.question, self._scope, on=on)
                    watch = noted_both(watch, trace.conversation, trace, seen)
                    left -= 1
                if not left:
                    return watch  # the rest comes next time
        watch = self._caught_up(before, watch)
        for _ in range(_OLDER_MAX):
            older = self._older(watch) if left else None
            if older is None:
                break
            watch = replace(watch, replayed=older.id)
            name = conversation_of(older.principal, older.question)
            if not older.question or name in watch.seen or older.follows:
                continue
            live = self._asks.answer(older.question, self._scope)
            seen = self._asks.answer(older.question, self._scope, on=on)
            watch = noted_both(watch, name, live, seen)
            left -= 1
        return watch

    def _older(self, watch: Watch) -> Trace | None:
        """Return the newest question that was asked before the canary and not asked again yet."""
        before = watch.replayed or None
        while True:
            lines = self._tools.ledger.recent(limit=_PAGE, before=before)
            for line in lines:
                if line.at_ms < watch.canary.began_ms:
                    return self._tools.ledger.trace(line.id)
            if not lines:
                return None
            before = lines[-1].id

    def _since(self, watch: Watch) -> Generator[Trace, None, None]:
        """Give the traces that came since, oldest first; an answer may take a while to end."""
        least_ms = max(watch.canary.began_ms, watch.read_ms - _LATE_MS)
        found, before = [], None
        while lines := self._tools.ledger.recent(limit=_PAGE, before=before):
            found += [one for one in lines if one.at_ms >= least_ms]
            if lines[-1].at_ms < least_ms:
                break
            before = lines[-1].id
        there = {one.id for one in found}
        for line in reversed(found):
            if line.id not in self._looked_at:
                trace = self._tools.ledger.trace(line.id)
                if trace is not None:
                    yield trace
        self._looked_at = there

    def _over(self, record: CanaryRecord) -> str:
        """Return why a canary is over whatever its bets say; empty while it is not."""
        live = self._current.serving().deployment.release_id
        if live == record.candidate:
            return "it was promoted by hand"
        if live != record.baseline:
            return f"{live} was deployed meanwhile"
        return ""

    def _end(self, record: CanaryRecord, stage: Stage, because: str) -> bool:
        self._looked_at.clear()
        return self._tools.canaries.move(
            record.number, stage, of=OPEN, because=because, now_ms=self._tools.clock.now_ms()
        )

    def _open(self) -> CanaryRecord:
        record = self._tools.canaries.open()
        if record is None:
            raise _none_runs()
        return record

    def _view(self, record: CanaryRecord) -> CanaryView:
        watch = read(record.watch)
        return CanaryView(record=record, watch=watch, advice=self._advice(record, watch))

    def _advice(self, record: CanaryRecord, watch: Watch) -> Advice:
        held = canaries.held(watch.canary, record.held)
        return canaries.advised(held, now_ms=record.ended_ms or self._tools.clock.now_ms())

    def _running(self) -> _Running | None:
        """Return the canary that runs, looked up again when anything stored has changed."""
        pulse = self._tools.state.pulse()
        known = self._known
        if known is not None and known[0] == pulse:
            return known[1]
        found = self._look_up()
        self._known = (pulse, found)
        return found

    def _look_up(self) -> _Running | None:
        record = self._tools.canaries.open()
        if record is None or record.stage is not Stage.RUNNING or self._over(record):
            return None
        try:
            on = self._named.staged(record.candidate)
        except AnswerableError:
            on = None  # the keeper ends it; meanwhile the live release answers
        return _Running(record=record, watch=read(record.watch), on=on)


def _check(plan: Plan) -> None:
    unknown = [one for one in plan.guards if one not in GUARDS]
    if unknown or not plan.guards:
        raise BadInput(
            f"there is no guard {', '.join(unknown)!r}", hint=f"there are: {', '.join(GUARDS)}"
        )
    if not 1 <= plan.percent <= canaries.PERCENT_MAX:
        raise BadInput(
            f"a canary takes 1 to {canaries.PERCENT_MAX} % of conversations, not {plan.percent}",
            hint="--percent 10",
        )
    if not 0 < plan.margin < 1:
        raise BadInput(
            f"--margin takes a share above 0 and below 1, not {plan.margin}", hint="0.05"
        )


def plan(**how: object) -> Plan:
    """Return a plan with the guards that every trace can be judged by."""
    return replace(Plan(guards=tuple(GUARDS), judge=JUDGE), **how)  # type: ignore[arg-type]


def _none_runs() -> NotFound:
    return NotFound("no canary runs", hint="answerable releases canary start RELEASE")
