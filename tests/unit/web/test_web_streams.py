"""Answers that are told while they happen, and what becomes of them when nobody listens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_app import FakeApp, client_of
from httpx2 import Response
from starlette.testclient import TestClient

from answerable.domain.cancel import Cancel
from answerable.domain.errors import DiskFull
from answerable.domain.questions import Claim, StepDown, StepReason, Turn, Verdict, VerdictValue
from answerable.entrypoints.web import schemas
from answerable.entrypoints.web.streams import Streams

DROPPED = Claim(
    text="It listens on 8080.",
    citations=(),
    verdict=Verdict(
        value=VerdictValue.UNSUPPORTED,
        judge="features",
        score=0.1,
        reasons=("says 8080, the document says 8443",),
    ),
)
STEP = StepDown(rung="model:main", reason=StepReason.TIMEOUT, detail="no word for 5 s")


@pytest.fixture
def app() -> FakeApp:
    """Return an app whose model dropped something and was left."""
    return FakeApp(dropped=(DROPPED,), step_downs=(STEP,))


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


def told(response: Response) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream, with their data."""
    assert response.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in response.text.strip().split("\n\n"):
        name, data = block.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def test_a_stream_tells_everything_and_ends_with_the_answer(client: TestClient) -> None:
    """Passages, statements, what was dropped and why, steps down, the whole answer."""
    events = told(client.post("/v1/ask", json={"question": "API down?", "stream": True}))
    names = [name for name, _ in events]
    assert names == ["passages", "claim", "claim", "claim", "dropped", "step_down", "done"]
    said = dict(events)
    schemas.AnswerOut.model_validate(said["done"])
    assert said["step_down"]["reason"] == "timeout"
    assert said["dropped"]["reasons"] == ["says 8080, the document says 8443"]
    assert "citations" not in said["dropped"]
    assert all(data["citations"] for name, data in events if name == "claim")


def test_accepting_events_asks_for_them_too(client: TestClient) -> None:
    """A client that accepts a stream gets one without another word."""
    headers = {"accept": "text/event-stream"}
    events = told(client.post("/v1/ask", json={"question": "API down?"}, headers=headers))
    assert events[-1][0] == "done"


def test_a_failure_before_the_first_event_has_its_status(client: TestClient) -> None:
    """An empty question is no stream with an error in it."""
    response = client.post("/v1/ask", json={"question": " ", "stream": True})
    assert (response.status_code, response.json()["code"]) == (422, "bad_question")


def test_a_failure_in_the_middle_is_an_event(app: FakeApp, client: TestClient) -> None:
    """By then the status is sent; the problem is told in its usual shape."""
    app.breaks = DiskFull("no room", hint="free some")
    events = told(client.post("/v1/ask", json={"question": "API down?", "stream": True}))
    name, data = events[-1]
    assert name == "error"
    assert schemas.ProblemOut.model_validate(data).code == "disk_full"


def test_rung_and_conversation_reach_the_app(app: FakeApp, client: TestClient) -> None:
    """What is asked for is asked for, streamed or whole."""
    for stream in (True, False):
        body = {"question": "x", "rung": "quote", "follows": "t1", "stream": stream}
        assert client.post("/v1/ask", json=body).status_code == 200
    assert [(one["rung"], one["follows"]) for one in app.how] == [("quote", "t1")] * 2


def test_what_finds_no_thread_free_is_answered_without_a_model(app: FakeApp) -> None:
    """Overload is a cheaper rung, not a queue without end."""
    app.settings = app.settings.model_copy(
        update={"serve": app.settings.serve.model_copy(update={"answers": 1})}
    )
    app.waits.clear()
    body = {"question": "API down?", "stream": True}
    with client_of(app) as client, ThreadPoolExecutor(1) as beside:
        first = beside.submit(client.post, "/v1/ask", json=body)
        assert app.began.wait(30)
        second = client.post("/v1/ask", json={"question": "API down?"})
        app.waits.set()
        assert first.result().status_code == 200
    assert second.status_code == 200
    assert "as many answers" in str(app.how[-1]["crowded"])


