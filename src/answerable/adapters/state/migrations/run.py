"""Alembic, called from Python; imported only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


def upgrade(connection: Connection, name: str) -> None:
    """Run the missing migrations of a schema inside the connection's transaction."""
    config = _config(name)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def known_versions(name: str) -> frozenset[str]:
    """Return every migration of a schema."""
    scripts = ScriptDirectory.from_config(_config(name))
    return frozenset(script.revision for script in scripts.walk_revisions())


def newest_version(name: str) -> str | None:
    """Return the head of a schema's migrations."""
    return ScriptDirectory.from_config(_config(name)).get_current_head()


def _config(name: str) -> Config:
    # A percent sign in the path would be read as interpolation.
    def option(path: Path) -> str:
        return str(path).replace("%", "%%")

    config = Config()
    config.set_main_option("script_location", option(_FOLDER))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", option(_FOLDER / name))
    return config
