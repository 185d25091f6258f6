"""Reads files in warm child processes that can be killed, a few files ahead in each.

A parser meets whatever people keep in folders: it may loop, crash, or eat all memory. So it
runs apart, under limits, and the parent believes nothing it says before `decode` has looked.
The clock of a file runs only while the pool is being used: a caller that takes its time with
a result, or a source that is slow to give the next file, costs no file its deadline.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, MutableSet
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self, cast

import answerable
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import (
    REPLY,
    REQUEST,
    attempt,
    load,
    parts_of,
)
from answerable.adapters.parsers.reply import decode, read_head, refusal
from answerable.domain.errors import NotReady
from answerable.library.ports import Parsed, Parser, Raw, Unreadable

FORMATS = "answerable.adapters.parsers.formats:read_all"

HEAD_BYTES_MAX = 2**20
AHEAD_FILES_MAX = 8
AHEAD_BYTES_MAX = 2**18
PIPE_BYTES = 2**18  # keeps a child busy while the caller works on a result
START_S_MAX = 60.0
STARTS_MAX = 3

_BOOTSTRAP = (
    "import sys; sys.path.extend(sys.argv[2:]); "
    "from answerable.adapters.parsers.child import main; main(sys.argv[1])"
)
_CONFINE = _BOOTSTRAP.replace("parsers.child", "parsers.confined")


def confined(command: list[str], data: bytes, *, memory_bytes: int, wall_s: float) -> bytes:
    """Run a program over some bytes, without network and with limits; return what it writes.

    Args:
        command: The program by an absolute path, and its arguments.
        data: Its standard input.
        memory_bytes: Address space.
        wall_s: Seconds until it is killed.

    Raises:
        subprocess.SubprocessError: It took too long or ended with an error.
        OSError: It cannot be started.
    """
    order = {"command": command, "memory_bytes": memory_bytes, "cpu_s": ceil(wall_s) + 1}
    ran = subprocess.run(  # noqa: S603 - our own interpreter, and arguments we made
        [sys.executable, "-I", "-S", "-c", _CONFINE, json.dumps(order), *_module_folders()],
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=wall_s,
        check=True,
        cwd="/",
        env=_environment() | {"OMP_THREAD_LIMIT": "1"},
    )
    return ran.stdout


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What reading one file may take.

    Attributes:
        wall_s: Seconds from its turn to its result.
        memory_bytes: Address space of the child, interpreter included.
        output_bytes: Canonical text and structure together, as sent.
    """

    wall_s: float = 20.0
    memory_bytes: int = 2**30
    output_bytes: int = 2**26


