"""What happens while a question is answered, as server-sent events and as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, assert_never

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from answerable.answering.events import (
    Done,
    Dropped,
    Event,
    Retrieved,
    Shown,
    SteppedDown,
    Understood,
)
from answerable.app import App
from answerable.domain.cancel import Cancel
from answerable.domain.errors import AnswerableError
from answerable.domain.questions import Trace
from answerable.entrypoints.web import problems, render
from answerable.entrypoints.web.streams import BEAT, GONE, Start, Streams, sent

MEDIA_TYPE = "text/event-stream"
CONVERSATION = "answerable-conversation"
"""The header by which a client names a conversation, so that one release answers all of it."""

_NAME_CHARS = 200
_CROWDED = "as many answers are on their way as this server takes at once"


class Answers:
    """Answers over one app, streamed or whole.

    Args:
        app: Who answers.
        streams: Where answers wait for models.
    """

    def __init__(self, app: App, streams: Streams) -> None:
        self._app = app
        self._streams = streams

    @property
    def open(self) -> int:
        """How many answers are on their way."""
        return self._streams.open

    async def whole(self, request: Request, text: str, **how: Any) -> Trace:
        """Return the trace of a question; whoever goes away meanwhile ends it."""
        cancel = self._streams.take()
        if cancel is None:
            return await run_in_threadpool(self._shed, text, how)
        watching = asyncio.create_task(_until_gone(request, cancel))
        try:
            return await self._streams.trace(self._start(text, how), cancel)
        finally:
            watching.cancel()

    async def events(self, text: str, **how: Any) -> AsyncGenerator[Event | None, None]:
        """Give what happens; None now and then while nothing does."""
        cancel = self._streams.take()
        if cancel is None:
            yield Done(trace=await run_in_threadpool(self._shed, text, how))
            return
        async with aclosing(self._streams.events(self._start(text, how), cancel)) as happening:
            async for event in happening:
                yield event

    def _start(self, text: str, how: dict[str, Any]) -> Start:
        def start(cancel: Cancel) -> Generator[Event, None, None]:
            return self._app.stream(text, self._app.owner(), cancel=cancel, **how)

        return start

    def _shed(self, text: str, how: dict[str, Any]) -> Trace:
        return self._app.ask(text, self._app.owner(), crowded=_CROWDED, **how)


def conversation(request: Request) -> str:
    """Return what a client calls its conversation; empty where it does not say."""
    return request.headers.get(CONVERSATION, "")[:_NAME_CHARS]


async def _until_gone(request: Request, cancel: Cancel) -> None:
    """Cancel an answer when its client goes away. The body has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancel.cancel(GONE)


async def begun(
    happening: AsyncGenerator[Event | None, None],
) -> AsyncGenerator[Event | None, None]:
    """Return the same once something has happened.

    What goes wrong before that is raised here, where the client can still get its status.
    """
    first = await anext(happening)
    return _from(first, happening)


async def _from(
    first: Event | None, happening: AsyncGenerator[Event | None, None]
) -> AsyncGenerator[Event | None, None]:
    async with aclosing(happening):
        yield first
        async for event in happening:
            yield event


async def streamed(happening: AsyncGenerator[Event | None, None], *, top: int) -> StreamingResponse:
    """Return the response that tells what happens as server-sent events."""
    return StreamingResponse(_told(await begun(happening), top), media_type=MEDIA_TYPE)


async def _told(
    happening: AsyncGenerator[Event | None, None], top: int
) -> AsyncGenerator[bytes, None]:
    async with aclosing(happening):
        try:
            async for event in happening:
                yield BEAT if event is None else sent(*_said(event, top))
        except AnswerableError as error:
            yield sent("error", asdict(problems.of_failure(error)))


def _said(event: Event, top: int) -> tuple[str, render.Plain]:
    """Return the name of an event and what it tells."""
    match event:
        case Understood():
            said: tuple[str, render.Plain] = "understood", {"searched": event.searched}
        case Retrieved():
            said = "passages", {"passages": [render.looked_at(one) for one in event.passages]}
        case Shown():
            said = "claim", render.shown_claim(event.claim, event.revision) | {"rung": event.rung}
        case Dropped():
            said = "dropped", render.dropped(event.claim) | {"rung": event.rung}
        case SteppedDown():
            said = "step_down", render.step_down(event.step)
        case Done():
            said = "done", render.answer(event.trace, top=top)
        case _:
            assert_never(event)
    return said
