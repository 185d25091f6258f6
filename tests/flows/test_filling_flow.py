"""Filling beside everything else: nobody waits for it, and nothing in between is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from command_line import Shell
from topics import Topics, library, listed, shell, topics

from answerable.adapters.index.local import LocalIndex, LocalPrepared
from answerable.adapters.processes import myself
from answerable.app import App, open_app
from answerable.domain.errors import Corrupt, DiskFull, Locked, NotReady
from answerable.library.ports import Vectors
from answerable.operations.ports import Job, JobState

__all__ = ["library", "shell", "topics"]

EARTH = "# Earth\n\nThe ground is surveyed twice a year.\n"
AIR = "# Air\n\nFlames take oxygen out of the air.\n"


def ignore(_done: int, _of: int) -> None:
    """Hear nothing."""


def meanwhile(patch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something once while a fill writes: after it has written, before it seals."""
    prepare = LocalIndex.prepare
    left = [do]

    def late(*arguments: Any, **parts: Any) -> Any:
        result = prepare(*arguments, **parts)
        if left and "check" in parts:
            left.pop()()
        return result

    patch.setattr(LocalIndex, "prepare", late)


def without(library: Shell, text: str) -> list[str]:
    """Return the paths found for a text, without a vector each."""
    trace = library.run("ask", text, "--json").data
    return [one["path"] for one in trace["passages"] if "cosine" not in dict(one["parts"])]


def tidy(library: Shell) -> bool:
    """Return whether nothing that was written beside the revisions is left."""
    [index] = (library.home / "share").rglob("index")
    return not list((index / "prepared").glob("*")) and not (index / "build").exists()


