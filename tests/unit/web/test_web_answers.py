"""An answer that was given: verified again, and rated, over HTTP and on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fake_app import RUNBOOK, FakeApp, client_of
from httpx2 import Response
from pydantic import BaseModel
from starlette.testclient import TestClient

from answerable.answering.feedback import COMMENT_CHARS_MAX, Complaint, Thumb
from answerable.entrypoints.web import schemas

HTMX = {"hx-request": "true"}


@pytest.fixture
def app() -> FakeApp:
    """Return an app with three documents."""
    return FakeApp()


@pytest.fixture
def client(app: FakeApp) -> Iterator[TestClient]:
    """Give a client of the site over it."""
    with client_of(app) as client:
        yield client


@pytest.fixture
def answer(client: TestClient) -> dict[str, Any]:
    """Return an answer as the API gave it."""
    given: dict[str, Any] = client.post("/v1/ask", json={"question": "API down?"}).json()
    return given


def fits(shape: type[BaseModel], response: Response) -> dict[str, Any]:
    """Return the JSON of a response that fits its schema with nothing left over."""
    assert response.headers["content-type"] == "application/json", response.text
    return shape.model_validate_json(response.content).model_dump(mode="json")


def verified(client: TestClient, given: object) -> dict[str, Any]:
    """Return what came of verifying an answer."""
    response = client.post("/v1/verify", json=given)
    assert response.status_code == 200, response.text
    return fits(schemas.AnswerStandingOut, response)


def refused(response: Response, status: int, code: str) -> str:
    """Return what a problem says."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    detail: str = response.json()["detail"]
    return detail


# Verifying


def test_an_answer_is_verified_as_it_was_given(client: TestClient, answer: dict[str, Any]) -> None:
    """What the API gave can be handed back as it is, or by its trace alone, with one result."""
    whole = verified(client, answer)
    assert whole["standing"] == "still_true"
    assert whole == verified(client, {"trace_id": answer["trace_id"]})
    for given, claim in zip(answer["claims"], whole["claims"], strict=True):
        for one, citation in zip(given["citations"], claim["citations"], strict=True):
            assert citation["now"]["start"] == one["start"]
            assert citation["now"]["quote"] == one["quote"]
            assert citation["path"] == one["path"]


def test_a_moved_quote_leads_to_its_new_place(
    app: FakeApp, client: TestClient, answer: dict[str, Any]
) -> None:
    """When the document grew above it, the quote is still true, and its new offsets are given."""
    app.now = RUNBOOK.replace("## Meaning", "Read this first.\n\n## Meaning")
    found = verified(client, answer)
    assert found["standing"] == "still_true"
    for claim in found["claims"]:
        for one in claim["citations"]:
            assert one["moved"]
            place = one["now"]
            assert app.now[place["start"] : place["end"]] == place["quote"]
            assert place["url"].endswith(f"&hash={place['content_hash']}#cite")


def test_a_changed_document_says_what_it_says_now(
    app: FakeApp, client: TestClient, answer: dict[str, Any]
) -> None:
    """The closest sentence of today stands beside the quote that is gone."""
    app.now = RUNBOOK.replace("is not reachable", "cannot be reached")
    found = verified(client, answer)
    assert found["standing"] == "document_changed"
    first = found["claims"][0]["citations"][0]
    assert first["closest"]["quote"] == "The Kubernetes API server cannot be reached."
    assert first["now"] is None
    assert found["claims"][2]["standing"] == "still_true"


def test_a_document_that_is_gone_is_not_repeated(
    app: FakeApp, client: TestClient, answer: dict[str, Any]
) -> None:
    """By its trace too, nothing of a document that may not be read any more is told."""
    del app.texts["runbooks/KubeAPIDown.md"]
    for given in (answer, {"trace_id": answer["trace_id"]}):
        response = client.post("/v1/verify", json=given)
        assert fits(schemas.AnswerStandingOut, response)["standing"] == "document_gone"
        assert "KubeAPIDown" not in response.text
        assert "reachable" not in response.text


