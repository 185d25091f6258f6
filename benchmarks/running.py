"""Processes that are measured while they run: sides that answer blocks, and the server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import IO

import measuring

ANSWERABLE = Path(sys.executable).with_name("answerable")
WORKER = Path(__file__).with_name("worker.py")
_READY_WITHIN_S = 30.0
_PORT = "127.0.0.1:"


@dataclass(kw_only=True)
class Side:
    """A process that answers questions, and what it took so far.

    Attributes:
        watched: The process whose processor time and memory count; for HTTP the server.
    """

    name: str
    process: subprocess.Popen[str]
    watched: int
    took_ms: list[float] = field(default_factory=list)
    found: int = 0
    cpu_s: float = 0.0

    def warm(self, questions: Sequence[str]) -> None:
        """Answer questions that do not count."""
        self._answer(questions, every_ms=0.0)

    def block(self, questions: Sequence[str], *, every_ms: float = 0.0) -> list[float]:
        """Answer questions and return how long each took, in milliseconds."""
        before = measuring.cpu_s(self.watched)
        took_ms, found = self._answer(questions, every_ms=every_ms)
        self.cpu_s += measuring.cpu_s(self.watched) - before
        self.took_ms += took_ms
        self.found += found
        return took_ms

    def _answer(self, questions: Sequence[str], *, every_ms: float) -> tuple[list[float], int]:
        requests = _open(self.process.stdin)
        requests.write(json.dumps({"questions": questions, "every_ms": every_ms}) + "\n")
        requests.flush()
        said = _heard(self.process)
        return said["took_ms"], said["found"]

    def summary(self) -> dict[str, float]:
        """Return the spread of times, processor time a question, and memory now."""
        count = len(self.took_ms)
        return {
            **measuring.spread(self.took_ms),
            "cpu_ms": self.cpu_s / count * 1000,
            "found": self.found / count,
            **measuring.resident(self.watched),
        }


@contextmanager
def side(name: str, where: str, *, watched: int | None = None) -> Iterator[Side]:
    """Give a process that is ready to answer; it ends on leaving."""
    command = [sys.executable, str(WORKER), "answer", name, where]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        _heard(process)
        yield Side(name=name, process=process, watched=watched or process.pid)
        _open(process.stdin).close()


def _open(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise TypeError("the process was started without this pipe")
    return pipe


def _heard(process: subprocess.Popen[str]) -> dict[str, list[float]]:
    line = _open(process.stdout).readline()
    if not line:
        raise RuntimeError(f"{process.args} ended with {process.wait()}")
    said: dict[str, list[float]] = json.loads(line)
    return said


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running `answerable serve`.

    Attributes:
        ready_s: From before the process started until `/readyz` said yes.
    """

    pid: int
    port: str
    ready_s: float


@contextmanager
def server(workspace: Path) -> Iterator[Server]:
    """Give a server that is ready; it is stopped on leaving."""
    began = perf_counter()
    command = [ANSWERABLE, "serve", "--port", "0", "-w", workspace]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
        )
        stack.callback(process.terminate)
        port = _announced(process)
        _wait_until_ready(port)
        yield Server(pid=process.pid, port=port, ready_s=perf_counter() - began)


def _announced(process: subprocess.Popen[str]) -> str:
    for line in _open(process.stderr):
        if _PORT in line:
            return line.partition(_PORT)[2].strip().rstrip("/")
    raise RuntimeError(f"answerable serve ended with {process.wait()}")


def _wait_until_ready(port: str) -> None:
    until = monotonic() + _READY_WITHIN_S
    connection = HTTPConnection("127.0.0.1", int(port))
    while monotonic() < until:
        connection.request("GET", "/readyz")
        reply = connection.getresponse()
        reply.read()
        if reply.status == 200:
            connection.close()
            return
        sleep(0.01)
    raise RuntimeError("answerable serve did not become ready")
