"""Sources: what can be registered, when they are due, what becomes of their health."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.errors import BadInput
from answerable.operations.sources import (
    RegisteredSource,
    SourceHealth,
    SourceKind,
    SourceSpec,
    Synced,
    checked,
    due,
    failed,
    is_too_much,
    started,
    succeeded,
    succeeded_partly,
)

SPEC = SourceSpec(name="a", kind=SourceKind.FOLDER, place="/a", source="folder:/a", schedule="15m")
MINUTE = 60_000


def registered(name: str = "a", schedule: str = "15m", **health: object) -> RegisteredSource:
    spec = replace(SPEC, name=name, schedule=schedule)
    known = replace(SourceHealth(), **health)  # type: ignore[arg-type]
    return RegisteredSource(spec=spec, health=known, added_ms=1_000, who="me")


def synced(**how: object) -> Synced:
    given = Synced(
        at_ms=9,
        documents=5,
        more=5,
        withheld=0,
        was_allowed=False,
        changed=True,
        counts=(),
        took_ms=1.0,
    )
    return replace(given, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "A b"},
        {"name": ""},
        {"name": "x" * 41},
        {"labels": ("Team A",)},
        {"include": ("x" * 501,)},
        {"exclude": ("x",) * 101},
        {"loss_max": 1.1},
        {"loss_max": float("nan")},
        {"schedule": "sometimes"},
    ],
)
def test_what_cannot_be_registered(change: dict[str, object]) -> None:
    """Each fault is named."""
    with pytest.raises(BadInput):
        checked(replace(SPEC, **change))  # type: ignore[arg-type]


def test_a_schedule_is_kept_in_one_form() -> None:
    """So that it can be compared."""
    assert checked(replace(SPEC, schedule="every 2 H")).schedule == "2h"


def test_a_new_source_is_due_at_once_and_then_by_its_schedule() -> None:
    """From when it was last begun, whatever came of it."""
    assert registered().due_ms == 1_000
    assert registered(schedule="never").due_ms is None
    assert registered(started_ms=5 * MINUTE).due_ms == 20 * MINUTE
    assert registered(started_ms=5 * MINUTE, failed_ms=6 * MINUTE).due_ms == 21 * MINUTE
    assert registered(paused=True).due_ms is None


def test_the_longest_overdue_comes_first() -> None:
    """So that none is starved by another."""
    late = registered("late", started_ms=1)
    later = registered("later", started_ms=2)
    not_yet = registered("not-yet", started_ms=60 * MINUTE)
    found = due([later, not_yet, late, registered("no", schedule="never")], 30 * MINUTE)
    assert [one.spec.name for one in found] == ["late", "later"]


def test_failures_add_up_until_it_is_read_well() -> None:
    """Then they are forgotten; documents and counts stay as they were meanwhile."""
    health = succeeded(started(SourceHealth(), 1), synced())
    for at in (10, 20):
        health = failed(health, "source_failed: down", at)
    assert (health.state, health.failures, health.failed_ms) == ("failing", 2, 20)
    assert (health.documents, health.succeeded_ms) == (5, 9)
    health = succeeded(health, synced(at_ms=30, changed=False))
    assert (health.state, health.failures, health.error) == ("ok", 0, "")
    assert (health.succeeded_ms, health.changed_ms) == (30, 9)


def test_a_part_leaves_what_is_known_of_the_whole() -> None:
    """Counts, what is held and what was allowed are of whole readings."""
    health = succeeded(SourceHealth(), synced(counts=(("added", 5),), withheld=3))
    health = replace(failed(health, "down", 10), may_lose=True)
    part = succeeded_partly(health, synced(at_ms=20, more=-2, documents=1, withheld=1))
    assert (part.documents, part.withheld, part.counts) == (3, 3, (("added", 5),))
    assert (part.failures, part.succeeded_ms, part.may_lose) == (0, 20, True)


def test_what_a_person_allowed_is_used_up() -> None:
    """The next loss is asked about again."""
    held = replace(SourceHealth(), may_lose=True, withheld=4)
    assert succeeded(held, synced()).may_lose, "allowed while it was being read: not used yet"
    health = succeeded(held, synced(was_allowed=True))
    assert (health.may_lose, health.withheld, health.state) == (False, 0, "ok")


def test_the_gravest_state_is_said() -> None:
    """Paused, held, failing, new, ok."""
    assert SourceHealth().state == "new"
    assert replace(SourceHealth(), paused=True, withheld=1, failures=1).state == "paused"
    assert replace(SourceHealth(), withheld=1, failures=1).state == "held"


@pytest.mark.parametrize(
    ("lost", "before", "too_much"),
    [(2, 2, False), (3, 3, True), (3, 10, False), (4, 10, True), (0, 0, False)],
)
def test_a_few_may_always_vanish(lost: int, before: int, too_much: bool) -> None:
    """In a small source two are a large share."""
    assert is_too_much(lost, before, 0.3) is too_much


@given(st.integers(0, 100), st.integers(0, 100), st.floats(0, 1))
def test_more_lost_is_never_less_of_a_loss(lost: int, before: int, share: float) -> None:
    """Monotone in what is lost; all may go where the share is 1."""
    if is_too_much(lost, before, share):
        assert is_too_much(lost + 1, before, share)
    assert not is_too_much(min(lost, before), before, 1.0)
