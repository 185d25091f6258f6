"""Hybrid search beside other engines: the same vectors and texts, each side in its own process.

A peer that fails, or takes longer than it is given, is left out and the page says why. Nothing is
left running: a side and all it started are ended with their process group.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import IO, Any, TypeVar

import measuring
import vectors
from hybrid_peers import HYBRID_PEERS

OURS = "ours"
ASK = "ask"
_HERE = Path(__file__).parent
_PREPARE = _HERE / "hybrid_prepare.py"
_WORKER = _HERE / "hybrid_worker.py"
RECALL_AIM = 0.98
_BLOCK = 50
_BUILD_WITHIN_S = 600.0
_READY_WITHIN_S = 180.0
_END_WITHIN_S = 20.0
_ANSWERS_WITHIN_S = 10.0
_KEEPS_BUSY_S = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Times:
    """How often things are asked.

    Attributes:
        warm_up: Questions that do not count.
        checked: Questions whose neighbours are compared with the exact ones.
        filtered: Questions asked with each filter.
    """

    warm_up: int
    checked: int
    filtered: int


class SideFailedError(Exception):
    """A side ended, said nothing in time, or could not be built."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process of `hybrid_worker.py` or `hybrid_prepare.py`.

    Attributes:
        complaints: What it wrote to its standard error.
    """

    process: subprocess.Popen[str]
    complaints: IO[str]

    def say(self, request: Mapping[str, object]) -> None:
        """Send it a line.

        Raises:
            SideFailedError: It has ended.
        """
        pipe = _pipe(self.process.stdin)
        try:
            pipe.write(json.dumps(request) + "\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def heard(self, within_s: float | None) -> dict[str, Any]:
        """Return the next line it says.

        Raises:
            SideFailedError: It has ended, or said nothing in time.
        """
        out = _pipe(self.process.stdout)
        if within_s is not None and not select.select([out], [], [], within_s)[0]:
            raise SideFailedError(f"it said nothing for {within_s:.0f} s")
        line = out.readline()
        if not line:
            raise self._ended()
        said: dict[str, Any] = json.loads(line)
        return said

    def _ended(self) -> SideFailedError:
        code = self.process.wait()
        self.complaints.seek(0)
        last = [line.strip() for line in self.complaints if line.strip()][-1:]
        return SideFailedError(f"it ended with {code}: {last[0] if last else 'no message'}")


@dataclass(kw_only=True)
class HybridSide:
    """A process that answers, and what it took so far.

    Attributes:
        watched: The processes whose processor time and memory count.
        dial: Settings between speed and recall, fastest first.
        busy_s: How long it has answered.
    """

    name: str
    worker: Worker
    watched: Sequence[int]
    dial: Sequence[int]
    setting: int | None = None
    took_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    busy_s: float = 0.0

    def turn(self, setting: int) -> None:
        """Set the dial."""
        self._said({"turn": setting})
        self.setting = setting

    def ask(
        self, questions: Sequence[int], *, kept: str = "all", by: str = "both"
    ) -> tuple[list[float], list[Any]]:
        """Return how long each question took, in milliseconds, and what was found.

        A slow side answers only the first of them: as many as it can in some seconds.
        """
        said = self._said(
            {"ask": list(questions), "kept": kept, "by": by, "within_s": _ANSWERS_WITHIN_S}
        )
        return said["took_ms"], said["found"]

    def block(self, questions: Sequence[int]) -> None:
        """Answer questions that count."""
        before = measuring.cpu_of(self.watched)
        took_ms, _ = self.ask(questions)
        self.cpu_s += measuring.cpu_of(self.watched) - before
        self.took_ms += took_ms
        self.busy_s += sum(took_ms) / 1000

    def summary(self) -> dict[str, object]:
        """Return the spread of times, processor time a question, and memory now."""
        return {
            **measuring.spread(self.took_ms),
            "cpu_ms": self.cpu_s / len(self.took_ms) * 1000,
            "setting": self.setting,
            **measuring.resident_of(self.watched),
        }

    def _said(self, request: Mapping[str, object]) -> dict[str, Any]:
        self.worker.say(request)
        return self.worker.heard(_READY_WITHIN_S)


def measure_hybrid(
    workspace: Path,
    folder: Path,
    questions: Sequence[str],
    times: Times,
    *,
    peers: Sequence[str],
    say: Callable[[str], None],
) -> dict[str, object]:
    """Return what was measured with the chunks of a workspace; `folder` is made and removed."""
    folder.mkdir(parents=True)
    data = folder / "data"
    (folder / "asked.json").write_text(json.dumps(list(questions)))
    say("  hybrid: vectors …")
    prepared = _finished([_PREPARE, workspace, data, folder / "asked.json"], within_s=None)
    failed = {name: f"{HYBRID_PEERS[name].module} is not installed" for name in missing(peers)}
    failed |= _left_out(peers, prepared["chunks"])
    builds = {}
    for name in (OURS, *peers):
        if name not in failed:
            say(f"  hybrid: {name} …")
            with _noting(failed, name):
                builds[name] = _built(name, data, folder)
    say("  hybrid: questions …")
    names = [name for name in builds if name not in failed]
    asked = _asked([*names, ASK], data, folder, times, failed)
    if OURS in failed:
        raise RuntimeError(f"Answerable itself failed: {failed[OURS]}")
    shutil.rmtree(folder)
    return {
        **prepared,
        "builds": builds,
        **asked,
        "checked": min(times.checked, len(questions)),
        "left_out": failed,
    }


def missing(peers: Sequence[str]) -> list[str]:
    """Return those of the peers that are not installed."""
    return [name for name in peers if not find_spec(HYBRID_PEERS[name].module)]


def _left_out(peers: Sequence[str], chunks: int) -> dict[str, str]:
    about = {name: HYBRID_PEERS[name] for name in peers}
    return {name: one.because for name, one in about.items() if 0 < one.most < chunks}


def _built(name: str, data: Path, folder: Path) -> dict[str, object]:
    place = folder / name
    place.mkdir()
    os.sync()
    began = perf_counter()
    took = _finished(
        [_WORKER, "build", name, data, place], within_s=_BUILD_WITHIN_S if name != OURS else None
    )
    wall_s = perf_counter() - began
    return {**took, "wall_s": wall_s, "disk_mb": measuring.disk_mb(place), "load": measuring.load()}


def _asked(
    names: Sequence[str], data: Path, folder: Path, times: Times, failed: dict[str, str]
) -> dict[str, Any]:
    """Ask every side: how long it takes, then how much it finds, without and with filters."""
    dataset = vectors.load(data)
    count = len(dataset.questions)
    judge = _Judge(dataset, list(range(count))[-times.checked :], data)
    with ExitStack() as stack:
        sides = []
        for name in names:
            with _noting(failed, name):
                where = folder / (OURS if name == ASK else name)
                setting = _tuned(name, data, where, judge)
                side = stack.enter_context(_side(name, data, where, setting=setting))
                side.ask(range(min(times.warm_up, count)))
                sides.append(side)
        load = measuring.load()
        _in_turn(sides, range(min(times.warm_up, count // 2), count), failed)
        load = (load + measuring.load()) / 2
        done = [side for side in sides if side.name not in failed and side.took_ms]
        queries = {side.name: side.summary() for side in done}
        filters = {}
        for side in done:
            with _noting(failed, side.name):
                filters[side.name] = _filtered(side, judge, times.filtered)
    return {"queries": queries, "queries_load": round(load, 1), "filters": filters}


class _Judge:
    """Knows the exact neighbours of some questions."""

    def __init__(self, data: vectors.Dataset, checked: Sequence[int], folder: Path) -> None:
        self.checked = checked
        self._data = data
        self._exact = vectors.exact(data, checked)
        with (folder / "places.jsonl").open() as lines:
            places = [tuple(json.loads(line)) for line in lines]
        self._rows = {place: at for at, place in enumerate(places)}

    def recall(self, kept: str, found: Sequence[Sequence[Any]]) -> float:
        """Return which share of the exact neighbours was found."""
        ids = [[self._row(one) for one in some] for some in found]
        count = len(ids)
        limits = self._exact[kept][:count]
        return vectors.recall(self._data, kept, self.checked[:count], ids, limits)

    def _row(self, one: Any) -> int:
        return self._rows[tuple(one)] if isinstance(one, list) else int(one)


def _tuned(name: str, data: Path, where: Path, judge: _Judge) -> int | None:
    """Return the first setting that finds enough of the exact neighbours, or the last.

    In a process of its own: an index read with one setting stays in the memory of the next.
    """
    with _side(name, data, where) as side:
        for setting in side.dial:
            side.turn(setting)
            _, found = side.ask(judge.checked, by="meaning")
            if judge.recall("all", found) >= RECALL_AIM:
                return setting
        return side.dial[-1] if side.dial else None


def _in_turn(sides: Sequence[HybridSide], questions: range, failed: dict[str, str]) -> None:
    """Ask all sides the same questions, a block each in turn; a slow one ends earlier."""
    for turn, block in enumerate(_blocks(questions)):
        for side in (*sides[turn % len(sides) :], *sides[: turn % len(sides)]):
            if side.name not in failed and side.busy_s < _KEEPS_BUSY_S:
                with _noting(failed, side.name):
                    side.block(block)


def _filtered(side: HybridSide, judge: _Judge, count: int) -> dict[str, dict[str, float]]:
    """Return for each filter the recall by meaning, and how long hybrid search takes with it."""
    measured = {}
    for kept in vectors.FILTERS:
        meant_ms, found = side.ask(judge.checked, kept=kept, by="meaning")
        took_ms, _ = side.ask(judge.checked[:count], kept=kept)
        measured[kept] = {
            "recall": judge.recall(kept, found),
            "meaning_p50_ms": measuring.percentile(meant_ms, 0.5),
            **measuring.spread(took_ms),
        }
    return measured


@contextmanager
def _noting(failed: dict[str, str], name: str) -> Iterator[None]:
    """Note why a side failed instead of ending the run."""
    try:
        yield
    except (SideFailedError, RuntimeError, OSError) as error:
        failed[name] = " ".join(str(error).split())[:300]
        print(f"  {name} is left out: {failed[name]}", file=sys.stderr)


@contextmanager
def _side(
    name: str, data: Path, folder: Path, *, setting: int | None = None
) -> Iterator[HybridSide]:
    """Give a process that is ready to answer; it and all it started are ended on leaving."""
    with _started([_WORKER, "answer", name, data, folder]) as worker:
        ready = worker.heard(_READY_WITHIN_S)
        side = HybridSide(name=name, worker=worker, watched=ready["processes"], dial=ready["dial"])
        if setting is not None:
            side.turn(setting)
        yield side


def _finished(arguments: Sequence[str | Path], *, within_s: float | None) -> dict[str, Any]:
    with _started(arguments) as worker:
        return worker.heard(within_s)


@contextmanager
def _started(arguments: Sequence[str | Path]) -> Iterator[Worker]:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as complaints,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
            env=os.environ | {"RUST_LOG": "error", "LANCEDB_LOG": "error"},
        ) as process,
    ):
        try:
            yield Worker(process=process, complaints=complaints)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Let a side end by itself; then end what is left of its process group."""
    with suppress(BrokenPipeError):
        _pipe(process.stdin).close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_WITHIN_S)
    for how in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_WITHIN_S / 4)


def _pipe(pipe: _T | None) -> _T:
    if pipe is None:
        raise TypeError("the process was started without this pipe")
    return pipe


def _blocks(questions: range) -> Iterator[list[int]]:
    waiting = iter(questions)
    while block := list(islice(waiting, _BLOCK)):
        yield block
