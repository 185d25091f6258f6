"""Purges, and what is left of what they erased."""

import sqlalchemy as sa
from alembic import op

revision = "0002_pre_purges"
down_revision = "0001_pre_first"


def upgrade() -> None:
    op.create_table(
        "purges",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("done_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("number", name="pk_purges"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "purged_documents",
        sa.Column("purge", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("place_hash", sa.Text, nullable=False),
        sa.Column("lifted_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("purge", "document_id", name="pk_purged_documents"),
        sa.ForeignKeyConstraint(["purge"], ["purges.number"], name="fk_purged_documents_purge"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "purged_contents",
        sa.Column("purge", sa.Integer, nullable=False),
        sa.Column("bytes_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("purge", "bytes_hash", name="pk_purged_contents"),
        sa.ForeignKeyConstraint(["purge"], ["purges.number"], name="fk_purged_contents_purge"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "purged_indexes",
        sa.Column("purge", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("purge", "revision", name="pk_purged_indexes"),
        sa.ForeignKeyConstraint(["purge"], ["purges.number"], name="fk_purged_indexes_purge"),
        sa.ForeignKeyConstraint(
            ["revision"], ["revisions.number"], name="fk_purged_indexes_revision"
        ),
        sqlite_with_rowid=False,
    )
