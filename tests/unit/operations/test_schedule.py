"""When something is due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.errors import BadInput
from answerable.operations.schedule import ago, schedule


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "kept", "every_s"),
    [
        ("15m", "15m", 900),
        (" every  2 h ", "2h", 7200),
        ("1D", "1d", 86400),
        ("90s", "90s", 90),
        ("never", "never", 0),
        ("", "never", 0),
    ],
)
def test_intervals_as_people_write_them(text: str, kept: str, every_s: int) -> None:
    """One form is kept."""
    found = schedule(text)
    assert (found.text, found.every_s) == (kept, every_s)
    assert schedule(found.text) == found


@pytest.mark.parametrize(
    ("text", "after", "due"),
    [
        ("0 3 * * *", "2026-11-30 02:59:59", "2026-11-30 03:00:00"),
        ("0 3 * * *", "2026-11-30 03:00:00", "2026-12-01 03:00:00"),
        ("*/15 9-17 * * MON-FRI", "2026-11-28 12:00:00", "2026-11-30 09:00:00"),
        ("0 0 29 2 *", "2026-11-30 00:00:00", "2028-02-29 00:00:00"),
        ("15m", "2026-11-30 00:07:00", "2026-11-30 00:22:00"),
    ],
)
def test_when_it_is_due_next(text: str, after: str, due: str) -> None:
    """After a moment, never at it, in UTC."""
    assert schedule(text).next_ms(ms(after)) == ms(due)


def test_never_is_never_due() -> None:
    """Only when somebody asks."""
    assert schedule("never").next_ms(0) is None


@pytest.mark.parametrize(
    "text",
    ["5s", "0m", "tomorrow", "* * *", "61 * * * *", "0 0 31 2 *", "* * * * * *", "15 parsecs"],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """With examples of what is one."""
    with pytest.raises(BadInput) as caught:
        schedule(text)
    assert "0 3 * * *" in caught.value.hint


@given(
    st.sampled_from(["*/7 * * * *", "30 4 1 * *", "0 0 * * SUN", "13m", "2h"]),
    st.integers(0, 4_000_000_000_000),
)
def test_due_is_always_later_and_moves_on(text: str, after_ms: int) -> None:
    """So that nothing is due twice at one moment."""
    found = schedule(text)
    due = found.next_ms(after_ms)
    assert due is not None
    assert due > after_ms
    following = found.next_ms(due)
    assert following is not None
    assert following > due


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(0, "0 s"), (-5, "0 s"), (119_000, "119 s"), (120_000, "2 min"), (7_200_000, "2 h")],
)
def test_how_long_ago(milliseconds: int, said: str) -> None:
    """As people say it."""
    assert ago(milliseconds) == said
