"""Who proposed a release, what gates and canaries said of it, and whether somebody chose it."""

import sqlalchemy as sa
from alembic import op

revision = "0005_pre_releases"
down_revision = "0004_pre_sources"


def upgrade() -> None:
    # With a default, so that the version before can go on deploying.
    op.add_column(
        "deployments", sa.Column("chosen", sa.Boolean, nullable=False, server_default="0")
    )
    op.create_table(
        "proposals",
        sa.Column("release_id", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("release_id", name="pk_proposals"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_proposals_release_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rulings",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("against", sa.Text, nullable=False),
        sa.Column("questions", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rulings"),
        sa.ForeignKeyConstraint(["candidate"], ["releases.id"], name="fk_rulings_candidate"),
    )
    op.create_table(
        "canaries",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("watch", sa.Text, nullable=False),
        sa.Column("held", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_canaries"),
        sa.ForeignKeyConstraint(["candidate"], ["releases.id"], name="fk_canaries_candidate"),
    )
