"""Writes that fail one by one, and processes that are killed while they write.

Run as a program, this file is the victim and its witness: see `main`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from answerable.adapters.state.engine import Database
from answerable.adapters.state.schema import LEDGER, STATE, migrate
from answerable.adapters.state.sql_ledger import SqlLedger
from answerable.adapters.state.sql_register import SqlRegister
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.documents import (
    Block,
    BlockKind,
    Chunk,
    Content,
    Document,
    Member,
    Removal,
    Revision,
    Text,
    content_id,
    document_id,
)
from answerable.domain.errors import AnswerableError, StorageFailure
from answerable.domain.questions import Abstained, Trace
from answerable.domain.releases import Line, Quoting, Release, Retrieval

KILLS = 25
_LINE = "line"
_WIDTH = 40

_RELEASE = Release(
    line=Line(parser="p", splitter="s", analyser="a"),
    retrieval=Retrieval(),
    quoting=Quoting(),
    ladder=("quote",),
    software="1",
)


def _content(name: str) -> Content:
    text = f"{name}\n" + "words " * 200
    bytes_hash = sha256(text.encode()).hexdigest()
    return Content(
        id=content_id(bytes_hash, _LINE, ".txt"),
        bytes_hash=bytes_hash,
        size=len(text),
        format="text",
        text=Text(
            text=text,
            title=name,
            blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text)),),
        ),
        chunks=(Chunk(ordinal=0, start=0, end=len(text), heading=()),),
    )


def _member(path: str, content: Content) -> Member:
    return Member(
        document=Document(
            id=document_id("folder:/x", path),
            source="folder:/x",
            path=path,
            labels=frozenset({"local"}),
        ),
        content_id=content.id,
        bytes_hash=content.bytes_hash,
        title=content.text.title,
        format=content.format,
        size=content.size,
        chunks=len(content.chunks),
    )


def _revision(number: int) -> Revision:
    return Revision(
        number=number,
        line=_LINE,
        base=number - 1 or None,
        manifest=f"m{number}",
        sealed_at_ms=number,
        documents=_WIDTH,
        chunks=_WIDTH,
        because="fault",
    )


def _trace(number: int) -> Trace:
    return Trace(
        id=f"t{number:08d}",
        at_ms=number,
        principal="local",
        question="why?",
        release=_RELEASE.id,
        revision=1,
        overrides=(),
        passages=(),
        evidence=(),
        outcome=Abstained(code="nothing_found", because="nothing", confidence=0.0),
        steps=(),
        took_ms=1.0,
    )


# Each statement, and the commit, fails once.


@contextmanager
def _failing_at(database: Database, nth: int) -> Iterator[list[str]]:
    """Let the nth of all statements and commits fail; give the list of those that came."""
    seen: list[str] = []

    def meet(what: str) -> None:
        seen.append(what)
        if len(seen) == nth:
            error = sqlite3.OperationalError("made to fail")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    def statement(*args: Any) -> None:
        meet(args[2])

    def commit(_: object) -> None:
        meet("COMMIT")

    event.listen(database.engine, "before_cursor_execute", statement)
    event.listen(database.engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", statement)
        event.remove(database.engine, "commit", commit)


@contextmanager
def _interrupted_at(database: Database, nth: int) -> Iterator[list[str]]:
    """Let SQLite itself stop in the middle of its work, after so many of its steps."""
    seen: list[str] = []

    def meet() -> int:
        seen.append("steps")
        return int(len(seen) == nth)

    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.set_progress_handler(meet, 20)
    try:
        yield seen
    finally:
        raw.set_progress_handler(None, 0)


_FAULTS = pytest.mark.parametrize("fault", [_failing_at, _interrupted_at])


@_FAULTS
def test_keep_seal_and_deploy_happen_wholly_or_not_at_all(
    tmp_path: Path, fault: Callable[[Database, int], Any]
) -> None:
    """Whichever write fails, all that can be read is as before; then the same call succeeds."""
    database = Database(tmp_path / "state.db", synchronous="NORMAL")
    migrate(database, STATE)
    state, register = SqlState(database, cache_bytes=0), SqlRegister(database)
    old, new = [_content(f"old {n}") for n in range(9)], [_content(f"new {n}") for n in range(9)]
    state.keep(old)
    state.seal(_revision(1), added=[_member(f"{n}", c) for n, c in enumerate(old)], gone=[])
    removal = Removal(document_id="d", who="w", because="b", at_ms=1)
    changes: list[Callable[[], object]] = [
        lambda: state.keep(new),
        lambda: state.seal(
            _revision(2),
            added=[_member(f"{n}", c) for n, c in enumerate(new[:5])],
            gone=[document_id("folder:/x", "7")],
        ),
        lambda: state.rebuilt(2, "anew"),
        lambda: state.remove(removal),
        lambda: register.add(_RELEASE),
        lambda: register.deploy(release_id=_RELEASE.id, pinned=None, who="w", because="b", at_ms=1),
        lambda: state.restore("d"),
    ]
    for change in changes:
        _fail_one_by_one(database, change, fault, lambda: _dump(database))
    assert len(state.contents([content.id for content in new])) == 9
    assert len(state.members(2)) == 8
    database.close()


@_FAULTS
def test_an_append_that_fails_leaves_nothing(
    tmp_path: Path, fault: Callable[[Database, int], Any]
) -> None:
    """A trace is in the ledger with its texts, or it is not, and the append said so."""
    database = Database(tmp_path / "ledger.db", synchronous="NORMAL")
    migrate(database, LEDGER)
    ledger = SqlLedger(database)
    ledger.append(_trace(1))
    _fail_one_by_one(database, lambda: ledger.append(_trace(2)), fault, lambda: _dump(database))
    assert ledger.trace(_trace(2).id) == _trace(2)
    ledger.close()


def test_a_migration_that_fails_is_made_whole_by_the_next(tmp_path: Path) -> None:
    """Whichever statement of the first migration fails, the next start finds an empty file."""
    path = tmp_path / "state.db"
    database = Database(path, synchronous="NORMAL")
    _fail_one_by_one(
        database, lambda: migrate(database, STATE), _failing_at, lambda: _dump(database)
    )
    state, content = SqlState(database), _content("x")
    state.keep([content])
    assert state.contents([content.id]) == {content.id: content}
    database.close()


def _fail_one_by_one(
    database: Database,
    change: Callable[[], object],
    fault: Callable[[Database, int], Any],
    look: Callable[[], object],
) -> None:
    """Let the first write of a change fail, then the second, until none is left to fail."""
    before = look()
    for nth in range(1, 1_000):
        with fault(database, nth) as seen:
            try:
                change()
            except StorageFailure:
                failed = True
            else:
                failed = False
        assert failed == (len(seen) >= nth)
        if not failed:
            break
        assert look() == before
    assert look() != before


def _dump(database: Database) -> list[str]:
    with sqlite3.connect(database.path) as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines


# Processes that are killed.


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """Killed at any moment: the file is whole, what was acknowledged is there, nothing is half."""
    seed = random.SystemRandom().randrange(1 << 30)
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(KILLS), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    outcome = json.loads(done.stdout)
    assert outcome["kills"] == KILLS
    # Enough of them must have hit work under way, or the test shows nothing.
    assert outcome["revisions"] >= KILLS
    assert outcome["traces"] >= KILLS


def main(folder: Path, kills: int, seed: int) -> None:
    """Fork a writer, kill it, check what it left, again and again on the same files.

    A fork of a process that has loaded everything starts writing at once, so that many kills
    take seconds. No database is open while forking.
    """
    chance = random.Random(seed)  # noqa: S311 # when to kill, not a key
    for path, schema in ((folder / "state.db", STATE), (folder / "ledger.db", LEDGER)):
        database = Database(path)
        migrate(database, schema)
        database.close()
    for _ in range(kills):
        said = _kill_one(folder, chance)
        revisions, traces = _check(folder, said)
    sys.stdout.write(json.dumps({"kills": kills, "revisions": revisions, "traces": traces}))


def _kill_one(folder: Path, chance: random.Random) -> list[str]:
    """Return what a writer acknowledged before it was killed.

    It may acknowledge a few writes and is killed somewhere in the next one or two, however
    fast or slow the machine is.
    """
    ours, its = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _write_for_ever(folder, its)
    os.close(its)
    acknowledged = chance.randint(1, 12)
    with os.fdopen(ours) as pipe:
        began = time.monotonic()
        said = "".join([pipe.readline() for _ in range(acknowledged)])
        one_write_s = (time.monotonic() - began) / acknowledged
        time.sleep(chance.uniform(0.0, 2 * one_write_s))
        os.kill(pid, signal.SIGKILL)
        said += pipe.read()
    os.waitpid(pid, 0)
    # The last line may be cut; then its write was not acknowledged.
    return said.split("\n")[:-1]


def _write_for_ever(folder: Path, pipe: int) -> None:
    state = SqlState(Database(folder / "state.db"))
    ledger = SqlLedger(Database(folder / "ledger.db"))
    number = max((revision.number for revision in state.revisions()), default=0)
    lines = ledger.recent(limit=1)
    asked = int(lines[0].id[1:]) if lines else 0
    with state.writer():
        while True:
            number, asked = number + 1, asked + 1
            contents = [_content(f"{number} {n}") for n in range(_WIDTH)]
            state.keep(contents)
            os.write(pipe, f"kept {number}\n".encode())
            members = [_member(f"{n}", content) for n, content in enumerate(contents)]
            state.seal(_revision(number), added=members[number % 2 :], gone=[])
            os.write(pipe, f"sealed {number}\n".encode())
            ledger.append(_trace(asked))
            os.write(pipe, f"asked {asked}\n".encode())


def _check(folder: Path, said: list[str]) -> tuple[int, int]:
    """Return how many revisions and traces there are, once all of them are found right."""
    for name in ("state.db", "ledger.db"):
        with sqlite3.connect(folder / name) as connection:
            _expect(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), name)
            _expect(connection.execute("PRAGMA foreign_key_check").fetchall() == [], name)
        connection.close()
    database, ledger_file = Database(folder / "state.db"), Database(folder / "ledger.db")
    state, ledger = SqlState(database), SqlLedger(ledger_file)
    numbers = sorted(revision.number for revision in state.revisions())
    _expect(numbers == list(range(1, len(numbers) + 1)), "numbers")
    for number in numbers[-3:]:
        _check_revision(state, number)
    traces = {line.id for line in ledger.recent(limit=100_000)}
    for line in said:
        what, _, text = line.partition(" ")
        if what == "kept":
            ids = {_content(f"{text} {n}").id for n in range(_WIDTH)}
            _expect(state.contents(ids).keys() == ids, line)
        elif what == "sealed":
            _expect(int(text) in numbers, line)
        else:
            _expect(ledger.trace(_trace(int(text)).id) == _trace(int(text)), line)
    with state.writer():
        pass
    ledger.close()
    database.close()
    return len(numbers), len(traces)


def _check_revision(state: SqlState, number: int) -> None:
    """Even revisions replace every document, odd ones all but the first."""
    members = state.members(number)
    present = {member.document.path: member.title for member in members.values()}
    wanted = {f"{n}": f"{number} {n}" for n in range(number % 2, _WIDTH)}
    if number > 1 and number % 2:
        wanted["0"] = f"{number - 1} 0"
    _expect(present == wanted, f"members of {number}")
    contents = state.contents([member.content_id for member in members.values()])
    _expect(len(contents) == len(wanted), f"contents of {number}")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise AnswerableError(what, hint="run again with the same seed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
