"""What one answer was found to be."""

from __future__ import annotations

from enum import StrEnum


class Grade(StrEnum):
    """GOOD or BAD, or UNDECIDED where nobody could tell; what is undecided is never good."""

    GOOD = "good"
    BAD = "bad"
    UNDECIDED = "undecided"
