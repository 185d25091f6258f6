"""What every `State` promises."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from state_samples import LINE, Databases, content, document, member, revision

from answerable.adapters.state import engine
from answerable.adapters.state.memory import MemoryState
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.documents import Content, Member, Removal, Revision
from answerable.domain.errors import (
    AnswerableError,
    Conflict,
    Corrupt,
    Locked,
    NotFound,
    StorageFailure,
)
from answerable.library.ports import State

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], State]] = {
    "memory": lambda _: MemoryState(),
    "sqlite": lambda databases: SqlState(databases.open(STATE)),
}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def state(request: pytest.FixtureRequest, databases: Databases) -> State:
    """Every `State`."""
    return _ADAPTERS[request.param](databases)


A, B, C = content("A"), content("B"), content("C")


def test_a_content_comes_back_as_it_was_kept(state: State) -> None:
    """Text, blocks, masks and chunks survive, whatever the script they are written in."""
    state.keep([A, B])
    assert state.contents([A.id, C.id]) == {A.id: A}
    assert state.contents([A.id, B.id]) == {A.id: A, B.id: B}
    assert state.contents([]) == {}


def test_known_names_only_what_is_kept(state: State) -> None:
    """Asking for more ids than one statement takes is no problem."""
    state.keep([A])
    assert set(state.contents([A.id, B.id, *(f"{n:032x}" for n in range(2_500))])) == {A.id}
    assert state.contents([]) == {}


def test_keeping_twice_changes_nothing(state: State) -> None:
    """A content that is known is left as it is, and a new one beside it is kept."""
    state.keep([A])
    state.keep([A, B, A])
    assert state.contents([A.id, B.id]) == {A.id: A, B.id: B}
    state.keep([])


def test_a_revision_holds_base_less_gone_with_added(state: State) -> None:
    """Members follow from the base; a member replaces the one of the same document."""
    state.keep([A, B, C])
    state.seal(revision(1, None), added=[member("a", A), member("b", B)], gone=[])
    state.seal(revision(2, 1), added=[member("a", C)], gone=[document("b").id, "unknown"])
    assert state.members(1) == _by_id(member("a", A), member("b", B))
    assert state.members(2) == _by_id(member("a", C))
    assert state.member(2, document("b").id) is None
    assert state.member(1, document("b").id) == member("b", B)


def test_added_wins_over_gone(state: State) -> None:
    """A document that is both gone and added stands in the revision."""
    state.keep([A, B])
    state.seal(revision(1, None), added=[member("a", A)], gone=[])
    state.seal(revision(2, 1), added=[member("a", B)], gone=[document("a").id])
    assert state.members(2) == _by_id(member("a", B))


def test_going_back_and_on_leaves_older_revisions_alone(state: State) -> None:
    """After an undo the next revision builds on the older one; what lies between stays."""
    state.keep([A, B, C])
    state.seal(revision(1, None), added=[member("a", A)], gone=[])
    state.seal(revision(2, 1), added=[member("b", B)], gone=[document("a").id])
    state.seal(revision(3, 1), added=[member("c", C)], gone=[])
    assert state.members(1) == _by_id(member("a", A))
    assert state.members(2) == _by_id(member("b", B))
    assert state.members(3) == _by_id(member("a", A), member("c", C))


def test_lines_interleave(state: State) -> None:
    """A revision of another line takes nothing from the line before it."""
    other = content("A", "line-b")
    state.keep([A, B, other])
    state.seal(revision(1, None), added=[member("a", A)], gone=[])
    state.seal(revision(2, None, "line-b"), added=[member("a", other)], gone=[])
    state.seal(revision(3, 1), added=[member("b", B)], gone=[])
    assert state.members(1) == _by_id(member("a", A))
    assert state.members(2) == _by_id(member("a", other))
    assert state.members(3) == _by_id(member("a", A), member("b", B))


def test_labels_are_those_of_today(state: State) -> None:
    """Access is judged by today's labels, also in revisions sealed before."""
    state.keep([A])
    state.seal(revision(1, None), added=[member("a", A, "all")], gone=[])
    state.seal(revision(2, 1), added=[member("a", A, "ops", "sre")], gone=[])
    assert state.members(1) == state.members(2) == _by_id(member("a", A, "ops", "sre"))
    found = member("a", A, "ops", "sre").document
    assert state.documents([found.id, "unknown"]) == {found.id: found}