def test_an_ingest_does_not_wait_while_vectors_are_written(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It seals beside the fill, whose vectors are then sealed with the newer documents.

    What changed, came or went meanwhile is as the ingest left it.
    """
    library.write("docs/ice.md", "# Ice\n\nIce is a cold liquid.\n")
    library.run("ingest", "docs", "--no-wait")

    def ingest() -> None:
        library.write("docs/water.md", "# Water\n\nWater has no flames.\n")
        library.write("docs/earth.md", EARTH)
        (library.home / "docs" / "ice.md").unlink()
        with open_app(library.home) as other:
            assert other.ingest(library.home / "docs").revision == 2

    meanwhile(monkeypatch, ingest)
    with open_app(library.home) as app:
        app.fill_vectors(ignore)
        assert app.coverage().is_full
        assert [one.because for one in app.revisions()][:2] == ["vectors of minilm"] * 2
        assert all(problems == () for problems in app.verify().values())
    trace = library.run("ask", "which liquid has ground and oxygen?", "--json").data
    assert {one["path"] for one in trace["passages"]} == {"water.md", "fire.md", "earth.md"}
    by_path = {one["path"]: dict(one["parts"]) for one in trace["passages"]}
    # The question is of both topics, and so is the new text; the former was of one.
    assert by_path["water.md"]["cosine"] == pytest.approx(1.0, abs=0.01)
    assert tidy(library)


def test_a_server_takes_uploads_while_vectors_are_written(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds of background work go on and take in what was sent."""
    library.run("ingest", "docs", "--no-wait")
    with open_app(library.home) as app:
        rounds = 0
        uploaded: list[Job] = []

        def hold() -> None:
            while not uploaded or app.job(uploaded[0].id).state is not JobState.DONE:
                pass

        meanwhile(monkeypatch, hold)
        while not app.coverage().is_full and rounds < 100:
            rounds += 1
            app.work_once()
            if rounds == 1:
                uploaded.append(app.submit("earth.md", EARTH.encode()))
        assert app.coverage().is_full
        assert app.coverage().chunks == 3


def test_closing_stops_what_is_being_written(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread ends, its folder goes, and the job waits for the next process."""
    library.run("ingest", "docs", "--no-wait")
    prepare = LocalIndex.prepare

    def endless(*arguments: Any, check: Callable[[], None], **parts: Any) -> LocalPrepared:
        prepared = prepare(*arguments, check=check, **parts)
        try:
            while True:
                check()
        finally:
            prepared.close()

    with monkeypatch.context() as patched:
        patched.setattr(LocalIndex, "prepare", endless)
        with open_app(library.home) as app:
            for _ in range(3):
                assert app.work_once()
    [job] = library.run("jobs", "list", "--json").data
    assert (job["state"], job["attempts"]) == (JobState.QUEUED, 0)
    assert tidy(library)
    assert library.run("embedders", "fill").status == 0


@pytest.mark.parametrize("of", ["prepare", "build"])
def test_a_full_disk_costs_no_vector(
    library: Shell, monkeypatch: pytest.MonkeyPatch, topics: dict[str, Topics], of: str
) -> None:
    """The error is said, the words go on serving, nothing is left, nothing embedded again."""
    library.run("ingest", "docs", "--no-wait")

    def full(*_: object, **__: object) -> None:
        raise DiskFull("no room left", hint="free some space and run it again")

    with monkeypatch.context() as patched:
        patched.setattr(LocalIndex, of, full)
        assert "no room left" in library.run("embedders", "fill").check_error("disk_full", status=1)
        assert library.run("ask", "when does water boil?").status == 0
    given = list(topics["minilm"].given)
    assert tidy(library)
    assert library.run("embedders", "fill").out == "2 of 2 chunks have vectors\n"
    assert topics["minilm"].given == given


def test_who_writes_for_long_is_named_and_nothing_is_lost(
    library: Shell, monkeypatch: pytest.MonkeyPatch, topics: dict[str, Topics]
) -> None:
    """A fill that cannot seal waits, then says who is writing; the next one embeds nothing."""
    library.run("ingest", "docs", "--no-wait")
    monkeypatch.setattr("answerable.app.filling._LOCK_WAIT_MS", 0.0)
    with open_app(library.home) as app, app._tools.state.writer(), pytest.raises(Locked):
        app.fill_vectors(ignore)
    given = list(topics["minilm"].given)
    assert tidy(library)
    assert library.run("embedders", "fill").status == 0
    assert topics["minilm"].given == given


def test_a_server_seals_when_the_writer_is_done(library: Shell) -> None:
    """What was written is kept until it can be sealed, and is not written again."""
    library.run("ingest", "docs", "--no-wait")
    with open_app(library.home) as app:
        with app._tools.state.writer():
            for _ in range(4):
                assert app.work_once()
            assert len(app.revisions()) == 1
            [job] = app.jobs()
            assert job.state is JobState.RUNNING
        assert app.work_once()
        assert app.coverage().is_full
        assert not app.work_once()


def test_what_was_known_by_meaning_stays_so(library: Shell, topics: dict[str, Topics]) -> None:
    """A page that moves, or comes back, has its vectors in the revision that brings it."""
    library.run("ingest", "docs")
    given = list(topics["minilm"].given)
    (library.home / "docs" / "water.md").rename(library.home / "docs" / "moved.md")
    (library.home / "docs" / "fire.md").unlink()
    library.run("ingest", "docs", "--no-wait")
    assert listed(library)["coverage"]["covered"] == 1
    library.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    library.run("ingest", "docs", "--no-wait")
    coverage = listed(library)["coverage"]
    assert (coverage["covered"], coverage["chunks"]) == (2, 2)
    assert without(library, "when does water boil?") == []
    assert topics["minilm"].given == given
    assert [one["revision"]["because"] for one in library.run("revisions", "list", "--json").data][
        :2
    ] == ["ingest docs"] * 2


def test_a_cache_that_cannot_be_read_costs_no_ingest(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are sealed; vectors wait for the next fill."""
    library.run("ingest", "docs")
    (library.home / "docs" / "water.md").rename(library.home / "docs" / "moved.md")

    def damaged(*_: object) -> None:
        raise Corrupt("it is damaged", hint="delete it")

    with monkeypatch.context() as patched:
        patched.setattr("answerable.adapters.state.vectors.SqlVectorCache.get", damaged)
        assert library.run("ingest", "docs", "--no-wait").status == 0
    assert without(library, "when does water boil?") == ["moved.md"]
    assert library.run("embedders", "fill").status == 0
    assert without(library, "when does water boil?") == []


def test_what_an_ingest_brings_comes_first(library: Shell, topics: dict[str, Topics]) -> None:
    """During a long fill a changed page is embedded next and sealed with what is there by then."""
    for number in range(20):
        library.write(f"docs/page{number}.md", f"# Page {number}\n\nNumber {number} is dull.\n")
    library.run("ingest", "docs", "--no-wait")
    heard: list[int] = []
    with open_app(library.home) as app:

        def ingest(done: int, _of: int) -> None:
            heard.append(done)
            if len(heard) == 3:
                library.write("docs/air.md", AIR)
                with open_app(library.home) as other:
                    other.ingest(library.home / "docs")

        app.fill_vectors(ingest)
        given = topics["minilm"].given
        [place] = [n for n, text in enumerate(given) if text.startswith("Air")][:1]
        assert place < len(given) / 2
        assert app.coverage().is_full
        sealed = [one for one in app.revisions() if one.because == "vectors of minilm"]
        assert len(sealed) == 2
    assert len(given) == len(set(given)), "nothing is embedded twice"


def test_another_embedder_in_the_middle_is_filled_too(
    library: Shell, monkeypatch: pytest.MonkeyPatch, topics: dict[str, Topics]
) -> None:
    """A release that changes while a fill is under way gets its own vectors."""
    library.run("ingest", "docs", "--no-wait")
    embed = topics["minilm"].embed

    def switching(*arguments: Any, **parts: Any) -> Vectors:
        monkeypatch.setattr(topics["minilm"], "embed", embed)
        monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "openai")
        with open_app(library.home) as other:
            other.serving()
        return embed(*arguments, **parts)

    monkeypatch.setattr(topics["minilm"], "embed", switching)
    with open_app(library.home) as app:
        app.fill_vectors(ignore)
        assert app.coverage().is_full
        assert topics["openai"].given
        assert all(job.state is JobState.DONE for job in app.jobs())
    assert library.run("ask", "when does water boil?", "--json").data["overrides"] == []


KILLED = """
import os, signal, sys
from answerable.adapters.processes import myself
from answerable.adapters.state.engine import Database
from answerable.adapters.state.sql_leases import SqlLeases
leases = SqlLeases(Database(sys.argv[1]))
leases.enqueue("vectors", "vectors", {})
assert leases.claim(("vectors",), holder=myself() + ":x", lease_s=3600) is not None
print("claimed", flush=True)
sys.stdin.read()
"""


def test_who_was_killed_is_taken_over_from_at_once(library: Shell) -> None:
    """As long as its process lives a fill is left alone; an hour's lease is nothing after that."""
    library.run("ingest", "docs", "--no-wait")
    [state] = (library.home / "share").rglob("state.db")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "claimed\n"
        library.run("embedders", "fill").check_error("locked", status=1)
        child.send_signal(signal.SIGKILL)
    assert library.run("embedders", "fill").out == "2 of 2 chunks have vectors\n"


def test_who_is_on_another_machine_keeps_the_job(library: Shell) -> None:
    """Of a process that cannot be seen from here only the lease tells."""
    library.run("ingest", "docs", "--no-wait")
    host, _, started, boot, space = myself().split(":")
    with open_app(library.home) as app:
        leases = app._tools.leases
        leases.enqueue("vectors", "vectors", {})
        far = ":".join([host, "999999999", started, boot[::-1], space, "x"])
        assert leases.claim(("vectors",), holder=far, lease_s=3600) is not None
    library.run("embedders", "fill").check_error("locked", status=1)


# What a hint says is done as it stands, and mends what it was said of.


def overrides(library: Shell) -> list[str]:
    """Return what a question says of how it was answered."""
    found: list[str] = library.run("ask", "when does water boil?", "--json").data["overrides"]
    return found


def obey(library: Shell, said: str) -> None:
    """Run the commands that a hint names."""
    for command in said.split("answerable ")[1:]:
        words = command.split(";")[0].replace("PATH", "docs").split()
        assert library.run(*words).status == 0


def test_the_hint_of_a_pinned_revision_mends_it(library: Shell) -> None:
    """Its vectors are those of its successor, which serves when the pin is taken away."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    [said] = overrides(library)
    assert "revisions switch latest" in said
    library.run("embedders", "fill")
    assert overrides(library) == [said], "sealed is sealed"
    obey(library, said)
    assert overrides(library) == []


def test_filling_says_that_a_pin_holds(library: Shell) -> None:
    """Whoever fills while a revision is pinned is told how to answer with the result."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    obey(library, library.run("embedders", "fill").err)
    assert overrides(library) == []
    assert "pinned" not in library.run("embedders", "fill").err


def test_the_hint_of_a_pinned_measurement_mends_it(library: Shell) -> None:
    """So that it can be measured."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    library.write("set.jsonl", '{"question": "when does water boil?", "gold_doc": "water.md"}')
    measure = ("eval", "run", "set.jsonl", "--mode", "retrieval")
    said = library.run(*measure).check_error("not_ready", status=10)
    obey(library, said.split("; or ")[0])
    assert library.run(*measure).status == 0


def test_what_other_software_read_is_ingested_again(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No fill gives vectors to a revision of another line; reading its documents again does."""
    library.run("ingest", "docs", "--no-wait")
    monkeypatch.setattr("answerable.library.split.digest", lambda: "another")
    said = [one for one in overrides(library) if "words only" in one]
    assert len(said) == 1
    assert said[0].endswith("answerable ingest PATH")
    obey(library, said[0])
    assert overrides(library) == []


def test_an_embedder_that_is_not_set_up_fills_nothing_and_says_so(
    library: Shell, monkeypatch: pytest.MonkeyPatch, topics: dict[str, Topics]
) -> None:
    """Filling fails where it can do nothing, and the hint leads to what is missing."""
    library.run("ingest", "docs", "--no-wait")
    del topics["minilm"]
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "openai")
    monkeypatch.setattr(App, "_space", lambda _: "f" * 64)
    with open_app(library.home) as app, pytest.raises(NotReady) as refused:
        app.fill_vectors(ignore)
    assert refused.value.hint == "answerable embedders list"


