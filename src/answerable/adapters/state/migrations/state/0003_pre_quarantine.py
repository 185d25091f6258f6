"""Documents that could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0003_pre_quarantine"
down_revision = "0002_pre_purges"


def upgrade() -> None:
    op.create_table(
        "quarantine",
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("bytes_hash", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger, nullable=False),
        sa.Column("ignored_by", sa.Text, nullable=False),
        sa.Column("ignored_because", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_quarantine"),
        sqlite_with_rowid=False,
    )
