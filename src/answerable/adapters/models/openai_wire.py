"""OpenAI's protocol for chat, in both directions; no network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from answerable.adapters.models.tokens import well_formed
from answerable.answering.ports import ModelCall

# What servers may not understand, and then refuse: it is left out and asked again.
OPTIONAL = ("temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "stream_options")

_REASONS = {"content_filter": "filtered", "max_tokens": "length", "eos": "stop", "": "stop"}
_DONE = "[DONE]"


class Unreadable(Exception):  # noqa: N818 # it becomes a ModelFailed where the address is known
    """What came is not of this protocol; says what it is instead."""


class ServerFailed(Exception):  # noqa: N818 # as above
    """The server said in the middle of a reply that it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one event or one whole reply says.

    Attributes:
        text: Said since the last one.
        reason: Why it ended; empty while it has not.
        tokens_in, tokens_out: None where nothing is said of usage.
        is_done: Whether nothing will follow.
    """

    text: str = ""
    reason: str = ""
    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    is_done: bool = False


def request(
    call: ModelCall, model: str, *, is_openai: bool, without: frozenset[str]
) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        call: What is asked.
        model: As the server calls it.
        is_openai: Whether it is OpenAI's own, which renamed the limit of tokens.
        without: Names of `OPTIONAL` that this server refused.
    """
    sampling = call.sampling
    limit = "max_completion_tokens" if is_openai or "max_tokens" in without else "max_tokens"
    wanted = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        limit: sampling.tokens_max,
        "stream_options": {"include_usage": True},
    }
    return {
        "model": model,
        "messages": [{"role": one.role, "content": well_formed(one.text)} for one in call.messages],
        "stream": True,
    } | {name: value for name, value in wanted.items() if value is not None and name not in without}


def events(buffer: bytearray) -> Iterator[str]:
    """Take the data of whole lines of a server-sent stream out of a buffer.

    Comments, other fields and empty lines are passed over. OpenAI's protocol has one line of
    data an event.

    Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
    """
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end]).rstrip(b"\r")
        del buffer[: end + 1]
        if line.startswith(b"data:"):
            yield line[5:].strip().decode("utf-8", "replace")


def part(data: str) -> Part:
    """Return what an event says.

    Raises:
        Unreadable: It is not of this protocol.
        ServerFailed: It says that the server failed.
    """
    if data == _DONE:
        return Part(is_done=True)
    return _read(data, "delta")


def whole(data: str) -> Part:
    """Return what a reply says that came at once, from a server that does not stream.

    Raises:
        Unreadable, ServerFailed: As for `part`.
    """
    read = _read(data, "message")
    return Part(
        text=read.text,
        reason=read.reason or "stop",
        model=read.model,
        tokens_in=read.tokens_in,
        tokens_out=read.tokens_out,
        is_done=True,
    )


def _read(data: str, key: str) -> Part:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable("gave what is not JSON") from None
    if not isinstance(told, dict):
        raise Unreadable("gave JSON that is no reply")
    if told.get("error"):
        raise ServerFailed(error_code(told))
    usage = _table(told.get("usage"))
    choices = told.get("choices")
    if not isinstance(choices, list):
        raise Unreadable("gave JSON without choices")
    choice = _table(choices[0]) if choices else {}
    text = _table(choice.get(key)).get("content")
    return Part(
        text=well_formed(_text(text)),
        reason=_reason(choice.get("finish_reason")),
        model=_text(told.get("model")),
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
    )


def error_code(told: object) -> str:
    """Return what the body of a failure calls it; empty where it has no such thing."""
    error = _table(told).get("error", told)
    if not isinstance(error, Mapping):
        return ""
    for key in ("code", "type"):
        if isinstance(error.get(key), str) and error[key]:
            return str(error[key])
    return ""


def refused_option(told: object, sent: Mapping[str, Any]) -> str:
    """Return which optional part of the request a refusal is about; empty if none can be told."""
    error = _table(_table(told).get("error", told))
    named = _text(error.get("param"))
    message = _text(error.get("message")) + _text(_table(told).get("detail"))
    for option in OPTIONAL:
        if option in sent and (option == named or (not named and option in message)):
            return option
    return ""


def _reason(told: object) -> str:
    if not isinstance(told, str):
        return ""
    return _REASONS.get(told, told)[:40]


def _table(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _text(told: object) -> str:
    return told if isinstance(told, str) else ""


def _count(told: object) -> int | None:
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        return None
    return told
