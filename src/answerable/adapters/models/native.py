"""Providers with protocols of their own, Anthropic and Google, through pydantic-ai.

pydantic-ai and the provider's client are imported when the first model is made: they take
seconds, and come with the extras ``answerable[anthropic]`` and ``answerable[google]``.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import httpx2
from pydantic import SecretStr

from answerable.adapters.models import refusals
from answerable.adapters.models.heard import Heard, filtered
from answerable.adapters.models.openai import checked_address
from answerable.adapters.models.pump import Pump
from answerable.adapters.models.refusals import Where
from answerable.adapters.models.tokens import well_formed
from answerable.answering.ports import ChatModel, Delta, Finished, Message, ModelCall
from answerable.domain.cancel import Cancel
from answerable.domain.errors import ModelFailed, NotReady

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings

_CONNECT_S = 5.0
_REASONS = {"content_filter": "filtered"}


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeConfig:
    """Who is asked.

    Attributes:
        name: As the settings call it.
        base_url: Empty for the provider's own.
        model: As the provider calls it.
        key_variable: Where the key comes from, for hints.
    """

    name: str
    provider: Literal["anthropic", "google"]
    model: str
    base_url: str = field(default="", repr=False)
    api_key: SecretStr | None = None
    key_variable: str = ""


class NativeModel:
    """A model of Anthropic or Google. Safe for many threads.

    Args:
        config: Who is asked.

    Raises:
        NotReady: The extra is not installed.
        BadConfiguration: The address is none.
    """

    def __init__(self, config: NativeConfig) -> None:
        self.name = config.name
        self._model = config.model
        base_url = config.base_url
        if base_url:
            checked_address(base_url, config.name)
        self._where = Where(
            name=config.name, address=base_url or config.provider, key=config.key_variable
        )
        key = config.api_key.get_secret_value() if config.api_key else ""
        make = _anthropic if config.provider == "anthropic" else _google
        try:
            self._client, self._asked = make(config.model, key, base_url or None)
        except ImportError as error:
            raise NotReady(
                f"the model {config.name} needs the extra [{config.provider}]: {error.name}",
                hint=f"pip install 'answerable[{config.provider}]'",
            ) from error
        self._pump = Pump()

    def stream(self, call: ModelCall, cancel: Cancel) -> Generator[Delta | Finished, None, None]:
        """Give the reply as it comes.

        Raises:
            ModelFailed: The provider is down, refused, or gave what cannot be used.
            Cancelled: `cancel` was called.
        """
        yield from self._pump.stream(lambda: self._reply(call), cancel)

    def close(self) -> None:
        """Close all connections."""
        self._pump.close(self._client.aclose)

    async def _reply(self, call: ModelCall) -> AsyncGenerator[Delta | Finished, None]:
        from pydantic_ai.direct import model_request_stream  # noqa: PLC0415

        heard = Heard(call=call, where=self._where, model=self._model)
        async with (
            _let_go(),
            self._failures(),
            model_request_stream(
                self._asked, _messages(call.messages), model_settings=_settings(call)
            ) as response,
        ):
            async for event in response:
                if text := well_formed(_text(event)):
                    heard.add(text)
                    yield Delta(text=text)
            usage = response.usage
            heard.tokens_in, heard.tokens_out = usage.input_tokens, usage.output_tokens
            heard.model = response.model_name or self._model
            reason = response.finish_reason or ""
            heard.reason = _REASONS.get(reason, reason)
        yield heard.end()

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        """Say in our words what went wrong; what came from the other side is not repeated."""
        from pydantic_ai import exceptions  # noqa: PLC0415

        try:
            yield
        except (exceptions.ModelAPIError, exceptions.UnexpectedModelBehavior) as error:
            raise self._failure(error) from None
        except httpx2.TimeoutException:
            raise refusals.too_slow(self._where) from None
        except httpx2.TransportError as error:
            raise refusals.broke_off(self._where, type(error).__name__) from None
        except (ValueError, exceptions.UserError) as error:
            said = f"gave what cannot be read ({type(error).__name__})"
            raise refusals.malformed(self._where, said) from None

    def _failure(self, error: Exception) -> ModelFailed:
        from pydantic_ai import exceptions  # noqa: PLC0415

        match error:
            case exceptions.ContentFilterError():
                return filtered(self._where)
            case exceptions.ModelHTTPError():
                code = error.provider_error_code or error.provider_error_type or ""
                waits = {"retry-after": str(math.ceil(error.retry_after or 0))}
                return refusals.refusal(self._where, error.status_code, code.lower(), waits)
            case exceptions.ModelTimeoutError():
                return refusals.too_slow(self._where)
            case exceptions.ModelConnectionError(phase="connect" | "pool"):
                return refusals.unreachable(self._where, "nothing answers")
            case exceptions.ModelAPIError():
                return refusals.broke_off(self._where, type(error).__name__)
            case _:
                return refusals.malformed(
                    self._where, f"gave what cannot be read ({type(error).__name__})"
                )


_: Callable[..., ChatModel] = NativeModel


# What was opened for the call that is under way in this task.
_OPENED: ContextVar[list[httpx2.Response]] = ContextVar("_OPENED")


class _Noting(httpx2.AsyncHTTPTransport):
    """Notes each response, because not every library closes those it gives up."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        _OPENED.get([]).append(response)
        return response


