"""Runs ingests in forked processes and kills them; the other half of `test_ingest_kills`.

One process imports everything once and opens nothing. For each order, a line of JSON on its
standard input, it forks a child that starts from there as a fresh process would, and answers
with one line of JSON. It is the reaper of whatever its children leave behind, so that a parser
that outlives a killed ingest is seen and not merely hoped against.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

import answerable.adapters.index.local
import answerable.adapters.parsers.pool
import answerable.adapters.sources.folder
import answerable.adapters.state.migrations.run
import answerable.adapters.state.sql_leases
import answerable.adapters.state.sql_ledger
import answerable.adapters.state.sql_register
import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.adapters.state.engine import Database
from answerable.adapters.state.sql_state import SqlState
from answerable.app import App, open_app
from answerable.domain.documents import Content
from answerable.entrypoints.cli import main as cli
from answerable.library import intake
from answerable.library.ports import Boosts
from answerable.library.report import Report, Silent

COMMON = "ubiquitous"
"""A word that stands in every document of the test."""

FILES_AT_ONCE = 4
"""Files in one batch of reading, so that a small folder is acknowledged in several steps."""

_PR_SET_CHILD_SUBREAPER = 36
_ORPHANS_S_MAX = 20
_CHANGES = frozenset(
    {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.copyfile"}
)


class Steps:
    """Counts what changes the disk and ends the process at one such step.

    A step is the moment before a change of a file or folder, before and after each wait for
    the disk, and before and after each commit of a database.
    """

    def __init__(self, kill_at: int | None) -> None:
        self.seen = 0
        self._kill_at = kill_at

    def install(self) -> None:
        """Watch this process from now on."""
        sys.addaudithook(self._audit)
        self._surround(os, "fsync")
        self._surround(DefaultDialect, "do_commit")
        self._surround(Database, "_empty_log")

    def step(self) -> None:
        """Count one; it may be the last."""
        self.seen += 1
        if self.seen == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and _is_written(arguments)):
            self.step()

    def _surround(self, owner: Any, name: str) -> None:
        call: Callable[..., Any] = getattr(owner, name)

        def surrounded(*arguments: Any) -> Any:
            self.step()
            result = call(*arguments)
            self.step()
            return result

        setattr(owner, name, surrounded)


def _is_written(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


class Acknowledging(Silent):
    """Says which contents are safely stored, in the moment the library says so."""

    def __init__(self, say: Callable[[object], None]) -> None:
        self._say = say
        self._stored: list[tuple[str, str]] = []

    def watch(self) -> None:
        """Note what is given to the state to keep."""
        keep = SqlState.keep

        def noted(state: SqlState, contents: Sequence[Content]) -> None:
            keep(state, contents)
            self._stored += [(content.id, content.text.hash) for content in contents]

        setattr(SqlState, "keep", noted)  # noqa: B010 - in this process only

    def kept(self, documents: int) -> None:
        """Acknowledge what was stored since the last time."""
        del documents
        self._say({"kept": self._stored})
        self._stored = []


def ingest(order: dict[str, Any], say: Callable[[object], None]) -> None:
    """Ingest a folder, acknowledging what is kept and what is sealed, until killed."""
    steps = Steps(order.get("kill_step"))
    intake._BATCH_FILES = FILES_AT_ONCE
    if order["inline"]:
        setattr(answerable.app.tools, "new_parser", lambda *_: InlineParser())  # noqa: B010 - as above
    progress = Acknowledging(say)
    progress.watch()
    steps.install()
    with open_app(Path(order["workspace"])) as app:
        report = app.ingest(Path(order["folder"]), progress=progress)
    say({"sealed": report.revision, "steps": steps.seen, **_counts(report)})


def _counts(report: Report) -> dict[str, int]:
    return {change.value: count for change, count in report.counts}


def check(order: dict[str, Any], say: Callable[[object], None]) -> None:
    """Say what a fresh process finds in a library."""
    workspace = Path(order["workspace"])
    with open_app(workspace) as app:
        stored = app._tools.state.contents(order["contents"])
        say(
            {
                "integrity": [_integrity(app.settings.data / name) for name in _DATABASES],
                "serves": _number(app),
                "numbers": [one.number for one in app.revisions()],
                "revisions": [
                    _facts(app, one.number) for one in app.revisions()[: order["newest"]]
                ],
                "contents": {key: content.text.hash for key, content in stored.items()},
                "found": {word: _paths(app, word) for word in order["words"]},
            }
        )


def purge(order: dict[str, Any], say: Callable[[object], None]) -> None:
    """Purge a document, or finish what was begun, until killed."""
    steps = Steps(order.get("kill_step"))
    setattr(answerable.app.tools, "new_parser", lambda *_: InlineParser())  # noqa: B010 - as above
    steps.install()
    with open_app(Path(order["workspace"])) as app:
        if order["name"]:
            plan = app.plan_purge(order["name"])
            app.begin_purge(plan, who="a test", because="a test", with_copies=False)
        app.finish_purges()
    say({"steps": steps.seen})


def purged(order: dict[str, Any], say: Callable[[object], None]) -> None:
    """Say what a fresh process knows of a document that was to be purged."""
    with open_app(Path(order["workspace"])) as app:
        found = app.search(order["word"], app.owner(), limit=50)
        say(
            {
                "pending": [one.number for one in app.purges() if one.done_at_ms is None],
                "purges": len(app.purges()),
                "found": [passage.path for passage in found.passages],
                "listed": [one.document.path for one in app.documents(app.owner())],
                "damage": [problem for some in app.verify().values() for problem in some],
                "integrity": [_integrity(app.settings.data / name) for name in _DATABASES],
            }
        )


_DATABASES = ("state.db", "ledger.db")


def _integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        said: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return str(broken) if broken else said
    finally:
        connection.close()


def _number(app: App) -> int | None:
    revision = app.serving().revision
    return revision.number if revision else None


def _facts(app: App, number: int) -> dict[str, Any]:
    """Return what the state says a revision holds, and what its index finds."""
    revision = app._revision(number)
    members = app._tools.state.members(number)
    texts = app._tools.state.contents({member.content_id for member in members.values()})
    hits = app._tools.index.open(number, revision.manifest).find(
        app._tools.analyser.terms(COMMON),
        app.owner(),
        hidden=frozenset(),
        unit="page",
        limit=10_000,
        boosts=Boosts(title=1.0, heading=1.0, body=1.0),
    )
    return {
        "number": number,
        "texts": {one.document.path: texts[one.content_id].text.text for one in members.values()},
        "documents": revision.documents,
        "damage": app.verify(number)[number],
        "indexed": sorted(members[hit.document_id].document.path for hit in hits),
    }


def _paths(app: App, word: str) -> list[str]:
    found = app.search(word, app.owner(), limit=50)
    return sorted({passage.path for passage in found.passages})


def command(order: dict[str, Any], say: Callable[[object], None]) -> None:
    """Run the command line as a shell would; what it prints goes to a file."""
    del say
    file = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    sys.argv = ["answerable", *order["arguments"]]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


ORDERS: dict[str, Callable[[dict[str, Any], Callable[[object], None]], None]] = {
    "ingest": ingest,
    "check": check,
    "purge": purge,
    "purged": purged,
    "command": command,
}


def forked(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order in a child, kill it when its time has come, and return what it said."""
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(order, writing)
    os.close(writing)
    said = _listen(reading, child, began, order.get("kill_s"), order.get("signal", signal.SIGKILL))
    _, status = os.waitpid(child, 0)
    took_s = time.monotonic() - began
    lines = said.split(b"\n")[:-1]
    return {
        "said": [json.loads(line) for line in lines],
        "status": os.waitstatus_to_exitcode(status),
        "took_s": took_s,
        "orphans": _orphans(),
    }


