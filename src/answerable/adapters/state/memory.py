"""Nothing on disk: for `answerable try`, and the oracle the other adapters are compared with."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, RLock
from time import time_ns
from typing import NamedTuple

from answerable.adapters.state.failures import (
    LEASE_RAN_OUT,
    contents_missing,
    deployed_meanwhile,
    ledger_closed,
    no_release,
    no_revision,
    no_trace,
    number_taken,
    rated_too_often,
)
from answerable.adapters.state.lock import BRIEF_S
from answerable.adapters.state.traces import (
    documents_of,
    join_trace,
    nameless,
    outcome_name,
    split_trace,
)
from answerable.answering.feedback import (
    PER_PRINCIPAL_MAX,
    Feedback,
    Thumb,
    counting,
    says_the_same,
)
from answerable.answering.ports import Ledger, TraceLine
from answerable.domain.documents import Content, Document, Member, Removal, Revision
from answerable.domain.errors import Conflict, Locked
from answerable.domain.questions import Trace
from answerable.domain.releases import Deployment, Proposal, Release, Ruling
from answerable.library.bans import unnamed
from answerable.library.ports import State, VectorCache
from answerable.operations.ports import Job, JobState, Leases
from answerable.releases.ports import Register


class Pulse:
    """Counts changes; shared by adapters that would share a database."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.count = 0

    def beat(self) -> None:
        """Count one more change."""
        with self._lock:
            self.count += 1


