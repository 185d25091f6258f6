"""Work nobody waits for, in threads of `serve` or of a process of its own."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import parent_process
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from answerable.app import App, open_app
from answerable.domain.errors import AnswerableError

_ROUND_S = 0.5
_DRAIN_S = 10.0

_log = logging.getLogger("answerable.work")


def working(app: App, stop: Event) -> tuple[Thread, ...]:
    """Start the background work of a process and return its threads, which end after `stop`.

    Sources are read beside all else: one that is slow holds up nobody.
    """
    app.warm_up()
    rounds = {
        "background work": app.work_once,
        "sources": app.sources.work_once,
        "watching": lambda: app.sources.watch_once(stop),
    }
    threads = tuple(
        Thread(target=_rounds, args=(name, once, stop), name=name, daemon=True)
        for name, once in rounds.items()
    )
    for thread in threads:
        thread.start()
    return threads


def work(workspace: Path | None) -> int:
    """Do background work until SIGTERM or Ctrl-C; return the exit code."""
    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with open_app(workspace) as app:
        threads = working(app, stop)
        print("working; Ctrl-C ends it", file=sys.stderr, flush=True)  # noqa: T201  talk
        stop.wait()
        app.stop_working()
        for thread in threads:
            thread.join(_DRAIN_S)
    return 0


def _rounds(name: str, once: Callable[[], bool], stop: Event) -> None:
    """Do rounds until told to stop, whatever one of them runs into."""
    said = ""
    while not stop.wait(_ROUND_S):
        try:
            said = said if not once() else ""
        except AnswerableError as error:
            if said != error.message:
                _log.warning("%s: %s: %s", name, error.code, error.message)
            said = error.message
        except Exception as error:  # noqa: BLE001  the next round may go well; say what it was
            _log.error("%s: %s", name, type(error).__name__)
        _end_with_parent()


def _end_with_parent() -> None:
    """Stop this process cleanly when the one that started it was killed."""
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)
