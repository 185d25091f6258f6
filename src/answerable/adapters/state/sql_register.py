"""Releases and deployments in a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import Select, func, insert, select

from answerable.adapters.state import tables
from answerable.adapters.state.codec import decode
from answerable.adapters.state.engine import Database
from answerable.adapters.state.failures import no_release
from answerable.domain.errors import Corrupt
from answerable.domain.releases import Deployment, Release
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
        new = self._database.insert(tables.releases).on_conflict_do_nothing()
        recipe = json.dumps(asdict(release), sort_keys=True, separators=(",", ":"))
        with self._database.write() as connection:
            connection.execute(new, {"id": release.id, "recipe": recipe})

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
        self, *, release_id: str, pinned: int | None, who: str, because: str, at_ms: int
    ) -> Deployment:
        """Append a deployment in one transaction.

        Raises:
            NotFound: The release is not stored.
        """
        releases = tables.releases.c
        with self._database.write() as connection:
            if not connection.scalar(select(releases.id).where(releases.id == release_id)):
                raise no_release(release_id)
            newest = connection.scalar(select(func.max(tables.deployments.c.number)))
            deployment = Deployment(
                number=0 if newest is None else newest + 1,
                release_id=release_id,
                pinned=pinned,
                who=who,
                because=because,
                at_ms=at_ms,
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
