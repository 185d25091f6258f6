"""Canaries in a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, insert, select, update

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database
from answerable.adapters.state.failures import canary_open, no_release
from answerable.releases.ports import OPEN, Canaries, CanaryRecord, Stage

_CANARIES = tables.canaries.c


class SqlCanaries:
    """Canaries in the state database.

    Args:
        database: Migrated to the `STATE` schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, *, candidate: str, baseline: str, watch: str, who: str, because: str, now_ms: int
    ) -> CanaryRecord:
        """Store a new one in one transaction.

        Raises:
            NotFound: The candidate is not stored.
            Conflict: Another one is open.
        """
        releases = tables.releases.c
        with self._database.write() as connection:
            if not connection.scalar(select(releases.id).where(releases.id == candidate)):
                raise no_release(candidate)
            opened = select(func.count()).where(_CANARIES.stage.in_(OPEN))
            if connection.scalar(opened):
                raise canary_open()
            newest = connection.scalar(select(func.max(_CANARIES.number)))
            made = CanaryRecord(
                number=0 if newest is None else newest + 1,
                candidate=candidate,
                baseline=baseline,
                watch=watch,
                held="",
                stage=Stage.RUNNING,
                because=because,
                who=who,
                began_ms=now_ms,
                ended_ms=None,
            )
            connection.execute(insert(tables.canaries), asdict(made))
        return made

    def all(self) -> Sequence[CanaryRecord]:
        """Return all canaries, newest first."""
        wanted = select(tables.canaries).order_by(_CANARIES.number.desc())
        with self._database.read() as connection:
            return tuple([_record(row) for row in connection.execute(wanted).mappings()])

    def open(self) -> CanaryRecord | None:
        """Return the one that is open."""
        wanted = select(tables.canaries).where(_CANARIES.stage.in_(OPEN))
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else _record(row)

    def save(self, number: int, watch: str) -> bool:
        """Store what was seen."""
        return self._change(number, {Stage.RUNNING}, {"watch": watch})

    def hold(self, number: int, because: str) -> bool:
        """Note why a person holds it."""
        return self._change(number, {Stage.RUNNING}, {"held": because})

    def move(
        self,
        number: int,
        stage: Stage,
        *,
        of: Collection[Stage],
        because: str,
        now_ms: int,
    ) -> bool:
        """Bring it to a stage."""
        ended_ms = None if stage in OPEN else now_ms
        return self._change(number, of, {"stage": stage, "because": because, "ended_ms": ended_ms})

    def _change(self, number: int, of: Collection[Stage], values: dict[str, Any]) -> bool:
        """Change a canary that is at one of these stages; return whether it was."""
        wanted = update(tables.canaries).where(
            _CANARIES.number == number, _CANARIES.stage.in_(list(of))
        )
        with self._database.write() as connection:
            return connection.execute(wanted.values(values)).rowcount > 0


_: Callable[..., Canaries] = SqlCanaries


def _record(row: Any) -> CanaryRecord:
    return CanaryRecord(**{**row, "stage": Stage(row["stage"])})
