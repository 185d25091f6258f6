"""A server that speaks OpenAI's protocol and misbehaves on request: real HTTP on 127.0.0.1."""

from fake_openai.replies import Mode
from fake_openai.server import FakeOpenAi, Seen

__all__ = ["FakeOpenAi", "Mode", "Seen"]
