"""What a person looks at first when something is wrong: each part, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from answerable.app.connecting import local_servers
from answerable.app.opening import open_app
from answerable.domain.errors import AnswerableError
from answerable.settings import find_workspace, load

if TYPE_CHECKING:
    from answerable.adapters.models.local import LocalServer
    from answerable.app.facade import App

Health = Literal["ok", "warn", "fail"]

_FREE_BYTES_MIN = 1 << 30
_SHOWN_MAX = 3


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
        yield _disk(settings.data)
        with open_app(folder) as app:
            yield from _library(app)
            yield from _models(app, servers())
            yield _judge(app)
    except AnswerableError as error:
        part = {"not_ready": "workspace", "bad_configuration": "settings"}.get(error.code, "data")
        yield Finding(part=part, health="fail", said=error.message, hint=error.hint)


def _disk(data: Path) -> Finding:
    there = next(one for one in (data, *data.parents) if one.exists())
    free = shutil.disk_usage(there).free
    said = f"{data}, {free / 2**30:.1f} GiB free"
    if free < _FREE_BYTES_MIN:
        return Finding(part="data", health="warn", said=said, hint="free some space on that disk")
    return Finding(part="data", health="ok", said=said)


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
