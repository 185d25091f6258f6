"""Canaries under way: who answers, what is seen, and what is done by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from command_line import Shell, shell

from answerable.app import App, open_app
from answerable.app.canarying import plan
from answerable.domain.errors import NotReady
from answerable.domain.questions import Trace
from answerable.operations.flow import Every
from answerable.releases.ports import Stage
from answerable.releases.watching import conversation_of

__all__ = ["shell"]  # a fixture, found by its name

SILENT = [("abstaining.by_words.confidence_min", "1")]
SHORTER = [("quoting.units_max", "3")]
NOW = {"minutes_min": 0, "exposure_min": 5}


@pytest.fixture
def app(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Give an app with two pages, whose keeper looks whenever it is asked to."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    monkeypatch.setattr(Every, "is_due", lambda _self, _seconds: True)
    shell.done("init")
    for name in ("zebra", "okapi"):
        shell.write(f"docs/{name}.md", f"# {name}\n\nThe {name} sleeps in the {name} house.\n")
    shell.done("ingest", "docs")
    with open_app(shell.home) as opened:
        yield opened


def proposed(app: App, changes: list[tuple[str, str]]) -> str:
    """Propose a release, and return its id."""
    made = app.releases.propose("live", changes, author="ann", message="")
    return made.release_id


def started(app: App, changes: list[tuple[str, str]], **how: object) -> str:
    """Start a canary, and return its candidate."""
    candidate = proposed(app, changes)
    app.canaries.start(candidate, plan(**{**NOW, **how}), who="ann", override="to try")
    return candidate


def ask(app: App, name: str) -> Trace:
    """Ask as one conversation."""
    return app.ask("where does the zebra sleep?", app.owner(), conversation=name)


def asked(app: App, times: int, *, first: int = 0) -> list[Trace]:
    """Ask so many conversations."""
    return [ask(app, f"conversation {n}") for n in range(first, first + times)]


def stage(app: App) -> Stage:
    return app.canaries.view().record.stage


def test_without_a_canary_nothing_is_told_apart(app: App) -> None:
    """No conversation is named, and nothing is looked at."""
    assert ask(app, "a").conversation == ""
    assert not app.canaries.step()


def test_a_share_of_the_conversations_and_each_to_its_end(app: App) -> None:
    """The candidate answers some; what follows stays where it began, and earlier ones do too."""
    live = app.serving().release.id
    before = ask(app, "early")
    candidate = started(app, SHORTER, percent=50)
    traces = asked(app, 60)
    by_release = {one: [t for t in traces if t.release == one] for one in (live, candidate)}
    assert min(map(len, by_release.values())) >= 15
    assert len({one.conversation for one in traces}) == 60
    for one in (by_release[live][0], by_release[candidate][0]):
        later = app.ask("and the okapi?", app.owner(), follows=one.id)
        assert (later.release, later.conversation) == (one.release, one.conversation)
    assert app.ask("and the okapi?", app.owner(), follows=before.id).release == live
    first = app.ask("where does the okapi sleep?", app.owner())
    assert first.conversation == conversation_of(app.owner().principal, first.question)


def test_a_worse_release_goes_by_itself(app: App) -> None:
    """It answers nothing any more, and what it said is no context; the service never failed."""
    live = app.serving().release.id
    candidate = started(app, SILENT, percent=50)
    total = 0
    while stage(app) is Stage.RUNNING and total < 400:
        asked(app, 10, first=total)
        app.canaries.step()
        total += 10
    found = app.canaries.view()
    assert found.record.stage is Stage.ROLLED_BACK
    assert found.record.because.startswith("abstained is worse")
    assert total < 400
    assert app.serving().release.id == live
    assert {one.release for one in asked(app, 20, first=1_000)} == {live}
    bad = next(one for one in app.traces(limit=500) if one.release == candidate)
    assert app.canaries.rejected() == {candidate}
    assert app.ask("and the okapi?", app.owner(), follows=bad.id).release == live
    assert found.watch.points


def test_as_good_a_release_is_promoted_by_itself(app: App) -> None:
    """After as many conversations as that takes; and one command goes back."""
    live = app.serving().release.id
    candidate = started(app, SHORTER, percent=50, margin=0.2)
    total = 0
    while stage(app) is Stage.RUNNING and total < 800:
        asked(app, 20, first=total)
        app.canaries.step()
        total += 20
    assert stage(app) is Stage.PROMOTED
    now = app.serving()
    assert (now.release.id, now.deployment.who) == (candidate, "canary")
    assert now.deployment.because.startswith("no worse by 20 points")
    assert ask(app, "later").release == candidate
    app.releases.rollback(who="ann", because="")
    assert app.serving().release.id == live


def test_a_shadow_is_seen_by_nobody_and_reads_what_was_asked_before(app: App) -> None:
    """With fifty questions a day it still reaches a decision; the ledger has only live answers."""
    live = app.serving().release.id
    for n in range(60):
        app.ask(f"where does the zebra sleep, number {n}?", app.owner())
    before = len(app.traces(limit=1_000))
    started(app, SILENT, is_shadow=True)
    steps = 0
    while stage(app) is Stage.RUNNING and steps < 40:
        app.canaries.step()
        steps += 1
    found = app.canaries.view()
    assert found.record.stage is Stage.ROLLED_BACK
    assert found.watch.canary.live == found.watch.canary.canary <= 60
    assert len(app.traces(limit=1_000)) == before
    assert {one.release for one in app.traces(limit=1_000)} == {live}


def test_a_shadow_loses_no_question(app: App) -> None:
    """However many come at once, each is answered by both in the end."""
    started(app, SHORTER, is_shadow=True, exposure_min=1_000)
    asked(app, 30)
    for _ in range(6):
        app.canaries.step()
    seen = app.canaries.view().watch.canary
    assert (seen.live, seen.canary) == (30, 30)


def test_a_person_wins(app: App) -> None:
    """Held, it is not promoted; stopped, it answers nothing; promoted by hand, it is over."""
    started(app, SHORTER, percent=50, margin=0.5)
    app.canaries.hold("until Monday")
    for n in range(0, 200, 20):
        asked(app, 20, first=n)
        app.canaries.step()
    found = app.canaries.view()
    assert (found.record.stage, found.record.held) == (Stage.RUNNING, "until Monday")
    assert found.advice.because == "it has won, and is held: until Monday"
    app.canaries.hold("")
    app.canaries.step()
    assert stage(app) is Stage.PROMOTED
    other = started(app, SILENT, percent=50)
    app.canaries.stop(because="enough")
    assert stage(app) is Stage.STOPPED
    assert other not in {one.release for one in asked(app, 30, first=900)}
    third = started(app, [("quoting.units_max", "4")], percent=50)
    app.releases.promote(third, who="ann", because="", override="now")
    app.canaries.step()
    assert (stage(app), app.canaries.view().record.because) == (
        Stage.STOPPED,
        "it was promoted by hand",
    )


def test_killed_in_the_middle_of_a_promotion(app: App) -> None:
    """Whoever keeps next goes on: it serves once, and the canary has ended."""
    candidate = started(app, SHORTER, percent=50)
    tools = app._tools
    record = app.canaries.view().record
    for _ in range(2):  # killed before the deployment, and after it
        tools.canaries.move(
            record.number, Stage.PROMOTING, of=set(Stage), because="no worse", now_ms=1
        )
        app.canaries.step()
        assert stage(app) is Stage.PROMOTED
        assert app.serving().release.id == candidate
    assert [one.release_id for one in app.deployments()].count(candidate) == 1


def test_what_was_seen_survives_a_restart(app: App, shell: Shell) -> None:
    """And nothing is counted twice."""
    started(app, SHORTER, percent=50)
    asked(app, 20)
    app.canaries.step()
    seen = app.canaries.view().watch.canary
    assert seen.live + seen.canary == 20
    with open_app(shell.home) as again:
        again.canaries.step()
        assert again.canaries.view().watch.canary == seen
        asked(again, 5)  # the same conversations go on
        asked(again, 3, first=500)
        again.canaries.step()
        now = again.canaries.view().watch.canary
        assert now.live + now.canary == 23


def test_a_candidate_that_cannot_answer_any_more(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live release answers everything, and the canary has ended."""
    live = app.serving().release.id
    started(app, SHORTER, percent=50)

    def gone(*_: object) -> None:
        raise NotReady("the model main is not set up here", hint="")

    monkeypatch.setattr(app.releases, "staged", gone)
    app._tools.canaries.hold(0, "")  # anything stored has changed
    assert {one.release for one in asked(app, 20)} == {live}
    app.canaries.step()
    assert stage(app) is Stage.ROLLED_BACK
    assert "not set up" in app.canaries.view().record.because


