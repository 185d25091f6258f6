"""Documents in a folder of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from errno import ELOOP
from pathlib import Path
from typing import Literal, Self

from answerable.adapters.sources.ignore import Rules, compiled, decide, parse
from answerable.adapters.sources.reading import (
    SIZE_BYTES_MAX,
    VANISHED,
    failed,
    is_plain,
    not_a_file,
    open_folder,
    read_file,
    shown,
)
from answerable.domain.errors import BadInput, NotAllowed, PathMissing
from answerable.library.ports import Raw, Source, Unreadable

GITIGNORE_BYTES_MAX = 65_536
PATH_BYTES_MAX = 4_096
DEPTH_MAX = 512  # each folder is opened part by part, so depth costs its square
JUNK = frozenset({"__pycache__", "node_modules", "Thumbs.db", "desktop.ini"})

Kind = Literal["folder", "file", "link", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """A folder still to be read.

    Attributes:
        path: Where it is shown: empty, or ends in a slash.
        parts: Where it is, below the root; another place than `path` behind a link.
        chain: Rules that hold in it, nearest first, without its own.
        only: Names of the way that is left to what is wanted; empty for everything.
    """

    path: str
    parts: tuple[str, ...]
    chain: tuple[Rules, ...]
    only: tuple[str, ...] = ()
    is_linked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A file to read, in a folder that is open."""

    folder: int
    name: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Linked:
    """A file behind a link: shown at `path`, lying at `parts` below the root."""

    path: str
    parts: tuple[str, ...]


