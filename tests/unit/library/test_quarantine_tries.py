"""When a file that could not be read is tried again."""

from __future__ import annotations

import pytest

from answerable.adapters.state.memory_quarantine import MemoryQuarantine
from answerable.library.ports import Unreadable
from answerable.library.quarantine import Ward, ward

MINUTE = 60_000


def reading(quarantine: MemoryQuarantine, minutes: int, *, line: str = "l") -> Ward:
    """Return what a reading of the source begins with, some minutes after the first."""
    return ward("folder:/docs", line=line, now_ms=minutes * MINUTE, quarantine=quarantine)


def fails(ward: Ward, code: str, bytes_hash: str = "h") -> None:
    ward.failed(Unreadable(path="a.md", code=code, reason="bad"), bytes_hash=bytes_hash, size=1)
    ward.keep()


def is_tried(ward: Ward, bytes_hash: str = "h") -> bool:
    return ward.before("a.md", bytes_hash) is None


def test_what_is_wrong_with_the_file_is_not_tried_again() -> None:
    """Until its bytes or the parsers change."""
    quarantine = MemoryQuarantine()
    fails(reading(quarantine, 0), "malformed")
    assert not is_tried(reading(quarantine, 1_000_000))
    assert is_tried(reading(quarantine, 1), "other")
    assert is_tried(reading(quarantine, 1, line="newer"))


@pytest.mark.parametrize("code", ["timeout", "memory", "crashed"])
def test_what_may_have_been_the_machine_is_tried_again_more_and_more_seldom(code: str) -> None:
    """After 10, 30, 70 minutes and so on; a good file is not lost to a busy moment."""
    quarantine = MemoryQuarantine()
    fails(reading(quarantine, 0), code)
    for minutes in (10, 30, 70, 150):
        assert not is_tried(reading(quarantine, minutes - 1))
        later = reading(quarantine, minutes)
        assert is_tried(later)
        fails(later, code)
    (one,) = quarantine.all()
    assert one.attempts == 5


def test_what_a_person_ignores_is_not_tried_again() -> None:
    """Whatever it was."""
    quarantine = MemoryQuarantine()
    fails(reading(quarantine, 0), "timeout")
    (one,) = quarantine.all()
    quarantine.ignore(one.document_id, who="me", because="no document")
    assert not is_tried(reading(quarantine, 1_000))


def test_other_bytes_begin_anew() -> None:
    """Their attempts are counted for themselves."""
    quarantine = MemoryQuarantine()
    fails(reading(quarantine, 0), "crashed")
    fails(reading(quarantine, 10), "crashed")
    fails(reading(quarantine, 20), "crashed", "other")
    (one,) = quarantine.all()
    assert (one.attempts, one.bytes_hash) == (1, "other")
