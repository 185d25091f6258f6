"""A document's path: bytes → read → split → keep → index → seal. A search sees sealed revisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field

from answerable.domain.clock import Clock
from answerable.domain.documents import Member, Revision, path_in, place
from answerable.domain.errors import AnswerableError, BadInput, Conflict
from answerable.domain.releases import Line
from answerable.library.bans import NOTHING, Bans
from answerable.library.entries import entries
from answerable.library.intake import Intake, Reader
from answerable.library.originals import NoOriginals
from answerable.library.ports import (
    Index,
    Originals,
    Parser,
    Prepared,
    Quarantine,
    Source,
    State,
    Vectored,
)
from answerable.library.quarantine import NoQuarantine
from answerable.library.report import Change, FileOutcome, Progress, Report, tally
from answerable.library.vectors import next_number

_AT_ONCE_CHUNKS = 20_000
"""Chunks up to which known vectors are taken along at once: about 60 MB. More come after."""

AtHand = Callable[[Sequence[Member]], Mapping[str, Iterable[Vectored]]]
"""Gives the vectors of some documents that are known already, by the digest of their embedder."""


TooMuch = Callable[[int, int], bool]
"""Says whether so many documents lost at once, of so many, are too many to believe."""


def any_loss(_lost: int, _before: int) -> bool:
    """Believe any loss: what is gone is gone."""
    return False


def _nothing_at_hand(_members: Sequence[Member]) -> Mapping[str, Iterable[Vectored]]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The tools a document needs on its way in.

    Attributes:
        at_hand: What is known by meaning already stays so when it moves or comes back.
        bans: What was purged and is not taken in again.
        quarantine: What could not be read, so that it is not tried again for nothing.
        originals: Where the bytes that were read are kept.
    """

    state: State
    index: Index
    parser: Parser
    clock: Clock
    at_hand: AtHand = _nothing_at_hand
    bans: Bans = NOTHING
    quarantine: Quarantine = field(default_factory=NoQuarantine)
    originals: Originals = field(default_factory=NoOriginals)


def ingest(
    source: Source,
    *,
    line: Line,
    base: Revision | None,
    labels: frozenset[str],
    desk: Desk,
    progress: Progress,
    because: str,
    others: Collection[str] = (),
    must_find: bool = False,
    is_too_much: TooMuch = any_loss,
) -> Report:
    """Bring the library in step with a source and seal what changed as a new revision.

    The caller holds `State.writer`. Documents of other sources, and of this one outside
    what it covers, stay as they are in `base`. Nothing is sealed when nothing changed.
    Stopped at any point, the base revision is untouched and the next run goes on from the
    contents that were kept.

    Args:
        source: Where the documents come from.
        line: How documents are read now.
        base: The revision to start from, usually the one that serves.
        labels: Who may read the documents.
        desk: Storage and parsers.
        progress: Hears how it goes on.
        because: Why, for the revision.
        others: Names of sources that are read by themselves: what is theirs stays.
        must_find: Refuse a source in which there is no document: most often a folder that was
            mistyped, or a share that is not mounted.
        is_too_much: Whether so many lost documents of so many known are too many to believe:
            then they stay, and the report counts them as withheld. All else is taken.

    Raises:
        BadInput: There is no document, and none is known of this source.
        Conflict: There is no document any more.
        StorageFailure: Disk, database or index; the base still serves.
    """
    began_ms = desk.clock.monotonic_ms()
    members = desk.state.members(base.number) if base else {}
    reader = Reader(
        state=desk.state,
        parser=desk.parser,
        line=line,
        labels=labels,
        progress=progress,
        bans=desk.bans,
        quarantine=desk.quarantine,
        now_ms=desk.clock.now_ms(),
        originals=desk.originals,
        others=frozenset(others),
    )
    intake = reader.read(source, _concerned(members, source, others))
    if must_find and intake.is_vain:
        raise _nothing(source.name.removeprefix("folder:"), intake)
    lost = _lost(members, intake)
    withheld = lost if is_too_much(len(lost), len(intake.before)) else frozenset()
    gone = tuple(known for known in intake.gone if known not in withheld)
    outcomes = (*intake.outcomes, *_vanished(members, gone))
    after = _after(members, intake.fresh, gone)
    revision = None
    if intake.fresh or gone:
        revision = _seal(
            after, intake, gone, line=line, base=base, desk=desk, progress=progress, because=because
        )
    return Report(
        source=source.name,
        revision=revision,
        outcomes=outcomes,
        counts=tally(outcomes, intake.unchanged),
        documents=len(after),
        chunks=sum(member.chunks for member in after.values()),
        took_ms=desk.clock.monotonic_ms() - began_ms,
        withheld=len(withheld),
        of_source=len(intake.before) - len(gone) + intake.count(Change.ADDED),
    )