def test_threads_are_given_back(app: FakeApp) -> None:
    """Twenty streams in turn, where there is a thread for two, find none taken."""
    app.settings = app.settings.model_copy(
        update={"serve": app.settings.serve.model_copy(update={"answers": 2})}
    )
    with client_of(app) as client:
        for _ in range(20):
            body = {"question": "API down?", "stream": True}
            assert client.post("/v1/ask", json=body).status_code == 200
    assert [one.get("crowded") for one in app.how] == [None] * 20


def test_closed_streams_take_nothing_and_cancel_what_is_open() -> None:
    """At the end of the server every answer on its way learns of it."""
    streams = Streams(2)
    cancel = streams.take()
    assert isinstance(cancel, Cancel)
    streams.close()
    assert cancel.because == "the server is stopping"
    assert streams.take() is None


# OpenAI's protocol

CHAT = {"model": "answerable", "messages": [{"role": "user", "content": "API down?"}]}


def test_a_completion_has_the_answer_with_its_sources(client: TestClient) -> None:
    """Marks in the text, annotations for programs, and the whole answer beside them."""
    said = client.post("/v1/chat/completions", json=CHAT).json()
    message = said["choices"][0]["message"]
    assert message["content"].startswith("The Kubernetes API server is not reachable.")
    assert "Sources:" in message["content"]
    for one in message["annotations"]:
        place = one["url_citation"]
        mark = message["content"][place["start_index"] : place["end_index"]]
        assert mark.startswith("[")
        assert f"{mark} {place['title']}" in message["content"]
    assert said["usage"]["total_tokens"] == 0
    schemas.AnswerOut.model_validate(said["answerable"])


def test_a_streamed_completion_says_the_same(client: TestClient) -> None:
    """Its deltas joined are the text of the whole one."""
    whole = client.post("/v1/chat/completions", json=CHAT).json()["choices"][0]["message"]
    options = {"stream": True, "stream_options": {"include_usage": True}}
    response = client.post("/v1/chat/completions", json=CHAT | options)
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    deltas = [one["choices"][0]["delta"] for one in chunks if one["choices"]]
    assert "".join(one.get("content", "") for one in deltas) == whole["content"]
    assert chunks[-1]["usage"]["total_tokens"] == 0
    assert [one["choices"][0]["finish_reason"] for one in chunks if one["choices"]][-1] == "stop"


def test_what_was_said_before_reaches_the_app(app: FakeApp, client: TestClient) -> None:
    """Earlier turns are turns; a system prompt of the client has no say."""
    messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "What is etcd?"}]},
        {"role": "assistant", "content": "A store."},
        {"role": "user", "content": "And its port?"},
    ]
    client.post("/v1/chat/completions", json={"model": "answerable/quote", "messages": messages})
    (how,) = app.how
    assert how["turns"] == (Turn(question="What is etcd?", answer="A store."),)
    assert how["rung"] == "quote"
    assert app.asked[-1].question == "And its port?"


def test_an_abstention_is_a_completion_too(client: TestClient) -> None:
    """It says so in words, with what came closest."""
    messages = [{"role": "user", "content": "whose phone?"}]
    said = client.post("/v1/chat/completions", json=CHAT | {"messages": messages}).json()
    content = said["choices"][0]["message"]["content"]
    assert content.startswith("The documents do not say.")
    assert "runbooks/KubeAPIDown.md" in content


def test_models_are_the_ladder_and_its_rungs(client: TestClient) -> None:
    """Each may be asked alone; an unknown one is not found."""
    listed = [one["id"] for one in client.get("/v1/models").json()["data"]]
    assert listed == ["answerable", "answerable/quote", "answerable/search"]
    assert client.get("/v1/models/answerable/quote").json()["id"] == "answerable/quote"
    wrong = client.post("/v1/chat/completions", json=CHAT | {"model": "gpt-4"})
    assert wrong.status_code == 404
    assert wrong.json()["error"]["code"] == "not_found"


def test_a_conversation_ends_with_a_question(client: TestClient) -> None:
    """Anything else is refused in the shape its clients read."""
    messages = [{"role": "assistant", "content": "Hello"}]
    wrong = client.post("/v1/chat/completions", json=CHAT | {"messages": messages})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["type"] == "invalid_request_error"
