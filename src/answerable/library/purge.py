"""Purging: which documents go with one, what is refused afterwards, and indexes without them.

The one exception to sealing. Its steps and their order are in `docs/decisions/0018`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from answerable.domain.documents import (
    Document,
    Member,
    Purge,
    Revision,
    Tombstone,
    place_hash,
)
from answerable.library.bundles import around, is_bundle
from answerable.library.entries import entries
from answerable.library.ports import Check, Index, Purges, Standing, State, unchecked
from answerable.library.vectors import keys

_CONTENTS_AT_ONCE = 256


class Heard(Protocol):
    """Hears how a purge goes on: what it is at, how much of that is done, and of how much."""

    def __call__(self, what: str, done: int, of: int, /) -> None:
        """Take note; returns at once."""
        ...


def unheard(_what: str, _done: int, _of: int, /) -> None:
    """Take no note."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Storage that is purged."""

    state: State
    purges: Purges
    index: Index


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a purge would erase.

    Attributes:
        documents: That were named, under every id they are known by.
        copies: Others that hold, or once held, the same bytes, and so go with them.
        contents: SHA-256 of all bytes of all of them.
        revisions: That hold any of them, rising.
    """

    documents: tuple[Document, ...]
    copies: tuple[Document, ...]
    contents: frozenset[str]
    revisions: tuple[int, ...]

    @property
    def tombstones(self) -> tuple[Tombstone, ...]:
        """What will be left of them."""
        return tuple(
            Tombstone(document_id=one.id, place_hash=place_hash(one.source, one.path))
            for one in (*self.documents, *self.copies)
        )


def plan(document_ids: Collection[str], desk: Desk) -> Plan:
    """Return what purging some documents would erase.

    Bytes that stand under another path are the same content: as long as one stays, it can be
    found. So its copies go too, and whatever else those ever held, until there are no more.
    """
    named = frozenset(document_ids)
    standings = desk.purges.standings()
    wanted, contents = _together(named, standings)
    while more := _in_one_file(wanted, standings, desk.state):
        wanted, contents = _together(wanted | more, standings)
    known = desk.state.documents(wanted)
    there = {one.number for one in desk.state.revisions()}
    return Plan(
        documents=_sorted(known[one] for one in wanted & named if one in known),
        copies=_sorted(known[one] for one in wanted - named if one in known),
        contents=contents,
        revisions=tuple(sorted(desk.purges.holding(wanted) & there)),
    )


def _in_one_file(
    document_ids: frozenset[str], standings: Sequence[Standing], state: State
) -> frozenset[str]:
    """Return the other documents that lie in the same message as one of these, and that message.

    Its bytes hold theirs.
    """
    known = state.documents(document_ids).values()
    if not any(_outermost(one.path) for one in known):
        return frozenset()
    every = state.documents({one.document_id for one in standings} | document_ids).values()
    # A folder may be called like a message; then it is no document.
    places = {(one.source, one.path) for one in every}
    messages = {(one.source, _outermost(one.path)) for one in known} & places
    together = (one for one in every if (one.source, _outermost(one.path)) in messages)
    return frozenset(one.id for one in together) - document_ids


def _outermost(path: str) -> str:
    """Return the path of the message that a document is, or lies in; else empty."""
    return next(around(path), path if is_bundle(path) else "")


def _sorted(documents: Iterator[Document]) -> tuple[Document, ...]:
    return tuple(sorted(documents, key=lambda one: (one.path, one.source)))


def _together(
    document_ids: frozenset[str], standings: Sequence[Standing]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return documents and bytes that cannot be purged without each other."""
    bytes_of, documents_of = defaultdict(set), defaultdict(set)
    for one in standings:
        bytes_of[one.document_id].add(one.bytes_hash)
        documents_of[one.bytes_hash].add(one.document_id)
    documents, contents = set(document_ids), set[str]()
    waiting = list(documents)
    while waiting:
        for found in bytes_of[waiting.pop()] - contents:
            contents.add(found)
            waiting += documents_of[found] - documents
            documents |= documents_of[found]
    return frozenset(documents), frozenset(contents)


