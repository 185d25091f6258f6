"""The same reply in the words of OpenAI, Anthropic and Google."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Event = tuple[str, Any]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is reported; None where nothing is."""

    tokens_in: int
    tokens_out: int


class OpenAi:
    """``POST /v1/chat/completions``."""

    def prompt(self, body: Any) -> str:
        """Return what was asked."""
        return "\n".join(str(one["content"]) for one in body["messages"])

    def wants_stream(self, body: Any) -> bool:
        """Return whether it shall come bit by bit."""
        return bool(body.get("stream"))

    def failure(self, error: dict[str, Any]) -> Any:
        """Return the body of a refusal."""
        return {"error": error}

    def begin(self, body: Any, usage: Usage | None) -> Iterator[Event]:
        """Give what comes before the first token."""
        del usage
        yield "", self._chunk(body, {"role": "assistant", "content": ""})

    def delta(self, body: Any, text: str) -> Event:
        """Return one token."""
        return "", self._chunk(body, {"content": text})

    def end(self, body: Any, reason: str, usage: Usage | None) -> Iterator[Event]:
        """Give what comes after the last token."""
        yield "", self._chunk(body, {}, reason)
        if usage is not None and (body.get("stream_options") or {}).get("include_usage"):
            yield "", self._envelope(body, ".chunk") | {"choices": [], "usage": self.usage(usage)}
        yield "", "[DONE]"

    def whole(self, body: Any, text: str, reason: str, usage: Usage | None) -> Any:
        """Return a reply that comes at once."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": reason,
        }
        told = self._envelope(body, "") | {"choices": [choice]}
        return told if usage is None else told | {"usage": self.usage(usage)}

    def usage(self, usage: Usage) -> dict[str, int]:
        """Return how many tokens were used."""
        return {
            "prompt_tokens": usage.tokens_in,
            "completion_tokens": usage.tokens_out,
            "total_tokens": usage.tokens_in + usage.tokens_out,
        }

    def _envelope(self, body: Any, kind: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": f"chat.completion{kind}",
            "created": 1,
            "model": body.get("model"),
        }

    def _chunk(self, body: Any, delta: dict[str, str], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return self._envelope(body, ".chunk") | {"choices": [choice]}


class Anthropic(OpenAi):
    """``POST /v1/messages``."""

    def failure(self, error: dict[str, Any]) -> Any:
        """Return the body of a refusal."""
        return {"type": "error", "error": {"type": "api_error", "message": error["message"]}}

    def begin(self, body: Any, usage: Usage | None) -> Iterator[Event]:
        """Give what comes before the first token."""
        counted = {"input_tokens": usage.tokens_in if usage else 0, "output_tokens": 0}
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": body["model"],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": counted,
        }
        yield "message_start", {"type": "message_start", "message": message}
        yield (
            "content_block_start",
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
        )

    def delta(self, body: Any, text: str) -> Event:
        """Return one token."""
        del body
        return (
            "content_block_delta",
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": text},
            },
        )

    def end(self, body: Any, reason: str, usage: Usage | None) -> Iterator[Event]:
        """Give what comes after the last token."""
        del body
        yield "content_block_stop", {"type": "content_block_stop", "index": 0}
        told = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}[reason]
        yield (
            "message_delta",
            {
                "type": "message_delta",
                "delta": {"stop_reason": told, "stop_sequence": None},
                "usage": {"output_tokens": usage.tokens_out if usage else 0},
            },
        )
        yield "message_stop", {"type": "message_stop"}


class Google(OpenAi):
    """``POST /v1beta/models/NAME:streamGenerateContent``."""

    def prompt(self, body: Any) -> str:
        """Return what was asked."""
        return json.dumps(body["contents"])

    def wants_stream(self, body: Any) -> bool:
        """Return that it shall come bit by bit: the path says so."""
        del body
        return True

    def failure(self, error: dict[str, Any]) -> Any:
        """Return the body of a refusal."""
        return {"error": {"code": 0, "message": error["message"], "status": "INTERNAL"}}

    def begin(self, body: Any, usage: Usage | None) -> Iterator[Event]:
        """Give what comes before the first token: nothing."""
        del body, usage
        yield from ()

    def delta(self, body: Any, text: str) -> Event:
        """Return one token."""
        del body
        return "", {"candidates": [self._candidate(text)]}

    def end(self, body: Any, reason: str, usage: Usage | None) -> Iterator[Event]:
        """Give what comes after the last token."""
        del body
        told = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}[reason]
        last: dict[str, Any] = {
            "candidates": [self._candidate("") | {"finishReason": told}],
            "modelVersion": "fake-1",
        }
        if usage is not None:
            last["usageMetadata"] = {
                "promptTokenCount": usage.tokens_in,
                "candidatesTokenCount": usage.tokens_out,
                "totalTokenCount": usage.tokens_in + usage.tokens_out,
            }
        yield "", last

    def _candidate(self, text: str) -> dict[str, Any]:
        return {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}


def dialect(path: str) -> OpenAi | None:
    """Return what is spoken at a path; None where nothing is."""
    if path == "/v1/chat/completions":
        return OpenAi()
    if path.endswith("/v1/messages"):
        return Anthropic()
    if path.endswith(":streamGenerateContent"):
        return Google()
    return None
