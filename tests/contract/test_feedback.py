"""What every `Ledger` promises about what people think of answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_samples import PRIVATE, Databases, trace

from answerable.adapters.state.memory import MemoryLedger
from answerable.adapters.state.schema import LEDGER, migrate
from answerable.adapters.state.sql_ledger import SqlLedger
from answerable.answering.feedback import (
    PER_PRINCIPAL_MAX,
    Complaint,
    Feedback,
    Thumb,
    counting,
)
from answerable.answering.ports import Ledger
from answerable.domain.errors import Conflict, NotFound, NotReady

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
    """Every `Ledger`, with traces 1 to 4."""
    opened = _ADAPTERS[request.param](databases)
    for number in range(1, 5):
        opened.append(trace(number))
    yield opened
    opened.close()


def feedback(
    number: int,
    thumb: Thumb = Thumb.DOWN,
    *,
    who: str = "ann",
    at_ms: int = 10,
    complaint: Complaint | None = None,
    comment: str = "",
) -> Feedback:
    """Return what somebody thinks of trace `number`."""
    return Feedback(
        trace_id=trace(number).id,
        at_ms=at_ms,
        principal=who,
        thumb=thumb,
        complaint=complaint,
        comment=comment,
    )


def rated(ledger: Ledger, thumb: Thumb) -> list[str]:
    """Return the ids of the traces that are rated so."""
    return [line.id for line in ledger.recent(limit=9, rated=thumb)]


def test_feedback_comes_back_in_the_order_it_was_given(ledger: Ledger) -> None:
    """Every value survives, also within one millisecond, and each trace has its own."""
    given = [
        feedback(1, complaint=Complaint.WRONG, comment=f"{PRIVATE} it is ä\n🚒"),
        feedback(1, Thumb.UP, who="bob"),
        feedback(1, Thumb.UP),
        feedback(1, complaint=Complaint.OTHER),
    ]
    for one in given:
        ledger.rate(one)
    ledger.rate(feedback(2))
    assert list(ledger.feedback(trace(1).id)) == given
    assert list(ledger.feedback(trace(2).id)) == [feedback(2)]
    assert list(ledger.feedback(trace(3).id)) == []
    assert list(ledger.feedback("unknown")) == []


def test_the_last_word_of_each_caller_counts(ledger: Ledger) -> None:
    """Who changed their mind counts once, others beside them; the list filters by what counts."""
    ledger.rate(feedback(1))
    ledger.rate(feedback(1, Thumb.UP))
    ledger.rate(feedback(2))
    ledger.rate(feedback(2, Thumb.UP, who="bob"))
    ledger.rate(feedback(3, Thumb.UP))
    ledger.rate(feedback(3))
    counts = [(line.ups, line.downs) for line in ledger.recent(limit=9)]
    assert counts == [(0, 0), (0, 1), (1, 1), (1, 0)]
    assert rated(ledger, Thumb.DOWN) == [trace(3).id, trace(2).id]
    assert rated(ledger, Thumb.UP) == [trace(2).id, trace(1).id]
    older = ledger.recent(limit=9, before=trace(3).id, rated=Thumb.DOWN)
    assert [line.id for line in older] == [trace(2).id]
    assert [line.id for line in ledger.recent(limit=1, rated=Thumb.UP)] == [trace(2).id]


def test_feedback_belongs_to_a_trace(ledger: Ledger) -> None:
    """What was never asked cannot be rated."""
    with pytest.raises(NotFound):
        ledger.rate(feedback(9))


def test_a_double_click_is_one(ledger: Ledger) -> None:
    """The same again is not stored; the same after something else is."""
    for at_ms in (10, 11):
        ledger.rate(feedback(1, at_ms=at_ms, comment="no"))
    assert len(ledger.feedback(trace(1).id)) == 1
    ledger.rate(feedback(1, Thumb.UP))
    ledger.rate(feedback(1, comment="no"))
    assert len(ledger.feedback(trace(1).id)) == 3


def test_nobody_fills_the_disk_with_opinions(ledger: Ledger) -> None:
    """One caller is heard so often on one answer; others, and other answers, still are."""
    for number in range(PER_PRINCIPAL_MAX):
        ledger.rate(feedback(1, comment=str(number)))
    with pytest.raises(Conflict):
        ledger.rate(feedback(1, Thumb.UP))
    ledger.rate(feedback(1, who="bob"))
    ledger.rate(feedback(2))
    assert len(ledger.feedback(trace(1).id)) == PER_PRINCIPAL_MAX + 1


def test_comments_are_forgotten_and_thumbs_stay(ledger: Ledger) -> None:
    """Retention takes the words; who thought what, when and why still counts."""
    ledger.rate(feedback(1, complaint=Complaint.WRONG, comment=PRIVATE, at_ms=10))
    ledger.rate(feedback(2, comment=PRIVATE, at_ms=20))
    assert ledger.forget_texts(older_than_ms=0) == 0
    ledger.forget_texts(older_than_ms=20)
    assert list(ledger.feedback(trace(1).id)) == [
        feedback(1, complaint=Complaint.WRONG, comment="", at_ms=10)
    ]
    assert ledger.feedback(trace(2).id)[0].comment == PRIVATE
    assert rated(ledger, Thumb.DOWN) == [trace(2).id, trace(1).id]


def test_nothing_is_rated_after_closing(ledger: Ledger) -> None:
    """A closed ledger says so."""
    ledger.close()
    with pytest.raises(NotReady):
        ledger.rate(feedback(1))


def test_threads_rate_at_once(ledger: Ledger) -> None:
    """Every feedback that was acknowledged is there."""

    def work(who: str) -> None:
        for thumb in (Thumb.UP, Thumb.DOWN) * 5:
            ledger.rate(feedback(1, thumb, who=who))

    threads = [threading.Thread(target=work, args=(f"caller {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.feedback(trace(1).id)) == 40
    assert ledger.recent(limit=9)[-1].downs == 4


_GIVEN = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(Thumb), st.sampled_from(["ann", "bob"]),
              st.sampled_from(["", "no"])),
    max_size=12,
)  # fmt: skip


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(words=_GIVEN)
def test_on_disk_and_in_memory_are_the_same(
    words: list[tuple[int, Thumb, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is said in whatever order, both ledgers tell the same."""
    folder = tmp_path_factory.mktemp("ledgers")
    with closing(Databases(folder, synchronous="NORMAL")) as databases:
        ledgers: list[Ledger] = [MemoryLedger(), SqlLedger(databases.open(LEDGER))]
        for ledger in ledgers:
            for number in range(1, 4):
                ledger.append(trace(number))
            for number, thumb, who, comment in words:
                ledger.rate(feedback(number, thumb, who=who, comment=comment))
        memory, disk = ledgers
        for number in range(1, 4):
            given_here = memory.feedback(trace(number).id)
            assert list(given_here) == list(disk.feedback(trace(number).id))
            downs = sum(one.thumb is Thumb.DOWN for one in counting(given_here))
            assert (trace(number).id in rated(disk, Thumb.DOWN)) is (downs > 0)
        for thumb in Thumb:
            assert memory.recent(limit=9, rated=thumb) == disk.recent(limit=9, rated=thumb)


