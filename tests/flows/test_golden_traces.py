"""A question's path from end to end, compared with traces that were read and found right.

After a change that is meant to change them: `ANSWERABLE_GOLDEN=write pytest tests/flows`, then
read the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.answering.verify import verify
from answerable.app import App, load_question_set, open_memory
from answerable.domain.errors import BadQuestion, NotReady
from answerable.domain.questions import Answered, Scope, Trace
from answerable.quality.evaluation import evaluate

GOLDEN = Path(__file__).parent / "golden"

PAGES = {
    "nodes/drain.md": """---
title: Draining a node
---

# Draining a node

<!-- reviewed in spring -->
Draining moves every pod away from a node before maintenance.

## Before you begin

Check that no PodDisruptionBudget blocks the {{< glossary_tooltip text="eviction" >}} of a pod.

## Steps

1. Cordon the node: `kubectl cordon NODE`.
2. Drain it:

   ```shell
   kubectl drain NODE --ignore-daemonsets
   ```

3. Do the maintenance, then run `kubectl uncordon NODE`.

## Limits

| setting | default | meaning |
|---|---|---|
| `--grace-period` | 30 | seconds a pod is given to end |
| `--timeout` | 0 | seconds before giving up, 0 waits for ever |
""",
    "etcd/quorum.md": """# etcd quorum

A cluster of three members goes on working when one member is lost. When two are lost there is
no quorum and every write fails.
""",
    "notes.txt": "The coffee machine on floor two is broken.\n",
}

QUESTIONS = {
    "steps": "how do I drain a node?",
    "table-row": "what is the default grace period when draining?",
    "around-a-mask": "does a PodDisruptionBudget block the eviction of a pod?",
    "sentence": "does etcd go on when one of three members is lost?",
    "unknown-words": "who won the football match yesterday?",
    "thin": "which certificate does the coffee vendor use?",
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A library in memory that holds the pages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(answerable.app.tools, "new_parser", lambda *_: InlineParser())
    for path, text in PAGES.items():
        file = tmp_path / "docs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with open_memory() as opened:
        opened.ingest(tmp_path / "docs")
        yield opened


def _stable(trace: Trace) -> dict[str, Any]:
    """Return what of a trace does not depend on when and with which version it was asked."""
    value = asdict(trace)
    for name in ("id", "at_ms", "release", "steps", "took_ms"):
        del value[name]
    # Ids are made from the path of the temporary folder.
    for one in (*value["passages"], *value["outcome"].get("closest", ())):
        del one["document_id"], one["content_id"]
    for claim in value["outcome"].get("claims", ()):
        for citation in claim["citations"]:
            del citation["document_id"]
    value["outcome"]["kind"] = type(trace.outcome).__name__
    stable: dict[str, Any] = json.loads(
        json.dumps(value), parse_float=lambda text: round(float(text), 4)
    )
    return stable


@pytest.mark.parametrize("name", QUESTIONS)
def test_traces_are_as_they_were(app: App, name: str) -> None:
    """Passages, evidence, outcome and every citation of six questions stay what they are."""
    seen = _stable(app.ask(QUESTIONS[name], app.owner()))
    file = GOLDEN / f"{name}.json"
    if os.environ.get("ANSWERABLE_GOLDEN") == "write":
        file.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
    assert seen == json.loads(file.read_text())


def test_steps_are_quoted_whole(app: App) -> None:
    """Of a procedure no step is left out and no command is cut."""
    outcome = app.ask(QUESTIONS["steps"], app.owner()).outcome
    assert isinstance(outcome, Answered)
    text = "".join(claim.text for claim in outcome.claims)
    for step in ("1. Cordon", "kubectl drain NODE --ignore-daemonsets", "kubectl uncordon NODE"):
        assert step in text


def test_what_is_masked_is_never_shown(app: App) -> None:
    """Comments, front matter and shortcodes are in no passage's words and in no quote."""
    outcome = app.ask(QUESTIONS["around-a-mask"], app.owner()).outcome
    assert isinstance(outcome, Answered)
    text = "".join(claim.text for claim in outcome.claims)
    assert "the eviction of a pod" in text
    assert "glossary_tooltip" not in text
    assert "reviewed" not in text


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_citation_verifies(app: App, name: str) -> None:
    """Each is recomputed from the document as it is stored."""
    trace = app.ask(QUESTIONS[name], app.owner())
    if isinstance(trace.outcome, Answered):
        assert trace.outcome.claims
        for citation in (one for claim in trace.outcome.claims for one in claim.citations):
            text = app.document(citation.document_id, app.owner()).content.text
            assert verify(citation, text.text, spans=None, masks=text.masks) == ()


