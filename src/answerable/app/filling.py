"""Vectors for the newest revision, as a job that any process can take up and take over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from answerable.app.tools import Tools
from answerable.domain.clock import Clock
from answerable.domain.documents import Revision
from answerable.domain.errors import AnswerableError, Locked, NotReady
from answerable.library import vectors
from answerable.library.ports import Vectored
from answerable.library.vectors import Coverage
from answerable.operations import flow as operations
from answerable.operations.ports import Job

VECTORS_JOB = "vectors"
_SLICE_MS = 1_000.0
_BEAT_MS = 2_000.0
_ATTEMPTS_MAX = 1_000_000  # it is as good as it was, whoever died over it

Heard = Callable[[int, int], None]
"""Hears how many chunks have their vectors, and how many there are."""


class Filling:
    """Embeds what the newest revision lacks and seals its successor.

    One at a time does it, whichever process has claimed the job; the others see its progress.
    Not safe for several threads.

    Args:
        tools: Storage, embedders, clock.
        target: The revision that the next one is made from.
        space: Of the release that serves; empty for words only.
        holder: Who claims the job.
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

    def coverage(self) -> Coverage:
        """Return how much of the newest revision has vectors of the release that serves."""
        revision, space = self._target(), self._space()
        if revision is None or not space:
            chunks = revision.chunks if revision else 0
            return Coverage(space=space, covered=0, chunks=chunks)
        searcher = self._tools.index.open(revision.number, revision.manifest)
        return Coverage(space=space, covered=searcher.covered.get(space, 0), chunks=searcher.chunks)

    def step(self) -> bool:
        """Work for about a second if there is anything to do; return whether there was.

        Raises:
            AnswerableError: It could not; it is tried again, later each time.
        """
        if self._work is None and (not self._backoff.is_over or self._is_full()):
            return False
        try:
            return self._step(self._tools.clock.monotonic_ms() + _SLICE_MS, _ignore)
        except BaseException as error:
            self._give_back(error)
            raise

    def run(self, heard: Heard) -> Coverage:
        """Work until nothing is lacking, and return the coverage.

        Raises:
            Locked: Another process is at it.
            NotReady, EmbedderFailed, StorageFailure: It cannot go on; what was done is kept.
        """
        self._is_waited_for = True
        while not self._is_full():
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
        return self.coverage()

    def kept(self, revision: Revision) -> Mapping[str, Iterator[Vectored]]:
        """Return the vectors at hand of a revision's documents, by their space."""
        space = self._space()
        if self._tools.embedders.filling(space) is None:
            return {}
        members = tuple(self._tools.state.members(revision.number).values())
        return {space: vectors.vectored(members, self._desk())}

    def close(self) -> None:
        """Give the job back."""
        self._give_back(NotReady("the service is stopping", hint=""))

    def _is_full(self) -> bool:
        """Return whether nothing is lacking, or nothing can be done about it here."""
        revision, space = self._target(), self._space()
        if revision is None or self._tools.embedders.filling(space) is None:
            return True
        if self._full == (space, revision.manifest):
            return True
        if self.coverage().is_full:
            self._full = (space, revision.manifest)
            return True
        return False

    def _step(self, until_ms: float | None, heard: Heard) -> bool:
        """Work until a time, or until one revision is done; False when another has the job."""
        work = self._work = self._work or self._begin()
        if work is None:
            return False
        for done, chunks in work.steps:
            heard(done, chunks)
            if not self._beat(work, done, chunks):
                self._work = None
                return False
            if until_ms is not None and self._tools.clock.monotonic_ms() >= until_ms:
                return True
        self._seal(work)
        self._work = None
        self._backoff.note(failed=False)
        return True

    def _begin(self) -> _Work | None:
        """Claim the job; None when somebody else has it."""
        revision = self._target()
        leases = self._tools.leases
        leases.enqueue(VECTORS_JOB, VECTORS_JOB, {}, attempts_max=_ATTEMPTS_MAX)
        job = leases.claim((VECTORS_JOB,), holder=self._holder, lease_s=operations.JOB_LEASE_S)
        if job is None:
            return None
        if revision is None:  # it is not full, so there is one; for the type checker
            raise NotReady("the library is empty", hint="answerable ingest PATH")
        desk = self._desk()
        return _Work(job, revision, vectors.fill(revision, desk=desk), self._tools.clock)

    def _beat(self, work: _Work, done: int, chunks: int) -> bool:
        text = work.beat(done, chunks)
        if not text:
            return True
        lease_s = operations.JOB_LEASE_S
        return self._tools.leases.heartbeat(work.job, lease_s=lease_s, progress=text)

    def _seal(self, work: _Work) -> None:
        """Seal the successor of what is newest now, with the vectors that are at hand.

        Where nothing was at hand, nothing more can be done for this revision.
        """
        with self._tools.state.writer():
            revision = self._target()
            sealed = None
            if revision is not None:
                sealed = vectors.seal(revision, desk=self._desk(), revisions=self._revisions())
        if sealed is None and revision is not None:
            self._full = (self._space(), revision.manifest)
        result = "nothing to seal" if sealed is None else f"revision {sealed.number}"
        self._tools.leases.finish(work.job, result=result)

    def _revisions(self) -> tuple[Revision, ...]:
        return self._tools.state.revisions()

    def _give_back(self, error: BaseException) -> None:
        self._backoff.note(failed=True)
        work, self._work = self._work, None
        if work is None:
            return
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


class _Work:
    """A claimed job, how far it is, and when it was last said so."""

    def __init__(
        self, job: Job, revision: Revision, steps: Iterator[tuple[int, int]], clock: Clock
    ) -> None:
        self.job = job
        self.revision = revision
        self.steps = steps
        self._clock = clock
        self._began: tuple[float, int] | None = None
        self._said_ms = 0.0

    def beat(self, done: int, chunks: int) -> str:
        """Return how it goes on, or nothing when that was said a moment ago."""
        now_ms = self._clock.monotonic_ms()
        if self._began is None:
            self._began = now_ms, done
        if now_ms - self._said_ms < _BEAT_MS:
            return ""
        self._said_ms = now_ms
        began_ms, had = self._began
        rate = (done - had) / max(now_ms - began_ms, 1.0) * 1000
        left = f", {(chunks - done) / rate:,.0f} s left" if rate > 0 else ""
        return f"{done:,} of {chunks:,} chunks, {rate:,.0f} a second{left}"


def _ignore(_done: int, _chunks: int) -> None:
    pass
