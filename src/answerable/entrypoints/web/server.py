"""`answerable serve`: one listening socket, one or more processes, a clean end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from errno import EADDRINUSE
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType

from fastapi import FastAPI
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from answerable.app import App, open_app
from answerable.domain.errors import AnswerableError, Conflict, NotAllowed
from answerable.entrypoints.web.addition import Adding
from answerable.entrypoints.web.gate import HOSTS
from answerable.entrypoints.web.site import build
from answerable.entrypoints.working import working

DRAIN_S = 10
"""How long running requests get to end once a stop was asked for."""

_BACKLOG = 2048
_GC_THRESHOLDS = (50_000, 20, 100)
_ROUND_S = 0.5
# A busy machine must not look like a dead worker.
_SILENT_S_MAX = 60

_log = logging.getLogger("answerable.web")


def serve(
    workspace: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    adding: Sequence[Adding] = (),
) -> int:
    """Serve a workspace until SIGTERM or Ctrl-C; return the exit code.

    Port 0 takes a free one; the announcement on stderr has it. `adding` is what other doors add.

    Raises:
        NotAllowed: The host is not this machine alone, or the port is reserved.
        Conflict: The port is taken.
        AnswerableError: The workspace cannot be opened.
    """
    with listen(host, port) as listener:
        config = Config(
            partial(worker, workspace, adding),
            factory=True,
            workers=workers,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            backlog=_BACKLOG,
            log_level="warning",
            # The log of accesses stays off: what people ask is theirs.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
            timeout_worker_healthcheck=_SILENT_S_MAX,
        )
        said = partial(announce, listener)
        if workers == 1:
            return _alone(config, listener, said)
        # Once here first: an unusable workspace is one clear failure, not one per process.
        open_app(workspace).close()
        return _many(config, listener, said)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this machine only.

    Raises:
        NotAllowed: The host is another one, or the port is reserved.
        Conflict: The port is taken.
    """
    if host not in HOSTS:
        raise NotAllowed(
            f"cannot listen on {host}: everybody who reaches it could read every document",
            hint="use --host 127.0.0.1; other addresses follow with access control",
        )
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family)
    # So that a restart need not wait for the last connections to be forgotten.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1" if host == "localhost" else host, port))
        # Now, so that a second server on this port learns that it is taken.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _unavailable(host, port, error) from error
    return listener


def _unavailable(host: str, port: int, error: OSError) -> AnswerableError:
    if error.errno == EADDRINUSE:
        return Conflict(
            f"port {port} on {host} is taken by another program",
            hint="stop that one, or choose another with --port (0 takes any free one)",
        )
    return NotAllowed(
        f"cannot listen on port {port} of {host}: {error.strerror}",
        hint="choose another with --port, above 1023",
    )


def announce(listener: socket.socket) -> None:
    """Tell the operator where Answerable is."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"Answerable is at http://{shown}:{port}", file=sys.stderr, flush=True)  # noqa: T201  talk


def worker(workspace: Path, adding: Sequence[Adding] = ()) -> FastAPI:
    """Return the web application of one process, with its app and background work.

    Raises:
        AnswerableError: The workspace cannot be opened.
    """
    app = open_app(workspace)
    settle()
    return build(app, background(app), adding)


def settle() -> None:
    """Take what start-up made for granted.

    Looking through it again and again for garbage would hold up a question for longer than
    answering it takes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


@asynccontextmanager
async def background(app: App) -> AsyncIterator[None]:
    """Work in the background while requests are served; close the app at the end."""
    stop = Event()
    threads = working(app, stop)
    try:
        yield
    finally:
        stop.set()
        app.stop_working()
        for thread in threads:
            await asyncio.to_thread(thread.join, DRAIN_S)
        app.close()


class _Announcing(Server):
    """A server that says when it listens."""

    def __init__(self, config: Config, said: Callable[[], None]) -> None:
        super().__init__(config)
        self._said = said

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._said()


def _alone(config: Config, listener: socket.socket, said: Callable[[], None]) -> int:
    """Serve from this process."""
    # uvicorn raises the signal again once it is done: by then the end is clean.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    _Announcing(config, said).run([listener])
    return 0


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass


class _Announcer(Multiprocess):
    """A supervisor that says when all its processes listen."""

    def __init__(self, config: Config, listener: socket.socket, said: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._said = said

    def terminate_all(self) -> None:
        # While workers drain, nobody shall be let in whom no one will answer.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def init_processes(self) -> None:
        super().init_processes()
        for process in self.processes:
            while process.process.is_alive() and not self.should_exit.is_set():
                if process.wait_until_ready(_ROUND_S, self.should_exit):
                    break
                self.handle_signals()
        if not self.should_exit.is_set() and all(one.is_alive() for one in self.processes):
            self._said()


def _many(config: Config, listener: socket.socket, said: Callable[[], None]) -> int:
    """Serve from several processes over one socket, and replace one that dies."""
    supervisor = _Announcer(config, listener, said)
    supervisor.run()
    failed = any(one.exitcode == STARTUP_FAILURE for one in supervisor.processes)
    return 1 if failed else 0