def test_the_command_line(shell: Shell, app: App) -> None:
    """Started, shown, held, stopped; what cannot be done is said."""
    canary = ("releases", "canary")
    shell.run(*canary, "show").check_error("not_found", status=1)
    candidate = proposed(app, SHORTER)
    said = shell.run(*canary, "start", candidate).check_error("conflict", status=1)
    assert "no gate has looked at it" in said
    shell.run(*canary, "start", "live").check_error("conflict", status=1)
    for bad in (("--percent", "0"), ("--percent", "51"), ("--margin", "0"), ("--guard", "mood")):
        shell.run(*canary, "start", candidate, *bad).check_error("bad_input", status=2)
    told = shell.done(*canary, "start", candidate, "--override", "to try").out
    assert told.startswith(f"canary 0: {candidate} beside ")
    shell.run(*canary, "start", candidate, "--override", "x").check_error("conflict", status=1)
    asked(app, 30)
    app.canaries.step()
    shown = shell.done(*canary, "show", "--json").data
    assert shown["live"] + shown["canary"] == 30
    assert [one["name"] for one in shown["guards"]] == ["abstained", "failed", "unsupported"]
    assert "held: not yet" in shell.done(*canary, "hold", "--because", "not yet").out
    assert "held" not in shell.done(*canary, "resume").out
    shell.done(*canary, "stop")
    shell.run(*canary, "stop").check_error("not_found", status=1)
    shell.run(*canary, "hold").check_error("not_found", status=1)
    assert "stopped by hand" in shell.done(*canary, "list").out


def test_nobody_is_told_by_another() -> None:
    """Callers who use the same name for a conversation have two."""
    assert conversation_of("ann", "a") != conversation_of("bob", "a")
    assert conversation_of("ann", "a") == conversation_of("ann", "a")
