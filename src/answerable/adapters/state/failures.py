"""What both kinds of adapter say when something is not as it should be."""

from __future__ import annotations

from collections.abc import Collection

from answerable.domain.errors import Conflict, NotFound

# Result of a job that nobody finished.
LEASE_RAN_OUT = "its worker stopped without a word, and no attempt is left"


def no_revision(number: int) -> NotFound:
    """Return the failure of naming a revision that does not exist."""
    return NotFound(f"there is no revision {number}", hint="answerable revisions list")


def no_release(release_id: str) -> NotFound:
    """Return the failure of naming a release that does not exist."""
    return NotFound(f"there is no release {release_id}", hint="answerable revisions deployments")


def number_taken(number: int, *, newest: int) -> Conflict:
    """Return the failure of sealing a revision that is not the newest."""
    return Conflict(
        f"revision {number} cannot be sealed: revision {newest} exists already",
        hint="run it again: it will take the next number",
    )


def contents_missing(content_ids: Collection[str]) -> Conflict:
    """Return the failure of sealing documents whose contents were never kept."""
    return Conflict(
        f"{len(content_ids)} contents of the revision are not stored, {min(content_ids)} first",
        hint="ingest the documents again",
    )
