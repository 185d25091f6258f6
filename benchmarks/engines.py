"""What is measured side by side: Answerable's own calls and three other engines.

All get the same chunks (visible text, title, headings) and the same words of each question: those
that Answerable searches for, so that no side is slowed down by function words. Each returns the ten
best chunks with their text. Answerable's `ask` goes on from there: it chooses what to quote, checks
every quote against its document, and commits a trace to disk before it returns.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.answering.asked import content_words
from answerable.app import open_app
from answerable.domain.releases import Retrieval

TOP = 10
_ROWS_AT_ONCE = 2_000
_TOKEN = re.compile(r"\w+")


class Row(NamedTuple):
    """One chunk as a peer gets it."""

    title: str
    heading: str
    body: str


class Side(Protocol):
    """Something that can be asked."""

    def query(self, question: str) -> int:
        """Answer a question; return how many results it found."""
        ...


class Peer(Side, Protocol):
    """Another search engine."""

    def build(self, rows: Sequence[Row]) -> None:
        """Index the chunks and put them on disk."""
        ...


def rows(file: Path) -> Iterator[Row]:
    """Give the chunks that were written to a file."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield Row(*json.loads(line))


class Words:
    """The words of a question that are searched for."""

    def __init__(self) -> None:
        self._analyser = TantivyAnalyser()

    def of(self, question: str) -> list[str]:
        """Return them as they were typed."""
        words = _TOKEN.findall(content_words(question))
        return [word for word in words if self._analyser.terms(word)]

    def stems(self, text: str) -> list[str]:
        """Return the stems of a text, stop words left out, by Answerable's analyser."""
        return self._analyser.terms(text)


class Ask:
    """`App.ask` in this process: search, quote, verify, trace committed."""

    def __init__(self, workspace: Path) -> None:
        self._app = open_app(workspace)
        self._scope = self._app.owner()

    def query(self, question: str) -> int:
        """Return how many passages were looked at."""
        return len(self._app.ask(question, self._scope).passages)


class Search:
    """`App.search` in this process: passages with their text, nothing quoted."""

    def __init__(self, workspace: Path) -> None:
        self._app = open_app(workspace)
        self._scope = self._app.owner()

    def query(self, question: str) -> int:
        """Return how many passages were found, having fetched the text of each."""
        found = self._app.search(question, self._scope, limit=TOP)
        texts = [
            found.contents[one.content_id].text.text[one.chunk.start : one.chunk.end]
            for one in found.passages
        ]
        return len(texts)


class Http:
    """`POST /v1/ask` of a running server, over one connection for many questions."""

    def __init__(self, port: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", int(port))

    def query(self, question: str) -> int:
        """Return 1; the whole reply was read."""
        body = json.dumps({"question": question})
        self._connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        read = json.loads(reply.read())
        if reply.status != 200:
            raise RuntimeError(f"{reply.status}: {read}")
        return 1


class Fts5:
    """SQLite full-text search of the standard library: Porter stems, WAL, synced commits."""

    def __init__(self, folder: Path) -> None:
        self._words = Words()
        self._base = sqlite3.connect(folder / "fts5.db")
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        weights = Retrieval()
        self._rank = f"bm25({weights.title_boost}, {weights.heading_boost}, 1.0)"

    def build(self, rows: Sequence[Row]) -> None:
        """Index in transactions of 2,000 chunks, then merge into one segment."""
        self._base.execute(
            "CREATE VIRTUAL TABLE chunks"
            " USING fts5(title, heading, body, tokenize = 'porter unicode61')"
        )
        waiting = iter(rows)
        while batch := list(islice(waiting, _ROWS_AT_ONCE)):
            with self._base:
                self._base.executemany("INSERT INTO chunks VALUES (?, ?, ?)", batch)
        with self._base:
            self._base.execute("INSERT INTO chunks (chunks) VALUES ('optimize')")
        self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def query(self, question: str) -> int:
        """Return how many chunks hold any of the words, at most ten, best by BM25."""
        words = " OR ".join(f'"{word}"' for word in self._words.of(question))
        if not words:
            return 0
        found = self._base.execute(
            "SELECT title, heading, body FROM chunks WHERE chunks MATCH ? AND rank MATCH ?"
            " ORDER BY rank LIMIT ?",
            (words, self._rank, TOP),
        )
        return len(found.fetchall())


class Bm25s:
    """bm25s with NumPy, everything in memory, stems by Answerable's analyser."""

    def __init__(self, folder: Path) -> None:
        import bm25s  # noqa: PLC0415 - a peer may be missing

        self._bm25s = bm25s
        self._folder = folder / "bm25s"
        self._words = Words()
        self._index: Any = None
        with suppress(FileNotFoundError):
            self._index = bm25s.BM25.load(self._folder, load_corpus=True, show_progress=False)

    def build(self, rows: Sequence[Row]) -> None:
        """Index title, headings and text as one field, and save index and texts."""
        stems = [self._words.stems("\n".join(row)) for row in rows]
        self._index = self._bm25s.BM25()
        self._index.index(stems, show_progress=False)
        corpus = [row.body for row in rows]
        self._index.save(self._folder, corpus=corpus, show_progress=False)

    def query(self, question: str) -> int:
        """Return how many chunks scored above 0 among the ten best."""
        stems = [one for one in self._words.stems(content_words(question)) if one in self._known]
        if not stems:
            return 0
        found, scores = self._index.retrieve([stems], k=TOP, show_progress=False)
        return sum(
            bool(text and score > 0) for text, score in zip(found[0], scores[0], strict=True)
        )

    @property
    def _known(self) -> dict[str, int]:
        known: dict[str, int] = self._index.vocab_dict
        return known


class Lance:
    """LanceDB full-text search: English stems and stop words, title, headings and text as one."""

    def __init__(self, folder: Path) -> None:
        import lancedb  # noqa: PLC0415 - a peer may be missing

        self._words = Words()
        self._base = lancedb.connect(folder / "lance")
        self._table: Any = None
        with suppress(ValueError):
            self._table = self._base.open_table("chunks")

    def build(self, rows: Sequence[Row]) -> None:
        """Write the table, then its index."""
        data = [{"body": row.body, "words": "\n".join(row)} for row in rows]
        self._table = self._base.create_table("chunks", data)
        self._table.create_fts_index("words", language="English", stem=True, remove_stop_words=True)

    def query(self, question: str) -> int:
        """Return how many chunks hold any of the words, at most ten."""
        words = " ".join(self._words.of(question))
        if not words:
            return 0
        search = self._table.search(words, query_type="fts").select(["body", "_score"]).limit(TOP)
        return len(search.to_list())


PEERS: dict[str, Callable[[Path], Peer]] = {"fts5": Fts5, "bm25s": Bm25s, "lancedb": Lance}
OURS: dict[str, Callable[[Path], Side]] = {"ask": Ask, "search": Search}