class MemoryState:
    """Documents, contents and revisions in dicts; every revision is written out."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self._pulse = pulse or Pulse()
        self._lock = RLock()
        self._writer = Lock()
        self._is_brief = False
        self._contents: dict[str, Content] = {}
        self._documents: dict[str, Document] = {}
        self._revisions: dict[int, Revision] = {}
        self._placed: dict[int, dict[str, str]] = {}
        self._removed: dict[str, Removal] = {}
        self._retired: set[int] = set()

    def pulse(self) -> int:
        """Return how often something changed."""
        return self._pulse.count

    @contextmanager
    def writer(self, *, is_brief: bool = False) -> Iterator[None]:
        """Hold a lock of this process."""
        patience_s = BRIEF_S if self._is_brief else 0.0
        if not self._writer.acquire(timeout=patience_s):
            raise Locked(
                f"process {os.getpid()} is writing to the library already",
                hint="wait for it to finish, then run it again",
            )
        self._is_brief = is_brief
        try:
            yield
        finally:
            self._is_brief = False
            self._writer.release()

    def keep(self, contents: Sequence[Content]) -> None:
        """Store contents."""
        with self._change():
            for content in contents:
                self._contents.setdefault(content.id, content)

    def contents(self, content_ids: Collection[str]) -> Mapping[str, Content]:
        """Return those of these contents that are stored."""
        with self._lock:
            return {name: self._contents[name] for name in content_ids if name in self._contents}

    def members(self, number: int) -> Mapping[str, Member]:
        """Return the documents of a revision by document id."""
        with self._lock:
            if number not in self._placed:
                raise no_revision(number)
            return {name: self._member(number, name) for name in self._placed[number]}

    def member(self, number: int, document_id: str) -> Member | None:
        """Return one document of a revision; None also when there is no such revision."""
        with self._lock:
            if document_id not in self._placed.get(number, {}):
                return None
            return self._member(number, document_id)

    def sources(self) -> frozenset[str]:
        """Return the names of all sources."""
        with self._lock:
            return frozenset(document.source for document in self._documents.values())

    def bytes_hashes(self) -> frozenset[str]:
        """Return the SHA-256 of the bytes of every content that is stored."""
        with self._lock:
            return frozenset(content.bytes_hash for content in self._contents.values())

    def documents(self, document_ids: Collection[str]) -> Mapping[str, Document]:
        """Return those of these documents that are known, with today's labels."""
        with self._lock:
            return {one: self._documents[one] for one in document_ids if one in self._documents}

    def seal(self, revision: Revision, *, added: Sequence[Member], gone: Collection[str]) -> None:
        """Record a revision and its members.

        Raises:
            Conflict: The number is not above all others, or a content is not stored.
            NotFound: There is no such base.
        """
        with self._change():
            self._check(revision, [member.content_id for member in added])
            placed = {} if revision.base is None else dict(self._placed[revision.base])
            for document_id in gone:
                placed.pop(document_id, None)
            for member in added:
                placed[member.document.id] = member.content_id
                self._documents[member.document.id] = member.document
            self._placed[revision.number] = placed
            self._revisions[revision.number] = revision

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, newest first."""
        with self._lock:
            return tuple(reversed(self._revisions.values()))

    def retire(self, numbers: Collection[int], *, at_ms: int) -> None:
        """Forget revisions and contents that no other one holds."""
        del at_ms
        with self._change():
            for number in numbers:
                self._revisions.pop(number)
                self._placed.pop(number)
                self._retired.add(number)
            used = {content for placed in self._placed.values() for content in placed.values()}
            self._contents = {name: one for name, one in self._contents.items() if name in used}

    def compact(self) -> bool:
        """Return False: what was deleted takes no room."""
        return False

    def rebuilt(self, number: int, manifest: str) -> None:
        """Replace the manifest of a revision.

        Raises:
            NotFound: There is no such revision.
        """
        with self._change():
            if number not in self._revisions:
                raise no_revision(number)
            self._revisions[number] = replace(self._revisions[number], manifest=manifest)

    def remove(self, removal: Removal) -> None:
        """Store a removal; a later one of the same document replaces it."""
        with self._change():
            self._removed[removal.document_id] = removal

    def restore(self, document_id: str) -> None:
        """Delete a removal, if there is one."""
        with self._change():
            self._removed.pop(document_id, None)

    def removed(self) -> Mapping[str, Removal]:
        """Return all removals by document id."""
        with self._lock:
            return dict(self._removed)

    # For `MemoryPurges`

    def placed(self) -> Mapping[int, Mapping[str, str]]:
        """Return by revision which content each document has."""
        with self._lock:
            return {number: dict(placed) for number, placed in self._placed.items()}

    def known(self) -> Mapping[str, Document]:
        """Return all documents by id."""
        with self._lock:
            return dict(self._documents)

    def kept(self) -> Mapping[str, Content]:
        """Return all contents by id."""
        with self._lock:
            return dict(self._contents)

    def erase(self, document_ids: Collection[str], content_ids: Collection[str]) -> None:
        """Forget documents and contents; revisions count what is left."""
        with self._change():
            paths = [self._documents[one].path for one in document_ids if one in self._documents]
            for document_id in document_ids:
                self._documents.pop(document_id, None)
                self._removed.pop(document_id, None)
                for placed in self._placed.values():
                    placed.pop(document_id, None)
            for number, placed in self._placed.items():
                held = [self._contents[one] for one in placed.values()]
                self._revisions[number] = replace(
                    self._revisions[number],
                    documents=len(held),
                    chunks=sum(len(one.chunks) for one in held),
                    because=unnamed(self._revisions[number].because, paths),
                )
            for content_id in content_ids:
                self._contents.pop(content_id, None)

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock:
            yield
            self._pulse.beat()

    def _check(self, revision: Revision, content_ids: Iterable[str]) -> None:
        newest = max((*self._revisions, *self._retired), default=0)
        if revision.number <= newest:
            raise number_taken(revision.number, newest=newest)
        if revision.base is not None and revision.base not in self._revisions:
            raise no_revision(revision.base)
        missing = set(content_ids) - self._contents.keys()
        if missing:
            raise contents_missing(missing)

    def _member(self, number: int, document_id: str) -> Member:
        content = self._contents[self._placed[number][document_id]]
        return Member(
            document=self._documents[document_id],
            content_id=content.id,
            bytes_hash=content.bytes_hash,
            title=content.text.title,
            format=content.format,
            size=content.size,
            chunks=len(content.chunks),
        )


_state: Callable[..., State] = MemoryState


class MemoryRegister:
    """Releases and deployments in a dict and a list."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self._pulse = pulse or Pulse()
        self._lock = Lock()
        self._releases: dict[str, Release] = {}
        self._deployments: list[Deployment] = []
        self._proposals: dict[str, Proposal] = {}
        self._rulings: list[Ruling] = []

    def add(self, release: Release) -> None:
        """Store a release."""
        with self._lock:
            self._releases[release.id] = release
        self._pulse.beat()

    def release(self, release_id: str) -> Release | None:
        """Return a release."""
        return self._releases.get(release_id)

    def propose(self, release: Release, proposal: Proposal) -> Proposal:
        """Store a release and its proposal."""
        self.add(release)
        with self._lock:
            return self._proposals.setdefault(release.id, proposal)

    def proposals(self) -> Sequence[Proposal]:
        """Return all proposals, newest first."""
        with self._lock:
            kept = sorted(self._proposals.values(), key=lambda one: (-one.at_ms, one.release_id))
        return tuple(kept)

    def ids(self) -> Sequence[str]:
        """Return the ids of all releases."""
        with self._lock:
            return tuple(self._releases)

    def deploy(
        self,
        *,
        release_id: str,
        pinned: int | None,
        who: str,
        because: str,
        at_ms: int,
        chosen: bool = False,
        after: int | None = None,
    ) -> Deployment:
        """Append a deployment.

        Raises:
            NotFound: The release is not stored.
            Conflict: Somebody deployed meanwhile.
        """
        with self._lock:
            if release_id not in self._releases:
                raise no_release(release_id)
            if after is not None and after != len(self._deployments) - 1:
                raise deployed_meanwhile()
            deployment = Deployment(
                number=len(self._deployments),
                release_id=release_id,
                pinned=pinned,
                who=who,
                because=because,
                at_ms=at_ms,
                chosen=chosen,
            )
            self._deployments.append(deployment)
        self._pulse.beat()
        return deployment

    def deployments(self) -> Sequence[Deployment]:
        """Return all deployments, newest first."""
        with self._lock:
            return tuple(reversed(self._deployments))

    def current(self) -> Deployment | None:
        """Return the newest deployment."""
        with self._lock:
            return self._deployments[-1] if self._deployments else None

    def rule(
        self,
        *,
        candidate: str,
        against: str,
        questions: str,
        decision: str,
        because: str,
        who: str,
        at_ms: int,
    ) -> Ruling:
        """Append what a gate said.

        Raises:
            NotFound: The candidate is not stored.
        """
        with self._lock:
            if candidate not in self._releases:
                raise no_release(candidate)
            ruling = Ruling(
                number=len(self._rulings),
                candidate=candidate,
                against=against,
                questions=questions,
                decision=decision,
                because=because,
                who=who,
                at_ms=at_ms,
            )
            self._rulings.append(ruling)
        return ruling

    def rulings(self) -> Sequence[Ruling]:
        """Return what gates said, newest first."""
        with self._lock:
            return tuple(reversed(self._rulings))


