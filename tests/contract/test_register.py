"""What every `Register` promises."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from state_samples import Databases, release

from answerable.adapters.state import tables
from answerable.adapters.state.memory import MemoryRegister, MemoryState, Pulse
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_register import SqlRegister
from answerable.adapters.state.sql_state import SqlState
from answerable.domain.errors import Conflict, Corrupt, NotFound
from answerable.domain.releases import Deployment, Proposal, Ruling
from answerable.releases.ports import Register

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], Register]] = {
    "memory": lambda _: MemoryRegister(),
    "sqlite": lambda databases: SqlRegister(databases.open(STATE)),
}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def register(request: pytest.FixtureRequest, databases: Databases) -> Register:
    """Every `Register`."""
    return _ADAPTERS[request.param](databases)


def test_a_release_comes_back_as_it_was_added(register: Register) -> None:
    """Every value of the recipe survives, so its id does."""
    register.add(release())
    register.add(release())
    assert register.release(release().id) == release()
    assert register.release("rel-unknown") is None


def test_deployments_are_numbered_from_zero(register: Register) -> None:
    """The newest one counts, and none is ever lost."""
    register.add(release())
    assert register.current() is None
    assert register.deployments() == ()
    first = _deploy(register, pinned=None)
    second = _deploy(register, pinned=3)
    assert (first.number, second.number) == (0, 1)
    assert second == Deployment(
        number=1, release_id=release().id, pinned=3, who="ann", because="try it", at_ms=5
    )
    assert register.current() == second
    assert register.deployments() == (second, first)


def test_an_unknown_release_cannot_be_deployed(register: Register) -> None:
    """A deployment names a release that is stored; a refusal leaves no trace."""
    with pytest.raises(NotFound):
        _deploy(register, pinned=None)
    assert register.current() is None


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_deployment_moves_the_pulse(kind: str, databases: Databases) -> None:
    """Whoever watches the library's pulse learns of a new deployment."""
    if kind == "memory":
        pulse = Pulse()
        state, register = MemoryState(pulse), MemoryRegister(pulse)
        _check_pulse(state, register)
    else:
        database = databases.open(STATE)
        _check_pulse(SqlState(database), SqlRegister(database))


@pytest.mark.parametrize(
    "damage",
    [
        lambda recipe: recipe["retrieval"].update(page_weight=0.9),
        lambda recipe: recipe["retrieval"].update(page_weight="0.25"),
        lambda recipe: recipe["quoting"].pop("units_max"),
        lambda recipe: recipe.pop("ladder"),
        lambda recipe: recipe.update(ladder="quote"),
        lambda recipe: recipe.update(surplus=1),
    ],
)
def test_a_damaged_recipe_is_never_served(
    databases: Databases, damage: Callable[[Any], object]
) -> None:
    """A stored recipe that is not what its id stands for is refused, not guessed."""
    database = databases.open(STATE)
    register = SqlRegister(database)
    register.add(release())
    with database.write() as connection:
        recipe = json.loads(connection.exec_driver_sql("SELECT recipe FROM releases").scalar_one())
        damage(recipe)
        connection.execute(update(tables.releases).values(recipe=json.dumps(recipe)))
    with pytest.raises(Corrupt, match=release().id):
        register.release(release().id)


def _deploy(register: Register, *, pinned: int | None) -> Deployment:
    return register.deploy(
        release_id=release().id, pinned=pinned, who="ann", because="try it", at_ms=5
    )


def _check_pulse(state: SqlState | MemoryState, register: Register) -> None:
    register.add(release())
    before = state.pulse()
    _deploy(register, pinned=None)
    assert state.pulse() != before


def test_the_first_proposal_of_a_recipe_stands(register: Register) -> None:
    """Who proposes it again is told who did before; the release is there either way."""
    first = _proposal(author="ann", at_ms=5)
    assert register.propose(release(), first) == first
    assert register.propose(release(), _proposal(author="bob", at_ms=6)) == first
    assert register.proposals() == (first,)
    assert register.release(release().id) == release()
    assert list(register.ids()) == [release().id]


def test_proposals_come_newest_first(register: Register) -> None:
    """Whatever their ids."""
    other = replace(release(), software="2")
    old, new = _proposal(author="ann", at_ms=5), replace(_proposal(at_ms=6), release_id=other.id)
    register.propose(release(), old)
    register.propose(other, new)
    assert register.proposals() == (new, old)
    assert set(register.ids()) == {release().id, other.id}


def test_of_two_who_deploy_at_once_one_is_told(register: Register) -> None:
    """Each follows what they saw; the second saw something that is not the newest any more."""
    register.add(release())
    seen = _deploy(register, pinned=None)
    mine = register.deploy(
        release_id=release().id,
        pinned=None,
        who="ann",
        because="better",
        at_ms=6,
        chosen=True,
        after=seen.number,
    )
    assert mine.chosen
    with pytest.raises(Conflict, match="meanwhile"):
        register.deploy(
            release_id=release().id,
            pinned=None,
            who="bob",
            because="",
            at_ms=7,
            after=seen.number,
        )
    assert register.current() == mine


def test_rulings_are_kept_in_their_order(register: Register) -> None:
    """The newest first, and about nothing that is not stored."""
    with pytest.raises(NotFound):
        _rule(register, "pass")
    register.add(release())
    first, second = _rule(register, "fail"), _rule(register, "pass")
    assert (first.number, second.number) == (0, 1)
    assert first.because == "worse\nslower"
    assert register.rulings() == (second, first)


def _proposal(*, author: str = "ann", at_ms: int) -> Proposal:
    return Proposal(
        release_id=release().id, parent="rel-a", author=author, message="shorter", at_ms=at_ms
    )


def _rule(register: Register, decision: str) -> Ruling:
    return register.rule(
        candidate=release().id,
        against="rel-a",
        questions="ops",
        decision=decision,
        because="worse\nslower",
        who="ann",
        at_ms=5,
    )
