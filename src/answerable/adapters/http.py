"""What every client of an OpenAI-compatible server has to settle: where, as whom, how soon."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import SecretStr

from answerable.domain.errors import BadConfiguration

_DIGITS_MAX = 9


def base_address(base_url: str, *, setting: str, example: str) -> httpx2.URL:
    """Return a base address.

    Args:
        base_url: As the settings have it.
        setting: Where they have it, for the complaint.
        example: What one looks like.

    Raises:
        BadConfiguration: It is none. It is not repeated: it may hold a password.
    """
    try:
        base = httpx2.URL(base_url)
        base.host.encode("idna")  # what the resolver does, with an error nobody expects there
    except (httpx2.InvalidURL, UnicodeError):
        base = httpx2.URL("")
    if base.scheme not in {"http", "https"} or not base.host:
        raise BadConfiguration(f"{setting} is no address", hint=f"it looks like {example}")
    return base


def authorization(key: SecretStr | None, *, setting: str, hint: str) -> dict[str, str]:
    """Return the header that carries a key; nothing without one.

    Raises:
        BadConfiguration: It cannot stand in a header. It is not repeated.
    """
    value = "" if key is None else key.get_secret_value().strip()
    if not value:
        return {}
    if not all("!" <= character <= "~" for character in value):
        raise BadConfiguration(
            f"{setting} holds white space or letters that are not ASCII", hint=hint
        )
    return {"Authorization": f"Bearer {value}"}


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Return how long a server asks to wait; 0 when it does not say so.

    A moment is compared with the moment of the answer, so that no other clock matters.

    Source: RFC 9110, section 10.2.3.
    """
    asked = headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        return float(asked[:_DIGITS_MAX])
    try:
        until = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return 0.0
    return max(until.total_seconds(), 0.0)
