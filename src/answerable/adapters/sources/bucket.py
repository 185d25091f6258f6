"""Documents in a bucket: every object below a prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from answerable.adapters.sources.choosing import Choice, bad_name, over_limit
from answerable.adapters.sources.kept import Kept, folder_of, held
from answerable.adapters.sources.reading import SIZE_BYTES_MAX, is_plain, shown, taken
from answerable.domain.errors import BadInput, SourceFailed
from answerable.library.ports import Raw, Source, Unreadable

OBJECTS_MAX = 200_000
MISSES_MAX = 10
"""Objects in a row that could not be read, after which a bucket counts as down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """An object, as its bucket lists it.

    Attributes:
        etag: Changes when the object does; empty where the bucket does not say.
    """

    key: str
    size: int
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Got:
    """The bytes of an object, and the tag they came with."""

    data: bytes = field(repr=False)
    etag: str = ""


class NotGot(Exception):  # noqa: N818 # named by what is wrong
    """One object cannot be read this time.

    Attributes:
        code: One of `library.ports.Unreadable`.
        reason: What is wrong, in words, without its key.
        is_down: Whether the bucket may be the reason, and not the object.
        skipped: Whether nothing is wrong with that.
    """

    def __init__(
        self, code: str, reason: str, *, is_down: bool = False, skipped: bool = False
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.is_down = is_down
        self.skipped = skipped


class Store(Protocol):
    """Where objects are."""

    @property
    def name(self) -> str:
        """What the bucket is called, host included; holds no secret."""
        ...

    def objects(self, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins so, in the order of keys.

        Raises:
            SourceFailed, NotAllowed, NotReady: The bucket cannot be read.
        """
        ...

    def read(self, key: str, *, bytes_max: int) -> Got | None:
        """Return an object; None when it is gone. Never more than the limit is in memory.

        Raises:
            NotGot: It cannot be read, or is larger.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Bucket:
    """Every object below a prefix, in the order of keys, called by its key below the prefix.

    An object whose tag and size are what they were is not sent again. Keys that lead out, hold
    empty parts or control characters are ``bad_name``; hidden names are left out.

    Args:
        store: Where the objects are.
        prefix: A folder of the bucket; empty for all.
        cache: A folder for this and other sources.
        includes: Patterns as in ``.gitignore`` for what is taken; with none, everything is.
        excludes: Patterns for what is left out; they win.
        size_max_bytes: Above it an object is ``too_large``, and not asked for.
        objects_max: In the bucket, below the prefix.

    Raises:
        BadInput: The prefix cannot be one.
    """

    def __init__(
        self,
        store: Store,
        *,
        cache: Path,
        prefix: str = "",
        includes: Sequence[str] = (),
        excludes: Sequence[str] = (),
        size_max_bytes: int = SIZE_BYTES_MAX,
        objects_max: int = OBJECTS_MAX,
    ) -> None:
        self._store = store
        self._prefix = _folder(prefix)
        self._folder = folder_of(cache, self.name)
        self._choice = Choice(includes=includes, excludes=excludes)
        self._size_max_bytes = size_max_bytes
        self._objects_max = objects_max

    @property
    def name(self) -> str:
        """``bucket:``, what the bucket is called, the prefix."""
        return f"bucket:{self._store.name}/{self._prefix}"

    def covers(self, path: str) -> bool:
        """Return whether a path is one of an object: every reading answers for all of them."""
        return bool(path)

    def count(self) -> int:
        """Return how many objects the last reading took."""
        return Kept(self._folder).count()

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every object once, in the order of keys.

        Raises:
            SourceFailed: The bucket cannot be read: nothing may seem gone because of that.
            NotAllowed: Its host may not be reached.
            Locked: It is being read already.
        """
        with held(self._folder):
            try:
                yield from _Reading(
                    self._store,
                    Kept(self._folder),
                    prefix=self._prefix,
                    choice=self._choice,
                    size_max_bytes=self._size_max_bytes,
                    objects_max=self._objects_max,
                ).objects()
            finally:
                self._store.close()


_: Callable[..., Source] = Bucket


def _folder(prefix: str) -> str:
    prefix = prefix.strip("/")
    if prefix and bad_name(prefix):
        raise BadInput(
            f"{shown(prefix)!r} is no folder of a bucket",
            hint="give a prefix with `/` between its parts, such as docs/guide",
        )
    return f"{prefix}/" if prefix else ""


def _notes(listed: Listed, etag: str) -> dict[str, str]:
    """Return what an object is known by; its size is that in the bucket, where it may be packed."""
    return {"etag": etag, "size": str(listed.size)}


class _Reading:
    """One reading of a bucket."""

    def __init__(
        self,
        store: Store,
        kept: Kept,
        *,
        prefix: str,
        choice: Choice,
        size_max_bytes: int,
        objects_max: int,
    ) -> None:
        self._store = store
        self._kept = kept
        self._prefix = prefix
        self._choice = choice
        self._size_max_bytes = size_max_bytes
        self._objects_max = objects_max
        self._alive: set[str] = set()
        self._misses = 0

    def objects(self) -> Iterator[Raw | Unreadable]:
        """Give every object once."""
        seen: set[str] = set()
        for at, listed in enumerate(self._store.objects(self._prefix)):
            if at >= self._objects_max:
                raise SourceFailed(
                    f"the bucket {self._store.name} holds more than {self._objects_max} objects",
                    hint="name the prefix in it that holds the documents",
                )
            item = self._object(listed)
            if item is not None and item.path not in seen:
                seen.add(item.path)
                yield item
        self._kept.sweep(self._alive)

    def _object(self, listed: Listed) -> Raw | Unreadable | None:
        path = listed.key.removeprefix(self._prefix)
        if listed.key.endswith("/") and not listed.size and is_plain(path):
            return None  # what consoles make so that a folder can be seen
        refused = bad_name(path) or self._choice.refusal(path)
        if refused is not None:
            return refused
        if not self._choice.includes(path):
            return None
        if listed.size > self._size_max_bytes:
            return over_limit(path, self._size_max_bytes)
        return self._as_before(listed, path) or self._read(listed, path)

    def _as_before(self, listed: Listed, path: str) -> Raw | Unreadable | None:
        """Return an object that has not changed, from what was kept; None if it may have."""
        known = self._kept.get(listed.key)
        if not listed.etag or known is None or known.notes != _notes(listed, listed.etag):
            return None
        data = self._kept.body(known)
        if data is None:
            return None
        self._alive.add(listed.key)
        return taken(path, data, size_max_bytes=self._size_max_bytes)

    def _read(self, listed: Listed, path: str) -> Raw | Unreadable | None:
        try:
            got = self._store.read(listed.key, bytes_max=self._size_max_bytes)
        except NotGot as error:
            self._alive.add(listed.key)
            self._missed(error)
            return Unreadable(
                path=path, code=error.code, reason=error.reason, skipped=error.skipped
            )
        self._misses = 0
        if got is None:
            return None
        self._alive.add(listed.key)
        self._kept.put(listed.key, got.data, _notes(listed, got.etag or listed.etag))
        return taken(path, got.data, size_max_bytes=self._size_max_bytes)

    def _missed(self, error: NotGot) -> None:
        self._misses = self._misses + 1 if error.is_down else 0
        if self._misses >= MISSES_MAX:
            raise SourceFailed(
                f"the bucket {self._store.name} stopped answering: {error.reason}",
                hint="look whether it is up; its documents stay as they were",
                is_passing=True,
            ) from error
