"""The same answers for clients that speak OpenAI's protocol: chat completions and models.

A client's sampling, tools and system prompts have no say: what can change an answer is in the
release. `model` chooses a rung: ``answerable`` is the whole ladder.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from secrets import token_hex
from time import time_ns
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from answerable.answering.events import Done, Event, Shown
from answerable.app import App
from answerable.domain.errors import AnswerableError, BadInput, NotFound
from answerable.domain.questions import Trace, Turn
from answerable.entrypoints.web import problems, render
from answerable.entrypoints.web.happening import MEDIA_TYPE, Answers, begun, conversation
from answerable.entrypoints.web.numbered import Paper
from answerable.entrypoints.web.schemas import Words
from answerable.entrypoints.web.streams import BEAT

WHOLE = "answerable"
_SEPARATOR = "/"
_TURNS_MAX = 1_000


class _Loose(BaseModel):
    """What a client may add is not ours to refuse."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class PartIn(_Loose):
    """A part of a message; only text is read."""

    type: str
    text: Words = ""


class MessageIn(_Loose):
    """A turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Words | list[PartIn] | None = None

    def words(self) -> str:
        """Return its text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptionsIn(_Loose):
    """What a stream shall hold beside the answer."""

    include_usage: bool = False


class CompletionIn(_Loose):
    """A conversation whose last turn is the question."""

    model: Words
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=_TURNS_MAX)]
    stream: bool = False
    stream_options: StreamOptionsIn | None = None
    n: Annotated[int, Field(ge=1, le=1)] = 1


def openai(app: App, answers: Answers) -> APIRouter:
    """Return the routes that speak OpenAI's protocol."""
    router = APIRouter(tags=["OpenAI"], responses=problems.RESPONSES)

    @router.get("/v1/models")
    def models() -> Response:
        """List what may be asked: the whole ladder, and each of its rungs alone."""
        listed = [
            {"id": one, "object": "model", "created": 0, "owned_by": WHOLE} for one in _ids(app)
        ]
        return _json({"object": "list", "data": listed})

    @router.get("/v1/models/{model:path}")
    def model(model: str) -> Response:
        """Show one of them."""
        _rung(app, model)
        return _json({"id": model, "object": "model", "created": 0, "owned_by": WHOLE})

    @router.post("/v1/chat/completions")
    async def completions(request: Request, asked: CompletionIn) -> Response:
        """Answer the last question of a conversation; citations are annotations."""
        try:
            question, turns = _conversation(asked.messages)
            how: dict[str, Any] = {
                "rung": _rung(app, asked.model),
                "turns": turns,
                "conversation": conversation(request),
            }
            if asked.stream:
                return await _streamed(answers.events(question, **how), asked)
            return _json(_completion(await answers.whole(request, question, **how), asked.model))
        except AnswerableError as error:
            return _failure(error)

    return router


def _json(value: object, *, status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), status_code=status, media_type="application/json")


def _failure(error: AnswerableError) -> Response:
    return _json(_failed(error), status=error.status)


def _failed(error: AnswerableError) -> dict[str, object]:
    """Return a failure in the shape that clients of this protocol read."""
    found = problems.of_failure(error)
    return {
        "error": {
            "message": f"{found.detail}; {found.hint}",
            "type": "invalid_request_error" if error.status < 500 else "server_error",  # noqa: PLR2004
            "param": None,
            "code": found.code,
            "trace_id": found.trace_id,
        }
    }


def _ids(app: App) -> list[str]:
    return [WHOLE, *(f"{WHOLE}{_SEPARATOR}{_short(rung)}" for rung in _rungs(app))]


def _rungs(app: App) -> list[str]:
    return [rung for rung in app.serving().release.ladder if rung != "abstain"]


def _short(rung: str) -> str:
    return rung.removeprefix("model:")


def _rung(app: App, model: str) -> str:
    """Return the rung a model's name asks for; empty for the whole ladder.

    Raises:
        NotFound: There is no such model.
    """
    if model == WHOLE:
        return ""
    for rung in _rungs(app):
        if model == f"{WHOLE}{_SEPARATOR}{_short(rung)}":
            return rung
    raise NotFound("there is no such model here", hint="GET /v1/models lists them")


def _conversation(messages: Sequence[MessageIn]) -> tuple[str, tuple[Turn, ...]]:
    """Return the question and what was said before it.

    Raises:
        BadInput: The last turn is not the user's.
    """
    said = [one for one in messages if one.role in {"user", "assistant"}]
    if not said or said[-1].role != "user":
        raise BadInput("the last message is not the user's", hint="end with a question")
    return said[-1].words(), tuple(_turns(said[:-1]))


def _turns(said: Sequence[MessageIn]) -> Iterator[Turn]:
    question = ""
    for one in said:
        if one.role == "user":
            question = one.words()
        elif question:
            yield Turn(question=question, answer=one.words())
            question = ""


def _completion(trace: Trace, model: str) -> dict[str, object]:
    paper = Paper()
    content = paper.whole(trace)
    message = {"role": "assistant", "content": content, "annotations": paper.annotations}
    return _head(trace.id, trace.at_ms, model, "chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(trace),
        "answerable": render.answer(trace),
    }


def _head(name: str, at_ms: int, model: str, kind: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{name}",
        "object": kind,
        "created": at_ms // 1000,
        "model": model,
    }


def _usage(trace: Trace) -> dict[str, int]:
    """Return the tokens of all calls of a model; a quoted answer takes none."""
    tokens_in = sum(one.tokens_in for one in trace.calls)
    tokens_out = sum(one.tokens_out for one in trace.calls)
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


async def _streamed(
    happening: AsyncGenerator[Event | None, None], asked: CompletionIn
) -> StreamingResponse:
    return StreamingResponse(_chunks(await begun(happening), asked), media_type=MEDIA_TYPE)


async def _chunks(
    happening: AsyncGenerator[Event | None, None], asked: CompletionIn
) -> AsyncGenerator[bytes, None]:
    paper, has_usage = Paper(), asked.stream_options and asked.stream_options.include_usage
    head = _head(token_hex(8), time_ns() // 1_000_000, asked.model, "chat.completion.chunk")
    async with aclosing(happening):
        yield _chunk(head, {"role": "assistant", "content": ""})
        try:
            async for event in happening:
                if event is None:
                    yield BEAT
                for said in _deltas(event, paper):
                    yield _chunk(head, said)
                if isinstance(event, Done):
                    yield _chunk(head, {}, finish="stop")
                    if has_usage:
                        yield _data(head | {"choices": [], "usage": _usage(event.trace)})
        except AnswerableError as error:
            yield _data(_failed(error))
    yield b"data: [DONE]\n\n"


def _deltas(event: Event | None, paper: Paper) -> Iterator[dict[str, object]]:
    match event:
        case Shown():
            yield {"content": paper.claim(event.claim, event.revision)}
        case Done():
            yield {"content": paper.ending(event.trace), "annotations": paper.annotations}
        case _:
            pass


def _chunk(
    head: dict[str, object], delta: dict[str, object], *, finish: str | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return _data(head | {"choices": [choice]})


def _data(value: object) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
