"""Which revisions have had their time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.documents import Revision
from answerable.operations.retention import DAY_MS, retired


def revisions(*days: int) -> list[Revision]:
    """Return revisions sealed on these days, newest first."""
    return [
        Revision(
            number=number,
            line="l",
            base=None,
            manifest="m",
            sealed_at_ms=day * DAY_MS,
            documents=1,
            chunks=1,
            because="b",
        )
        for number, day in reversed(list(enumerate(sorted(days), start=1)))
    ]


def gone(*days: int, now: int, least: int = 1, needed: tuple[int, ...] = ()) -> tuple[int, ...]:
    known = revisions(*days)
    return retired(known, now_ms=now * DAY_MS, days=14, least=least, needed=needed)


def test_what_is_old_goes_oldest_first() -> None:
    """After its days, not on the last of them."""
    assert gone(1, 2, 20, 30, now=30) == (1, 2)
    assert gone(16, 30, now=30) == ()
    assert gone(15, 30, now=30) == (1,)


def test_what_is_needed_stays() -> None:
    """Whatever its age."""
    assert gone(1, 2, 3, 30, now=30, needed=(2,)) == (1, 3)


def test_the_newest_stay_however_old() -> None:
    """A library that nobody touches keeps what it has."""
    assert gone(1, 2, 3, now=300) == (1, 2)
    assert gone(1, 2, 3, now=300, least=3) == ()
    assert gone(now=300) == ()


@given(
    st.lists(st.integers(1, 100), max_size=20),
    st.integers(0, 100),
    st.integers(0, 5),
    st.sets(st.integers(1, 20)),
)
def test_nothing_needed_new_or_newest_ever_goes(
    days: list[int], now: int, least: int, needed: set[int]
) -> None:
    """And there is always one left."""
    known = revisions(*days)
    went = retired(known, now_ms=now * DAY_MS, days=14, least=least, needed=needed)
    assert not set(went) & needed
    assert not set(went) & {one.number for one in known[: max(1, least)]}
    assert all(one.sealed_at_ms < (now - 14) * DAY_MS for one in known if one.number in went)