def test_documents_are_found_among_any_number(state: State) -> None:
    """Asking for more ids than one statement takes is no problem, nor is asking for none."""
    state.keep([A])
    state.seal(revision(1, None), added=[member("a", A)], gone=[])
    wanted = [*(f"{n:016x}" for n in range(2_500)), document("a").id]
    assert state.documents(wanted).keys() == {document("a").id}
    assert state.documents([]) == {}


def test_revisions_come_newest_first(state: State) -> None:
    """Every revision is told as it was sealed."""
    assert state.revisions() == ()
    state.seal(revision(1, None), added=[], gone=[])
    state.seal(revision(4, 1), added=[], gone=[])
    assert state.revisions() == (revision(4, 1), revision(1, None))


@pytest.mark.parametrize("number", [3, 5])
def test_a_number_is_never_given_twice(state: State, number: int) -> None:
    """A number that is taken, or below a taken one, is a conflict, and nothing is stored."""
    state.keep([A])
    state.seal(revision(5, None), added=[], gone=[])
    with pytest.raises(Conflict):
        state.seal(revision(number, None), added=[member("a", A)], gone=[])
    assert state.revisions() == (revision(5, None),)
    assert state.members(5) == {}


def test_a_member_needs_its_content(state: State) -> None:
    """A revision cannot promise a text that is not there."""
    with pytest.raises(Conflict):
        state.seal(revision(1, None), added=[member("a", A)], gone=[])
    assert state.revisions() == ()


def test_an_unknown_revision_is_not_found(state: State) -> None:
    """Members, base and rebuild name a revision that exists; `member` says None."""
    with pytest.raises(NotFound):
        state.members(1)
    with pytest.raises(NotFound):
        state.seal(revision(2, 1), added=[], gone=[])
    with pytest.raises(NotFound):
        state.rebuilt(1, "m")
    assert state.member(1, document("a").id) is None
    assert state.revisions() == ()


def test_a_rebuild_changes_the_manifest_only(state: State) -> None:
    """Nothing else of a sealed revision ever changes."""
    state.seal(revision(1, None), added=[], gone=[])
    state.rebuilt(1, "anew")
    (found,) = state.revisions()
    assert found.manifest == "anew"
    assert found.because == revision(1, None).because


def test_a_retired_revision_is_not_there_and_takes_what_only_it_held(state: State) -> None:
    """The others are as they were; its number is never used again."""
    state.keep([A, B, C])
    state.seal(revision(1, None), added=[member("a", A), member("b", B)], gone=[])
    state.seal(revision(2, 1), added=[member("a", C)], gone=[])
    state.seal(revision(3, 2), added=[], gone=[document("b").id])
    kept = state.members(2)
    state.retire([1, 3], at_ms=7)
    assert [one.number for one in state.revisions()] == [2]
    assert state.members(2) == kept
    for number in (1, 3):
        with pytest.raises(NotFound):
            state.members(number)
        assert state.member(number, document("a").id) is None
    state.keep([A])
    with pytest.raises(Conflict):
        state.seal(revision(3, 2), added=[], gone=[])
    state.seal(revision(4, 2), added=[member("a", A)], gone=[])
    assert {one.content_id for one in state.members(4).values()} == {A.id, B.id}
    assert state.members(2) == kept
    state.retire([], at_ms=8)


