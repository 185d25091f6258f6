"""Sealed revisions in folders of hard-linked files.

    root/revisions/000007-1f0c9a6e2b4d/   one sealed revision: number and manifest hash
        manifest.json                     every file with its size and SHA-256
        chunk/  page/                     a tantivy index each
        vectors/1f0c9a6e2b4d/             segments of vectors, for each embedder
    root/build/                           scratch; whatever is found here is dead
    root/prepared/8c1d52f00b7a9e34/       vectors for a revision to come, locked by their maker

A build links the files of its base into the scratch folder, lets tantivy delete and add there,
writes the manifest, waits for the disk and renames the folder into place. No sealed file is
ever opened for writing: tantivy replaces its two lists by renaming and writes all else anew, and
segments of vectors are written once. That takes long, so it is done before, in a folder of its
own and without a lock; a build only links them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import mkdtemp

import tantivy

from answerable.adapters.index import claims, fields, shelves
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.combined import CombinedSearcher
from answerable.adapters.index.disk import Disk, diagnose, failure
from answerable.adapters.index.manifest import Manifest, Sealed, from_bytes, hash_of
from answerable.adapters.index.shelves import FileStore, Parts
from answerable.adapters.index.writing import (
    REWRITTEN,
    UnitWriter,
    WriteFailedError,
    finish,
    live_files,
    write,
    writes,
)
from answerable.adapters.vectors.building import EXACT_MAX, GATHER_MAX, Limits
from answerable.domain.documents import Revision
from answerable.domain.errors import Corrupt, StorageFailure
from answerable.library.ports import Check, Entry, Index, Prepared, Unit, Vectored, unchecked

_MANIFEST = "manifest.json"
_HASH_IN_NAME = 12


class LocalPrepared:
    """Vectors in a folder of their own.

    Args:
        claim: The folder.
        parts: What stands in it.
        files: By path below the folder; synced.
    """

    def __init__(self, claim: claims.Claim, parts: Parts, files: Mapping[str, Sealed]) -> None:
        self._claim = claim
        self.folder = claim.folder
        self.parts = parts
        self.files = files

    @property
    def documents(self) -> frozenset[str]:
        """The ids of the documents whose vectors these are."""
        return shelves.documents(self.parts)

    def close(self) -> None:
        """Remove the folder; what a revision has linked stays there."""
        with suppress(OSError):  # whoever prepares next removes it
            self._claim.close()


_prepared: Callable[..., Prepared] = LocalPrepared


class LocalIndex:
    """Keeps revisions below one folder, on one file system.

    `build` and `sweep` expect that the caller holds the write lock of the library.

    Args:
        root: The folder; made when it is not there.
        analyser: Turns text into the terms that are indexed.
        disk: What changes the disk; a test puts one that fails here.
        exact_max: Up to so many vectors all are looked at; more are divided into cells.
    """

    def __init__(
        self,
        root: Path,
        *,
        analyser: TantivyAnalyser,
        disk: Disk | None = None,
        exact_max: int = EXACT_MAX,
    ) -> None:
        self._limits = Limits(exact_max=exact_max, gather_max=min(exact_max, GATHER_MAX))
        self._revisions = root / "revisions"
        self._scratch = root / "build"
        self._beside = root / "prepared"
        self._analyser = analyser
        self._disk = disk or Disk()

    def prepare(
        self,
        base: Revision | None,
        vectors: Mapping[str, Iterable[Vectored]],
        *,
        check: Check = unchecked,
    ) -> LocalPrepared:
        """Write vectors into a folder of their own, synced and with their checksums."""
        claim = None
        try:
            claims.sweep(self._beside, self._disk)
            claim = claims.Claim(self._beside, self._disk)
            parts = self._prepared(base, vectors, claim.folder, check)
            files = {path: _sealed(claim.folder / path) for path in shelves.segments(parts)}
            for path in files:
                check()
                self._disk.sync(claim.folder / path)
            return LocalPrepared(claim, parts, files)
        except BaseException as error:
            if claim is not None:
                with suppress(OSError):  # why this one failed is what matters now
                    claim.close()
            if isinstance(error, OSError):
                raise failure(error, self._beside.parent) from error
            raise

    def is_settled(self, number: int, manifest: str) -> bool:
        """Return whether nothing of a revision's vectors has to be written anew."""
        sealed = self._manifest(number, manifest)
        return shelves.are_settled(
            _parts(number, self._folder(number, manifest), sealed), self._limits
        )

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
        assert prepared is None or isinstance(prepared, LocalPrepared)  # noqa: S101 # our own
        with self._building():
            inherited = self._inherit(base)
            stale = set(gone)
            counts = self._change(base, gone, _noted(added, stale))
            parts, shared = self._join(base, stale, prepared, {*gone, *outdated})
            return self._seal(number, base, counts, parts, {**inherited, **shared})

    @contextmanager
    def _building(self) -> Iterator[None]:
        """Begin with an empty scratch folder, leave none, and say what failures mean."""
        try:
            self._disk.remove(self._scratch)
            yield
        except OSError as error:
            raise failure(error, self._scratch.parent) from error
        except WriteFailedError as error:
            raise diagnose(self._scratch) from error
        finally:
            self._discard()

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
        """Build the index of a sealed revision anew, so that none of its files holds `documents`.

        Words come from a purged base or from nothing, so no term of them is left in a segment;
        segments of vectors that hold any are written anew, others are linked.
        """
        with self._building():
            inherited = self._inherit(base)
            counts = self._change(base, gone, iter(added))
            parts, shared = self._without(revision, documents, base, check)
            return self._seal(
                revision.number,
                base,
                counts,
                parts,
                {**inherited, **shared},
                replaces=revision.manifest,
            )

    def open(self, number: int, manifest: str) -> CombinedSearcher:
        """Open a sealed revision; sizes are checked, bytes only by `verify`."""
        sealed = self._manifest(number, manifest)
        folder = self._folder(number, manifest)
        wrong = next(_wrong_sizes(folder, sealed.files), None)
        if wrong:
            raise _corrupt(number, wrong)
        return self._opened(number, folder, sealed)

    def verify(self, number: int, manifest: str) -> tuple[str, ...]:
        """Return what differs from the manifest, a sentence each; reads every byte."""
        folder = self._folder(number, manifest)
        try:
            sealed = self._manifest(number, manifest)
            wrong = (*_wrong_sizes(folder, sealed.files), *_wrong_bytes(folder, sealed.files))
            return wrong or tuple(_wrong_counts(self._opened(number, folder, sealed), sealed))
        except StorageFailure as error:
            return (error.message,)

    def sweep(self, keep: Collection[tuple[int, str]]) -> int:
        """Delete every index but those (number, manifest) named; return how many went."""
        kept = {self._folder(number, manifest) for number, manifest in keep}
        try:
            self._disk.remove(self._scratch)
            claims.sweep(self._beside, self._disk)
            found = sorted(self._revisions.iterdir()) if self._revisions.is_dir() else []
            dead = [folder for folder in found if folder not in kept]
            for folder in dead:
                self._disk.remove(folder)
        except OSError as error:
            raise failure(error, self._revisions) from error
        return len(dead)

    def _folder(self, number: int, manifest: str) -> Path:
        return self._revisions / f"{number:06d}-{manifest[:_HASH_IN_NAME]}"

    def _inherit(self, base: Revision | None) -> Mapping[str, Sealed]:
        """Put the base's words into the scratch folder; return the files that stay as they are.

        Their checksums are taken over, not computed again: a byte that has since gone bad must
        not be sealed as good.
        """
        for unit in fields.UNITS:
            self._disk.make(self._scratch / unit)
        if base is None:
            return {}
        sealed = self._manifest(base.number, base.manifest)
        folder = self._folder(base.number, base.manifest)
        wrong = next(_wrong_sizes(folder, sealed.files), None)
        if sealed.analyser != self._analyser.digest:
            wrong = "it was made with another analyser"
        if wrong:
            raise _corrupt(base.number, wrong)
        words = {path: file for path, file in sealed.files.items() if not _is_vectors(path)}
        for path in words:
            put = self._disk.copy if _is_rewritten(path) else self._disk.link
            put(folder / path, self._scratch / path)
        return {path: file for path, file in words.items() if not _is_rewritten(path)}

    def _change(
        self, base: Revision | None, gone: Collection[str], added: Iterator[Entry]
    ) -> tuple[int, int]:
        """Change the scratch folder's words; return how many chunks and pages there are."""
        first = next(added, None)
        if base is not None and first is None and not gone:
            sealed = self._manifest(base.number, base.manifest)
            return sealed.chunks, sealed.documents
        return self._write(gone, added if first is None else chain((first,), added))

    def _write(self, gone: Collection[str], added: Iterable[Entry]) -> tuple[int, int]:
        """Change the scratch folder's indexes; return how many chunks and pages there are."""
        writers: list[UnitWriter] = []
        try:
            for unit in fields.UNITS:
                with writes():
                    index = fields.in_folder(str(self._scratch / unit), self._analyser)
                writers.append(UnitWriter(unit, index))
            write(writers, gone, added)
            chunks, pages = (index.searcher().num_docs for index in finish(writers))
        except BaseException:
            # Their threads would go on writing into the folder that is about to be removed.
            for writer in writers:
                writer.abandon()
            raise
        return chunks, pages

    def _prepared(
        self,
        base: Revision | None,
        vectors: Mapping[str, Iterable[Vectored]],
        folder: Path,
        check: Check,
    ) -> Parts:
        """Write new segments into a folder."""
        files, sealed, before = self._vectors_of(base)

        def whole(path: str) -> None:
            wrong = next(_wrong_bytes(sealed, {path: files[path]}), None)
            if base and wrong:
                raise _corrupt(base.number, wrong)

        def store(embedder: str) -> FileStore:
            return FileStore(folder, embedder, disk=self._disk, check=whole)

        return shelves.prepared(before, vectors, store, self._limits, check)

    def _join(
        self,
        base: Revision | None,
        gone: Collection[str],
        prepared: LocalPrepared | None,
        outdated: Collection[str],
    ) -> tuple[Parts, Mapping[str, Sealed]]:
        """Link prepared segments and those of the base that stay into the scratch folder.

        Return all parts, and the files that are linked.
        """
        files, folder, before = self._vectors_of(base)
        where = dict.fromkeys(files, folder)
        if prepared is not None:
            files = {**files, **prepared.files}
            where.update(dict.fromkeys(prepared.files, prepared.folder))
        fresh = prepared.parts if prepared else {}
        parts = shelves.joined(before, fresh, gone=gone, outdated=outdated)
        shared = {path: files[path] for path in shelves.segments(parts)}
        for path in shared:
            self._disk.make((self._scratch / path).parent)
            self._disk.link(where[path] / path, self._scratch / path)
        for path, flags in shelves.living(parts).items():
            self._disk.write(self._scratch / path, flags)
        return parts, shared

    def _without(
        self,
        revision: Revision,
        documents: Collection[str],
        base: Revision | None,
        check: Check,
    ) -> tuple[Parts, Mapping[str, Sealed]]:
        """Put what a revision has of vectors into the scratch folder, but nothing of documents.

        Return all parts, and the files that are linked: from the revision or from the base, whose
        segments were written anew already.
        """
        try:
            files, folder, before = self._vectors_of(revision)
        except StorageFailure:  # what is damaged is built anew by words, and its vectors follow
            return {}, {}
        done_files, done_folder, done = self._vectors_of(base)

        def whole(path: str) -> None:
            if wrong := next(_wrong_bytes(folder, {path: files[path]}), None):
                raise _corrupt(revision.number, wrong)

        def store(embedder: str) -> FileStore:
            return FileStore(self._scratch, embedder, disk=self._disk, check=whole)

        try:
            parts = shelves.purged(
                before, documents, done=done, store=store, limits=self._limits, check=check
            )
        except Corrupt:
            self._disk.remove(self._scratch / shelves.ROOT)
            return {}, {}
        shared = {}
        for path in shelves.segments(parts):
            known, where = (files, folder) if path in files else (done_files, done_folder)
            if path in known:
                self._disk.make((self._scratch / path).parent)
                self._disk.link(where / path, self._scratch / path)
                shared[path] = known[path]
        for path, flags in shelves.living(parts).items():
            self._disk.write(self._scratch / path, flags)
        return parts, shared

    def _vectors_of(self, base: Revision | None) -> tuple[Mapping[str, Sealed], Path, Parts]:
        """Return the files, the folder and the parts of a base."""
        if base is None:
            return {}, self._scratch, {}
        sealed = self._manifest(base.number, base.manifest)
        folder = self._folder(base.number, base.manifest)
        return sealed.files, folder, _parts(base.number, folder, sealed)

    def _opened(self, number: int, folder: Path, sealed: Manifest) -> CombinedSearcher:
        parts = _parts(number, folder, sealed)
        return CombinedSearcher(
            _words(folder, number), shelves.searchers(parts, self._limits.gather_max)
        )

    def _seal(
        self,
        number: int,
        base: Revision | None,
        counts: tuple[int, int],
        parts: Parts,
        inherited: Mapping[str, Sealed],
        *,
        replaces: str | None = None,
    ) -> str:
        """Write the manifest, wait for the disk and rename the scratch folder into place."""
        words = (
            f"{unit}/{name}" for unit in fields.UNITS for name in live_files(self._scratch / unit)
        )
        paths = [*words, *shelves.segments(parts), *shelves.living(parts)]
        fresh = {path: _sealed(self._scratch / path) for path in paths if path not in inherited}
        data = Manifest(
            number=number,
            nonce=token_hex(8),
            base=base.manifest if base else None,
            analyser=self._analyser.digest,
            chunks=counts[0],
            documents=counts[1],
            files={path: fresh.get(path) or inherited[path] for path in paths},
            vectors=shelves.sealed(parts),
            replaces=replaces,
        ).to_bytes()
        self._disk.write(self._scratch / _MANIFEST, data)
        for path in (*fresh, _MANIFEST, *fields.UNITS, *shelves.folders(parts), "."):
            self._disk.sync(self._scratch / path)
        self._disk.make(self._revisions)
        self._disk.sync(self._revisions.parent)
        manifest = hash_of(data)
        self._disk.rename(self._scratch, self._folder(number, manifest))
        self._disk.sync(self._revisions)
        return manifest

    def _discard(self) -> None:
        """Remove a build that did not come to its end, to give back its room."""
        try:
            self._disk.remove(self._scratch)
        except OSError:
            return  # The next build removes it; why this one failed is what matters now.

    def _manifest(self, number: int, manifest: str) -> Manifest:
        """Return the manifest of a sealed revision, or raise `Corrupt`."""
        try:
            data = (self._folder(number, manifest) / _MANIFEST).read_bytes()
        except FileNotFoundError as error:
            raise _corrupt(number, "it is missing") from error
        except OSError as error:
            raise _unreadable(number, error) from error
        if hash_of(data) != manifest:
            raise _corrupt(number, f"{_MANIFEST} is not what was sealed")
        try:
            return from_bytes(data)
        except ValueError as error:
            raise _corrupt(number, f"{_MANIFEST} is of {error}") from error


