"""One measurement in a process of its own: `worker.py JOB ARGUMENTS…`, JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic, perf_counter, sleep

import engines
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.local import LocalIndex
from answerable.adapters.state.engine import Database
from answerable.adapters.state.schema import STATE, migrate
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.documents import Content, Member, Revision
from answerable.library.flow import entries
from answerable.library.visible import shown
from answerable.settings import load

_KEEP_AT_ONCE = 256


def answer(name: str, where: str) -> None:
    """Answer blocks of questions, one JSON object a line, until there are no more.

    A block has `questions` and `every_ms`: 0 asks the next one at once, otherwise they come at
    that pace whether or not the last one is done, and waiting counts.
    """
    side = _side(name, where)
    _say({"ready": True})
    for line in sys.stdin:
        block = json.loads(line)
        if name == "http":
            # The server has closed a connection that was idle while the other sides answered.
            side = _side(name, where)
        took_ms, found = [], 0
        due = monotonic()
        for question in block["questions"]:
            if block["every_ms"]:
                sleep(max(0.0, due - monotonic()))
            late_ms = max(0.0, monotonic() - due) * 1000 if block["every_ms"] else 0.0
            due += block["every_ms"] / 1000
            began = perf_counter()
            found += side.query(question) > 0
            took_ms.append((perf_counter() - began) * 1000 + late_ms)
        _say({"took_ms": took_ms, "found": found})


def build(name: str, folder: str, chunks: str) -> None:
    """Index chunks with a peer and say how long it took, reading the file apart."""
    rows = list(engines.rows(Path(chunks)))
    peer = engines.PEERS[name](Path(folder))
    began = perf_counter()
    peer.build(rows)
    _say({"seconds": perf_counter() - began, "chunks": len(rows)})


def dump(workspace: str, file: str) -> None:
    """Write the chunks of the newest revision, as the peers get them, and count them."""
    state, revision, members = _library(Path(workspace))
    count = 0
    with Path(file).open("w", encoding="utf-8") as out:
        for entry in entries(members, state):
            text = entry.content.text
            for chunk in entry.content.chunks:
                row = (text.title, "\n".join(chunk.heading), shown(text, chunk.start, chunk.end))
                out.write(json.dumps(row) + "\n")
                count += 1
    _say({"chunks": count, "documents": revision.documents})


def store(workspace: str, folder: str) -> None:
    """Put contents that were read already into a fresh state and index; say how long it took."""
    state, revision, members = _library(Path(workspace))
    contents = {entry.content.id: entry.content for entry in entries(members, state)}
    database = Database(Path(folder) / "state.db")
    migrate(database, STATE)
    fresh = SqlState(database)
    index = LocalIndex(Path(folder) / "index", analyser=TantivyAnalyser())
    began = perf_counter()
    for batch in _batches(list(contents.values())):
        fresh.keep(batch)
    kept = perf_counter()
    manifest = index.build(1, base=None, gone=(), added=entries(members, fresh))
    built = perf_counter()
    fresh.seal(_first(revision, manifest), added=members, gone=())
    sealed = perf_counter()
    database.close()
    _say(
        {
            "seconds": sealed - began,
            "keep_s": kept - began,
            "build_s": built - kept,
            "seal_s": sealed - built,
            "chunks": revision.chunks,
        }
    )


def _side(name: str, where: str) -> engines.Side:
    if name == "http":
        return engines.Http(where)
    return (engines.OURS | engines.PEERS)[name](Path(where))


def _library(workspace: Path) -> tuple[SqlState, Revision, Sequence[Member]]:
    state = SqlState(Database(load(workspace).data / "state.db"))
    revision = state.revisions()[0]
    return state, revision, list(state.members(revision.number).values())


def _first(revision: Revision, manifest: str) -> Revision:
    return Revision(
        number=1,
        line=revision.line,
        base=None,
        manifest=manifest,
        sealed_at_ms=revision.sealed_at_ms,
        documents=revision.documents,
        chunks=revision.chunks,
        because="benchmark",
    )


def _batches(contents: Sequence[Content]) -> Iterator[Sequence[Content]]:
    waiting = iter(contents)
    while batch := list(islice(waiting, _KEEP_AT_ONCE)):
        yield batch


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    {"answer": answer, "build": build, "dump": dump, "store": store}[sys.argv[1]](*sys.argv[2:])