class Folder:
    """Every file below a folder, by name, files before subfolders.

    Left out, and given as ``ignored``: what ``.gitignore`` files name, in the folder, below it
    and above it in the same Git working tree; what `excludes` name; names that begin with a
    dot; ``node_modules``, ``__pycache__``, ``Thumbs.db``, ``desktop.ini``, and what editors
    leave behind (``name~``, ``#name#``). A folder that is left out is given once, with a slash
    at the end, and not read. An unreadable folder is given the same way: what is below it is
    unknown, not gone.

    A link is followed when it stays below the root and its target is not read at its own
    place anyway; each target once.

    Args:
        root: The folder. Its absolute path, links unresolved, is the identity of the source.
        within: Path below the root that is read, a file or a folder; empty for all.
        excludes: Patterns as in ``.gitignore``, relative to the root; they win over all others.
        size_max_bytes: Above it a file is ``too_large``.
        use_gitignore: Whether ``.gitignore`` files are heeded.

    Raises:
        PathMissing: There is no such root, or nothing at `within`.
        BadInput: The root is no folder, its name is not Unicode, or `within` leaves it.
    """

    def __init__(
        self,
        root: Path,
        *,
        within: str = "",
        excludes: Sequence[str] = (),
        size_max_bytes: int = SIZE_BYTES_MAX,
        use_gitignore: bool = True,
    ) -> None:
        self._root = _absolute(root)
        self._within = tuple(within.split("/")) if within else ()
        self._excludes = tuple(excludes)
        self._size_max_bytes = size_max_bytes
        self._use_gitignore = use_gitignore
        _check(self._root, self._within)

    @classmethod
    def of(
        cls,
        path: Path,
        *,
        excludes: Sequence[str] = (),
        size_max_bytes: int = SIZE_BYTES_MAX,
        use_gitignore: bool = True,
        known_roots: Iterable[Path] = (),
    ) -> Self:
        """Return the source of a path that was named: a folder, or one file of its folder.

        What lies below one of `known_roots` is read as a part of that source, so that no
        document stands in two.

        Raises:
            PathMissing: There is nothing at this path.
            BadInput: It cannot be written in Unicode.
        """
        wanted = _absolute(path)
        root = wanted.parent if path.exists() and not path.is_dir() else wanted
        known = [known for known in known_roots if known.is_dir() and wanted.is_relative_to(known)]
        root = max(known, key=lambda known: len(known.parts), default=root)
        return cls(
            root,
            within="/".join(wanted.relative_to(root).parts),
            excludes=excludes,
            size_max_bytes=size_max_bytes,
            use_gitignore=use_gitignore,
        )

    @property
    def name(self) -> str:
        """``folder:`` and the absolute path of the root."""
        return f"folder:{self._root}"

    def covers(self, path: str) -> bool:
        """Return whether a path of the source lies in what is read."""
        within = "/".join(self._within)
        return not within or path == within or path.startswith(f"{within}/")

    def count(self) -> int:
        """Return how many files `files` would give now; opens folders only.

        Raises:
            NotAllowed: The root cannot be read.
        """
        return sum(1 for _ in self._walk())

    def files(self) -> Generator[Raw | Unreadable, None, None]:
        """Give every file once, in a stable order; what cannot be read as `Unreadable`.

        Raises:
            NotAllowed: The root cannot be read: no file may seem gone because of that.
        """
        for found in self._walk():
            if isinstance(found, Unreadable):
                yield found
            else:
                yield read_file(
                    found.folder, found.name, found.path, size_max_bytes=self._size_max_bytes
                )

    def _walk(self) -> Iterator[_Found | Unreadable]:
        try:
            real_root = self._root.resolve(strict=True)
            root = os.open(real_root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _not_allowed(self._root, error) from error
        try:
            yield from _Walk(
                root=root,
                real_root=real_root,
                excludes=compiled(os.fsencode(pattern) for pattern in self._excludes),
                use_gitignore=self._use_gitignore,
            ).below(self._within)
        except _RootLostError as error:
            raise _not_allowed(self._root, error.cause) from error
        finally:
            os.close(root)


_: Callable[..., Source] = Folder


class _RootLostError(Exception):
    """The root itself cannot be listed."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.cause = cause


class _Walk:
    """One walk through an open root."""

    def __init__(
        self, *, root: int, real_root: Path, excludes: Rules | None, use_gitignore: bool
    ) -> None:
        self._root = root
        self._real_root = real_root
        self._excludes = (excludes,) if excludes else ()
        self._use_gitignore = use_gitignore
        self._above = _rules_above(real_root) if use_gitignore else ()
        self._followed: set[tuple[int, int]] = set()

    def below(self, within: tuple[str, ...]) -> Iterator[_Found | Unreadable]:
        pending = [_Place(path="", parts=(), chain=self._above, only=within)]
        while pending:
            folders: list[_Place] = []
            for step in self._read(pending.pop()):
                if isinstance(step, _Place):
                    folders.append(step)
                else:
                    yield step
            pending += reversed(folders)

    def _read(self, place: _Place) -> Iterator[_Place | _Found | Unreadable]:
        """Give what one folder holds: its files now, its subfolders as places."""
        try:
            folder = open_folder(self._root, place.parts)
        except OSError as error:
            yield failed(place.path, error)
            return
        try:
            if place.is_linked and not self._is_first(os.fstat(folder)):
                yield _loop(place.path)
                return
            entries = _entries(folder, place.only[:1])
            own = self._own_rules(folder, place.path)
            if isinstance(own, Unreadable):
                yield own
                own = None
            chain = (own, *place.chain) if own else place.chain
            for name, kind in entries:
                yield from self._step(folder, place, chain, name, kind)
        except OSError as error:
            if not place.path:
                raise _RootLostError(error) from error
            yield failed(place.path, error)
        finally:
            os.close(folder)

    def _step(
        self, folder: int, place: _Place, chain: tuple[Rules, ...], name: str, kind: Kind
    ) -> Iterator[_Place | _Found | Unreadable]:
        refused = self._refused(place.path, chain, name, kind)
        if refused:
            yield refused
        elif kind == "file":
            yield _Found(folder=folder, name=name, path=place.path + name)
        elif kind == "folder":
            yield _Place(
                path=f"{place.path}{name}/",
                parts=(*place.parts, name),
                chain=chain,
                only=place.only[1:],
                is_linked=place.is_linked,
            )
        elif kind == "other":
            yield not_a_file(place.path + name)
        else:
            yield from self._beyond(self._follow(place, chain, name))

    def _refused(
        self, path: str, chain: tuple[Rules, ...], name: str, kind: Kind
    ) -> Unreadable | None:
        """Return why a name is not even looked at; None if it is."""
        whole = path + name
        slash = "/" if kind == "folder" else ""
        if not is_plain(name):
            reason = "its name holds a control character or is not Unicode; rename it"
            return Unreadable(path=shown(whole) + slash, code="bad_name", reason=reason)
        packed = os.fsencode(whole)
        if len(packed) > PATH_BYTES_MAX or path.count("/") > DEPTH_MAX:
            reason = f"its path is longer than {PATH_BYTES_MAX} bytes or {DEPTH_MAX} folders"
            return Unreadable(path=whole + slash, code="bad_name", reason=reason)
        if is_junk(name):
            return _ignored(whole + slash, "a hidden file or one that tools leave behind")
        if decide((*self._excludes, *chain), packed, is_folder=kind == "folder"):
            return _ignored(whole + slash, "named by .gitignore or an exclude")
        return None

    def _own_rules(self, folder: int, path: str) -> Rules | Unreadable | None:
        """Return the rules of a folder's ``.gitignore``, or why it cannot be read."""
        if not self._use_gitignore:
            return None
        found = _gitignore(folder, path)
        if isinstance(found, Unreadable):
            return found
        return parse(found, cut=len(os.fsencode(path)))

    def _follow(
        self, place: _Place, chain: tuple[Rules, ...], name: str
    ) -> _Place | _Linked | Unreadable:
        """Return where a link leads, if it may be followed."""
        path = place.path + name
        try:
            target = self._real_root.joinpath(*place.parts, name).resolve(strict=True)
            kind = _kind(target.lstat().st_mode)
        except (OSError, RuntimeError) as error:  # Python before 3.13: RuntimeError for a loop
            is_loop = isinstance(error, RuntimeError) or error.errno == ELOOP
            return _loop(path) if is_loop else _broken(path)
        if not target.is_relative_to(self._real_root):
            reason = "it is a link that leaves the folder"
            return Unreadable(path=path, code="link_out", reason=reason, skipped=True)
        parts = target.relative_to(self._real_root).parts
        if parts == place.parts[: len(parts)]:
            return _loop(path)
        if self._is_walked(parts, kind):
            return _ignored(path, "a link to what is read at its own place")
        if kind == "folder":
            return _Place(
                path=f"{path}/", parts=parts, chain=chain, only=place.only[1:], is_linked=True
            )
        return _Linked(path=path, parts=parts) if kind == "file" else not_a_file(path)

    def _beyond(
        self, step: _Place | _Linked | Unreadable
    ) -> Iterator[_Place | _Found | Unreadable]:
        """Open the folder that a link to a file leads to, while it is read."""
        if not isinstance(step, _Linked):
            yield step
            return
        *parents, name = step.parts
        try:
            folder = open_folder(self._root, parents)
        except OSError as error:
            yield failed(step.path, error)
            return
        try:
            if self._is_first(os.stat(name, dir_fd=folder, follow_symlinks=False)):
                yield _Found(folder=folder, name=name, path=step.path)
            else:
                yield _ignored(step.path, "a link to what another link leads to")
        except OSError as error:
            yield failed(step.path, error)
        finally:
            os.close(folder)

    def _is_walked(self, parts: tuple[str, ...], kind: Kind) -> bool:
        """Return whether a walk without links comes to this place."""
        chain, path = self._above, ""
        for depth, part in enumerate(parts):
            try:
                folder = open_folder(self._root, parts[:depth])
            except OSError:
                return False
            try:
                own = self._own_rules(folder, path)
            finally:
                os.close(folder)
            chain = (own, *chain) if isinstance(own, Rules) else chain
            is_last = depth == len(parts) - 1
            if self._refused(path, chain, part, kind if is_last else "folder"):
                return False
            path += part + "/"
        return True

    def _is_first(self, status: os.stat_result) -> bool:
        """Return whether links lead here for the first time, and remember that they did."""
        key = status.st_dev, status.st_ino
        if key in self._followed:
            return False
        self._followed.add(key)
        return True


def _entries(folder: int, only: Sequence[str]) -> list[tuple[str, Kind]]:
    """Return names and kinds by name, files before folders."""
    if only:
        modes = [(name, os.stat(name, dir_fd=folder, follow_symlinks=False)) for name in only]
        return [(name, _kind(status.st_mode)) for name, status in modes]
    with os.scandir(folder) as found:
        return sorted((entry.name, _kind_of(entry)) for entry in found)


def _kind_of(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_file(follow_symlinks=False):
        return "file"
    return "folder" if entry.is_dir(follow_symlinks=False) else "other"


def _kind(mode: int) -> Kind:
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "other"


def is_junk(name: str) -> bool:
    """Return whether a name is hidden, or one that tools and editors leave behind."""
    return (
        name.startswith(".")
        or name.endswith("~")
        or (name.startswith("#") and name.endswith("#") and len(name) > 1)
        or name in JUNK
    )


def _gitignore(folder: int, path: str) -> bytes | Unreadable:
    """Return what a ``.gitignore`` says; nothing when there is none or it is no file."""
    found = read_file(folder, ".gitignore", f"{path}.gitignore", size_max_bytes=GITIGNORE_BYTES_MAX)
    if isinstance(found, Raw):
        return found.data
    if found.code == "too_large":
        reason = f"its rules are not heeded: it is larger than {GITIGNORE_BYTES_MAX // 1024} KiB"
        return Unreadable(path=found.path, code="too_large", reason=reason)
    return found if found.code == "unreadable" and found.reason != VANISHED else b""


def _rules_above(real_root: Path) -> tuple[Rules, ...]:
    """Return the rules of the folders above the root, up to the top of its Git working tree."""
    tops = [folder for folder in (real_root, *real_root.parents) if (folder / ".git").exists()]
    if not tops:
        return ()
    between = [folder for folder in real_root.parents if folder.is_relative_to(tops[0])]
    found = (_rules_at(folder, real_root.relative_to(folder)) for folder in between)
    return tuple(rules for rules in found if rules)


def _rules_at(folder: Path, below: Path) -> Rules | None:
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = _gitignore(opened, "")
    finally:
        os.close(opened)
    return parse(found, above=os.fsencode(below) + b"/") if isinstance(found, bytes) else None


def _ignored(path: str, reason: str) -> Unreadable:
    return Unreadable(path=path, code="ignored", reason=reason, skipped=True)


def _broken(path: str) -> Unreadable:
    return Unreadable(
        path=path, code="not_a_file", reason="it is a link that leads nowhere", skipped=True
    )


def _loop(path: str) -> Unreadable:
    reason = "it is a link that leads back to where it stands or was before"
    return Unreadable(path=path, code="link_loop", reason=reason, skipped=True)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _not_allowed(root: Path, error: OSError) -> NotAllowed:
    return NotAllowed(
        f"{root} cannot be read: {error.strerror}",
        hint="allow this user to list the folder, then try again",
    )


def _check(root: Path, within: tuple[str, ...]) -> None:
    wanted = root.joinpath(*within)
    if not is_plain(str(wanted)):
        raise BadInput(
            f"the path {shown(str(wanted))} holds a control character or is not Unicode",
            hint="rename it",
        )
    if {"", ".", ".."} & set(within):
        raise BadInput(
            f"{'/'.join(within)} is not a path below {root}",
            hint="name a file or folder below it, without `.` and `..`",
        )
    if not root.exists() or not os.path.lexists(wanted):
        raise PathMissing(
            f"there is no file or folder {wanted}",
            hint="check the spelling; a relative path starts at the current folder",
        )
    if not root.is_dir():
        raise BadInput(f"{root} is not a folder", hint="name the folder the file is in")
