"""Releases: proposed, compared, gated, promoted, and gone back from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from answerable.adapters.sources.question_set import QuestionSet
from answerable.app.current import Current, Open
from answerable.app.tools import Tools
from answerable.app.trials import JOBS, Trials
from answerable.domain.documents import Revision
from answerable.domain.errors import BadInput, Conflict, Corrupt, NotFound, NotReady
from answerable.domain.releases import MODEL, Deployment, Proposal, Release, Ruling
from answerable.quality.anchors import Fault, among
from answerable.quality.comparison import Comparison, compared
from answerable.quality.labels import Label, labelled
from answerable.quality.records import hash_of
from answerable.releases import flow as releases
from answerable.releases import recipes
from answerable.releases.editing import checked, edited
from answerable.releases.gate import Judgement, Policy, judged

LIVE = "live"
WORKSPACE = "workspace"
_HASH_DIGITS = 8
_ID = "rel-"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseView:
    """A release with its history.

    Attributes:
        release: None when this version cannot read it.
        ruling: What a gate said of it last.
        deployed: How often it was put to serve, newest first.
        is_live: Whether it serves now.
    """

    id: str
    release: Release | None
    proposal: Proposal | None
    ruling: Ruling | None
    deployed: tuple[Deployment, ...]
    is_live: bool

    @property
    def at_ms(self) -> int:
        """When it was proposed, or first served; 0 where neither is known."""
        if self.proposal is not None:
            return self.proposal.at_ms
        return self.deployed[-1].at_ms if self.deployed else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What differs between two releases, or between what two deployments served.

    Attributes:
        values: Before and after, by name.
        added, changed, gone: Paths of documents; None where releases were compared.
    """

    before: str
    after: str
    values: Mapping[str, tuple[recipes.Value, recipes.Value]]
    added: tuple[str, ...] | None = None
    changed: tuple[str, ...] | None = None
    gone: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What a gate said, and all it is based on."""

    candidate: Release
    against: Release
    judgement: Judgement
    ruling: Ruling
    compared: tuple[Comparison, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    release: Release
    revision: Revision | None = None
    deployment: Deployment | None = None


class Releasing:
    """What can be done with releases. Safe for many threads.

    Args:
        tools: Register, state and clock.
        current: What serves.
        embedded: What the workspace says.
        trials: Asks releases question sets.
    """

    def __init__(self, tools: Tools, current: Current, embedded: Release, trials: Trials) -> None:
        self._tools = tools
        self._current = current
        self._embedded = embedded
        self._trials = trials

    def named(self, name: str) -> Release:
        """Return a release as this software answers by it.

        Args:
            name: ``live``; ``workspace`` for what the workspace says now; the number of a
                deployment as ``d3``; or the id of a release, or its beginning.

        Raises:
            NotFound: There is none, or several.
            NotReady: This version cannot read it.
        """
        return releases.rebased(self._target(name).release, self._embedded)

    def all(self) -> tuple[ReleaseView, ...]:
        """Return every release, newest first."""
        register = self._tools.register
        live = self._current.serving().deployment.release_id
        proposals = {one.release_id: one for one in register.proposals()}
        rulings = {one.candidate: one for one in reversed(register.rulings())}
        deployments = register.deployments()
        views = (
            ReleaseView(
                id=name,
                release=self._read(name),
                proposal=proposals.get(name),
                ruling=rulings.get(name),
                deployed=tuple(one for one in deployments if one.release_id == name),
                is_live=name == live,
            )
            for name in register.ids()
        )
        return tuple(sorted(views, key=lambda one: (-one.at_ms, one.id)))

    def view(self, name: str) -> ReleaseView:
        """Return one release with its history; it takes what `named` takes.

        Raises:
            NotFound: There is none, or several.
        """
        wanted = self._id(name)
        for one in self.all():
            if one.id == wanted:
                return one
        if wanted == self._embedded.id:  # it was never kept
            return ReleaseView(
                id=wanted,
                release=self._embedded,
                proposal=None,
                ruling=None,
                deployed=(),
                is_live=False,
            )
        raise _no_release(name)

    def propose(
        self,
        base: str,
        changes: Sequence[tuple[str, str]],
        *,
        author: str,
        message: str,
    ) -> Proposal:
        """Keep a release that is made from another one; nothing serves it yet.

        Args:
            base: It takes what `named` takes.
            changes: Names of values, and what they become.
            author: Who proposes it.
            message: What for.

        Returns:
            The proposal; that of the first who proposed this recipe.

        Raises:
            BadInput: A change cannot be understood, or nothing is changed.
        """
        parent = self.named(base)
        release = parent
        for name, given in changes:
            release = edited(release, name, given)
        if base != WORKSPACE and release.id == parent.id:
            raise BadInput(
                f"that is {parent.id} itself: nothing is changed",
                hint="answerable releases propose --set retrieval.passages_max=4",
            )
        origin = self._current.serving().release.id if base == WORKSPACE else parent.id
        return self._keep(checked(release), parent=origin, author=author, message=message)

    def file(self, name: str) -> str:
        """Return a release as a file for Git; it takes what `named` takes."""
        wanted = self.view(name)
        if wanted.release is None:
            raise _unread(wanted.id)
        return recipes.written(wanted.release, wanted.proposal)

    def take(self, text: str, *, name: str, who: str) -> Proposal:
        """Keep a release that was exported, here or elsewhere.

        Of another version it is kept as this one answers by it, under its own id then.

        Args:
            text: The file.
            name: What errors call it.
            who: Who brings it, where the file does not say who proposed it.

        Raises:
            BadInput: It is no release, was changed by hand, or cannot answer.
        """
        release, proposal = recipes.read(text, name=name)
        ours = releases.rebased(checked(release), self._embedded)
        return self._keep(
            ours,
            parent=proposal.parent if ours.id == release.id else release.id,
            author=proposal.author or who,
            message=proposal.message or f"from {name}",
        )

    def diff(self, before: str, after: str) -> Difference:
        """Return what differs; of two deployments (``d3``), their documents too.

        Raises:
            NotFound: There is no such release or deployment.
            NotReady: The documents of a deployment are not kept any more.
        """
        one, two = self._target(before), self._target(after)
        values = recipes.differences(one.release, two.release)
        if one.deployment is None or two.deployment is None:
            return Difference(before=one.release.id, after=two.release.id, values=values)
        ours, theirs = self._contents(one), self._contents(two)
        return Difference(
            before=before,
            after=after,
            values=values,
            added=tuple(sorted(theirs.keys() - ours.keys())),
            changed=tuple(
                sorted(path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path])
            ),
            gone=tuple(sorted(ours.keys() - theirs.keys())),
        )

    def gate(
        self,
        candidate: str,
        against: str,
        sets: Sequence[QuestionSet],
        suites: Sequence[QuestionSet],
        policy: Policy,
        *,
        who: str,
        asked: Callable[[str, int, int], None],
        jobs: int = JOBS,
        partial: bool = False,
        labels: Mapping[str, Label] = MappingProxyType({}),
    ) -> Gated:
        """Return whether a release may serve, and put that on record.

        Args:
            candidate: It takes what `named` takes.
            against: The one that it would follow; the same.
            sets: On each of them it may not be worse.
            suites: Of none of them may one answer be bad.
            policy: What has to be kept.
            who: Who asks.
            asked: Hears which set is asked, how many questions are done, and of how many.
            jobs: So many questions are asked at once.
            partial: Whether words alone may do where vectors are missing.
            labels: What people said of answers: it decides what nothing else could.

        Raises:
            BadInput: Both are the same, or a set contradicts itself.
            NotReady: One of them cannot answer here.
        """
        new, old = self.named(candidate), self.named(against)
        if new.id == old.id:
            raise BadInput(
                f"{candidate} is {against}: there is nothing to compare",
                hint="answerable releases propose makes another release",
            )
        for questions in (*sets, *suites):
            _check_set(questions)
        on_new, on_old = self._ready(new), self._ready(old)
        both = []
        for questions in sets:
            runs = [
                self._trials.run(
                    questions, on, asked=_heard(asked, questions, on), jobs=jobs, partial=partial
                )
                for on in (on_old, on_new)
            ]
            both.append(compared(*(labelled(one, labels) for one in runs), margin=policy.margin))
        leaks = {
            questions.name: labelled(
                self._trials.run(
                    questions,
                    on_new,
                    asked=_heard(asked, questions, on_new),
                    jobs=jobs,
                    partial=partial,
                ),
                labels,
            )
            for questions in suites
        }
        found = judged(both, leaks, policy)
        self._tools.register.add(new)
        ruling = self._tools.register.rule(
            candidate=new.id,
            against=old.id,
            questions=", ".join(map(_versioned, (*sets, *suites))),
            decision=found.decision.value,
            because=found.because,
            who=who,
            at_ms=self._tools.clock.now_ms(),
        )
        return Gated(
            candidate=new, against=old, judgement=found, ruling=ruling, compared=tuple(both)
        )

    def promote(self, name: str, *, who: str, because: str, override: str = "") -> Deployment:
        """Serve a release from the next question on, in all processes.

        ``live`` keeps what serves, whatever the workspace says; ``workspace`` serves what the
        workspace says, now and whenever it changes.

        Args:
            name: It takes what `named` takes.
            who: Who says so.
            because: Why; empty for what its gate said or its proposer wanted.
            override: Why it may serve though its gate has not let it pass; empty where it has.

        Raises:
            Conflict: Its gate has not let it pass, it serves already, or somebody deployed
                another one meanwhile.
            NotReady: It cannot answer here.
        """
        current = self._current.serving().deployment
        release = self.named(name)
        if release.id != current.release_id and not override:
            rulings = self._tools.register.rulings()
            if reason := releases.refusal(release.id, current.release_id, rulings):
                raise Conflict(
                    f"{release.id} may not serve: {reason}",
                    hint=f'answerable releases gate {release.id}; or --override "reason"',
                )
        self._ready(release)
        why = f"override: {override}" if override else because
        return releases.promote(
            self._tools.register,
            release,
            current=current,
            chosen=name != WORKSPACE,
            who=who,
            because=why or self._wanted(release.id, follows=name == WORKSPACE),
            clock=self._tools.clock,
        )

    def rollback(
        self, *, to: str = "", with_index: bool = False, who: str, because: str
    ) -> Deployment:
        """Serve again what served before, from the next question on, in all processes.

        Args:
            to: A release or deployment that served before; empty for the one before this.
            with_index: Go back to the documents that served with it too, and stay there, rather
                than serve today's with it.
            who: Who says so.
            because: Why.

        Raises:
            NotFound: Nothing served before, or not that.
            NotReady: It cannot answer here, or its documents are not kept any more.
            Conflict: Somebody deployed another one meanwhile.
        """
        register, now = self._tools.register, self._current.serving()
        deployments = register.deployments()
        target = self._before(to, deployments, now.deployment)
        chosen = self._stored(target.release_id)
        release = releases.rebased(chosen, self._embedded)
        pinned = None
        if with_index:
            then = self._revision_then(target, deployments, chosen)
            pinned = then.number
            self._ready(release, then)
        else:
            self._ready(release)
        if (release.id, pinned) == (now.deployment.release_id, now.deployment.pinned):
            raise Conflict(f"{release.id} serves already", hint="answerable releases list")
        register.add(release)
        return register.deploy(
            release_id=release.id,
            pinned=pinned,
            who=who,
            because=because,
            at_ms=self._tools.clock.now_ms(),
            chosen=True,
            after=now.deployment.number,
        )

    def staged(self, name: str, revision: Revision | None = None) -> Open:
        """Return a release opened, to be asked; it takes what `named` takes."""
        return self._ready(self.named(name), revision)

    def _before(
        self, to: str, deployments: Sequence[Deployment], current: Deployment
    ) -> Deployment:
        """Return the deployment to go back to."""
        if to:
            wanted = self._target(to)
            served = [one for one in deployments if one.release_id == wanted.release.id]
            if wanted.deployment is not None:
                served = [wanted.deployment]
            if not served:
                raise NotFound(
                    f"{wanted.release.id} never served", hint="answerable releases promote RELEASE"
                )
            return served[0]
        for one in releases.earlier(deployments):
            known = self._read(one.release_id)
            if known and releases.rebased(known, self._embedded).id != current.release_id:
                return one
        raise NotFound(
            "no other release served before this one",
            hint="answerable revisions switch N goes back to earlier documents",
        )

    def _ready(self, release: Release, revision: Revision | None = None) -> Open:
        """Return a release opened; every model and embedder it needs is set up here.

        Raises:
            NotReady: One is not, or the library is empty.
        """
        for one in release.models:
            if f"{MODEL}{one.name}" in release.ladder:
                self._tools.models.asking(one)
        on = self._current.staged(release, revision)
        if release.retrieval.embedder and on.shelf.embedder is None:
            served = self._current.serving().release.retrieval.embedder
            if release.retrieval.embedder != served:  # without it, answers go on by words
                raise NotReady(
                    f"the embedder of {release.id} is not set up here",
                    hint="answerable embedders list",
                )
        return on

    def _keep(self, release: Release, *, parent: str, author: str, message: str) -> Proposal:
        proposal = Proposal(
            release_id=release.id,
            parent=parent,
            author=author,
            message=message,
            at_ms=self._tools.clock.now_ms(),
        )
        return self._tools.register.propose(release, proposal)

    def _wanted(self, release_id: str, *, follows: bool) -> str:
        """Return why a release may serve: what its gate said, or that it serves already."""
        for ruling in self._tools.register.rulings():
            if ruling.candidate == release_id:
                return f"gate {ruling.decision}: {ruling.because.splitlines()[0]}"
        return "follows the workspace" if follows else "stays, whatever the workspace says"

    def _target(self, name: str) -> _Target:
        if name == LIVE:
            now = self._current.serving()
            return _Target(release=now.release)
        if name == WORKSPACE:
            return _Target(release=self._embedded)
        if name[:1] == "d" and name[1:].isdigit():
            return self._deployed(int(name[1:]))
        return _Target(release=self._stored(self._id(name)))

    def _deployed(self, number: int) -> _Target:
        deployments = self._tools.register.deployments()
        for one in deployments:
            if one.number == number:
                release = self._stored(one.release_id)
                revisions = self._tools.state.revisions()
                then = releases.revision_then(one, deployments, release, revisions)
                return _Target(release=release, revision=then, deployment=one)
        raise NotFound(f"there is no deployment {number}", hint="answerable revisions deployments")

    def _id(self, name: str) -> str:
        """Return the id of a release by its name or its beginning."""
        if name == LIVE:
            return self._current.serving().release.id
        if name == WORKSPACE:
            return self._embedded.id
        ids = self._tools.register.ids()
        if name in ids:
            return name
        full = name if name.startswith(_ID) else f"{_ID}{name}"
        matching = [one for one in ids if one.startswith(full)] if len(full) > len(_ID) else []
        if len(matching) > 1:
            raise NotFound(
                f"several releases begin with {name}: {', '.join(sorted(matching)[:5])}",
                hint="write more of it",
            )
        if not matching:
            raise _no_release(name)
        return matching[0]

    def _stored(self, release_id: str) -> Release:
        known = self._read(release_id)
        if known is None:
            raise _unread(release_id)
        return known

    def _read(self, release_id: str) -> Release | None:
        try:
            return self._tools.register.release(release_id)
        except Corrupt:
            return None

    def _revision_then(
        self, deployment: Deployment, deployments: Sequence[Deployment], release: Release
    ) -> Revision:
        found = releases.revision_then(
            deployment, deployments, release, self._tools.state.revisions()
        )
        if found is None:
            raise NotReady(
                f"the documents that deployment {deployment.number} served are not kept any more",
                hint="leave out --with-index to serve today's documents",
            )
        return found

    def _contents(self, target: _Target) -> dict[str, str]:
        if target.revision is None:
            raise NotReady(
                "the documents of that deployment are not kept any more",
                hint="compare the releases by their ids",
            )
        members = self._tools.state.members(target.revision.number).values()
        return {one.document.path: one.content_id for one in members}


def _heard(
    asked: Callable[[str, int, int], None], questions: QuestionSet, on: Open
) -> Callable[[int], None]:
    name = f"{questions.name}, {on.serving.release.id}"
    return lambda count: asked(name, count, len(questions.cases))


def _check_set(questions: QuestionSet) -> None:
    """Make sure that a set does not contradict itself.

    Raises:
        BadInput: It does; says where.
    """
    for flaw in among(questions.cases):
        if flaw.fault is Fault.CONTRADICTION:
            raise BadInput(
                f"{questions.name}, question {flaw.case}: {flaw.because}",
                hint=f"answerable eval check {questions.name}",
            )


def _versioned(questions: QuestionSet) -> str:
    return f"{questions.name}@{hash_of(questions.cases)[:_HASH_DIGITS]}"


def _no_release(name: str) -> NotFound:
    return NotFound(f"there is no release {name[:60]}", hint="answerable releases list")


def _unread(release_id: str) -> NotReady:
    return NotReady(
        f"{release_id} cannot be read by this version", hint="use the version that wrote it"
    )
