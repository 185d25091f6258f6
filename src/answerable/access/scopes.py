"""Scopes there are before keys and grants exist: one local owner."""

from __future__ import annotations

from answerable.domain.questions import Scope

LOCAL_LABEL = "local"
"""Label of every document on a machine with one owner."""


def owner_scope() -> Scope:
    """Return the scope of the one local owner, who may read everything ingested here."""
    return Scope(
        principal="owner",
        labels=frozenset({LOCAL_LABEL}),
        because="this machine has one local owner",
    )
