"""Vectors from the outside: words at once, meaning after, and whatever can go wrong between."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Shell
from topics import LOW, Topics, library, listed, shell, topics

from answerable.app import open_app
from answerable.domain.errors import EmbedderFailed, NotReady
from answerable.library.ports import Vectors
from answerable.operations.ports import JobState

__all__ = ["library", "shell", "topics"]


def test_ingest_seals_words_then_vectors(library: Shell) -> None:
    """The first revision answers by words; its successor has the same documents and vectors."""
    assert library.run("ingest", "docs").status == 0
    revisions = library.run("revisions", "list", "--json").data
    assert [one["revision"]["because"] for one in revisions] == [
        "vectors of minilm",
        "ingest docs",
    ]
    assert revisions[0]["serves"]
    assert listed(library)["coverage"] == {
        "space": listed(library)["embedders"][0]["space"],
        "covered": 2,
        "chunks": 2,
    }
    [job] = library.run("jobs", "list", "--json").data
    assert (job["kind"], job["state"], job["result"]) == ("vectors", JobState.DONE, "revision 2")


def test_what_shares_no_word_is_found_by_meaning(library: Shell) -> None:
    """The best passage is the one that means it, with both scores in the trace."""
    library.run("ingest", "docs")
    trace = library.run("ask", LOW, "--json").data
    assert trace["passages"][0]["path"] == "water.md"
    parts = dict(trace["passages"][0]["parts"])
    assert {"bm25", "words_rank", "cosine", "sentence", "trust", "vectors_rank"} <= parts.keys()
    assert [step["name"] for step in trace["steps"]][:2] == ["embed", "retrieve"]
    assert trace["overrides"] == []
    assert "by meaning" in library.run("ask", LOW, "--explain").out


def test_nothing_is_embedded_twice(library: Shell, topics: dict[str, Topics]) -> None:
    """A second run, a moved page and a rebuilt index ask the embedder for nothing."""
    library.run("ingest", "docs")
    given = list(topics["minilm"].given)
    library.run("ingest", "docs")
    (library.home / "docs" / "water.md").rename(library.home / "docs" / "moved.md")
    library.run("ingest", "docs")
    assert library.run("revisions", "rebuild").status == 0
    assert topics["minilm"].given == given
    assert listed(library)["coverage"]["covered"] == 2


def test_without_waiting_the_words_serve_until_they_are_filled(library: Shell) -> None:
    """Each answer says what it was found by, until `embedders fill` has been run."""
    library.run("ingest", "docs", "--no-wait")
    trace = library.run("ask", "when does water boil", "--json").data
    [override] = trace["overrides"]
    assert override.startswith("found by words only: revision 1 has no vectors")
    assert override.endswith("answerable embedders fill")
    assert library.run("embedders", "fill").out == "2 of 2 chunks have vectors\n"
    assert library.run("ask", "when does water boil", "--json").data["overrides"] == []


def test_a_revision_that_lacks_some_vectors_is_searched_by_both(library: Shell) -> None:
    """A new page is found by its words while the others are found by meaning too."""
    library.run("ingest", "docs")
    library.write("docs/earth.md", "# Earth\n\nThe ground is surveyed twice a year.\n")
    library.run("ingest", "docs", "--no-wait")
    trace = library.run("ask", "how often is the ground surveyed", "--json").data
    assert trace["passages"][0]["path"] == "earth.md"
    assert "cosine" not in dict(trace["passages"][0]["parts"])
    assert "cosine" in dict(trace["passages"][1]["parts"])
    assert trace["overrides"] == []


@pytest.mark.parametrize(
    "failure",
    [
        NotReady("the weights are not here", hint="answerable embedders fetch"),
        EmbedderFailed("the server is down", hint="look at it"),
    ],
)
def test_an_embedder_that_fails_costs_no_ingest_and_no_answer(
    library: Shell, topics: dict[str, Topics], failure: NotReady | EmbedderFailed
) -> None:
    """One clear line, words as before, a detail of readiness, and a job that waits."""
    topics["minilm"].fails = failure
    ran = library.run("ingest", "docs")
    assert ran.status == 0
    assert f"found by words only: {failure.message}; {failure.hint}" in ran.err
    assert library.run("ask", "when does water boil?").status == 0
    [job] = library.run("jobs", "list", "--json").data
    assert (job["state"], job["attempts"]) == (JobState.QUEUED, 0)
    assert failure.message in job["result"] + job["progress"]
    topics["minilm"].fails = None
    assert library.run("embedders", "fill").status == 0


def test_an_embedder_that_goes_down_later_is_answered_without(
    library: Shell, topics: dict[str, Topics]
) -> None:
    """A question is answered by words, says why, and the service stays ready and says so."""
    library.run("ingest", "docs")
    topics["minilm"].fails = EmbedderFailed("it gave two vectors for one text", hint="look at it")
    with open_app(library.home) as app:
        trace = app.ask("when does water boil?", app.owner())
        checks = {check.name: check for check in app.readiness()}
    said = "it gave two vectors for one text; look at it"
    assert trace.overrides == (f"found by words only: {said}",)
    assert trace.passages[0].path == "water.md"
    assert checks["vectors"].ready
    assert checks["vectors"].detail == f"words only: {said}"


def test_another_embedder_is_never_compared_with_the_first(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switching is a release on record; until its vectors are there, words answer."""
    library.run("ingest", "docs")
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "openai")
    trace = library.run("ask", LOW, "--json").data
    assert "answerable embedders fill" in trace["overrides"][0]
    newest = library.run("revisions", "deployments", "--json").data[0]
    assert newest["because"] == "the workspace changed: embedder"
    assert library.run("embedders", "fill").status == 0
    assert library.run("ask", LOW, "--json").data["overrides"] == []
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "minilm")
    assert library.run("ask", LOW, "--json").data["overrides"] == []
    assert len(library.run("revisions", "list", "--json").data) == 3


