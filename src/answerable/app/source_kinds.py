"""From what an operator says of a source to what can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from answerable.domain.errors import BadInput, PathMissing
from answerable.library.ports import PUSH_SOURCE, Source
from answerable.operations.sources import (
    LOSS_MAX,
    RegisteredSource,
    SourceKind,
    SourceSpec,
    checked,
)
from answerable.settings import Settings

DEFAULT_SCHEDULES = {
    SourceKind.FOLDER: "15m",  # beside watching, which misses network drives
    SourceKind.GIT: "10m",
    SourceKind.WEB: "1d",
    SourceKind.BUCKET: "1h",
    SourceKind.PUSH: "never",
}
PUSHED = "push"
"""The place of a source that others send to."""

_OPTIONS: Mapping[SourceKind, tuple[str, ...]] = {
    SourceKind.FOLDER: (),
    SourceKind.PUSH: (),
}


def described(
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
    return checked(
        SourceSpec(
            name=name,
            kind=what,
            place="" if what is SourceKind.PUSH else where,
            source=_source_name(what, name, where),
            options=tuple(sorted(given.items())),
            include=tuple(include),
            exclude=tuple(exclude),
            labels=tuple(sorted(set(labels))),
            schedule=schedule or DEFAULT_SCHEDULES[what],
            watch=watch and what is SourceKind.FOLDER,
            loss_max=loss_max,
        )
    )


def opened(spec: SourceSpec, settings: Settings) -> Source:
    """Return what reads a source now.

    Raises:
        AnswerableError: It cannot be read as a whole.
    """
    from answerable.adapters.sources.narrowed import Narrowed

    source = _read_by(spec, settings)
    if not spec.include and (not spec.exclude or spec.kind is SourceKind.FOLDER):
        return source
    return Narrowed(source, include=spec.include, exclude=spec.exclude)


def is_far(spec: SourceSpec) -> bool:
    """Return whether reading it may take long: then it is fetched before anybody waits."""
    return spec.kind not in (SourceKind.FOLDER, SourceKind.PUSH)


def _read_by(spec: SourceSpec, settings: Settings) -> Source:
    size_max_bytes = settings.ingest.size_mb_max * 1_000_000
    if spec.kind is SourceKind.FOLDER:
        from answerable.adapters.sources.folder import Folder

        return Folder(Path(spec.place), excludes=spec.exclude, size_max_bytes=size_max_bytes)
    raise BadInput(
        f"the source {spec.name} is sent to, not read: it is {spec.kind.value}",
        hint=f"PUT /v1/sources/{spec.name}/documents/PATH",
    )


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
    if scheme == "s3":
        return SourceKind.BUCKET
    if scheme in ("git", "ssh", "git+ssh", "git+https") or place.rstrip("/").endswith(".git"):
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
    return folder.absolute()


def _check_options(kind: SourceKind, given: Mapping[str, str]) -> None:
    known = _OPTIONS.get(kind, ())
    for option in given:
        if option not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no options"
            raise BadInput(f"a {kind.value} source has no {option}", hint=f"it {takes}")


def _source_name(kind: SourceKind, name: str, where: str) -> str:
    if kind is SourceKind.FOLDER:
        return f"folder:{where}"
    if kind is SourceKind.PUSH:
        return f"{PUSH_SOURCE}{name}"
    return f"{kind.value}:{where}"


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
