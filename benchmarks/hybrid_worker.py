"""One side of the hybrid benchmark in a process of its own; JSON on stdout, a line each.

`hybrid_worker.py build SIDE DATA FOLDER` and `hybrid_worker.py answer SIDE DATA FOLDER`. A process
imports only what its side needs, so that its memory is that of the side.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from answerable.library.ports import Vectors
from hybrid_peer import Given, HybridPeer
from hybrid_peers import HYBRID_PEERS

OURS = ("ours", "ask")


def build_side(name: str, data: str, folder: str) -> None:
    """Index everything with one side and say how long it took, reading apart."""
    if name in OURS:
        from hybrid_ours import build  # noqa: PLC0415 - not in the process of a peer

        _say(build(Path(data), Path(folder)))
        return
    given = _given(Path(data))
    peer = HYBRID_PEERS[name].make(Path(folder))
    try:
        began = perf_counter()
        peer.build(given)
        took: dict[str, object] = {"seconds": perf_counter() - began}
        began = perf_counter()
        try:
            peer.rebuild()
            took["rebuild_s"] = perf_counter() - began
        except NotImplementedError:
            took["rebuild_s"] = None
        _say(took)
    finally:
        peer.close()


def _given(data: Path) -> Given:
    from vectors import load  # noqa: PLC0415 - not in a process that answers

    dataset = load(data)
    with (data / "rows.jsonl").open() as lines:
        texts = [json.loads(line) for line in lines]
    return Given(texts=texts, vectors=np.array(dataset.vectors), kept=dataset.kept)


class _OurSide:
    """Answerable, asked like the others."""

    dial: Sequence[int] = ()

    def __init__(self, name: str, folder: Path) -> None:
        from hybrid_ours import Ours  # noqa: PLC0415 - not in the process of a peer

        ours = Ours(folder)
        self.search = ours.ask if name == "ask" else ours.search
        self.nearest = ours.nearest
        self.close = ours.close

    def turn(self, setting: int) -> None:
        """Do nothing: there is no dial."""

    def processes(self) -> list[int]:
        """Return this process."""
        return [os.getpid()]


def answer(name: str, data: str, folder: str) -> None:
    """Answer blocks, one JSON object a line: `turn`, or `ask` with `kept` and `by`."""
    side = _side(name, Path(folder))
    try:
        questions = json.loads((Path(data) / "questions.json").read_text())
        asked = np.load(Path(data) / "questions.npy")
        _say({"processes": side.processes(), "dial": list(side.dial)})
        for line in sys.stdin:
            block = json.loads(line)
            if "turn" in block:
                side.turn(block["turn"])
                _say({})
                continue
            _say(_answered(side, name, block, questions, asked))
    finally:
        side.close()


def _answered(
    side: _OurSide | HybridPeer,
    name: str,
    block: dict[str, Any],
    questions: Sequence[dict[str, str]],
    asked: Vectors,
) -> dict[str, object]:
    # The peers are given the words to look for; Answerable chooses them itself.
    field = "text" if name in OURS else "words"
    took_ms: list[float] = []
    found: list[Any] = []
    until = perf_counter() + block["within_s"]
    for at in block["ask"]:
        began = perf_counter()
        if took_ms and began > until:
            break
        if block["by"] == "meaning":
            ids = side.nearest(asked[at], block["kept"])
        else:
            ids = side.search(questions[at][field], asked[at], block["kept"])
        took_ms.append((perf_counter() - began) * 1000)
        found.append(ids)
    return {"took_ms": took_ms, "found": found}


def _side(name: str, folder: Path) -> _OurSide | HybridPeer:
    if name in OURS:
        return _OurSide(name, folder)
    peer = HYBRID_PEERS[name].make(folder)
    peer.open()
    return peer


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


_JOBS: dict[str, Callable[..., None]] = {
    "build": build_side,
    "answer": answer,
}

if __name__ == "__main__":
    _JOBS[sys.argv[1]](*sys.argv[2:])
