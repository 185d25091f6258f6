"""The Ask page shows an answer while it is made, and what was left out of it and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_app import FakeApp, client_of
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from answerable.adapters.models import local
from answerable.domain.errors import DiskFull
from answerable.domain.questions import (
    Answered,
    Cancelled,
    Claim,
    ModelUse,
    StepDown,
    StepReason,
    Verdict,
    VerdictValue,
)
from answerable.entrypoints.web.sheets import Press, sheet_of, spent
from answerable.settings import Model, Settings
from fake_openai import FakeOpenAi

HOSTILE = "<img src=x onerror=alert(1)> [click](javascript:alert(1)) https://evil.example"
NO = Verdict(
    value=VerdictValue.UNSUPPORTED,
    judge="features",
    score=0.1,
    reasons=("says 8080, the document says 8443",),
)
DROPPED = Claim(text=f"It listens on 8080. {HOSTILE}", citations=(), verdict=NO)
STEP = StepDown(rung="model:main", reason=StepReason.CHECK_FAILED, detail="0 of 1 hold")
CALL = ModelUse(
    model="openai:small",
    purpose="answer",
    tokens_in=800,
    tokens_out=60,
    is_estimated=False,
    method="",
    cost_usd="0.0012",
    first_token_ms=120.0,
    took_ms=900.0,
    ended="stop",
)


@pytest.fixture
def app() -> FakeApp:
    """Return an app whose model dropped something and was left."""
    return FakeApp(dropped=(DROPPED,), step_downs=(STEP,))


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


def told(client: TestClient, **form: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of the page's own stream."""
    form = {"question": "API down?"} | form
    response = client.post("/", data=form, headers={"accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [one.split("\n") for one in response.text.strip().split("\n\n")]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in blocks
    ]


def own_words(app: FakeApp, text: str, kind: str = "sentence") -> Claim:
    """Return what a model said in words of its own, borne out by two spans."""
    spans = ("The Kubernetes API server is not reachable.", "Nothing can be deployed.")
    verdict = Verdict(value=VerdictValue.SUPPORTED, judge="features", score=0.9)
    citations = tuple(app.citation(one) for one in spans)
    return Claim(text=text, citations=citations, verdict=verdict, kind=kind)


def test_an_answer_is_told_in_parts_and_ends_whole(app: FakeApp, client: TestClient) -> None:
    """Each statement, what was dropped and each step down, then the whole page of it."""
    events = told(client)
    assert [name for name, _ in events] == [
        "begun", "passages", "claim", "claim", "claim", "dropped", "step_down", "done",
    ]  # fmt: skip
    parts, done = dict(events[:-1]), events[-1][1]
    assert "1 passage found" in parts["passages"]["html"]
    assert "Stepped down from main: check failed, 0 of 1 hold" in parts["step_down"]["html"]
    for part in (parts["claim"], parts["dropped"], parts["step_down"]):
        assert part["html"].strip() in done["html"], "what was seen stays as it was seen"
    assert done["address"] == "/traces/t0000"
    assert done["said"] == "Answered: 3 statements, 1 left out."
    assert 'href="/traces/t0000"' in done["past"]
    assert "<html" not in done["html"]
    app.keeps = False
    assert told(client)[-1][1]["address"] == ""


def test_what_was_dropped_is_struck_and_no_part_of_the_answer(client: TestClient) -> None:
    """It stands apart with its reason, live and in the end, and nothing in it is markup."""
    events = told(client)
    done = events[-1][1]["html"]
    claims, _, rest = done.partition('<section class="left-out"')
    assert "8080" not in claims
    for html in (dict(events)["dropped"]["html"], rest):
        struck = re.search(r"<del[^>]*>(.*?)</del>", html, re.DOTALL)
        assert struck is not None
        assert struck[1].startswith("It listens on 8080. &lt;img")
        assert "says 8080, the document says 8443" in html
    assert "<img" not in done
    assert 'href="javascript' not in done
    assert 'href="https' not in done


def test_a_failure_is_told_in_place(app: FakeApp, client: TestClient) -> None:
    """Before anything happened it has its status; after that it is the last event."""
    refused = client.post("/", data={"question": " "}, headers={"accept": "text/event-stream"})
    assert refused.status_code == 422
    assert "The question is empty" in refused.text
    assert "<html" not in refused.text
    app.breaks = DiskFull("the disk is full", hint="free some space")
    name, data = told(client)[-1]
    assert name == "error"
    assert "The disk is full" in data["html"]


def test_a_question_may_follow_an_answer(app: FakeApp, client: TestClient) -> None:
    """The box below an answer names it; the next answer says what it came after."""
    first = told(client)[-1][1]["html"]
    assert '<input type="hidden" name="follows" value="t0000">' in first
    told(client, question="and etcd?", follows="t0000")
    assert app.how[-1]["follows"] == "t0000"
    object.__setattr__(app.asked[-1], "follows", "t0000")
    object.__setattr__(app.asked[-1], "searched", "is etcd down?")
    page = client.get("/traces/t0001").text
    assert '<a href="/traces/t0000" dir="auto">API down?</a>' in page
    assert '<strong dir="auto">is etcd down?</strong>' in page
    events = told(client, question="and etcd?", follows="t0000")
    assert 'href="/traces/t0000"' in events[0][1]["html"]


def test_a_form_without_script_follows_too(app: FakeApp, client: TestClient) -> None:
    """The same form leads to the page of the next answer."""
    client.post("/", data={"question": "API down?"})
    posted = client.post("/", data={"question": "etcd?", "follows": "t0000"})
    assert posted.url.path == "/traces/t0001"
    assert app.how[-1]["follows"] == "t0000"


def test_statements_of_a_model_are_shown_with_what_bears_them_out(app: FakeApp) -> None:
    """The words are the model's; below its numbers stand the quotes; one span has one number."""
    press = Press(revision=3)
    first = press.statement(own_words(app, f"It is down. {HOSTILE}"))
    again = press.statement(own_words(app, "- Check `etcd`.", kind="item"))
    (said,) = first.paragraphs
    assert "It is down. &lt;img" in said.html
    assert "<img" not in said.html
    assert "<a" not in said.html
    assert [one.number for one in said.sources] == [1, 2]
    assert [one.number for one in again.paragraphs[0].sources] == [1, 2]
    assert "<code>`etcd`</code>" in again.paragraphs[0].html
    names = [one.name for part in (first, again) for one in part.paragraphs[0].sources]
    assert len(set(names)) == 4, "each place on the page has a name of its own"


@pytest.mark.parametrize("kind", ["code", "row"])
def test_code_and_rows_keep_their_form(app: FakeApp, kind: str) -> None:
    """Spaces and bars of a line of code or of a table are part of what it says."""
    (said,) = Press(revision=3).statement(own_words(app, "| a  | `b` |", kind=kind)).paragraphs
    assert said.html == "<pre>\n| a  | `b` |</pre>"


@given(st.text(), st.sampled_from(["sentence", "item", "row", "code", "list", "heading"]))
def test_no_text_of_a_model_is_markup(text: str, kind: str) -> None:
    """Whatever it writes, every tag around it is ours."""
    claim = replace(DROPPED, text=text or "x", kind=kind)
    (said,) = Press(revision=1).statement(claim).paragraphs
    ours = r'</?(?:pre|code|p)>|<p class="said(?: lines)?">|<span class="syntax">|</span>'
    assert "<" not in re.sub(ours, "", said.html)
    assert ">" not in re.sub(ours, "", said.html)


def test_cost_is_never_made_up() -> None:
    """Prices add up exactly; a call without one is unpriced, which is not free."""
    unknown = replace(CALL, cost_usd=None, is_estimated=True, model="local:x")
    assert spent([]) is None
    both = spent([CALL, CALL])
    assert both is not None
    assert (both.cost, both.tokens_in, both.tokens_out) == ("0.0024 USD", 1600, 120)
    mixed = spent([CALL, unknown])
    assert mixed is not None
    assert mixed.cost == "0.0012 USD and 1 unpriced"
    assert mixed.is_estimated
    assert mixed.models == ("openai:small", "local:x")
    alone = spent([unknown])
    assert alone is not None
    assert alone.cost == "unpriced"


def test_a_page_says_why(app: FakeApp, client: TestClient) -> None:
    """What was found and used, the calls with their cost, the timings, and where to read on."""
    client.post("/", data={"question": "API down?"})
    trace = app.asked[0]
    claims = (own_words(app, "It is down."),)
    outcome = Answered(rung="model:main", claims=claims, confidence=0.8)
    object.__setattr__(trace, "outcome", outcome)
    object.__setattr__(trace, "calls", (replace(CALL, cost_usd=None),))
    page = client.get("/traces/t0000").text
    for said in (
        "written by main, each statement checked",
        "<dt>Model</dt><dd>openai:small</dd>",
        "<dt>Cost</dt><dd>unpriced</dd>",
        "800 in, 60 out",
        "1.50, used",
        "main was left: check failed.",
        "1 statement shown, 1 left out.",
        "retrieve 0.4 ms",
        "/v1/traces/t0000",
    ):
        assert said in page, said
    assert (
        sheet_of(replace(trace, outcome=app._abstained()), is_past=True).looked_at[0].is_used
        is False
    )


def test_an_answer_that_was_stopped_says_so(app: FakeApp, client: TestClient) -> None:
    """What was shown by then stands, with who ended it."""
    client.post("/", data={"question": "API down?"})
    claims = (own_words(app, "It is down."),)
    for shown in (claims, ()):
        outcome = Cancelled(because="whoever asked went away", rung="model:main", claims=shown)
        object.__setattr__(app.asked[0], "outcome", outcome)
        page = client.get("/traces/t0000").text
        assert "It ended here: whoever asked went away." in page
        assert ("It is down." in page) == bool(shown)
        assert "The documents do not say." not in page


def test_servers_on_this_machine_are_offered(
    client: TestClient, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no model is set up the empty page asks, later, what answers here."""
    with FakeOpenAi(models=("llama<3>", "b")) as server:
        monkeypatch.setattr(local, "usual_places", lambda: {"ollama": server.base_url})
        assert 'hx-get="/models/nearby"' in client.get("/").text
        said = client.get("/models/nearby").text
    assert "answerable models add ollama:llama&lt;3&gt;" in said
    assert "and 1 more" in said
    assert "hx-get" not in client.post("/", data={"question": "API down?"}).text
    app.settings = Settings(models={"main": Model(provider="openai")})
    assert "hx-get" not in client.get("/").text
