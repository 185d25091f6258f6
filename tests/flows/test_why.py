"""Why an answer is poor, over a small library with models that keep to a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ladder_doubles import PAGES, QUESTION, opened
from starlette.testclient import TestClient

from answerable.adapters.models.memory import ScriptedModel
from answerable.answering.checking import FeatureJudge
from answerable.answering.feedback import Complaint, Thumb
from answerable.app import App
from answerable.domain.errors import BadInput, ModelFailed, NotFound
from answerable.domain.questions import Abstained, Answered, StepReason, Trace
from answerable.entrypoints.web.site import build
from answerable.quality.diagnosis import FailurePoint, Sureness

GOOD = "The drain waits 30 seconds for each pod. [1]"
WRONG = "The drain waits 90 seconds for each pod. [1]"
DRAIN, ETCD = "nodes/drain.md", "etcd/quorum.md"

Open = Callable[..., App]


@pytest.fixture
def open_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens libraries whose ladder begins with models, judged as the product judges."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    with ExitStack() as stack:
        yield lambda *models: opened(tmp_path, stack, *models, judge=FeatureJudge())


def ask(app: App, text: str = QUESTION, *, rung: str = "") -> Trace:
    """Return the trace of a question of the owner."""
    return app.ask(text, app.owner(), rung=rung)


def point(app: App, trace: Trace, expected: str = "") -> FailurePoint:
    """Return where an answer went wrong."""
    return app.why(trace.id, app.owner(), expected=expected).point


def change(app: App, folder: Path, path: str, text: str) -> None:
    """Put another text in the place of a page."""
    (folder / "docs" / path).write_text(text)
    app.ingest(folder / "docs")


def test_an_answer_that_says_it_has_nothing_wrong(open_with: Open) -> None:
    """In the words of the document, in other marks and case, or by the path of its page."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    for expected in ("30 seconds", "the drain waits **30** SECONDS for each pod.", DRAIN):
        found = app.why(trace.id, app.owner(), expected=expected)
        assert (found.point, found.sure) == (FailurePoint.NOTHING_WRONG, Sureness.CERTAIN)
    assert point(app, trace) is FailurePoint.NOTHING_WRONG


def test_what_no_document_holds_is_not_in_the_documents(open_with: Open) -> None:
    """And once a page with it was taken in, it is said that it came later."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    expected = "Fencing power supplies takes eleven minutes."
    assert point(app, trace, expected) is FailurePoint.NOT_IN_DOCUMENTS


def test_what_came_later_can_be_asked_again(open_with: Open, tmp_path: Path) -> None:
    """The page of today holds it, the one that answered did not, and the way on is to ask."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    change(app, tmp_path, ETCD, f"{PAGES[ETCD]}\nCompaction runs every seven hours.\n")
    found = app.why(trace.id, app.owner(), expected="Compaction runs every seven hours.")
    assert (found.point, found.sure) == (FailurePoint.NOT_IN_DOCUMENTS, Sureness.CERTAIN)
    assert [one.command for one in found.remedies] == ['answerable ask "…"']


def test_a_page_that_was_not_retrieved(open_with: Open) -> None:
    """It is there, none of its passages was found, and the wider search says so too."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app, "how do I cordon a node?")
    assert {one.path for one in trace.passages} == {DRAIN}
    found = app.why(trace.id, app.owner(), expected="When two are lost there is no quorum")
    assert (found.point, found.sure) == (FailurePoint.NOT_RETRIEVED, Sureness.CERTAIN)
    assert point(app, trace, ETCD) is FailurePoint.NOT_RETRIEVED
    assert point(app, trace, "quorum.md") is FailurePoint.NOT_RETRIEVED


def test_what_was_retrieved_and_not_used(open_with: Open) -> None:
    """The model answered from another sentence of what was found."""
    app = open_with(ScriptedModel("Draining moves every pod away from a node before maintenance."))
    trace = ask(app)
    found = app.why(trace.id, app.owner(), expected="The drain waits 30 seconds for each pod.")
    assert (found.point, found.sure) == (FailurePoint.NOT_USED, Sureness.CERTAIN)
    assert "rank" in [one.code for one in found.evidence]


def test_a_model_that_contradicts_the_passage(open_with: Open) -> None:
    """Its statement was dropped because the document says another number."""
    fine = "Draining moves every pod away from a node before maintenance."
    app = open_with(ScriptedModel(f"{fine} {WRONG}"))
    trace = ask(app)
    assert len(trace.dropped) == 1
    expected = "The drain waits 30 seconds for each pod."
    assert point(app, trace, expected) is FailurePoint.CONTRADICTED
    assert point(app, trace) is FailurePoint.CONTRADICTED


def test_a_refusal_although_it_was_found(open_with: Open) -> None:
    """Nothing was answered on the rung that was asked for; the passage held it."""
    app = open_with(ScriptedModel("NOT IN THE PASSAGES"))
    trace = ask(app, rung="search")
    assert isinstance(trace.outcome, Abstained)
    assert trace.outcome.code == "policy"
    assert point(app, trace, "30 seconds for each pod") is FailurePoint.REFUSED_WRONGLY


def test_a_fault_of_the_provider(open_with: Open) -> None:
    """With nothing below the model its failure is the end, and certain."""
    app = open_with(ScriptedModel(ModelFailed("gone", hint="wait", kind=StepReason.OUTAGE)))
    trace = ask(app, rung="model:scripted")
    found = app.why(trace.id, app.owner())
    assert (found.point, found.sure) == (FailurePoint.PROVIDER_FAULT, Sureness.CERTAIN)
    assert found.remedies[0].command == "answerable models check scripted"


def test_a_document_that_changed_since(open_with: Open, tmp_path: Path) -> None:
    """The answer was right; its sentence has gone, and the new one is what was expected."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    change(app, tmp_path, DRAIN, PAGES[DRAIN].replace("30 seconds", "45 seconds"))
    assert point(app, trace) is FailurePoint.STALE
    assert point(app, trace, "waits 45 seconds for each pod") is FailurePoint.STALE


