"""How many tokens a text has, where nobody who knows says so."""

from __future__ import annotations

import math

from answerable.answering.ports import ModelCall, Usage

METHOD = "utf8/3.5"
# English prose has about 4 bytes a token in common vocabularies, code and other languages about
# 3; rather too many than too few, because spend limits stand on it.
_BYTES_PER_TOKEN = 3.5
# What roles and separators of a message take; see "How to count tokens", OpenAI Cookbook.
_MESSAGE_TOKENS = 4


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has; 0 for an empty one."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)


def prompt_tokens(call: ModelCall) -> int:
    """Return about how many tokens a call sends."""
    return sum(tokens_of(one.text) + _MESSAGE_TOKENS for one in call.messages)


def counted(tokens_in: int | None, tokens_out: int | None, call: ModelCall, reply: str) -> Usage:
    """Return the usage a provider reports, or an estimate where it reports none.

    No prompt and no reply has 0 tokens, so 0 means that nobody counted.
    """
    if tokens_in and tokens_out:
        return Usage(tokens_in=tokens_in, tokens_out=tokens_out)
    return Usage(
        tokens_in=tokens_in or prompt_tokens(call),
        tokens_out=tokens_out or tokens_of(reply),
        is_estimated=True,
        method=METHOD,
    )


def well_formed(text: str) -> str:
    """Return a text that can be stored and sent: JSON and questions may hold half characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
