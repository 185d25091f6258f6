"""Reading a source: which files are new, which are as they were, which cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from answerable.domain.documents import (
    Content,
    Document,
    Member,
    content_id,
    document_id,
    place,
)
from answerable.domain.releases import Line
from answerable.library.bans import NOTHING, Bans
from answerable.library.bundles import around, is_bundle, is_too_deep
from answerable.library.originals import NoOriginals
from answerable.library.ports import (
    Originals,
    Parsed,
    Parser,
    Quarantine,
    Raw,
    Source,
    State,
    Unreadable,
    is_sent,
)
from answerable.library.quarantine import NoQuarantine, Ward, suffix, ward
from answerable.library.report import Change, FileOutcome, Progress
from answerable.library.split import split

# By a person: where nothing else is found, the folder is no mistake.
_TAKEN_AWAY = frozenset({"removed", "purged"})

_BATCH_FILES = 256
_BATCH_BYTES = 16_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """A file that was looked at: its identity and what it would be called by."""

    document: Document
    content_id: str
    bytes_hash: str
    size: int


@dataclass(kw_only=True, slots=True)
class Intake:
    """What reading one source gave.

    Attributes:
        before: The documents of this source in the base revision, by document id.
        fresh: New or changed documents.
        seen: Ids of all documents that still exist, also those that failed this time.
        outcomes: Every file that is not unchanged.
    """

    before: Mapping[str, Member]
    fresh: list[Member] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    outcomes: list[FileOutcome] = field(default_factory=list)
    unchanged: int = 0
    chunks: int = 0
    _at: dict[str, list[str]] = field(init=False, default_factory=dict)
    _met: set[str] = field(init=False, default_factory=set)
    _inside: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for known, member in self.before.items():
            where = place(member.document.source, member.document.path)
            self._at.setdefault(where, []).append(known)
            for outer in around(where):
                self._inside.setdefault(outer, []).append(known)

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of documents that were there and no longer are."""
        return tuple(known for known in self.before if known not in self.seen)

    @property
    def is_vain(self) -> bool:
        """Whether there is no document, nor anything that was one or should have been."""
        return not self.seen and all(
            outcome.change is Change.SKIPPED and outcome.code not in _TAKEN_AWAY
            for outcome in self.outcomes
        )

    def count(self, change: Change) -> int:
        """Return how many files this became of."""
        return sum(outcome.change is change for outcome in self.outcomes)

    @property
    def done(self) -> int:
        """How many files have been dealt with."""
        return self.unchanged + len(self.outcomes)

    def _known(self, source: str, path: str) -> Iterator[str]:
        """Give the ids of the documents at a path, in it, or below a folder, by any source."""
        wanted = place(source, path)
        if not path.endswith("/"):
            yield from self._at.get(wanted, ())
            yield from self._inside.get(wanted, ())
            return
        for there, known in self._at.items():
            if there.startswith(wanted):
                yield from known

    def is_unchanged(self, seen: _Seen) -> bool:
        """Return whether a file says what it said before, and if so note that it is there.

        It must be for the same people, too.
        """
        was = self.before.get(seen.document.id)
        if was is None or (was.content_id, was.document.labels) != (
            seen.content_id,
            seen.document.labels,
        ):
            return False
        inside = self._inside.get(place(seen.document.source, seen.document.path), ())
        self.seen.update((seen.document.id, *inside))
        self.unchanged += 1 + len(inside)
        return True

    def took(self, seen: _Seen, content: Content) -> None:
        """Note a document that is new or has changed."""
        change = Change.CHANGED if seen.document.id in self.before else Change.ADDED
        self.seen.add(seen.document.id)
        self.fresh.append(_member(seen, content))
        self.chunks += len(content.chunks)
        findings = tuple(content.text.findings)
        outcome = FileOutcome(path=seen.document.path, change=change, findings=findings)
        self.outcomes.append(outcome)

    def is_met(self, path: str) -> bool:
        """Return whether something that lies in a file was met before, and if not note that it is.

        A bucket may hold ``mail.eml`` and ``mail.eml/plan.pdf``, which is attached to it, too.
        """
        if path in self._met or not any(around(path)):
            return path in self._met
        self._met.add(path)
        return False

    def refused(self, source: str, bad: Unreadable) -> None:
        """Note a file, or a folder ending in ``/``, that was not taken.

        What could not be read this time stays as it was when it last could.
        """
        # Who sent a file meant it to be taken; that it could not be is no reason to hide what was.
        if not bad.skipped or is_sent(source):
            self.seen.update(self._known(source, bad.path))
        self.outcomes.append(
            FileOutcome(
                path=bad.path,
                change=Change.SKIPPED if bad.skipped else Change.FAILED,
                code=bad.code,
                reason=bad.reason,
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """The tools to read a source with."""

    state: State
    parser: Parser
    line: Line
    labels: frozenset[str]
    progress: Progress
    bans: Bans = NOTHING
    quarantine: Quarantine = field(default_factory=NoQuarantine)
    now_ms: int = 0
    originals: Originals = field(default_factory=NoOriginals)
    others: frozenset[str] = frozenset()

    def read(self, source: Source, before: Mapping[str, Member]) -> Intake:
        """Return what the source holds now, compared with `before`.

        Contents are stored as they are read, so that a run that is stopped has less to do
        when it is started again.
        """
        intake = Intake(before=before)
        self.progress.begin(source.name, source.count())
        taken_away = self.state.documents(self.state.removed()).values()
        removed = frozenset(place(one.source, one.path) for one in taken_away)
        cases = ward(source.name, line=self.line.id, now_ms=self.now_ms, quarantine=self.quarantine)
        cases.leave(self.others)
        for batch in _batches(source.files()):
            self._take(batch, source.name, removed, intake, cases)
            cases.keep()
        cases.close(source)
        return intake

    def _take(
        self,
        batch: Sequence[Raw | Unreadable],
        source: str,
        removed: frozenset[str],
        intake: Intake,
        cases: Ward,
    ) -> None:
        fresh: dict[str, tuple[_Seen, Raw]] = {}
        for item in batch:
            match item:
                case Unreadable():
                    intake.refused(source, _noted(item, cases))
                case Raw() if not intake.is_met(item.path):
                    seen = self._look(item, source)
                    if refused := self._refused(seen, removed, cases):
                        intake.refused(source, refused)
                    elif not cases.wants_inside(item.path) and intake.is_unchanged(seen):
                        cases.well(item.path)
                        for bad in cases.left_inside(item.path):
                            intake.refused(source, bad)
                        self._keep_original(seen, item)
                    else:
                        fresh[item.path] = (seen, item)
        known = self.state.contents([seen.content_id for seen, _ in fresh.values()])
        # They may be known here only, of a revision that another process has just retired.
        self.state.keep(tuple(known.values()))
        unread = {}
        for path, (seen, raw) in fresh.items():
            if seen.content_id in known and not is_bundle(path):
                self._keep_original(seen, raw)
                intake.took(seen, known[seen.content_id])
                cases.well(path)
            else:
                unread[path] = (seen, raw)
        self.progress.file(intake.done, intake.chunks)
        parts = self._parse(unread, source, intake, cases)
        for some in _batches(parts):
            self._take(some, source, removed, intake, cases)

    def _keep_original(self, seen: _Seen, raw: Raw) -> None:
        is_only = is_sent(seen.document.source)
        self.originals.put(seen.bytes_hash, raw.data, is_only=is_only)

    def _refused(self, seen: _Seen, removed: frozenset[str], cases: Ward) -> Unreadable | None:
        """Return why a file is not even tried; None when it is."""
        source, path = seen.document.source, seen.document.path
        if place(source, path) in removed:
            return _noted(_removed(path), cases)
        if self.bans.forbid(source, path, seen.bytes_hash):
            return _noted(_purged(path), cases)
        known = cases.before(path, seen.bytes_hash)
        return cases.again(known) if known else None

    def _look(self, raw: Raw, source: str) -> _Seen:
        bytes_hash = sha256(raw.data).hexdigest()
        return _Seen(
            document=Document(
                id=document_id(source, raw.path),
                source=source,
                path=raw.path,
                labels=self.labels,
            ),
            content_id=content_id(bytes_hash, self.line.id, suffix(raw.path)),
            bytes_hash=bytes_hash,
            size=len(raw.data),
        )

    def _parse(
        self,
        unread: Mapping[str, tuple[_Seen, Raw]],
        source: str,
        intake: Intake,
        cases: Ward,
    ) -> list[Raw]:
        """Read files; return those that lie in them."""
        waiting: list[tuple[_Seen, Content]] = []
        parts: list[Raw] = []
        for result in self.parser.read(raw for _, raw in unread.values()):
            match result:
                case Unreadable():
                    tried, raw = unread[result.path]
                    if is_sent(source) and not result.skipped:  # nobody else has it
                        self._keep_original(tried, raw)
                    intake.refused(source, _noted(result, cases, tried))
                case Parsed():
                    seen, raw = unread[result.path]
                    self._keep_original(seen, raw)
                    cases.well(result.path)
                    waiting.append((seen, _content(seen, result)))
                    parts += _parts(result)
            self.progress.file(intake.done + len(waiting), intake.chunks)
        if waiting:
            self.state.keep([content for _, content in waiting])
        for seen, content in waiting:
            intake.took(seen, content)
        self.progress.kept(len(intake.fresh))
        return parts


def _parts(parsed: Parsed) -> Iterator[Raw]:
    """Give what lies in a file, each by the path it has as a document."""
    if not is_too_deep(parsed.path):
        for part in parsed.parts:
            yield Raw(path=f"{parsed.path}/{part.path}", data=part.data)


def _noted(bad: Unreadable, cases: Ward, tried: _Seen | None = None) -> Unreadable:
    """Note a file that was not taken; return what is said of it."""
    if bad.skipped:
        cases.well(bad.path)
        return bad
    if tried is None:
        return cases.failed(bad)
    return cases.failed(bad, bytes_hash=tried.bytes_hash, size=tried.size)


def _removed(path: str) -> Unreadable:
    return Unreadable(
        path=path, code="removed", reason="a person removed this document", skipped=True
    )


def _purged(path: str) -> Unreadable:
    return Unreadable(
        path=path, code="purged", reason="a person had this document erased", skipped=True
    )


def _content(seen: _Seen, parsed: Parsed) -> Content:
    return Content(
        id=seen.content_id,
        bytes_hash=seen.bytes_hash,
        size=seen.size,
        format=parsed.format,
        text=parsed.text,
        chunks=split(parsed.text),
    )


def _member(seen: _Seen, content: Content) -> Member:
    return Member(
        document=seen.document,
        content_id=content.id,
        bytes_hash=content.bytes_hash,
        title=content.text.title,
        format=content.format,
        size=content.size,
        chunks=len(content.chunks),
    )


def _batches(files: Iterable[Raw | Unreadable]) -> Iterator[list[Raw | Unreadable]]:
    """Give files in groups that fit in memory."""
    batch: list[Raw | Unreadable] = []
    size = 0
    for item in files:
        batch.append(item)
        size += len(item.data) if isinstance(item, Raw) else 0
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
