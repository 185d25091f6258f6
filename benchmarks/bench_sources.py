"""How soon a change is found, and whether memory stays where it is: `answerable` as people run it.

    python benchmarks/bench_sources.py [--chunks 100000] [--rounds 300] [--words-only]

1. A folder of 1,239 real files is ingested into an empty library, then again unchanged; each is a
   process of its own, its start counts.
2. A folder of so many chunks is a watched source of `answerable serve`. A file is written, and a
   search asked again and again until it finds it: from before the write to the reply.
3. The same server goes on: each round a file is written, replaced or deleted, and twenty questions
   are asked. Its resident memory, and that of the parsers, is looked at after every tenth round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx2

import corpus
import running
from measuring import finish, load, percentile, resident

WRITES = 15
QUESTIONS_A_ROUND = 20
LOOK_S = 0.01
GIVE_UP_S = 60.0


class Library(NamedTuple):
    """A workspace and the folder of its documents."""

    workspace: Path
    documents: Path


def main() -> None:
    """Measure all three and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--words-only", action="store_true", help="compute no vectors")
    given = parser.parse_args()
    if given.words_only:
        os.environ["ANSWERABLE_RELEASE__EMBEDDER"] = "none"
    print(f"load before: {load():.1f}")
    with tempfile.TemporaryDirectory() as folder:
        first_readings(Path(folder))
        made = library(Path(folder), given.chunks)
        with running.server(made.workspace) as server:
            api = httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=GIVE_UP_S)
            until_idle(api)
            visible(api, made.documents)
            steady(api, made.documents, server.pid, given.rounds)


def first_readings(folder: Path) -> None:
    """Tell how long the real files take, from empty and unchanged."""
    docs = corpus.ops_docs()
    if docs is None:
        print("no ops-docs beside this checkout")
        return
    workspace = initialised(folder / "first")
    for what in ("from empty", "unchanged"):
        ingest = [running.ANSWERABLE, "ingest", docs, "-w", workspace, "--no-wait"]
        ended = finish(ingest, codes=(0, 3))
        print(f"ops-docs {what}: {ended.wall_s:.2f} s, peak {ended.peak_mb:.0f} MB")


def initialised(workspace: Path) -> Path:
    """Return a new workspace."""
    finish([running.ANSWERABLE, "init", workspace, "--data-dir", workspace / "data"])
    return workspace


def library(folder: Path, chunks: int) -> Library:
    """Return a workspace with a source of so many chunks that has been read."""
    documents = folder / "docs"
    documents.mkdir()
    made = corpus.make(documents, chunks=chunks)
    workspace = initialised(folder / "ws")
    answerable = [running.ANSWERABLE, "sources"]
    finish([*answerable, "add", "docs", documents, "--every", "1h", "-w", workspace])
    ended = finish([*answerable, "sync", "docs", "-w", workspace], codes=(0, 3))
    print(f"{made.files:,} files, about {chunks:,} chunks, read first in {ended.wall_s:.0f} s")
    return Library(workspace, documents)


def until_idle(api: httpx2.Client) -> None:
    """Wait until no job runs or waits: vectors are computed behind the words."""
    while True:
        jobs = api.get("/v1/jobs").json()["jobs"]
        if all(job["state"] in ("done", "failed") for job in jobs):
            return
        time.sleep(1.0)


def visible(api: httpx2.Client, documents: Path) -> None:
    """Tell how soon a new file, and a changed one, is found."""
    for what in ("new", "changed"):
        took = []
        for number in range(WRITES):
            word = f"{what}zyx{number}q"
            path = documents / f"written-{number}.md"
            began = time.perf_counter()
            path.write_text(f"# About {word}\n\nThe {word} is kept in the {number}th drawer.\n")
            wait_for(api, word, path.name)
            took.append(time.perf_counter() - began)
        print(
            f"{what} file found: median {percentile(took, 0.5):.2f} s, "
            f"slowest of {WRITES} {max(took):.2f} s"
        )


def wait_for(api: httpx2.Client, word: str, name: str) -> None:
    """Search until a document is found.

    Raises:
        RuntimeError: It was not, for a minute.
    """
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        found = api.post("/v1/search", json={"query": word, "limit": 3}).json()
        if any(one["path"] == name for one in found["passages"]):
            return
        time.sleep(LOOK_S)
    raise RuntimeError(f"{name} was not found")


def steady(api: httpx2.Client, documents: Path, pid: int, rounds: int) -> None:
    """Tell the resident memory of a server that reads and answers without a pause."""
    asked = corpus.questions()
    seen: list[float] = []
    for number in range(rounds):
        path = documents / f"churn-{number % 7}.md"
        if number % 5 == 4:
            path.unlink(missing_ok=True)
        else:
            path.write_text(f"# Churn {number}\n\nRound {number} turns the wheel once more.\n")
        for one in corpus.take(asked, QUESTIONS_A_ROUND, start=number * QUESTIONS_A_ROUND):
            api.post("/v1/search", json={"query": one, "limit": 10}).raise_for_status()
        if number % 10 == 9:
            seen.append(resident_of_family(pid))
    tenth = max(1, len(seen) // 10)
    print(
        f"memory over {rounds} rounds and {rounds * QUESTIONS_A_ROUND:,} searches: "
        f"{mean(seen[:tenth]):.0f} MB at first, {mean(seen[-tenth:]):.0f} MB at last, "
        f"{max(seen):.0f} MB at most"
    )
    print(json.dumps([round(one) for one in seen]))


def resident_of_family(pid: int) -> float:
    """Return the resident memory of a process and its children together, in MB."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    family = [pid, *map(int, listed.stdout.split())]
    return sum(resident(one)["anonymous_mb"] for one in family if Path(f"/proc/{one}").exists())


def mean(values: Sequence[float]) -> float:
    """Return the mean of some values."""
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
