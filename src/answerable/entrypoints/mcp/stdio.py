"""`answerable mcp`: the tools over the standard streams of this process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio import AbstractEventLoop, Queue
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, cast

from mcp.server.stdio import stdio_server

from answerable.app import App, open_app
from answerable.entrypoints.mcp.server import new_server
from answerable.entrypoints.web.happening import Answers
from answerable.entrypoints.web.streams import Streams

_READ_BYTES = 65_536


def serve(workspace: Path | None) -> int:
    """Serve a workspace to one client until it closes our stdin, SIGTERM or Ctrl-C.

    Returns:
        The exit code.

    Raises:
        AnswerableError: The workspace cannot be opened.
    """
    with open_app(workspace) as app:
        streams = Streams(app.settings.serve.answers)
        try:
            asyncio.run(_served(app, streams))
        except* BrokenPipeError:
            pass  # the client went away while something was said to it
        finally:
            streams.close()
    return 0


async def _served(app: App, streams: Streams) -> None:
    loop, session = asyncio.get_running_loop(), asyncio.create_task(_session(app, streams))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, session.cancel)
    _in_background(app.warm_up)
    with suppress(asyncio.CancelledError):
        await session


async def _session(app: App, streams: Streams) -> None:
    server = new_server(app, Answers(app, streams))
    async with stdio_server(stdin=cast("Any", _lines(sys.stdin.fileno()))) as (heard, said):
        await server.run(heard, said, server.create_initialization_options())


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """Give the lines that come in.

    A thread nobody waits for reads them: one that waits for the next line cannot be stopped,
    and Ctrl-C has to end this process at once.
    """
    queue: Queue[bytes] = Queue()
    loop = asyncio.get_running_loop()
    _in_background(lambda: _read(descriptor, loop, queue))
    rest = b""
    while more := await queue.get():
        *whole, rest = (rest + more).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _read(descriptor: int, loop: AbstractEventLoop, queue: Queue[bytes]) -> None:
    more = b"begin"
    while more:
        try:
            more = os.read(descriptor, _READ_BYTES)
        except OSError:
            more = b""  # a terminal that is gone says nothing any more
        # The loop is closed when we were stopped meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, more)


def _in_background(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True).start()
