"""Any server that speaks OpenAI's protocol for chat: ``POST {base_url}/chat/completions``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr

from answerable.adapters.http import authorization, base_address
from answerable.adapters.models import openai_wire as wire
from answerable.adapters.models import refusals
from answerable.adapters.models.heard import Heard
from answerable.adapters.models.pump import Pump
from answerable.adapters.models.refusals import Where
from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel

_CONNECT_S = 5.0
_KEPT = 32
# What follows the end of a reply is mostly there already.
_DRAIN_S = 0.05
_OPENAI = "api.openai.com"
_LINE_BYTES_MAX = 1 << 20
_REFUSAL_BYTES_MAX = 64 << 10
_BAD_REQUEST = {400, 422}


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAiChatConfig:
    """Where the server is.

    Attributes:
        name: As the settings call it.
        base_url: Up to and with ``/v1``; may hold a name and a password.
        model: As the server calls it.
        api_key: Sent as a bearer token, in place of name and password.
        key_variable: Where the key comes from, for hints.
    """

    name: str
    base_url: str = field(repr=False)
    model: str
    api_key: SecretStr | None = None
    key_variable: str = ""


class OpenAiModel:
    """A model behind OpenAI's protocol. Keeps its connections, and is safe for many threads.

    It has no patience of its own but for connecting: `Timed` sees to the limits of a call, and
    `Retrying` to another try.

    Args:
        config: Where it is.
        transport: What sends requests; without it, the network.

    Raises:
        BadConfiguration: The configuration cannot be used.
    """

    def __init__(
        self, config: OpenAiChatConfig, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.name = config.name
        self._model = config.model
        base = checked_address(config.base_url, config.name)
        self._url = base.copy_with(
            username=None,
            password=None,
            path=f"{base.path.rstrip('/')}/chat/completions",
            fragment=None,
        )
        self._is_openai = base.host == _OPENAI
        self._where = Where(
            name=config.name,
            address=str(self._url.copy_with(query=None)),
            key=config.key_variable,
        )
        key = authorization(
            config.api_key,
            setting=f"the key of models.{config.name}",
            hint=f"copy the key again, alone: {config.key_variable or 'its variable'}",
        )
        self._make_client: Callable[[], httpx2.AsyncClient] = lambda: httpx2.AsyncClient(
            transport=transport,
            auth=(base.username, base.password) if base.username and not key else None,
            headers={"Accept-Encoding": "identity"} | key,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=_KEPT),
        )
        self._client: httpx2.AsyncClient | None = None
        self._refused: frozenset[str] = frozenset()
        self._pump = Pump()

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply as it comes.

        Raises:
            ModelFailed: The server is down, refused, or gave what cannot be used.
            Cancelled: `cancel` was called.
        """
        yield from self._pump.stream(lambda: self._reply(call), cancel)

    def close(self) -> None:
        """Close all connections."""
        self._pump.close(self._close_client)

    async def _close_client(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _reply(self, call: ModelCall) -> AsyncGenerator[Delta | Finished, None]:
        while True:
            body = wire.request(call, self._model, is_openai=self._is_openai, without=self._refused)
            async with self._asked(body, call) as response:
                if response.is_success:
                    async for item in self._read(response, call):
                        yield item
                    return
                option = await self._refusal(response, body)
            self._refused |= {option}

    @asynccontextmanager
    async def _asked(
        self, body: Mapping[str, Any], call: ModelCall
    ) -> AsyncIterator[httpx2.Response]:
        """Give the response, and say in our words what the network did."""
        if self._client is None:
            self._client = self._make_client()
        patience = httpx2.Timeout(call.limits.whole_ms / 1000, connect=_CONNECT_S)
        try:
            async with self._client.stream(
                "POST",
                self._url,
                content=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
                timeout=patience,
            ) as response:
                yield response
        except httpx2.ConnectTimeout:
            raise refusals.unreachable(self._where, "nothing answers") from None
        except httpx2.TimeoutException:
            raise refusals.too_slow(self._where) from None
        except httpx2.ConnectError as error:
            raise refusals.unreachable(self._where, str(error)) from None
        except httpx2.TransportError as error:
            raise refusals.broke_off(self._where, type(error).__name__) from None
        except httpx2.HTTPError as error:
            said = f"gave what cannot be read ({type(error).__name__})"
            raise refusals.malformed(self._where, said) from None

    async def _refusal(self, response: httpx2.Response, sent: Mapping[str, Any]) -> str:
        """Return the part of the request that this server does not know, or raise."""
        told = await _refusal_body(response)
        if response.status_code in _BAD_REQUEST:
            option = wire.refused_option(told, sent)
            if option:
                return option
        raise refusals.refusal(
            self._where, response.status_code, wire.error_code(told), response.headers
        )

    async def _read(
        self, response: httpx2.Response, call: ModelCall
    ) -> AsyncGenerator[Delta | Finished, None]:
        heard = Heard(call=call, where=self._where, model=self._model)
        try:
            parts = _parts(response)
            async for read in parts:
                _note(heard, read)
                if read.text:
                    yield Delta(text=read.text)
                if read.is_done:
                    await _drain(parts)
                    break
        except wire.Unreadable as unreadable:
            raise refusals.malformed(self._where, str(unreadable)) from None
        except wire.ServerFailed as failed:
            raise refusals.refusal(self._where, 500, str(failed), {}) from None
        yield heard.end()


_: Callable[..., ChatModel] = OpenAiModel


def _note(heard: Heard, read: wire.Part) -> None:
    heard.add(read.text)
    heard.reason = read.reason or heard.reason
    heard.model = read.model or heard.model
    heard.tokens_in = read.tokens_in or heard.tokens_in
    heard.tokens_out = read.tokens_out or heard.tokens_out


async def _parts(response: httpx2.Response) -> AsyncIterator[wire.Part]:
    """Give the parts of a stream, or the one part of a server that does not stream."""
    buffer = bytearray()
    is_stream = "event-stream" in response.headers.get("content-type", "")
    async for data in response.aiter_raw():
        buffer += data
        if is_stream:
            for event in wire.events(buffer):
                yield wire.part(event)
        if len(buffer) > _LINE_BYTES_MAX:
            raise wire.Unreadable(f"gave over {_LINE_BYTES_MAX} bytes at once")
    if not is_stream:
        yield wire.whole(buffer.decode("utf-8", "replace"))


async def _drain(parts: AsyncIterator[wire.Part]) -> None:
    """Read what belongs to the end, so that the connection can be used again."""
    with suppress(TimeoutError, wire.Unreadable, wire.ServerFailed, httpx2.TransportError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in parts:
                pass


async def _refusal_body(response: httpx2.Response) -> object:
    body = bytearray()
    async for data in response.aiter_raw():
        body += data
        if len(body) > _REFUSAL_BYTES_MAX:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def checked_address(base_url: str, name: str) -> httpx2.URL:
    """Return the base address of a model.

    Raises:
        BadConfiguration: It is none.
    """
    return base_address(
        base_url, setting=f"models.{name}.base_url", example="http://127.0.0.1:11434/v1"
    )


def shown_address(base_url: str) -> str:
    """Return an address without name and password; empty for none."""
    try:
        return str(httpx2.URL(base_url).copy_with(username=None, password=None, query=None))
    except (httpx2.InvalidURL, UnicodeError):
        return ""


def is_open(base_url: str) -> bool:
    """Return whether what is sent there can be read on the way."""
    url = httpx2.URL(base_url)
    return url.scheme == "http" and url.host not in {"127.0.0.1", "::1", "localhost"}
