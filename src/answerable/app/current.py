"""What serves now, looked up again only when something stored has changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from answerable.app.tools import Tools
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt, NotReady
from answerable.domain.releases import Deployment, Release
from answerable.library.ports import Searcher
from answerable.library.search import Memory, Shelf
from answerable.releases import flow as releases


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """What serves, with its revision open for searching."""

    serving: releases.Serving
    shelf: Shelf


class Current:
    """The deployment, release and revision that answer now.

    Every look costs one read of the state's pulse, so a switch or a removal by any process
    counts from the next question on. What was found is kept under the pulse that was read
    before looking: a change in between is seen by the next look. Safe for many threads.
    """

    def __init__(self, tools: Tools, embedded: Release) -> None:
        self._tools = tools
        self._embedded = embedded
        self._is_settled = False
        self._memory = Memory()
        self._serving: tuple[int, releases.Serving] | None = None
        self._open: tuple[int, Open] | None = None

    def serving(self) -> releases.Serving:
        """Return which deployment, release and revision answer; opens no index."""
        pulse = self._tools.state.pulse()
        known = self._serving
        if known is not None and known[0] == pulse:
            return known[1]
        serving = self._look_up()
        self._serving = (pulse, serving)
        return serving

    def open(self) -> Open:
        """Return what answers, open for searching.

        Raises:
            NotReady: Nothing has been sealed.
            Corrupt: The index of the revision is missing or damaged.
        """
        pulse = self._tools.state.pulse()
        known = self._open
        if known is not None and known[0] == pulse:
            return known[1]
        serving = self.serving()
        if serving.revision is None:
            raise empty_library()
        found = Open(serving=serving, shelf=self._shelf(serving, serving.revision))
        self._open = (pulse, found)
        return found

    def past(self, release: Release, revision: Revision) -> Shelf:
        """Return another revision open for searching, as a release searches.

        Raises:
            Corrupt: Its index is missing or damaged.
        """
        return self.staged(release, revision).shelf

    def staged(self, release: Release, revision: Revision | None = None) -> Open:
        """Return a release that may answer, though another one serves.

        Args:
            release: Any that this software can read.
            revision: What it answers from; None for what this release would follow now.

        Raises:
            NotReady: Nothing has been sealed.
            Corrupt: The index is missing or damaged.
        """
        now = self.serving()
        wanted = releases.serving(
            now.deployment, release, self._tools.state.revisions(), software=self._embedded.software
        )
        chosen = revision or wanted.revision
        if chosen is None:
            raise empty_library()
        serving = replace(wanted, revision=chosen)
        return Open(serving=serving, shelf=self._shelf(serving, chosen))

    def _shelf(self, serving: releases.Serving, revision: Revision) -> Shelf:
        embedder = self._tools.embedders.asking(serving.release.retrieval.embedder)
        return Shelf(
            revision=revision,
            searcher=self._searcher(revision),
            hidden=frozenset(self._tools.state.removed()),
            state=self._tools.state,
            memory=self._memory,
            embedder=embedder,
            mend=mending(serving, line=self._embedded.line.id, is_set_up=embedder is not None),
            beside=self._tools.beside,
        )

    def _look_up(self) -> releases.Serving:
        tools = self._tools
        embedded = self._embedded
        deployment = self._deployment()
        revisions = tools.state.revisions()
        try:
            release = tools.register.release(deployment.release_id)
        except Corrupt:
            release = None
        pinned_at_ms = None
        if deployment.pinned is not None:
            pinned_at_ms = releases.pinned_since(tools.register.deployments())
        if release is not None:
            serving = releases.serving(deployment, release, revisions, software=embedded.software)
            return replace(serving, pinned_at_ms=pinned_at_ms)
        # Newer software deployed it and this one has come back: it answers as itself, and says so.
        serving = releases.serving(deployment, embedded, revisions, software=embedded.software)
        unread = f"release {deployment.release_id} cannot be read by software {embedded.software}"
        overrides = (*serving.overrides, unread)
        return replace(serving, overrides=overrides, pinned_at_ms=pinned_at_ms)

    def _deployment(self) -> Deployment:
        """Return what is deployed, having recorded what this process brings if that is new."""
        known = self._tools.register.current() if self._is_settled else None
        if known is None:
            register, clock = self._tools.register, self._tools.clock
            known = releases.settle(register, self._embedded, clock=clock)
            self._is_settled = True
        return known

    def _searcher(self, revision: Revision) -> Searcher:
        """Return the index of a revision; the one that is open already where it is the same."""
        if self._open is not None:
            shelf = self._open[1].shelf
            if shelf.revision.manifest == revision.manifest:
                return shelf.searcher
        try:
            return self._tools.index.open(revision.number, revision.manifest)
        except Corrupt:
            # A rebuild may have put another index in its place since we looked.
            for known in self._tools.state.revisions():
                if known.number == revision.number and known.manifest != revision.manifest:
                    return self._tools.index.open(known.number, known.manifest)
            raise


def mending(serving: releases.Serving, *, line: str, is_set_up: bool) -> str:
    """Return what gives the revision that serves the vectors it lacks.

    A sealed revision never gets any: its successor does, and a pin has to be taken away for that.

    Args:
        serving: What answers, a revision among it.
        line: How documents are read now; what was read otherwise has to be read again.
        is_set_up: Whether the release's embedder is there.
    """
    if not is_set_up:
        return "set up the release's embedder, see: answerable embedders list"
    is_of_line = serving.revision is not None and serving.revision.line == line
    how = "answerable embedders fill" if is_of_line else "answerable ingest PATH"
    if serving.deployment.pinned is None:
        return how
    return f"{how}; it is pinned, so then: answerable revisions switch latest"


def empty_library() -> NotReady:
    """Return the failure of a library that holds nothing yet."""
    return NotReady("the library is empty", hint="answerable ingest PATH")
