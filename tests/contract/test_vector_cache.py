"""What every `VectorCache` promises, and what becomes of the file of one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from state_samples import Databases

from answerable.adapters.state.engine import Database
from answerable.adapters.state.memory import MemoryVectorCache
from answerable.adapters.state.schema import VECTORS, migrate
from answerable.adapters.state.tables import vectors
from answerable.adapters.state.vectors import SqlVectorCache
from answerable.domain.errors import Corrupt, DiskFull, Locked
from answerable.library.ports import VectorCache

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], VectorCache]] = {
    "memory": lambda _: MemoryVectorCache(),
    "sqlite": lambda databases: SqlVectorCache(databases.open(VECTORS)),
}

_ONE = sha256(b"one embedder").hexdigest()
_OTHER = sha256(b"another").hexdigest()


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def cache(request: pytest.FixtureRequest, databases: Databases) -> VectorCache:
    """Every `VectorCache`, empty."""
    return _ADAPTERS[request.param](databases)


def test_what_was_put_can_be_got(cache: VectorCache) -> None:
    """Byte for byte; a key nobody put is not among them, and asking twice gives it once."""
    packed = {_key(n): bytes([n]) * n for n in range(3)}
    cache.put(_ONE, packed)
    assert cache.get(_ONE, [*packed, _key(9), _key(1)]) == packed
    assert cache.get(_ONE, [_key(2)]) == {_key(2): b"\2\2"}


def test_an_empty_cache_has_nothing(cache: VectorCache) -> None:
    """Neither for an embedder nobody heard of, nor for no keys, nor after putting nothing."""
    assert cache.get(_ONE, [_key(1)]) == {}
    cache.put(_ONE, {})
    assert cache.get(_ONE, [_key(1)]) == {}
    assert cache.get(_ONE, []) == {}


def test_vectors_of_two_embedders_are_apart(cache: VectorCache) -> None:
    """The same key holds something of its own for each."""
    cache.put(_ONE, {_key(1): b"one"})
    assert cache.get(_OTHER, [_key(1)]) == {}
    cache.put(_OTHER, {_key(1): b"other", _key(2): b"more"})
    assert cache.get(_ONE, [_key(1), _key(2)]) == {_key(1): b"one"}
    assert cache.get(_OTHER, [_key(1)]) == {_key(1): b"other"}


def test_the_first_one_stays(cache: VectorCache) -> None:
    """A key that is there is left as it is; what is new beside it is kept."""
    cache.put(_ONE, {_key(1): b"first"})
    cache.put(_ONE, {_key(1): b"second", _key(2): b"new"})
    assert cache.get(_ONE, [_key(1), _key(2)]) == {_key(1): b"first", _key(2): b"new"}


def test_many_at_once(cache: VectorCache) -> None:
    """More keys than one statement takes."""
    packed = {_key(n): b"%d" % n for n in range(2_500)}
    cache.put(_ONE, packed)
    assert cache.get(_ONE, packed.keys() | {_key(9_999)}) == packed


def test_what_is_erased_is_gone_for_every_embedder(cache: VectorCache) -> None:
    """What has another key stays; the same key can be put again."""
    for embedder in (_ONE, _OTHER):
        cache.put(embedder, {_key(1): b"secret", _key(2): b"other"})
    cache.erase([_key(1), _key(9)])
    for embedder in (_ONE, _OTHER):
        assert cache.get(embedder, [_key(1), _key(2)]) == {_key(2): b"other"}
    cache.put(_ONE, {_key(1): b"new"})
    assert cache.get(_ONE, [_key(1)]) == {_key(1): b"new"}
    cache.erase([])


def test_only_what_is_retained_stays(cache: VectorCache) -> None:
    """For every embedder, however many there are; and it may be done again."""
    for embedder in (_ONE, _OTHER):
        cache.put(embedder, {_key(n): b"%d" % n for n in range(1_500)})
    for _ in range(2):
        cache.retain([_key(1), _key(2), _key(1), _key(9_999)])
        for embedder in (_ONE, _OTHER):
            found = cache.get(embedder, [_key(n) for n in range(1_500)])
            assert found == {_key(1): b"1", _key(2): b"2"}
    cache.retain([])
    assert cache.get(_ONE, [_key(1)]) == {}


def test_no_byte_of_what_is_erased_is_left(databases: Databases, tmp_path: Path) -> None:
    """Neither in the database nor in its log."""
    cache = SqlVectorCache(databases.open(VECTORS))
    cache.put(_ONE, {_key(n): b"xyzzyplugh %d" % n for n in range(50)})
    cache.erase([_key(n) for n in range(50)])
    for file in tmp_path.glob("vectors.db*"):
        assert b"xyzzyplugh" not in file.read_bytes()


def test_threads_share_it(cache: VectorCache) -> None:
    """Eight threads put overlapping keys and read their own at once."""
    mistakes: list[object] = []

    def work(thread: int) -> None:
        for step in range(10):
            packed = {_key(n): b"%d" % n for n in (thread * 100 + step, 5_000 + step)}
            cache.put(_ONE, packed)
            if cache.get(_ONE, packed) != packed:
                mistakes.append((thread, step))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mistakes == []
    assert len(cache.get(_ONE, [_key(n) for n in range(5_010)])) == 90


_KEYS = st.sampled_from([sha256(b"%d" % n).hexdigest()[:32] for n in range(6)])
_CALLS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([_ONE, _OTHER]), st.dictionaries(_KEYS, st.binary(max_size=9))),
        st.tuples(st.sampled_from([_ONE, _OTHER]), st.sets(_KEYS)),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls=_CALLS)
def test_both_say_the_same(calls: list[tuple[str, dict[str, bytes] | set[str]]]) -> None:
    """Any sequence of calls gives the same on disk as in memory."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Databases(Path(folder), synchronous="NORMAL")) as databases,
    ):
        memory, sql = MemoryVectorCache(), SqlVectorCache(databases.open(VECTORS))
        for embedder, what in calls:
            if isinstance(what, dict):
                memory.put(embedder, what)
                sql.put(embedder, what)
            else:
                assert sql.get(embedder, what) == memory.get(embedder, what)


