"""One SQLite file: transactions, time, and what its errors mean."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from answerable.adapters.state.engine import Database, Synchronous, failure
from answerable.adapters.state.schema import STATE, migrate
from answerable.adapters.state.tables import removals
from answerable.domain.errors import (
    Conflict,
    Corrupt,
    DiskFull,
    Locked,
    ReadOnly,
    StorageFailure,
)

_ROW = {"document_id": "d", "who": "w", "because": "secret words", "at_ms": 1}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database that gives up waiting soon."""
    opened = Database(tmp_path / "state.db", busy_ms=10)
    migrate(opened, STATE)
    yield opened
    opened.close()


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
def test_every_connection_is_set_up(tmp_path: Path, synchronous: Synchronous) -> None:
    """Write-ahead log, syncing as asked, foreign keys enforced."""
    database = Database(tmp_path / "state.db", synchronous=synchronous)
    with database.read() as one, database.read() as other:
        for connection in (one, other):
            asked = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
            level = {"FULL": 2, "NORMAL": 1}[synchronous]
            assert asked == {"journal_mode": "wal", "synchronous": level, "foreign_keys": 1}
    database.close()


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    """An exception inside undoes what came before it."""
    with pytest.raises(KeyboardInterrupt):
        _write_and_stop(database)
    assert _count(database) == 0


def test_a_reader_sees_one_moment(database: Database) -> None:
    """What is committed while it reads, it does not see; and it keeps nobody from writing."""
    with database.read() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM removals").scalar_one() == 0
        with database.write() as writer:
            writer.execute(insert(removals), _ROW)
        assert reader.exec_driver_sql("SELECT count(*) FROM removals").scalar_one() == 0
    assert _count(database) == 1


def test_a_write_takes_the_lock_when_it_begins(database: Database) -> None:
    """Two writers never meet half-way: the second is refused before it did anything."""
    with (
        database.write(),
        pytest.raises(Locked, match=r"state\.db") as caught,
        database.write(),
    ):
        pass
    assert caught.value.hint


def test_a_broken_constraint_is_a_conflict_that_tells_no_secret(database: Database) -> None:
    """Neither the error nor what caused it repeats stored values."""
    with pytest.raises(Conflict) as caught, database.write() as connection:
        connection.execute(insert(removals), [_ROW, _ROW])
    assert "secret words" not in f"{caught.value} {caught.value.__cause__}"


def test_a_full_disk_is_told(database: Database) -> None:
    """The write fails whole, reading goes on, and so does writing when there is room."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(DiskFull, match=r"state\.db") as caught:
        _fill(database)
    assert "free space" in caught.value.hint
    assert _count(database) == 0
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    _fill(database)
    assert _count(database) == 200


def test_a_limit_of_the_system_is_a_full_disk_too(database: Database) -> None:
    """A process that may write no larger file gets the same error from the real file system."""
    program = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from answerable.adapters.state.engine import Database
        from answerable.domain.errors import DiskFull
        database = Database(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            with database.write() as connection:
                connection.exec_driver_sql(
                    "INSERT INTO removals SELECT hex(randomblob(8)), 'w', "
                    "hex(zeroblob(200000)), 1"
                )
        except DiskFull as error:
            print(error.code)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program, str(database.path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "disk_full\n"
    assert _count(database) == 0
    assert _is_whole(database)


def test_a_file_that_may_not_be_written_is_told(database: Database) -> None:
    """Writing is refused as read-only, reading works."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(ReadOnly, match=r"state\.db"):
        _fill(database)
    assert _count(database) == 0


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """Whatever stands there is not overwritten."""
    path = tmp_path / "state.db"
    path.write_bytes(b"something else entirely, " * 100)
    with pytest.raises(Corrupt, match=r"state\.db") as caught:
        _migrate(path)
    assert "backup" in caught.value.hint
    assert path.read_bytes().startswith(b"something else")


def test_a_damaged_page_is_told(database: Database) -> None:
    """Damage inside the file is found when it is read, and named."""
    _fill(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with database.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (database.path.stat().st_size - 4096))
    with pytest.raises(Corrupt, match=r"state\.db"):
        _count(database)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """The hint makes it."""
    with pytest.raises(StorageFailure, match="is not a folder") as caught:
        _open_and_count(tmp_path / "missing" / "state.db")
    assert caught.value.hint == f"mkdir -p {tmp_path / 'missing'}"


def test_a_path_that_is_a_folder_is_told(tmp_path: Path) -> None:
    """It can be opened by nobody."""
    with pytest.raises(StorageFailure, match="cannot be opened"):
        _open_and_count(tmp_path)


def test_any_other_error_keeps_what_sqlite_said(tmp_path: Path) -> None:
    """What has no name of its own is a storage failure with SQLite's words."""
    error = failure(sqlite3.OperationalError("strange"), tmp_path / "state.db")
    assert type(error) is StorageFailure
    assert "strange" in error.message


def test_the_pulse_tells_commits_of_other_processes(database: Database) -> None:
    """A commit by anyone changes it; reading and undone writes do not."""
    before = database.pulse()
    _count(database)
    with pytest.raises(KeyboardInterrupt):
        _write_and_stop(database)
    assert database.pulse() == before
    _fill(database)
    after = database.pulse()
    assert after != before
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "c.execute('DELETE FROM removals'); c.commit()"
    )
    subprocess.run([sys.executable, "-c", program, str(database.path)], check=True, timeout=60)
    assert database.pulse() != after


def test_the_database_knows_the_time(database: Database) -> None:
    """Milliseconds since the epoch, whole."""
    with database.read() as connection:
        now_ms = database.now_ms(connection)
    assert isinstance(now_ms, int)
    assert abs(now_ms - time.time() * 1000) < 60_000


def test_a_closed_database_opens_again(database: Database) -> None:
    """Closing lets go of the file; whoever needs it later gets it."""
    _fill(database)
    database.pulse()
    database.close()
    assert _count(database) == 200
    database.pulse()


def _write_and_stop(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(removals), _ROW)
        raise KeyboardInterrupt


def _fill(database: Database) -> None:
    with database.write() as connection:
        rows = [_ROW | {"document_id": str(n), "because": "x" * 200} for n in range(200)]
        connection.execute(insert(removals), rows)


def _count(database: Database) -> int:
    with database.read() as connection:
        count: int = connection.exec_driver_sql("SELECT count(*) FROM removals").scalar_one()
        return count


def _migrate(path: Path) -> None:
    with closing(Database(path)) as database:
        migrate(database, STATE)


def _open_and_count(path: Path) -> None:
    with closing(Database(path)) as database:
        _count(database)


def _is_whole(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok")
