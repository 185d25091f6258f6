"""Which revisions have had their time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from answerable.domain.documents import Revision

DAY_MS = 86_400_000


def retired(
    revisions: Sequence[Revision],
    *,
    now_ms: int,
    days: int,
    least: int,
    needed: Collection[int],
) -> tuple[int, ...]:
    """Return the numbers of revisions that need not be kept, oldest first.

    Args:
        revisions: All, newest first.
        now_ms: Milliseconds since the epoch.
        days: A revision is kept so long.
        least: The newest ones are kept however old they are, at least one.
        needed: Kept always: what serves, what is pinned, what served before.
    """
    old_ms = now_ms - days * DAY_MS
    return tuple(
        one.number
        for one in reversed(revisions[max(1, least) :])
        if one.sealed_at_ms < old_ms and one.number not in needed
    )
