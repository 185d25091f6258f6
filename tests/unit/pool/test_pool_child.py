"""The child's side of the protocol, without a process."""

from __future__ import annotations

import io
import json

import pytest

from answerable.adapters.parsers import child
from answerable.domain.documents import Text


def requests(*words: str) -> io.BytesIO:
    """Return requests as the parent sends them."""
    sent = io.BytesIO()
    for word in words:
        path, data = json.dumps(word).encode(), word.encode()
        sent.write(child.REQUEST.pack(len(path), len(data)) + path + data)
    sent.seek(0)
    return sent


def heads(replies: io.BytesIO) -> list[dict[str, object]]:
    """Return the heads of all replies."""
    replies.seek(0)
    found = []
    while header := replies.read(child.REPLY.size):
        head, text, numbers = child.REPLY.unpack(header)
        found.append(json.loads(replies.read(head)))
        replies.seek(text + numbers, io.SEEK_CUR)
    return found


def test_nothing_is_read_after_all_memory_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file behind one that took all memory is left to another child."""

    def read(path: str, data: bytes) -> tuple[str, Text]:
        if path == "greedy":
            raise MemoryError
        return "plain", Text(text=data.decode(), title=path, blocks=())

    monkeypatch.setattr(child, "_limit_processor", lambda _seconds: None)
    sent, replies = requests("a", "greedy", "b"), io.BytesIO()
    child._serve(sent, replies, read, cpu_s=1, output_bytes=2**20)
    first, second = heads(replies)
    assert first["title"] == "a"
    assert second["code"] == "memory"


def test_request_that_is_cut_off_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a header is the end, not a file."""
    monkeypatch.setattr(child, "_limit_processor", lambda _seconds: None)
    replies = io.BytesIO()
    child._serve(io.BytesIO(b"\0\0\0"), replies, child.load("json:loads"), cpu_s=1, output_bytes=1)
    assert replies.getvalue() == b""
