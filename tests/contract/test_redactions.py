"""What every `Ledger` promises about documents that no trace may quote any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from state_samples import PRIVATE, Databases, abstained, trace

from answerable.adapters.state.memory import MemoryLedger
from answerable.adapters.state.schema import LEDGER
from answerable.adapters.state.sql_ledger import SqlLedger
from answerable.adapters.state.traces import documents_of
from answerable.answering.feedback import Feedback, Thumb
from answerable.answering.ports import Ledger
from answerable.domain.questions import Abstained, Cancelled, Outcome, Trace

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], Ledger]] = {
    "memory": lambda _: MemoryLedger(),
    "sqlite": lambda databases: SqlLedger(databases.open(LEDGER)),
}

OTHER = "0123456789abcdef"


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


def named(number: int = 1) -> frozenset[str]:
    """Return the documents that a trace of the samples names."""
    return documents_of(trace(number))


def elsewhere(number: int, *, follows: str = "") -> Trace:
    """Return a trace that names another document only."""
    passage = replace(trace(number).passages[0], document_id=OTHER, path="other.md")
    outcome = Abstained(code="thin_evidence", because=f"{PRIVATE} thin", confidence=0.1)
    return replace(trace(number), passages=(passage,), outcome=outcome, dropped=(), follows=follows)


def redact(ledger: Ledger, documents: frozenset[str]) -> int:
    """Redact these documents."""
    return ledger.redact(documents, at_ms=5, heard=lambda _done, _of: None)


def kept(ledger: Ledger, number: int) -> Trace:
    """Return what is kept of a trace."""
    found = ledger.trace(trace(number).id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "outcome", [None, abstained(), Cancelled(because="left", rung="quote", claims=())]
)
def test_no_text_is_left_of_a_trace_that_names_it(ledger: Ledger, outcome: Outcome | None) -> None:
    """Neither question nor quotes, replies or paths; ids, offsets and scores stay, and a mark."""
    whole = trace(1) if outcome is None else replace(trace(1), outcome=outcome)
    ledger.append(whole)
    assert redact(ledger, named()) == 1
    left = kept(ledger, 1)
    assert left.is_redacted
    assert PRIVATE not in repr(left)
    assert "keys.md" not in repr(left)
    assert left.question == ""
    assert documents_of(left) == documents_of(whole)
    assert left.passages[0].chunk.end == whole.passages[0].chunk.end
    assert left.passages[0].score == whole.passages[0].score
    (line,) = ledger.recent(limit=9)
    assert (line.question, line.is_redacted, line.outcome) == ("", True, line.outcome)


def test_other_traces_stay_as_they_are(ledger: Ledger) -> None:
    """What names another document keeps its texts, and has no mark."""
    ledger.append(elsewhere(1))
    ledger.append(trace(2))
    assert redact(ledger, named(2)) == 1
    assert kept(ledger, 1) == elsewhere(1)
    assert [line.is_redacted for line in ledger.recent(limit=9)] == [True, False]


def test_what_follows_goes_too(ledger: Ledger) -> None:
    """A follow-up may repeat the answer before it, however far back; its own paths stay."""
    ledger.append(trace(1))
    ledger.append(elsewhere(2, follows=trace(1).id))
    ledger.append(elsewhere(3, follows=trace(2).id))
    ledger.append(elsewhere(4, follows="unknown"))
    assert redact(ledger, named()) == 3
    assert [kept(ledger, number).is_redacted for number in range(1, 5)] == [True] * 3 + [False]
    assert kept(ledger, 3).passages[0].path == "other.md"
    assert kept(ledger, 3).question == ""


def test_what_is_appended_later_is_treated_alike(ledger: Ledger) -> None:
    """An answer may have been on its way; and one may follow it. Others are kept as ever."""
    redact(ledger, named())
    ledger.append(trace(1))
    ledger.append(elsewhere(2, follows=trace(1).id))
    ledger.append(elsewhere(3))
    assert kept(ledger, 1).is_redacted
    assert PRIVATE not in repr(kept(ledger, 1))
    assert kept(ledger, 2).is_redacted
    assert kept(ledger, 3) == elsewhere(3)


def test_a_second_time_finds_nothing_new(ledger: Ledger) -> None:
    """It may be interrupted and done again; only what is new is counted."""
    ledger.append(trace(1))
    assert redact(ledger, named()) == 1
    assert redact(ledger, named()) == 0
    before = kept(ledger, 1)
    assert redact(ledger, frozenset({OTHER})) == 0
    assert kept(ledger, 1) == before


def test_comments_go_with_the_trace(ledger: Ledger) -> None:
    """What somebody said of the answer may quote it; that they rated it stays."""
    ledger.append(trace(1))
    ledger.append(elsewhere(2))
    for number in (1, 2):
        ledger.rate(
            Feedback(
                trace_id=trace(number).id,
                at_ms=3,
                principal="ann",
                thumb=Thumb.DOWN,
                complaint=None,
                comment=f"{PRIVATE} comment",
            )
        )
    redact(ledger, named())
    (gone,), (stays,) = (ledger.feedback(trace(number).id) for number in (1, 2))
    assert (gone.comment, gone.thumb) == ("", Thumb.DOWN)
    assert stays.comment == f"{PRIVATE} comment"


def test_after_unredact_texts_are_kept_again(ledger: Ledger) -> None:
    """Of new traces; what was deleted stays deleted."""
    ledger.append(trace(1))
    redact(ledger, named())
    ledger.unredact(named())
    ledger.append(trace(2))
    assert kept(ledger, 2).question
    assert not kept(ledger, 2).is_redacted
    assert kept(ledger, 1).is_redacted


def test_forgetting_texts_keeps_the_mark(ledger: Ledger) -> None:
    """Retention and redaction do not get in each other's way."""
    ledger.append(trace(1))
    redact(ledger, named())
    ledger.forget_texts(99)
    assert kept(ledger, 1).is_redacted


def test_more_traces_than_one_page(databases: Databases) -> None:
    """Every trace is looked at, and the caller hears how far it is."""
    with closing(SqlLedger(databases.open(LEDGER))) as ledger:
        for number in range(1_201):
            ledger.append(trace(number) if number % 400 == 0 else elsewhere(number))
        heard: list[tuple[int, int]] = []
        redacted = ledger.redact(named(), at_ms=5, heard=lambda done, of: heard.append((done, of)))
        assert redacted == 4
        assert heard == [(500, 1_201), (1_000, 1_201), (1_201, 1_201)]


def test_no_byte_is_left_in_the_file(databases: Databases, tmp_path: Path) -> None:
    """Neither in the database nor in its log."""
    with closing(SqlLedger(databases.open(LEDGER))) as ledger:
        ledger.append(trace(1))
        ledger.append(replace(elsewhere(2), question="hello", searched=""))
        assert any(PRIVATE.encode() in one.read_bytes() for one in tmp_path.glob("ledger.db*"))
        redact(ledger, named() | {OTHER})
        for file in tmp_path.glob("ledger.db*"):
            assert PRIVATE.encode() not in file.read_bytes()
            assert b"keys.md" not in file.read_bytes()
