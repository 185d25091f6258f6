"""Alembic migrations: one folder per database file."""
