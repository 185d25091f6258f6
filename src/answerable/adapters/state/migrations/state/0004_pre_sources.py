"""Sources that operators registered; jobs that wait; revisions that had their time."""

import sqlalchemy as sa
from alembic import op

revision = "0004_pre_sources"
down_revision = "0003_pre_quarantine"


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("added_ms", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sources_source", "sources", ["source"], unique=True)
    op.create_table(
        "retired",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_retired"),
        sa.ForeignKeyConstraint(["number"], ["revisions.number"], name="fk_retired_number"),
    )
    # With a default, so that the version before can go on enqueueing.
    op.add_column(
        "jobs", sa.Column("not_before_ms", sa.BigInteger, nullable=False, server_default="0")
    )
