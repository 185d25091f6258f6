"""Revisions in memory, for `answerable try`: searched by tantivy, gone with the process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from secrets import token_hex

from answerable.adapters.index import fields
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.manifest import Manifest, hash_of
from answerable.adapters.index.searching import TantivySearcher
from answerable.adapters.index.writing import UnitWriter, finish, write
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt
from answerable.library.ports import Entry, Index


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A revision: what it was made of, to base another on it, and how it is searched."""

    entries: dict[str, Entry]
    searcher: TantivySearcher


class RamIndex:
    """Keeps revisions in memory and builds each from all its documents."""

    def __init__(self, *, analyser: TantivyAnalyser) -> None:
        self._analyser = analyser
        self._kept: dict[tuple[int, str], _Kept] = {}

    def build(
        self,
        number: int,
        *,
        base: Revision | None,
        gone: Collection[str],
        added: Iterable[Entry],
    ) -> str:
        """Build the index of a revision: the base without `gone` and with `added`."""
        entries = dict(self._get(base.number, base.manifest).entries) if base else {}
        for document_id in gone:
            entries.pop(document_id, None)
        entries.update((entry.document.id, entry) for entry in added)
        searcher = self._indexed(entries.values())
        manifest = hash_of(
            Manifest(
                number=number,
                nonce=token_hex(8),
                base=base.manifest if base else None,
                analyser=self._analyser.digest,
                chunks=searcher.chunks,
                documents=searcher.pages,
                files={},
            ).to_bytes()
        )
        self._kept[number, manifest] = _Kept(entries=entries, searcher=searcher)
        return manifest

    def open(self, number: int, manifest: str) -> TantivySearcher:
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

    def _indexed(self, entries: Iterable[Entry]) -> TantivySearcher:
        writers = {
            unit: UnitWriter(unit, fields.in_memory(self._analyser)) for unit in fields.UNITS
        }
        write(writers.values(), (), entries)
        return TantivySearcher(dict(zip(writers, finish(writers.values()), strict=True)))


_: Callable[..., Index] = RamIndex