def _be_child(order: dict[str, Any], writing: int) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def say(value: object) -> None:
        os.write(writing, json.dumps(value).encode() + b"\n")

    status = 1
    try:
        ORDERS[order["do"]](order, say)
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:  # it came when the command was already over
        status = 130
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
    finally:
        os._exit(status)


def _listen(reading: int, child: int, began: float, kill_s: float | None, number: int) -> bytes:
    """Return all a child says until its end; send it a signal after so many seconds."""
    said = bytearray()
    while True:
        left = None if kill_s is None else max(0.0, began + kill_s - time.monotonic())
        if not select.select([reading], [], [], left)[0]:
            os.kill(child, number)
            kill_s = None
        elif piece := os.read(reading, 65_536):
            said += piece
        else:
            os.close(reading)
            return bytes(said)


def _orphans() -> int:
    """Return how many processes a child left behind that do not end by themselves."""
    deadline = time.monotonic() + _ORPHANS_S_MAX
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return 0
        left = deadline - time.monotonic()
        if left <= 0 or signal.sigtimedwait({signal.SIGCHLD}, left) is None:
            return 1


def main() -> None:
    """Take orders until there are no more."""
    InlineParser().digest  # noqa: B018 - it loads every reader, once for all children
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for line in sys.stdin:
        print(json.dumps(forked(json.loads(line))), flush=True)  # noqa: T201 - that is its answer


if __name__ == "__main__":
    main()
