"""The whole path with a server for embeddings, as an operator sets it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from command_line import Shell, shell

__all__ = ["shell"]


class Server(BaseHTTPRequestHandler):
    """Gives every text a vector that says how often two letters are in it."""

    def do_POST(self) -> None:
        """Answer as OpenAI does."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = [
            {"index": at, "embedding": [1.0 + text.count("w"), 1.0 + text.count("f"), 0.5]}
            for at, text in enumerate(asked["input"])
        ]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Run a server for embeddings."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://joe:hunter2@127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_ingest_fill_and_ask(shell: Shell, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors come from the server for documents and questions; no secret is shown."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "openai")
    shell.done("init")
    config = shell.home / "answerable.toml"
    table = f'[embedders.openai]\nbase_url = "{address}"\nmodel = "letters"\ndimension = 3\n'
    config.write_text(config.read_text() + table)
    shell.write("docs/water.md", "# Water\n\nWater flows down where it will, slowly.\n")
    shell.done("ingest", "docs")
    trace = shell.done("ask", "where does water flow", "--json").data
    assert trace["overrides"] == []
    assert "cosine" in dict(trace["passages"][0]["parts"])
    assert "openai:letters*" in shell.done("embedders", "list").out
    assert shell.run("embedders", "check", "openai").out
    assert "hunter2" not in shell.done("settings", "show").out


def test_an_embedder_that_is_not_set_up_is_no_silence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a model the command says which table to fill in."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "openai")
    shell.done("init")
    said = shell.run("embedders", "list").check_error("bad_configuration", status=2)
    assert "[embedders.openai]" in said