def test_room_is_given_back_when_it_is_much(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays is as it was; without much free room the file is left alone."""
    database = databases.open(STATE)
    state = SqlState(database)
    state.keep([A, *(content(f"{number} words " * 20_000) for number in range(9))])
    with state.writer():
        state.seal(revision(1, None), added=[member("a", A)], gone=[])
        state.seal(revision(2, 1), added=[], gone=[])
        state.retire([1], at_ms=7)
        assert not state.compact()
        monkeypatch.setattr(engine, "FREE_BYTES_MIN", 1)
        assert state.compact()
        assert not state.compact()
    assert database.path.stat().st_size < 1_000_000
    assert SqlState(databases.open(STATE)).contents([A.id]) == {A.id: A}
    assert len(state.members(2)) == 1


def test_contents_of_no_revision_go_with_the_retired(databases: Databases) -> None:
    """Whoever looks anew finds only what stands somewhere."""
    state = SqlState(databases.open(STATE))
    state.keep([A, B])
    state.seal(revision(1, None), added=[member("a", A), member("b", B)], gone=[])
    state.seal(revision(2, 1), added=[], gone=[document("a").id])
    state.retire([1], at_ms=7)
    later = SqlState(databases.open(STATE))
    assert later.contents([A.id, B.id]) == {B.id: B}


@pytest.mark.parametrize("column", ["text", "outline"])
def test_a_damaged_text_is_never_quoted(databases: Databases, column: str) -> None:
    """A stored text that is not the one that was kept is refused; others can still be read."""
    database = databases.open(STATE)
    state = SqlState(database)
    state.keep([A, B])
    with database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE texts SET {column} = replace({column}, '1', '2') || '!' "  # noqa: S608
            "WHERE content_id = ?",
            (A.id,),
        )
    later = SqlState(database)
    with pytest.raises(Corrupt, match=A.id):
        later.contents([A.id])
    assert later.contents([B.id]) == {B.id: B}


@pytest.mark.parametrize(
    ("part", "look"),
    [
        ('"kinds":"', lambda content: content.text.blocks[0]),
        ('"masks":[', lambda content: len(content.text.masks)),
    ],
)
def test_a_damaged_structure_is_refused_when_it_is_looked_at(
    databases: Databases, part: str, look: Callable[[Content], object]
) -> None:
    """What a search does not need is read later, and then no less strictly."""
    database = databases.open(STATE)
    SqlState(database).keep([A])
    with database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE texts SET outline = replace(outline, ?, ? || 'x')", (part, part)
        )
    content = SqlState(database).contents([A.id])[A.id]
    assert content.chunks == A.chunks
    with pytest.raises(Corrupt, match=A.id):
        look(content)


def test_what_was_just_kept_is_not_read_again(databases: Databases) -> None:
    """An index is built from what a run has kept; a content known before is the stored one."""
    database = databases.open(STATE)
    SqlState(database).keep([A])
    state = SqlState(database)
    other = replace(A, format="other")
    state.keep([other, B])
    assert state.contents([A.id, B.id]) == {A.id: A, B.id: B}
    assert state.contents([B.id])[B.id] is B


def test_a_content_that_was_not_kept_is_not_in_memory(databases: Databases) -> None:
    """When the transaction fails, nothing pretends that it did not."""
    database = databases.open(STATE)
    state = SqlState(database)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE texts")
    with pytest.raises(StorageFailure):
        state.keep([A])
    with pytest.raises(StorageFailure):
        state.contents([A.id])


def test_reading_many_leaves_in_memory_what_questions_use(databases: Databases) -> None:
    """Building an index reads every content once; questions read few of them, again and again."""
    database = databases.open(STATE)
    many = [content(str(number)) for number in range(100)]
    SqlState(database).keep([A, *many])
    state = SqlState(database, cache_bytes=20_000)
    used = state.contents([A.id])[A.id]
    assert len(state.contents([one.id for one in many])) == 100
    assert state.contents([A.id])[A.id] is used


def test_removals_come_and_go(state: State) -> None:
    """A removal says who and why, is replaced by a later one, and can be undone."""
    first = Removal(document_id="d1", who="ann", because="wrong", at_ms=5)
    later = Removal(document_id="d1", who="bob", because="secret", at_ms=6)
    state.remove(first)
    assert state.removed() == {"d1": first}
    state.remove(later)
    assert state.removed() == {"d1": later}
    state.restore("d1")
    state.restore("never removed")
    assert state.removed() == {}


def test_the_pulse_changes_with_every_change(state: State) -> None:
    """Whoever watches the pulse misses nothing, and is left alone while nothing happens."""
    removal = Removal(document_id="d1", who="ann", because="wrong", at_ms=5)
    seen = [state.pulse()]
    changes: list[Callable[[], None]] = [
        lambda: state.keep([A]),
        lambda: state.seal(revision(1, None), added=[member("a", A)], gone=[]),
        lambda: state.rebuilt(1, "anew"),
        lambda: state.remove(removal),
        lambda: state.restore("d1"),
    ]
    for change in changes:
        change()
        assert state.pulse() not in seen
        seen.append(state.pulse())
    state.members(1)
    state.contents([A.id])
    assert state.pulse() == seen[-1]


def test_one_writer_at_a_time(state: State) -> None:
    """A second writer, even in this process, is told who holds the lock; then it is free."""
    with state.writer():
        with pytest.raises(Locked, match=str(os.getpid())), state.writer():
            pass
        assert _in_thread(lambda: _is_locked(state))
    with state.writer():
        pass


def test_readers_work_while_a_writer_holds_the_lock(state: State) -> None:
    """The lock is for writers: asking goes on."""
    state.keep([A])
    with state.writer():
        assert _in_thread(lambda: state.contents([A.id]) == {A.id: A})


def _is_locked(state: State) -> bool:
    try:
        with state.writer():
            return False
    except Locked:
        return True


def _in_thread(ask: Callable[[], bool]) -> bool:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    thread.join()
    return answers == [True]


def _by_id(*members: Member) -> dict[str, Member]:
    return {found.document.id: found for found in members}


_PATHS = st.sampled_from(["a", "b", "c", "d"])
_LINES = st.sampled_from([LINE, "line-b"])
_NAMES = st.sampled_from(["A", "B", "C"])
_LABELS = st.sampled_from(["local", "ops"])


class Histories(RuleBasedStateMachine):
    """Any history, with undone revisions and several lines, reads alike on both adapters."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.databases = Databases(Path(self.folder.name), synchronous="NORMAL")
        self.states: tuple[State, State] = (
            MemoryState(),
            SqlState(self.databases.open(STATE), cache_bytes=4_000),
        )
        for state in self.states:
            state.keep([content(name, line) for name in "ABC" for line in (LINE, "line-b")])
        self.numbers: list[int] = []

    def teardown(self) -> None:
        """Close and delete the database."""
        self.databases.close()
        self.folder.cleanup()

    def both(self, change: Callable[[State], None]) -> None:
        """Make a change on both; they agree also when it fails."""
        ends = [_end_of(change, state) for state in self.states]
        assert ends[0] == ends[1]

    @rule(
        data=st.data(),
        line=_LINES,
        step=st.integers(0, 2),
        added=st.dictionaries(_PATHS, st.tuples(_NAMES, _LABELS)),
        gone=st.sets(_PATHS),
    )
    def seal(
        self,
        data: st.DataObject,
        line: str,
        step: int,
        added: dict[str, tuple[str, str]],
        gone: set[str],
    ) -> None:
        """Seal on any base, now and then with a number that is taken."""
        base = data.draw(st.sampled_from([None, *self.numbers, *self.numbers[-1:] * 3]))
        number = max(self.numbers, default=0) + step
        sealed = revision(number, base, line)
        members = [
            member(path, content(name, line), label) for path, (name, label) in added.items()
        ]
        ids = [document(path).id for path in gone]
        self.both(lambda state: state.seal(sealed, added=members, gone=ids))
        if step:
            self.numbers.append(number)

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def rebuild(self, data: st.DataObject) -> None:
        """Record a rebuild."""
        number = data.draw(st.sampled_from(self.numbers))
        self.both(lambda state: state.rebuilt(number, "anew"))

    @rule(path=_PATHS, at_ms=st.integers(0, 9))
    def remove(self, path: str, at_ms: int) -> None:
        """Remove a document."""
        removal = Removal(document_id=path, who="ann", because="x", at_ms=at_ms)
        self.both(lambda state: state.remove(removal))

    @rule(path=_PATHS)
    def restore(self, path: str) -> None:
        """Undo a removal."""
        self.both(lambda state: state.restore(path))

    @invariant()
    def read_alike(self) -> None:
        """Everything that can be read is the same."""
        memory, sql = self.states
        assert memory.revisions() == sql.revisions()
        assert memory.removed() == sql.removed()
        for number in self.numbers:
            members = memory.members(number)
            assert members == sql.members(number)
            for path in "abcd":
                found = sql.member(number, document(path).id)
                assert found == members.get(document(path).id)


def _end_of(change: Callable[[State], None], state: State) -> str | None:
    try:
        change(state)
    except AnswerableError as error:
        return error.code
    return None


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_long_history_costs_what_it_changes(databases: Databases) -> None:
    """A revision that changes nothing writes no membership, however large the library."""
    database = databases.open(STATE)
    state = SqlState(database)
    state.keep([A])
    state.seal(revision(1, None), added=[member(f"{n}", A) for n in range(2_000)], gone=[])
    for number in range(2, 12):
        state.seal(_interleaved(number), added=[], gone=[])
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM entries").scalar_one()
    assert rows == 2_000


def _interleaved(number: int) -> Revision:
    """Return a revision without change of one of two lines that take turns."""
    if number % 2:
        return revision(number, number - 2)
    return revision(number, number - 2 if number > 2 else None, "line-b")
