"""Vectors that were computed once, in an SQLite file of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from sqlalchemy import bindparam, delete, select

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database, batches
from answerable.domain.errors import Corrupt
from answerable.library.ports import VectorCache


class SqlVectorCache:
    """Packed vectors in a file that may be deleted at any time.

    Apart from the state, so that a backup need not carry what can be computed again. Several
    processes may use it at once: of two that put the same key, the first one wins.

    Args:
        database: Migrated to the `VECTORS` schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add_embedder, self._add_vector = (
            database.sql(database.insert(table).on_conflict_do_nothing())
            for table in (tables.embedders, tables.vectors)
        )

    def get(self, embedder: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept under those of these keys that are there.

        A damaged vector is deleted and counts as not there: it is computed again.

        Raises:
            Corrupt: The file is damaged.
            StorageFailure: Or the kind of it that fits.
        """
        wanted = {bytes.fromhex(key): key for key in keys}
        found, damaged = {}, []
        with self._file(), self._database.read() as connection:
            number = connection.scalar(_NUMBER, {"digest": embedder})
            for batch in batches(wanted):
                rows = connection.execute(_FOUND, {"number": number, "keys": batch})
                for key, checksum, packed in rows:
                    if crc32(packed) == checksum:
                        found[wanted[key]] = packed
                    else:
                        damaged.append(key)
        self._delete(number, damaged)
        return found

    def _delete(self, number: int | None, keys: Sequence[bytes]) -> None:
        if not keys:
            return
        with self._file(), self._database.write() as connection:
            for batch in batches(keys):
                connection.execute(_DAMAGED, {"number": number, "keys": batch})

    def put(self, embedder: str, packed: Mapping[str, bytes]) -> None:
        """Keep vectors, all in one transaction; synced when this returns.

        Raises:
            Locked: Another process wrote for too long.
            StorageFailure: Or the kind of it that fits.
        """
        if not packed:
            return
        with self._file(), self._database.write() as connection:
            connection.exec_driver_sql(self._add_embedder, (None, embedder))
            number = connection.scalar(_NUMBER, {"digest": embedder})
            rows = [(None, number, *_row(key, vectors)) for key, vectors in packed.items()]
            connection.exec_driver_sql(self._add_vector, rows)

    def erase(self, keys: Collection[str]) -> None:
        """Delete what every embedder has under these keys, then write the file anew without it.

        Raises:
            Locked: Another process reads or writes without a pause.
            StorageFailure: Or the kind of it that fits.
        """
        with self._file(), self._database.erasing() as connection:
            for batch in batches([bytes.fromhex(key) for key in keys]):
                connection.execute(_ERASED, {"keys": batch})
        with self._file():
            self._database.scrub()

    def retain(self, keys: Collection[str]) -> None:
        """Delete what every embedder has under other keys, then write the file anew without it.

        Raises:
            Locked: Another process reads or writes without a pause.
            StorageFailure: Or the kind of it that fits.
        """
        kept = [(bytes.fromhex(key),) for key in set(keys)]
        with self._file(), self._database.erasing() as connection:
            connection.exec_driver_sql("CREATE TEMP TABLE kept (key BLOB PRIMARY KEY)")
            if kept:
                connection.exec_driver_sql("INSERT INTO temp.kept VALUES (?)", kept)
            connection.exec_driver_sql(
                "DELETE FROM vectors WHERE key NOT IN (SELECT key FROM temp.kept)"
            )
            connection.exec_driver_sql("DROP TABLE temp.kept")
        with self._file():
            self._database.scrub()

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """Give the file; say of a damaged one what to do with a cache."""
        try:
            yield self._database.path
        except Corrupt as error:
            raise _damaged(self._database.path) from error


_: Callable[..., VectorCache] = SqlVectorCache

_NUMBER = select(tables.embedders.c.number).where(tables.embedders.c.digest == bindparam("digest"))

_FOUND = select(tables.vectors.c.key, tables.vectors.c.checksum, tables.vectors.c.packed).where(
    tables.vectors.c.embedder == bindparam("number"),
    tables.vectors.c.key.in_(bindparam("keys", expanding=True)),
)


_DAMAGED = delete(tables.vectors).where(
    tables.vectors.c.embedder == bindparam("number"),
    tables.vectors.c.key.in_(bindparam("keys", expanding=True)),
)


# By embedder too, for that is how the rows are found.
_ERASED = delete(tables.vectors).where(
    tables.vectors.c.embedder.in_(select(tables.embedders.c.number)),
    tables.vectors.c.key.in_(bindparam("keys", expanding=True)),
)


def _row(key: str, packed: bytes) -> tuple[bytes, int, bytes]:
    return bytes.fromhex(key), crc32(packed), packed


def _damaged(path: Path) -> Corrupt:
    return Corrupt(
        f"{path} is damaged or not a database",
        hint=f"delete {path} and {path}-wal: the vectors will be computed again",
    )
