"""Sources as an operator registered them, how they are, and when they are to be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from answerable.domain.errors import BadInput
from answerable.operations.schedule import schedule

SYNC_JOB = "sync"
LOSS_MAX = 0.3
"""Share of its documents a source may lose at once before a person is asked."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_PATTERN_CHARS = 500
_PATTERNS_MAX = 100


class SourceKind(StrEnum):
    """What a source is."""

    FOLDER = "folder"
    GIT = "git"
    WEB = "web"
    BUCKET = "bucket"
    PUSH = "push"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSpec:
    """What an operator said of a source. It never holds a secret.

    Attributes:
        name: What people call it.
        place: Where it is: a path, an address; empty for what is pushed.
        source: Name of the `library.ports.Source`: part of the identity of its documents.
        options: What only its kind knows, such as ``branch``.
        include: Patterns as in ``.gitignore``; empty takes all.
        exclude: Patterns that are left out; they win.
        labels: Who may read its documents, beside the owner of this machine.
        schedule: When it is read by itself: see `operations.schedule`.
        watch: Whether a change of its files makes it be read at once.
        loss_max: Share of its documents that may vanish at once, in [0, 1].
    """

    name: str
    kind: SourceKind
    place: str
    source: str
    options: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    schedule: str = "never"
    watch: bool = False
    loss_max: float = LOSS_MAX

    def option(self, name: str, default: str = "") -> str:
        """Return one of its options."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceHealth:
    """How a source is, in what was seen of it.

    Attributes:
        paused: Whether a person stopped it.
        withheld: Documents it seems to have lost that are kept until a person says so.
        may_lose: Whether a person let the next reading lose as many as it does.
        started_ms, succeeded_ms, changed_ms, failed_ms: When it was last read, read well, had
            changed, failed; 0 for never.
        failures: In a row, since it was read well.
        error: Code and message of the last failure, while it lasts.
        documents: That it has in the library.
        counts: Files by what became of them, of the last good reading.
        took_ms: Of the last good reading.
    """

    paused: bool = False
    withheld: int = 0
    may_lose: bool = False
    started_ms: int = 0
    succeeded_ms: int = 0
    changed_ms: int = 0
    failed_ms: int = 0
    failures: int = 0
    error: str = ""
    documents: int = 0
    counts: tuple[tuple[str, int], ...] = ()
    took_ms: float = 0.0

    @property
    def state(self) -> str:
        """``paused``, ``held``, ``failing``, ``new`` or ``ok``, the gravest first."""
        if self.paused:
            return "paused"
        if self.withheld:
            return "held"
        if self.failures:
            return "failing"
        return "ok" if self.succeeded_ms else "new"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredSource:
    """A source with its health.

    Attributes:
        added_ms: When it was registered.
        who: By whom.
    """

    spec: SourceSpec
    health: SourceHealth
    added_ms: int
    who: str

    @property
    def is_read(self) -> bool:
        """Whether it may be read: it is not paused, and not one that others send to."""
        return not self.health.paused and self.spec.kind is not SourceKind.PUSH

    @property
    def due_ms(self) -> int | None:
        """When it is to be read by itself; None for never, or not while it is paused."""
        if not self.is_read:
            return None
        last_ms = max(self.health.started_ms, self.health.failed_ms)
        if not last_ms:
            return None if schedule(self.spec.schedule).text == "never" else self.added_ms
        return schedule(self.spec.schedule).next_ms(last_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What one good reading gave.

    Attributes:
        documents: Of the source, in the library now; only a whole reading knows.
        more: By how many more there are than before.
        was_allowed: Whether a person had let it lose what it did.
    """

    at_ms: int
    documents: int
    more: int
    withheld: int
    was_allowed: bool
    changed: bool
    counts: tuple[tuple[str, int], ...]
    took_ms: float


def checked(spec: SourceSpec) -> SourceSpec:
    """Return a spec that can be registered, its schedule as it is kept.

    Raises:
        BadInput: A name, label, pattern, share or schedule is none.
    """
    if not _NAME.fullmatch(spec.name):
        raise BadInput(
            f"a source cannot be called {spec.name[:80]!r}",
            hint="lower-case letters, digits and `-`, 40 at most, such as runbooks",
        )
    for label in spec.labels:
        if not _LABEL.fullmatch(label):
            raise BadInput(
                f"{label[:80]!r} is no label", hint="lower-case letters, digits, `.`, `_`, `-`"
            )
    _check_patterns((*spec.include, *spec.exclude))
    if not 0 <= spec.loss_max <= 1:
        raise BadInput(
            f"a source cannot lose {spec.loss_max} of its documents",
            hint="a share from 0 to 1, such as 0.3",
        )
    return replace(spec, schedule=schedule(spec.schedule).text)


def _check_patterns(patterns: Sequence[str]) -> None:
    if len(patterns) > _PATTERNS_MAX or any(len(one) > _PATTERN_CHARS for one in patterns):
        raise BadInput(
            f"more than {_PATTERNS_MAX} patterns, or one longer than {_PATTERN_CHARS} characters",
            hint="name folders in place of files",
        )


def due(sources: Sequence[RegisteredSource], now_ms: int) -> tuple[RegisteredSource, ...]:
    """Return the sources that are to be read now, the longest overdue first."""
    late: list[tuple[int, RegisteredSource]] = []
    for one in sources:
        when_ms = one.due_ms
        if when_ms is not None and when_ms <= now_ms:
            late.append((when_ms, one))
    return tuple(one for _, one in sorted(late, key=lambda pair: pair[0]))


def started(health: SourceHealth, at_ms: int) -> SourceHealth:
    """Return the health of a source that is being read."""
    return replace(health, started_ms=at_ms)


def succeeded(health: SourceHealth, synced: Synced) -> SourceHealth:
    """Return the health of a source that was read well; what was allowed then is used up."""
    return replace(
        health,
        succeeded_ms=synced.at_ms,
        changed_ms=synced.at_ms if synced.changed else health.changed_ms,
        failures=0,
        error="",
        withheld=synced.withheld,
        may_lose=health.may_lose and not synced.was_allowed,
        documents=synced.documents,
        counts=synced.counts,
        took_ms=synced.took_ms,
    )


def succeeded_partly(health: SourceHealth, synced: Synced) -> SourceHealth:
    """Return the health of a source of which only what changed was read.

    What is known of all of it stays: what is held, its counts, what a person allowed.
    """
    return replace(
        health,
        succeeded_ms=synced.at_ms,
        changed_ms=synced.at_ms if synced.changed else health.changed_ms,
        failures=0,
        error="",
        withheld=max(health.withheld, synced.withheld),
        documents=health.documents + synced.more,
    )


def failed(health: SourceHealth, error: str, at_ms: int) -> SourceHealth:
    """Return the health of a source that could not be read; its documents stay as they were."""
    return replace(health, failed_ms=at_ms, failures=health.failures + 1, error=error)


def is_too_much(lost: int, before: int, share_max: float) -> bool:
    """Return whether a source lost more at once than it may: more than a share, and than two."""
    return lost > _LOST_ALWAYS and lost > share_max * before


# So few may always vanish: in a source of five, two are 40 %.
_LOST_ALWAYS = 2