_: Callable[..., Index] = LocalIndex


def _noted(added: Iterable[Entry], ids: set[str]) -> Iterator[Entry]:
    """Give the same, putting the ids of the documents into the set."""
    for entry in added:
        ids.add(entry.document.id)
        yield entry


def _parts(number: int, folder: Path, sealed: Manifest) -> Parts:
    try:
        return shelves.opened(folder, sealed.vectors)
    except ValueError as error:
        raise _corrupt(number, f"its vectors cannot be opened: {error}") from error
    except OSError as error:
        raise _unreadable(number, error) from error


_Words = Mapping[Unit, tantivy.Index]


def _words(folder: Path, number: int) -> _Words:
    try:
        return _indexes(folder)
    except ValueError:
        # tantivy writes a lock before it reads: a read-only folder is opened by other names.
        return _opened_elsewhere(folder, number)


def _opened_elsewhere(folder: Path, number: int) -> _Words:
    """Open a revision through links in a temporary folder, which is gone when this returns.

    All files are mapped by then, and stay so.
    """
    try:
        with _temporary() as elsewhere:
            for unit in fields.UNITS:
                links = elsewhere / unit
                links.mkdir()
                for file in live_files(folder / unit):
                    (links / file).symlink_to((folder / unit / file).resolve())
            return _indexes(elsewhere)
    except ValueError as error:
        raise _corrupt(number, "tantivy cannot open it") from error
    except OSError as error:
        raise _unreadable(number, error) from error