def _seal(
    after: Mapping[str, Member],
    intake: Intake,
    gone: Sequence[str],
    *,
    line: Line,
    base: Revision | None,
    desk: Desk,
    progress: Progress,
    because: str,
) -> int:
    """Index what changed, then record it: from that moment the revision exists."""
    number = next_number(desk.state.revisions())
    progress.stage("indexing")
    follows = base if base is not None and base.line == line.id else None
    added = intake.fresh if follows else tuple(after.values())
    with _prepared(added, desk) as prepared:
        manifest = desk.index.build(
            number,
            base=follows,
            gone=gone if follows else (),
            added=entries(added, desk.state),
            prepared=prepared,
        )
    progress.stage("sealing")
    desk.state.seal(
        Revision(
            number=number,
            line=line.id,
            base=base.number if base else None,
            manifest=manifest,
            sealed_at_ms=desk.clock.now_ms(),
            documents=len(after),
            chunks=sum(member.chunks for member in after.values()),
            because=because,
        ),
        added=intake.fresh,
        gone=gone,
    )
    return number


def _prepared(added: Sequence[Member], desk: Desk) -> AbstractContextManager[Prepared | None]:
    """Give the vectors that are at hand of what is added; of very much none, for they take long."""
    is_much = sum(member.chunks for member in added) > _AT_ONCE_CHUNKS
    vectors = {} if is_much else desk.at_hand(added)
    return closing(desk.index.prepare(None, vectors)) if vectors else nullcontext()


def rebuild(revision: Revision, *, prepared: Prepared | None, desk: Desk) -> Revision:
    """Make the index of a sealed revision anew from the state, and return the revision.

    The caller holds `State.writer`.

    Args:
        revision: To be made anew.
        prepared: Vectors of its documents, as far as they are at hand.
        desk: Storage.
    """
    members = desk.state.members(revision.number)
    manifest = desk.index.build(
        revision.number,
        base=None,
        gone=(),
        added=entries(members.values(), desk.state),
        prepared=prepared,
        outdated=prepared.documents - members.keys() if prepared else (),
    )
    desk.state.rebuilt(revision.number, manifest)
    return next(known for known in desk.state.revisions() if known.number == revision.number)


def _concerned(
    members: Mapping[str, Member], source: Source, others: Collection[str]
) -> dict[str, Member]:
    """Return the documents this run answers for: all that lie in what it reads.

    So it takes over what was read through a wider folder or a narrower one, unless that is a
    source of its own.
    """
    return {
        known: member
        for known, member in members.items()
        if member.document.source not in others
        and (path := path_in(source.name, member.document.source, member.document.path))
        and source.covers(path)
    }


def _nothing(where: str, intake: Intake) -> AnswerableError:
    """Return the failure of a source without documents; say why where it is known."""
    if intake.before:
        return Conflict(
            f"nothing can be read in {where} any more, and documents of it are in the library: "
            f"{len(intake.before)}",
            hint="check that it is mounted and not excluded; if its documents shall vanish: "
            f"answerable ingest --allow-empty {where}",
        )
    match intake.outcomes:
        case []:
            what = f"{where}: it holds no files"
        case [one]:
            what = f"{where}/{one.path}: {one.reason}"
        case several:
            codes = Counter(one.code for one in several)
            reasons = ", ".join(f"{code} {count}" for code, count in codes.items())
            what = f"{where}: all {len(several)} files in it are skipped ({reasons})"
    return BadInput(
        f"there is nothing to read in {what}",
        hint="name a folder or file with Markdown, HTML, PDF, office documents or other text",
    )


def _lost(members: Mapping[str, Member], intake: Intake) -> frozenset[str]:
    """Return the documents that are gone and stand nowhere else: not moved, not taken over."""
    contents = {member.content_id for member in intake.fresh}
    places = {place(one.document.source, one.document.path) for one in intake.fresh}
    return frozenset(
        known
        for known in intake.gone
        if members[known].content_id not in contents
        and place(members[known].document.source, members[known].document.path) not in places
    )


def _vanished(members: Mapping[str, Member], gone: Collection[str]) -> Iterator[FileOutcome]:
    for known in gone:
        yield FileOutcome(path=members[known].document.path, change=Change.REMOVED)


def _after(
    members: Mapping[str, Member], fresh: Sequence[Member], gone: Collection[str]
) -> dict[str, Member]:
    dropped = frozenset(gone)
    after = {known: member for known, member in members.items() if known not in dropped}
    after.update((member.document.id, member) for member in fresh)
    return after
