"""Vectors, and the embedders they are of."""

import sqlalchemy as sa
from alembic import op

revision = "0001_pre_first"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "embedders",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_embedders"),
    )
    op.create_index("ix_embedders_digest", "embedders", ["digest"], unique=True)
    op.create_table(
        "vectors",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("embedder", sa.Integer, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_vectors"),
        sa.ForeignKeyConstraint(["embedder"], ["embedders.number"], name="fk_vectors_embedder"),
    )
    op.create_index("ix_vectors_embedder_key", "vectors", ["embedder", "key"], unique=True)
