"""Documents that could not be read: what is tried again, what is said of it, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from answerable.domain.documents import document_id, path_in
from answerable.library.bundles import around, is_bundle
from answerable.library.ports import Quarantine, Quarantined, Source, Unreadable

QUARANTINED = "quarantined"
"""Code of a file nobody wants to hear of."""

_AS_BEFORE = "; not tried again, for neither the file nor how it is read has changed"

_ADVICE = {
    "too_large": "split it, or raise ingest.size_mb_max and ingest again",
    "encoding": "save it as UTF-8",
    "timeout": "exclude it if it is no document; else raise ingest.seconds_max and retry it",
    "memory": "exclude it if it is no document; else raise ingest.memory_mb_max and retry it",
    "output_too_large": "it unpacks to far more than it is, as a bomb does: exclude it",
    "crashed": "its parser died of it: report it, and exclude it until that is mended",
    "malformed": "open it with the program that made it, and save it again",
    "unreadable": "give this user the right to read it, and check the disk",
    "bad_name": "rename it",
    "encrypted": "save it without a password",
    "needs_ocr": "install tesseract, which is used where it is, or run OCR over it and save it",
    "unsafe": "it unpacks to far more than it is, or out of its folder: exclude it",
    "unsupported": "save it in the newer form that the reason names, or exclude it",
    "not_a_file": "it changed while it was read: ingest again",
}
# On a busy machine, or one that is short of memory, a good file may end so; and OCR be installed.
_MAY_PASS = ("timeout", "memory", "crashed", "needs_ocr")
_PAUSE_MS = 600_000
_DOUBLED_MAX = 10
_NO_ADVICE = "see the page on errors in the guide for what the code means; then retry or ignore it"


def advice(code: str) -> str:
    """Return what to do about a file that failed so, in words."""
    return _ADVICE.get(code, _NO_ADVICE)


class NoQuarantine:
    """Remembers nothing: every file is tried each time."""

    def of_source(self, source: str) -> Mapping[str, Quarantined]:
        """Return none."""
        del source
        return {}

    def all(self) -> tuple[Quarantined, ...]:
        """Return none."""
        return ()

    def record(
        self,
        failed: Collection[Quarantined],
        well: Collection[str],
        *,
        met: Collection[str] = (),
        at_ms: int = 0,
    ) -> None:
        """Forget it."""

    def ignore(self, document_id: str, *, who: str, because: str) -> bool:
        """Return False."""
        del document_id, who, because
        return False

    def retry(self, document_ids: Collection[str]) -> None:
        """Do nothing."""


_: Callable[..., Quarantine] = NoQuarantine


@dataclass(kw_only=True, slots=True)
class Ward:
    """What one reading of a source learns of documents that fail.

    Attributes:
        source: Its name.
        line: How documents are read.
        now_ms: When this reading began.
        quarantine: What is written to.
        known: What was known before, by document id.
    """

    source: str
    line: str
    now_ms: int
    quarantine: Quarantine
    known: dict[str, Quarantined]
    _met: set[str] = field(default_factory=set)
    _failed: list[Quarantined] = field(default_factory=list)
    _well: set[str] = field(default_factory=set)
    _as_before: set[str] = field(default_factory=set)

    def leave(self, others: Collection[str]) -> None:
        """Leave alone what belongs to these sources."""
        self.known = {name: one for name, one in self.known.items() if one.source not in others}

    def before(self, path: str, bytes_hash: str) -> Quarantined | None:
        """Return why a file need not be tried: it failed, and nothing has changed since.

        What may have been the machine's fault, not the file's, is tried again after ten minutes,
        then after twice as long each time.
        """
        known = self.known.get(document_id(self.source, path))
        if known is None or not known.holds_for(bytes_hash, self.line):
            return None
        may_pass = known.code in _MAY_PASS and not known.ignored_because
        pauses = 2 ** min(known.attempts, _DOUBLED_MAX) - 1
        is_time = self.now_ms - known.first_seen_ms >= pauses * _PAUSE_MS
        return None if may_pass and is_time else known

    def again(self, known: Quarantined) -> Unreadable:
        """Note that a file is there which was not tried, and return what is said of it."""
        self._met.add(known.document_id)
        self._as_before.add(known.document_id)
        if known.ignored_because:
            reason = f"{known.code}, ignored by {known.ignored_by}: {known.ignored_because}"
            return Unreadable(path=known.path, code=QUARANTINED, reason=reason, skipped=True)
        return Unreadable(path=known.path, code=known.code, reason=f"{known.reason}{_AS_BEFORE}")

    def failed(self, bad: Unreadable, *, bytes_hash: str = "", size: int = 0) -> Unreadable:
        """Note that a file was tried and failed, and return what is said of it."""
        identity = document_id(self.source, bad.path)
        known = self.known.get(identity)
        self._note(
            Quarantined(
                document_id=identity,
                source=self.source,
                path=bad.path,
                code=bad.code,
                reason=bad.reason,
                format=suffix(bad.path),
                size=size,
                bytes_hash=bytes_hash,
                line=self.line,
                attempts=known.attempts + 1 if known and known.bytes_hash == bytes_hash else 1,
                first_seen_ms=known.first_seen_ms if known else self.now_ms,
                last_seen_ms=self.now_ms,
                ignored_by=known.ignored_by if known else "",
                ignored_because=known.ignored_because if known else "",
            )
        )
        if known and known.ignored_because:
            reason = f"{bad.code}, ignored by {known.ignored_by}: {known.ignored_because}"
            return Unreadable(path=bad.path, code=QUARANTINED, reason=reason, skipped=True)
        return bad

    def wants_inside(self, path: str) -> bool:
        """Return whether something that lies in a file is to be tried again."""
        return any(
            self.before(one.path, one.bytes_hash) is None for one in self._known_inside(path)
        )

    def left_inside(self, path: str) -> tuple[Unreadable, ...]:
        """Note that what lies in a file is there as before; return what is said of it."""
        return tuple(self.again(one) for one in self._known_inside(path))

    def _known_inside(self, path: str) -> tuple[Quarantined, ...]:
        if not is_bundle(path):
            return ()
        return tuple(one for one in self.known.values() if path in around(one.path))

    def well(self, path: str) -> None:
        """Note that nothing is wrong with a file: it was read, or is not meant to be."""
        identity = document_id(self.source, path)
        self._met.add(identity)
        if identity in self.known:
            self._well.add(identity)

    def keep(self) -> None:
        """Write down what was noted since the last time."""
        if self._failed or self._well or self._as_before:
            self.quarantine.record(self._failed, self._well, met=self._as_before, at_ms=self.now_ms)
        self._failed, self._well, self._as_before = [], set(), set()

    def close(self, source: Source) -> None:
        """Forget files that have gone, now that all of the source has been read."""
        for identity, known in self.known.items():
            path = path_in(self.source, known.source, known.path)
            if identity not in self._met and path and source.covers(path):
                self._well.add(identity)
        self.keep()

    def _note(self, one: Quarantined) -> None:
        self._met.add(one.document_id)
        self._failed.append(one)


def ward(source: str, *, line: str, now_ms: int, quarantine: Quarantine) -> Ward:
    """Return what a reading of a source begins with."""
    return Ward(
        source=source,
        line=line,
        now_ms=now_ms,
        quarantine=quarantine,
        known=dict(quarantine.of_source(source)),
    )


def suffix(path: str) -> str:
    """Return the suffix of a file, in lower case without the dot; empty where there is none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def named(known: Iterable[Quarantined], names: Collection[str]) -> tuple[Quarantined, ...]:
    """Return those whose id or path is among these names."""
    return tuple(one for one in known if one.document_id in names or one.path in names)
