"""Releases and deployments in a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Select, func, insert, select

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database
from answerable.adapters.state.failures import deployed_meanwhile, no_release
from answerable.domain.decoding import decode
from answerable.domain.errors import Corrupt
from answerable.domain.releases import Deployment, Proposal, Release, Ruling
from answerable.releases.ports import Register


class SqlRegister:
    """Releases by id and the record of deployments.

    Args:
        database: Migrated to the `STATE` schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, release: Release) -> None:
        """Store a release as canonical JSON."""
        with self._database.write() as connection:
            self._add(connection, release)

    def propose(self, release: Release, proposal: Proposal) -> Proposal:
        """Store a release and its proposal in one transaction."""
        new = self._database.insert(tables.proposals).on_conflict_do_nothing()
        kept = select(tables.proposals).where(tables.proposals.c.release_id == release.id)
        with self._database.write() as connection:
            self._add(connection, release)
            connection.execute(new, asdict(proposal))
            return Proposal(**connection.execute(kept).mappings().one())

    def proposals(self) -> Sequence[Proposal]:
        """Return all proposals, newest first."""
        proposals = tables.proposals.c
        wanted = select(tables.proposals).order_by(proposals.at_ms.desc(), proposals.release_id)
        with self._database.read() as connection:
            return tuple([Proposal(**row) for row in connection.execute(wanted).mappings()])

    def ids(self) -> Sequence[str]:
        """Return the ids of all releases."""
        with self._database.read() as connection:
            return tuple(connection.scalars(select(tables.releases.c.id)))

    def release(self, release_id: str) -> Release | None:
        """Return a release.

        Raises:
            Corrupt: The recipe stored is not the one its id stands for.
        """
        releases = tables.releases.c
        with self._database.read() as connection:
            recipe = connection.scalar(select(releases.recipe).where(releases.id == release_id))
        return None if recipe is None else _release(release_id, recipe)

    def deploy(
        self,
        *,
        release_id: str,
        pinned: int | None,
        who: str,
        because: str,
        at_ms: int,
        chosen: bool = False,
        after: int | None = None,
    ) -> Deployment:
        """Append a deployment in one transaction.

        Raises:
            NotFound: The release is not stored.
            Conflict: Somebody deployed meanwhile.
        """
        releases = tables.releases.c
        with self._database.write() as connection:
            if not connection.scalar(select(releases.id).where(releases.id == release_id)):
                raise no_release(release_id)
            newest = connection.scalar(select(func.max(tables.deployments.c.number)))
            if after is not None and newest != after:
                raise deployed_meanwhile()
            deployment = Deployment(
                number=0 if newest is None else newest + 1,
                release_id=release_id,
                pinned=pinned,
                who=who,
                because=because,
                at_ms=at_ms,
                chosen=chosen,
            )
            connection.execute(insert(tables.deployments), asdict(deployment))
        return deployment

    def deployments(self) -> Sequence[Deployment]:
        """Return all deployments, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(_NEWEST_FIRST).mappings()
            return tuple([Deployment(**row) for row in rows])

    def current(self) -> Deployment | None:
        """Return the newest deployment."""
        with self._database.read() as connection:
            row = connection.execute(_NEWEST_FIRST.limit(1)).mappings().first()
        return None if row is None else Deployment(**row)

    def rule(
        self,
        *,
        candidate: str,
        against: str,
        questions: str,
        decision: str,
        because: str,
        who: str,
        at_ms: int,
    ) -> Ruling:
        """Append what a gate said, in one transaction.

        Raises:
            NotFound: The candidate is not stored.
        """
        releases = tables.releases.c
        with self._database.write() as connection:
            if not connection.scalar(select(releases.id).where(releases.id == candidate)):
                raise no_release(candidate)
            newest = connection.scalar(select(func.max(tables.rulings.c.number)))
            ruling = Ruling(
                number=0 if newest is None else newest + 1,
                candidate=candidate,
                against=against,
                questions=questions,
                decision=decision,
                because=because,
                who=who,
                at_ms=at_ms,
            )
            connection.execute(insert(tables.rulings), asdict(ruling))
        return ruling

    def rulings(self) -> Sequence[Ruling]:
        """Return what gates said, newest first."""
        wanted = select(tables.rulings).order_by(tables.rulings.c.number.desc())
        with self._database.read() as connection:
            return tuple([Ruling(**row) for row in connection.execute(wanted).mappings()])

    def _add(self, connection: Connection, release: Release) -> None:
        new = self._database.insert(tables.releases).on_conflict_do_nothing()
        recipe = json.dumps(asdict(release), sort_keys=True, separators=(",", ":"))
        connection.execute(new, {"id": release.id, "recipe": recipe})


_: Callable[..., Register] = SqlRegister


_NEWEST_FIRST: Select[tuple[object, ...]] = select(tables.deployments).order_by(
    tables.deployments.c.number.desc()
)


def _release(release_id: str, recipe: str) -> Release:
    try:
        release = decode(Release, json.loads(recipe))
    except ValueError as error:
        raise _damaged(release_id) from error
    if release.id != release_id:
        raise _damaged(release_id)
    return release


def _damaged(release_id: str) -> Corrupt:
    return Corrupt(
        f"the stored recipe of {release_id} is damaged",
        hint="deploy another release, or put a backup of the state database in its place",
    )
