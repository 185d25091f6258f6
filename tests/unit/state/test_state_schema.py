"""Migrations lead to the tables the code works with."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from answerable.adapters.state.engine import Database
from answerable.adapters.state.migrations.run import known_versions, newest_version
from answerable.adapters.state.schema import (
    LEDGER,
    STATE,
    VECTORS,
    Schema,
    migrate,
    understands,
    version,
)
from answerable.domain.errors import NotReady

Open = Callable[[str], Database]

_SCHEMAS = pytest.mark.parametrize(
    "schema", [STATE, LEDGER, VECTORS], ids=lambda schema: schema.name
)


@pytest.fixture
def open_database(tmp_path: Path) -> Iterator[Open]:
    """Open a file of the folder; all are closed in the end."""
    with ExitStack() as opened:
        yield lambda name: opened.enter_context(closing(Database(tmp_path / name)))


@_SCHEMAS
def test_the_head_in_the_code_is_the_newest_migration(schema: Schema) -> None:
    """The fast path at start compares with the right one."""
    assert schema.head == newest_version(schema.name)
    assert schema.head in known_versions(schema.name)


@_SCHEMAS
def test_migrations_make_the_tables_of_the_code(open_database: Open, schema: Schema) -> None:
    """Tables made by migrations and tables made from the code say the same in SQL."""
    migrated, made = open_database("migrated.db"), open_database("made.db")
    migrate(migrated, schema)
    with made.write() as connection:
        schema.tables.create_all(connection)
    with migrated.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.tables) == []
    assert _tables(migrated, schema) == _tables(made, schema)
    assert version(migrated) == schema.head


@_SCHEMAS
def test_migrating_again_changes_nothing(open_database: Open, schema: Schema) -> None:
    """A database at the head is left as it is."""
    database = open_database("state.db")
    migrate(database, schema)
    before = database.pulse()
    migrate(database, schema)
    assert database.pulse() == before


def test_a_start_without_migration_does_not_load_alembic(
    tmp_path: Path, open_database: Open
) -> None:
    """Alembic takes longer to load than a question takes to answer."""
    path = tmp_path / "state.db"
    migrate(open_database("state.db"), STATE)
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from answerable.adapters.state.engine import Database
        from answerable.adapters.state.schema import STATE, migrate
        migrate(Database(Path(sys.argv[1])), STATE)
        sys.exit("alembic" in sys.modules)
    """)
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)


def test_a_newer_database_is_refused(open_database: Open) -> None:
    """The error names both versions and what to do, and nothing is touched."""
    database = _at_version(open_database, "0099_post_later")
    with pytest.raises(NotReady, match=f"0099_post_later.*{STATE.head}") as caught:
        migrate(database, STATE)
    assert "install" in caught.value.hint
    assert version(database) == "0099_post_later"


def test_the_adding_half_of_the_next_change_is_fine(open_database: Open) -> None:
    """The version before runs on the new schema, so that going back is possible."""
    after = f"{int(STATE.head[:4]) + 1:04}_pre_next"
    database = _at_version(open_database, after)
    migrate(database, STATE)
    assert version(database) == after


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ("0002_post_b", True),
        ("0003_pre_c", True),
        ("0003_post_c", False),
        ("0004_pre_d", False),
        ("0002_pre_b", False),
        ("0001_post_a", False),
        ("anything", False),
    ],
)
def test_which_schemas_are_understood(present: str, expected: bool) -> None:
    """The own head, and the adding half of the next change; everything else is not."""
    assert understands("0002_post_b", present) is expected


def test_a_failed_migration_leaves_nothing(open_database: Open) -> None:
    """A database is migrated wholly or not at all."""
    database = open_database("state.db")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE leases (in_the_way TEXT)")
    with pytest.raises(Exception, match="leases"):
        migrate(database, STATE)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["leases"]


def test_a_folder_with_a_percent_sign_is_no_problem(tmp_path: Path, open_database: Open) -> None:
    """Nothing in a path is read as an instruction."""
    folder = tmp_path / "100%(x)s ?mode=ro&#"
    folder.mkdir()
    migrate(open_database(f"{folder.name}/state.db"), STATE)
    assert (folder / "state.db").exists()


def _at_version(open_database: Open, name: str) -> Database:
    database = open_database("state.db")
    migrate(database, STATE)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (name,))
    return database


def _tables(database: Database, schema: Schema) -> dict[str, str]:
    """Return the statement that would make each table and index, without layout."""
    names = [table.name for table in schema.tables.sorted_tables]
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT name, tbl_name, sql FROM sqlite_master").all()
    return {
        row.name: _normal(row.sql) for row in rows if row.tbl_name in names and row.sql is not None
    }


def _normal(statement: str) -> str:
    head, _, body = " ".join(statement.split()).partition("(")
    return head + ",".join(sorted(part.strip(" )") for part in body.split(", ")))
