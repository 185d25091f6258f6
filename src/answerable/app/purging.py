"""Purging, from everywhere this machine keeps anything of a document.

Each step may be done twice, so a purge that was interrupted is simply done again from its
beginning; only indexes, which take long, are remembered one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from threading import Event

from answerable.adapters.inbox import Inbox
from answerable.adapters.processes import is_gone
from answerable.app.filling import VECTORS_JOB
from answerable.app.tools import Tools
from answerable.domain.documents import Document, Purge, place, place_hash, possible_id
from answerable.domain.errors import Conflict, Locked, NotFound
from answerable.library import purge as library
from answerable.library.bans import Bans, bans
from answerable.library.ports import UPLOAD_SOURCE
from answerable.library.purge import Heard, Plan, unheard
from answerable.operations import flow as operations
from answerable.operations.ports import JobState

UPLOAD_JOB = "upload"
_VECTORS_WAIT_S = 150.0
_FINISH = "answerable documents purges --finish"
_LOOK_S = 0.25
_NAMED_MAX = 5
_SOON_MS = 3_600_000


class Purging:
    """Erases documents. What was begun is finished by whoever writes to the library next.

    Args:
        tools: Storage and clock.
        inbox: Where uploads wait.
        holder: Who claims the job of computing vectors, to be sure that nobody is at it.
        step_aside: Ends what this process computes; it is called by `finish` only.
        forget_fetched: Deletes what sources far away sent; they send it again.
        forget_answers: Takes answers that cite these documents out of evaluations.
    """

    def __init__(
        self,
        tools: Tools,
        inbox: Inbox,
        holder: str,
        step_aside: Callable[[], None],
        *,
        forget_fetched: Callable[[], None],
        forget_answers: Callable[[frozenset[str]], None],
    ) -> None:
        self._forget_fetched = forget_fetched
        self._forget_answers = forget_answers
        self._tools = tools
        self._inbox = inbox
        self._holder = holder
        self._step_aside = step_aside

    def plan(self, name: str) -> Plan:
        """Return what purging a document would erase. Takes its time.

        Args:
            name: Its id or its path. It may be removed, or stand in earlier revisions only, or in
                none that has not been retired: traces and indexes may still hold some of it.

        Raises:
            NotFound: Nothing is called so, or several are.
        """
        named = list(self._tools.state.documents(self._tools.purges.named(name)).values())
        places = {place(one.source, one.path) for one in named}
        if len(places) > 1:
            ids = ", ".join(sorted(one.id for one in named))
            raise NotFound(f"{len(places)} documents have this path: {ids}", hint="name one by id")
        if not named:
            raise NotFound("there is no such document", hint="answerable documents list")
        return library.plan(self._same_place(named[0]), self._desk)

    def begin(self, plan: Plan, *, who: str, because: str, with_copies: bool) -> Purge:
        """Hide what a plan names, for good, and record that it is to be erased.

        Raises:
            Conflict: Others hold the same bytes, and it was not said that they go too.
        """
        if plan.copies and not with_copies:
            raise has_copies(plan.copies)
        return self._tools.purges.begin(
            plan.tombstones,
            plan.contents,
            who=who,
            because=because,
            at_ms=self._tools.clock.now_ms(),
        )

    def bans(self) -> Bans:
        """Return what is not taken in any more."""
        return bans(self._tools.purges.all())

    def pending(self) -> tuple[Purge, ...]:
        """Return the purges that are not done, oldest first."""
        return self._tools.purges.pending()

    def finish(self, heard: Heard = unheard) -> tuple[Purge, ...]:
        """Erase what is to be erased, and return the purges that are done by it.

        The caller holds `State.writer`.

        Raises:
            Locked: Another process computes vectors, reads or writes without a pause.
            StorageFailure: It cannot go on; the next call does.
        """
        return tuple([self._finish(purge, heard) for purge in self.pending()])

    def replay(self, purges: Sequence[Purge]) -> tuple[Purge, ...]:
        """Begin again what a state that was restored from a backup has brought back."""

        def begin(purge: Purge, plan: Plan) -> Purge:
            return self.begin(plan, who=purge.who, because=purge.because, with_copies=True)

        return library.replayed(purges, self._desk, begin=begin)

    def lift(self, name: str, sources: Collection[str]) -> tuple[str, ...]:
        """Let files at the place of a purged document be taken in again; return its ids.

        Args:
            name: The id it had, or its path.
            sources: Through which it may have been read.

        Raises:
            Conflict: It is still being purged.
        """
        places = {place_hash(source, name) for source in sources}
        purges = self._tools.purges.all()
        graves = [one for purge in purges if purge.done_at_ms for one in purge.documents]
        doomed = [one for purge in purges if not purge.done_at_ms for one in purge.documents]
        if any(one.document_id == name or one.place_hash in places for one in doomed):
            raise Conflict("this document is still being purged", hint=_FINISH)
        found = {one.place_hash for one in graves if one.lifted_at_ms is None} & (
            places | {one.place_hash for one in graves if one.document_id == name}
        )
        ids = tuple(sorted({one.document_id for one in graves if one.place_hash in found}))
        if ids:
            self._tools.purges.lift(ids, at_ms=self._tools.clock.now_ms())
            self._tools.ledger.unredact(ids)
        return ids

    @property
    def _desk(self) -> library.Desk:
        tools = self._tools
        return library.Desk(state=tools.state, purges=tools.purges, index=tools.index)

    def _finish(self, purge: Purge, heard: Heard) -> Purge:
        tools = self._tools
        purge = library.widened(purge, self._desk)
        heard("waiting for vectors", 0, 1)
        self._end_filling()
        self._purge_traces(purge, heard)
        heard("uploads", 0, 1)
        self._purge_uploads(purge)
        self._purge_quarantine(purge)
        self._forget_fetched()
        library.purge_indexes(purge, self._desk, heard=heard)
        tools.index.sweep({(one.number, one.manifest) for one in tools.state.revisions()})
        heard("vectors", 0, 1)
        self._purge_vectors(purge)
        heard("texts", 0, 1)
        tools.purges.erase(purge.number)
        self._purge_originals(purge)
        tools.purges.finish(purge.number, at_ms=tools.clock.now_ms())
        heard("texts", 1, 1)
        return next(one for one in tools.purges.all() if one.number == purge.number)

    def _end_filling(self) -> None:
        """Wait until nobody computes vectors of what is to be erased.

        Who does looks after every step whether something is to be purged, and ends then. Who
        begins later leaves removed documents out.
        """
        self._step_aside()
        leases = self._tools.leases
        leases.enqueue(VECTORS_JOB, VECTORS_JOB, {}, attempts_max=1_000_000)
        until_ms = self._tools.clock.monotonic_ms() + _VECTORS_WAIT_S * 1000
        while True:
            for running in leases.jobs(VECTORS_JOB, {JobState.RUNNING}):
                if is_gone(running.holder):
                    leases.expire(VECTORS_JOB, holder=running.holder)
            job = leases.claim((VECTORS_JOB,), holder=self._holder, lease_s=operations.JOB_LEASE_S)
            if job is not None:
                leases.finish(job, result="made way for a purge")
                return
            if not leases.jobs(VECTORS_JOB, {JobState.RUNNING, JobState.QUEUED}):
                return
            if self._tools.clock.monotonic_ms() > until_ms:
                raise Locked(
                    "another process computes vectors and does not pause",
                    hint=f"it is hidden already; to erase it: {_FINISH}",
                )
            Event().wait(_LOOK_S)

    def _purge_traces(self, purge: Purge, heard: Heard) -> None:
        def looked_at(done: int, of: int) -> None:
            heard("traces", done, of)

        ids = [one.document_id for one in purge.documents if one.lifted_at_ms is None]
        self._tools.ledger.redact(ids, at_ms=self._tools.clock.now_ms(), heard=looked_at)
        self._forget_answers(frozenset(ids))

    def _purge_uploads(self, purge: Purge) -> None:
        """Drop what was uploaded to these places, or holds these bytes, and the jobs of it."""
        places = {one.place_hash for one in purge.documents}
        leases = self._tools.leases
        jobs = [
            job
            for job in leases.jobs(UPLOAD_JOB, set(JobState))
            if place_hash(job.payload.get("source", UPLOAD_SOURCE), job.payload["path"]) in places
            or Inbox.hash_in(job.payload["file"]) in purge.contents
        ]
        for name in filter(None, (job.payload["file"] for job in jobs)):  # none of a deletion
            self._inbox.drop(name)
        self._inbox.drop_bytes(purge.contents)
        leases.discard([job.id for job in jobs])

    def _purge_vectors(self, purge: Purge) -> None:
        """Forget cached vectors; of versions that went with retired revisions, too.

        What those were made of is not known any more, so all are forgotten that are of nothing.
        """
        tools = self._tools
        doomed = tools.purges.doomed(purge.number)
        revisions = tools.state.revisions()
        if len(revisions) == max((one.number for one in revisions), default=0):
            tools.vectors.erase(list(library.cached_keys(doomed, tools.state)))
            return
        stay = {one.content_id for one in tools.purges.standings()} - doomed
        tools.vectors.retain(list(library.cached_keys(stay, tools.state)))

    def _purge_originals(self, purge: Purge) -> None:
        """Delete originals of its bytes, and of bytes that nothing is known of any more."""
        tools = self._tools
        tools.originals.drop(purge.contents)
        ill = {one.bytes_hash for one in tools.quarantine.all()}
        soon_ms = tools.clock.now_ms() + _SOON_MS  # nobody keeps any: the writer lock is held
        tools.originals.sweep(tools.state.bytes_hashes() | ill, older_than_ms=soon_ms)

    def _purge_quarantine(self, purge: Purge) -> None:
        """Forget what is known of these documents, or of these bytes, as of what cannot be read."""
        ill = {
            one.document_id
            for one in self._tools.quarantine.all()
            if one.bytes_hash in purge.contents
        }
        ids = ill | {one.document_id for one in purge.documents}
        self._tools.quarantine.record((), ids)

    def _same_place(self, document: Document) -> frozenset[str]:
        """Return every id that a document may have had, read through one folder or another."""
        where = place(document.source, document.path)
        ids = {possible_id(where, source) for source in self._tools.state.sources()}
        return frozenset(self._tools.state.documents([one for one in ids if one])) | {document.id}


def has_copies(copies: Sequence[Document]) -> Conflict:
    """Return the failure of purging what others hold too, without saying so."""
    named = ", ".join(f"{one.path} ({one.id})" for one in copies[:_NAMED_MAX])
    left = len(copies) - _NAMED_MAX
    more = f" and {left} more" if left > 0 else ""
    return Conflict(
        f"the same content stands, or stood, under another path: {named}{more}",
        hint="to purge them all: --with-copies, or with_copies=true",
    )
