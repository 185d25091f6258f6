"""What served when: releases and revisions, one after the other; and what two of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from answerable.domain.documents import Revision
from answerable.domain.releases import Deployment, Release

INDEX = "index"

# What is swapped together: a ladder without its models, or a judge without them, is no release.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "prompts": ("writing",),
    "models": ("models", "ladder", "judge"),
    "retrieval": ("retrieval",),
    "quotes and thresholds": ("quoting", "abstaining"),
}
PARTS = (*_PARTS, INDEX)
"""What of a state can be at fault, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What answered for a while.

    Attributes:
        deployment: Its number.
        since_ms: From when.
    """

    deployment: int
    release: Release
    revision: Revision
    since_ms: int

    @property
    def name(self) -> str:
        """As people are told."""
        return f"d{self.deployment}, {self.release.id}, revision {self.revision.number}"


def states(
    deployments: Sequence[Deployment],
    released: Mapping[str, Release],
    revisions: Sequence[Revision],
) -> tuple[State, ...]:
    """Return what answered, oldest first: another release or another revision is another state.

    Left out is what cannot be asked again: releases this version cannot read, and revisions that
    are not kept any more.

    Args:
        deployments: Newest first.
        released: Releases by id, as this software answers by them.
        revisions: All that are kept, newest first.
    """
    found: list[State] = []
    ends = [None, *(one.at_ms for one in deployments)]
    for one, until_ms in reversed(list(zip(deployments, ends, strict=False))):
        release = released.get(one.release_id)
        if release is None:
            continue
        for revision, since_ms in _served(one, until_ms, revisions, release.line.id):
            found.append(
                State(deployment=one.number, release=release, revision=revision, since_ms=since_ms)
            )
    return tuple(
        one
        for before, one in zip([None, *found], found, strict=False)
        if before is None or (before.release.id, before.revision) != (one.release.id, one.revision)
    )


def _served(
    one: Deployment, until_ms: int | None, revisions: Sequence[Revision], line: str
) -> Sequence[tuple[Revision, int]]:
    """Return the revisions a deployment served, oldest first, each with since when."""
    if one.pinned is not None:
        return [(rev, one.at_ms) for rev in revisions if rev.number == one.pinned]
    oldest_first = [
        rev
        for rev in reversed(revisions)
        if rev.line == line and (until_ms is None or rev.sealed_at_ms < until_ms)
    ]
    before = [rev for rev in oldest_first if rev.sealed_at_ms <= one.at_ms]
    during = [(rev, rev.sealed_at_ms) for rev in oldest_first if rev.sealed_at_ms > one.at_ms]
    return [*((rev, one.at_ms) for rev in before[-1:]), *during]


def differing(before: State, after: State) -> tuple[str, ...]:
    """Return the names of `PARTS` in which two states differ."""
    found = [
        name
        for name, parts in _PARTS.items()
        if any(getattr(before.release, p) != getattr(after.release, p) for p in parts)
    ]
    return (*found, *((INDEX,) if before.revision != after.revision else ()))


def swapped(state: State, part: str, other: State) -> State:
    """Return a state with one of `PARTS` of another one."""
    if part == INDEX:
        return replace(state, revision=other.revision)
    values = {name: getattr(other.release, name) for name in _PARTS[part]}
    return replace(state, release=replace(state.release, **values))


_NAMED = {name for parts in _PARTS.values() for name in parts} | {"line", "software"}
_missing = {one.name for one in fields(Release)} - _NAMED
if _missing:  # pragma: no cover -- whoever adds a field to a release says which part it is
    raise AssertionError(f"no part of a release holds {_missing}")
