"""Documents in a git repository: one branch, one folder of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from answerable.adapters.disk import translated
from answerable.adapters.sources.choosing import Choice, bad_name, over_limit
from answerable.adapters.sources.git_remotes import (
    Login,
    Remote,
    below,
    branch_ref,
    environment,
    meaning,
    remote,
)
from answerable.adapters.sources.kept import folder_of, held
from answerable.adapters.sources.reach import SETTING, Reach, Unreached
from answerable.adapters.sources.reading import SIZE_BYTES_MAX, shown, taken
from answerable.adapters.sources.running import Child, Finished, Overran, run
from answerable.domain.errors import NotAllowed, NotReady, SourceFailed
from answerable.library.ports import Raw, Source, Unreadable

_READ = "refs/answerable/read"
_NEEDED = (2, 37)
"""From then on git can be told which address a host has (``http.curloptResolve``)."""

_PACKS_MAX = 20
_NO_SUCH_REF = 2
_NO_PROGRAM = 127
_QUICK_S = 60.0
_LISTING_BYTES_MAX = 64_000_000
_FILES = frozenset({"100644", "100755", "100664"})
_PORTS = {"ssh": frozenset({22}), "http": frozenset({80}), "https": frozenset({443})}
_KINDS = {
    "120000": "it is a link, and links in a repository are not followed",
    "160000": "it is another repository (a submodule)",
}
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_BYTES_MAX = 1_024


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What reading a repository may take.

    Attributes:
        seconds: For fetching what is new.
        mirror_bytes: Of one pack, as it is kept.
        files: In the branch, below the folder.
    """

    seconds: float = 900.0
    mirror_bytes: int = 4_000_000_000
    files: int = 200_000


class GitRepository:
    """Every file of a branch below a folder, by name.

    Only what a commit says is read, from a bare mirror without history, and never checked out:
    hooks, filters, attributes and submodules of the repository do nothing. Links and submodules
    are left out; so are hidden names and what tools leave behind.

    Args:
        url: ``https://``, ``http://``, ``ssh://``, ``git@host:path`` or a path. A user name and
            a password in it are used and never shown.
        branch: Its name; ``HEAD`` for the one the repository shows first.
        path: Folder that is read; empty for all.
        cache: A folder for this and other sources.
        reach: Judges the host.
        login: What is shown to the host.
        includes: Patterns as in ``.gitignore`` for what is taken; with none, everything is.
        excludes: Patterns for what is left out; they win.
        size_max_bytes: Above it a file is ``too_large``; it is not even fetched where the host
            can leave it out.
        allow_local: Whether a repository on this machine may be read.
        bounds: What reading may take.

    Raises:
        BadInput: Address, branch or path cannot be one.
        NotAllowed: It is on this machine, and that is not allowed.
    """

    def __init__(
        self,
        url: str,
        *,
        cache: Path,
        branch: str = "HEAD",
        path: str = "",
        reach: Reach | None = None,
        login: Login | None = None,
        includes: Sequence[str] = (),
        excludes: Sequence[str] = (),
        size_max_bytes: int = SIZE_BYTES_MAX,
        allow_local: bool = False,
        bounds: Bounds | None = None,
    ) -> None:
        self._remote = remote(url)
        self._branch = branch
        self._ref = branch_ref(branch)
        self._path = below(path)
        if self._remote.transport == "file" and not allow_local:
            raise NotAllowed(
                f"{self._remote.shown} is a repository on this machine",
                hint="set sources.allow_local_git = true in answerable.toml, or give its address",
            )
        self._folder = folder_of(cache, self.name)
        self._reach = reach or Reach()
        self._login = login or Login()
        self._choice = Choice(includes=includes, excludes=excludes)
        self._size_max_bytes = size_max_bytes
        self._bounds = bounds or Bounds()
        self._is_fresh = False

    @property
    def name(self) -> str:
        """``git:``, the address without secrets, ``#``, the branch, ``:``, the folder."""
        return f"git:{self._remote.shown}#{self._branch}:{self._path}"

    def covers(self, path: str) -> bool:
        """Return whether a path is one of a file: every reading answers for all of the folder."""
        return bool(path)

    def count(self) -> int:
        """Fetch what is new and return how many files there are.

        Raises:
            SourceFailed, NotAllowed, NotReady, Locked: As `files`.
        """
        with held(self._folder):
            mirror = self._opened()
            self._is_fresh = True
            return sum(1 for _ in mirror.entries(self._path))

    def files(self) -> Iterator[Raw | Unreadable]:
        """Give every file once, by name.

        Raises:
            SourceFailed: The repository, branch or folder cannot be read or is gone: nothing may
                seem gone because of that.
            NotAllowed: Its host may not be reached.
            NotReady: There is no git, or an old one.
            Locked: It is being read already.
        """
        with held(self._folder):
            mirror = self._opened()
            self._is_fresh = False
            yield from self._given(mirror)

    def _opened(self) -> Mirror:
        """Return the mirror, brought in step unless `count` just did."""
        mirror = Mirror(
            self._remote,
            self._ref,
            folder=self._folder,
            login=self._login,
            reach=self._reach,
            blob_bytes_max=self._size_max_bytes,
            bounds=self._bounds,
        )
        if not self._is_fresh:
            try:
                mirror.refresh()
            finally:
                self._reach.close()
        return mirror

    def _given(self, mirror: Mirror) -> Iterator[Raw | Unreadable]:
        absent = mirror.absent(self._path)
        seen: set[str] = set()
        with ExitStack() as stack:
            blobs = Blobs(mirror, stack)
            for entry in mirror.entries(self._path):
                item: Raw | Unreadable | None = self._refusal(entry)
                if item is None and self._choice.includes(entry.path):
                    item = self._blob(entry, absent, blobs)
                if item is not None and item.path not in seen:
                    seen.add(item.path)
                    yield item

    def _refusal(self, entry: _Entry) -> Unreadable | None:
        refused = bad_name(entry.path) or self._choice.refusal(entry.path)
        if refused is None and entry.mode not in _FILES:
            reason = _KINDS.get(entry.mode, "it is neither a file nor a folder")
            return Unreadable(path=entry.path, code="not_a_file", reason=reason, skipped=True)
        return refused

    def _blob(self, entry: _Entry, absent: frozenset[str], blobs: Blobs) -> Raw | Unreadable:
        if entry.oid in absent:
            return over_limit(entry.path, self._size_max_bytes)
        size = blobs.size(entry.oid)
        if size > self._size_max_bytes:
            return over_limit(entry.path, self._size_max_bytes)
        data = blobs.data(entry.oid, size)
        if len(data) <= _POINTER_BYTES_MAX and data.startswith(_POINTER):
            reason = "its content is kept outside of the repository (Git LFS)"
            return Unreadable(path=entry.path, code="link_out", reason=reason, skipped=True)
        return taken(entry.path, data, size_max_bytes=self._size_max_bytes)