def test_a_pinned_release_stays_until_somebody_decides(library: Shell) -> None:
    """Vectors that are completed later do not move it; switching is on record."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    library.run("embedders", "fill")
    trace = library.run("ask", "when does water boil?", "--json").data
    assert trace["revision"] == 1
    library.run("revisions", "switch", "latest", "--because", "go on")
    assert library.run("ask", "when does water boil?", "--json").data["revision"] == 2


def test_the_background_fills_a_little_at_a_time(library: Shell, topics: dict[str, Topics]) -> None:
    """Rounds of a server compute and seal, and then have nothing to do."""
    library.run("ingest", "docs", "--no-wait")
    with open_app(library.home) as app:
        rounds = [app.work_once() for _ in range(8)]
        assert rounds[0] is True
        assert rounds[-1] is False
        assert app.coverage().is_full
        assert len(app.revisions()) == 2
    assert topics["minilm"].given


def test_two_processes_do_not_both_embed(library: Shell) -> None:
    """While one has the job, the other says who to look at."""
    library.run("ingest", "docs", "--no-wait")
    with open_app(library.home) as one, open_app(library.home) as other:
        job = one._tools.leases.enqueue("vectors", "vectors", {})
        assert one._tools.leases.claim(("vectors",), holder="another", lease_s=60) is not None
        ran = library.run("embedders", "fill")
        ran.check_error("locked", status=1)
        assert "answerable jobs list" in ran.err
        assert other.job(job.id).state is JobState.RUNNING


def test_aliases_of_the_workspace_make_a_release(library: Shell) -> None:
    """An edit takes effect with the next command, is on record, and can be taken back."""
    library.run("ingest", "docs")
    aliases = library.home / "aliases.txt"
    before = aliases.read_text()
    aliases.write_text(f"{before}\nkettle song = celsius\n")
    assert library.run("ask", "when is there kettle song?", "--json").status == 0
    aliases.write_text(before)
    library.run("ask", "when does water boil?")
    said = [one["because"] for one in library.run("revisions", "deployments", "--json").data]
    assert said[:2] == ["the workspace changed: aliases"] * 2


def test_a_broken_alias_is_named(library: Shell) -> None:
    """The line is named before anything is answered."""
    (library.home / "aliases.txt").write_text("kettle\n")
    said = library.run("ask", "when does water boil?").check_error("bad_configuration", status=2)
    assert "aliases.txt, line 1" in said


def test_trying_leaves_nothing_behind(shell: Shell, tmp_path: Path) -> None:
    """In memory meaning works too, and no cache is written."""
    shell.write("docs/water.md", "# Water\n\nWater boils at 100 degrees Celsius.\n")
    shell.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    before = sorted(tmp_path.rglob("*"))
    trace = shell.run("try", "docs", LOW, "--json").data
    assert trace["passages"][0]["path"] == "water.md"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_nobody_foresaw_seals_nothing(
    library: Shell, topics: dict[str, Topics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is given back and tried again later, and the next good round fills all."""
    library.run("ingest", "docs", "--no-wait")

    def broken(*_: object, **__: object) -> Vectors:
        raise ValueError("of another library")

    with open_app(library.home) as app:
        with monkeypatch.context() as patched:
            patched.setattr(topics["minilm"], "embed", broken)
            with pytest.raises(ValueError, match="another library"):
                app.work_once()
            assert not app.work_once()
        assert len(app.revisions()) == 1
        app.fill_vectors(lambda _done, _of: None)
        assert app.coverage().is_full


