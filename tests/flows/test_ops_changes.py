"""A change for the worse on real documents: stopped by a gate, gone from a canary, found again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Lock

import pytest

import answerable.app.tools as app_tools
from answerable.app import App, load_question_set
from answerable.app.canarying import plan
from answerable.domain.questions import Answered, Trace
from answerable.quality.paired import Decision
from answerable.releases.gate import Policy
from answerable.releases.ports import Stage
from answerable.settings import load

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "examples"
QUESTIONS = str(DOCS / "questions" / "runbooks.jsonl")
MORE = str(DOCS / "questions" / "calibration.jsonl")
# Titles drown everything else, and one passage is all that is handed on.
WORSE = [("retrieval.title_boost", "40"), ("retrieval.passages_max", "1")]
SECONDS_A_QUESTION = 20


class Clock:
    """Time that goes on by so much with each question."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000
        self._lock = Lock()

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        with self._lock:
            self.ms += ms


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: Clock, folder: Path
) -> Iterator[App]:
    """Give the documents that ship, in memory, with runs kept in a folder of the test."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    settings = load(None, data_dir=tmp_path / "data")
    with ExitStack() as stack:
        own = ExitStack()
        tools = replace(app_tools.memory_tools(settings, own), clock=clock)
        made = stack.enter_context(App(settings, tools, on_close=own))
        made.ingest(folder)
        made.ingest(DOCS / "kubernetes-docs")
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give runbooks that may be changed."""
    made = tmp_path / "runbooks"
    for file in (DOCS / "prometheus-operator-runbooks").rglob("*.md"):
        into = made / file.relative_to(DOCS / "prometheus-operator-runbooks")
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_bytes(file.read_bytes())
    return made


def proposed(app: App, changes: list[tuple[str, str]]) -> str:
    made = app.releases.propose("live", changes, author="ann", message="")
    return made.release_id


def test_the_gate_stops_it_and_shows_what_was_lost(app: App) -> None:
    """With both answers of every question that flipped; promoting it is refused."""
    questions = load_question_set(QUESTIONS, None)
    worse = proposed(app, WORSE)
    found = app.releases.gate(
        worse, "live", [questions], [], Policy(), who="ann", asked=lambda *_: None
    )
    assert found.judgement.decision is Decision.FAIL
    (compared,) = found.compared
    assert len(compared.lost) >= 15
    before, after = compared.lost[0]
    assert before.answer != after.answer


def test_a_canary_of_it_goes_by_itself_under_load(app: App, clock: Clock) -> None:
    """Eight callers at once, by the plan that is the default; not one question fails."""
    live = app.serving().release.id
    candidate = proposed(app, WORSE)
    began_ms = clock.ms
    app.canaries.start(candidate, plan(percent=25), who="ann", override="to see it go")
    texts = [
        case.question
        for name in (QUESTIONS, MORE)
        for case in load_question_set(name, None).cases
        if case.answerable
    ]

    def ask(number: int) -> Trace:
        clock.pass_ms(SECONDS_A_QUESTION * 1_000)
        text = texts[number % len(texts)]
        return app.ask(text, app.owner(), conversation=f"{number}")

    asked, traces = 0, []
    with ThreadPoolExecutor(8) as pool:
        while app.canaries.view().record.stage is Stage.RUNNING and asked < 2_000:
            traces += list(pool.map(ask, range(asked, asked + 16)))
            asked += 16
            app.canaries.step()
    found = app.canaries.view()
    assert found.record.stage is Stage.ROLLED_BACK, found.advice
    assert found.record.because.startswith("abstained is worse")
    assert {one.release for one in traces} == {live, candidate}
    assert app.serving().release.id == live
    after = [ask(number) for number in range(asked, asked + 16)]
    assert {one.release for one in after} == {live}
    took_s = (clock.ms - began_ms) / 1_000
    assert 15 * 60 <= took_s <= 6 * 3_600


def test_bisection_finds_it_among_sixteen(app: App, clock: Clock) -> None:
    """On the questions of the set that it lost."""
    ids = []
    for number in range(1, 16):
        changes = [("quoting.join", f"0.{170 + number}")]
        if number == 11:
            changes += WORSE
        ids.append(proposed(app, changes))
        clock.pass_ms(60_000)
        app.releases.promote(ids[-1], who="ann", because="", override="history")
    history = app.bisecting.between("d0", "live")
    assert len(history) >= 16
    found = app.bisecting.run(load_question_set(QUESTIONS, None), history, told=lambda _: None)
    assert found.after.release.id == ids[10]
    assert "retrieval" in found.guilty
    assert found.posterior >= 0.95


def test_bisection_finds_the_document_that_was_broken(app: App, clock: Clock, folder: Path) -> None:
    """Between two revisions in which others were changed, too."""
    question = "daemonset rollout stuck, old pod sits in Terminating forever"
    outcome = app.ask(question, app.owner()).outcome
    assert isinstance(outcome, Answered)
    path = outcome.claims[0].citations[0].path
    others = sorted(file for file in folder.rglob("*.md") if not str(file).endswith(path))
    for at, file in enumerate(others[:12]):
        file.write_text(f"{file.read_text()}\nReviewed.\n")
        if at == 7:
            (folder / path).write_text("# To be written\n\nSoon.\n")
        clock.pass_ms(60_000)
        app.ingest(folder)
    history = app.bisecting.between("", "")
    assert len(history) >= 12
    questions = app.bisecting.case(question, "", history[-12])
    found = app.bisecting.run(questions, history[-13:], told=lambda _: None)
    assert found.guilty == ("index",)
    assert path in found.documents
    assert "Reviewed." not in "".join(
        (folder / one).read_text() for one in found.documents if one == path
    )