def test_an_incomplete_answer(open_with: Open) -> None:
    """Half of what was expected is in it; or somebody says that something is missing."""
    first = "A cluster of three members goes on working when one member is lost."
    app = open_with(ScriptedModel(first))
    trace = ask(app, "does a cluster of three members go on working when one is lost?")
    whole = f"{first} When two are lost there is no quorum and every write fails."
    assert point(app, trace, whole) is FailurePoint.INCOMPLETE
    app.rate(trace.id, app.owner(), Thumb.DOWN, Complaint.INCOMPLETE, "")
    found = app.why(trace.id, app.owner())
    assert (found.point, found.sure) == (FailurePoint.INCOMPLETE, Sureness.LIKELY)


def test_another_passage_of_the_right_page(tmp_path: Path, open_with: Open) -> None:
    """A long page is found by one section; what was expected stands in another."""
    app = open_with(ScriptedModel(GOOD))
    rest = "\n\n".join(
        f"## Chapter {number}\n\n" + "Gardens want water, weeding and patience. " * 40
        for number in range(30)
    )
    change(app, tmp_path, DRAIN, f"{PAGES[DRAIN]}\n{rest}\n\n## Compost\n\nTurn the heap weekly.\n")
    trace = ask(app)
    assert isinstance(trace.outcome, Answered)
    assert point(app, trace, "Turn the heap weekly.") is FailurePoint.WRONG_GRANULARITY


def test_what_is_masked_is_not_looked_for(open_with: Open) -> None:
    """A comment is text that is not there: a right guess at it finds nothing."""
    app = open_with(ScriptedModel(GOOD))
    assert point(app, ask(app), "never shown") is FailurePoint.NOT_IN_DOCUMENTS


@pytest.mark.parametrize("expected", ["…", "x" * 4_001])
def test_an_expectation_that_is_none_is_refused(open_with: Open, expected: str) -> None:
    """It has to have words, and to be short enough to look for."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    with pytest.raises(BadInput):
        app.why(trace.id, app.owner(), expected=expected)


def test_a_trace_that_is_not_there(open_with: Open) -> None:
    """It is named as any trace that is not there."""
    app = open_with(ScriptedModel(GOOD))
    with pytest.raises(NotFound):
        app.why("01m84hpbt6xvyhw8d01xhsmsmn", app.owner())


def test_an_answer_whose_texts_have_expired(open_with: Open) -> None:
    """Structure is enough for a page; nothing is searched for and nothing fails."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    app._tools.ledger.forget_texts(trace.at_ms + 1)
    found = app.why(trace.id, app.owner(), expected=DRAIN)
    assert found.point is FailurePoint.NOTHING_WRONG
    assert "rank_now" not in [one.code for one in found.evidence]
    assert point(app, trace) is FailurePoint.NOTHING_WRONG


def test_a_dropped_statement_whose_text_has_expired(open_with: Open) -> None:
    """It can no longer be compared with its passages, so what it means is a guess."""
    app = open_with(ScriptedModel(f"{GOOD} {WRONG}"))
    trace = ask(app)
    assert point(app, trace) is FailurePoint.CONTRADICTED
    app._tools.ledger.forget_texts(trace.at_ms + 1)
    found = app.why(trace.id, app.owner())
    assert (found.point, found.sure) == (FailurePoint.INCOMPLETE, Sureness.GUESS)


def test_the_api_says_the_same(open_with: Open) -> None:
    """The address of the trace, `/why` behind it, and what was expected as a parameter."""
    app = open_with(ScriptedModel(GOOD))
    trace = ask(app)
    with TestClient(build(app), base_url="http://localhost") as client:
        said = client.get(f"/v1/traces/{trace.id}/why", params={"expected": "30 seconds"})
        assert said.status_code == 200
        assert said.json()["point"] == "nothing_wrong"
        assert client.get("/v1/traces/none/why").status_code == 404


def test_metrics_count_what_was_asked(open_with: Open) -> None:
    """Every question counts once; what nobody asked for an answer does not."""
    app = open_with(ScriptedModel(f"{GOOD} {WRONG}"))
    with TestClient(build(app), base_url="http://localhost") as client:
        assert client.post("/v1/ask", json={"question": QUESTION}).status_code == 200
        found = client.get("/metrics")
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = found.text.splitlines()
    assert 'answerable_answers_total{outcome="answered",rung="model:scripted"} 1' in lines
    assert 'answerable_claims_total{fate="dropped",verdict="unsupported"} 1' in lines
    # A thread may be given back a moment after its answer.
    assert {"answerable_answers_open 0", "answerable_answers_open 1"} & set(lines)
