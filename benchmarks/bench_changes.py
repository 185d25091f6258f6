"""What changing safely costs: bookkeeping, comparing, evaluating, and a switch under load.

    python benchmarks/bench_changes.py [--chunks 10000] [--seconds 8]

1. A canary is told of an answer, and asked what to do; and a conversation is given its release.
2. Two runs of 10,000 questions are compared, intervals by bootstrap and all.
3. A gate asks two releases a set of questions, by words, over so many chunks; nothing is cached.
4. A server answers eight callers without a pause; meanwhile releases are promoted and rolled back.
   Each second with a switch in it is set against the seconds before the first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import httpx2

import corpus
import running
from answerable.adapters.sources.question_set import QuestionSet
from answerable.app import load_question_set, open_app
from answerable.app.canarying import plan
from answerable.app.trials import JOBS
from answerable.quality.comparison import compared
from answerable.quality.grades import Grade
from answerable.quality.records import EvalRun, Record
from answerable.releases.canary import Arm, advised, arm_of, begun, observed
from answerable.releases.watching import conversation_of
from measuring import load, percentile

ROUNDS = 20_000
PAIRS = 10_000
CALLERS = 8
SWITCHES = 10
PAUSE_S = 0.5


def main() -> None:
    """Measure all four and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=8.0, help="of load before any switch")
    given = parser.parse_args()
    os.environ["ANSWERABLE_RELEASE__EMBEDDER"] = "none"
    print(f"load before: {load():.1f}")
    bookkeeping()
    comparing()
    with tempfile.TemporaryDirectory() as folder:
        workspace = library(Path(folder), given.chunks)
        evaluating(workspace)
        switching(workspace, given.seconds)


def bookkeeping() -> None:
    """Time what a canary does for one answer."""
    canary = begun("rel-b", "rel-a", plan(), now_ms=0)

    def note() -> None:
        nonlocal canary
        noted = observed(canary, Arm.LIVE, (False, False, False))
        canary = observed(noted, Arm.CANARY, (True, False, False))
        advised(canary, now_ms=3_600_000)

    for at, what, once in (
        (2, "one answer noted, and what to do", note),
        (
            1,
            "one conversation given its release",
            lambda: arm_of(conversation_of("a", "b"), canary),
        ),
    ):
        took_s = min(_timed(once, ROUNDS // 10) for _ in range(5)) / (ROUNDS // 10) / at
        print(f"{what}: {1e6 * took_s:.1f} us")


def _timed(once: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        once()
    return time.perf_counter() - began


def comparing() -> None:
    """Time the comparison of two large runs."""
    random = Random(1)

    def record(number: int) -> Record:
        return Record(
            id=str(number),
            question="q",
            tags=("a" if number % 2 else "b",),
            cluster=str(number // 3),
            grade=Grade.GOOD if random.random() < 0.9 else Grade.BAD,
            measures={"mrr@10": random.random(), "hit@10": 1.0},
            outcome="answered",
            rung="quote",
            answer="a",
            because="",
        )

    def run(name: str) -> EvalRun:
        records = tuple(record(number) for number in range(PAIRS))
        return EvalRun(
            id=name,
            questions="s",
            questions_hash="h",
            release=name,
            revision=1,
            at_ms=0,
            records=records,
        )

    before, after = run("a"), run("b")
    began = time.perf_counter()
    compared(before, after, margin=0.02)
    print(f"{PAIRS:,} pairs compared: {time.perf_counter() - began:.2f} s")


def library(folder: Path, chunks: int) -> Path:
    """Return a workspace with so many chunks."""
    workspace, documents = folder / "workspace", folder / "documents"
    documents.mkdir()
    made = corpus.make(documents, chunks=chunks)
    for command in (
        ("init", workspace, "--data-dir", "data"),
        ("ingest", documents, "-w", workspace),
    ):
        subprocess.run([running.ANSWERABLE, *command], check=True, capture_output=True)
    print(f"{made.files:,} files for {chunks:,} chunks")
    return workspace


def evaluating(workspace: Path) -> None:
    """Time a run over a question set, of a release nobody asked before."""
    sets = [corpus.ROOT / "examples" / "questions" / "runbooks.jsonl"]
    if corpus.ops_docs():
        sets.append(corpus.REAL / "ops-qa" / "questions.jsonl")
    cases = tuple(case for one in sets for case in load_question_set(str(one), None).cases)
    with open_app(workspace) as app:
        for text in corpus.questions()[-20:]:
            app.search(text, app.owner(), limit=10)
        for jobs in (1, JOBS):
            release = replace(app.serving().release, software=f"benchmark {jobs}")
            on = app._current.staged(release)  # noqa: SLF001
            began = time.perf_counter()
            app._trials.records(  # noqa: SLF001
                QuestionSet(name="s", cases=cases),
                cases,
                on,
                asked=lambda _count: None,
                jobs=jobs,
            )
            took_s = time.perf_counter() - began
            print(f"evaluated, {jobs} at once: {len(cases) / took_s:.0f} questions a second")


def switching(workspace: Path, seconds: float) -> None:
    """Time answers before and while releases change."""
    questions = corpus.questions()[:200]
    with running.server(workspace) as server:
        base = f"http://127.0.0.1:{server.port}"
        api = httpx2.Client(base_url=base, timeout=30)
        made = api.post(
            "/v1/releases", json={"base": "live", "changes": {"quoting.units_max": "7"}}
        ).json()["release_id"]
        took: list[tuple[float, float]] = []
        failed: list[int] = []
        done = threading.Event()

        def call(first: int) -> None:
            with httpx2.Client(base_url=base, timeout=30) as client:
                number = first
                while not done.is_set():
                    text = questions[number % len(questions)]
                    began = time.perf_counter()
                    answer = client.post("/v1/ask", json={"question": text})
                    took.append((began, 1_000 * (time.perf_counter() - began)))
                    if answer.status_code != 200:
                        failed.append(answer.status_code)
                    number += CALLERS

        callers = [threading.Thread(target=call, args=(n,)) for n in range(CALLERS)]
        for one in callers:
            one.start()
        time.sleep(2)
        before_s = time.perf_counter()
        time.sleep(seconds)
        switches, switched = [], []
        for number in range(SWITCHES):
            began = time.perf_counter()
            if number % 2 == 0:
                api.post(f"/v1/releases/{made}/promote", json={"override": "benchmark"})
            else:
                api.post("/v1/releases/rollback", json={"because": "benchmark"})
            switched.append(began)
            switches.append(1_000 * (time.perf_counter() - began))
            time.sleep(PAUSE_S)
        done.set()
        for one in callers:
            one.join()
    calm = [ms for at, ms in took if before_s <= at < switched[0]]
    during = [ms for at, ms in took if any(0 <= at - s < PAUSE_S for s in switched)]
    ratio = percentile(during, 0.99) / percentile(calm, 0.99)
    print(f"promote or roll back, under load: p50 {percentile(switches, 0.5):.0f} ms")
    print(f"answers before: p50 {percentile(calm, 0.5):.1f}, p99 {percentile(calm, 0.99):.1f} ms")
    half, most = percentile(during, 0.5), percentile(during, 0.99)
    print(f"answers while switching: p50 {half:.1f}, p99 {most:.1f} ms")
    print(f"p99 while switching is {ratio:.2f} x before; {len(failed)} of {len(took)} failed")


if __name__ == "__main__":
    main()
