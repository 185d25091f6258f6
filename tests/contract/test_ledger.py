"""What every `Ledger` promises."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from state_samples import PRIVATE, Databases, abstained, trace

from answerable.adapters.state.engine import Database
from answerable.adapters.state.memory import MemoryLedger
from answerable.adapters.state.schema import LEDGER
from answerable.adapters.state.sql_ledger import SqlLedger
from answerable.answering.ports import Ledger
from answerable.domain.errors import Conflict, Corrupt, DiskFull, NotReady
from answerable.domain.questions import Abstained, Answered

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], Ledger]] = {
    "memory": lambda _: MemoryLedger(),
    "sqlite": lambda databases: SqlLedger(databases.open(LEDGER)),
}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def ledger(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Ledger]:
    """Every `Ledger`."""
    opened = _ADAPTERS[request.param](databases)
    yield opened
    opened.close()


@pytest.mark.parametrize("outcome", [None, abstained()])
def test_a_trace_comes_back_as_it_was_appended(
    ledger: Ledger, outcome: Answered | Abstained | None
) -> None:
    """Every value survives, also a question that was no valid UTF-8."""
    ledger.append(trace(1, outcome=outcome))
    assert ledger.trace(trace(1).id) == trace(1, outcome=outcome)
    assert ledger.trace("unknown") is None


def test_the_newest_come_first(ledger: Ledger) -> None:
    """Pages go back from the newest, one after the other, and may be one caller's."""
    for number in (2, 1, 4, 3):
        ledger.append(trace(number, principal="ann" if number % 2 else "bob"))
    ids = {number: trace(number).id for number in range(1, 5)}
    assert [line.id for line in ledger.recent(limit=3)] == [ids[4], ids[3], ids[2]]
    assert [line.id for line in ledger.recent(limit=3, before=ids[2])] == [ids[1]]
    assert [line.id for line in ledger.recent(limit=9, principal="ann")] == [ids[3], ids[1]]
    assert ledger.recent(limit=9, principal="eve") == ()


def test_texts_that_are_not_kept_are_never_written(databases: Databases) -> None:
    """With a retention of none no text reaches the disk; structure and hashes do."""
    with closing(SqlLedger(databases.open(LEDGER), keep_texts=False)) as ledger:
        ledger.append(trace(1))
        left = ledger.trace(trace(1).id)
        assert left is not None
        assert left.question == ""
        assert PRIVATE not in repr(left)
        assert left.passages[0].chunk.end == trace(1).passages[0].chunk.end


def test_a_line_tells_what_happened(ledger: Ledger) -> None:
    """Question, outcome and rung stand in the list; an abstention has one too."""
    ledger.append(trace(1))
    ledger.append(trace(2, outcome=abstained()))
    thin, good = ledger.recent(limit=2)
    assert (good.question, good.outcome, good.rung) == (trace(1).question, "answered", "quote")
    assert (thin.outcome, thin.rung) == ("abstained", "search")
    assert (good.at_ms, good.principal, good.release) == (1, "local", "rel-1")
    assert (good.revision, good.took_ms) == (7, 2.5)


def test_a_ledger_is_never_rewritten(ledger: Ledger) -> None:
    """A second trace of one id is refused; the first one stays."""
    ledger.append(trace(1))
    with pytest.raises(Conflict):
        ledger.append(trace(1, outcome=abstained()))
    assert ledger.trace(trace(1).id) == trace(1)


@pytest.mark.parametrize("outcome", [None, abstained()])
def test_forgotten_texts_are_gone_and_structure_stays(
    ledger: Ledger, outcome: Answered | Abstained | None
) -> None:
    """What was asked, said and quoted is empty; ids, hashes, offsets and scores are as before."""
    for number in (1, 2, 3):
        ledger.append(trace(number, outcome=outcome))
    assert ledger.forget_texts(older_than_ms=3) == 2
    assert ledger.forget_texts(older_than_ms=3) == 0
    left = ledger.trace(trace(1).id)
    assert left is not None
    assert PRIVATE not in repr(left)
    assert PRIVATE in repr(ledger.trace(trace(3).id))
    assert left.question == ""
    assert left.passages[0].chunk.end == 40
    assert left.evidence == (("coverage", 0.5),)
    assert [line.question for line in ledger.recent(limit=2, before=trace(3).id)] == ["", ""]
    if isinstance(left.outcome, Answered):
        (citation, _) = (claim.citations[0] for claim in left.outcome.claims)
        assert (citation.start, citation.end, citation.content_hash) == (10, 30, "f" * 64)
        assert citation.quote == ""


