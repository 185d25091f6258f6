"""What callers think of answers, and their comments apart."""

import sqlalchemy as sa
from alembic import op

revision = "0002_pre_feedback"
down_revision = "0001_pre_first"


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("thumb", sa.Text, nullable=False),
        sa.Column("complaint", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_feedback"),
        sa.ForeignKeyConstraint(["trace_id"], ["traces.id"], name="fk_feedback_trace_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_feedback_trace_id_principal_number", "feedback", ["trace_id", "principal", "number"]
    )
    op.create_table(
        "feedback_texts",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_feedback_texts"),
        sa.ForeignKeyConstraint(["number"], ["feedback.number"], name="fk_feedback_texts_number"),
    )
    op.create_index("ix_feedback_texts_at_ms", "feedback_texts", ["at_ms"])