def test_what_came_while_pinned_outlives_a_changed_workspace(library: Shell) -> None:
    """An edited alias deploys anew and keeps the pin, from when a person set it."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    library.write("docs/earth.md", "# Earth\n\nThe ground is surveyed twice a year.\n")
    library.run("ingest", "docs", "--no-wait")
    (library.home / "aliases.txt").write_text("kettle song = celsius\n")
    library.write("more/air.md", "# Air\n\nAir is mostly nitrogen.\n")
    library.run("ingest", "more", "--no-wait")
    library.run("revisions", "switch", "latest")
    found = {one["document"]["path"] for one in library.run("documents", "list", "--json").data}
    assert found == {"water.md", "fire.md", "earth.md", "air.md"}


def test_a_removed_document_is_not_embedded(library: Shell, topics: dict[str, Topics]) -> None:
    """Nobody is sent what a person took away; the rest is filled, and restoring fills it too."""
    library.run("ingest", "docs", "--no-wait")
    library.run("documents", "remove", "fire.md", "--because", "secret")
    assert library.run("embedders", "fill").status == 0
    assert not any("oxygen" in text for text in topics["minilm"].given)
    library.run("documents", "restore", "fire.md")
    assert library.run("embedders", "fill").out == "2 of 2 chunks have vectors\n"


def test_a_damaged_cache_is_put_aside(library: Shell, topics: dict[str, Topics]) -> None:
    """What it held is computed again; answering never waited for it."""
    library.run("ingest", "docs")
    given = len(topics["minilm"].given)
    [cache] = (library.home / "share").rglob("vectors.db")
    for beside in cache.parent.glob("vectors.db-*"):
        beside.unlink()
    cache.write_bytes(b"no database, however long one looks at it" * 1_000)
    assert library.run("ask", "when does water boil?", "--json").data["overrides"] == []
    library.run("revisions", "rebuild")
    assert library.run("embedders", "fill").status == 0
    assert listed(library)["coverage"]["covered"] == 2
    assert len(topics["minilm"].given) == 2 * given
    assert (cache.parent / "vectors.damaged").exists()


def test_a_pinned_library_is_measured_as_it_serves(library: Shell) -> None:
    """What newer revisions hold says nothing about the one that answers."""
    library.run("ingest", "docs", "--no-wait")
    library.run("revisions", "switch", "1", "--because", "hold")
    library.run("embedders", "fill")
    library.write("set.jsonl", '{"question": "when does water boil?", "gold_doc": "water.md"}')
    ran = library.run("eval", "run", "set.jsonl", "--mode", "retrieval")
    assert "0 of 2 chunks have vectors" in ran.check_error("not_ready", status=10)