def test_comments_that_are_not_kept_are_never_written(databases: Databases) -> None:
    """With a retention of none the thumb reaches the disk, and no word does."""
    database = databases.open(LEDGER)
    with closing(SqlLedger(database, keep_texts=False)) as ledger:
        ledger.append(trace(1))
        ledger.rate(feedback(1, comment=PRIVATE))
        ledger.rate(feedback(1, comment=PRIVATE))
        assert list(ledger.feedback(trace(1).id)) == [feedback(1)]


def test_comments_stand_in_the_table_retention_empties(databases: Databases) -> None:
    """No word of a comment is in the table that stays."""
    database = databases.open(LEDGER)
    with closing(SqlLedger(database)) as ledger:
        ledger.append(trace(1))
        ledger.rate(feedback(1, comment=PRIVATE))
        with database.read() as connection:
            assert PRIVATE not in repr(connection.exec_driver_sql("SELECT * FROM feedback").all())
            kept = connection.exec_driver_sql("SELECT * FROM feedback_texts").all()
        assert PRIVATE in repr(kept)


def test_a_complaint_of_a_newer_version_can_be_read(databases: Databases) -> None:
    """After going back to this version, what a newer one wrote is still listed."""
    database = databases.open(LEDGER)
    with closing(SqlLedger(database)) as ledger:
        ledger.append(trace(1))
        ledger.rate(feedback(1, complaint=Complaint.WRONG))
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE feedback SET complaint = 'too_loud'")
        assert ledger.feedback(trace(1).id)[0].complaint is Complaint.OTHER


def test_a_ledger_of_an_older_version_takes_feedback(databases: Databases) -> None:
    """Traces from before there was feedback are kept, and can be rated."""
    database = databases.open(LEDGER)
    with closing(SqlLedger(database)) as ledger:
        ledger.append(trace(1))
        with database.write() as connection:
            for table in ("feedback_texts", "feedback", "redactions", "redacted_documents"):
                connection.exec_driver_sql(f"DROP TABLE {table}")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001_pre_first'")
        migrate(database, LEDGER)
        ledger.rate(feedback(1))
        assert ledger.trace(trace(1).id) == trace(1)
        assert rated(ledger, Thumb.DOWN) == [trace(1).id]
