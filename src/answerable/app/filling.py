"""Vectors for the newest revision, as a job that any process can take up and take over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Event, RLock

from answerable.adapters.aside import Aside
from answerable.adapters.processes import is_gone
from answerable.app.tools import Tools
from answerable.domain.clock import Clock
from answerable.domain.documents import Member, Revision
from answerable.domain.errors import AnswerableError, Locked, NotReady
from answerable.library import vectors
from answerable.library.ports import Check, Prepared, Vectored
from answerable.library.vectors import Coverage
from answerable.operations import flow as operations
from answerable.operations.ports import Job, JobState

VECTORS_JOB = "vectors"
_SLICE_MS = 1_000.0
_BEAT_MS = 2_000.0
_LOOK_S = 0.25
_LOCK_WAIT_MS = 60_000.0
_STOP_S = 10.0
_ATTEMPTS_MAX = 1_000_000  # it is as good as it was, whoever died over it

Heard = Callable[[int, int], None]
"""Hears how many chunks have their vectors, and how many there are."""


class Filling:
    """Embeds what the newest revision lacks, writes it, and seals the successor.

    One at a time does it, whichever process has claimed the job; the others see its progress.
    Only for sealing it holds the writer lock, for a moment. What takes minutes before, writing
    segments anew and dividing them, is done in a thread of its own.
    Safe for many threads: one works, the others are told that there is nothing for them to do.

    Args:
        tools: Storage, embedders, clock.
        target: The revision that the next one is made from.
        space: Of the release that serves; empty for words only.
        holder: Who claims the job; begins with what `adapters.processes.myself` says.
    """

    def __init__(
        self,
        tools: Tools,
        target: Callable[[], Revision | None],
        space: Callable[[], str],
        holder: str,
    ) -> None:
        self._tools = tools
        self._target = target
        self._space = space
        self._holder = holder
        self._backoff = operations.Backoff(tools.clock)
        self._full: tuple[str, str] | None = None
        self._work: _Work | None = None
        self._is_waited_for = False
        self._turn = RLock()

    def coverage(self) -> Coverage:
        """Return how much of the newest revision has vectors of the release that serves."""
        revision, space = self._target(), self._space()
        if revision is None or not space:
            chunks = revision.chunks if revision else 0
            return Coverage(space=space, covered=0, chunks=chunks)
        return vectors.coverage(revision, space, index=self._tools.index, state=self._tools.state)

    def step(self) -> bool:
        """Work for about a second if there is anything to do; return whether there was.

        Raises:
            AnswerableError: It could not; it is tried again, later each time.
        """
        if not self._turn.acquire(blocking=False):
            return False
        try:
            if self._work is None and (not self._backoff.is_over or self._is_full()):
                return False
            return self._step(self._tools.clock.monotonic_ms() + _SLICE_MS, _ignore)
        except BaseException as error:
            self._give_back(error)
            raise
        finally:
            self._turn.release()

    def run(self, heard: Heard) -> Coverage:
        """Work until nothing is lacking, and return the coverage.

        Raises:
            Locked: Another process is at it, or has been writing to the library for a minute.
            NotReady, EmbedderFailed, StorageFailure: It cannot go on; what was done is kept.
        """
        self._is_waited_for = True
        if self._space() and self._target() is not None:
            self._desk()
        with self._turn:
            while not self._is_full():
                self._work_on(heard)
                self._wait_for_writer()
        return self.coverage()

    def _work_on(self, heard: Heard) -> None:
        """Work until one revision is done.

        Raises:
            Locked: Another process is at it.
        """
        try:
            is_ours = self._step(None, heard)
        except BaseException as error:
            self._give_back(error)
            raise
        if not is_ours:
            raise Locked(
                "another process is computing vectors",
                hint="see how it goes on: answerable jobs list",
            )

    def kept(self, members: Sequence[Member]) -> Mapping[str, Iterator[Vectored]]:
        """Return the vectors at hand of some documents, by their space.

        Reading them may fail, and then there are no more.
        """
        space = self._space()
        if not space or not members:
            return {}
        tools = self._tools
        kept = vectors.Kept(
            space=space, state=tools.state, cache=tools.vectors, analyser=tools.analyser
        )
        return {space: _as_far_as_read(vectors.vectored(members, kept))}

    def step_aside(self) -> None:
        """Let go of what is being done, unsealed; it begins anew by itself.

        Who works on it in another thread has seen the purge, and ends at its next step.
        """
        with self._turn:
            self._give_back(NotReady("a document is being purged", hint=""))

    def close(self) -> None:
        """Give the job back.

        Waits ten seconds at most for who works on it in another thread: the lease runs out then.
        """
        if self._turn.acquire(timeout=_STOP_S):
            try:
                self._give_back(NotReady("the service is stopping", hint=""))
            finally:
                self._turn.release()

    def _is_full(self) -> bool:
        """Return whether nothing is lacking, or nothing can be done about it here."""
        revision, space = self._target(), self._space()
        if revision is None or self._tools.embedders.filling(space) is None:
            return True
        if self._full == (space, revision.manifest) or self._tools.purges.pending():
            return True
        index = self._tools.index
        if self.coverage().is_full and index.is_settled(revision.number, revision.manifest):
            self._full = (space, revision.manifest)
            return True
        return False

    def _step(self, until_ms: float | None, heard: Heard) -> bool:
        """Work until a time, or until one revision is done; False when another has the job."""
        work = self._work = self._work or self._begin()
        if work is None:
            return False
        try:
            if self._has_embedded(work, until_ms, heard) and self._has_written(work, until_ms):
                self._seal(work)
        except _LostError:
            self._work = None
            work.close()
            return False
        return True

    def _has_embedded(self, work: _Work, until_ms: float | None, heard: Heard) -> bool:
        for done, chunks in work.steps:
            heard(done, chunks)
            self._beat(work, work.embedding(done, chunks))
            if self._has_turned(work) or self._is_over(until_ms):
                return False
        return True

    def _has_written(self, work: _Work, until_ms: float | None) -> bool:
        """Return whether the vectors of the successor are written, beginning if need be."""
        if work.writing is None:
            write = partial(_prepare, work.revision, work.desk)
            work.writing = Aside(write, gives_way=not self._is_waited_for)
        while not work.writing.wait(_LOOK_S):
            self._beat(work, "writing vectors")
            if self._makes_way(work) or self._is_over(until_ms):
                return False
        return True

    def _is_over(self, until_ms: float | None) -> bool:
        return until_ms is not None and self._tools.clock.monotonic_ms() >= until_ms

    def _makes_way(self, work: _Work) -> bool:
        """Return whether this work has ended because something was to be purged since it began."""
        if self._tools.purges.newest() == work.purge:
            return False
        self._end(work, "made way for a purge")
        return True

    def _has_turned(self, work: _Work) -> bool:
        """Look for what has changed meanwhile; return whether this work has ended by that.

        After an ingest, what it brought comes first: that may have had vectors, and was found
        by them. It is sealed with all that is there by then.
        """
        if work.desk.kept.space != self._space():
            self._end(work, "another embedder is asked for by now")
            return True
        if self._makes_way(work):
            return True
        target = self._target()
        if target is not None and target.number != work.revision.number:
            new = vectors.changed(work.revision, target, self._tools.state).new
            work.turn(target, vectors.fill(target, desk=work.desk, only=new))
            return True
        return False

    def _begin(self) -> _Work | None:
        """Claim the job; None when somebody else has it."""
        revision = self._target()
        leases = self._tools.leases
        leases.enqueue(VECTORS_JOB, VECTORS_JOB, {}, attempts_max=_ATTEMPTS_MAX)
        for running in leases.jobs(VECTORS_JOB, {JobState.RUNNING}):
            if is_gone(running.holder):
                leases.expire(VECTORS_JOB, holder=running.holder)
        job = leases.claim((VECTORS_JOB,), holder=self._holder, lease_s=operations.JOB_LEASE_S)
        if job is None:
            return None
        if revision is None:  # it is not full, so there is one; for the type checker
            raise NotReady("the library is empty", hint="answerable ingest PATH")
        purge = self._tools.purges.newest()
        return _Work(job, revision, self._desk(), self._tools.clock, purge)

    def _beat(self, work: _Work, text: str) -> None:
        """Keep the job, and say how it goes on.

        Raises:
            _LostError: Somebody else has it.
        """
        lease_s = operations.JOB_LEASE_S
        if work.is_due() and not self._tools.leases.heartbeat(
            work.job, lease_s=lease_s, progress=text
        ):
            raise _LostError

    def _seal(self, work: _Work) -> None:
        """Seal the successor of what is newest now, unless somebody is writing just now.

        Where nothing was at hand, nothing more can be done for this revision.
        """
        prepared = work.writing.result() if work.writing else None
        if prepared is None:
            self._full = (work.desk.kept.space, work.revision.manifest)
            self._end(work, "nothing to seal")
            return
        try:
            with self._tools.state.writer(is_brief=True):
                sealed = self._sealed(work, prepared)
        except Locked as error:
            work.refuse(error)
            self._beat(work, f"written; {error.message}")
            return
        self._end(work, "nothing to seal" if sealed is None else f"revision {sealed.number}")

    def _sealed(self, work: _Work, prepared: Prepared) -> Revision | None:
        """Seal the successor; not with vectors of what was purged meanwhile."""
        revision = self._target()
        if revision is None or self._tools.purges.newest() != work.purge:
            return None
        return vectors.seal(
            revision,
            prepared,
            of=work.revision,
            desk=work.desk,
            revisions=self._tools.state.revisions(),
        )

    def _wait_for_writer(self) -> None:
        """Give who is writing to the library a moment, when that is why nothing was sealed.

        Raises:
            Locked: It has been writing for a minute.
        """
        refused = self._work.refused if self._work else None
        if self._work is None or refused is None:
            return
        if self._work.refused_ms > _LOCK_WAIT_MS:
            self._give_back(refused)
            raise refused
        Event().wait(_LOOK_S)

    def _end(self, work: _Work, result: str) -> None:
        self._work = None
        work.close()
        self._backoff.note(failed=False)
        self._tools.leases.finish(work.job, result=result)

    def _give_back(self, error: BaseException) -> None:
        self._backoff.note(failed=True)
        work, self._work = self._work, None
        if work is None:
            return
        work.close()
        because = f"{error.code}: {error.message}" if isinstance(error, AnswerableError) else ""
        with suppress(AnswerableError):
            self._tools.leases.postpone(work.job, because=because or "the worker was stopped")

    def _desk(self) -> vectors.Desk:
        tools = self._tools
        embedder = tools.embedders.filling(self._space(), waited_for=self._is_waited_for)
        if embedder is None:
            raise NotReady(
                "the release's embedder is not set up on this machine",
                hint="answerable embedders list",
            )
        return vectors.Desk(
            state=tools.state,
            index=tools.index,
            cache=tools.vectors,
            embedder=embedder,
            analyser=tools.analyser,
            clock=tools.clock,
        )


class _LostError(Exception):
    """The job is somebody else's by now."""


