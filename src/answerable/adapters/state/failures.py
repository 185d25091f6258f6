"""What both kinds of adapter say when something is not as it should be."""

from __future__ import annotations

from collections.abc import Collection

from answerable.domain.errors import Conflict, NotFound, NotReady

# Result of a job that nobody finished.
LEASE_RAN_OUT = "its worker stopped without a word, and no attempt is left"


def no_revision(number: int) -> NotFound:
    """Return the failure of naming a revision that does not exist."""
    return NotFound(f"there is no revision {number}", hint="answerable revisions list")


def no_release(release_id: str) -> NotFound:
    """Return the failure of naming a release that does not exist."""
    return NotFound(f"there is no release {release_id}", hint="answerable releases list")


def deployed_meanwhile() -> Conflict:
    """Return the failure of deploying after a deployment that is not the newest any more."""
    return Conflict(
        "somebody deployed another release or revision meanwhile",
        hint="look what serves now, and why: answerable releases list",
    )


def canary_open() -> Conflict:
    """Return the failure of beginning a canary while another one runs."""
    return Conflict(
        "another canary runs", hint="answerable releases canary show; then stop it, or wait"
    )


def number_taken(number: int, *, newest: int) -> Conflict:
    """Return the failure of sealing a revision that is not the newest."""
    return Conflict(
        f"revision {number} cannot be sealed: revision {newest} exists already",
        hint="run it again: it will take the next number",
    )


def no_trace() -> NotFound:
    """Return the failure of naming a trace that does not exist."""
    return NotFound("there is no such trace", hint="answerable traces list")


def rated_too_often(times: int) -> Conflict:
    """Return the failure of rating one answer again and again."""
    return Conflict(
        f"this answer was rated {times} times by the same caller",
        hint="the last one counts; nothing more is taken for it",
    )


def ledger_closed() -> NotReady:
    """Return the failure of writing to a ledger that is closed."""
    return NotReady("the ledger is closed", hint="start the service again")


def contents_missing(content_ids: Collection[str]) -> Conflict:
    """Return the failure of sealing documents whose contents were never kept."""
    return Conflict(
        f"{len(content_ids)} contents of the revision are not stored, {min(content_ids)} first",
        hint="ingest the documents again",
    )


def no_room_for(name: str, known: str) -> Conflict:
    """Return the failure of a source whose name or place is taken."""
    if name == known:
        return Conflict(
            f"there is a source called {name} already", hint=f"answerable sources show {name}"
        )
    return Conflict(
        f"the source {known} reads that place already",
        hint=f"answerable sources sync {known}, or remove it first",
    )
