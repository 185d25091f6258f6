"""Documents that could not be read, in the database of the state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, or_, select, update

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database, batches
from answerable.library.ports import Quarantine, Quarantined

_TABLE = tables.quarantine
_C = tables.quarantine.c
_NAMES = [one.name for one in fields(Quarantined)]
# A reading that began before a person ignored or un-ignored one must not undo that.
_A_PERSONS = ("document_id", "ignored_by", "ignored_because")


class SqlQuarantine:
    """The quarantine beside a `SqlState`.

    Args:
        database: That of the state.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_source(self, source: str) -> Mapping[str, Quarantined]:
        """Return those of a source, and of folders below it, by document id."""
        below = f"{source.rstrip('/')}/"
        is_below = _C.source.startswith(below, autoescape=True)
        wanted = select(_TABLE).where(or_(_C.source == source, is_below))
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings()
            return {row["document_id"]: Quarantined(**row) for row in rows}

    def all(self) -> tuple[Quarantined, ...]:
        """Return all, by path and source."""
        with self._database.read() as connection:
            rows = connection.execute(select(_TABLE)).mappings()
            found = [Quarantined(**row) for row in rows]
        return tuple(sorted(found, key=lambda one: (one.path, one.source)))

    def record(
        self,
        failed: Collection[Quarantined],
        well: Collection[str],
        *,
        met: Collection[str] = (),
        at_ms: int = 0,
    ) -> None:
        """Put in what failed and take out what is well, in one transaction."""
        row = self._database.insert(_TABLE)
        put = row.on_conflict_do_update(
            index_elements=["document_id"],
            set_={name: row.excluded[name] for name in _NAMES if name not in _A_PERSONS},
        )
        with self._database.write() as connection:
            for batch in batches(well):
                connection.execute(_TAKEN_OUT, {"ids": batch})
            for batch in batches(met):
                connection.execute(_MET, {"ids": batch, "at_ms": at_ms})
            if failed:
                connection.execute(put, [asdict(one) for one in failed])

    def ignore(self, document_id: str, *, who: str, because: str) -> bool:
        """Record that nobody wants to hear of one; return whether there is one."""
        change = update(_TABLE).where(_C.document_id == document_id)
        with self._database.write() as connection:
            done = connection.execute(change.values(ignored_by=who, ignored_because=because))
            return done.rowcount > 0

    def retry(self, document_ids: Collection[str]) -> None:
        """Let these be tried again, and be heard of again."""
        with self._database.write() as connection:
            for batch in batches(document_ids):
                connection.execute(_AGAIN, {"ids": batch})


_: Callable[..., Quarantine] = SqlQuarantine

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)

_TAKEN_OUT = delete(_TABLE).where(_C.document_id.in_(_IDS))

_MET = update(_TABLE).where(_C.document_id.in_(_IDS)).values(last_seen_ms=bindparam("at_ms"))

_AGAIN = (
    update(_TABLE)
    .where(_C.document_id.in_(_IDS))
    .values(line="", ignored_by="", ignored_because="")
)
