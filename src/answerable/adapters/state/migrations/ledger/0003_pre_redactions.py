"""Which documents no trace may quote, and which traces lost their texts for it."""

import sqlalchemy as sa
from alembic import op

revision = "0003_pre_redactions"
down_revision = "0002_pre_feedback"


def upgrade() -> None:
    op.create_table(
        "redacted_documents",
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_redacted_documents"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "redactions",
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("trace_id", name="pk_redactions"),
        sa.ForeignKeyConstraint(["trace_id"], ["traces.id"], name="fk_redactions_trace_id"),
        sqlite_with_rowid=False,
    )
