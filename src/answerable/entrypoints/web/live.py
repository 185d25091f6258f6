"""An answer on its way, as parts of the Ask page that are sent while it is made.

Each server-sent event carries HTML that stands where its name says: ``begun`` and ``done`` are the
whole place of the answer; ``understood``, ``passages``, ``claim``, ``dropped`` and ``step_down``
are added to it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

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
from answerable.domain.errors import AnswerableError
from answerable.domain.questions import Trace
from answerable.entrypoints.web import problems
from answerable.entrypoints.web.happening import MEDIA_TYPE, begun
from answerable.entrypoints.web.printing import part
from answerable.entrypoints.web.sheets import Press, is_news
from answerable.entrypoints.web.streams import BEAT, sent

Happening: TypeAlias = AsyncGenerator[Event | None, None]
Ending: TypeAlias = Callable[[Trace], dict[str, object]]


async def streamed(
    happening: Happening, head: dict[str, object], ending: Ending
) -> StreamingResponse:
    """Return the response that shows an answer while it is made.

    Args:
        happening: What happens; what fails before anything has is raised here.
        head: What stands above the answer from the start.
        ending: Gives what the last event carries.
    """
    return StreamingResponse(_told(await begun(happening), head, ending), media_type=MEDIA_TYPE)


async def _told(
    happening: Happening, head: dict[str, object], ending: Ending
) -> AsyncGenerator[bytes, None]:
    press: Press | None = None
    async with aclosing(happening):
        yield _sent("begun", "live.html", head)
        try:
            async for event in happening:
                if event is None:
                    yield BEAT
                    continue
                if isinstance(event, Retrieved):
                    press = Press(revision=event.revision)
                if isinstance(event, Done):
                    yield sent("done", await run_in_threadpool(ending, event.trace))
                elif said := _said(event, press or Press(revision=0)):
                    yield said
        except AnswerableError as error:
            yield _sent("error", "problem.html", {"problem": problems.of_failure(error)})


def _said(event: Event, press: Press) -> bytes:
    """Return what an event adds to the page; nothing for what is no news to a reader."""
    match event:
        case Understood():
            return _sent("understood", "understood.html", {"searched": event.searched})
        case Retrieved():
            return _sent("passages", "found.html", {"count": len(event.passages)})
        case Shown():
            return _sent("claim", "claim.html", {"claim": press.statement(event.claim)})
        case Dropped():
            return _sent("dropped", "dropped.html", {"left": press.left_out(event.claim)})
        case SteppedDown() if is_news(event.step):
            return _sent("step_down", "step.html", {"step": event.step})
        case _:
            return b""


def _sent(name: str, template: str, context: dict[str, object]) -> bytes:
    return sent(name, {"html": part(template, context)})
