"""Registered sources in a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database
from answerable.adapters.state.failures import no_room_for
from answerable.domain.decoding import decode
from answerable.domain.errors import Corrupt
from answerable.operations.ports import SourceRegistry
from answerable.operations.sources import RegisteredSource, SourceHealth, SourceSpec

_SOURCES = tables.sources
_C = tables.sources.c


class SqlSources:
    """The sources table.

    Args:
        database: Migrated to the `STATE` schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, spec: SourceSpec, *, who: str, at_ms: int) -> RegisteredSource:
        """Insert a row, unless its name or its place is taken."""
        made = RegisteredSource(spec=spec, health=SourceHealth(), added_ms=at_ms, who=who)
        row = {
            "name": spec.name,
            "source": spec.source,
            "spec": _json(spec),
            "health": _json(made.health),
            "added_ms": at_ms,
            "who": who,
        }
        taken = select(_C.name).where(or_(_C.name == spec.name, _C.source == spec.source))
        with self._database.write() as connection:
            known = connection.scalar(taken)
            if known is not None:
                raise no_room_for(spec.name, known)
            connection.execute(insert(_SOURCES).values(**row))
        return made

    def source(self, name: str) -> RegisteredSource | None:
        """Return one source."""
        with self._database.read() as connection:
            row = connection.execute(select(_SOURCES).where(_C.name == name)).first()
        return None if row is None else _registered(row)

    def sources(self) -> tuple[RegisteredSource, ...]:
        """Return all sources by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(_SOURCES).order_by(_C.name)).all()
        return tuple([_registered(row) for row in rows])

    def change(
        self, name: str, how: Callable[[SourceHealth], SourceHealth]
    ) -> RegisteredSource | None:
        """Replace the health of a source in one transaction."""
        with self._database.write() as connection:
            row = connection.execute(select(_SOURCES).where(_C.name == name)).first()
            if row is None:
                return None
            before = _registered(row)
            health = how(before.health)
            connection.execute(update(_SOURCES).where(_C.name == name).values(health=_json(health)))
        return RegisteredSource(
            spec=before.spec, health=health, added_ms=before.added_ms, who=before.who
        )

    def drop(self, name: str) -> bool:
        """Delete a row."""
        with self._database.write() as connection:
            return connection.execute(delete(_SOURCES).where(_C.name == name)).rowcount == 1


_: Callable[..., SourceRegistry] = SqlSources


def _registered(row: Row[Any]) -> RegisteredSource:
    try:
        spec = decode(SourceSpec, json.loads(row.spec))
        health = decode(SourceHealth, json.loads(row.health))
    except ValueError as error:
        raise Corrupt(
            f"what is stored of the source {row.name} is damaged",
            hint=f"answerable sources remove {row.name}, then add it again",
        ) from error
    return RegisteredSource(spec=spec, health=health, added_ms=row.added_ms, who=row.who)


def _json(value: SourceSpec | SourceHealth) -> str:
    return json.dumps(asdict(value), sort_keys=True, separators=(",", ":"))
