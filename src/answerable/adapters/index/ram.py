"""Revisions in memory, for `answerable try`: searched like those on disk, gone with the process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from secrets import token_hex

import tantivy

from answerable.adapters.index import fields, shelves
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.combined import CombinedSearcher
from answerable.adapters.index.manifest import Manifest, hash_of
from answerable.adapters.index.shelves import MemoryStore, Parts
from answerable.adapters.index.writing import UnitWriter, finish, write
from answerable.adapters.vectors.building import EXACT_MAX, GATHER_MAX, Limits
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt
from answerable.library.ports import Check, Entry, Index, Prepared, Unit, Vectored, unchecked


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A revision: what it was made of, to base another on it, and how it is searched."""

    entries: dict[str, Entry]
    words: Mapping[Unit, tantivy.Index]
    parts: Parts
    searcher: CombinedSearcher


class RamPrepared:
    """Vectors in memory."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @property
    def documents(self) -> frozenset[str]:
        """The ids of the documents whose vectors these are."""
        return shelves.documents(self.parts)

    def close(self) -> None:
        """Do nothing: they go with whoever holds them."""


_prepared: Callable[..., Prepared] = RamPrepared


class RamIndex:
    """Keeps revisions in memory; words that change are indexed anew, vectors stay.

    Args:
        analyser: Turns text into the terms that are indexed.
        exact_max: Up to so many vectors all are looked at; more are divided into cells.
    """

    def __init__(self, *, analyser: TantivyAnalyser, exact_max: int = EXACT_MAX) -> None:
        self._analyser = analyser
        self._limits = Limits(exact_max=exact_max, gather_max=min(exact_max, GATHER_MAX))
        self._kept: dict[tuple[int, str], _Kept] = {}

    def prepare(
        self,
        base: Revision | None,
        vectors: Mapping[str, Iterable[Vectored]],
        *,
        check: Check = unchecked,
    ) -> RamPrepared:
        """Make segments of vectors."""
        before = self._get(base.number, base.manifest).parts if base else {}
        return RamPrepared(
            shelves.prepared(before, vectors, lambda _: MemoryStore(), self._limits, check)
        )

    def is_settled(self, number: int, manifest: str) -> bool:
        """Return whether nothing of a revision's vectors has to be written anew."""
        return shelves.are_settled(self._get(number, manifest).parts, self._limits)

    def build(
        self,
        number: int,
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        prepared: Prepared | None = None,
        outdated: Collection[str] = (),
    ) -> str:
        """Build the index of a revision: the base without `gone` and with `added`."""
        assert prepared is None or isinstance(prepared, RamPrepared)  # noqa: S101 # our own
        before = self._get(base.number, base.manifest) if base else None
        entries = dict(before.entries) if before else {}
        for document_id in gone:
            entries.pop(document_id, None)
        fresh = {entry.document.id: entry for entry in added}
        entries.update(fresh)
        parts = shelves.joined(
            before.parts if before else {},
            prepared.parts if prepared else {},
            gone={*gone, *fresh},
            outdated={*gone, *outdated},
        )
        is_same = before is not None and not gone and not fresh
        words = before.words if before and is_same else self._words(entries.values())
        return self._keep(number, base, entries, words, parts)

    def purge(
        self,
        revision: Revision,
        documents: Collection[str],
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
        check: Check = unchecked,
    ) -> str:
        """Build the index of a sealed revision anew, without anything of `documents`."""
        entries = dict(self._get(base.number, base.manifest).entries) if base else {}
        for document_id in gone:
            entries.pop(document_id, None)
        entries.update((entry.document.id, entry) for entry in added)
        try:
            before = self._get(revision.number, revision.manifest).parts
        except Corrupt:
            before = {}
        store = MemoryStore()
        parts = shelves.purged(
            before, documents, done={}, store=lambda _: store, limits=self._limits, check=check
        )
        words = self._words(entries.values())
        return self._keep(revision.number, base, entries, words, parts, replaces=revision.manifest)

    def _keep(
        self,
        number: int,
        base: Revision | None,
        entries: dict[str, Entry],
        words: Mapping[Unit, tantivy.Index],
        parts: Parts,
        *,
        replaces: str | None = None,
    ) -> str:
        searcher = CombinedSearcher(words, shelves.searchers(parts, self._limits.gather_max))
        manifest = hash_of(
            Manifest(
                number=number,
                nonce=token_hex(8),
                base=base.manifest if base else None,
                analyser=self._analyser.digest,
                chunks=searcher.chunks,
                documents=searcher.pages,
                files={},
                vectors=shelves.sealed(parts),
                replaces=replaces,
            ).to_bytes()
        )
        self._kept[number, manifest] = _Kept(
            entries=entries, words=words, parts=parts, searcher=searcher
        )
        return manifest

    def open(self, number: int, manifest: str) -> CombinedSearcher:
        """Return the searcher of a revision."""
        return self._get(number, manifest).searcher

    def verify(self, number: int, manifest: str) -> tuple[str, ...]:
        """Return a sentence when there is no such revision; what is there is whole."""
        try:
            self._get(number, manifest)
        except Corrupt as error:
            return (error.message,)
        return ()

    def sweep(self, keep: Collection[tuple[int, str]]) -> int:
        """Forget every revision but those (number, manifest) named; return how many went."""
        dead = self._kept.keys() - set(keep)
        for known in dead:
            del self._kept[known]
        return len(dead)

    def _get(self, number: int, manifest: str) -> _Kept:
        try:
            return self._kept[number, manifest]
        except KeyError as error:
            raise Corrupt(
                f"the index of revision {number} is missing",
                hint="build it again: what is in memory ends with the process",
            ) from error

    def _words(self, entries: Iterable[Entry]) -> Mapping[Unit, tantivy.Index]:
        writers = {
            unit: UnitWriter(unit, fields.in_memory(self._analyser)) for unit in fields.UNITS
        }
        write(writers.values(), (), entries)
        return dict(zip(writers, finish(writers.values()), strict=True))


_: Callable[..., Index] = RamIndex