_register: Callable[..., Register] = MemoryRegister


_FORGOTTEN_AT_ONCE = 1_000


class _Hold(NamedTuple):
    """Who has a named lease."""

    holder: str
    fence: int
    until_ms: int


class MemoryLeases:
    """Jobs and named leases in dicts.

    Args:
        now_ms: Milliseconds since the epoch; without it, this machine's time.
    """

    def __init__(self, *, now_ms: Callable[[], int] | None = None) -> None:
        self._now_ms = now_ms or _machine_ms
        self._lock = RLock()
        self._jobs: dict[str, Job] = {}
        self._enqueued = 0
        self._holds: dict[str, _Hold] = {}

    def enqueue(
        self, kind: str, key: str, payload: Mapping[str, str], *, attempts_max: int = 3
    ) -> Job:
        """Store a job; ids are ``job-1``, ``job-2`` and so on."""
        with self._lock:
            for job in self._jobs.values():
                if (job.kind, job.key) == (kind, key) and _is_unfinished(job):
                    return job
            now = self._now_ms()
            self._enqueued += 1
            return self._put(
                Job(
                    id=f"job-{self._enqueued}",
                    kind=kind,
                    key=key,
                    payload=dict(payload),
                    attempts_max=attempts_max,
                    created_ms=now,
                    updated_ms=now,
                )
            )

    def waiting(self, kind: str) -> bool:
        """Return whether a job of this kind could be claimed now, or has to be given up."""
        with self._lock:
            now = self._now_ms()
            return any(job.kind == kind and _may_be_taken(job, now) for job in self._jobs.values())

    def claim(self, kinds: Sequence[str], *, holder: str, lease_s: float) -> Job | None:
        """Take the oldest job that may be taken."""
        with self._lock:
            now = self._now_ms()
            for job in tuple(self._jobs.values()):
                if job.kind not in kinds or not _may_be_taken(job, now):
                    continue
                if job.state is JobState.RUNNING and job.attempts >= job.attempts_max:
                    self._let_go(job, state=JobState.FAILED, result=LEASE_RAN_OUT, now_ms=now)
            oldest = (
                job for job in self._jobs.values() if job.kind in kinds and _may_be_taken(job, now)
            )
            return self._take(next(oldest, None), holder=holder, lease_s=lease_s, now_ms=now)

    def heartbeat(self, job: Job, *, lease_s: float, progress: str = "") -> bool:
        """Extend the lease; an empty progress leaves what was said before."""
        with self._lock:
            now = self._now_ms()
            held = self._held(job, now)
            if held is None:
                return False
            self._put(
                replace(
                    held,
                    lease_until_ms=now + _ms(lease_s),
                    progress=progress or held.progress,
                    updated_ms=now,
                )
            )
            return True

    def finish(self, job: Job, *, result: str) -> bool:
        """Mark it done."""
        return self._settle(job, state=JobState.DONE, result=result)

    def fail(self, job: Job, *, error: str, retry: bool, delay_s: float = 0.0) -> bool:
        """Queue it again when another attempt is wanted and left, else mark it failed."""
        again = retry and job.attempts < job.attempts_max
        state = JobState.QUEUED if again else JobState.FAILED
        return self._settle(job, state=state, result=error, delay_s=delay_s)

    def postpone(self, job: Job, *, because: str, delay_s: float = 0.0) -> bool:
        """Queue it again with one attempt fewer."""
        return self._settle(
            replace(job, attempts=max(job.attempts - 1, 0)),
            state=JobState.QUEUED,
            result=because,
            delay_s=delay_s,
        )

    def hasten(self, job_id: str) -> Job | None:
        """Take away what it waits for."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and job.state is JobState.QUEUED:
                job = self._put(replace(job, not_before_ms=0))
            return job

    def cancel(self, job_id: str, *, because: str) -> bool:
        """Mark it failed, whoever holds it."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not _is_unfinished(job):
                return False
            now = self._now_ms()
            self._let_go(job, state=JobState.FAILED, result=because, now_ms=now)
            return True

    def expire(self, kind: str, *, holder: str | None = None) -> int:
        """Let the leases of a kind, or those of one holder, run out now."""
        with self._lock:
            now = self._now_ms()
            held = [
                job
                for job in self._jobs.values()
                if (job.kind, job.state) == (kind, JobState.RUNNING) and job.lease_until_ms > now
                if holder is None or job.holder == holder
            ]
            for job in held:
                self._put(replace(job, lease_until_ms=now))
        return len(held)

    def job(self, job_id: str) -> Job | None:
        """Return one job."""
        with self._lock:
            return self._jobs.get(job_id)

    def jobs(self, kind: str, states: Collection[JobState]) -> Sequence[Job]:
        """Return jobs in the order they were enqueued."""
        with self._lock:
            found = [job for job in self._jobs.values() if job.kind == kind and job.state in states]
        return tuple(found)

    def recent(self, *, limit: int) -> Sequence[Job]:
        """Return jobs, newest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))[:limit]

    def forget(self, older_than_ms: int) -> int:
        """Drop the first thousand old jobs."""
        with self._lock:
            old = [
                job.id
                for job in self._jobs.values()
                if not _is_unfinished(job) and job.updated_ms < older_than_ms
            ][:_FORGOTTEN_AT_ONCE]
            for job_id in old:
                del self._jobs[job_id]
        return len(old)

    def discard(self, job_ids: Collection[str]) -> None:
        """Drop jobs."""
        with self._lock:
            for job_id in job_ids:
                self._jobs.pop(job_id, None)

    def hold(self, name: str, *, holder: str, lease_s: float) -> int | None:
        """Take or extend a named lease."""
        with self._lock:
            now = self._now_ms()
            held = self._holds.get(name, _Hold(holder="", fence=0, until_ms=0))
            if held.holder not in {"", holder} and held.until_ms > now:
                return None
            fence = held.fence if held.holder == holder else held.fence + 1
            self._holds[name] = _Hold(holder=holder, fence=fence, until_ms=now + _ms(lease_s))
            return fence

    def release(self, name: str, *, holder: str) -> None:
        """Give a named lease back; its fence stays, to rise with the next holder."""
        with self._lock:
            held = self._holds.get(name)
            if held is not None and held.holder == holder:
                self._holds[name] = _Hold(holder="", fence=held.fence, until_ms=0)

    def _put(self, job: Job) -> Job:
        self._jobs[job.id] = job
        return job

    def _take(self, job: Job | None, *, holder: str, lease_s: float, now_ms: int) -> Job | None:
        if job is None:
            return None
        return self._put(
            replace(
                job,
                state=JobState.RUNNING,
                attempts=job.attempts + 1,
                fence=job.fence + 1,
                holder=holder,
                lease_until_ms=now_ms + _ms(lease_s),
                updated_ms=now_ms,
            )
        )

    def _held(self, job: Job, now_ms: int) -> Job | None:
        """Return the job as it is stored, if this lease of it is held."""
        stored = self._jobs.get(job.id)
        if stored is None or stored.state is not JobState.RUNNING:
            return None
        is_same = (stored.holder, stored.fence) == (job.holder, job.fence)
        return stored if is_same and stored.lease_until_ms > now_ms else None

    def _settle(self, job: Job, *, state: JobState, result: str, delay_s: float = 0.0) -> bool:
        with self._lock:
            now = self._now_ms()
            held = self._held(job, now)
            if held is None:
                return False
            waits_ms = now + _ms(delay_s) if delay_s else 0
            held = replace(held, attempts=job.attempts, not_before_ms=waits_ms)
            self._let_go(held, state=state, result=result, now_ms=now)
            return True

    def _let_go(self, job: Job, *, state: JobState, result: str, now_ms: int) -> None:
        self._put(
            replace(job, state=state, result=result, holder="", lease_until_ms=0, updated_ms=now_ms)
        )


_leases: Callable[..., Leases] = MemoryLeases


class MemoryLedger:
    """Traces in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._traces: dict[str, Trace] = {}
        self._forgotten: set[str] = set()
        self._unquoted: set[str] = set()
        self._feedback: list[Feedback] = []
        self._is_closed = False

    def append(self, trace: Trace) -> None:
        """Store a trace.

        Raises:
            Conflict: There is a trace of this id.
            NotReady: The ledger is closed.
        """
        with self._lock:
            if self._is_closed:
                raise ledger_closed()
            if trace.id in self._traces:
                raise Conflict(f"there is a trace {trace.id} already", hint="give it another id")
            self._traces[trace.id] = trace
            self._redact(trace.id)

    def recent(
        self,
        *,
        limit: int,
        before: str | None = None,
        principal: str | None = None,
        rated: Thumb | None = None,
    ) -> Sequence[TraceLine]:
        """Return the newest traces by id, newest first."""
        with self._lock:
            newest_first = sorted(self._traces.items(), reverse=True)
            counts = Counter((one.trace_id, one.thumb) for one in counting(self._feedback))
        wanted = [
            trace
            for trace_id, trace in newest_first
            if (before is None or trace_id < before)
            and (principal is None or trace.principal == principal)
            and (rated is None or counts[trace_id, rated])
        ]
        return tuple([_line(trace, counts) for trace in wanted[:limit]])

    def trace(self, trace_id: str) -> Trace | None:
        """Return one trace."""
        with self._lock:
            return self._traces.get(trace_id)

    def rate(self, feedback: Feedback) -> None:
        """Store what a caller thinks of an answer.

        Raises:
            NotFound, Conflict, NotReady: As the port says.
        """
        with self._lock:
            if self._is_closed:
                raise ledger_closed()
            if feedback.trace_id not in self._traces:
                raise no_trace()
            who = feedback.trace_id, feedback.principal
            own = [one for one in self._feedback if (one.trace_id, one.principal) == who]
            if own and says_the_same(own[-1], feedback):
                return
            if len(own) >= PER_PRINCIPAL_MAX:
                raise rated_too_often(len(own))
            self._feedback.append(feedback)

    def feedback(self, trace_id: str) -> Sequence[Feedback]:
        """Return all feedback on one trace in the order it was given."""
        with self._lock:
            return tuple([one for one in self._feedback if one.trace_id == trace_id])

    def forget_texts(self, older_than_ms: int) -> int:
        """Replace old traces by what is left without their texts."""
        with self._lock:
            self._feedback = [
                replace(one, comment="") if one.at_ms < older_than_ms else one
                for one in self._feedback
            ]
            old = [
                trace
                for trace in self._traces.values()
                if trace.at_ms < older_than_ms and trace.id not in self._forgotten
            ]
            for trace in old:
                bare = join_trace(split_trace(trace).structure, None)
                self._traces[trace.id] = replace(bare, is_redacted=trace.is_redacted)
                self._forgotten.add(trace.id)
        return len(old)

    def redact(
        self, document_ids: Collection[str], *, at_ms: int, heard: Callable[[int, int], None]
    ) -> int:
        """Replace traces that name any of these documents by what is left without texts."""
        del at_ms
        with self._lock:
            self._unquoted |= set(document_ids)
            redacted = sum([self._redact(trace_id) for trace_id in sorted(self._traces)])
            heard(len(self._traces), len(self._traces))
            return redacted

    def unredact(self, document_ids: Collection[str]) -> None:
        """Keep texts of traces that name these documents again."""
        with self._lock:
            self._unquoted -= set(document_ids)

    def _redact(self, trace_id: str) -> bool:
        """Take the texts of a trace that may not have any; return whether it had."""
        trace = self._traces[trace_id]
        followed = self._traces.get(trace.follows)
        follows_one = followed is not None and followed.is_redacted
        if documents_of(trace).isdisjoint(self._unquoted) and not follows_one:
            return False
        structure = nameless(split_trace(trace).structure, self._unquoted)
        self._traces[trace_id] = replace(join_trace(structure, None), is_redacted=True)
        self._feedback = [
            replace(one, comment="") if one.trace_id == trace_id else one for one in self._feedback
        ]
        return not trace.is_redacted

    def close(self) -> None:
        """Refuse further traces."""
        with self._lock:
            self._is_closed = True