@asynccontextmanager
async def _let_go() -> AsyncIterator[None]:
    """Close on leaving what was opened inside, so that a provider sees at once that it can stop."""
    opened: list[httpx2.Response] = []
    _OPENED.set(opened)
    try:
        yield
    finally:
        for response in opened:
            await response.aclose()


def _http() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        transport=_Noting(limits=httpx2.Limits(max_connections=None)),
    )


def _anthropic(model: str, key: str, base_url: str | None) -> tuple[httpx2.AsyncClient, Model]:
    from anthropic import AsyncAnthropic  # noqa: PLC0415 # with the import it costs seconds
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

    http = _http()
    # It would try again by itself, twice and without asking anybody.
    client = AsyncAnthropic(api_key=key, base_url=base_url, http_client=http, max_retries=0)
    return http, AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


def _google(model: str, key: str, base_url: str | None) -> tuple[httpx2.AsyncClient, Model]:
    from pydantic_ai.models.google import GoogleModel  # noqa: PLC0415
    from pydantic_ai.providers.google import GoogleProvider  # noqa: PLC0415

    http = _http()
    provider = GoogleProvider(api_key=key, http_client=http, base_url=base_url)
    return http, GoogleModel(model, provider=provider)


def _messages(told: tuple[Message, ...]) -> list[ModelMessage]:
    from pydantic_ai.messages import (  # noqa: PLC0415
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        UserPromptPart,
    )

    found: list[ModelMessage] = []
    for one in told:
        text = well_formed(one.text)
        if one.role == "assistant":
            found.append(ModelResponse(parts=[TextPart(content=text)]))
            continue
        is_system = one.role == "system"
        part = SystemPromptPart(content=text) if is_system else UserPromptPart(content=text)
        last = found[-1] if found else None
        if isinstance(last, ModelRequest):
            last.parts = [*last.parts, part]
        else:
            found.append(ModelRequest(parts=[part]))
    return found


def _settings(call: ModelCall) -> ModelSettings:
    sampling = call.sampling
    wanted: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "max_tokens": sampling.tokens_max,
        "timeout": call.limits.whole_ms / 1000,
    }
    told: ModelSettings = {}
    for name, value in wanted.items():
        if value is not None:
            told[name] = value  # type: ignore[literal-required] # the names are those above
    return told


def _text(event: object) -> str:
    """Return what an event adds to the text; reasoning and tools add nothing."""
    from pydantic_ai.messages import (  # noqa: PLC0415
        PartDeltaEvent,
        PartStartEvent,
        TextPart,
        TextPartDelta,
    )

    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""
