"""Measure Answerable's speed and memory beside other engines, in one run.

By words beside SQLite FTS5, bm25s and LanceDB; hybrid, by words and vectors, beside LanceDB,
Qdrant, pgvector, Chroma and Haystack. `make bench` runs it in an environment of its own. Everything
is made in a temporary folder and removed at the end, but for the vectors of real texts, which are
kept below the user's cache folder. What is measured, and how, stands in docs/guide/benchmarks.md,
which `--write` writes together with results/latest.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import corpus
import engines
import hybrid
import measuring
import report
from hybrid_peers import HYBRID_PEERS
from running import ANSWERABLE, WORKER, Side, server, side

HERE = Path(__file__).parent
PAGE = corpus.ROOT / "docs" / "guide" / "benchmarks.md"
RESULTS = HERE / "results" / "latest.json"

_SIZES = (20_000, 100_000)
_QUICK_SIZES = (2_000,)
_LARGE_SIZE = 1_000_000
_PARTS = ("words", "hybrid")
_LARGE = "large"
_QUICK_ASKED = 150
_BLOCK = 50
_PACED_BLOCK = 10
_PACE_MS = 20.0
_MORE_CHUNKS_SHARE = 5


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How often things are done.

    Attributes:
        warm_up: Questions that do not count.
        idle_asked: Questions at a steady pace before an ingest begins.
        repeats: Of ingests and starts; the median counts.
        help_repeats: Of `--help`.
        files: Ingested twice without a change.
        hybrid: Of questions to the sides of hybrid search.
    """

    warm_up: int
    idle_asked: int
    repeats: int
    help_repeats: int
    files: Path
    hybrid: hybrid.Times


_FULL = Effort(
    warm_up=120,
    idle_asked=500,
    repeats=3,
    help_repeats=10,
    files=corpus.ops_docs() or corpus.EXAMPLES,
    hybrid=hybrid.Times(warm_up=120, checked=200, filtered=200),
)
_QUICK = Effort(
    warm_up=10,
    idle_asked=50,
    repeats=1,
    help_repeats=1,
    files=corpus.EXAMPLES,
    hybrid=hybrid.Times(warm_up=10, checked=20, filtered=20),
)


