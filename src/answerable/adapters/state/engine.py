"""SQLite, and the only module that knows it: connections, transactions, errors, database time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, Literal, TypeVar

from sqlalchemy import (
    URL,
    BigInteger,
    ClauseElement,
    Connection,
    Select,
    Table,
    cast,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from answerable.domain.errors import (
    AnswerableError,
    Conflict,
    Corrupt,
    DiskFull,
    Locked,
    ReadOnly,
    StorageFailure,
)

_T = TypeVar("_T")

Synchronous = Literal["FULL", "NORMAL"]

# julianday() of 1970-01-01T00:00:00Z.
_EPOCH_DAY = 2440587.5
_DAY_MS = 86_400_000

# Past this size the write-ahead log is cut back after a checkpoint, so that one large ingest
# does not keep its log on disk for good.
_LOG_BYTES_MAX = 64 << 20

# For so long an emptied log is waited for that somebody still reads.
FREE_BYTES_MIN = 64 * 2**20  # less is used again by what comes
_FREE_SHARE = 4
_SCRUB_S = 30.0
_SCRUB_LOOK_S = 0.05

# Ids in one statement; SQLite takes 32,766 parameters.
_BATCH = 1_000

# SQLite reports a full disk, a quota or a file size limit under any of these.
_NO_ROOM = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}


class Database:
    """One SQLite file, open for many threads and beside other processes.

    Readers never wait: write-ahead log, and every reading thread has a connection to itself.
    Writers take the write lock when they begin and wait for it up to `busy_ms`.

    Args:
        path: The file; made when it is missing, its folder is not.
        synchronous: ``FULL`` survives a power cut; ``NORMAL`` may lose the last commits to
            one, never to a killed process, and is never corrupt.
        busy_ms: How long a write waits for another process before `Locked`.
    """

    def __init__(
        self, path: Path, *, synchronous: Synchronous = "FULL", busy_ms: int = 5_000
    ) -> None:
        self.path = path
        self._synchronous = synchronous
        self._busy_ms = busy_ms
        self.engine = create_engine(
            URL.create("sqlite", database=str(path)),
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=-1,
            pool_use_lifo=True,
            hide_parameters=True,  # they hold document text
            connect_args={
                "check_same_thread": False,
                "isolation_level": None,  # BEGIN is ours to say
                "timeout": busy_ms / 1000,
            },
        )
        event.listen(self.engine, "connect", self._prepare)
        event.listen(self.engine, "begin", _begin)
        self._writing = self.engine.execution_options(begin="IMMEDIATE")
        # There are few statements, but one text for each number of ids.
        self._sql = lru_cache(maxsize=64)(self._compiled)
        self._watch: sqlite3.Connection | None = None
        self._watch_lock = Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database until it is left.

        Raises:
            StorageFailure: Or the kind of it that fits; also from the statements inside.
        """
        with self._failures(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the one connection that may write; committed and synced when it is left.

        An exception inside undoes everything.

        Raises:
            Locked: Another process kept the write lock for too long.
            Conflict: A statement inside broke a constraint.
            StorageFailure: Or the kind of it that fits.
        """
        with self._failures(), self._writing.begin() as connection:
            yield connection

    def rows(self, statement: Select[Any], ids: Collection[str]) -> list[Any]:
        """Return the rows of a statement for these ids, as plain tuples, as of one moment.

        For what every question reads: the driver alone takes a fifth of the time.

        Args:
            statement: Takes its ids from an expanding parameter ``ids``, and no others.
            ids: Any number.

        Raises:
            StorageFailure: Or the kind of it that fits.
        """
        if not ids:
            return []
        with self._failures(), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            if len(ids) > _BATCH:  # one statement sees one moment by itself
                cursor.execute("BEGIN")  # ended when the connection goes back
            found: list[Any] = []
            for batch in batches(ids):
                cursor.execute(self._sql(statement, len(batch)), batch)
                found += cursor.fetchall()
            return found

    def sql(self, statement: ClauseElement) -> str:
        """Return the text of a statement, its parameters by position."""
        return str(statement.compile(dialect=self.engine.dialect))

    def pulse(self) -> int:
        """Return a number that changes with every commit, of this process or another.

        SQLite counts the commits of all connections but the one that asks; so one is kept
        that never writes.
        """
        with self._failures(), self._watch_lock:
            if self._watch is None:
                self._watch = sqlite3.connect(
                    self.path, check_same_thread=False, timeout=self._busy_ms / 1000
                )
            row: tuple[int] = self._watch.execute("PRAGMA data_version").fetchone()
        return row[0]

    def now_ms(self, connection: Connection) -> int:
        """Return the database's time, milliseconds since the epoch."""
        days = func.julianday("now") - _EPOCH_DAY
        now: int = connection.execute(select(cast(days * _DAY_MS, BigInteger))).scalar_one()
        return now

    def insert(self, table: Table) -> Insert:
        """Return an insert that can say what happens on conflict."""
        return insert(table)

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """Give what `write` gives; what is deleted is overwritten with zeros. Then `scrub`."""
        with self.write() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            yield connection

    def compact(self) -> bool:
        """Do `scrub` if a quarter of the file is free, and that is much; return whether it was."""
        with self.read() as connection:
            ask = connection.exec_driver_sql
            free, pages, page_bytes = (
                ask(f"PRAGMA {name}").scalar_one()
                for name in ("freelist_count", "page_count", "page_size")
            )
        if free * page_bytes < FREE_BYTES_MIN or free * _FREE_SHARE < pages:
            return False
        self.scrub()
        return True

    def scrub(self) -> None:
        """Write the file anew without anything that was ever deleted, and empty its log.

        Others may read meanwhile, but not write. What a file system keeps of blocks that were
        given back is beyond this.

        Raises:
            Locked: Somebody read or wrote for so long that the log could not be emptied.
            DiskFull: There is no room for a second copy of the file.
            StorageFailure: Or the kind of it that fits.
        """
        timeout = self._busy_ms / 1000
        with (
            self._failures(),
            closing(sqlite3.connect(self.path, isolation_level=None, timeout=timeout)) as file,
        ):
            file.execute(f"PRAGMA synchronous = {self._synchronous}")
            # Deleted pages reach the file as zeros before what lies behind them is cut off.
            self._empty_log(file)
            file.execute("VACUUM")
            self._empty_log(file)

    def _empty_log(self, file: sqlite3.Connection) -> None:
        until = monotonic() + _SCRUB_S
        while file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if monotonic() > until:
                raise _locked(self.path)
            sleep(_SCRUB_LOOK_S)

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()
        with self._watch_lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def _prepare(self, connection: sqlite3.Connection, _: object) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {self._synchronous}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES_MAX}")

    def _compiled(self, statement: Select[Any], count: int) -> str:
        """Return the text of a statement with a place for each of `count` ids."""
        compiled = statement.params(ids=[""] * count).compile(
            dialect=self.engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        return str(compiled)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise
            raise failure(error.orig, self.path) from error
        except sqlite3.Error as error:
            raise failure(error, self.path) from error


def batches(ids: Iterable[_T]) -> Iterator[list[_T]]:
    """Give ids in lists that one statement can take."""
    rest = iter(ids)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def failure(error: sqlite3.Error, path: Path) -> AnswerableError:
    """Return what an SQLite error means to the person who has to act on it."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _NO_ROOM:
        return _disk_full(path)
    kind = _KINDS.get(code & 0xFF)
    if kind is not None:
        return kind(path)
    return StorageFailure(
        f"{path} cannot be used: {error}", hint="look in the system log for errors of this disk"
    )


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(
        f"{path} cannot grow: the disk is full or a quota is reached",
        hint=f"free space where {path.parent} lives, then run it again",
    )


def _corrupt(path: Path) -> Corrupt:
    return Corrupt(
        f"{path} is damaged or not a database",
        hint=f"move {path} and {path}-wal away and put a backup in their place",
    )


def _locked(path: Path) -> Locked:
    return Locked(
        f"another process kept {path} locked for too long",
        hint="wait for it to finish, then run it again",
    )


def _conflict(path: Path) -> Conflict:
    return Conflict(
        f"the change contradicts what {path} holds",
        hint="someone may have changed it meanwhile: look again, then repeat the change",
    )


def _read_only(path: Path) -> ReadOnly:
    return ReadOnly(
        f"{path} cannot be written",
        hint=f"make {path.parent} and the files in it writable for this user",
    )


def _cannot_open(path: Path) -> StorageFailure:
    folder = path.parent
    if not folder.is_dir():
        return StorageFailure(f"{folder} is not a folder", hint=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return _read_only(path)
    return StorageFailure(
        f"{path} cannot be opened",
        hint="it may be a folder, or the limit of open files (ulimit -n) is reached",
    )


_KINDS: dict[int, Callable[[Path], AnswerableError]] = {
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_PERM: _read_only,
    sqlite3.SQLITE_CANTOPEN: _cannot_open,
    sqlite3.SQLITE_CORRUPT: _corrupt,
    sqlite3.SQLITE_NOTADB: _corrupt,
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_CONSTRAINT: _conflict,
}


def _begin(connection: Connection) -> None:
    kind: Any = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
