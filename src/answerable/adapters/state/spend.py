"""What was spent on models today, on disk: for all processes of this library, and after a kill."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from answerable.adapters.models.spending import Purse
from answerable.domain.errors import StorageFailure

_WAIT_S = 5.0
_DAYS_KEPT = 400
_TABLE = """
CREATE TABLE IF NOT EXISTS spent (
    day INTEGER NOT NULL, account TEXT NOT NULL, nano INTEGER NOT NULL, PRIMARY KEY (day, account)
) WITHOUT ROWID
"""
_ADD = """
INSERT INTO spent (day, account, nano) VALUES (?, ?, ?)
ON CONFLICT (day, account) DO UPDATE SET nano = nano + excluded.nano
"""


class SqlitePurse:
    """A purse in a small file of its own, so that no ingest delays a call.

    Safe for many threads and processes.

    Args:
        file: Made when it is missing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def take(self, day: int, nano: int, limits: Mapping[str, int]) -> str:
        """Take a sum from every account, or from none; return whose limit would be passed."""
        with self._writing() as connection:
            for account, limit in limits.items():
                if _spent(connection, day, account) + nano > limit:
                    return account
            connection.executemany(_ADD, [(day, account, nano) for account in limits])
            connection.execute("DELETE FROM spent WHERE day < ?", (day - _DAYS_KEPT,))
            return ""

    def put_back(self, day: int, nano: int, accounts: Mapping[str, int]) -> None:
        """Give a sum back to every account."""
        with self._writing() as connection:
            connection.executemany(_ADD, [(day, account, -nano) for account in accounts])

    def spent(self, day: int, account: str) -> int:
        """Return what was taken so far."""
        with self._writing() as connection:
            return _spent(connection, day, account)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                connection = self._connection()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageFailure(
                f"{self._file} cannot be used: {error}",
                hint="check the disk; without it no model with a spend limit is asked",
            ) from error

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = sqlite3.connect(
                self._file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
            )
            self._opened.execute("PRAGMA journal_mode = WAL")
            self._opened.execute("PRAGMA synchronous = NORMAL")
            self._opened.execute(_TABLE)
        return self._opened


_: Callable[..., Purse] = SqlitePurse


def _spent(connection: sqlite3.Connection, day: int, account: str) -> int:
    row = connection.execute(
        "SELECT nano FROM spent WHERE day = ? AND account = ?", (day, account)
    ).fetchone()
    return int(row[0]) if row else 0
