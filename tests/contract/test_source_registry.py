"""What every `SourceRegistry` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from state_samples import Databases

from answerable.adapters.state.memory_sources import MemorySources
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_sources import SqlSources
from answerable.domain.errors import Conflict
from answerable.operations.ports import SourceRegistry
from answerable.operations.sources import SourceHealth, SourceKind, SourceSpec

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], SourceRegistry]] = {
    "memory": lambda _: MemorySources(),
    "sqlite": lambda databases: SqlSources(databases.open(STATE)),
}
SPEC = SourceSpec(
    name="runbooks",
    kind=SourceKind.GIT,
    place="https://git.example/ä.git",
    source="git:https://git.example/ä.git#main:",
    options=(("branch", "main"),),
    include=("*.md",),
    exclude=("old/",),
    labels=("team-a",),
    schedule="10m",
    loss_max=0.5,
)


@pytest.fixture(params=_ADAPTERS)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SourceRegistry]:
    """Every `SourceRegistry`."""
    with closing(Databases(tmp_path)) as opened:
        yield _ADAPTERS[request.param](opened)


def test_what_was_registered_comes_back(registry: SourceRegistry) -> None:
    """All of it, with who and when, and nothing known of its health."""
    made = registry.add(SPEC, who="me", at_ms=7)
    assert (made.spec, made.health, made.who, made.added_ms) == (SPEC, SourceHealth(), "me", 7)
    assert registry.source("runbooks") == made
    assert registry.source("other") is None


def test_sources_come_by_name(registry: SourceRegistry) -> None:
    """In one order, everywhere."""
    for name in ("b", "c", "a"):
        registry.add(replace(SPEC, name=name, source=name), who="me", at_ms=1)
    assert [one.spec.name for one in registry.sources()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "source"), [("runbooks", "other"), ("other", SPEC.source)], ids=["name", "place"]
)
def test_a_name_and_a_place_are_taken_once(
    registry: SourceRegistry, name: str, source: str
) -> None:
    """The second is refused, and says which one is there."""
    registry.add(SPEC, who="me", at_ms=1)
    with pytest.raises(Conflict, match="runbooks"):
        registry.add(replace(SPEC, name=name, source=source), who="me", at_ms=2)
    assert len(registry.sources()) == 1


def test_health_is_changed_from_what_it_is(registry: SourceRegistry) -> None:
    """What was said and when stays; a source that is gone is not made by that."""
    made = registry.add(SPEC, who="me", at_ms=1)
    for _ in range(3):
        registry.change("runbooks", lambda now: replace(now, failures=now.failures + 1))
    changed = registry.change(
        "runbooks", lambda now: replace(now, counts=(("added", 2),), error="down")
    )
    health = SourceHealth(failures=3, counts=(("added", 2),), error="down")
    assert changed == replace(made, health=health)
    assert registry.source("runbooks") == changed
    assert registry.change("other", lambda now: now) is None
    assert registry.source("other") is None


def test_a_change_that_fails_changes_nothing(registry: SourceRegistry) -> None:
    """Wholly or not at all."""
    made = registry.add(SPEC, who="me", at_ms=1)

    def bad(_now: SourceHealth) -> SourceHealth:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        registry.change("runbooks", bad)
    assert registry.source("runbooks") == made


def test_a_source_is_forgotten_once(registry: SourceRegistry) -> None:
    """Its name and place are free again."""
    registry.add(SPEC, who="me", at_ms=1)
    assert registry.drop("runbooks")
    assert not registry.drop("runbooks")
    assert registry.sources() == ()
    registry.add(SPEC, who="me", at_ms=2)
