"""Any server that speaks OpenAI's protocol for chat: ``POST {base_url}/chat/completions``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import SecretStr

from answerable.adapters.models import openai_wire as wire
from answerable.adapters.models import refusals
from answerable.adapters.models.pump import Pump
from answerable.adapters.models.refusals import Where
from answerable.adapters.models.tokens import counted
from answerable.answering.ports import ChatModel, Delta, Finished, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.errors import BadConfiguration, ModelFailed
from answerable.domain.questions import StepReason

_CONNECT_S = 5.0
_KEPT = 32
_OPENAI = "api.openai.com"
# A token of any vocabulary in use is shorter; more is no reply but a flood.
_CHARS_PER_TOKEN_MAX = 64
_CHARS_MAX = 256 << 10
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
        key = _authorization(config)
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
        told = _Told(call=call, model=self._model)
        try:
            async for read in _parts(response):
                told.add(read)
                if read.text:
                    yield Delta(text=read.text)
                if read.is_done:
                    break
        except wire.Unreadable as unreadable:
            raise refusals.malformed(self._where, str(unreadable)) from None
        except wire.ServerFailed as failed:
            raise refusals.refusal(self._where, 500, str(failed), {}) from None
        yield told.end(self._where)


_: Callable[..., ChatModel] = OpenAiModel


@dataclass(kw_only=True, slots=True)
class _Told:
    """What was said so far of one reply."""

    call: ModelCall
    model: str
    texts: list[str] = field(default_factory=list)
    chars: int = 0
    reason: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None

    def add(self, read: wire.Part) -> None:
        """Note a part.

        Raises:
            Unreadable: It is far more than was asked for.
        """
        self.texts.append(read.text)
        self.chars += len(read.text)
        tokens_max = self.call.sampling.tokens_max
        if self.chars > (tokens_max * _CHARS_PER_TOKEN_MAX if tokens_max else _CHARS_MAX):
            raise wire.Unreadable(f"gave over {self.chars - 1} characters where less was asked for")
        self.reason = read.reason or self.reason
        self.model = read.model or self.model
        self.tokens_in = read.tokens_in or self.tokens_in
        self.tokens_out = read.tokens_out or self.tokens_out

    def end(self, where: Where) -> Finished:
        """Return how it ended.

        Raises:
            ModelFailed: It did not, or nothing was said.
        """
        if not self.reason:
            raise refusals.broke_off(where, "the reply has no end")
        text = "".join(self.texts)
        if not text.strip():
            raise _nothing_said(where, self.reason)
        usage = counted(self.tokens_in, self.tokens_out, self.call, text)
        return Finished(reason=self.reason, usage=usage, model=self.model)


def _nothing_said(where: Where, reason: str) -> ModelFailed:
    if reason == "filtered":
        return ModelFailed(
            f"{where.address} filtered the whole reply",
            hint="the provider will not answer this; another model may",
            kind=StepReason.POLICY,
        )
    if reason == "length":
        return ModelFailed(
            f"{where.address} used all its tokens before it said anything",
            hint="raise tokens_max of this rung: a reasoning model thinks before it speaks",
            kind=StepReason.MALFORMED,
        )
    return refusals.malformed(where, "gave an empty reply")


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
    """Return a base address.

    Raises:
        BadConfiguration: It is none. It is not repeated: it may hold a password.
    """
    try:
        base = httpx2.URL(base_url)
        base.host.encode("idna")  # what the resolver does, with an error nobody expects there
    except (httpx2.InvalidURL, UnicodeError):
        base = httpx2.URL("")
    if base.scheme not in {"http", "https"} or not base.host:
        raise BadConfiguration(
            f"models.{name}.base_url is no address", hint="it looks like http://127.0.0.1:11434/v1"
        )
    return base


def _authorization(config: OpenAiChatConfig) -> dict[str, str]:
    key = "" if config.api_key is None else config.api_key.get_secret_value().strip()
    if not key:
        return {}
    if not all("!" <= character <= "~" for character in key):
        raise BadConfiguration(
            f"the key of models.{config.name} holds white space or letters that are not ASCII",
            hint=f"copy the key again, alone: {config.key_variable or 'its variable'}",
        )
    return {"Authorization": f"Bearer {key}"}
