"""Runs a program in a process group of its own, with an end: so long, so much, then killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

_PIECE = 1 << 16
_ERROR_BYTES_MAX = 1 << 16

# A file that grows without end is the one way to fill a disk that no pipe shows. The shell's unit
# is 512 bytes by POSIX; no core file either.
_LIMITED = 'ulimit -c 0; ulimit -f "$0" && '
_HEARING = _LIMITED + 'exec "$@"'
# What is not spoken to has its standard input watched: it ends when this process does, however it
# ends, so that nothing goes on writing where the next process starts anew.
_WATCHED = (
    _LIMITED
    + "exec 3<&0; (exec >/dev/null 2>&1; read _ <&3; kill -9 0) & "
    + 'exec "$@" </dev/null 3<&-'
)
_BLOCK_BYTES = 512


class Overran(Exception):  # noqa: N818 # named by what is wrong
    """A program took too long or gave too much, and was killed.

    Attributes:
        reason: Which of them, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a program ended.

    Attributes:
        code: Its exit code; negative for a signal.
        out: What it gave.
        error: What it complained of, the beginning of it.
    """

    code: int
    out: bytes = field(repr=False)
    error: str = field(repr=False)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    seconds: float,
    out_bytes_max: int,
    file_bytes_max: int,
) -> Finished:
    """Run a program to its end and return what it gave.

    Args:
        command: Program and arguments; no shell looks at them.
        env: All of its environment.
        cwd: Where it runs.
        seconds: After so many it is killed, with all it started.
        out_bytes_max: When it gives more it is killed.
        file_bytes_max: It can write no larger file.

    Raises:
        FileNotFoundError: There is no such program.
        Overran: It was killed.
    """
    with Child(command, env=env, cwd=cwd, file_bytes_max=file_bytes_max) as child:
        return child.finish(seconds=seconds, out_bytes_max=out_bytes_max)


class Child:
    """A program that runs, killed with all it started when the block ends.

    Args:
        command: Program and arguments; no shell looks at them.
        env: All of its environment.
        cwd: Where it runs.
        file_bytes_max: It can write no larger file.
        hears: Whether it is spoken to, by `say`.

    Raises:
        FileNotFoundError: There is no such program.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        file_bytes_max: int,
        hears: bool = False,
    ) -> None:
        blocks = str(max(1, file_bytes_max // _BLOCK_BYTES))
        self._process = subprocess.Popen(  # noqa: S603 # the command is made here, not given
            ["/bin/sh", "-c", _HEARING if hears else _WATCHED, blocks, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        self._out = cast("IO[bytes]", self._process.stdout).fileno()
        self._open = {self._out, cast("IO[bytes]", self._process.stderr).fileno()}
        self._poll = select.poll()
        for pipe in self._open:
            self._poll.register(pipe, select.POLLIN)
        self._ahead = b""
        self._complaint = b""

    def finish(self, *, seconds: float, out_bytes_max: int) -> Finished:
        """Wait for the end and return what was given.

        Raises:
            Overran: It took too long or gave too much.
        """
        until = time.monotonic() + seconds
        out = bytearray()
        while piece := self._piece(until):
            out += piece
            if len(out) > out_bytes_max:
                raise Overran("it gave more than it may")
        try:
            code = self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Overran("it took too long") from error
        return Finished(code=code, out=bytes(out), error=self.complaint)

    @property
    def complaint(self) -> str:
        """What it complained of so far."""
        return self._complaint.decode("utf-8", "replace")

    def say(self, line: bytes) -> None:
        """Send a line.

        Raises:
            OSError: It does not hear any more.
        """
        stdin = cast("IO[bytes]", self._process.stdin)
        stdin.write(line + b"\n")
        stdin.flush()

    def line(self, seconds: float, *, bytes_max: int = 4_096) -> bytes:
        """Return the next line it gives, without its end; nothing when it gives no more.

        Raises:
            Overran: It took too long, or the line is too long.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._ahead:
            if len(self._ahead) > bytes_max:
                raise Overran("it gave a line without end")
            piece = self._piece(until)
            if not piece:
                return b""
            self._ahead += piece
        found, _, self._ahead = self._ahead.partition(b"\n")
        if len(found) > bytes_max:
            raise Overran("it gave a line without end")
        return found

    def exactly(self, size: int, seconds: float) -> bytes:
        """Return the next bytes it gives, so many; fewer only when it gives no more.

        Raises:
            Overran: It took too long.
        """
        until = time.monotonic() + seconds
        pieces, got = [self._ahead], len(self._ahead)
        while got < size and (piece := self._piece(until)):
            pieces.append(piece)
            got += len(piece)
        whole = b"".join(pieces)
        self._ahead = whole[size:]
        return whole[:size]

    def _piece(self, until: float) -> bytes:
        """Return some of what it gives; nothing at the end. Complaints are put aside."""
        while self._open:
            ready = self._poll.poll(max(0.0, until - time.monotonic()) * 1000)
            if not ready:
                raise Overran("it took too long")
            for pipe, _ in ready:
                piece = os.read(pipe, _PIECE)
                if not piece:
                    self._poll.unregister(pipe)
                    self._open.discard(pipe)
                elif pipe == self._out:
                    return piece
                else:
                    self._complaint = (self._complaint + piece)[:_ERROR_BYTES_MAX]
        return b""

    def kill(self) -> None:
        """End it now, with all it started."""
        if self._process.returncode is None:  # its id is still its own
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