def test_nothing_is_taken_after_closing(ledger: Ledger) -> None:
    """Whoever appends to a closed ledger is told, and closing twice is no mistake."""
    ledger.append(trace(1))
    ledger.close()
    with pytest.raises(NotReady):
        ledger.append(trace(2))
    ledger.close()


def test_threads_append_at_once(ledger: Ledger) -> None:
    """Every trace that was acknowledged is there, and a duplicate fails only for itself."""
    refused: list[int] = []

    def work(first: int) -> None:
        for number in [*range(first, first + 25), 0]:
            try:
                ledger.append(trace(number))
            except Conflict:
                refused.append(number)

    _run([threading.Thread(target=work, args=(100 * n,)) for n in range(1, 9)])
    assert len(ledger.recent(limit=1_000)) == 8 * 25 + 1
    assert refused == [0] * 7


def test_many_appends_share_one_commit(databases: Databases) -> None:
    """While one commit runs, those who come wait for one more, not for one each."""
    database = databases.open(LEDGER)
    ledger = SqlLedger(database)
    first_is_in, go_on = threading.Event(), threading.Event()
    commits: list[int] = []

    @event.listens_for(database.engine, "commit")
    def count(_: object) -> None:
        commits.append(1)
        first_is_in.set()
        assert go_on.wait(20)

    def append(number: int) -> None:
        ledger.append(trace(number))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(10)]
    threads[0].start()
    assert first_is_in.wait(20)
    for thread in threads[1:]:
        thread.start()
    while len(ledger._waiting) < 9:
        threading.Event().wait(0.001)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(commits) == 2
    event.remove(database.engine, "commit", count)
    assert len(ledger.recent(limit=100)) == 10
    ledger.close()


def test_texts_leave_the_structure_table(databases: Databases) -> None:
    """No text of question, answer or document stands outside the table retention empties."""
    database = databases.open(LEDGER)
    ledger = SqlLedger(database)
    ledger.append(trace(1))
    ledger.append(trace(2, outcome=abstained()))
    with database.read() as connection:
        structure = connection.exec_driver_sql("SELECT * FROM traces").all()
        texts = connection.exec_driver_sql("SELECT * FROM trace_texts").all()
    assert PRIVATE not in repr(structure)
    assert PRIVATE in repr(texts)
    ledger.close()


def test_a_full_disk_fails_the_append_and_no_more(databases: Databases) -> None:
    """The trace is refused with the reason; when there is room again the ledger goes on."""
    database = databases.open(LEDGER)
    ledger = SqlLedger(database)
    ledger.append(trace(0))
    number = 0
    refusals: list[str] = []

    def allow(pages: int) -> None:
        with database.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    allow(1)
    while not refusals and number < 100:
        number += 1
        try:
            ledger.append(trace(number))
        except DiskFull as error:
            refusals.append(error.message)
    assert "ledger.db" in refusals[0]
    assert len(ledger.recent(limit=1_000)) == number
    allow(1 << 30)
    ledger.append(trace(number))
    assert len(ledger.recent(limit=1_000)) == number + 1
    ledger.close()


@pytest.mark.parametrize("damage", ["{}", "[]", "not json", '{"question": 99}'])
def test_a_damaged_trace_is_told_apart_from_none(databases: Databases, damage: str) -> None:
    """It is reported as damage, without its content, and others can still be read."""
    database = databases.open(LEDGER)
    ledger = SqlLedger(database)
    ledger.append(trace(1))
    ledger.append(trace(2))
    with database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE traces SET structure = ? WHERE id = ?", (damage, trace(1).id)
        )
    with pytest.raises(Corrupt, match=trace(1).id):
        ledger.trace(trace(1).id)
    assert ledger.trace(trace(2).id) == trace(2)
    ledger.close()


def test_processes_append_to_one_file(tmp_path: Path) -> None:
    """Four processes that start together on a new file lose nothing and fail nothing."""
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[3])
        from state_samples import trace
        from answerable.adapters.state.engine import Database
        from answerable.adapters.state.schema import LEDGER, migrate
        from answerable.adapters.state.sql_ledger import SqlLedger
        database = Database(Path(sys.argv[1]), busy_ms=60_000)
        migrate(database, LEDGER)
        ledger = SqlLedger(database)
        for number in range(60):
            ledger.append(trace(int(sys.argv[2]) * 1000 + number))
        ledger.close()
    """)
    path = tmp_path / "ledger.db"
    here = str(Path(__file__).parent)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(number), here],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    complaints = [process.communicate(timeout=120)[1] for process in processes]
    assert complaints == [""] * 4
    database = Database(path)
    ledger = SqlLedger(database)
    assert len(ledger.recent(limit=1_000)) == 4 * 60
    ledger.close()


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