_: Callable[..., Source] = GitRepository


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a tree holds at a path."""

    mode: str
    oid: str
    path: str


class Mirror:
    """A bare copy of one commit of one branch, in a folder that is held.

    Stopped anywhere it stays usable: git moves what it fetched into place whole, and what it left
    locked or half-written is cleared before the next fetch. Nobody else is at it meanwhile.
    """

    def __init__(
        self,
        where: Remote,
        ref: str,
        *,
        folder: Path,
        login: Login,
        reach: Reach,
        blob_bytes_max: int,
        bounds: Bounds,
    ) -> None:
        self._remote = where
        self._ref = ref
        self._folder = folder
        # What was left out for its size is not fetched again, so another limit is another mirror.
        self._git_dir = folder / f"{blob_bytes_max}.git"
        self._login = login
        self._reach = reach
        self._blob_bytes_max = blob_bytes_max
        self._bounds = bounds

    def refresh(self) -> None:
        """Bring the mirror in step with the branch.

        Raises:
            SourceFailed, NotAllowed, NotReady.
        """
        self._prepare()
        env = self._env(self._addresses(), is_online=True)
        tip, have = self._tip(env), self._have()
        if not have and not self._local("rev-parse", "--verify", "--quiet", _READ).code:
            self.damaged()
            self._prepare()
        if tip != have:
            self._fetch(env)

    def entries(self, path: str) -> Iterator[_Entry]:
        """Give what the commit holds below a folder, by name, folders apart.

        Raises:
            SourceFailed: There is no such folder, or too much in it.
        """
        listed = self._local("ls-tree", "-r", "-z", "--full-tree", self._tree(path))
        if listed.code and not path:
            raise self.damaged()
        if listed.code:
            raise SourceFailed(
                f"the repository {self._remote.shown} has no folder {path} on its branch",
                hint="look whether it was moved; the documents of this source stay as they were",
            )
        lines = listed.out.split(b"\0")[:-1]
        if len(lines) > self._bounds.files:
            raise SourceFailed(
                f"the repository {self._remote.shown} holds more than {self._bounds.files} files",
                hint="name the folder in it that holds the documents",
            )
        for line in lines:
            about, _, name = line.partition(b"\t")
            mode, _, oid = about.decode().split(" ")
            yield _Entry(mode, oid, name.decode("utf-8", "surrogateescape"))

    def absent(self, path: str) -> frozenset[str]:
        """Return what was left out of the fetch because of its size.

        Asking for it in any other way would make git fetch it after all.
        """
        listed = self._local("rev-list", "--objects", "--missing=print", self._tree(path))
        lines = listed.out.decode("ascii", "replace").splitlines()
        return frozenset(line[1:] for line in lines if line.startswith("?"))

    def blobs(self) -> Child:
        """Return a git that gives objects by their ids."""
        return Child(
            self._command("cat-file", "--batch-command"),
            env=self._env(),
            cwd=self._folder,
            file_bytes_max=self._bounds.mirror_bytes,
            hears=True,
        )

    def _tree(self, path: str) -> str:
        return f"{_READ}^{{tree}}" if not path else f"{_READ}:{path}"

    def _prepare(self) -> None:
        with translated(self._folder):
            for other in self._folder.glob("*.git"):
                if other != self._git_dir:
                    shutil.rmtree(other)
            if (self._git_dir / "HEAD").exists():
                self._clear()
                return
            if self._git_dir.exists():
                shutil.rmtree(self._git_dir)
            for partial in self._folder.glob("*.part"):
                shutil.rmtree(partial)
        partial = self._folder / f"{uuid4().hex}.part"
        self._check_version()
        made = self._git("init", "--quiet", "--bare", "--template=", str(partial))
        if made.code:
            raise meaning(self._remote, made.error)
        with translated(self._folder):
            partial.rename(self._git_dir)

    def _clear(self) -> None:
        """Remove what a git that was killed left: nobody else is here."""
        for lock in self._git_dir.rglob("*.lock"):
            lock.unlink(missing_ok=True)
        for partial in (self._git_dir / "objects").rglob("tmp_*"):
            if partial.is_dir():
                shutil.rmtree(partial)
            else:
                partial.unlink(missing_ok=True)

    def _check_version(self) -> None:
        said = self._git("--version").out.decode("ascii", "replace")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is None or (int(found[1]), int(found[2])) < _NEEDED:
            raise NotReady(
                f"git on this machine is older than {_NEEDED[0]}.{_NEEDED[1]}",
                hint="install a newer git",
            )

    def _addresses(self) -> tuple[str, ...]:
        """Return the addresses of the host, judged.

        Raises:
            NotAllowed: One of them may not be reached.
            SourceFailed: It has none.
        """
        where = self._remote
        if where.transport == "file":
            return ()
        try:
            return self._reach.pin(where.host, where.port, usual=_PORTS[where.transport])
        except Unreached as error:
            if error.code == "link_out":
                raise NotAllowed(
                    f"the host of {where.shown} may not be reached: {error.reason}",
                    hint=f"if it is meant, allow it by name: setting {SETTING}",
                ) from error
            raise SourceFailed(
                f"the repository {where.shown} cannot be read: {error.reason}",
                hint="look whether its host is up and its address is right",
                is_passing=True,
            ) from error

    def _tip(self, env: dict[str, str]) -> str:
        """Return the commit the branch is at.

        Raises:
            SourceFailed: There is no such branch, or no such repository.
        """
        asked = self._git(
            *("ls-remote", "--exit-code", "origin", self._ref),
            env=env,
            seconds=min(_QUICK_S, self._bounds.seconds),
        )
        if asked.code and asked.code != _NO_SUCH_REF:
            raise meaning(self._remote, asked.error)
        for line in asked.out.decode("utf-8", "replace").splitlines():
            oid, _, ref = line.partition("\t")
            if ref == self._ref and re.fullmatch(r"[0-9a-f]{40,64}", oid):
                return oid
        branch = self._ref.removeprefix("refs/heads/")
        raise SourceFailed(
            f"the repository {self._remote.shown} has no branch {shown(branch)}",
            hint="look whether it was renamed or merged; the documents of this source stay as they "
            "were until it names a branch that exists",
        )

    def _have(self) -> str:
        found = self._local("rev-parse", "--verify", "--quiet", f"{_READ}^{{commit}}")
        return "" if found.code else found.out.decode("ascii", "replace").strip()

    def _fetch(self, env: dict[str, str]) -> None:
        done = self._git(
            "fetch",
            *("--quiet", "--depth=1", "--update-shallow", "--no-tags", "--no-write-fetch-head"),
            *("--no-recurse-submodules", "--no-auto-maintenance"),
            f"--filter=blob:limit={self._blob_bytes_max + 1}",
            *("origin", f"+{self._ref}:{_READ}"),
            env=env,
            seconds=self._bounds.seconds,
        )
        if done.code:
            self._clear()
            raise meaning(self._remote, done.error)
        packs = self._git_dir / "objects" / "pack"
        if sum(1 for _ in packs.glob("*.pack")) > _PACKS_MAX:
            self._local("gc", "--quiet", "--prune=now", seconds=self._bounds.seconds)

    def _env(self, addresses: tuple[str, ...] = (), *, is_online: bool = False) -> dict[str, str]:
        home = self._folder / "home"
        with translated(home):
            home.mkdir(exist_ok=True)
        return environment(
            self._remote,
            self._login,
            addresses=addresses,
            is_online=is_online,
            home=home,
            inherited=os.environ,
        )

    def _command(self, *arguments: str) -> list[str]:
        return ["git", f"--git-dir={self._git_dir}", *arguments]

    def _local(self, *arguments: str, seconds: float = _QUICK_S) -> Finished:
        """Run git on the mirror alone: there is nowhere it could fetch from."""
        return self._git(*arguments, env=self._env(), seconds=seconds)

    def _git(
        self, *arguments: str, env: dict[str, str] | None = None, seconds: float = _QUICK_S
    ) -> Finished:
        # `init` and `--version` are about no repository yet.
        is_inside = self._git_dir.exists()
        command = self._command(*arguments) if is_inside else ["git", *arguments]
        try:
            done = run(
                command,
                env=env or self._env(),
                cwd=self._folder,
                seconds=seconds,
                out_bytes_max=_LISTING_BYTES_MAX,
                file_bytes_max=self._bounds.mirror_bytes,
            )
        except Overran as error:
            raise SourceFailed(
                f"the repository {self._remote.shown} cannot be read: {error.reason}",
                hint="look whether its host is slow, and name the folder that holds the documents",
                is_passing=True,
            ) from error
        if done.code == _NO_PROGRAM:
            raise NotReady("there is no git on this machine", hint="install git")
        return done

    def damaged(self) -> SourceFailed:
        """Delete the mirror, so that the next reading fetches it anew; return the failure."""
        with translated(self._git_dir):
            shutil.rmtree(self._git_dir)
        return SourceFailed(
            f"what was fetched of the repository {self._remote.shown} is damaged",
            hint="it is fetched anew when the source is read again",
            is_passing=True,
        )


class Blobs:
    """Gives objects of a mirror, from a git that is started for the first of them."""

    def __init__(self, mirror: Mirror, stack: ExitStack) -> None:
        self._mirror = mirror
        self._stack = stack
        self._child: Child | None = None

    def size(self, oid: str) -> int:
        """Return the size of an object.

        Raises:
            SourceFailed: It is not there.
        """
        return self._asked("info", oid)

    def data(self, oid: str, size: int) -> bytes:
        """Return the bytes of an object of a known size.

        Raises:
            SourceFailed: It is not there, or not whole.
        """
        if self._asked("contents", oid) != size:
            raise self._mirror.damaged()
        data = self._heard().exactly(size + 1, _QUICK_S)
        if len(data) != size + 1:
            raise self._mirror.damaged()
        return data[:-1]

    def _asked(self, command: str, oid: str) -> int:
        child = self._heard()
        try:
            child.say(f"{command} {oid}".encode())
            said = child.line(_QUICK_S).decode("ascii", "replace").split(" ")
        except (OSError, Overran) as error:
            raise self._mirror.damaged() from error
        if said[0] != oid or len(said) != 3 or said[1] != "blob":  # noqa: PLR2004 # id, type, size
            raise self._mirror.damaged()
        return int(said[2])

    def _heard(self) -> Child:
        if self._child is None:
            self._child = self._stack.enter_context(self._mirror.blobs())
        return self._child