def test_a_forged_answer_is_no_window(client: TestClient, answer: dict[str, Any]) -> None:
    """A right guess at a comment and a wrong one are answered with the same bytes."""
    said = []
    for words in ("<!-- internal: ask Ada -->", "<!-- internal: ask Bob -->"):
        start = RUNBOOK.index("<!-- internal")
        citation = answer["claims"][0]["citations"][0] | {
            "quote": words,
            "start": start,
            "end": start + len(words),
        }
        claim = {"text": words, "citations": [citation]}
        said.append(client.post("/v1/verify", json={"revision": 3, "claims": [claim]}).content)
    assert said[0] == said[1]
    assert b"not_as_given" in said[0]
    assert b"Ada" not in said[0]


def test_an_altered_answer_is_told_from_what_was_recorded(
    client: TestClient, answer: dict[str, Any]
) -> None:
    """A sentence that was changed does not match its trace, nor, without one, its quotes."""
    answer["claims"][0]["text"] = "Everything can be deployed."
    found = verified(client, answer)
    assert found["standing"] == "not_as_given"
    assert found["claims"][0]["code"] == "not_recorded"
    assert verified(client, answer | {"trace_id": ""})["claims"][0]["code"] == "not_its_quotes"


def test_an_abstention_has_nothing_to_verify(client: TestClient) -> None:
    """It claims nothing, so nothing about it can be wrong."""
    silent = client.post("/v1/ask", json={"question": "the phone?"}).json()
    assert verified(client, silent)["standing"] == "nothing_cited"


@pytest.mark.parametrize(
    ("body", "status", "code", "named"),
    [
        ({}, 422, "bad_input", "trace_id"),
        ({"trace_id": "nope"}, 404, "not_found", "trace"),
        ({"trace_id": "x" * 65}, 422, "bad_input", "trace_id"),
        ({"claims": "secret"}, 422, "bad_input", "claims"),
        ({"claims": [{"text": "secret"}]}, 422, "bad_input", "claims.0.citations"),
        ({"claims": [], "revision": -1}, 422, "bad_input", "revision"),
        (["secret"], 422, "bad_input", ""),
        ({"claims": [{"text": "", "citations": []}] * 501}, 422, "bad_input", "claims"),
    ],
)
def test_what_is_no_answer_is_refused(
    client: TestClient, body: object, status: int, code: str, named: str
) -> None:
    """The complaint names the field and repeats nothing."""
    response = client.post("/v1/verify", json=body)
    assert named in refused(response, status, code)
    assert "secret" not in response.text


# Feedback over HTTP


def rate(client: TestClient, trace: str, **said: object) -> Response:
    """Rate an answer."""
    return client.post("/v1/feedback", json={"trace_id": trace, **said})


def test_feedback_is_listed_with_its_trace(client: TestClient, answer: dict[str, Any]) -> None:
    """What was said last stands beside the trace and counts in the list, which filters by it."""
    trace = answer["trace_id"]
    client.post("/v1/ask", json={"question": "another"})
    rate(client, trace, verdict="up")
    said = rate(client, trace, verdict="down", reason="outdated", comment="since May ä🚒")
    assert said.status_code == 201
    given = fits(schemas.FeedbackOut, said)
    assert (given["verdict"], given["reason"], given["comment"]) == (
        "down",
        "outdated",
        "since May ä🚒",
    )
    shown = fits(schemas.TraceOut, client.get(f"/v1/traces/{trace}"))
    assert shown["feedback"] == [given]
    rated = fits(schemas.TracesOut, client.get("/v1/traces", params={"rated": "down"}))
    assert [(one["id"], one["ups"], one["downs"]) for one in rated["traces"]] == [(trace, 0, 1)]
    assert client.get("/v1/traces", params={"rated": "up"}).json()["traces"] == []


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, "verdict"),
        ({"verdict": "sideways"}, "verdict"),
        ({"verdict": "down", "reason": "secret"}, "reason"),
        ({"verdict": "up", "reason": "wrong"}, "thumb down"),
        ({"verdict": "down", "comment": "x" * (COMMENT_CHARS_MAX + 1)}, "comment"),
        ({"verdict": "down", "who": "secret"}, "who"),
    ],
)
def test_feedback_that_makes_no_sense_is_refused(
    app: FakeApp, client: TestClient, answer: dict[str, Any], said: dict[str, object], named: str
) -> None:
    """The complaint names the field and repeats nothing; nothing is kept."""
    response = rate(client, answer["trace_id"], **said)
    assert named in refused(response, 422, "bad_input")
    assert "secret" not in response.text
    assert app.rated == []


