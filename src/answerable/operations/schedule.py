"""When something is due: at an interval, or as five fields of cron say, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from answerable.domain.errors import BadInput

_INTERVAL = re.compile(r"(?:every\s+)?(\d{1,6})\s*(s|m|h|d)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EVERY_S_MIN = 10
_CRON_FIELDS = 5
_NEVER = ("", "never")


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When something is due.

    Attributes:
        text: As a person writes it: ``15m``, ``0 3 * * *``, or ``never``.
        every_s: Seconds of an interval; 0 where cron says when, or nothing does.
    """

    text: str
    every_s: int = 0

    def next_ms(self, after_ms: int) -> int | None:
        """Return when it is due next after a moment, in milliseconds since the epoch.

        None when it never is. Of moments that were missed only one counts.
        """
        if self.every_s:
            return after_ms + self.every_s * 1000
        if self.text in _NEVER:
            return None
        after = datetime.fromtimestamp(after_ms / 1000, UTC)
        # cronsim may give the minute that has begun when no second of it has passed.
        found = next((one for one in CronSim(self.text, after) if one > after), None)
        return None if found is None else round(found.timestamp() * 1000)


NEVER = Schedule(text="never")
"""Only when somebody asks."""


def schedule(text: str) -> Schedule:
    """Return the schedule a text means.

    Args:
        text: ``15m``, ``every 2h``, ``90s``, ``1d``, five fields of cron, or ``never``.

    Raises:
        BadInput: It is none of these, shorter than ten seconds, or names no day there is.
    """
    words = " ".join(text.split())
    if words.lower() in _NEVER:
        return NEVER
    interval = _INTERVAL.fullmatch(words)
    if interval:
        every_s = int(interval[1]) * _SECONDS[interval[2].lower()]
        if every_s < _EVERY_S_MIN:
            raise _bad(text, f"is shorter than {_EVERY_S_MIN} seconds")
        return Schedule(text=f"{interval[1]}{interval[2].lower()}", every_s=every_s)
    if len(words.split()) != _CRON_FIELDS:
        raise _bad(text, "is no interval and has not five fields")
    try:
        if next(CronSim(words, datetime(2026, 1, 1, tzinfo=UTC)), None) is None:
            raise _bad(text, "never comes")
    except CronSimError as error:
        raise _bad(text, f"is no schedule: {error}") from error
    return Schedule(text=words)


def ago(milliseconds: int) -> str:
    """Return a length of time as people say it: ``3 min``."""
    length = timedelta(milliseconds=max(0, milliseconds))
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _bad(text: str, what: str) -> BadInput:
    return BadInput(
        f"the schedule {text[:80]!r} {what}",
        hint="15m, 2h, 1d, never, or cron in UTC such as '0 3 * * *'",
    )