class _Work:
    """A claimed job, how far it is, and when it was last said so.

    Attributes:
        purge: The newest purge when it began.
    """

    def __init__(
        self, job: Job, revision: Revision, desk: vectors.Desk, clock: Clock, purge: int
    ) -> None:
        self.job = job
        self.purge = purge
        self.revision = revision
        self.desk = desk
        self.steps = vectors.fill(revision, desk=desk)
        self.writing: Aside[Prepared | None] | None = None
        self.refused: Locked | None = None
        self._clock = clock
        self._began: tuple[float, int] | None = None
        self._said_ms: float | None = None
        self._refused_since_ms = 0.0

    def turn(self, revision: Revision, steps: Iterator[tuple[int, int]]) -> None:
        """Go on with another revision."""
        self.revision, self.steps = revision, steps

    def refuse(self, error: Locked) -> None:
        """Note that somebody is writing, so that nothing could be sealed."""
        if self.refused is None:
            self._refused_since_ms = self._clock.monotonic_ms()
        self.refused = error

    @property
    def refused_ms(self) -> float:
        """For how long nothing could be sealed."""
        return self._clock.monotonic_ms() - self._refused_since_ms

    def is_due(self) -> bool:
        """Return whether it is time to say how it goes on, and if so note that it was said."""
        now_ms = self._clock.monotonic_ms()
        if self._said_ms is not None and now_ms - self._said_ms < _BEAT_MS:
            return False
        self._said_ms = now_ms
        return True

    def embedding(self, done: int, chunks: int) -> str:
        """Return how embedding goes on, in words."""
        now_ms = self._clock.monotonic_ms()
        if self._began is None:
            self._began = now_ms, done
        began_ms, had = self._began
        rate = (done - had) / max(now_ms - began_ms, 1.0) * 1000
        left = f", {(chunks - done) / rate:,.0f} s left" if rate > 0 else ""
        return f"{done:,} of {chunks:,} chunks, {rate:,.0f} a second{left}"

    def close(self) -> None:
        """Stop what writes and give back the room of what was written."""
        writing, self.writing = self.writing, None
        written = writing.stop() if writing else None
        if written is not None:
            written.close()


def _prepare(revision: Revision, desk: vectors.Desk, check: Check) -> Prepared | None:
    return vectors.prepare(revision, desk=desk, check=check)


def _as_far_as_read(found: Iterator[Vectored]) -> Iterator[Vectored]:
    """Give the same until reading fails: it is a cache, and no reason not to go on by words."""
    with suppress(AnswerableError):
        yield from found


def _ignore(_done: int, _chunks: int) -> None:
    pass
