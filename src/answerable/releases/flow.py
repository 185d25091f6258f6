"""Which release and revision serve. Proposing, gating and canaries will stand here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from answerable.answering.prompts import own_prompts
from answerable.domain.clock import Clock
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt, NotFound
from answerable.domain.releases import (
    MODEL,
    Deployment,
    JudgeChoice,
    Line,
    ModelChoice,
    Quoting,
    Release,
    Retrieval,
    Writing,
)
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
    """
    current = register.current()
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

    What this software deployed since, because it or the workspace changed, kept the pin.

    Args:
        deployments: Newest first.
    """
    since = None
    for one in deployments:
        if one.pinned is None or one.pinned != deployments[0].pinned:
            break
        since = one.at_ms
        if one.who != SETTLER:
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
    )
