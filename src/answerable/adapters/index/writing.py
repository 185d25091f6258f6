"""Changing one tantivy index: take out, put in, commit; then which files it consists of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import tantivy

from answerable.adapters.index import fields
from answerable.library.ports import Entry, Unit

REWRITTEN = frozenset({"meta.json", ".managed.json"})
"""The files tantivy puts in place anew at each commit; all others are written once."""

# One thread and a large heap: 100,000 chunks of 760 characters become one or two segments, and
# searching takes longer with each segment. The two units have a thread each.
_HEAP_BYTES = 96_000_000
_THREADS = 1


class WriteFailedError(Exception):
    """A writing thread of tantivy died; it does not say of what."""


class UnitWriter:
    """Writes the chunks or the pages of a revision.

    Args:
        unit: Which of the two.
        index: As the base left it, or empty.
    """

    def __init__(self, unit: Unit, index: tantivy.Index) -> None:
        self._unit = unit
        self._index = index
        self._began_empty = index.searcher().num_docs == 0
        self._written: set[str] = set()
        with writes():
            self._writer = index.writer(_HEAP_BYTES, _THREADS)

    def take_out(self, document_ids: Collection[str]) -> None:
        """Take out documents; one that is not there is fine."""
        with writes():
            for document_id in document_ids:
                self._writer.delete_documents_by_term(fields.DOCUMENT, document_id)

    def put_in(self, entry: Entry, bodies: Sequence[fields.Body]) -> None:
        """Put in a document, in place of the one of the same id."""
        documents = list(fields.documents(entry, self._unit, bodies))
        document_id = entry.document.id
        if not self._began_empty or document_id in self._written:
            self.take_out((document_id,))
        self._written.add(document_id)
        with writes():
            for document in documents:
                self._writer.add_document(document)

    def finish(self) -> tantivy.Index:
        """Commit, wait for merges, and return the index as it is then; ends the writer."""
        with writes():
            self._writer.commit()
            self._writer.garbage_collect_files()
            self._writer.wait_merging_threads()
            self._index.reload()
        return self._index

    def abandon(self) -> None:
        """End the writer and its threads without what it was given."""
        # A writer that has died or was finished says so here, and is ended all the same.
        with suppress(ValueError, RuntimeError):
            self._writer.rollback()
            self._writer.wait_merging_threads()


@contextmanager
def writes() -> Iterator[None]:
    """Turn what tantivy raises while writing into `WriteFailedError`."""
    try:
        yield
    except ValueError as error:
        raise WriteFailedError from error


def write(writers: Collection[UnitWriter], gone: Collection[str], added: Iterable[Entry]) -> None:
    """Take out what is gone, then put in what was added."""
    for writer in writers:
        writer.take_out(gone)
    for entry in added:
        bodies = fields.bodies(entry.content)
        for writer in writers:
            writer.put_in(entry, bodies)


def finish(writers: Collection[UnitWriter]) -> list[tantivy.Index]:
    """Finish all writers, side by side, and return their indexes in order."""
    with ThreadPoolExecutor(len(writers)) as threads:
        return list(threads.map(UnitWriter.finish, writers))


def live_files(folder: Path) -> list[str]:
    """Return the names of the files an index consists of, sorted; its writer has ended.

    They come from its own list of segments: the folder may also hold locks and what a merge
    left behind.
    """
    names = [path.name for path in folder.iterdir()]
    live = set(REWRITTEN)
    for segment in json.loads((folder / "meta.json").read_bytes())["segments"]:
        stem = segment["segment_id"].replace("-", "")
        live |= {name for name in names if name.startswith(stem) and not name.endswith(".del")}
        if segment["deletes"]:
            live.add(f"{stem}.{segment['deletes']['opstamp']}.del")
    return sorted(live)
