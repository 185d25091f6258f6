"""What every `Canaries` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from state_samples import Databases, release

from answerable.adapters.state.memory import MemoryRegister
from answerable.adapters.state.memory_canaries import MemoryCanaries
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_canaries import SqlCanaries
from answerable.adapters.state.sql_register import SqlRegister
from answerable.domain.errors import Conflict, NotFound
from answerable.releases.ports import Canaries, CanaryRecord, Register, Stage

Pair = tuple[Register, Canaries]


def _memory(_: Databases) -> Pair:
    register = MemoryRegister()
    return register, MemoryCanaries(register)


def _sqlite(databases: Databases) -> Pair:
    database = databases.open(STATE)
    return SqlRegister(database), SqlCanaries(database)


_ADAPTERS: dict[str, Callable[[Databases], Pair]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture(params=_ADAPTERS)
def canaries(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Canaries]:
    """Every `Canaries`, with one release to try."""
    with closing(Databases(tmp_path)) as databases:
        register, made = _ADAPTERS[request.param](databases)
        with pytest.raises(NotFound):
            _begin(made)
        register.add(release())
        yield made


def test_one_is_open_at_most(canaries: Canaries) -> None:
    """It is found until it has ended; then another one may begin."""
    assert canaries.open() is None
    first = _begin(canaries)
    assert (first.number, first.stage, first.held, first.ended_ms) == (0, Stage.RUNNING, "", None)
    assert canaries.open() == first
    with pytest.raises(Conflict, match="another canary runs"):
        _begin(canaries)
    assert canaries.move(0, Stage.STOPPED, of=[Stage.RUNNING], because="enough", now_ms=9)
    assert canaries.open() is None
    second = _begin(canaries)
    assert second.number == 1
    ended = canaries.all()[1]
    assert (ended.stage, ended.because, ended.ended_ms) == (Stage.STOPPED, "enough", 9)
    assert canaries.all()[0] == second


def test_what_was_seen_is_kept_while_it_runs(canaries: Canaries) -> None:
    """And a person's hold beside it; neither overwrites the other."""
    _begin(canaries)
    assert canaries.hold(0, "until Monday")
    assert canaries.save(0, '{"seen": 1}')
    now = canaries.open()
    assert now is not None
    assert (now.watch, now.held) == ('{"seen": 1}', "until Monday")
    assert canaries.hold(0, "")
    assert canaries.move(0, Stage.ROLLED_BACK, of=[Stage.RUNNING], because="worse", now_ms=9)
    assert not canaries.save(0, "{}")
    assert not canaries.hold(0, "too late")
    assert not canaries.save(7, "{}")
    assert (canaries.all()[0].watch, canaries.all()[0].held) == ('{"seen": 1}', "")


def test_of_two_who_decide_at_once_one_does(canaries: Canaries) -> None:
    """A person stops it while it is being promoted: whoever comes second is told."""
    _begin(canaries)
    running = [Stage.RUNNING]
    assert canaries.move(0, Stage.PROMOTING, of=running, because="no worse", now_ms=8)
    assert not canaries.move(0, Stage.STOPPED, of=running, because="stop", now_ms=9)
    now = canaries.open()
    assert now is not None
    assert (now.stage, now.ended_ms) == (Stage.PROMOTING, None)
    assert canaries.move(0, Stage.PROMOTED, of=[Stage.PROMOTING], because="no worse", now_ms=9)
    assert canaries.open() is None


def _begin(canaries: Canaries) -> CanaryRecord:
    return canaries.begin(
        candidate=release().id,
        baseline="rel-a",
        watch="{}",
        who="ann",
        because="it passed",
        now_ms=5,
    )
