"""Providers that are known by name: where they are, and which variable holds their key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from answerable.domain.errors import BadConfiguration, BadInput

Protocol = Literal["openai", "anthropic", "google"]

_KEY_BYTES_MAX = 16 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """One that is known by name.

    Attributes:
        protocol: What is spoken there.
        base_url: Empty where the protocol has only one address.
        variables: Of its key; none where it needs none.
        prices: What genai-prices calls it; empty where nobody publishes prices.
        first_token_ms: What a new rung allows it: a local server reads its weights first.
    """

    protocol: Protocol = "openai"
    base_url: str = ""
    variables: tuple[str, ...] = ()
    prices: str = ""
    first_token_ms: int | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.base_url.startswith("http://127.0.0.1")


PROVIDERS: Mapping[str, Provider] = {
    "ollama": Provider(base_url="http://127.0.0.1:11434/v1", first_token_ms=60_000),
    "llamacpp": Provider(base_url="http://127.0.0.1:8080/v1", first_token_ms=60_000),
    "vllm": Provider(base_url="http://127.0.0.1:8000/v1", first_token_ms=30_000),
    "openai": Provider(
        base_url="https://api.openai.com/v1", variables=("OPENAI_API_KEY",), prices="openai"
    ),
    "anthropic": Provider(
        protocol="anthropic", variables=("ANTHROPIC_API_KEY",), prices="anthropic"
    ),
    "google": Provider(
        protocol="google", variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"), prices="google"
    ),
    "groq": Provider(
        base_url="https://api.groq.com/openai/v1", variables=("GROQ_API_KEY",), prices="groq"
    ),
    "mistral": Provider(
        base_url="https://api.mistral.ai/v1", variables=("MISTRAL_API_KEY",), prices="mistral"
    ),
    "deepseek": Provider(
        base_url="https://api.deepseek.com/v1", variables=("DEEPSEEK_API_KEY",), prices="deepseek"
    ),
    "openrouter": Provider(
        base_url="https://openrouter.ai/api/v1",
        variables=("OPENROUTER_API_KEY",),
        prices="openrouter",
    ),
    "together": Provider(
        base_url="https://api.together.xyz/v1", variables=("TOGETHER_API_KEY",), prices="together"
    ),
    "xai": Provider(base_url="https://api.x.ai/v1", variables=("XAI_API_KEY",), prices="x-ai"),
}


def known(protocol: str, base_url: str) -> Provider:
    """Return what is known of a provider; one nobody knows has an address and no more.

    A well-known key goes to its own address only, never to another that was typed.
    """
    for provider in PROVIDERS.values():
        address = base_url.rstrip("/")
        if provider.protocol == protocol and address == provider.base_url:
            return provider
    return Provider(base_url=base_url)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key, and where it comes from.

    Attributes:
        value: None where there is none.
        origin: The variable or file that holds it, or where it would be looked for; empty where
            none is needed.
    """

    value: SecretStr | None
    origin: str


def find_key(
    provider: Provider, *, variable: str, file: Path | None, environment: Mapping[str, str]
) -> Key:
    """Return the key of a provider: from the variable that is named, a file, or a well-known one.

    Raises:
        BadConfiguration: The file cannot be read.
    """
    if file is not None:
        return Key(value=_read(file), origin=str(file))
    variables = (variable,) if variable else provider.variables
    for one in variables:
        value = environment.get(one, "").strip()
        if value:
            return Key(value=SecretStr(value), origin=one)
    return Key(value=None, origin=" or ".join(variables))


def _read(file: Path) -> SecretStr:
    try:
        with file.open("rb") as opened:
            text = opened.read(_KEY_BYTES_MAX).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadConfiguration(
            f"the key file {file} cannot be read: {said}", hint="check api_key_file and who may"
        ) from None
    if not text:
        raise BadConfiguration(f"the key file {file} is empty", hint="put the key into it")
    return SecretStr(text)


def split_name(named: str) -> tuple[str, str]:
    """Return provider and model of ``provider:model``; the model may hold further colons.

    Raises:
        BadInput: There is no such provider, or no model.
    """
    provider, _, model = named.partition(":")
    if provider not in PROVIDERS or not model.strip():
        raise BadInput(
            f"{named} names no model",
            hint="it looks like ollama:llama3.2, openai:gpt-4o-mini or http://127.0.0.1:8000/v1; "
            f"providers known by name: {', '.join(PROVIDERS)}",
        )
    return provider, model.strip()
