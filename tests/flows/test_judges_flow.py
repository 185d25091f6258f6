"""A release names its judge; settings say where it is; what it is, is pinned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Shell, shell

from answerable.adapters.models import local
from answerable.app import App, open_app
from answerable.domain.errors import BadConfiguration
from answerable.domain.questions import StepReason, Trace
from fake_openai import FakeOpenAi
from tiny_encoder import write_encoder

__all__ = ["shell"]  # a fixture, found by its name

PAGE = "# Ingester\n\nThe ingester listens on port 8443. Restart it by hand.\n"
QUESTION = "Which port does the ingester listen on?"
ROW = {"context": PAGE, "question": QUESTION, "response": "It is the ingester that listens there."}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server on this machine is asked, and nothing is embedded."""
    monkeypatch.setattr(local, "usual_places", dict)
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")


@pytest.fixture
def fake() -> Iterator[FakeOpenAi]:
    with FakeOpenAi() as server:
        yield server


@pytest.fixture
def library(shell: Shell, fake: FakeOpenAi) -> Shell:
    """Returns a workspace with one page and one model."""
    shell.done("init")
    shell.done("models", "add", fake.base_url, "--name", "local")
    docs = shell.home / "docs"
    docs.mkdir()
    (docs / "ingester.md").write_text(PAGE)
    shell.done("ingest", "docs")
    return shell


def with_encoder(shell: Shell, patch: pytest.MonkeyPatch) -> Path:
    """Have the release judged by an encoder in the workspace; return its folder."""
    folder = shell.home / "tiny"
    folder.mkdir()
    write_encoder(folder)
    told = shell.home / "answerable.toml"
    told.write_text(f'{told.read_text()}\n[judges.tiny]\nfolder = "tiny"\n')
    patch.setenv("ANSWERABLE_RELEASE__JUDGE", "onnx:tiny")
    return folder


def asked(app: App) -> Trace:
    return app.ask(QUESTION, app.owner())


def judges(trace: Trace) -> set[str]:
    """Return who judged what the model wrote, shown or dropped."""
    shown = getattr(trace.outcome, "claims", ())
    return {one.verdict.judge for one in (*shown, *trace.dropped)}


def test_an_encoder_judges_what_a_model_writes(
    library: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the release with its digest, and in every verdict."""
    fake.text = "The ingester on port 8443 listens. Wombats dig holes."
    with_encoder(library, monkeypatch)
    with open_app(library.home) as app:
        trace = asked(app)
        release = app.serving().release
    assert (release.judge.name, len(release.judge.digest)) == ("onnx:tiny", 12)
    assert trace.release == release.id
    assert "onnx:tiny" in judges(trace)
    assert [one.text for one in trace.dropped] == ["Wombats dig holes."]


def test_other_files_are_another_release(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may change a verdict changes the id, and the record says what changed."""
    folder = with_encoder(library, monkeypatch)
    with open_app(library.home) as app:
        app.ingest(library.home / "docs")
        before = app.serving().release
    (folder / "judge.json").write_text('{"supported_min": 0.9}')
    with open_app(library.home) as app:
        after = app.serving().release
        assert "judge" in app.deployments()[0].because
    assert after.id != before.id


def test_a_folder_that_is_gone_steps_down_to_quotes(
    library: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing unchecked is shown; the answer is quotes, and doctor says why."""
    fake.text = "The ingester on port 8443 listens."
    folder = with_encoder(library, monkeypatch)
    folder.rename(library.home / "elsewhere")
    with open_app(library.home) as app:
        trace = asked(app)
    assert [one.reason for one in trace.step_downs] == [StepReason.POLICY]
    assert "model.onnx" in trace.step_downs[0].detail
    assert trace.outcome.rung == "quote"
    ran = library.run("doctor")
    assert "judge" in ran.out
    assert "model.onnx" in ran.out


def test_other_files_do_not_judge_for_a_release(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release is judged by what it pinned, or not at all."""
    folder = with_encoder(library, monkeypatch)
    with open_app(library.home) as app:
        pinned = app.serving().release.judge
    (folder / "judge.json").write_text('{"supported_min": 0.9}')
    with open_app(library.home) as app:
        judges = app._tools.judges  # the pin is what is tested
        with pytest.raises(BadConfiguration, match="the release's is"):
            judges.of(pinned)


def test_a_model_judges_and_its_calls_are_counted(
    library: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It need not write; what its verdicts cost stands in the trace."""
    told = library.home / "answerable.toml"
    told.write_text(
        f'{told.read_text()}\n[models.second]\nbase_url = "{fake.base_url}"\n'
        '[release.models.second]\nmodel = "fake-1"\nwrites = false\n'
    )
    monkeypatch.setenv("ANSWERABLE_RELEASE__JUDGE", "model:second")
    fake.text = "SUPPORTED: The ingester on port 8443 listens."
    with open_app(library.home) as app:
        trace = asked(app)
        assert app.serving().release.ladder == ("model:local", "quote", "search", "abstain")
    assert {one.purpose for one in trace.calls} == {"answer", "check"}
    assert {one.model for one in trace.calls if one.purpose == "check"} == {"second"}
    assert "model:second" in judges(trace)


@pytest.mark.parametrize(
    ("judge", "said"),
    [("model:nobody", "release.models.nobody"), ("onnx:nobody", "judges.nobody"), ("x", "judge")],
)
def test_a_judge_that_nobody_set_up_is_refused(
    library: Shell, monkeypatch: pytest.MonkeyPatch, judge: str, said: str
) -> None:
    """At the start, with the table that is missing."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__JUDGE", judge)
    ran = library.run("ask", QUESTION)
    assert said in ran.check_error("bad_configuration", status=2)


def test_check_takes_any_judge(
    library: Shell, fake: FakeOpenAi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By folder without a workspace, by name within one; a model is asked."""
    rows = library.home / "answers.jsonl"
    rows.write_text(json.dumps(ROW) + "\n")
    folder = with_encoder(library, monkeypatch)
    for name in (f"onnx:{folder}", "onnx:tiny"):
        ran = library.done("check", str(rows), "--json", "--judge", name)
        (claim,) = json.loads(ran.out)["claims"]
        assert claim["reasons"][0]["code"] == "encoder_says"
    fake.text = "UNSUPPORTED: it does not say so"
    ran = library.done("check", str(rows), "--json", "--judge", "model:local")
    found = json.loads(ran.out)
    assert found["verdict"] == "UNSUPPORTED"
    assert found["claims"][0]["reasons"] == [{"code": "model_says", "text": "it does not say so"}]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("oracle", "bad_input"),
        ("model:nobody", "not_found"),
        ("onnx:/nowhere", "bad_configuration"),
    ],
)
def test_check_refuses_a_judge_there_is_not(library: Shell, name: str, code: str) -> None:
    """With its code and what to do."""
    rows = library.home / "answers.jsonl"
    rows.write_text(json.dumps(ROW) + "\n")
    ran = library.run("check", str(rows), "--judge", name)
    ran.check_error(code, status=1 if code == "not_found" else 2)
