"""Documents, contents, revisions; releases and deployments; jobs and leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001_pre_first"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "contents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("bytes_hash", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contents"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "texts",
        sa.Column("content_id", sa.Text, nullable=False),
        sa.Column("outline", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("content_id", name="pk_texts"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_texts_content_id"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revisions",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("base", sa.Integer),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("sealed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revisions"),
        sa.ForeignKeyConstraint(["base"], ["revisions.number"], name="fk_revisions_base"),
    )
    op.create_table(
        "entries",
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("from_revision", sa.Integer, nullable=False),
        sa.Column("to_revision", sa.Integer),
        sa.Column("content_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("line", "document_id", "from_revision", name="pk_entries"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_entries_document_id"),
        sa.ForeignKeyConstraint(
            ["from_revision"], ["revisions.number"], name="fk_entries_from_revision"
        ),
        sa.ForeignKeyConstraint(
            ["to_revision"], ["revisions.number"], name="fk_entries_to_revision"
        ),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_entries_content_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "removals",
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_removals"),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
    )
    op.create_table(
        "deployments",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("release_id", sa.Text, nullable=False),
        sa.Column("pinned", sa.Integer),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_deployments"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_deployments_release_id"),
    )
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempts_max", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    unfinished = sa.text("state IN ('queued', 'running')")
    op.create_index(
        "ix_jobs_unfinished",
        "jobs",
        ["kind", "key"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