_ledger: Callable[..., Ledger] = MemoryLedger


class MemoryVectorCache:
    """Packed vectors in a dict."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._packed: dict[tuple[str, str], bytes] = {}

    def get(self, embedder: str, keys: Collection[str]) -> Mapping[str, bytes]:
        """Return what is kept under those of these keys that are there."""
        with self._lock:
            return {
                key: self._packed[embedder, key] for key in keys if (embedder, key) in self._packed
            }

    def put(self, embedder: str, packed: Mapping[str, bytes]) -> None:
        """Keep vectors; a key that is there stays as it is."""
        with self._lock:
            for key, vectors in packed.items():
                self._packed.setdefault((embedder, key), vectors)

    def erase(self, keys: Collection[str]) -> None:
        """Forget what every embedder has under these keys."""
        doomed = set(keys)
        with self._lock:
            self._packed = {
                known: packed for known, packed in self._packed.items() if known[1] not in doomed
            }

    def retain(self, keys: Collection[str]) -> None:
        """Forget what every embedder has under other keys."""
        wanted = set(keys)
        with self._lock:
            self._packed = {
                known: packed for known, packed in self._packed.items() if known[1] in wanted
            }


_vector_cache: Callable[..., VectorCache] = MemoryVectorCache


def _line(trace: Trace, counts: Counter[tuple[str, Thumb]]) -> TraceLine:
    return TraceLine(
        id=trace.id,
        at_ms=trace.at_ms,
        principal=trace.principal,
        question=trace.question,
        outcome=outcome_name(trace),
        rung=trace.outcome.rung,
        release=trace.release,
        revision=trace.revision,
        took_ms=trace.took_ms,
        ups=counts[trace.id, Thumb.UP],
        downs=counts[trace.id, Thumb.DOWN],
        is_redacted=trace.is_redacted,
    )


def _is_unfinished(job: Job) -> bool:
    return job.state in {JobState.QUEUED, JobState.RUNNING}


def _may_be_taken(job: Job, now_ms: int) -> bool:
    has_run_out = job.state is JobState.RUNNING and job.lease_until_ms <= now_ms
    is_ready = job.state is JobState.QUEUED and job.not_before_ms <= now_ms
    return is_ready or has_run_out


def _machine_ms() -> int:
    return time_ns() // 1_000_000


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