@contextmanager
def _temporary() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="answerable-"))
    try:
        yield folder
    finally:
        # A thread of tantivy looks once whether the index has changed, and may put its lock
        # there while the folder is being removed. The second time it has done so.
        for _ in range(2):
            rmtree(folder, ignore_errors=True)


def _indexes(folder: Path) -> _Words:
    return {unit: tantivy.Index.open(str(folder / unit)) for unit in fields.UNITS}


def _is_vectors(path: str) -> bool:
    return path.startswith(f"{shelves.ROOT}/")


def _is_rewritten(path: str) -> bool:
    return path.rpartition("/")[2] in REWRITTEN


def _sealed(path: Path) -> Sealed:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Sealed(size=path.stat().st_size, sha256=digest)


def _wrong_sizes(folder: Path, files: Mapping[str, Sealed]) -> Iterator[str]:
    for path, sealed in files.items():
        try:
            size = (folder / path).stat().st_size
        except OSError:
            yield f"{path} is missing"
            continue
        if size != sealed.size:
            yield f"{path} has {size} bytes where {sealed.size} were sealed"


def _wrong_bytes(folder: Path, files: Mapping[str, Sealed]) -> Iterator[str]:
    for path, sealed in files.items():
        try:
            found = _sealed(folder / path)
        except OSError:
            continue  # `_wrong_sizes` has said that it is missing.
        if found.size == sealed.size and found.sha256 != sealed.sha256:
            yield f"{path} has other bytes than were sealed"


def _wrong_counts(searcher: CombinedSearcher, sealed: Manifest) -> Iterator[str]:
    if searcher.chunks != sealed.chunks:
        yield f"it holds {searcher.chunks} chunks where {sealed.chunks} were sealed"
    if searcher.pages != sealed.documents:
        yield f"it holds {searcher.pages} documents where {sealed.documents} were sealed"
    for embedder, vectors in sealed.vectors.items():
        rows = searcher.covered[embedder]
        if rows != vectors.rows:
            yield f"it holds {rows} vectors of {embedder[:12]} where {vectors.rows} were sealed"


def _corrupt(number: int, what: str) -> Corrupt:
    return Corrupt(
        f"the index of revision {number} is damaged: {what}",
        hint=f"answerable revisions rebuild {number}",
    )


def _unreadable(number: int, error: OSError) -> StorageFailure:
    return StorageFailure(
        f"the index of revision {number} cannot be read: {error.strerror}",
        hint="check the owner and mode of the data directory, and the disk",
    )