def test_an_empty_scope_sees_nothing(app: App) -> None:
    """Who may read nothing gets nothing, and a document looks missing to them."""
    nobody = Scope(principal="nobody", labels=frozenset(), because="test")
    trace = app.ask(QUESTIONS["sentence"], nobody)
    assert not isinstance(trace.outcome, Answered)
    assert trace.passages == ()
    assert app.documents(nobody) == ()


def test_a_removed_document_stays_away_through_any_folder(app: App, tmp_path: Path) -> None:
    """Read through a narrower or a wider folder, or in an older revision: it does not come back."""
    app.ingest(tmp_path / "docs" / "etcd")
    narrow = app.serving().revision
    app.ingest(tmp_path / "docs")
    found = app.find_document("etcd/quorum.md", app.owner())
    app.remove(found, who="owner", because="test")
    app.ingest(tmp_path / "docs" / "etcd", allow_empty=True)
    app.ingest(tmp_path / "docs")
    assert not any("quorum" in one.document.path for one in app.documents(app.owner()))
    assert narrow is not None
    app.switch(narrow.number, who="owner", because="test")
    assert not any("quorum" in one.document.path for one in app.documents(app.owner()))
    assert not isinstance(app.ask(QUESTIONS["sentence"], app.owner()).outcome, Answered)
    app.restore("etcd/quorum.md")
    assert isinstance(app.ask(QUESTIONS["sentence"], app.owner()).outcome, Answered)


def test_what_is_ingested_while_pinned_is_there_afterwards(app: App, tmp_path: Path) -> None:
    """After a bad sync is undone, later runs build on each other and not on the bad one."""
    first = app.serving().revision
    assert first is not None
    (tmp_path / "docs" / "bad.md").write_text("bad sync\n")
    app.ingest(tmp_path / "docs")
    app.switch(first.number, who="owner", because="undo")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"page {name}\n")
        app.ingest(tmp_path / name)
    assert app.ingest(tmp_path / "two").revision is None, "nothing changed since"
    app.switch(None, who="owner", because="follow again")
    paths = {one.document.path for one in app.documents(app.owner())}
    assert {"one.md", "two.md"} < paths
    assert "bad.md" not in paths


def test_a_question_set_leaves_no_traces(app: App, tmp_path: Path) -> None:
    """Evaluating the live library does not fill its ledger."""
    row = {"id": "q", "question": QUESTIONS["sentence"], "answerable": True}
    row |= {"gold_doc": "etcd/quorum.md", "gold_quote": "goes on working", "tags": []}
    (tmp_path / "set.jsonl").write_text(json.dumps(row) + "\n")
    questions = load_question_set(str(tmp_path / "set.jsonl"), None)
    scores = evaluate(app.answers(questions, asked=lambda _: None), ks=(1,))
    assert scores.overall["hit@1"] == 1.0
    assert scores.overall["citations_verified"] == 1.0
    assert app.traces() == ()


def test_the_trace_is_in_the_ledger(app: App) -> None:
    """What was answered can be looked at later, whole."""
    trace = app.ask(QUESTIONS["sentence"], app.owner())
    assert app.trace(trace.id) == trace
    assert [one.id for one in app.traces(limit=1)] == [trace.id]


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 100_000])
def test_a_bad_question_leaves_no_trace(app: App, text: str) -> None:
    """Empty or endless questions are refused before anything is looked up."""
    with pytest.raises(BadQuestion):
        app.ask(text, app.owner())
    assert app.traces() == ()


def test_an_empty_library_says_what_to_do() -> None:
    """Before anything was ingested there is a hint, not an answer."""
    with open_memory() as app, pytest.raises(NotReady) as caught:
        app.ask("anything", app.owner())
    assert "ingest" in caught.value.hint
