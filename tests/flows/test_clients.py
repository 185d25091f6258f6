"""Clients that other people wrote, against a real library: OpenAI's, Pydantic AI's, MCP's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from openai import AsyncOpenAI, NotFoundError, OpenAI
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from uvicorn import Config, Server

from answerable.app import init_workspace, open_app
from answerable.entrypoints.mcp.http import addition
from answerable.entrypoints.web.server import listen
from answerable.entrypoints.web.site import build

PATIENCE_S = 120
TEXT = "# Quokka duty\n\nThe quokka shift begins at 07:45 in the north hangar.\n"
ASKED = "When does the quokka shift begin?"
UNKNOWN = "Which phone number has the zoo director?"
PLACE = "quokka.md, line 3"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with one document."""
    home = tmp_path_factory.mktemp("clients")
    init_workspace(home / "ops", data_dir="data")
    (home / "docs").mkdir()
    (home / "docs" / "quokka.md").write_text(TEXT)
    with open_app(home / "ops") as app:
        app.ingest(home / "docs")
    return home / "ops"


class Announced(Server):
    """A server that lets a thread know that it listens."""

    listens = Event()

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    """Serve the workspace from a thread; give where."""
    with open_app(workspace) as app, listen("127.0.0.1", 0) as listener:
        config = Config(build(app, adding=[addition]), ws="none", log_level="warning")
        server = Announced(config)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        assert server.listens.wait(PATIENCE_S)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def openai(address: str) -> Iterator[OpenAI]:
    """Give OpenAI's own client, which tries once."""
    with OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def check_annotation(content: str, annotation: Any) -> None:
    """Make sure that an annotation points at its mark, and from there at the document."""
    cited = annotation["url_citation"]
    assert content[cited["start_index"] : cited["end_index"]] == "[1]"
    assert cited["title"] == PLACE
    assert cited["url"].startswith("/documents/")


def test_openai_gets_an_answer_with_annotations(openai: OpenAI) -> None:
    """Text with numbered sources, the same as annotations, and the whole answer beside it."""
    reply = openai.chat.completions.create(
        model="answerable", messages=[{"role": "user", "content": ASKED}]
    )
    message = reply.choices[0].message
    assert message.content is not None
    assert message.content.startswith("The quokka shift begins at 07:45 in the north hangar. [1]")
    assert message.content.endswith(f"Sources:\n[1] {PLACE}")
    assert message.annotations is not None
    [annotation] = message.annotations
    check_annotation(message.content, annotation.model_dump())
    assert reply.model_extra is not None
    assert reply.model_extra["answerable"]["outcome"] == "answered"
    assert reply.choices[0].finish_reason == "stop"


def test_openai_gets_the_same_as_a_stream(openai: OpenAI) -> None:
    """Pieces join to the text that comes whole; annotations and usage stand at the end."""
    content, annotations, finish, usage = "", [], "", None
    with openai.chat.completions.create(
        model="answerable/quote",
        messages=[{"role": "user", "content": ASKED}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                content += choice.delta.content or ""
                annotations += (choice.delta.model_extra or {}).get("annotations", [])
                finish = choice.finish_reason or finish
    assert content.endswith(f"[1]\n\nSources:\n[1] {PLACE}")
    check_annotation(content, annotations[0])
    assert (finish, usage is not None and usage.total_tokens) == ("stop", 0)


def test_openai_gets_an_abstention_as_an_answer(openai: OpenAI) -> None:
    """That the documents do not say is said in words, with nothing cited."""
    reply = openai.chat.completions.create(
        model="answerable", messages=[{"role": "user", "content": UNKNOWN}]
    )
    message = reply.choices[0].message
    assert (message.content or "").startswith("The documents do not say.")
    assert not message.annotations


def test_openai_lists_models_and_is_told_of_an_unknown_one(openai: OpenAI) -> None:
    """Another company's model is not here, and the client says so in its own way."""
    assert [one.id for one in openai.models.list()][:2] == ["answerable", "answerable/quote"]
    assert openai.models.retrieve("answerable/search").id == "answerable/search"
    with pytest.raises(NotFoundError) as refused:
        openai.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": ASKED}]
        )
    assert refused.value.code == "not_found"


def test_pydantic_ai_gets_an_answer(address: str) -> None:
    """A framework that checks each reply by its own schema takes ours for a model's."""

    async def talk() -> str | None:
        async with AsyncOpenAI(base_url=f"{address}/v1", api_key="none") as client:
            model = OpenAIChatModel("answerable", provider=OpenAIProvider(openai_client=client))
            reply = await model_request(model, [ModelRequest.user_text_prompt(ASKED)])
            return reply.text

    assert "07:45" in (asyncio.run(talk()) or "")


async def conversation(client: Client) -> str:
    """Use each tool once, each with what the one before gave; return what was answered."""
    answer = await client.call_tool("ask", {"question": ASKED})
    [claim] = answer.structured_content["claims"]
    document = claim["citations"][0]["document_id"]
    by_path = await client.call_tool("get_document", {"document": "quokka.md"})
    by_id = await client.call_tool("get_document", {"document": document})
    found = await client.call_tool("search", {"query": "hangar"})
    standing = await client.call_tool("verify", {"trace_id": answer.structured_content["trace_id"]})
    assert claim["citations"][0]["quote"] in by_id.structured_content["pieces"][0]["text"]
    assert by_path.structured_content == by_id.structured_content
    assert found.structured_content["passages"][0]["document_id"] == document
    assert standing.structured_content["standing"] == "still_true"
    unknown = await client.call_tool("get_document", {"document": "wombat.md"})
    assert unknown.is_error
    return str(claim["text"])


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_mcp_over_http(address: str, mode: Any) -> None:
    """The official client, in the protocol of today and in that of yesterday."""

    async def talk() -> str:
        async with Client(f"{address}/mcp", mode=mode) as client:
            return await conversation(client)

    assert "07:45" in asyncio.run(talk())


def test_mcp_over_stdio(workspace: Path) -> None:
    """The official client starts `answerable mcp`, uses every tool, and ends it."""
    arguments = ["-m", "answerable", "mcp", "--workspace", str(workspace)]
    started = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))

    async def talk() -> str:
        async with Client(started) as client:
            return await conversation(client)

    assert "07:45" in asyncio.run(talk())


def test_an_interrupted_mcp_server_ends_at_once(workspace: Path) -> None:
    """Ctrl-C needs no further line: it ends with 0, stdout held the protocol, stderr nothing."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    command = [sys.executable, "-m", "answerable", "mcp", "--workspace", str(workspace)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(ping).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == 1
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
            assert process.stdout.read() == b""
            assert process.stderr.read() == b""
        finally:
            process.kill()
