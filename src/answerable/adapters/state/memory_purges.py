"""What was purged, beside a state in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from threading import RLock

from answerable.adapters.state.memory import MemoryState
from answerable.domain.documents import Purge, Removal, Tombstone
from answerable.library.ports import Purges, Standing


class MemoryPurges:
    """Purges in a dict.

    Args:
        state: What they are purged from.
    """

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._lock = RLock()
        self._purges: dict[int, Purge] = {}
        self._indexed: dict[int, set[int]] = {}

    def standings(self) -> tuple[Standing, ...]:
        """Return which documents ever had which contents, each pair once."""
        contents = self._state.kept()
        pairs = {pair for placed in self._state.placed().values() for pair in placed.items()}
        return tuple(
            Standing(document_id, content_id, contents[content_id].bytes_hash)
            for document_id, content_id in pairs
        )

    def named(self, name: str) -> frozenset[str]:
        """Return the ids of all documents that ever had this id or path."""
        known = self._state.known().values()
        return frozenset(one.id for one in known if name in {one.id, one.path})

    def holding(self, document_ids: Collection[str]) -> frozenset[int]:
        """Return the numbers of the revisions that hold any of these documents."""
        wanted = set(document_ids)
        placed = self._state.placed().items()
        return frozenset(number for number, documents in placed if documents.keys() & wanted)

    def begin(
        self,
        documents: Collection[Tombstone],
        contents: Collection[str],
        *,
        who: str,
        because: str,
        at_ms: int,
    ) -> Purge:
        """Record a purge and remove its documents."""
        with self._lock:
            number = len(self._purges) + 1
            self._indexed[number] = set()
            self._purges[number] = Purge(
                number=number,
                who=who,
                because=because,
                at_ms=at_ms,
                documents=(),
                contents=frozenset(),
            )
            return self.widen(number, documents, contents)

    def widen(
        self, number: int, documents: Collection[Tombstone], contents: Collection[str]
    ) -> Purge:
        """Add documents and contents to a purge; those it has stay."""
        with self._lock:
            purge = self._purges[number]
            known = {one.document_id for one in purge.documents}
            new = [one for one in documents if one.document_id not in known]
            both = sorted((*purge.documents, *new), key=lambda one: one.document_id)
            purge = self._purges[number] = replace(
                purge, documents=tuple(both), contents=purge.contents | frozenset(contents)
            )
            removed = self._state.removed()
            for one in new:
                if one.document_id not in removed:
                    self._state.remove(_removal(one, purge))
            return purge

    def all(self) -> tuple[Purge, ...]:
        """Return all purges, newest first."""
        with self._lock:
            return tuple(reversed(self._purges.values()))

    def pending(self) -> tuple[Purge, ...]:
        """Return the purges that are not done, oldest first."""
        return tuple(one for one in reversed(self.all()) if one.done_at_ms is None)

    def newest(self) -> int:
        """Return the number of the newest purge, 0 when there is none."""
        with self._lock:
            return max(self._purges, default=0)

    def rebuilt(self, number: int, revision: int, manifest: str) -> None:
        """Record that a purge gave the index of a revision this manifest.

        Raises:
            NotFound: There is no such revision.
        """
        with self._lock:
            self._state.rebuilt(revision, manifest)
            self._indexed[number].add(revision)

    def indexed(self, number: int) -> frozenset[int]:
        """Return the revisions whose index a purge has built anew."""
        with self._lock:
            return frozenset(self._indexed[number])

    def doomed(self, number: int) -> frozenset[str]:
        """Return the ids of the contents that go: those of its bytes, and those of no document."""
        with self._lock:
            bytes_ = self._purges[number].contents
        stand = {one for placed in self._state.placed().values() for one in placed.values()}
        return frozenset(
            name
            for name, content in self._state.kept().items()
            if content.bytes_hash in bytes_ or name not in stand
        )

    def erase(self, number: int) -> None:
        """Forget documents and contents of a purge."""
        with self._lock:
            documents = {one.document_id for one in self._purges[number].documents}
        self._state.erase(documents, ())
        self._state.erase((), self.doomed(number))

    def finish(self, number: int, *, at_ms: int) -> None:
        """Record that a purge is done."""
        with self._lock:
            self._purges[number] = replace(self._purges[number], done_at_ms=at_ms)

    def lift(self, document_ids: Collection[str], *, at_ms: int) -> None:
        """Let files at the places of these documents be taken in again."""
        with self._lock:
            for number, purge in self._purges.items():
                self._purges[number] = replace(
                    purge,
                    documents=tuple(
                        replace(one, lifted_at_ms=at_ms)
                        if one.document_id in document_ids and one.lifted_at_ms is None
                        else one
                        for one in purge.documents
                    ),
                )


_: Callable[..., Purges] = MemoryPurges


def _removal(grave: Tombstone, purge: Purge) -> Removal:
    return Removal(
        document_id=grave.document_id, who=purge.who, because=purge.because, at_ms=purge.at_ms
    )
