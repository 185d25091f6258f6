"""Write what every side of the hybrid benchmark is given.

`hybrid_prepare.py WORKSPACE DATA QUESTIONS`: texts, vectors, labels and questions go into files of
one folder, beside a copy of the state whose documents carry the labels; JSON on stdout says what
they are.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

import engines
import vectors
from answerable.adapters.state.engine import Database
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.documents import Chunk, Content, Member
from answerable.library.flow import entries
from answerable.library.meaning import meaning, sentences
from answerable.library.visible import shown
from answerable.settings import load
from packed import Packed

_REAL_MAX = 20_000
_RECOMBINED = "recombined/"


def prepare(workspace: str, folder: str, questions: str) -> None:
    """Write what every side is given: texts, vectors, labels, questions and exact neighbours."""
    data = Path(folder)
    data.mkdir()
    state = _copied(Path(workspace), data)
    members = _relabelled(state)
    rows, real = _write_rows(members, state, data)
    embedder = vectors.embedder()
    began = perf_counter()
    _write_vectors(rows, real, vectors.Kept(embedder, "passage"), data)
    took_s = perf_counter() - began
    asked = json.loads(Path(questions).read_text())
    words = engines.Words()
    (data / "questions.json").write_text(
        json.dumps([{"text": one, "words": " ".join(words.of(one))} for one in asked])
    )
    np.save(data / "questions.npy", vectors.Kept(embedder, "question").of(asked))
    Packed(data).write(np.load(data / "vectors.npy", mmap_mode="r"), [row.parts for row in rows])
    kept = [np.array([name in row.labels for row in rows]) for name in vectors.FILTERS]
    np.save(data / "kept.npy", np.array(kept))
    print(
        json.dumps(
            {
                "chunks": len(rows),
                "real": len(real),
                "documents": len(members),
                "embedder": embedder.name,
                "embed_s": took_s,
                "kept": {
                    name: float(some.mean())
                    for name, some in zip(vectors.FILTERS, kept, strict=True)
                },
                "speed": vectors.speed(embedder, list(real.values()), asked),
            }
        )
    )


class _Row(NamedTuple):
    """A chunk: where its noise comes from, how many sentence vectors it has, its labels."""

    seed: tuple[int, int]
    parts: int
    labels: frozenset[str]


def _copied(workspace: Path, data: Path) -> SqlState:
    source = load(workspace).data / "state.db"
    with (
        closing(sqlite3.connect(source)) as base,
        closing(sqlite3.connect(data / "state.db")) as copy,
    ):
        base.backup(copy)
    return SqlState(Database(data / "state.db"))


def _relabelled(state: SqlState) -> list[Member]:
    """Seal the newest revision again, its documents labelled by which filters keep them."""
    newest = state.revisions()[0]
    members = list(state.members(newest.number).values())
    sizes = [member.chunks for member in members]
    held: list[set[str]] = [set() for _ in members]
    for seed, (name, share) in enumerate(vectors.FILTERS.items()):
        for labels, taken in zip(held, vectors.labelled(sizes, share, seed), strict=True):
            if taken:
                labels.add(name)
    marked = [
        replace(member, document=replace(member.document, labels=frozenset(labels)))
        for member, labels in zip(members, held, strict=True)
    ]
    state.seal(replace(newest, number=newest.number + 1, base=newest.number), added=marked, gone=())
    return list(state.members(newest.number + 1).values())


def _write_rows(
    members: Sequence[Member], state: SqlState, data: Path
) -> tuple[list[_Row], dict[int, str]]:
    """Write texts and places, and return the rows and what is embedded of real ones."""
    rows: list[_Row] = []
    real: dict[int, str] = {}
    with (data / "rows.jsonl").open("w") as texts, (data / "places.jsonl").open("w") as places:
        for entry in entries(members, state):
            is_real = not entry.document.path.startswith(_RECOMBINED)
            for chunk in entry.content.chunks:
                if is_real and len(real) < _REAL_MAX:
                    real[len(rows)] = meaning(entry.content.text, chunk)
                rows.append(_row(entry.content, chunk, entry.document.labels))
                texts.write(json.dumps(_text(entry.content, chunk)) + "\n")
                places.write(json.dumps([entry.document.id, chunk.ordinal]) + "\n")
    return rows, real


def _row(content: Content, chunk: Chunk, labels: frozenset[str]) -> _Row:
    seed = (int(content.id[:8], 16), chunk.ordinal)
    return _Row(seed=seed, parts=len(sentences(content.text, chunk)), labels=labels)


def _text(content: Content, chunk: Chunk) -> str:
    body = shown(content.text, chunk.start, chunk.end)
    return "\n".join((content.text.title, "\n".join(chunk.heading), body))


def _write_vectors(
    rows: Sequence[_Row], real: dict[int, str], kept: vectors.Kept, data: Path
) -> None:
    known = kept.of(list(real.values()))
    out = np.lib.format.open_memmap(
        data / "vectors.npy", "w+", np.float32, (len(rows), known.shape[1])
    )
    out[list(real)] = known
    for at, row in enumerate(rows):
        if at not in real:
            out[at] = vectors.perturbed(known, row.seed)
    out.flush()


if __name__ == "__main__":
    prepare(*sys.argv[1:])