def main() -> None:
    """Measure, print a table, and write what was asked for."""
    options = _options()
    if options.made_of:
        result = report.joined([json.loads(one.read_text()) for one in options.made_of])
    else:
        with tempfile.TemporaryDirectory(prefix="answerable-bench-") as folder:
            result = measure(Path(folder), options)
    result["notes"] = options.note
    print(report.terminal(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(result, indent=2) + "\n")
        PAGE.write_text(report.page(result))
        print(f"wrote {PAGE.relative_to(corpus.ROOT)} and {RESULTS.relative_to(corpus.ROOT)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 chunks, fewer questions")
    parser.add_argument("--chunks", type=int, action="append", help="a size to measure at; repeat")
    parser.add_argument("--part", choices=(*_PARTS, _LARGE), help="measure only this")
    parser.add_argument(
        "--large", action="store_true", help="also hybrid search of 1,000,000 chunks, ours alone"
    )
    parser.add_argument("--questions", type=int, help="ask at most so many")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--write", action="store_true", help="write the page and latest.json")
    parser.add_argument(
        "--from",
        dest="made_of",
        metavar="JSON",
        type=Path,
        action="append",
        help="measure nothing: put together what --json wrote of the parts; repeat",
    )
    parser.add_argument(
        "--note", action="append", default=[], help="what a reader of the page has to know; repeat"
    )
    options = parser.parse_args()
    if options.write and options.part and not options.made_of:
        parser.error("--write needs both parts: the page has them side by side")
    options.chunks = options.chunks or list(_QUICK_SIZES if options.quick else _SIZES)
    if options.quick and options.questions is None:
        options.questions = _QUICK_ASKED
    return options


def _command(options: argparse.Namespace) -> str:
    """Return how to measure the same again, without where results were written to."""
    sizes = [] if options.chunks == list(_SIZES) else [f"--chunks {one}" for one in options.chunks]
    asked = [] if options.questions is None else [f"--questions {options.questions}"]
    part = [f"--part {options.part}"] if options.part else []
    flags = ["--quick"] * options.quick + ["--large"] * options.large
    return " ".join(("benchmarks/run.py", *flags, *sizes, *part, *asked))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Return everything measured, as plain values."""
    questions = corpus.questions()[: options.questions]
    effort = _QUICK if options.quick else _FULL
    parts = (options.part,) if options.part else (*_PARTS, *([_LARGE] * options.large))
    missing = [name for name in engines.PEERS if name != "fts5" and not find_spec(name)]
    result: dict[str, object] = {
        "at": datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": _command(options),
        "load_before": measuring.load(),
        "machine": measuring.machine(folder),
        "questions": len(questions),
        "peers_missing": missing,
        "sizes": [
            measure_size(folder / str(chunks), chunks, questions, effort, parts)
            for chunks in options.chunks
            if parts != (_LARGE,)
        ],
    }
    if _LARGE in parts:
        result["large"] = measure_size(
            folder / "large", _LARGE_SIZE, questions, effort, ("hybrid",), peers=()
        )
    if "words" in parts:
        result["no_change"] = noted("no change", lambda: measure_no_change(folder / "same", effort))
        result["help"] = noted("help", lambda: measure_help(effort))
    return result | {"aims": report.aims(result)}


def noted(name: str, job: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return what a job measured, with the load and pace of the machine around it."""
    say(f"  {name} …")
    # Files written a moment ago would make the first synced write wait for all of them.
    os.sync()
    before = (measuring.load(), measuring.pace_ns())
    measured = job()
    after = (measuring.load(), measuring.pace_ns())
    return measured | {
        "load": round(statistics.fmean((before[0], after[0])), 1),
        "pace_ns": round(statistics.fmean((before[1], after[1]))),
    }


def measure_size(
    folder: Path,
    chunks: int,
    questions: Sequence[str],
    effort: Effort,
    parts: Sequence[str],
    *,
    peers: Sequence[str] = tuple(HYBRID_PEERS),
) -> dict[str, object]:
    """Return what was measured at one size."""
    made = corpus.make(folder / "files", chunks=chunks)
    say(f"about {chunks:,} chunks: {made.files:,} files, {made.real:,} of them real")
    workspace = folder / "workspace"

    repeats = 1 if chunks > _SIZES[0] or "words" not in parts else effort.repeats
    measured: dict[str, object] = {
        "wanted": chunks,
        "files": made.files,
        "real_files": made.real,
        "sources": list(made.sources),
        "ingest": noted("ingest", lambda: measure_ingest(made.folder, workspace, repeats=repeats)),
    }
    shutil.rmtree(made.folder)
    measured["disk_mb"] = measuring.disk_mb(workspace / "data")
    if "hybrid" in parts:
        measured["hybrid"] = hybrid.measure_hybrid(
            workspace, folder / "hybrid", questions, effort.hybrid, peers=peers, say=say
        )
    if "words" in parts:
        measured |= measure_words(workspace, folder, chunks, questions, effort)
    shutil.rmtree(folder)
    return measured


def measure_words(
    workspace: Path, folder: Path, chunks: int, questions: Sequence[str], effort: Effort
) -> dict[str, object]:
    """Return what was measured of search by words, of answering, and beside an ingest."""
    peers = [name for name in engines.PEERS if name == "fts5" or find_spec(name)]
    dumped = folder / "chunks.jsonl"
    command = [sys.executable, WORKER, "dump", workspace, dumped]
    measured: dict[str, object] = {**measuring.parsed(measuring.finish(command))}
    measured["store"] = noted("store", lambda: measure_store(workspace, folder / "store"))
    measured["builds"] = {
        name: noted(name, lambda name=name: measure_build(name, folder / name, dumped))
        for name in peers
    }
    measured["queries"] = noted(
        "questions", lambda: measure_queries(workspace, folder, questions, peers, effort)
    )
    measured["start"] = noted("start", lambda: measure_start(workspace, questions, effort))
    corpus.recombined(folder / "more", chunks=chunks // _MORE_CHUNKS_SHARE, seed=chunks)
    measured["busy"] = noted(
        "questions beside an ingest",
        lambda: measure_busy(workspace, folder / "more", questions, effort),
    )
    return measured


def measure_ingest(files: Path, workspace: Path, *, repeats: int) -> dict[str, object]:
    """Ingest into a new workspace by the command line; the last one stays. Durable at the end."""
    runs = []
    for _ in range(repeats):
        shutil.rmtree(workspace, ignore_errors=True)
        make_workspace(workspace)
        ended = measuring.finish([ANSWERABLE, "ingest", files, "-w", workspace, "--json"])
        (said,) = json.loads(ended.stdout)
        runs.append((said["chunks"] / ended.wall_s, said["chunks"], ended))
    rate, chunks, ended = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    return {
        "chunks": chunks,
        "chunks_per_s": rate,
        "runs": [run[0] for run in runs],
        "cpu_s": ended.cpu_s,
        "peak_mb": ended.peak_mb,
    }


def measure_store(workspace: Path, folder: Path) -> dict[str, object]:
    """Put contents that are parsed already into a new state and index."""
    folder.mkdir()
    ended = measuring.finish([sys.executable, WORKER, "store", workspace, folder])
    took = measuring.parsed(ended)
    shutil.rmtree(folder)
    return {**took, "chunks_per_s": took["chunks"] / took["seconds"]}


def measure_build(name: str, folder: Path, dumped: Path) -> dict[str, object]:
    """Index the same chunks with a peer."""
    folder.mkdir()
    ended = measuring.finish([sys.executable, WORKER, "build", name, folder, dumped])
    took = measuring.parsed(ended)
    return {
        "seconds": took["seconds"],
        "chunks_per_s": took["chunks"] / took["seconds"],
        "peak_mb": ended.peak_mb,
        "disk_mb": measuring.disk_mb(folder),
    }


def measure_queries(
    workspace: Path, folder: Path, questions: Sequence[str], peers: Sequence[str], effort: Effort
) -> dict[str, object]:
    """Ask every side the same questions, a block each in turn, each in a process of its own."""
    with ExitStack() as stack:
        running = stack.enter_context(server(workspace))
        sides = [
            *(stack.enter_context(side(name, str(workspace))) for name in engines.OURS),
            stack.enter_context(side("http", running.port, watched=running.pid)),
            *(stack.enter_context(side(name, str(folder / name))) for name in peers),
        ]
        for one in sides:
            one.warm(questions[: effort.warm_up])
        for turn, block in enumerate(_blocks(questions[effort.warm_up :] or questions)):
            for one in (*sides[turn % len(sides) :], *sides[: turn % len(sides)]):
                one.block(block)
        return {one.name: one.summary() for one in sides}


def measure_start(workspace: Path, questions: Sequence[str], effort: Effort) -> dict[str, object]:
    """Start a server, and ask by the command line, a few times each."""
    ready, asked = [], []
    for number in range(effort.repeats):
        with server(workspace) as running:
            ready.append(running.ready_s)
        # Code 4 and the like mean that the documents do not say: an answer too.
        command = [ANSWERABLE, "ask", questions[number], "-w", workspace]
        asked.append(measuring.finish(command, codes=range(128)).wall_s)
    return {"ready_s": statistics.median(ready), "ask_s": statistics.median(asked)}


def measure_busy(
    workspace: Path, more: Path, questions: Sequence[str], effort: Effort
) -> dict[str, object]:
    """Ask at a steady pace: idle, while another process ingests more documents, and idle again.

    The quieter of the two idle times is what the busy one is compared with, so that a disturbance
    from elsewhere cannot make the ingest look harmless.
    """
    with side("ask", str(workspace)) as one:
        one.warm(questions[: effort.warm_up])
        before = one.block(corpus.take(questions, effort.idle_asked), every_ms=_PACE_MS)
        command = [str(ANSWERABLE), "ingest", str(more), "-w", str(workspace), "--json"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as ingest:
            busy = list(_until_done(one, ingest, questions))
        os.sync()
        after = one.block(corpus.take(questions, effort.idle_asked), every_ms=_PACE_MS)
        if ingest.returncode:
            raise RuntimeError(f"the ingest beside the questions ended with {ingest.returncode}")
    return {
        "every_ms": _PACE_MS,
        "idle": min(map(measuring.spread, (before, after)), key=lambda idle: idle["p99_ms"]),
        "busy": measuring.spread(busy),
    }


def _until_done(
    one: Side, ingest: subprocess.Popen[bytes], questions: Sequence[str]
) -> Iterator[float]:
    asked = 0
    while ingest.poll() is None:
        yield from one.block(corpus.take(questions, _PACED_BLOCK, start=asked), every_ms=_PACE_MS)
        asked += _PACED_BLOCK


def measure_no_change(folder: Path, effort: Effort) -> dict[str, object]:
    """Ingest real files once, then again unchanged, process start included."""
    make_workspace(folder)
    command = [ANSWERABLE, "ingest", effort.files, "-w", folder, "--json"]
    first = json.loads(measuring.finish(command).stdout)
    runs = [measuring.finish(command) for _ in range(effort.repeats)]
    return {
        "files": first[0]["documents"],
        "is_ops_docs": effort.files == corpus.ops_docs(),
        "seconds": statistics.median(run.wall_s for run in runs),
        "cpu_s": statistics.median(run.cpu_s for run in runs),
    }


def measure_help(effort: Effort) -> dict[str, object]:
    """Ask for help a few times; the first time also compiles and is left out."""
    command = [ANSWERABLE, "--help"]
    runs = [measuring.finish(command) for _ in range(effort.help_repeats + 1)][1:]
    return {
        "seconds": statistics.median(run.wall_s for run in runs),
        "slowest_s": max(run.wall_s for run in runs),
        "cpu_s": statistics.median(run.cpu_s for run in runs),
    }


def make_workspace(folder: Path) -> None:
    """Make a workspace whose data lies inside it, and in which nothing embeds by itself.

    Vectors of its documents would take hours, in the background of what is measured.
    """
    os.environ["ANSWERABLE_RELEASE__EMBEDDER"] = "none"
    measuring.finish([ANSWERABLE, "init", folder, "--data-dir", folder / "data"])


def say(text: str) -> None:
    """Tell the person who waits what goes on."""
    print(text, file=sys.stderr, flush=True)


def _blocks(questions: Sequence[str]) -> Iterator[list[str]]:
    waiting = iter(questions)
    while block := list(islice(waiting, _BLOCK)):
        yield block


if __name__ == "__main__":
    main()
