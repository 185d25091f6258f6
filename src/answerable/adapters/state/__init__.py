"""Truth: SQLite through SQLAlchemy Core, and an in-memory oracle."""
