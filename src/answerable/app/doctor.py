"""What a person looks at first when something is wrong: each part, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from answerable.app.connecting import local_servers
from answerable.app.opening import open_app
from answerable.app.room import Room
from answerable.domain.errors import AnswerableError
from answerable.operations.schedule import ago
from answerable.operations.sources import SourceKind
from answerable.settings import Settings, find_workspace, load

if TYPE_CHECKING:
    from answerable.adapters.models.local import LocalServer
    from answerable.app.facade import App

Health = Literal["ok", "warn", "fail"]

_FREE_BYTES_MIN = 1 << 30
_SHOWN_MAX = 3
_OTHERS = 0o007
_CLOCK_MS_MAX = 60_000
_SHOW = "answerable sources show {}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One part, and how it is.

    Attributes:
        health: ``warn`` where answers are given all the same, but worse ones or not for long.
        hint: What to do; empty where nothing is to be done.
    """

    part: str
    health: Health
    said: str
    hint: str = ""


def examine(
    workspace: Path | None,
    *,
    servers: Callable[[], tuple[LocalServer, ...]] = local_servers,
) -> tuple[Finding, ...]:
    """Return what was found, part by part. No model is asked, so it costs nothing.

    Args:
        workspace: Its folder; None looks upwards from the current one.
        servers: Finds servers of models on this machine.
    """
    return tuple(_examine(workspace, servers))


def _examine(
    workspace: Path | None, servers: Callable[[], tuple[LocalServer, ...]]
) -> Iterator[Finding]:
    try:
        folder = find_workspace(workspace or Path())
        yield Finding(part="workspace", health="ok", said=str(folder))
        settings = load(folder)
        yield Finding(part="settings", health="ok", said="understood")
        yield _disk(settings.data, least_bytes=settings.ingest.free_mb_min * 2**20)
        yield from _permissions(settings.data)
        yield _ocr(settings)
        with open_app(folder) as app:
            yield from _library(app)
            yield _clock(app)
            yield from _index(app)
            yield from _sources(app)
            yield from _models(app, servers())
            yield _judge(app)
    except AnswerableError as error:
        part = {"not_ready": "workspace", "bad_configuration": "settings"}.get(error.code, "data")
        yield Finding(part=part, health="fail", said=error.message, hint=error.hint)


def _disk(data: Path, *, least_bytes: int) -> Finding:
    free = Room(data, least_bytes=least_bytes).free_bytes
    said = f"{data}, {free / 2**30:.1f} GiB free"
    hint = "free some space on that disk"
    if free < least_bytes:
        said = f"{said}: nothing is taken in until there is more"
        return Finding(part="data", health="fail", said=said, hint=hint)
    if free < _FREE_BYTES_MIN:
        return Finding(part="data", health="warn", said=said, hint=hint)
    return Finding(part="data", health="ok", said=said)


def _ocr(settings: Settings) -> Finding:
    """Return whether scans are read. Without it they are named, and never indexed empty."""
    from answerable.adapters.parsers.recognising import program

    if settings.ingest.ocr == "never":
        return Finding(part="ocr", health="ok", said="turned off")
    if found := program():
        return Finding(part="ocr", health="ok", said=f"{found}, {settings.ingest.ocr_languages}")
    said = "tesseract is not installed: scans are refused with needs_ocr, all else is read"
    return Finding(part="ocr", health="ok", said=said)


def _permissions(data: Path) -> Iterator[Finding]:
    """Tell of what in the data directory this user may not write, and of what others may read."""
    if not data.exists():
        return
    below = [data, *data.glob("*")]
    closed = [one for one in below if not os.access(one, os.R_OK | os.W_OK)]
    if closed:
        said = f"{len(closed)} files of the data cannot be written by this user, {closed[0]} first"
        hint = f"give them back: chown -R $USER {data}"
        yield Finding(part="permissions", health="fail", said=said, hint=hint)
        return
    if data.stat().st_mode & _OTHERS:
        said = f"others of this machine may read {data}, and so every document"
        yield Finding(part="permissions", health="warn", said=said, hint=f"chmod -R o-rwx {data}")
    else:
        yield Finding(part="permissions", health="ok", said="this user may write, others not read")


