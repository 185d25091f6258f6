"""The tables, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

# Named constraints can be changed by a later migration, on every database.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

state = MetaData(naming_convention=_NAMES)

contents = Table(
    "contents",
    state,
    Column("id", Text, primary_key=True),
    Column("bytes_hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("format", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Apart from `contents`, so that listing a library does not read its texts from disk.
texts = Table(
    "texts",
    state,
    Column("content_id", Text, ForeignKey(contents.c.id), primary_key=True),
    Column("outline", Text, nullable=False),
    Column("text", Text, nullable=False),
)

documents = Table(
    "documents",
    state,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("labels", Text, nullable=False),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    state,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("base", Integer, ForeignKey("revisions.number")),
    Column("manifest", Text, nullable=False),
    Column("sealed_at_ms", BigInteger, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("because", Text, nullable=False),
)

# Their rows stay, because others name them; their documents and indexes do not.
retired = Table(
    "retired",
    state,
    Column("number", Integer, ForeignKey(revisions.c.number), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)

# Revision r of a line holds the rows of that line with from <= r and (to is null or to > r).
entries = Table(
    "entries",
    state,
    Column("line", Text, primary_key=True),
    Column("document_id", Text, ForeignKey(documents.c.id), primary_key=True),
    Column("from_revision", Integer, ForeignKey(revisions.c.number), primary_key=True),
    Column("to_revision", Integer, ForeignKey(revisions.c.number)),
    Column("content_id", Text, ForeignKey(contents.c.id), nullable=False),
    sqlite_with_rowid=False,
)

removals = Table(
    "removals",
    state,
    Column("document_id", Text, primary_key=True),
    Column("who", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",
    state,
    Column("document_id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("bytes_hash", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_seen_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("ignored_by", Text, nullable=False),
    Column("ignored_because", Text, nullable=False),
    sqlite_with_rowid=False,
)

purges = Table(
    "purges",
    state,
    Column("number", Integer, primary_key=True),
    Column("who", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("done_at_ms", BigInteger),
    sqlite_autoincrement=True,
)

# Neither names nor texts: what is left of a document must not tell what it was.
purged_documents = Table(
    "purged_documents",
    state,
    Column("purge", Integer, ForeignKey(purges.c.number), primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("place_hash", Text, nullable=False),
    Column("lifted_at_ms", BigInteger),
    sqlite_with_rowid=False,
)

purged_contents = Table(
    "purged_contents",
    state,
    Column("purge", Integer, ForeignKey(purges.c.number), primary_key=True),
    Column("bytes_hash", Text, primary_key=True),
    sqlite_with_rowid=False,
)

purged_indexes = Table(
    "purged_indexes",
    state,
    Column("purge", Integer, ForeignKey(purges.c.number), primary_key=True),
    Column("revision", Integer, ForeignKey(revisions.c.number), primary_key=True),
    sqlite_with_rowid=False,
)

releases = Table(
    "releases",
    state,
    Column("id", Text, primary_key=True),
    Column("recipe", Text, nullable=False),
)

deployments = Table(
    "deployments",
    state,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("release_id", Text, ForeignKey(releases.c.id), nullable=False),
    Column("pinned", Integer),
    Column("who", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("chosen", Boolean, nullable=False, server_default="0"),
)

proposals = Table(
    "proposals",
    state,
    Column("release_id", Text, ForeignKey(releases.c.id), primary_key=True),
    Column("parent", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

rulings = Table(
    "rulings",
    state,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("candidate", Text, ForeignKey(releases.c.id), nullable=False),
    Column("against", Text, nullable=False),
    Column("questions", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

canaries = Table(
    "canaries",
    state,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("candidate", Text, ForeignKey(releases.c.id), nullable=False),
    Column("baseline", Text, nullable=False),
    Column("watch", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)

jobs = Table(
    "jobs",
    state,
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempts_max", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("not_before_ms", BigInteger, nullable=False, server_default="0"),
    Column("progress", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

_UNFINISHED = text("state IN ('queued', 'running')")

Index(
    "ix_jobs_unfinished",
    jobs.c.kind,
    jobs.c.key,
    unique=True,
    sqlite_where=_UNFINISHED,
    postgresql_where=_UNFINISHED,
)

leases = Table(
    "leases",
    state,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

sources = Table(
    "sources",
    state,
    Column("name", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("health", Text, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Index(None, "source", unique=True),
    sqlite_with_rowid=False,
)

ledger = MetaData(naming_convention=_NAMES)

traces = Table(
    "traces",
    ledger,
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("rung", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("took_ms", Float, nullable=False),
    Column("structure", Text, nullable=False),
    Index(None, "principal", "id"),
)

trace_texts = Table(
    "trace_texts",
    ledger,
    Column("trace_id", Text, ForeignKey(traces.c.id), primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("texts", Text, nullable=False),
)

feedback = Table(
    "feedback",
    ledger,
    Column("number", Integer, primary_key=True),
    Column("trace_id", Text, ForeignKey(traces.c.id), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("thumb", Text, nullable=False),
    Column("complaint", Text, nullable=False),
    # What was said last by whom, without looking at the rows.
    Index(None, "trace_id", "principal", "number"),
    sqlite_autoincrement=True,
)

feedback_texts = Table(
    "feedback_texts",
    ledger,
    Column("number", Integer, ForeignKey(feedback.c.number), primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("comment", Text, nullable=False),
)

# Traces that name one of these are kept without texts.
redacted_documents = Table(
    "redacted_documents",
    ledger,
    Column("document_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

redactions = Table(
    "redactions",
    ledger,
    Column("trace_id", Text, ForeignKey(traces.c.id), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

vector_cache = MetaData(naming_convention=_NAMES)

# A digest of 64 digits is kept once, not with every vector.
embedders = Table(
    "embedders",
    vector_cache,
    Column("number", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Index(None, "digest", unique=True),
)

# With its own number as key: kept in the order of their random keys, rows of this size take
# twice the disk and three times as long to write.
vectors = Table(
    "vectors",
    vector_cache,
    Column("number", Integer, primary_key=True),
    Column("embedder", Integer, ForeignKey(embedders.c.number), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Index(None, "embedder", "key", unique=True),
)