def widened(purge: Purge, desk: Desk) -> Purge:
    """Return a purge with what came between its being asked for and its being done.

    The caller holds `State.writer`, so that nothing more can come.
    """
    now = plan([one.document_id for one in purge.documents], desk)
    known = {one.document_id for one in purge.documents}
    new = [one for one in now.tombstones if one.document_id not in known]
    if not new and now.contents <= purge.contents:
        return purge
    return desk.purges.widen(purge.number, new, now.contents)


def affected(revisions: Sequence[Revision], holding: Collection[int]) -> tuple[Revision, ...]:
    """Return the revisions whose files may hold anything of what `holding` hold, oldest first.

    A revision that was built from one of them shares its files, also where a document is gone.
    Of one whose base has been retired nobody can tell any more: it may.
    """
    there = {one.number for one in revisions}
    found: dict[int, Revision] = {}
    for one in sorted(revisions, key=lambda one: one.number):
        base = found.get(one.base) if one.base is not None else None
        shares = base is not None and base.line == one.line
        is_unknown = one.base is not None and one.base not in there
        if one.number in holding or shares or is_unknown:
            found[one.number] = one
    return tuple(found.values())


def purge_indexes(
    purge: Purge, desk: Desk, *, heard: Heard = unheard, check: Check = unchecked
) -> None:
    """Build anew every index that may hold anything of a purge, each recorded when it is done.

    The caller holds `State.writer`. Oldest first: each next one of a line starts from the one
    before, so that all of them together cost little more than one and what changed.
    """
    documents = frozenset(one.document_id for one in purge.documents)
    doing = affected(desk.state.revisions(), desk.purges.holding(documents))
    done = desk.purges.indexed(purge.number)
    before: Revision | None = None
    for count, revision in enumerate(doing):
        heard("indexes", count, len(doing))
        check()
        if revision.number not in done:
            base = before if before is not None and before.line == revision.line else None
            manifest = _purged(revision, base, documents, desk, check)
            desk.purges.rebuilt(purge.number, revision.number, manifest)
        before = _now(revision.number, desk.state)
    heard("indexes", len(doing), len(doing))


def _purged(
    revision: Revision,
    base: Revision | None,
    documents: frozenset[str],
    desk: Desk,
    check: Check,
) -> str:
    wanted = _without(desk.state.members(revision.number), documents)
    known = _without(desk.state.members(base.number), documents) if base else {}
    added = [one for name, one in wanted.items() if known.get(name) != one]
    return desk.index.purge(
        revision,
        documents,
        base=base,
        gone=[name for name in known if name not in wanted],
        added=entries(added, desk.state),
        check=check,
    )


def _without(members: Mapping[str, Member], documents: frozenset[str]) -> dict[str, Member]:
    return {name: one for name, one in members.items() if name not in documents}


def _now(number: int, state: State) -> Revision:
    return next(one for one in state.revisions() if one.number == number)


def cached_keys(content_ids: Collection[str], state: State) -> Iterator[str]:
    """Give the names under which vectors of these contents are cached."""
    waiting = sorted(content_ids)
    for start in range(0, len(waiting), _CONTENTS_AT_ONCE):
        some = state.contents(waiting[start : start + _CONTENTS_AT_ONCE])
        for content in some.values():
            yield from keys(content)


def replayed(
    purges: Sequence[Purge], desk: Desk, *, begin: Callable[[Purge, Plan], Purge]
) -> tuple[Purge, ...]:
    """Begin again the purges of which a state, restored from a backup, holds anything.

    Args:
        purges: The list as it was when the backup was restored over it.
        desk: The restored storage.
        begin: Records one in the restored state.
    """
    standings = desk.purges.standings()
    done = []
    for purge in reversed(purges):
        documents = {one.document_id for one in purge.documents if one.lifted_at_ms is None}
        back = {
            one.document_id
            for one in standings
            if one.document_id in documents or one.bytes_hash in purge.contents
        }
        if back:
            done.append(begin(purge, plan(back, desk)))
    return tuple(done)
