"""From what an operator says of a source to what can be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from answerable.domain.errors import BadInput, NotReady, PathMissing
from answerable.library.ports import PUSH_SOURCE, Source
from answerable.operations.sources import (
    LOSS_MAX,
    RegisteredSource,
    SourceKind,
    SourceSpec,
    checked,
)
from answerable.settings import Settings

if TYPE_CHECKING:
    from answerable.adapters.sources.bucket import Store
    from answerable.adapters.sources.reach import Reach

DEFAULT_SCHEDULES = {
    SourceKind.FOLDER: "15m",  # beside watching, which misses network drives
    SourceKind.GIT: "10m",
    SourceKind.WEB: "1d",
    SourceKind.BUCKET: "1h",
    SourceKind.PUSH: "never",
}
_NUMBER_MAX = 1_000_000_000
PUSHED = "push"
"""The place of a source that others send to."""

_OPTIONS: Mapping[SourceKind, tuple[str, ...]] = {
    SourceKind.FOLDER: (),
    SourceKind.GIT: ("branch", "path", "user", "secret_env", "ssh_key", "known_hosts"),
    SourceKind.WEB: ("pages", "depth", "delay_s"),
    SourceKind.BUCKET: ("endpoint", "region", "key_env", "secret_env"),
    SourceKind.PUSH: (),
}
_CLOUDS = ("gs", "gcs", "abfs", "az", "oss")
CACHE, SPOOL = "sources", "spool"
"""Folders below the data where sources keep what they fetched, and what waits to be read."""


def described(
    settings: Settings,
    name: str,
    place: str,
    *,
    kind: str = "",
    options: Mapping[str, str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    labels: Sequence[str] = (),
    schedule: str = "",
    watch: bool = True,
    loss_max: float = LOSS_MAX,
) -> SourceSpec:
    """Return what was said of a source, complete and checked; nothing is read yet.

    Args:
        settings: What may be reached.
        name: What it shall be called.
        place: A folder, an address, or ``push``.
        kind: Left out, it is seen from the place.
        options: What only its kind knows.
        include: Patterns to take.
        exclude: Patterns to leave out.
        labels: Who may read, beside the owner.
        schedule: Left out, that of its kind.
        watch: Whether changes of a folder are followed at once.
        loss_max: Share of documents that may vanish at once.

    Raises:
        BadInput, PathMissing: It cannot be registered like this; says why.
    """
    what = _kind(place, kind)
    where = str(_folder(place)) if what is SourceKind.FOLDER else place
    given = dict(options or {})
    _check_options(what, given)
    _check_no_secret(place)
    _check_include(include)
    spec = checked(
        SourceSpec(
            name=name,
            kind=what,
            place="" if what is SourceKind.PUSH else where,
            source=f"{PUSH_SOURCE}{name}",
            options=tuple(sorted(given.items())),
            include=tuple(include),
            exclude=tuple(exclude),
            labels=tuple(sorted(set(labels))),
            schedule=schedule or DEFAULT_SCHEDULES[what],
            watch=watch and what is SourceKind.FOLDER,
            loss_max=loss_max,
        )
    )
    return spec if what is SourceKind.PUSH else replace(spec, source=_called(spec, settings))


def _called(spec: SourceSpec, settings: Settings) -> str:
    """Return what reads a source is called: two that read the same are one.

    Secrets may be set only where it will be read.
    """
    public = tuple(one for one in spec.options if not one[0].endswith("_env"))
    return _read_by(replace(spec, options=public), settings).name


def opened(spec: SourceSpec, settings: Settings, *, paths: Sequence[str] | None = None) -> Source:
    """Return what reads a source now.

    Args:
        spec: What was said of it.
        settings: What may be reached, and limits.
        paths: Of a folder, what is to be read of it; None for all.

    Raises:
        AnswerableError: It cannot be read as a whole.
    """
    from answerable.adapters.sources.narrowed import Narrowed

    source = _read_by(spec, settings) if paths is None else _part_of(spec, settings, paths)
    if spec.kind is SourceKind.FOLDER and spec.include:
        return Narrowed(source, spec.include)
    return source


def is_far(spec: SourceSpec) -> bool:
    """Return whether reading it may take long: then it is fetched before anybody waits."""
    return spec.kind not in (SourceKind.FOLDER, SourceKind.PUSH)


def forget_fetched(data: Path, source: str = "") -> None:
    """Delete what sources far away sent, as far as it is kept here: they send it again.

    Args:
        data: The data directory.
        source: Name of the one that is meant; empty for all.

    Raises:
        Locked: One is being read just now.
        StorageFailure: It cannot be deleted.
    """
    from answerable.adapters.sources.kept import forget, forget_all

    if source:
        forget(data / CACHE, source)
    else:
        forget_all(data / CACHE)


def _read_by(spec: SourceSpec, settings: Settings) -> Source:
    """Return the adapter of a kind; no machine is asked by that."""
    readers: Mapping[SourceKind, Callable[[SourceSpec, Settings], Source]] = {
        SourceKind.FOLDER: _folder_of,
        SourceKind.GIT: _git_of,
        SourceKind.WEB: _web_of,
        SourceKind.BUCKET: _bucket_of,
    }
    if spec.kind not in readers:
        raise BadInput(
            f"the source {spec.name} is sent to, not read",
            hint=f"PUT /v1/sources/{spec.name}/documents/PATH",
        )
    return readers[spec.kind](spec, settings)


def _folder_of(spec: SourceSpec, settings: Settings) -> Source:
    from answerable.adapters.sources.folder import Folder

    return Folder(Path(spec.place), excludes=spec.exclude, size_max_bytes=_size_max_bytes(settings))


def _part_of(spec: SourceSpec, settings: Settings, paths: Sequence[str]) -> Source:
    from answerable.adapters.sources.picked import Picked

    size_max_bytes = _size_max_bytes(settings)
    return Picked(Path(spec.place), paths, excludes=spec.exclude, size_max_bytes=size_max_bytes)


def _git_of(spec: SourceSpec, settings: Settings) -> Source:
    from answerable.adapters.sources.git import GitRepository
    from answerable.adapters.sources.git_remotes import Login

    return GitRepository(
        spec.place,
        cache=settings.data / CACHE,
        branch=spec.option("branch", "HEAD"),
        path=spec.option("path"),
        reach=_reach(settings),
        login=Login(
            user=spec.option("user"),
            secret=_secret(spec, "secret_env"),
            ssh_key=spec.option("ssh_key"),
            known_hosts=spec.option("known_hosts"),
        ),
        includes=spec.include,
        excludes=spec.exclude,
        size_max_bytes=_size_max_bytes(settings),
        allow_local=settings.sources.allow_local_git,
    )


def _web_of(spec: SourceSpec, settings: Settings) -> Source:
    from answerable.adapters.sources.website import Crawl, Website

    usual = Crawl()
    return Website(
        spec.place,
        cache=settings.data / CACHE,
        reach=_reach(settings),
        includes=spec.include,
        excludes=spec.exclude,
        crawl=Crawl(
            pages=_number(spec, "pages", usual.pages, int),
            depth=_number(spec, "depth", usual.depth, int),
            delay_s=_number(spec, "delay_s", usual.delay_s, float),
            page_bytes=_size_max_bytes(settings),
        ),
        contact=settings.sources.contact,
    )


def _bucket_of(spec: SourceSpec, settings: Settings) -> Source:
    from answerable.adapters.sources.bucket import Bucket

    scheme, bucket, prefix = _bucket_place(spec)
    return Bucket(
        _s3_of(spec, bucket, settings) if scheme == "s3" else _cloud_of(scheme, bucket),
        cache=settings.data / CACHE,
        prefix=prefix,
        includes=spec.include,
        excludes=spec.exclude,
        size_max_bytes=_size_max_bytes(settings),
    )


def _bucket_place(spec: SourceSpec) -> tuple[str, str, str]:
    parts = urlsplit(spec.place)
    scheme = parts.scheme.lower()
    if scheme not in ("s3", *_CLOUDS) or not parts.netloc or parts.query or parts.fragment:
        raise BadInput(f"{spec.place} is no bucket", hint="s3://bucket/folder")
    return scheme, parts.netloc, parts.path.strip("/")


def _s3_of(spec: SourceSpec, bucket: str, settings: Settings) -> Store:
    from answerable.adapters.sources.s3 import S3Store
    from answerable.adapters.sources.sigv4 import Keys

    key = _secret(spec, "key_env", usual="AWS_ACCESS_KEY_ID")
    secret = _secret(spec, "secret_env", usual="AWS_SECRET_ACCESS_KEY")
    token = "" if spec.option("key_env") else os.environ.get("AWS_SESSION_TOKEN", "")
    keys = Keys(id=key, secret=secret, token=token) if key and secret else None
    return S3Store(
        bucket,
        endpoint=spec.option("endpoint"),
        region=spec.option("region", "us-east-1"),
        keys=keys,
        reach=_reach(settings),
    )


def _cloud_of(scheme: str, bucket: str) -> Store:
    from answerable.adapters.sources.clouds import FsspecStore, filesystem

    return FsspecStore(scheme, bucket, filesystem(scheme, {}))


def _reach(settings: Settings) -> Reach:
    from answerable.adapters.sources.reach import Policy, Reach

    return Reach(Policy.of(settings.sources.allow_hosts))


def _size_max_bytes(settings: Settings) -> int:
    return settings.ingest.size_mb_max * 1_000_000


def _secret(spec: SourceSpec, option: str, *, usual: str = "") -> str:
    """Return what a variable of the environment holds; the empty string where none is named."""
    named = spec.option(option)
    if named and named not in os.environ:
        raise NotReady(
            f"the source {spec.name} needs the variable {named}, which is not set",
            hint=f"set {named} where answerable runs",
        )
    return os.environ.get(named or usual, "")


_Number = TypeVar("_Number", int, float)


def _number(
    spec: SourceSpec, option: str, usual: _Number, kind: Callable[[str], _Number]
) -> _Number:
    text = spec.option(option)
    if not text:
        return usual
    try:
        value = kind(text)
    except ValueError:
        value = kind("-1")
    if not 0 <= value < _NUMBER_MAX:
        raise BadInput(f"{option} cannot be {text[:40]!r}", hint=f"a number, such as {usual}")
    return value


def _kind(place: str, told: str) -> SourceKind:
    if told:
        try:
            return SourceKind(told)
        except ValueError:
            kinds = ", ".join(SourceKind)
            raise BadInput(f"there is no kind {told!r}", hint=f"one of {kinds}") from None
    if place == PUSHED:
        return SourceKind.PUSH
    scheme = urlsplit(place).scheme.lower()
    if scheme in ("s3", *_CLOUDS):
        return SourceKind.BUCKET
    is_scp = re.match(r"[\w.-]+@[\w.-]+:", place) is not None
    if (
        is_scp
        or scheme in ("git", "ssh", "git+ssh", "git+https")
        or place.rstrip("/").endswith(".git")
    ):
        return SourceKind.GIT
    if scheme in ("http", "https"):
        return SourceKind.WEB
    return SourceKind.FOLDER


def _folder(place: str) -> Path:
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise PathMissing(
            f"{place} is no folder",
            hint="name a folder; other places: an address, a .git repository, s3://…, push",
        )
    return Path(os.path.abspath(folder))  # noqa: PTH100 - `..` is to go, links are to stay


def _check_options(kind: SourceKind, given: Mapping[str, str]) -> None:
    known = _OPTIONS.get(kind, ())
    for option in given:
        if option not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no options"
            raise BadInput(f"a {kind.value} source has no {option}", hint=f"it {takes}")


def _check_include(include: Sequence[str]) -> None:
    """Make sure that what is to be taken can match something: else all would be, or nothing.

    Raises:
        BadInput: It cannot.
    """
    from answerable.adapters.sources.ignore import compiled

    if include and compiled(one.encode(errors="surrogateescape") for one in include) is None:
        raise BadInput(
            "no pattern of what to take can match anything", hint="--include 'docs/**/*.md'"
        )


def _check_no_secret(place: str) -> None:
    """Make sure that an address holds no password, and no user name that may be a token.

    Addresses are stored and shown. Over ssh the user is no secret.

    Raises:
        BadInput: It does.
    """
    parts = urlsplit(place) if "://" in place else None
    is_ssh = parts is not None and parts.scheme.lower() in ("ssh", "git+ssh")
    if parts and (parts.password is not None or (parts.username and not is_ssh)):
        raise BadInput(
            "the address holds a user name or a password, and addresses are stored and shown",
            hint="name who it is and the variable that has the secret: "
            "--option user=NAME --option secret_env=GIT_TOKEN",
        )


def as_json(one: RegisteredSource) -> dict[str, Any]:
    """Return a source as JSON values, as every door gives it."""
    spec, health = asdict(one.spec), asdict(one.health)
    return {
        **spec,
        "options": dict(one.spec.options),
        "state": one.health.state,
        "health": {**health, "counts": dict(one.health.counts)},
        "added_ms": one.added_ms,
        "who": one.who,
        "due_ms": one.due_ms,
    }
