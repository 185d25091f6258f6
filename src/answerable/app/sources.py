"""What doors do with sources: register, read, hold, let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from answerable.app import registered
from answerable.app.source_kinds import described, forget_fetched
from answerable.app.syncing import Ingest, Syncing
from answerable.app.tools import Tools
from answerable.domain.errors import Conflict, Locked, NotFound, NotReady
from answerable.library.flow import any_loss
from answerable.library.report import Progress, Report, Silent
from answerable.operations.ports import Job, JobState
from answerable.operations.sources import SYNC_JOB, RegisteredSource, SourceKind
from answerable.settings import Settings

if TYPE_CHECKING:
    from answerable.adapters.sources.watching import FolderWatch

_ENDED = (JobState.DONE, JobState.FAILED)
_LOOK_S = 0.1


class Sources:
    """The sources of a library. Safe for many threads.

    Args:
        settings: What may be reached, and limits.
        tools: Registry, leases, clock, writer lock.
        syncing: Reads them.
        ingest: For what shall vanish.
        submit: For what was sent.
    """

    def __init__(
        self,
        settings: Settings,
        tools: Tools,
        syncing: Syncing,
        ingest: Ingest,
        submit: Callable[..., Job],
    ) -> None:
        self._settings = settings
        self._submit = submit
        self._tools = tools
        self._syncing = syncing
        self._ingest = ingest
        self._watch: FolderWatch | None = None

    def add(self, name: str, place: str, *, who: str, **how: Any) -> RegisteredSource:
        """Register a source; it is read when it is due, or asked for.

        Args:
            name: What it shall be called.
            place: Where it is.
            who: Who says so.
            how: As `source_kinds.described` takes it.

        Raises:
            BadInput, PathMissing, NotReady: It cannot be read like this.
            Conflict: Its name or its place is taken.
        """
        spec = described(self._settings, name, place, **how)
        return self._tools.sources.add(spec, who=who, at_ms=self._tools.clock.now_ms())

    def all(self) -> tuple[RegisteredSource, ...]:
        """Return all sources by name."""
        return self._tools.sources.sources()

    def source(self, name: str) -> RegisteredSource:
        """Return one source.

        Raises:
            NotFound: There is none.
        """
        return self._syncing.source(name)

    def unfinished(self) -> Sequence[Job]:
        """Return the readings that wait or are under way, oldest first."""
        return self._tools.leases.jobs(SYNC_JOB, {JobState.QUEUED, JobState.RUNNING})

    def sync(self, name: str, *, because: str) -> Job:
        """Queue a reading and return its job, or the one that is queued or running already.

        Raises:
            NotFound: There is no such source.
            Conflict: It is paused.
        """
        return self._syncing.request(name, because=because)

    def sync_of(self, source: str, *, because: str) -> Job:
        """Queue a reading of the source of this `library.ports.Source` name.

        Raises:
            NotFound: None is registered by it.
            Conflict: It is paused, or sent to.
        """
        spec = registered.spec_of(source, self.all())
        if spec is None:
            raise NotFound(f"{source} is no registered source", hint="answerable sources list")
        return self.sync(spec.name, because=because)

    def push(self, name: str, path: str, data: bytes | None) -> Job:
        """Store a file that was sent to a source, and queue it; or that it shall vanish.

        Args:
            name: Of a source that is sent to.
            path: Where the file stands below it; its suffix chooses the parser.
            data: Its bytes; None for one that shall vanish.

        Raises:
            NotFound: There is no such source.
            Conflict: It is paused, or it is read and not sent to.
            BadInput: The path is not a safe relative path, or the file is too large.
        """
        known = self.source(name)
        if known.spec.kind is not SourceKind.PUSH:
            raise Conflict(
                f"the source {name} is read from its {known.spec.kind.value}, not sent to",
                hint=f"answerable sources sync {name}, or: answerable sources add NAME push",
            )
        if known.health.paused:
            raise Conflict(f"the source {name} is paused", hint=f"answerable sources resume {name}")
        return self._submit(path, data, source=known.spec.source)

    def approve(self, name: str, *, who: str) -> Job:
        """Let a source lose the documents that are kept, with a reading now.

        Raises:
            NotFound: There is no such source.
            Conflict: It is paused, or nothing of it is held.
        """
        known = self.source(name)
        if not known.health.withheld:
            raise Conflict(
                f"nothing of the source {name} is held", hint=f"answerable sources show {name}"
            )
        return self._syncing.request(name, because=f"{who} approved the loss", may_lose=True)

    def pause(self, name: str) -> RegisteredSource:
        """Stop reading a source; its documents stay.

        Raises:
            NotFound: There is none.
        """
        return self._syncing.change(name, lambda now: replace(now, paused=True))

    def resume(self, name: str) -> RegisteredSource:
        """Read a source again.

        Raises:
            NotFound: There is none.
        """
        return self._syncing.change(name, lambda now: replace(now, paused=False))

    def remove(self, name: str, *, keep_documents: bool, who: str) -> Report | None:
        """Forget a source; its documents vanish with a new revision, or stay.

        Switching back to an earlier revision brings them back.

        Raises:
            NotFound: There is none.
            Locked: Somebody is writing to the library; nothing has changed.
        """
        from answerable.adapters.sources.nothing import Nothing

        spec = self.source(name).spec
        with self._tools.state.writer():
            # Who is just fetching it finds it gone when the lock is theirs.
            report = None
            if not keep_documents:
                gone = Nothing(spec.source)
                why = f"source {name} removed by {who}"
                report = self._ingest(gone, Silent(), why, any_loss)
            self._tools.sources.drop(name)
        with suppress(Locked):  # who is reading it gives up, and leaves a cache that is found anew
            forget_fetched(self._settings.data, spec.source)
        return report

    def done(
        self,
        job: Job,
        *,
        progress: Progress | None = None,
        heard: Callable[[str], None] = lambda _: None,
    ) -> Job:
        """Return a job when it has ended, or has failed and is tried again later.

        It is done by this process, or by whoever has it.

        Args:
            job: Of `sync` or `approve`.
            progress: Hears how it goes on here.
            heard: Hears how it goes on elsewhere, in words.

        Raises:
            NotReady: It was forgotten meanwhile.
        """
        while True:
            now = self._tools.leases.job(job.id)
            if now is None:
                raise NotReady(f"{job.id} is not known any more", hint="answerable jobs list")
            if now.state in _ENDED or _has_failed(now, since=job):
                return now
            if not self._syncing.work_once(progress, is_asked=True):
                heard(now.progress or now.result or now.state.value)
                Event().wait(_LOOK_S)

    def work_once(self) -> bool:
        """Queue what is due and do one job; return whether there was one."""
        return self._syncing.work_once()

    def watch_once(self, stop: Event) -> bool:
        """Wait a second at most for a change in a watched folder; return whether there was one.

        What changed is queued to be read.
        """
        if self._watch is None:
            from answerable.adapters.sources.watching import FolderWatch

            self._watch = FolderWatch()
        watched = {
            Path(one.spec.place): one.spec.name
            for one in self.all()
            if one.spec.watch and not one.health.paused
        }
        changed = self._watch.changed(list(watched), stop)
        for folder, paths in changed.items():
            with suppress(NotFound, Conflict):  # removed or paused just now
                self._syncing.changed(watched[folder], paths)
        return bool(changed)

    def stop(self) -> None:
        """Have what is being done stop at its next step, given back; nothing new is begun."""
        self._syncing.stop()

    def close(self) -> None:
        """Stop at the next step of what is being done."""
        self._syncing.close()


def _has_failed(now: Job, *, since: Job) -> bool:
    """Return whether an attempt has failed since, and another follows later.

    Waiting until somebody else has written is none.
    """
    was_tried = now.fence > since.fence or since.state is JobState.RUNNING
    is_put_off = now.result.startswith(f"{Locked.code}: ")
    return now.state is JobState.QUEUED and was_tried and not is_put_off
