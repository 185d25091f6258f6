"""What every `Purges` promises, beside its `State`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from state_samples import Databases, content, document, member, revision

from answerable.adapters.state import engine
from answerable.adapters.state.memory import MemoryState
from answerable.adapters.state.memory_purges import MemoryPurges
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_purges import SqlPurges
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.documents import Document, Purge, Removal, Tombstone, place_hash
from answerable.domain.errors import Locked, NotFound
from answerable.library.ports import Purges, Standing, State


@dataclass
class Both:
    """A state and its purges."""

    state: State
    purges: Purges


def _memory(_: Databases) -> Both:
    state = MemoryState()
    return Both(state, MemoryPurges(state))


def _sqlite(databases: Databases) -> Both:
    database = databases.open(STATE)
    state = SqlState(database)
    return Both(state, SqlPurges(database, state.let_go))


# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], Both]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def both(request: pytest.FixtureRequest, databases: Databases) -> Both:
    """Every pair: A and a copy of it, then C in the place of A, then without it."""
    made = _ADAPTERS[request.param](databases)
    made.state.keep([A, B, C])
    made.state.seal(
        revision(1, None), added=[member("a", A), member("b", B), member("copy", A)], gone=[]
    )
    made.state.seal(revision(2, 1), added=[member("a", C)], gone=[])
    made.state.seal(revision(3, 2), added=[], gone=[document("a").id])
    return made


A, B, C = content("A"), content("B"), content("C")
ORPHAN = content("Orphan")


def grave(of: Document) -> Tombstone:
    """Return what is left of a document."""
    return Tombstone(document_id=of.id, place_hash=place_hash(of.source, of.path))


def begin(both: Both, *paths: str, contents: tuple[str, ...] = ()) -> Purge:
    """Begin a purge of these paths."""
    graves = [grave(document(path)) for path in paths]
    return both.purges.begin(graves, contents, who="ann", because="a key", at_ms=7)


def test_standings_are_of_every_revision(both: Both) -> None:
    """Each pair of a document and a content it ever had, once."""
    found = both.purges.standings()
    a, b, copy = (document(path).id for path in ("a", "b", "copy"))
    assert set(found) == {
        Standing(a, A.id, A.bytes_hash),
        Standing(a, C.id, C.bytes_hash),
        Standing(b, B.id, B.bytes_hash),
        Standing(copy, A.id, A.bytes_hash),
    }
    assert len(found) == 4


def test_documents_are_known_by_id_and_path(both: Both) -> None:
    """Also when they stand in no revision any more."""
    a = document("a").id
    assert both.purges.named("a") == both.purges.named(a) == {a}
    assert both.purges.named("nothing") == frozenset()
    both.state.retire([1, 2], at_ms=5)
    assert both.purges.named("a") == {a}
    assert {one.document_id for one in both.purges.standings()} == {
        document("b").id,
        document("copy").id,
    }


def test_which_revisions_hold_a_document(both: Both) -> None:
    """Also when it has gone since; of one that nobody knows none."""
    assert both.purges.holding([document("a").id]) == {1, 2}
    assert both.purges.holding([document("a").id, document("b").id]) == {1, 2, 3}
    assert both.purges.holding(["f" * 16]) == frozenset()
    assert both.purges.holding([]) == frozenset()


def test_what_is_begun_is_hidden(both: Both) -> None:
    """In the moment it is recorded, with who and why; the record has no name in it."""
    purge = begin(both, "a", contents=(A.bytes_hash,))
    assert (purge.number, purge.who, purge.because, purge.at_ms) == (1, "ann", "a key", 7)
    assert purge.done_at_ms is None
    assert purge.documents == (grave(document("a")),)
    assert purge.contents == {A.bytes_hash}
    assert both.purges.all() == (purge,)
    removed = both.state.removed()[document("a").id]
    assert (removed.who, removed.because, removed.at_ms) == ("ann", "a key", 7)


def test_a_removal_that_was_there_stays_as_it_was(both: Both) -> None:
    """Who hid it first, and why, is not written over."""
    begin(both, "a")
    second = begin(both, "a", "b")
    assert second.number == 2
    assert [one.number for one in both.purges.all()] == [2, 1]
    assert set(both.state.removed()) == {document("a").id, document("b").id}


def test_a_purge_can_be_widened(both: Both) -> None:
    """By what came meanwhile; what it has stays, and the new is hidden too."""
    purge = begin(both, "a", contents=(A.bytes_hash,))
    graves = [grave(document(path)) for path in ("a", "b")]
    wide = both.purges.widen(purge.number, graves, [B.bytes_hash])
    assert {one.document_id for one in wide.documents} == {document("a").id, document("b").id}
    assert wide.contents == {A.bytes_hash, B.bytes_hash}
    assert document("b").id in both.state.removed()
    assert both.purges.all() == (wide,)


def test_what_is_pending_is_known_without_the_rest(both: Both) -> None:
    """Oldest first; what is done stays the newest that there was."""
    assert (both.purges.pending(), both.purges.newest()) == ((), 0)
    first, second = (
        both.purges.begin([], [one], who="ann", because="asked", at_ms=5) for one in "ab"
    )
    assert both.purges.pending() == (first, second)
    both.purges.finish(first.number, at_ms=6)
    assert both.purges.pending() == (second,)
    both.purges.finish(second.number, at_ms=6)
    assert (both.purges.pending(), both.purges.newest()) == ((), second.number)


def test_indexes_are_recorded_one_by_one(both: Both) -> None:
    """With the manifest that the revision has from then on."""
    purge = begin(both, "a")
    assert both.purges.indexed(purge.number) == frozenset()
    both.purges.rebuilt(purge.number, 1, "f" * 64)
    both.purges.rebuilt(purge.number, 1, "e" * 64)
    assert both.purges.indexed(purge.number) == {1}
    assert {one.number: one.manifest for one in both.state.revisions()}[1] == "e" * 64
    with pytest.raises(NotFound):
        both.purges.rebuilt(purge.number, 9, "f" * 64)
    assert both.purges.indexed(purge.number) == {1}


def test_contents_of_no_document_are_doomed_too(both: Both) -> None:
    """What an ingest left behind that was killed may be of anything."""
    both.state.keep([ORPHAN])
    purge = begin(both, "b", contents=(B.bytes_hash,))
    assert both.purges.doomed(purge.number) == {B.id, ORPHAN.id}


def test_erased_is_gone_from_every_revision(both: Both) -> None:
    """Documents, contents and removals; others stay, and revisions count what they hold."""
    both.state.keep([ORPHAN])
    purge = begin(both, "a", "copy", contents=(A.bytes_hash, C.bytes_hash))
    for number in (1, 2, 3):
        both.purges.rebuilt(purge.number, number, f"{number:064x}")
    assert both.state.contents([A.id])
    before = both.state.pulse()
    both.purges.erase(purge.number)
    assert both.state.pulse() != before
    assert both.state.contents([A.id, B.id, C.id, ORPHAN.id]) == {B.id: B}
    for number in (1, 2, 3):
        assert set(both.state.members(number)) == {document("b").id}
    assert both.state.documents([document("a").id, document("copy").id]) == {}
    assert both.state.removed() == {}
    assert [(one.documents, one.chunks) for one in both.state.revisions()] == [(1, 2)] * 3
    both.purges.erase(purge.number)
    both.purges.finish(purge.number, at_ms=9)
    (done,) = both.purges.all()
    assert done.done_at_ms == 9
    assert done.documents == purge.documents


def test_no_revision_names_what_was_purged(databases: Databases) -> None:
    """Where a file was ingested by itself, its name stands in why; a like one stays."""
    for made in (_memory(databases), _sqlite(databases)):
        made.state.keep([A, B])
        first = replace(revision(1, None), because="ingest docs/a")
        made.state.seal(first, added=[member("a", A)], gone=[])
        second = replace(revision(2, 1), because="ingest docs/ba")
        made.state.seal(second, added=[member("ba", B)], gone=[])
        made.purges.erase(begin(made, "a", contents=(A.bytes_hash,)).number)
        because = [one.because for one in made.state.revisions()]
        assert because == ["ingest docs/ba", "ingest (purged)"]


def test_what_comes_after_is_sealed_as_ever(both: Both) -> None:
    """A line goes on from a revision that was purged."""
    purge = begin(both, "a", "copy", contents=(A.bytes_hash, C.bytes_hash))
    both.purges.erase(purge.number)
    both.state.keep([C])
    both.state.seal(revision(4, 3), added=[member("c", C)], gone=[])
    assert set(both.state.members(4)) == {document("b").id, document("c").id}


def test_a_lifted_place_stays_on_record(both: Both) -> None:
    """When it was lifted, once; others are not."""
    begin(both, "a", "b")
    both.purges.lift([document("a").id], at_ms=11)
    both.purges.lift([document("a").id], at_ms=12)
    lifted = {one.document_id: one.lifted_at_ms for one in both.purges.all()[0].documents}
    assert lifted == {document("a").id: 11, document("b").id: None}


def test_no_byte_is_left_in_the_file(databases: Databases, tmp_path: Path) -> None:
    """Neither of what was erased, nor of what was deleted long before, nor in the log."""
    both = _sqlite(databases)
    secret = content("Xyzzyplugh")
    both.state.keep([secret, B])
    both.state.seal(revision(1, None), added=[member("s", secret), member("b", B)], gone=[])
    purge = begin(both, "s", contents=(secret.bytes_hash,))
    files = list(tmp_path.glob("state.db*"))
    assert any(b"Xyzzyplugh" in file.read_bytes() for file in files)
    both.purges.erase(purge.number)
    assert not any(b"Xyzzyplugh" in file.read_bytes() for file in tmp_path.glob("state.db*"))


def test_what_was_deleted_long_before_goes_too(databases: Databases, tmp_path: Path) -> None:
    """A row that went without a purge leaves its bytes in the file until one comes."""
    both = _sqlite(databases)
    both.state.keep([B])
    both.state.seal(revision(1, None), added=[member("b", B)], gone=[])
    both.state.remove(Removal(document_id="f" * 16, who="ann", because="xyzzyplugh " * 40, at_ms=1))
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("PRAGMA secure_delete = OFF")  # some builds of SQLite have it on
        other.execute("DELETE FROM removals")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"xyzzyplugh" in (tmp_path / "state.db").read_bytes()
    both.purges.erase(begin(both).number)
    assert not any(b"xyzzyplugh" in file.read_bytes() for file in tmp_path.glob("state.db*"))


def test_who_reads_without_end_is_not_waited_for(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are gone, the file is not clean yet, and it can be tried again."""
    monkeypatch.setattr(engine, "_SCRUB_S", 0.0)
    both = _sqlite(databases)
    both.state.keep([A, B])
    both.state.seal(revision(1, None), added=[member("a", A), member("b", B)], gone=[])
    purge = begin(both, "a", contents=(A.bytes_hash,))
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM texts").fetchone()
        with pytest.raises(Locked):
            both.purges.erase(purge.number)
        reader.execute("ROLLBACK")
    both.purges.erase(purge.number)
    assert both.state.contents([A.id]) == {}
