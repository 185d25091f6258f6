"""Model servers on this machine, found by asking the ports where they usually listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2

from answerable.adapters.models.providers import PROVIDERS

# A server on this machine that does not answer by then is busy or something else.
_PROBE_S = 0.5
_BYTES_MAX = 1 << 20
_NAMES_MAX = 200
_NAME_CHARS_MAX = 200
# Answerable speaks this protocol too, and listens on the port of llama.cpp.
_SELF = "answerable"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalServer:
    """A server of models that answers.

    Attributes:
        provider: ``ollama``, ``llamacpp`` or ``vllm``, by its port.
        models: As it calls them.
    """

    provider: str
    base_url: str
    models: tuple[str, ...]


def usual_places() -> dict[str, str]:
    """Return where local servers listen when nobody says otherwise."""
    return {name: one.base_url for name, one in PROVIDERS.items() if one.is_local}


def find_local(places: Mapping[str, str]) -> tuple[LocalServer, ...]:
    """Return the servers that answer at these base addresses; all are asked at once."""
    with ThreadPoolExecutor(max_workers=max(1, len(places))) as threads:
        found = threads.map(lambda place: _ask(*place), places.items())
        return tuple(one for one in found if one is not None)


def list_models(base_url: str, *, key: str = "", seconds_max: float = 5.0) -> Sequence[str] | None:
    """Return what a server says it has; None where it does not answer as such servers do."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return _list(base_url, headers, seconds_max)


def _ask(provider: str, base_url: str) -> LocalServer | None:
    models = _list(base_url, {}, _PROBE_S)
    if not models:
        return None
    return LocalServer(provider=provider, base_url=base_url, models=tuple(models))


def _list(base_url: str, headers: Mapping[str, str], seconds_max: float) -> Sequence[str] | None:
    try:
        with (
            httpx2.Client(trust_env=False, timeout=seconds_max) as client,
            client.stream("GET", f"{base_url.rstrip('/')}/models", headers=headers) as response,
        ):
            if not response.is_success:
                return None
            body = bytearray()
            for data in response.iter_raw():
                body += data
                if len(body) > _BYTES_MAX:
                    return None
        return _names(httpx2.Response(200, content=bytes(body)).json())
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError):
        return None


def _names(told: object) -> Sequence[str] | None:
    listed = told.get("data") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return None
    tables = [one for one in listed if isinstance(one, dict)]
    if any(one.get("owned_by") == _SELF for one in tables):
        return None
    names = [one.get("id") for one in tables[:_NAMES_MAX]]
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= _NAME_CHARS_MAX]