class ParserPool:
    """Reads files in child processes, started when the first file comes and kept warm.

    May be used from several threads; each call of `read` has children of its own, at most
    `children` at a time.

    Args:
        children: How many files are read at once; by default 2, or 1 on a single processor.
        reader: ``module:function`` that gives format and text of a path and its bytes, or
            raises `Refused`. Its module has a function `digest`.
    """

    def __init__(
        self, *, children: int | None = None, limits: Limits | None = None, reader: str = FORMATS
    ) -> None:
        self._size = children or min(2, os.cpu_count() or 1)
        self._limits = limits or Limits()
        self._reader = reader
        self._lock = threading.Lock()
        self._idle: set[_Child] = set()
        self._busy: set[_Child] = set()
        weakref.finalize(self, _end_all, self._idle, self._busy)

    @property
    def digest(self) -> str:
        """Changes when the same bytes may give another text."""
        return _digest(self._reader)

    def read(self, files: Iterable[Raw]) -> Generator[Parsed | Unreadable, None, None]:
        """Give one result for each file, in any order, as they come.

        Raises:
            NotReady: Children cannot be started, or the pool was closed meanwhile.
        """
        shift = _Shift(
            iter(files),
            size=self._size,
            limits=self._limits,
            hire=self._hire,
            retire=self._retire,
        )
        is_done = False
        try:
            yield from shift.work()
            is_done = True
        finally:
            for child in shift.children:
                self._retire(child, keep=is_done)

    def close(self) -> None:
        """End all children now; the pool may be used again."""
        with self._lock:
            _end_all(self._idle, self._busy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _hire(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    break
                child.release()
            else:
                child = _Child(self._reader, self._limits)
            self._busy.add(child)
            return child

    def _retire(self, child: _Child, *, keep: bool = False) -> None:
        with self._lock:
            self._busy.discard(child)
            if keep and not child.is_ended and len(self._idle) < self._size:
                self._idle.add(child)
                return
        child.end()
        child.release()


_: Callable[..., Parser] = ParserPool


class InlineParser:
    """Reads files in the calling process: no isolation, no limits. For tests."""

    def __init__(self, *, reader: str = FORMATS) -> None:
        self._reader = reader

    @property
    def digest(self) -> str:
        """Changes when the same bytes may give another text."""
        return _digest(self._reader)

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        """Give one result for each file, in order."""
        reader = load(self._reader)
        for raw in files:
            result = attempt(reader, raw.path, raw.data)
            if isinstance(result, Refused):
                yield refusal(raw.path, result.code, result.reason)
            else:
                parts = tuple(Raw(path=name, data=data) for name, data in parts_of(result))
                yield Parsed(path=raw.path, format=result[0], text=result[1], parts=parts)

    def close(self) -> None:
        """Do nothing: there are no children."""


_inline: Callable[..., Parser] = InlineParser


def _digest(reader: str) -> str:
    found: str = importlib.import_module(reader.partition(":")[0]).digest()
    return found


class _Shift:
    """One call of `read`: files in, results out."""

    def __init__(
        self,
        files: Iterator[Raw],
        *,
        size: int,
        limits: Limits,
        hire: Callable[[], _Child],
        retire: Callable[[_Child], None],
    ) -> None:
        self.children: list[_Child] = []
        self._files = files
        self._again: deque[Raw] = deque()
        self._size = size
        self._limits = limits
        self._hire = hire
        self._retire = retire
        self._failed_starts = 0
        self._selector = selectors.DefaultSelector()

    def work(self) -> Iterator[Parsed | Unreadable]:
        with self._selector:
            while self._hand_out():
                for result in self._step():
                    before = monotonic()
                    yield result
                    self._forgive(monotonic() - before)

    def _hand_out(self) -> bool:
        """Give files to whoever is free; return whether anything is left to wait for."""
        before = monotonic()
        while (len(self.children) < self._size or any(c.is_free for c in self.children)) and (
            raw := self._again.popleft() if self._again else next(self._files, None)
        ):
            child = self._least_busy()
            child.give(raw, self._limits)
            self._watch_writing(child)
        self._forgive(monotonic() - before)
        return any(child.in_flight for child in self.children)

    def _least_busy(self) -> _Child:
        child = min(self.children, key=lambda child: len(child.in_flight), default=None)
        if child is None or (child.in_flight and len(self.children) < self._size):
            child = self._hire()
            self.children.append(child)
            self._selector.register(child.replies, selectors.EVENT_READ, child)
        return child

    def _watch_writing(self, child: _Child) -> None:
        is_watched = child.requests in self._selector.get_map()
        if child.outbox and not is_watched:
            self._selector.register(child.requests, selectors.EVENT_WRITE, child)
        elif is_watched and not child.outbox:
            self._selector.unregister(child.requests)

    def _forgive(self, seconds: float) -> None:
        for child in self.children:
            child.due += seconds

    def _step(self) -> list[Parsed | Unreadable]:
        """Wait for the next thing to happen; return the results it brings."""
        results: list[Parsed | Unreadable] = []
        soonest = min(child.due for child in self.children if child.in_flight)
        for key, _events in self._selector.select(max(0.0, soonest - monotonic())):
            child: _Child = key.data
            if child not in self.children:
                continue  # lost a moment ago
            if key.fd == child.requests:
                child.push()
                self._watch_writing(child)
            else:
                results += self._listen(child)
        now = monotonic()
        for child in [c for c in self.children if c.in_flight and c.due < now]:
            results += self._expire(child)
        return results

    def _listen(self, child: _Child) -> list[Parsed | Unreadable]:
        is_open = child.pull()
        results: list[Parsed | Unreadable] = []
        try:
            for frame in child.frames(self._limits):
                results += self._take(child, *frame)
        except _TooMuchError:
            return results + self._lose(child, "output_too_large", "the parser gave too much")
        except ValueError:
            reason = "the parser gave an impossible result"
            return results + self._lose(child, "malformed", reason)
        if child.is_spent:
            results += self._lose(child, "", "")
        elif not is_open:
            results += self._lost(child)
        return results

    def _take(
        self, child: _Child, head: dict[str, Any], text: bytes, numbers: bytes
    ) -> list[Parsed | Unreadable]:
        if not child.is_ready:
            if head.get("code") != "ready":
                raise _not_ready(f"it says {head.get('reason')!r}")
            child.is_ready = True
            child.start_clock(self._limits)
            return []
        if not child.in_flight:
            raise ValueError("a reply that nobody asked for")
        result = decode(child.in_flight[0].path, head, text, numbers)
        child.in_flight.popleft()
        child.start_clock(self._limits)
        child.is_spent = isinstance(result, Unreadable) and result.code == "memory"
        return [result]

    def _expire(self, child: _Child) -> list[Parsed | Unreadable]:
        if not child.is_ready:
            return self._lost(child)
        return self._lose(child, "timeout", f"reading it takes more than {self._limits.wall_s:g} s")

    def _lost(self, child: _Child) -> list[Parsed | Unreadable]:
        """Say what became of the file of a child that ended by itself."""
        if child.is_ended:
            raise NotReady("the parsers were closed while they read", hint="try again")
        status = child.end()
        if not child.is_ready:
            self._failed_starts += 1
            if self._failed_starts == STARTS_MAX:
                raise _not_ready(_ending(status))
            return self._lose(child, "", "")
        if status == -signal.SIGXCPU:
            return self._lose(child, "timeout", "reading it takes too much processor time")
        return self._lose(child, "crashed", f"its parser {_ending(status)}")

    def _lose(self, child: _Child, code: str, reason: str) -> list[Parsed | Unreadable]:
        """End a child; a code condemns the file it was reading, the others are read again."""
        self._selector.unregister(child.replies)
        child.outbox.clear()
        self._watch_writing(child)
        child.end()
        condemned: list[Parsed | Unreadable] = []
        if code and child.in_flight:
            condemned.append(refusal(child.in_flight.popleft().path, code, reason))
        self._again.extend(child.in_flight)
        child.in_flight.clear()
        self.children.remove(child)
        self._retire(child)
        return condemned


class _Child:
    """A child process with its pipes and the files it was given."""

    def __init__(self, reader: str, limits: Limits) -> None:
        self.process = process = self._start(reader, limits)
        self._pipes = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        self.requests, self.replies = (pipe.fileno() for pipe in self._pipes)
        for pipe in (self.requests, self.replies):
            os.set_blocking(pipe, False)
            if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux
                with suppress(OSError):  # the user's share of pipe memory is spent
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.in_flight: deque[Raw] = deque()
        self.outbox: deque[memoryview] = deque()
        self._inbox = bytearray()
        self.due = 0.0
        self.is_ready = False
        self.is_spent = False
        self.is_ended = False

    def _start(self, reader: str, limits: Limits) -> subprocess.Popen[bytes]:
        order = {
            "reader": reader,
            "memory_bytes": limits.memory_bytes,
            "output_bytes": limits.output_bytes,
            "cpu_s": ceil(limits.wall_s) + 1,
        }
        lifeline, self._lifeline = os.pipe()
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter, and arguments we made
                [
                    *(sys.executable, "-I", "-S", "-c", _BOOTSTRAP),
                    json.dumps(order | {"lifeline": lifeline}),
                    *_module_folders(),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env=_environment(),
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._lifeline)
            raise _not_ready(f"{error.strerror}") from error
        finally:
            os.close(lifeline)

    @property
    def is_free(self) -> bool:
        """Whether it should get one more file: a few small ones ahead hide the way there."""
        return len(self.in_flight) < AHEAD_FILES_MAX and (
            sum(len(raw.data) for raw in self.in_flight) < AHEAD_BYTES_MAX
        )

    def give(self, raw: Raw, limits: Limits) -> None:
        if not self.in_flight:
            self.start_clock(limits)
        self.in_flight.append(raw)
        path = json.dumps(raw.path).encode()
        self.outbox.append(memoryview(REQUEST.pack(len(path), len(raw.data)) + path))
        if raw.data:
            self.outbox.append(memoryview(raw.data))
        self.push()

    def start_clock(self, limits: Limits) -> None:
        self.due = monotonic() + (limits.wall_s if self.is_ready else START_S_MAX)

    def push(self) -> None:
        """Send what the pipe takes."""
        try:
            while self.outbox:
                sent = os.write(self.requests, self.outbox[0])
                rest = self.outbox.popleft()[sent:]
                if rest:
                    self.outbox.appendleft(rest)
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.outbox.clear()  # it is dead, as the end of its replies will tell

    def pull(self) -> bool:
        """Take what the pipe holds; return False at its end."""
        try:
            received = os.read(self.replies, PIPE_BYTES)
        except BlockingIOError:
            return True
        self._inbox += received
        return bool(received)

    def frames(self, limits: Limits) -> Iterator[tuple[dict[str, Any], bytes, bytes]]:
        """Give each whole reply: head, text, numbers.

        Raises:
            _TooMuchError: A length that is announced is above its limit.
            ValueError: The head is not what it should be.
        """
        while len(self._inbox) >= REPLY.size:
            lengths = REPLY.unpack_from(self._inbox)
            if lengths[0] > HEAD_BYTES_MAX or lengths[1] + lengths[2] > limits.output_bytes:
                raise _TooMuchError
            if len(self._inbox) < REPLY.size + sum(lengths):
                return
            a, b, c, d = accumulate(lengths, initial=REPLY.size)
            with memoryview(self._inbox) as view:
                pieces = bytes(view[a:b]), bytes(view[b:c]), bytes(view[c:d])
            del self._inbox[:d]
            yield read_head(pieces[0]), pieces[1], pieces[2]

    def end(self) -> int:
        """Kill it and whatever it started; return its exit status. Safe from any thread."""
        self.is_ended = True
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def release(self) -> None:
        """Close its pipes: only by who reads them, or a number would be used for another file."""
        for pipe in self._pipes:
            pipe.close()
        os.close(self._lifeline)


class _TooMuchError(Exception):
    """A reply is larger than its limit."""


def _not_ready(why: str) -> NotReady:
    return NotReady(
        f"parsers cannot be started: {why}",
        hint="try again; if it stays so, install Answerable again",
    )


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


def _end_all(*groups: MutableSet[_Child]) -> None:
    """End children; those nobody reads from are released as well."""
    idle, busy = groups
    for child in (*idle, *busy):
        child.end()
    for child in idle:
        child.release()
    idle.clear()


def _module_folders() -> list[str]:
    """Return where modules are found after the standard ones: as here, our own code first.

    Not in the current folder: it may well be one of documents, and hold a ``json.py``.
    """
    ours = str(Path(answerable.__file__).parent.parent)
    try:
        current = str(Path.cwd())
    except FileNotFoundError:  # deleted meanwhile
        current = ""
    return [ours, *(p for p in sys.path if Path(p).is_absolute() and p != current)]


def _environment() -> dict[str, str]:
    """Return what a child may know of our environment: no key, no token, no home."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8"}
