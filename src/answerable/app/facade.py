"""Everything the doors offer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from answerable.access.scopes import owner_scope
from answerable.adapters.clock import new_id
from answerable.adapters.inbox import Inbox
from answerable.adapters.metrics import Metrics
from answerable.adapters.processes import myself
from answerable.adapters.sources.question_set import QuestionSet, page_name
from answerable.answering import flow as answering
from answerable.answering.events import Event
from answerable.answering.feedback import Complaint, Feedback, Thumb, counting, new_feedback
from answerable.answering.ports import TraceLine
from answerable.answering.reading import Reader
from answerable.answering.standing import AnswerStanding, Given
from answerable.app import calibrating, evaluations, originals, quarantine, registered
from answerable.app.asking import Asks, only
from answerable.app.background import Background
from answerable.app.bisecting import Bisecting
from answerable.app.calibrating import Asking, Calibrated, Calibration, Checked
from answerable.app.canarying import Canarying
from answerable.app.current import Current, Open, empty_library
from answerable.app.embedders import CheckReport, EmbedderView, view
from answerable.app.explaining import look_into
from answerable.app.filling import Filling, Heard
from answerable.app.models import ModelReport, ModelView
from answerable.app.purging import Purging
from answerable.app.quarantine import Ill
from answerable.app.rechecking import Look, recheck_given, recheck_trace, recorded_trace
from answerable.app.releasing import Releasing
from answerable.app.replaying import replay
from answerable.app.respondent import AppRespondent
from answerable.app.room import Room
from answerable.app.software import software
from answerable.app.source_kinds import forget_fetched
from answerable.app.sources import Sources
from answerable.app.syncing import Syncing
from answerable.app.tools import Tools
from answerable.app.trials import Trials
from answerable.app.views import Check, DocumentView, RevisionView
from answerable.domain.cancel import Cancel
from answerable.domain.documents import (
    Document,
    Member,
    Purge,
    Removal,
    Revision,
    place,
    possible_id,
)
from answerable.domain.errors import (
    AnswerableError,
    Conflict,
    Corrupt,
    Locked,
    NotFound,
    NotReady,
)
from answerable.domain.questions import Scope, Trace, Turn
from answerable.domain.releases import Deployment, Line, Release, Retrieval
from answerable.library import flow as library
from answerable.library import split, vectors
from answerable.library.aliases import Aliases
from answerable.library.ports import Source
from answerable.library.purge import Heard as PurgeHeard
from answerable.library.purge import Plan, unheard
from answerable.library.report import Progress, Report, Silent
from answerable.library.search import Found, embedded, read_query, search
from answerable.library.vectors import Coverage
from answerable.library.visible import visible
from answerable.operations.ports import Job
from answerable.quality import flow as quality
from answerable.quality.calibration import Promise
from answerable.quality.certificate import Standing, applied, opened
from answerable.quality.diagnosis import Diagnosis
from answerable.quality.evaluation import Ran, Ranked
from answerable.quality.losses import Loss
from answerable.quality.records import EvalRun, record
from answerable.quality.replay import Replayed
from answerable.quality.why import why as diagnosed
from answerable.releases import flow as releases
from answerable.settings import Settings

_DAY_MS = 86_400_000


class App:
    """Answerable on one machine: everything the doors offer.

    Safe to use from many threads. Every method may raise `AnswerableError`.
    """

    def __init__(
        self,
        settings: Settings,
        tools: Tools,
        *,
        aliases: Aliases = (),
        calibration: Calibration | None = None,
        on_close: ExitStack,
    ) -> None:
        self.settings = settings
        self.line = Line(
            parser=tools.parser.digest, splitter=split.digest(), analyser=tools.analyser.digest
        )
        self._tools = tools
        self._on_close = on_close
        self._calibration = calibration or Calibration()
        embedded = releases.embedded_release(
            self.line,
            software=software(),
            retrieval=Retrieval(embedder=tools.embedders.wanted, aliases=aliases),
            models=tools.models.choices,
            writers=tools.models.writers,
            judge=tools.judges.choice,
        )
        self._embedded = applied(embedded, self._calibration.certificate)
        self._current = Current(tools, self._embedded)
        holder = f"{myself()}:{new_id(tools.clock.now_ms())}"
        self._filling = Filling(tools, self._newest, self._space, holder)
        self._purging = Purging(
            tools,
            Inbox(settings.data / "inbox"),
            holder,
            self._filling.step_aside,
            forget_fetched=partial(forget_fetched, settings.data),
            forget_answers=partial(evaluations.forget, settings.data),
        )
        self._background = Background(
            settings,
            tools,
            self._ingest,
            holder=holder,
            fill=self._filling.step,
            needed=self._needed,
            purge=lambda: len(self.finish_purges()),
            watch=self._watch,
        )
        self._room = Room(settings.data, least_bytes=settings.ingest.free_mb_min * 2**20)
        syncing = Syncing(settings, tools, self._ingest, room=self._room, holder=holder)
        self.sources = Sources(settings, tools, syncing, self._ingest, self._background.submit)
        self._metrics = Metrics()
        self._asks = Asks(
            tools,
            self._current,
            _desk(tools),
            self._metrics,
            record_models=settings.traces.record_models,
        )
        self._trials = trials = Trials(tools, settings.data, self._trial)
        self.releases = Releasing(tools, self._current, self._embedded, trials)
        self.canaries = Canarying(tools, self._current, self.releases, self._asks, owner_scope())
        self.bisecting = Bisecting(
            tools,
            self._current,
            trials,
            self._embedded,
            lambda text, on: self._asks.answer(text, self.owner(), on=on),
        )

    # Asking

    def ask(
        self,
        text: str,
        scope: Scope,
        *,
        rung: str = "",
        follows: str = "",
        turns: Sequence[Turn] = (),
        crowded: str = "",
        conversation: str = "",
    ) -> Trace:
        """Return the trace of a question, with its outcome; it is in the ledger.

        An answer is given even when the ledger cannot take its trace (a full disk): the trace
        says so as an override, and readiness fails.

        Args:
            text: The question.
            scope: As whom.
            rung: The one rung that may answer; empty for the ladder of the release.
            follows: Id of the trace this question comes after, in the same conversation.
            turns: What was said before, where it is not in the ledger.
            crowded: Why no model may be asked now.
            conversation: What the client calls the conversation: all its turns are answered by
                one release. Else that is told by its first question.

        Raises:
            BadQuestion: It is empty or too long.
            BadInput: There is no such rung.
            NotFound: There is no trace of the id it follows.
            NotReady: The library is empty.
        """
        happening = self.stream(
            text,
            scope,
            cancel=Cancel(),
            rung=rung,
            follows=follows,
            turns=turns,
            crowded=crowded,
            conversation=conversation,
        )
        return answering.drained(happening)

    def stream(
        self,
        text: str,
        scope: Scope,
        *,
        cancel: Cancel,
        rung: str = "",
        follows: str = "",
        turns: Sequence[Turn] = (),
        crowded: str = "",
        conversation: str = "",
    ) -> Generator[Event, None, None]:
        """Give what happens while a question is answered: `Done` last, with its trace.

        Takes what `ask` takes and raises what it raises, at once. Closing the iterator, or
        cancelling from any thread, frees everything and leaves a trace that says so.
        """
        turns_max = self._current.serving().release.writing.turns_max
        rejected = self.canaries.rejected() if follows else frozenset()
        before = self._asks.turns(follows, scope, most=turns_max, rejected=rejected)
        on, known_as = self.canaries.route(
            text, scope, follows=follows, turns=turns, named=conversation
        )
        asking = answering.Asking(
            text=text,
            turns=(*before, *turns),
            follows=follows,
            ladder=only(rung),
            crowded=crowded,
            conversation=known_as,
        )
        return self._asks.stream(asking, scope, cancel=cancel, on=on)

    def search(
        self,
        text: str,
        scope: Scope,
        *,
        limit: int,
        retrieval: Retrieval | None = None,
        on: Open | None = None,
    ) -> Found:
        """Return passages for a text, best first, with the contents they are spans of.

        Args:
            text: What is searched for.
            scope: As whom.
            limit: At most so many passages.
            retrieval: Other settings than the release's, to compare them.
            on: Another release than that which serves, with what it answers from.

        Raises:
            BadQuestion: It is empty or too long.
            NotReady: The library is empty.
        """
        now = on or self._current.open()
        question = answering.checked_question(text)
        how = retrieval or now.serving.release.retrieval
        query = read_query(question, self._tools.analyser, how)
        query = embedded(query, question, now.shelf, how)
        return search(now.shelf, query, scope, how, limit=limit)

    def owner(self) -> Scope:
        """Return the scope of the one local owner."""
        return owner_scope()

    def last_trace(self, scope: Scope) -> str:
        """Return the id of the trace a caller left last.

        Raises:
            NotFound: There is none.
        """
        lines = self._tools.ledger.recent(limit=1, principal=scope.principal)
        if not lines:
            raise NotFound("nothing was asked before", hint="ask without --follow")
        return lines[0].id

    def traces(
        self, *, limit: int = 20, before: str | None = None, rated: Thumb | None = None
    ) -> Sequence[TraceLine]:
        """Return the newest traces, newest first; with `rated`, those that somebody rates so."""
        return self._tools.ledger.recent(limit=limit, before=before, rated=rated)

    def trace(self, trace_id: str) -> Trace:
        """Return one trace whole.

        Raises:
            NotFound: There is no such trace.
        """
        trace = self._tools.ledger.trace(trace_id)
        if trace is None:
            raise NotFound("there is no such trace", hint="answerable traces list")
        return trace

    # Answers that were given

    def recheck(self, given: Given, scope: Scope) -> AnswerStanding:
        """Return how an answer that a caller hands in stands today; nothing in it is believed.

        Raises:
            NotReady: The library is empty.
        """
        return recheck_given(
            given, self._look(scope), self._tools.ledger.trace, scope, revision=self._served()
        )

    def recheck_trace(self, trace_id: str, scope: Scope) -> AnswerStanding:
        """Return how the answer under a trace stands today.

        Raises:
            NotFound: There is no such trace of this caller's.
            NotReady: The library is empty.
        """
        trace = recorded_trace(self._tools.ledger.trace, trace_id, scope)
        return recheck_trace(trace, self._look(scope), revision=self._served())

    def rate(
        self, trace_id: str, scope: Scope, thumb: Thumb, complaint: Complaint | None, comment: str
    ) -> Feedback:
        """Store what a caller thinks of an answer they were given, and return it.

        Raises:
            NotFound: There is no such trace of this caller's.
            BadInput: The comment is too long, or a thumb up complains.
            Conflict: They rated it too often.
        """
        given = new_feedback(
            trace_id=recorded_trace(self._tools.ledger.trace, trace_id, scope).id,
            at_ms=self._tools.clock.now_ms(),
            principal=scope.principal,
            thumb=thumb,
            complaint=complaint,
            comment=comment,
        )
        self._tools.ledger.rate(given)
        return given

    def feedback(self, trace_id: str) -> tuple[Feedback, ...]:
        """Return what each caller thinks of an answer: of each the last that they said."""
        return counting(self._tools.ledger.feedback(trace_id))

    def why(self, trace_id: str, scope: Scope, *, expected: str = "") -> Diagnosis:
        """Return what went wrong with an answer, as far as can be told, and what to try.

        Args:
            trace_id: Of the answer.
            scope: As whom.
            expected: What should have been answered: a text, or the path or id of a document;
                empty when nobody says.

        Raises:
            NotFound: There is no such trace of this caller's.
            BadInput: What was expected is too long, or has no words.
            NotReady: The library is empty.
        """
        trace = recorded_trace(self._tools.ledger.trace, trace_id, scope)
        seen = look_into(
            self,
            scope,
            trace,
            expected=expected,
            judge=self._tools.judges.own,
            release=self._release(trace.release),
            standing=self.recheck_trace(trace_id, scope).standing,
            feedback=self.feedback(trace_id),
        )
        return diagnosed(seen)

    def replay(self, trace_id: str, scope: Scope) -> Replayed:
        """Return whether a question comes to the same with the replies its models gave then.

        The release and the revision are those that answered it. Nothing is kept of it.

        Raises:
            NotFound: There is no such trace of this caller's, or one it follows has gone.
            NotReady: Its texts, its release, its revision or the replies are not there any more.
            Corrupt: The index of its revision is damaged.
        """
        trace = recorded_trace(self._tools.ledger.trace, trace_id, scope)
        release = self._release(trace.release)
        revisions = {one.number: one for one in self.revisions()}
        if release is None or trace.revision not in revisions:
            gone = f"release {trace.release}" if release is None else f"revision {trace.revision}"
            raise NotReady(
                f"{gone}, which answered this, is not here any more, or cannot be read",
                hint="replay it where it was answered, with the version that did",
            )
        return replay(
            trace,
            scope,
            release=release,
            shelf=self._current.past(release, revisions[trace.revision]),
            turns=self._asks.turns(trace.follows, scope, most=release.writing.turns_max),
            desk=_desk(self._tools),
            software=software(),
        )

    def _release(self, release_id: str) -> Release | None:
        """Return a release; None where it is not known, or newer software wrote it."""
        try:
            return self._tools.register.release(release_id)
        except Corrupt:
            return None

    def _look(self, scope: Scope) -> Look:
        return lambda document_id, revision: self.document(document_id, scope, revision=revision)

    def _served(self) -> int:
        revision = self._current.serving().revision
        if revision is None:
            raise empty_library()
        return revision.number

    # Documents

    def documents(self, scope: Scope) -> tuple[Member, ...]:
        """Return the documents that serve now and the scope allows, by source and path."""
        revision = self._current.serving().revision
        if revision is None:
            return ()
        removed = self._tools.state.removed()
        members = self._tools.state.members(revision.number).values()
        seen = (one for one in members if _may_see(one, scope, removed))
        return tuple(sorted(seen, key=lambda one: (one.document.path, one.document.source)))

    def find_document(self, name: str, scope: Scope) -> str:
        """Return the id of a document named by its id or its path.

        Raises:
            NotFound: Nothing the scope allows is called so, or several are.
        """
        known = [one.document for one in self.documents(scope) if name in _names(one)]
        if len(known) == 1:
            return known[0].id
        if known:
            ids = ", ".join(one.id for one in known)
            raise NotFound(f"{len(known)} documents have this path: {ids}", hint="name one by id")
        raise _no_document()

    def document(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> DocumentView:
        """Return a document as it is in the serving revision, or in another one.

        Raises:
            NotFound: It is not there, was removed, or the scope does not allow it.
        """
        served = self._current.serving().revision
        if served is None:
            raise empty_library()
        number = served.number if revision is None else revision
        member = self._tools.state.member(number, document_id)
        if member is None or not _may_see(member, scope, self._tools.state.removed()):
            raise _no_document()
        content = self._tools.state.contents([member.content_id]).get(member.content_id)
        if content is None:  # it was purged a moment ago
            raise _no_document()
        text = content.text
        return DocumentView(
            member=member,
            revision=number,
            content=content,
            content_hash=text.hash,
            pieces=visible(text, 0, len(text.text)),
        )

    def remove(self, document_id: str, *, who: str, because: str) -> Member:
        """Hide a document from every revision at once and for good, until `restore`."""
        member = self.document(document_id, self.owner()).member
        state = self._tools.state
        where = place(member.document.source, member.document.path)
        # Older revisions may know it as read through another folder.
        ids = {possible_id(where, source) for source in state.sources()} | {document_id}
        for known in state.documents([one for one in ids if one is not None]):
            state.remove(
                Removal(
                    document_id=known, who=who, because=because, at_ms=self._tools.clock.now_ms()
                )
            )
        return member

    def removals(self) -> tuple[tuple[Document, Removal], ...]:
        """Return the documents a person removed and how, the last first."""
        removed = self._tools.state.removed()
        documents = self._tools.state.documents(removed)
        last_first = sorted(removed.values(), key=lambda one: -one.at_ms)
        return tuple(
            (documents[one.document_id], one) for one in last_first if one.document_id in documents
        )

    def lift_purge(self, name: str) -> tuple[str, ...]:
        """Let files at the place of a purged document be taken in again; return the ids it had.

        Its text does not come back, and its old bytes are refused as before.

        Args:
            name: The id it had, or its path.

        Raises:
            NotFound: None that was purged is called so.
            Conflict: It is still being purged.
        """
        known = {one.spec.source for one in self._tools.sources.sources()}
        lifted = self._purging.lift(name, known | set(self._tools.state.sources()))
        if not lifted:
            raise NotFound(
                "no document that was removed or purged is called so",
                hint="answerable documents list --removed",
            )
        return lifted

    def restore(self, name: str) -> Document:
        """Undo `remove`: it shows in revisions that hold it, and the next ingest takes it.

        Raises:
            NotFound: It was not removed.
            Conflict: It is being purged.
        """
        doomed = {one.document_id for purge in self._purging.pending() for one in purge.documents}
        removed = [one for one, _ in self.removals()]
        named = [one for one in removed if name in {one.id, one.path}]
        places = {place(one.source, one.path) for one in named}
        if len(places) != 1:
            raise NotFound(
                f"{len(places) or 'no'} removed documents have this id or path",
                hint="answerable documents list --removed",
            )
        if named[0].id in doomed:
            raise Conflict(
                "this document is being purged: nothing brings its text back",
                hint="answerable documents purges",
            )
        for one in removed:
            if place(one.source, one.path) in places:
                self._tools.state.restore(one.id)
        return named[0]

    # Originals

    def original(
        self, document_id: str, scope: Scope, *, revision: int | None = None
    ) -> originals.Original:
        """Return the bytes a document was read from, in the serving revision or another one.

        Raises:
            NotFound: It is not there, the scope does not allow it, or they were not kept.
        """
        return originals.original(
            self.document(document_id, scope, revision=revision).member, self._tools
        )

    def has_original(self, member: Member) -> bool:
        """Return whether the bytes a document was read from were kept."""
        return self._tools.originals.has(member.bytes_hash)

    def page(
        self, document_id: str, number: int, scope: Scope, *, revision: int | None = None
    ) -> bytes:
        """Return a page of the original of a PDF as a PNG.

        Raises:
            NotFound: It is not there, the scope does not allow it, or it was not kept.
            BadInput: It is no PDF.
        """
        member = self.document(document_id, scope, revision=revision).member
        return originals.page(member, number, self._tools)

    def reparse(self, *, progress: Progress | None = None) -> originals.Reparsed:
        """Read again from their originals the documents that were read in an older way.

        Raises:
            NotReady: The library is empty.
            Locked: Another process is ingesting.
        """
        served = self._current.serving().revision
        if served is None:
            raise empty_library()
        with self._tools.state.writer():
            base = releases.base(self._current.serving(), self._tools.state.revisions()) or served
            members = self._tools.state.members(base.number)
            hidden = self._tools.state.removed()
            old = originals.outdated(
                (one for name, one in members.items() if name not in hidden), self.line
            )
            has = self._tools.originals.has
            reports = tuple(
                self._ingest(
                    source, progress or Silent(), "read again from originals", labels=labels
                )
                for source, labels in originals.sources(old, self._tools)
                if source.count()
            )
        missing = tuple(one for one in old if not has(one.bytes_hash))
        return originals.Reparsed(reports=reports, missing=missing)

    # Purging

    def plan_purge(self, name: str) -> Plan:
        """Return what purging a document, named by its id or path, would erase.

        Raises:
            NotFound: Nothing that was ever taken in is called so, or several are.
        """
        return self._purging.plan(name)

    def begin_purge(self, plan: Plan, *, who: str, because: str, with_copies: bool) -> Purge:
        """Hide what a plan names at once and for good, and record that it is to be erased.

        The next `finish_purges` does, by any process.

        Raises:
            Conflict: Others hold the same bytes, and it was not said that they go too.
        """
        return self._purging.begin(plan, who=who, because=because, with_copies=with_copies)

    def finish_purges(self, heard: PurgeHeard = unheard) -> tuple[Purge, ...]:
        """Erase what is to be erased from everything kept; return the purges done by it.

        Raises:
            Locked: Another process is writing; what was begun is still to be finished.
            StorageFailure: It cannot go on; the next call does.
        """
        if not self._purging.pending():
            return ()
        with self._tools.state.writer():
            return self._purging.finish(heard)

    def purges(self) -> tuple[Purge, ...]:
        """Return all purges, newest first."""
        return self._tools.purges.all()

    def replay_purges(self, purges: Sequence[Purge]) -> tuple[Purge, ...]:
        """Begin again those purges of which a restored state holds anything; return the new ones.

        For after a backup was restored: what was purged since must not come back by it.
        """
        return self._purging.replay(purges)

    # Quarantine

    def quarantined(self) -> tuple[Ill, ...]:
        """Return the documents that could not be read, by path, with what to do about each."""
        return quarantine.listed(self._tools.quarantine)

    def find_quarantined(self, name: str) -> Ill:
        """Return the document in quarantine of this id or path.

        Raises:
            NotFound: None is called so, or several are.
        """
        return quarantine.found(self._tools.quarantine, name)

    def ignore_quarantined(self, name: str, *, who: str, because: str) -> Ill:
        """Hear no more of a document that cannot be read, and return it.

        Raises:
            BadInput: There is no reason.
            NotFound: None is called so, or several are.
        """
        return quarantine.ignored(self._tools.quarantine, name, who=who, because=because)

    def retry_quarantined(self, names: Sequence[str] = ()) -> tuple[Ill, ...]:
        """Let documents be tried again when they are next met, all without a name; return them.

        Raises:
            NotFound: None is called so, or several are.
        """
        return quarantine.retried(self._tools.quarantine, names)

    def reread(
        self, some: Sequence[Ill], *, progress: Progress | None = None
    ) -> tuple[Report, ...]:
        """Read documents again, now; a report for each source.

        What was uploaded is read from the original that was kept of it, if it was.

        Raises:
            Locked: Another process is ingesting.
        """
        size_max = self.settings.ingest.size_mb_max * 1_000_000
        with self._tools.state.writer():
            return tuple(
                self._ingest(source, progress or Silent(), "retried from quarantine")
                for source in quarantine.sources(some, self._tools, size_max_bytes=size_max)
            )

    # Ingestion

    def check_paths(self, paths: Sequence[Path]) -> None:
        """Make sure that every path can be ingested before the first one is.

        Raises:
            PathMissing: One does not exist.
        """
        for path in paths:
            self._folder(path, ())

    def ingest(
        self,
        path: Path,
        *,
        excludes: Sequence[str] = (),
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Bring the library in step with a folder or file and seal what changed.

        Raises:
            PathMissing: There is no such path.
            BadInput, Conflict: There is no document in it, and that was not allowed.
            Locked: Another process is ingesting.
            StorageFailure: The serving revision is untouched and still answers.
        """
        with self._tools.state.writer():
            return self._ingest(
                self._folder(path, excludes),
                progress or Silent(),
                f"ingest {path}",
                must_find=not allow_empty,
            )

    def _ingest(
        self,
        source: Source,
        progress: Progress,
        because: str,
        is_too_much: library.TooMuch = library.any_loss,
        *,
        labels: frozenset[str] | None = None,
        must_find: bool = False,
    ) -> Report:
        """Ingest with the writer lock held.

        Args:
            source: To be read.
            progress: Hears how it goes on.
            because: Why, for the revision.
            is_too_much: Whether a loss is too great to believe.
            labels: Who may read it; None for who was said to when it was registered.
            must_find: Whether a source without documents is a mistake.

        Raises:
            DiskFull: There is too little room to begin.
        """
        self._room.check()
        tools = self._tools
        self._purging.finish()
        revisions = tools.state.revisions()
        tools.index.sweep({(one.number, one.manifest) for one in revisions})
        known = tools.sources.sources()
        return library.ingest(
            source,
            line=self.line,
            base=releases.base(self._current.serving(), revisions),
            labels=registered.labels(source.name, known) if labels is None else labels,
            desk=self._library_desk(),
            progress=progress,
            because=because,
            others=registered.others(source.name, known),
            must_find=must_find,
            is_too_much=is_too_much,
        )

    def _library_desk(self) -> library.Desk:
        return library.Desk(
            state=self._tools.state,
            index=self._tools.index,
            parser=self._tools.parser,
            clock=self._tools.clock,
            at_hand=self._filling.kept,
            bans=self._purging.bans(),
            quarantine=self._tools.quarantine,
            originals=self._tools.originals,
        )

    def _folder(self, path: Path, excludes: Sequence[str]) -> Source:
        from answerable.adapters.sources.folder import Folder
        from answerable.adapters.sources.narrowed import Narrowed

        known = self._tools.sources.sources()
        places = [one.spec.source for one in known]
        rooted = partial(
            Folder.of,
            path,
            size_max_bytes=self.settings.ingest.size_mb_max * 1_000_000,
            known_roots=self._known_roots(places),
        )
        name = rooted().name
        spec = registered.spec_of(name, known)
        own = registered.nested(Path(name.removeprefix("folder:")), known)
        source = rooted(excludes=(*excludes, *own, *(spec.exclude if spec else ())))
        return Narrowed(source, spec.include) if spec and spec.include else source

    def _known_roots(self, more: Iterable[str]) -> tuple[Path, ...]:
        revision = self._current.serving().revision
        members = self._tools.state.members(revision.number).values() if revision else ()
        names = {*more, *(one.document.source for one in members)}
        return tuple(
            Path(name.removeprefix("folder:")) for name in names if name.startswith("folder:")
        )

    # Vectors

    def coverage(self) -> Coverage:
        """Return how much of the newest revision can be found by meaning."""
        return self._filling.coverage()

    def served_coverage(self) -> Coverage:
        """Return how much of what answers now can be found by meaning.

        Raises:
            NotReady: The library is empty.
        """
        revision, wanted = self._current.open().shelf.revision, self._space()
        return vectors.coverage(revision, wanted, index=self._tools.index, state=self._tools.state)

    def mending(self) -> str:
        """Return what gives what answers now the vectors it lacks.

        Raises:
            NotReady: The library is empty.
        """
        return self._current.open().shelf.mend

    def fill_vectors(self, heard: Heard) -> Coverage:
        """Compute the vectors that the newest revision lacks and seal its successor.

        Raises:
            Locked: Another process is computing them.
            NotReady, EmbedderFailed, StorageFailure: It cannot go on; what was done is kept.
        """
        return self._filling.run(heard)

    def warm_up(self) -> None:
        """Load what the first question would have to wait for, as far as it can be had."""
        embedder = self._tools.embedders.asking(self._space())
        if embedder is not None:
            with suppress(AnswerableError):
                embedder.embed(["warm"], purpose="question")

    def embedder(self) -> str:
        """Return the name of the release's embedder; empty when it is not set up here."""
        found = self._tools.embedders.asking(self._space())
        return found.name if found else ""

    def embedders(self) -> tuple[EmbedderView, ...]:
        """Return the embedders that are set up here."""
        serves = self._space()
        return tuple(view(name, self._tools.embedders, serves) for name in self._names())

    def fetch_embedder(self, name: str, heard: Heard) -> str:
        """Get the weights of an embedder from where they were published; return where they are.

        Raises:
            NotFound, BadInput: There is none of this name, or none that is fetched.
            NotReady: They cannot be reached, or are not the published ones.
        """
        return self._tools.embedders.fetch(name, heard)

    def check_embedder(self, name: str) -> CheckReport:
        """Compare what an embedder gives with what is known, and measure it.

        Raises:
            NotFound: There is none of this name.
            NotReady, EmbedderFailed: It does not work.
        """
        return self._tools.embedders.check(name)

    def _names(self) -> tuple[str, ...]:
        return self._tools.embedders.names

    def _space(self) -> str:
        return self._current.serving().release.retrieval.embedder

    def _newest(self) -> Revision | None:
        """Return the revision the next one is made from, if it was read as documents are now."""
        newest = releases.base(self._current.serving(), self._tools.state.revisions())
        return newest if newest is not None and newest.line == self.line.id else None

    # Language models

    def models(self) -> tuple[ModelView, ...]:
        """Return the models that are set up, without asking any."""
        return self._tools.models.views()

    def judge(self) -> tuple[str, str]:
        """Return what a new release judges drafts with, and why that cannot be; or nothing."""
        return self._tools.judges.choice.name, self._tools.judges.trouble()

    def check_model(self, name: str) -> ModelReport:
        """Ask a model for a few words; return how fast it was and what it cost.

        Raises:
            NotFound: None of this name is set up.
            NotReady, ModelFailed: It does not work; says why.
        """
        return self._tools.models.check(name)

    # Evaluation

    def ingest_corpus(self, corpus: Source, *, progress: Progress | None = None) -> Report:
        """Take in the documents a question set brings."""
        with self._tools.state.writer():
            return self._ingest(corpus, progress or Silent(), "a question set")

    def answers(
        self,
        questions: QuestionSet,
        *,
        asked: Callable[[int], None],
        partial: bool = False,
    ) -> tuple[Ran, ...]:
        """Return what comes of every question of a set.

        Raises:
            NotReady: A question could be ranked by words only, and that was not allowed.
        """
        respondent = self._respondent(questions, partial=partial)
        return quality.answers(questions.cases, respondent, asked=asked)

    def texts(self, scope: Scope) -> Mapping[str, str]:
        """Return the texts of the documents that serve now and the scope allows, by path."""
        members = self.documents(scope)
        contents = self._tools.state.contents({one.content_id for one in members})
        return {
            one.document.path: contents[one.content_id].text.text
            for one in members
            if one.content_id in contents
        }

    def evaluated(self, name: str, ran: Sequence[Ran]) -> EvalRun:
        """Return what `answers` gave for the question set of this name, to be kept and compared."""
        found = [record(one) for one in ran]
        cases = [one.case for one in ran]
        return evaluations.evaluated(name, cases, found, self.serving(), now_ms=self.now_ms())

    def rankings(
        self,
        questions: QuestionSet,
        *,
        asked: Callable[[int], None],
        retrieval: Retrieval | None = None,
        partial: bool = False,
    ) -> tuple[Ranked, ...]:
        """Return what is found for each question that names its documents.

        Args:
            questions: The set.
            asked: Hears how many have been asked.
            retrieval: How to search; None for the release as it is.
            partial: Whether a question may be ranked by words alone where vectors are missing.

        Raises:
            NotReady: A question could be ranked by words only, and that was not allowed.
        """
        respondent = self._respondent(questions, retrieval=retrieval, partial=partial)
        return quality.rankings(questions.cases, respondent, asked=asked)

    def _respondent(
        self,
        questions: QuestionSet,
        *,
        partial: bool,
        retrieval: Retrieval | None = None,
        on: Open | None = None,
    ) -> AppRespondent:
        named = page_name if questions.corpus is not None else str
        # Questions of a test set are nobody's questions: they leave no trace.
        return AppRespondent(
            self,
            lambda text, scope: self._asks.answer(text, scope, on=on),
            self.owner(),
            named,
            retrieval=retrieval,
            partial=partial,
            on=on,
        )

    def _watch(self) -> bool:
        """Look after a canary, if one runs."""
        return self.canaries.step()

    def _trial(self, questions: QuestionSet, on: Open, is_partial: bool) -> AppRespondent:
        return self._respondent(questions, partial=is_partial, on=on)

    # Calibration

    def calibrate(
        self,
        questions: QuestionSet,
        promise: Promise,
        *,
        loss: Loss,
        asked: Callable[[int], None],
    ) -> Calibrated:
        """Return the threshold that keeps a promise on a question set, or what is lacking.

        Nothing is kept: `answerable.app.opening.keep_certificate` does.

        Raises:
            BadInput: A question does not say what the loss needs.
            NotReady: Not every question was answered by the release as it is.
            Conflict: The documents changed meanwhile.
        """
        return calibrating.calibrate(questions, self._asking(), promise, loss=loss, asked=asked)

    def check_threshold(
        self,
        questions: QuestionSet,
        promise: Promise,
        *,
        threshold: float,
        loss: Loss,
        asked: Callable[[int], None],
    ) -> Checked:
        """Return what happens on a question set at a threshold that was chosen elsewhere.

        Raises:
            BadInput, NotReady, Conflict: As for `calibrate`.
        """
        return calibrating.check(
            questions, self._asking(), promise, threshold=threshold, loss=loss, asked=asked
        )

    def calibration(self) -> Standing:
        """Return what the certificate of this workspace is worth for what answers now.

        Raises:
            BadConfiguration: It cannot be understood.
        """
        now = self._current.serving()
        return self._calibration.standing(now.release, now.revision)

    def _asking(self) -> Asking:
        now = self._current.open()
        release = opened(now.serving.release)
        return Asking(
            # Questions of a test set are nobody's questions: they leave no trace.
            ask=lambda text: self._asks.answer(text, self.owner(), release=release),
            release=now.serving.release,
            revision=now.shelf.revision,
            now_ms=self._tools.clock.now_ms(),
        )

    # Uploads and other background work

    def submit(self, path: str, data: bytes) -> Job:
        """Store an uploaded file durably and queue it for ingestion.

        Raises:
            BadInput: The path is not a safe relative path, or the file is too large.
        """
        return self._background.submit(path, data)

    def work_once(self) -> bool:
        """Do one round of background work if this process holds the keeper lease.

        Ingests queued uploads and forgets texts past their retention; returns whether there
        was anything to do. Cheap when there is not, so it may be called twice a second.
        """
        return self._background.work_once()

    def jobs(self, *, limit: int = 50) -> Sequence[Job]:
        """Return background jobs, newest first."""
        return self._tools.leases.recent(limit=limit)

    def now_ms(self) -> int:
        """Return the time by the clock of this app, in milliseconds since the epoch."""
        return self._tools.clock.now_ms()

    def cancel_job(self, job_id: str, *, who: str) -> Job:
        """Have a job that waits or runs end now, as failed; return it.

        Whoever works on it stops with the next step. What was sealed stays.

        Raises:
            NotFound: There is no such job.
            Conflict: It has ended.
        """
        job = self.job(job_id)
        if not self._tools.leases.cancel(job_id, because=f"cancelled by {who}"):
            raise Conflict(f"{job_id} has ended: {job.state.value}", hint="answerable jobs list")
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """Return one background job.

        Raises:
            NotFound: There is no such job.
        """
        job = self._tools.leases.job(job_id)
        if job is None:
            raise NotFound("there is no such job", hint="answerable jobs list")
        return job

    # Revisions and deployments

    def deployments(self) -> tuple[Deployment, ...]:
        """Return the record of what was deployed, by whom and why, newest first."""
        return tuple(self._tools.register.deployments())

    def serving(self) -> releases.Serving:
        """Return which deployment, release and revision answer now."""
        return self._current.serving()

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, newest first."""
        return self._tools.state.revisions()

    def revision(self, number: int) -> RevisionView:
        """Return one revision with what it changed.

        Raises:
            NotFound: There is no such revision.
        """
        revision = self._revision(number)
        state = self._tools.state
        after = state.members(number)
        is_there = revision.base in {one.number for one in self.revisions()}
        before = state.members(revision.base) if revision.base and is_there else {}
        return RevisionView(
            revision=revision,
            added=_paths(after[one] for one in after.keys() - before.keys()),
            changed=_paths(
                after[one]
                for one in after.keys() & before.keys()
                if after[one].content_id != before[one].content_id
            ),
            gone=_paths(before[one] for one in before.keys() - after.keys()),
        )

    def switch(self, pinned: int | None, *, who: str, because: str) -> releases.Serving:
        """Serve one revision from now on, or follow the line again with None.

        Raises:
            NotFound: There is no such revision.
            Corrupt: Its index is damaged, so it could not answer.
        """
        if pinned is not None:
            revision = self._revision(pinned)
            self._tools.index.open(revision.number, revision.manifest)
        with ExitStack() as stack:
            with suppress(Locked):  # by an ingest, which retires nothing
                stack.enter_context(self._tools.state.writer(is_brief=True))
            releases.switch(
                self._tools.register,
                self.revisions(),
                pinned=pinned,
                who=who,
                because=because,
                clock=self._tools.clock,
            )
        return self.serving()

    def verify(self, number: int | None = None) -> Mapping[int, tuple[str, ...]]:
        """Return what is wrong with the index of one revision, or of all, by number."""
        wanted = self.revisions() if number is None else (self._revision(number),)
        index = self._tools.index
        return {one.number: index.verify(one.number, one.manifest) for one in wanted}

    def rebuild(self, number: int | None = None) -> Revision:
        """Make the index of a revision anew from the state; the serving one by default."""
        serving = self._current.serving().revision
        wanted = serving if number is None else self._revision(number)
        if wanted is None:
            raise empty_library()
        self.finish_purges()
        purge = self._tools.purges.newest()
        members = tuple(self._tools.state.members(wanted.number).values())
        kept = self._filling.kept(members)
        with (
            closing(self._tools.index.prepare(None, kept)) as prepared,
            self._tools.state.writer(),
        ):
            if self._tools.purges.newest() != purge:  # its vectors are among what was prepared
                raise Conflict("something was purged meanwhile", hint="run it again")
            rebuilt = library.rebuild(wanted, prepared=prepared, desk=self._library_desk())
            revisions = self._tools.state.revisions()
            self._tools.index.sweep({(one.number, one.manifest) for one in revisions})
        return rebuilt

    def _needed(self) -> frozenset[int]:
        """Return the revisions that are kept: what serves, and what was ever pinned."""
        serving = self.serving().revision
        pinned = {one.pinned for one in self.deployments() if one.pinned is not None}
        return frozenset(pinned | ({serving.number} if serving else set()))

    def _revision(self, number: int) -> Revision:
        for revision in self.revisions():
            if revision.number == number:
                return revision
        raise NotFound(f"there is no revision {number}", hint="answerable revisions list")

    # Health

    def readiness(self) -> tuple[Check, ...]:
        """Return what answering depends on and whether it is there."""
        checks = [self._check("state", lambda: self._current.serving().release.id)]
        if checks[0].ready:
            checks.append(self._check("library", self._serves))
            checks.append(self._vectors_check())
            checks.append(self._calibration_check())
        checks.append(self._asks.check())
        return tuple(checks)

    def metrics(self, *, now_open: int = 0) -> str:
        """Return what this process counted since it began, in the text format of Prometheus.

        Args:
            now_open: How many answers are on their way.
        """
        return self._metrics.text(now_open=now_open)

    def _vectors_check(self) -> Check:
        """Return how passages are found. It is ready by words alone too; the detail says so."""
        try:
            detail = self._found_by()
        except AnswerableError as error:
            detail = f"words only: {error.message}; {error.hint}"
        return Check(name="vectors", ready=True, detail=detail)

    def _calibration_check(self) -> Check:
        """Return whether a certificate holds. It is ready without one too; the detail says so."""
        try:
            detail = calibrating.said(self.calibration())
        except AnswerableError as error:
            detail = f"{error.message}; {error.hint}"
        return Check(name="calibration", ready=True, detail=detail)

    def _found_by(self) -> str:
        now = self._current.open()
        wanted = now.serving.release.retrieval.embedder
        if not wanted:
            return "words only, as the release says"
        covered, chunks = now.shelf.searcher.covered.get(wanted, 0), now.shelf.searcher.chunks
        if now.shelf.embedder is None:
            return "words only: the release's embedder is not set up; answerable embedders list"
        if trouble := self._tools.embedders.trouble(wanted):
            return f"words only: {trouble}"
        mend = f"; {now.shelf.mend}" if covered == 0 and chunks else ""
        return f"{now.shelf.embedder.name}: {covered} of {chunks} chunks have vectors{mend}"

    def _serves(self) -> str:
        return f"revision {self._current.open().shelf.revision.number}"

    def _check(self, name: str, look: Callable[[], str]) -> Check:
        try:
            return Check(name=name, ready=True, detail=look())
        except AnswerableError as error:
            return Check(name=name, ready=False, detail=f"{error.message}; {error.hint}")

    def stop_working(self) -> None:
        """Have what is being done in the background end at its next step; returns at once."""
        self.sources.stop()

    def close(self) -> None:
        """Let go of children, threads and files, and of texts whose time is over."""
        with self._on_close, suppress(AnswerableError):
            self.sources.close()
            self._background.close()
            self._filling.close()
            kept_ms = self.settings.traces.text_days * _DAY_MS
            self._tools.ledger.forget_texts(self._tools.clock.now_ms() - kept_ms)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _desk(tools: Tools) -> answering.Desk:
    return answering.Desk(
        analyser=tools.analyser,
        reader=Reader(tools.analyser.terms),
        clock=tools.clock,
        judge=tools.judges.of,
        model=tools.models.asking,
        judging_model=tools.models.judging,
    )


def _may_see(member: Member, scope: Scope, removed: Collection[str]) -> bool:
    """Return whether a caller may see a document; hidden and missing look the same to them."""
    return member.document.id not in removed and scope.allows(member.document.labels)


def _no_document() -> NotFound:
    return NotFound("there is no such document", hint="answerable documents list")


def _names(member: Member) -> tuple[str, str]:
    return member.document.id, member.document.path


def _paths(members: Iterable[Member]) -> tuple[str, ...]:
    return tuple(sorted(member.document.path for member in members))
