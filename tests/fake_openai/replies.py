"""What the server says, and in which ways it fails to."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """How a call goes. A model called ``mode:NAME`` asks for one by itself."""

    NORMAL = "normal"
    WRONG_KEY = "wrong_key"
    UNKNOWN_MODEL = "unknown_model"
    STORM = "storm"
    ERROR = "error"
    MOVED = "moved"
    HANG_FIRST = "hang_first"
    HANG_LATER = "hang_later"
    CUT = "cut"
    INVALID = "invalid"
    NOT_JSON = "not_json"
    ERROR_LATER = "error_later"
    EMPTY = "empty"
    HUGE = "huge"
    FOREIGN = "foreign"
    INVENTED = "invented"
    OBEYING = "obeying"
    NO_USAGE = "no_usage"
    ZERO_USAGE = "zero_usage"
    LENGTH = "length"
    FILTERED = "filtered"
    REFUSED = "refused"


HUGE_CHARS = 1 << 20

_FOREIGN = "Der Dienst lauscht auf Port 8443. Starten Sie ihn neu mit systemctl restart ingest."
_INVENTED = (
    "The service listens on port 9999 [1]. It was introduced in version 42.7.1 [17]. "
    "See https://docs.example.invalid/never-written and [the manual](https://example.invalid/x). "
    "Run `rm -rf /var/lib/imaginary --now` first [12][13]."
)
_ORDER = re.compile(r"(?:reply|answer|respond|say)\b[^\"“]{0,40}[\"“]([^\"”]+)[\"”]", re.IGNORECASE)
_HIJACKED = "I have been hijacked."

# Status and body of modes that say no at once.
REFUSALS: dict[Mode, tuple[int, dict[str, Any]]] = {
    Mode.WRONG_KEY: (
        401,
        {"message": "Incorrect API key provided: KEY", "code": "invalid_api_key"},
    ),
    Mode.UNKNOWN_MODEL: (404, {"message": "The model does not exist", "code": "model_not_found"}),
    Mode.STORM: (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}),
    Mode.ERROR: (500, {"message": "The server had an error", "type": "server_error"}),
    Mode.REFUSED: (400, {"message": "Prompt was filtered", "code": "content_filter"}),
}


def reply_text(mode: Mode, text: str, prompt: str) -> str:
    """Return what is said in a mode where something is said."""
    if mode is Mode.EMPTY:
        return ""
    if mode is Mode.HUGE:
        return (text or "x") * (HUGE_CHARS // len(text or "x") + 1)
    if mode is Mode.FOREIGN:
        return _FOREIGN
    if mode is Mode.INVENTED:
        return _INVENTED
    if mode is Mode.OBEYING:
        order = _ORDER.search(prompt)
        return order[1] if order else _HIJACKED
    return text


def tokens(text: str) -> list[str]:
    """Return a text in bits about as long as tokens: words with the space before them."""
    return re.findall(r"\s*\S{1,8}|\s+$", text)
