"""Which release and revision serve, who chose it, and what was before.

Until somebody promotes a release, the one that the workspace describes serves, and changes with
it. From then on nothing changes by itself: what the workspace says has to be proposed, gated and
promoted as every other release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import zip_longest

from answerable.answering.prompts import own_prompts
from answerable.domain.clock import Clock
from answerable.domain.documents import Revision
from answerable.domain.errors import Conflict, Corrupt, NotFound
from answerable.domain.releases import (
    MODEL,
    Deployment,
    JudgeChoice,
    Line,
    ModelChoice,
    Quoting,
    Release,
    Retrieval,
    Ruling,
    Writing,
)
from answerable.quality.paired import Decision
from answerable.releases.ports import Register

LADDER = ("quote", "search", "abstain")
"""The rungs that need no model; those of models stand above them."""

SETTLER = "answerable"
"""Who deploys when software or workspace changed."""


def embedded_release(
    line: Line,
    *,
    software: str,
    retrieval: Retrieval,
    models: Sequence[ModelChoice] = (),
    writers: Sequence[str] = (),
    judge: JudgeChoice,
) -> Release:
    """Return the release this software answers with when nobody has proposed another.

    Args:
        line: How documents are read now.
        software: What is running.
        retrieval: The defaults, with the embedder and the aliases of the workspace.
        models: Those the workspace names.
        writers: Of those that write, the names, in the order they are asked.
        judge: What compares drafts with passages.
    """
    return Release(
        line=line,
        retrieval=retrieval,
        quoting=Quoting(),
        ladder=(*(f"{MODEL}{name}" for name in writers), *LADDER),
        models=tuple(models),
        writing=Writing(prompts=own_prompts()),
        judge=judge,
        software=software,
    )


def settle(register: Register, embedded: Release, *, clock: Clock) -> Deployment:
    """Return the current deployment; a first start, or a recipe that is new, records one.

    New software, or a workspace that names other aliases or another embedder, would answer
    differently under the old name, so the change is recorded before it answers anything.
    Software that was deployed before and has been followed by another changes nothing: two
    versions that run side by side do not deploy against each other. A pin stays, with its
    reason. To be called once by each process, so that two whose environments differ do not
    deploy against each other either.

    A release that somebody chose stays, whatever the workspace says; new software answers by it
    under another name.
    """
    current = register.current()
    if current is not None and current.chosen:
        return _settle_chosen(register, embedded, current, clock=clock)
    if current is not None and current.release_id == embedded.id:
        return current
    if current is not None and _was_followed(register, embedded, current):
        return current
    register.add(embedded)
    return register.deploy(
        release_id=embedded.id,
        pinned=current.pinned if current else None,
        who=SETTLER,
        because=_why_settled(embedded, _known(register, current), current),
        at_ms=clock.now_ms(),
    )


def _settle_chosen(
    register: Register, embedded: Release, current: Deployment, *, clock: Clock
) -> Deployment:
    chosen = _known(register, current)
    if chosen is None:
        return current
    ours = rebased(chosen, embedded)
    if ours.id == chosen.id or register.release(ours.id) is not None:
        return current
    register.add(ours)
    return register.deploy(
        release_id=ours.id,
        pinned=current.pinned,
        who=SETTLER,
        because=f"software is now {embedded.software}; still chosen: {current.because}",
        at_ms=clock.now_ms(),
        chosen=True,
    )


def rebased(release: Release, embedded: Release) -> Release:
    """Return a release as this software answers by it; the same one where nothing differs.

    Args:
        release: Any.
        embedded: What the workspace says, of the software that runs.
    """
    if release.software == embedded.software and release.line == embedded.line:
        return release
    return replace(release, software=embedded.software, line=embedded.line)


def _was_followed(register: Register, embedded: Release, current: Deployment) -> bool:
    """Return whether other software took over from this one."""
    before = _known(register, current)
    if before is not None and before.software == embedded.software:
        return False
    return register.release(embedded.id) is not None


def _known(register: Register, deployment: Deployment | None) -> Release | None:
    """Return the release of a deployment; None when this software cannot read it."""
    if deployment is None:
        return None
    try:
        return register.release(deployment.release_id)
    except Corrupt:
        return None


def _why_settled(embedded: Release, before: Release | None, current: Deployment | None) -> str:
    if current is None:
        return "first start"
    pin = f"; still pinned: {current.because}" if current.pinned is not None else ""
    if before is None or before.software != embedded.software:
        return f"software is now {embedded.software}{pin}"
    return f"the workspace changed: {_changes(before, embedded)}{pin}"


def _changes(before: Release, after: Release) -> str:
    names = [one.name for one in fields(Retrieval)]
    ours, theirs = before.retrieval, after.retrieval
    changed = [name for name in names if getattr(ours, name) != getattr(theirs, name)]
    parts = {"abstaining": "thresholds", "models": "models", "judge": "judge"}
    changed += [
        said for part, said in parts.items() if getattr(before, part) != getattr(after, part)
    ]
    return ", ".join(changed) or "how documents are read"


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """What answers now.

    Attributes:
        revision: None while nothing has been sealed.
        overrides: Why the revision is not the one the release asks for, if so.
        pinned_at_ms: When a person pinned the revision; None when it is not pinned.
    """

    deployment: Deployment
    release: Release
    revision: Revision | None
    overrides: tuple[str, ...] = ()
    pinned_at_ms: int | None = None


def serving(
    deployment: Deployment, release: Release, revisions: Sequence[Revision], *, software: str
) -> Serving:
    """Return what a deployment means.

    Args:
        deployment: The current one.
        release: Its release.
        revisions: All revisions, newest first.
        software: What is running; another than the release's is an override.
    """
    if deployment.pinned is not None:
        wanted = [one for one in revisions if one.number == deployment.pinned]
    else:
        wanted = [one for one in revisions if one.line == release.line.id] or list(revisions)
    revision = wanted[0] if wanted else None
    overrides = []
    if release.software != software:
        overrides.append(f"answered by software {software}, not {release.software}")
    if revision is not None and revision.line != release.line.id:
        mend = "ingest again"
        if deployment.pinned is not None:
            mend += "; it is pinned, so then: answerable revisions switch latest"
        overrides.append(f"revision {revision.number} was read by other software; {mend}")
    return Serving(
        deployment=deployment, release=release, revision=revision, overrides=tuple(overrides)
    )


def base(now: Serving, revisions: Sequence[Revision]) -> Revision | None:
    """Return the revision that the next one is made from.

    Usually the one that serves. While one is pinned, the newest that was sealed since, so that
    what is ingested meanwhile is there when the pin is taken away; what came before the pin
    and was undone by it stays undone.

    Args:
        now: What serves.
        revisions: All revisions, newest first.
    """
    if now.deployment.pinned is None:
        return now.revision
    pinned_at_ms = now.deployment.at_ms if now.pinned_at_ms is None else now.pinned_at_ms
    since = (one for one in revisions if one.sealed_at_ms > pinned_at_ms)
    return next(since, now.revision)


def pinned_since(deployments: Sequence[Deployment]) -> int | None:
    """Return when the pin that holds now was set; None when nothing is pinned.

    Deployments of another release kept the pin.

    Args:
        deployments: Newest first.
    """
    since = None
    for one, before in zip_longest(deployments, deployments[1:]):
        if one.pinned is None or one.pinned != deployments[0].pinned:
            break
        since = one.at_ms
        if before is not None and before.release_id == one.release_id:
            break
    return since


def switch(
    register: Register,
    revisions: Sequence[Revision],
    *,
    pinned: int | None,
    who: str,
    because: str,
    clock: Clock,
) -> Deployment:
    """Serve one revision from now on, or follow the line again with None.

    Raises:
        NotFound: There is no such revision.
    """
    current = register.current()
    if current is None:
        raise NotFound("nothing is deployed yet", hint="answerable ingest PATH")
    if pinned is not None and all(one.number != pinned for one in revisions):
        raise NotFound(f"there is no revision {pinned}", hint="answerable revisions list")
    return register.deploy(
        release_id=current.release_id,
        pinned=pinned,
        who=who,
        because=because,
        at_ms=clock.now_ms(),
        chosen=current.chosen,
        after=current.number,
    )


def refusal(candidate: str, live: str, rulings: Sequence[Ruling]) -> str:
    """Return why a release may not be promoted; empty when its gate has let it pass.

    Args:
        candidate: Its id.
        live: Id of the release that serves.
        rulings: What gates said, newest first.
    """
    ruling = next((one for one in rulings if one.candidate == candidate), None)
    if ruling is None:
        return "no gate has looked at it"
    if ruling.decision != Decision.PASS:
        return f"its gate said {ruling.decision}: {ruling.because.splitlines()[0]}"
    if ruling.against != live:
        return f"it passed against {ruling.against}, and {live} serves now"
    return ""


def promote(
    register: Register,
    release: Release,
    *,
    current: Deployment,
    chosen: bool = True,
    who: str,
    because: str,
    clock: Clock,
) -> Deployment:
    """Serve a release from now on; a pinned revision stays pinned.

    Args:
        register: Where it is kept.
        release: As this software answers by it.
        current: What was seen to serve when it was decided.
        chosen: Whether it serves whatever the workspace will say.
        who: Who decided.
        because: Why.
        clock: Tells when.

    Raises:
        Conflict: It serves already, or somebody deployed another one meanwhile.
    """
    if release.id == current.release_id and chosen == current.chosen:
        raise Conflict(f"{release.id} serves already", hint="answerable releases list")
    register.add(release)
    return register.deploy(
        release_id=release.id,
        pinned=current.pinned,
        who=who,
        because=because,
        at_ms=clock.now_ms(),
        chosen=chosen,
        after=current.number,
    )


def earlier(deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
    """Return what one can go back to, nearest first: each release before the one that serves.

    A release that was left by going back to an earlier one is not among them.

    Args:
        deployments: Newest first.
    """
    path: list[Deployment] = []
    for one in reversed(deployments):
        known = [place for place, was in enumerate(path) if was.release_id == one.release_id]
        if known:
            del path[known[0] :]
        path.append(one)
    return tuple(reversed(path[:-1]))


def revision_then(
    deployment: Deployment,
    deployments: Sequence[Deployment],
    release: Release,
    revisions: Sequence[Revision],
) -> Revision | None:
    """Return the revision that a deployment served at its end, or serves now; None if it is gone.

    Args:
        deployment: Any.
        deployments: All, newest first.
        release: Its release.
        revisions: All that are kept, newest first.
    """
    if deployment.pinned is not None:
        return next((one for one in revisions if one.number == deployment.pinned), None)
    after = [one.at_ms for one in deployments if one.number == deployment.number + 1]
    until = [one for one in revisions if not after or one.sealed_at_ms <= after[0]]
    of_line = [one for one in until if one.line == release.line.id]
    return next(iter(of_line or until), None)
