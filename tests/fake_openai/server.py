"""The server: one loop in one thread, HTTP/1.1 by hand, so that every fault can be had."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from fake_openai.dialects import Event, OpenAi, Usage, dialect
from fake_openai.replies import REFUSALS, Mode, reply_text, tokens

_CUT_AFTER = 3
_HUGE_BIT = 4_096


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(kw_only=True)
class _Line:
    """One connection; `is_asked` while a call on it is being answered."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_asked: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What is to be said, and how."""

    body: Any
    mode: Mode
    text: str
    usage: Usage | None


class FakeOpenAi:
    """A server on 127.0.0.1, at a port of its own; use it as a context manager.

    Args:
        text: What it says in modes where something is said.
        mode: How calls go, until `mode` is set to another; a sequence gives each call its own,
            and the last one stays.
        tokens_s: Tokens a second; None says them as fast as can be.
        first_token_s: What it takes before the first one.
        retry_after: Value of that header in the mode `STORM`; None leaves it out.
        key: The only key that is let in; None lets everybody in.
        owned_by: What it says it is in the list of models.
        port: 0 takes a free one.

    Attributes:
        requests: What was asked, in order.
        connections: How many were opened; `open_connections` are open now.
        disconnects: Calls whose asker left before the reply was whole.
    """

    def __init__(
        self,
        *,
        text: str = "The API listens on port 8443. Restart it with systemctl restart api.",
        mode: Mode | list[Mode] = Mode.NORMAL,
        tokens_s: float | None = None,
        first_token_s: float = 0.0,
        retry_after: str | None = "1",
        key: str | None = None,
        owned_by: str = "fake",
        models: tuple[str, ...] = ("fake-1",),
        port: int = 0,
    ) -> None:
        self.text = text
        self.mode = mode
        self.tokens_s = tokens_s
        self.first_token_s = first_token_s
        self.retry_after = retry_after
        self.key = key
        self.owned_by = owned_by
        self.models = models
        self.requests: list[Seen] = []
        self.connections = 0
        self.open_connections = 0
        self.disconnects = 0
        self._port = port
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def base_url(self) -> str:
        """Up to and with ``/v1``."""
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_until(self, holds: Callable[[Self], bool], *, seconds_max: float = 20.0) -> None:
        """Return as soon as something holds of this server.

        Raises:
            AssertionError: It did not come true in time.
        """
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), seconds_max), vars(self)

    def drop_all(self) -> None:
        """Close every connection, as a server does that is killed."""

        def drop() -> None:
            for task in self._tasks:
                task.cancel()

        self._loop.call_soon_threadsafe(drop)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._port, backlog=512
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._tell(connections=1, open_connections=1)
        line = _Line(reader=reader, writer=writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve(line):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()
            self._tell(open_connections=-1)

    def _tell(self, **changes: int) -> None:
        with self._changed:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)
            self._changed.notify_all()

    async def _serve(self, line: _Line) -> bool:
        """Answer one request; return whether another may come."""
        head = await line.reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)
        }
        raw = await line.reader.readexactly(int(headers.get("content-length", "0")))
        seen = Seen(method=method, path=path, headers=headers, body=json.loads(raw or b"null"))
        with self._changed:
            self.requests.append(seen)
            self._changed.notify_all()
        watch = asyncio.ensure_future(line.reader.read(1))
        answer = asyncio.ensure_future(self._answer(line, seen))
        try:
            done, _ = await asyncio.wait({watch, answer}, return_when=asyncio.FIRST_COMPLETED)
            if answer not in done:
                self._tell(disconnects=1)
                return False
            return await answer and not watch.done()
        except ConnectionError:
            self._tell(disconnects=1)
            return False
        finally:
            for one in (watch, answer):
                one.cancel()
            await asyncio.gather(watch, answer, return_exceptions=True)

    async def _answer(self, line: _Line, seen: Seen) -> bool:
        """Answer; return whether the connection may be used again."""
        path = seen.path.partition("?")[0]
        if seen.method == "GET" and path == "/v1/models":
            listed = [
                {"id": id_, "object": "model", "owned_by": self.owned_by} for id_ in self.models
            ]
            return await _whole(line, 200, {"object": "list", "data": listed})
        spoken = dialect(path)
        if seen.method != "POST" or spoken is None:
            return await _whole(line, 404, {"error": {"message": "no such path"}})
        if self.key is not None and _key(seen) != self.key:
            return await self._refuse(line, Mode.WRONG_KEY, seen, spoken)
        model = str(seen.body.get("model") or path.rpartition("/")[2].rpartition(":")[0])
        return await self._reply(line, seen, spoken, self._mode(unquote(model)))

    async def _reply(self, line: _Line, seen: Seen, spoken: OpenAi, mode: Mode) -> bool:
        if mode in REFUSALS:
            return await self._refuse(line, mode, seen, spoken)
        if mode is Mode.MOVED:
            return await _whole(line, 307, {}, f"Location: http://127.0.0.1:{self._port}/v2\r\n")
        if self.first_token_s:
            await asyncio.sleep(self.first_token_s)
        if mode is Mode.HANG_FIRST:
            await asyncio.Event().wait()
        if mode is Mode.NOT_JSON:
            return await _whole(line, 200, "<html>A proxy says hello.</html>")
        prompt = spoken.prompt(seen.body)
        text = reply_text(mode, self.text, prompt)
        usage = _usage(mode, len(prompt), len(tokens(text)))
        give = self._stream if spoken.wants_stream(seen.body) else self._at_once
        return await give(line, spoken, _Told(body=seen.body, mode=mode, text=text, usage=usage))

    def _mode(self, model: str) -> Mode:
        if model.startswith("mode:"):
            return Mode(model.removeprefix("mode:"))
        if isinstance(self.mode, list):
            return self.mode.pop(0) if len(self.mode) > 1 else self.mode[0]
        return self.mode

    async def _refuse(self, line: _Line, mode: Mode, seen: Seen, spoken: OpenAi) -> bool:
        """Say no, and repeat the key, as some servers do."""
        status, error = REFUSALS[mode]
        error = {**error, "message": error["message"].replace("KEY", _key(seen))}
        waits = mode is Mode.STORM and self.retry_after is not None
        header = f"Retry-After: {self.retry_after}\r\n" if waits else ""
        return await _whole(line, status, spoken.failure(error), header)

    async def _at_once(self, line: _Line, spoken: OpenAi, told: _Told) -> bool:
        mode, text = told.mode, told.text
        if self.tokens_s:
            await asyncio.sleep(len(tokens(text)) / self.tokens_s)
        if mode is Mode.HANG_LATER:
            await asyncio.Event().wait()
        if mode is Mode.INVALID:
            return await _whole(line, 200, '{"choices": [{"mess')
        reply = spoken.whole(told.body, text, _reason(mode), told.usage)
        if mode is Mode.CUT:
            whole = json.dumps(reply).encode()
            line.writer.write(_head(200, len(whole)) + whole[: len(whole) // 2])
            await line.writer.drain()
            return False
        return await _whole(line, 200, reply)

    async def _stream(self, line: _Line, spoken: OpenAi, told: _Told) -> bool:
        writer, body, mode, text = line.writer, told.body, told.mode, told.text
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for event in spoken.begin(body, told.usage):
            _event(writer, event)
        bits = _huge_bits(text) if mode is Mode.HUGE else tokens(text)
        began = time.monotonic()
        for number, bit in enumerate(bits):
            if number == _CUT_AFTER and await self._broke(writer, mode, spoken.delta(body, bit)):
                return False
            if self.tokens_s:
                await asyncio.sleep(max(0.0, began + number / self.tokens_s - time.monotonic()))
            _event(writer, spoken.delta(body, bit))
            await writer.drain()
        for event in spoken.end(body, _reason(mode), told.usage):
            _event(writer, event)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _broke(self, writer: asyncio.StreamWriter, mode: Mode, event: Event) -> bool:
        """Break off in the way of a mode, and return whether it does."""
        name, data = event
        if mode is Mode.HANG_LATER:
            await asyncio.Event().wait()
        if mode is Mode.CUT:
            writer.write(_framed(f"data: {json.dumps(data)[:-8]}".encode()))
        elif mode is Mode.INVALID:
            _event(writer, (name, json.dumps(data)[:12]))
        elif mode is Mode.ERROR_LATER:
            error = {"message": "The engine died", "type": "server_error"}
            _event(writer, ("error" if name else "", {"type": "error", "error": error}))
        else:
            return False
        await writer.drain()
        return True


def _huge_bits(text: str) -> list[str]:
    return [text[start : start + _HUGE_BIT] for start in range(0, len(text), _HUGE_BIT)]


def _reason(mode: Mode) -> str:
    return {Mode.LENGTH: "length", Mode.FILTERED: "content_filter"}.get(mode, "stop")


def _usage(mode: Mode, prompt_chars: int, tokens_out: int) -> Usage | None:
    if mode is Mode.NO_USAGE:
        return None
    if mode is Mode.ZERO_USAGE:
        return Usage(tokens_in=0, tokens_out=0)
    return Usage(tokens_in=-(-prompt_chars // 4), tokens_out=tokens_out)


def _key(seen: Seen) -> str:
    bearer = seen.headers.get("authorization", "").removeprefix("Bearer ")
    return bearer or seen.headers.get("x-api-key") or seen.headers.get("x-goog-api-key", "")


def _event(writer: asyncio.StreamWriter, event: Event) -> None:
    name, data = event
    text = data if isinstance(data, str) else json.dumps(data)
    head = f"event: {name}\n" if name else ""
    writer.write(_framed(f"{head}data: {text}\n\n".encode()))


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _head(status: int, length: int, headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def _whole(line: _Line, status: int, body: object, headers: str = "") -> bool:
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    line.writer.write(_head(status, len(raw), headers) + raw)
    await line.writer.drain()
    return True