def _clock(app: App) -> Finding:
    """Return whether time has gone back since something was last recorded."""
    noted_ms = max((one.sealed_at_ms for one in app.revisions()[:1]), default=0)
    ahead_ms = noted_ms - app.now_ms()
    if ahead_ms > _CLOCK_MS_MAX:
        said = f"it is {ago(ahead_ms)} before the newest revision was sealed"
        return Finding(part="clock", health="fail", said=said, hint="set the time of this machine")
    return Finding(part="clock", health="ok", said="not before what was recorded last")


def _index(app: App) -> Iterator[Finding]:
    """Tell whether every file of the index that serves is as it was sealed."""
    revision = app.serving().revision
    if revision is None:
        return
    wrong = app.verify(revision.number).get(revision.number, ())
    if wrong:
        hint = f"answerable revisions rebuild {revision.number}"
        said = f"revision {revision.number}: {wrong[0]}"
        yield Finding(part="index", health="fail", said=said, hint=hint)
    else:
        said = f"revision {revision.number} is as it was sealed"
        yield Finding(part="index", health="ok", said=said)


def _sources(app: App) -> Iterator[Finding]:
    """Tell how each source is, and whether its folder is there now."""
    for one in app.sources.all():
        part, name = f"source {one.spec.name}", one.spec.name
        is_gone = one.spec.kind is SourceKind.FOLDER and not Path(one.spec.place).is_dir()
        match one.health.state:
            case "failing":
                said, _, hint = one.health.error.partition("; ")
                yield Finding(part=part, health="fail", said=said, hint=hint or _SHOW.format(name))
            case "held":
                said = f"{one.health.withheld} documents seem lost and are kept"
                hint = f"answerable sources approve {name}, or bring them back"
                yield Finding(part=part, health="warn", said=said, hint=hint)
            case state if is_gone:
                said = f"{one.spec.place} is not there ({state} until now)"
                yield Finding(part=part, health="fail", said=said, hint="mount it")
            case state:
                yield Finding(
                    part=part, health="ok", said=f"{state}: {one.spec.place}".rstrip(": ")
                )


def _library(app: App) -> Iterator[Finding]:
    for check in app.readiness():
        is_worse = check.detail.startswith("words only:")
        said, _, hint = check.detail.partition("; ")
        health: Health = "warn" if is_worse else "ok"
        yield Finding(
            part=check.name, health=health if check.ready else "fail", said=said, hint=hint
        )


def _models(app: App, servers: tuple[LocalServer, ...]) -> Iterator[Finding]:
    models = app.models()
    for one in models:
        if one.trouble:
            said, _, hint = one.trouble.partition("; ")
            hint = hint or f"answerable models check {one.name}"
            yield Finding(part=f"model {one.name}", health="warn", said=said, hint=hint)
        else:
            said = f"{one.model} at {one.address or one.provider}"
            yield Finding(part=f"model {one.name}", health="ok", said=said)
    known = {one.address.rstrip("/") for one in models}
    for server in servers:
        yield _server(server, is_connected=server.base_url.rstrip("/") in known)
    if not models and not servers:
        said = "none: answers are quotes, which need none"
        yield Finding(part="models", health="ok", said=said)


def _judge(app: App) -> Finding:
    """Return whether drafts of models could be checked; without that, answers are quotes."""
    name, trouble = app.judge()
    said, _, hint = trouble.partition("; ")
    return Finding(part="judge", health="warn" if trouble else "ok", said=said or name, hint=hint)


def _server(server: LocalServer, *, is_connected: bool) -> Finding:
    shown = ", ".join(server.models[:_SHOWN_MAX])
    said = f"{server.provider} answers at {server.base_url} with {shown}"
    hint = "" if is_connected else offer(server)
    return Finding(part=f"local {server.provider}", health="ok", said=said, hint=hint)


def offer(server: LocalServer) -> str:
    """Return the one line that connects the first model of a server."""
    return f"answerable models add {server.provider}:{server.models[0]}"