def test_feedback_on_nothing(client: TestClient) -> None:
    """A trace that is not there cannot be rated."""
    refused(rate(client, "nope", verdict="up"), 404, "not_found")


def test_feedback_is_short(client: TestClient, answer: dict[str, Any]) -> None:
    """More than the longest comment is not even read, from the API or the page."""
    long = "x" * 40_000
    refused(rate(client, answer["trace_id"], verdict="down", comment=long), 413, "too_large")
    address = f"/traces/{answer['trace_id']}/feedback"
    sent = client.post(address, data={"verdict": "down", "comment": long})
    assert sent.status_code == 413
    widest = "\U0001f692" * COMMENT_CHARS_MAX
    assert rate(client, answer["trace_id"], verdict="down", comment=widest).status_code == 201
    kept = client.post(address, data={"verdict": "down", "comment": widest})
    assert kept.status_code == 200


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/verify", "/traces/t0000/feedback"])
def test_another_site_can_neither_rate_nor_verify(
    app: FakeApp, client: TestClient, answer: dict[str, Any], path: str
) -> None:
    """What a page of another site sends through a visitor's browser is refused."""
    del answer
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        form = client.post(path, data={"verdict": "down"}, headers=headers)
        assert form.status_code == 403
        body = {"trace_id": "t0000", "verdict": "down"}
        assert client.post(path, json=body, headers=headers).status_code == 403
    assert app.rated == []


# Feedback on the page


def pressed(page: str) -> dict[str, str]:
    """Return which thumb is pressed."""
    return dict(re.findall(r'value="(up|down)" aria-pressed="(\w+)"', page))


def test_thumbs_work_as_a_form(app: FakeApp, client: TestClient, answer: dict[str, Any]) -> None:
    """Without script a thumb leads back to the answer, where it is pressed, and asks for why."""
    page = client.post("/", data={"question": "API down?"}).text
    assert pressed(page) == {"up": "false", "down": "false"}
    assert "What was wrong?" not in page
    action = re.findall(r'<form action="(/traces/[^"]+/feedback)"', page)[0]
    posted = client.post(action, data={"verdict": "down"}, follow_redirects=False)
    trace = app.asked[-1].id
    assert (posted.status_code, posted.headers["location"]) == (303, f"/traces/{trace}#feedback")
    page = client.get(f"/traces/{trace}").text
    assert pressed(page) == {"up": "false", "down": "true"}
    assert page.count("<option") == 1 + len(Complaint)
    client.post(action, data={"verdict": "down", "reason": "unclear", "comment": "<b>?"})
    page = client.get(f"/traces/{trace}").text
    assert '<option value="unclear" selected>' in page
    assert "&lt;b&gt;?" in page
    assert [one.thumb for one in app.rated] == [Thumb.DOWN, Thumb.DOWN]
    assert answer["trace_id"] != trace


def test_thumbs_work_in_place(app: FakeApp, client: TestClient, answer: dict[str, Any]) -> None:
    """With script the form alone is put in its place."""
    address = f"/traces/{answer['trace_id']}/feedback"
    part = client.post(address, data={"verdict": "up"}, headers=HTMX)
    assert part.status_code == 200
    assert part.text.startswith('<section id="feedback"')
    assert "<html" not in part.text
    assert pressed(part.text) == {"up": "true", "down": "false"}
    assert app.rated[0].thumb is Thumb.UP
    wrong = client.post(address, data={"verdict": "up", "reason": "wrong"}, headers=HTMX)
    assert wrong.status_code == 422


def test_what_is_not_kept_cannot_be_rated(app: FakeApp, client: TestClient) -> None:
    """Where the trace could not be written, no thumb is offered that would lead nowhere."""
    app.keeps = False
    page = client.post("/", data={"question": "API down?"}).text
    assert "kubectl get pods" in page
    assert "feedback" not in page
