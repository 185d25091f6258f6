"""Traces, and their texts apart."""

import sqlalchemy as sa
from alembic import op

revision = "0001_pre_first"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "traces",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("rung", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("took_ms", sa.Float, nullable=False),
        sa.Column("structure", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
    )
    op.create_index("ix_traces_principal_id", "traces", ["principal", "id"])
    op.create_table(
        "trace_texts",
        sa.Column("trace_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("trace_id", name="pk_trace_texts"),
        sa.ForeignKeyConstraint(["trace_id"], ["traces.id"], name="fk_trace_texts_trace_id"),
    )
    op.create_index("ix_trace_texts_at_ms", "trace_texts", ["at_ms"])
