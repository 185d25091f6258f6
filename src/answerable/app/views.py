"""What the doors are given to show."""

from __future__ import annotations

from dataclasses import dataclass

from answerable.domain.documents import Content, Member, Revision, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing readiness depends on.

    Attributes:
        detail: What is missing and what to do, or what was found.
    """

    name: str
    ready: bool
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentView:
    """A document as a caller may see it, in one revision.

    Attributes:
        pieces: The spans of the text that may be shown, in order.
    """

    member: Member
    revision: int
    content: Content
    content_hash: str
    pieces: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisionView:
    """A revision and the paths it added, changed and lost against its base."""

    revision: Revision
    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
