"""Bringing a database file to the schema this version works with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, column, inspect, select, table

from answerable.adapters.state import tables
from answerable.adapters.state.engine import Database
from answerable.domain.errors import NotReady

MIGRATIONS = Path(__file__).parent / "migrations"

_NAME = re.compile(r"(?P<number>\d{4})_(?P<part>pre|post)_\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """The tables of one database file.

    A change comes in two migrations of one number: ``pre`` only adds, so that the version
    before still runs and going back stays possible; ``post`` cleans up.

    Attributes:
        name: Folder of its migrations.
        head: The newest migration; written here so that a start need not load Alembic.
        tables: What the newest migration leaves.
    """

    name: str
    head: str
    tables: MetaData


STATE = Schema(name="state", head="0005_pre_releases", tables=tables.state)
LEDGER = Schema(name="ledger", head="0003_pre_redactions", tables=tables.ledger)
VECTORS = Schema(name="vectors", head="0001_pre_first", tables=tables.vector_cache)


def migrate(database: Database, schema: Schema) -> None:
    """Bring a database to the head of a schema, wholly or not at all.

    Costs one read when nothing is to be done. Processes that start together are safe: one
    migrates, the others wait.

    Raises:
        NotReady: A newer version has changed it in a way this one does not know.
        StorageFailure: It cannot be read or written.
    """
    present = version(database)
    if present is not None and understands(schema.head, present):
        return
    from answerable.adapters.state.migrations.run import (  # noqa: PLC0415 # slow, rarely needed
        known_versions,
        upgrade,
    )

    if present is not None and present not in known_versions(schema.name):
        raise NotReady(
            f"{database.path} was written by a newer version (schema {present}, this version "
            f"knows {schema.head})",
            hint="install the newer version again: pip install --upgrade answerable",
        )
    with database.write() as connection:
        upgrade(connection, schema.name)


def version(database: Database) -> str | None:
    """Return the newest migration a database has seen, None for a new one."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        versions = table("alembic_version", column("version_num"))
        present: str | None = connection.execute(select(versions.c.version_num)).scalar()
        return present


def understands(head: str, present: str) -> bool:
    """Return whether software with this head runs on a database at `present` as it is.

    It does on its own head, and on the adding half of the change that comes next.
    """
    if present == head:
        return True
    ours, theirs = _NAME.fullmatch(head), _NAME.fullmatch(present)
    if ours is None or theirs is None:
        return False
    return theirs["part"] == "pre" and int(theirs["number"]) == int(ours["number"]) + 1