def test_a_process_that_is_killed_loses_nothing_it_was_told_is_kept(tmp_path: Path) -> None:
    """What `put` returned from is there; of what it was in the middle of, all or nothing."""
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from sqlalchemy import event
        from answerable.adapters.state.engine import Database
        from answerable.adapters.state.schema import VECTORS, migrate
        from answerable.adapters.state.vectors import SqlVectorCache

        database = Database(Path(sys.argv[1]))
        migrate(database, VECTORS)
        cache = SqlVectorCache(database)
        for batch in range(3):
            cache.put("e", {f"{batch:02}{n:02}": b"kept" for n in range(50)})

        @event.listens_for(database.engine, "commit")
        def die(connection):
            os.kill(os.getpid(), signal.SIGKILL)

        cache.put("e", {f"99{n:02}": b"lost" for n in range(50)})
    """)
    path = tmp_path / "vectors.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == -9
    with closing(_open(path)) as database:
        cache = SqlVectorCache(database)
        keys = [f"{batch:02}{n:02}" for batch in (0, 1, 2, 99) for n in range(50)]
        assert cache.get("e", keys) == dict.fromkeys(keys[:150], b"kept")
        cache.put("e", {"9900": b"again"})
        assert cache.get("e", ["9900"]) == {"9900": b"again"}


def test_two_processes_put_the_same(tmp_path: Path) -> None:
    """The one that comes second leaves what it finds and adds what is its own."""
    with closing(_open(tmp_path / "vectors.db")) as one, closing(Database(one.path)) as two:
        SqlVectorCache(one).put(_ONE, {_key(1): b"one", _key(2): b"one"})
        SqlVectorCache(two).put(_ONE, {_key(2): b"two", _key(3): b"two"})
        expected = {_key(1): b"one", _key(2): b"one", _key(3): b"two"}
        assert SqlVectorCache(one).get(_ONE, expected) == expected


def test_a_busy_file_is_told(tmp_path: Path) -> None:
    """Writing waits for a while and then says why it failed; reading never waits."""
    with closing(_open(tmp_path / "vectors.db")) as one:
        SqlVectorCache(one).put(_ONE, {_key(1): b"one"})
        with closing(Database(one.path, busy_ms=10)) as two, one.write():
            cache = SqlVectorCache(two)
            with pytest.raises(Locked, match=r"vectors\.db"):
                cache.put(_ONE, {_key(2): b"two"})
            assert cache.get(_ONE, [_key(1), _key(2)]) == {_key(1): b"one"}


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """A batch that does not fit is not kept in part, and reading goes on."""
    with closing(_open(tmp_path / "vectors.db")) as database:
        cache = SqlVectorCache(database)
        cache.put(_ONE, {_key(1): b"one"})
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        batch = {_key(n): bytes(3_000) for n in range(2, 50)}
        with pytest.raises(DiskFull, match=r"vectors\.db"):
            cache.put(_ONE, batch)
        assert cache.get(_ONE, [_key(1), *batch]) == {_key(1): b"one"}


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """It is called damaged, and the hint is to delete it: nothing in it is lost for good."""
    path = tmp_path / "vectors.db"
    packed = {_key(n): bytes(2_000) for n in range(200)}
    with closing(_open(path)) as database:
        SqlVectorCache(database).put(_ONE, packed)
    whole = bytearray(path.read_bytes())
    whole[8_192:] = b"\xa5" * (len(whole) - 8_192)
    path.write_bytes(whole)
    with closing(Database(path)) as database:
        cache = SqlVectorCache(database)
        for use in (lambda: cache.get(_ONE, packed), lambda: cache.put(_ONE, packed)):
            with pytest.raises(Corrupt, match=r"vectors\.db") as caught:
                use()
            assert "delete" in caught.value.hint
            assert "again" in caught.value.hint


def test_a_flipped_bit_is_put_right(tmp_path: Path) -> None:
    """A vector that is not the one that was put is never given out, and can be put again."""
    with closing(_open(tmp_path / "vectors.db")) as database:
        cache = SqlVectorCache(database)
        cache.put(_ONE, {_key(1): b"\0\0\0\0", _key(2): b"fine"})
        with database.write() as connection:
            connection.execute(
                update(vectors).where(vectors.c.packed == b"\0\0\0\0").values(packed=b"\0\0\1\0")
            )
        assert cache.get(_ONE, [_key(1), _key(2)]) == {_key(2): b"fine"}
        cache.put(_ONE, {_key(1): b"anew"})
        assert cache.get(_ONE, [_key(1)]) == {_key(1): b"anew"}


def _key(number: int) -> str:
    return f"{number:032x}"


def _open(path: Path) -> Database:
    database = Database(path)
    migrate(database, VECTORS)
    return database