def test_a_removed_document_lacks_nothing(library: Shell) -> None:
    """What nobody can find does not keep a library from being measured."""
    library.run("ingest", "docs", "--no-wait")
    library.run("documents", "remove", "fire.md", "--because", "secret")
    assert library.run("embedders", "fill").out == "1 of 1 chunks have vectors\n"
    library.write("set.jsonl", '{"question": "when does water boil?", "gold_doc": "water.md"}')
    assert library.run("eval", "run", "set.jsonl", "--mode", "retrieval").status == 0


def test_dead_vectors_are_cleared_by_a_fill_not_by_an_ingest(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest that takes most pages away writes no segment; the next fill does, and is done."""
    for number in range(8):
        library.write(f"docs/page{number}.md", f"# Page {number}\n\nNumber {number} is dull.\n")
    library.run("ingest", "docs")
    for number in range(8):
        (library.home / "docs" / f"page{number}.md").unlink()
    with monkeypatch.context() as patched:
        patched.setattr("answerable.adapters.index.shelves.FileStore.put", None)
        assert library.run("ingest", "docs", "--no-wait").status == 0
    [index] = (library.home / "share").rglob("index")
    before = len(library.run("revisions", "list", "--json").data)
    assert library.run("embedders", "fill").status == 0
    assert library.run("embedders", "fill").status == 0
    assert len(library.run("revisions", "list", "--json").data) == before + 1
    newest = max((index / "revisions").iterdir())
    assert not list(newest.rglob("living"))
    assert len(list(newest.rglob("*.vec"))) == 1


def test_no_path_of_a_killed_fill_is_left(library: Shell) -> None:
    """What a dead process wrote is swept; what a living one writes is not."""
    library.run("ingest", "docs", "--no-wait")
    [index] = (library.home / "share").rglob("index")
    beside = index / "prepared"
    dead = beside / "0123456789abcdef"
    dead.mkdir(parents=True)
    (dead / "half.vec").write_bytes(b"half")
    with open_app(library.home) as app:
        mine = app._tools.index.prepare(None, {})
        assert isinstance(mine, LocalPrepared)
        library.write("docs/earth.md", EARTH)
        assert library.run("ingest", "docs").status == 0
        assert [path.name for path in beside.iterdir()] == [mine.folder.name]
        mine.close()
    assert tidy(library)
