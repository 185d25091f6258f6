"""What was purged is nowhere: not in an answer, not in a trace, not in any byte on the disk."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import tantivy
from command_line import Shell
from topics import Topics, library, shell, topics

from answerable.adapters.index import shelves
from answerable.adapters.index.local import LocalIndex
from answerable.adapters.index.shelves import mapped
from answerable.adapters.state.engine import Database
from answerable.answering import flow
from answerable.answering.feedback import Thumb
from answerable.app import App, open_app, open_memory, purging
from answerable.domain.cancel import Cancel
from answerable.domain.documents import Purge
from answerable.domain.errors import Conflict, Locked, NotFound, StorageFailure
from answerable.domain.questions import Trace
from answerable.operations.ports import JobState

__all__ = ["library", "shell", "topics"]


def letters() -> str:
    """Return a word nobody ever wrote; its stem is itself."""
    return "q" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(15)) + "q"


WORD, NAME = letters(), letters()
QUESTION = "At how many degrees Celsius does the secret liquid boil?"


def text_with(word: str, more: str = "") -> str:
    """Return a document that holds a word, and is about a topic."""
    return f"# Liquid {word}\n\nThe secret liquid {word} boils at 7 degrees Celsius.{more}\n"


def files(home: Path) -> Iterator[Path]:
    """Give every file of the data directory."""
    return (path for path in (home / "share").rglob("*") if path.is_file())


def holding(home: Path, word: str) -> list[str]:
    """Return the files whose bytes hold a word, in any case and in either encoding."""
    spelled = [
        form.encode(code)
        for form in (word, word.upper(), word.title())
        for code in ("utf-8", "utf-16-le", "utf-16-be")
    ]
    return sorted(
        str(path.relative_to(home))
        for path in files(home)
        if any(one in bytes_of(path) for one in spelled)
    )


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file, and what they say where they are compressed."""
    data = path.read_bytes()
    return data + zlib.decompress(data) if path.suffix == ".z" else data


def indexes(home: Path) -> list[Path]:
    """Return every index of words on the disk."""
    return sorted({path.parent for path in files(home) if path.name == "meta.json"})


def terms(home: Path, word: str) -> int:
    """Return in how many documents of how many indexes a term stands, deleted ones included."""
    found = 0
    for folder in indexes(home):
        searcher = tantivy.Index.open(str(folder)).searcher()
        for field in ("title", "heading", "body", "whole"):
            found += searcher.doc_freq(field, word)
    return found


def numbered(home: Path) -> set[int]:
    """Return the numbers of all documents that any segment of vectors holds, dead or alive."""
    found: set[int] = set()
    for path in files(home):
        if path.suffix == ".vec":
            found |= set(mapped(path).document_numbers.tolist())
    return found


def cached(home: Path) -> int:
    """Return how many vectors are cached."""
    [file] = [path for path in files(home) if path.name == "vectors.db"]
    with closing(sqlite3.connect(file)) as database:
        count: int = database.execute("SELECT count(*) FROM vectors").fetchone()[0]
        return count


def ask(app: App, text: str, **how: Any) -> Trace:
    """Ask as the owner."""
    return app.ask(text, app.owner(), **how)


def work(app: App) -> None:
    """Do the background's work until there is none."""
    while app.work_once():
        pass


@pytest.fixture
def full(library: Shell) -> Shell:
    """Give a library that holds the word in every place there is.

    In several revisions with vectors, one of them of an older text, and in one where the document
    has vanished; in an upload that was read, in one that waits and in one that was refused; in
    traces that quote it, that follow one that does, in questions and in a comment.
    """
    library.write(f"docs/{NAME}.md", text_with(WORD))
    library.run("ingest", "docs")
    library.write(f"docs/{NAME}.md", text_with(WORD, " Do not touch."))
    library.run("ingest", "docs")
    with open_app(library.home) as app:
        first = ask(app, QUESTION)
        assert WORD in repr(first.outcome)
        ask(app, f"And what of {WORD}, flames?", follows=first.id)
        app.rate(first.id, app.owner(), Thumb.DOWN, None, f"no, {WORD} is cold")
        app.submit(f"{NAME}.md", text_with(WORD, " Uploaded.").encode())
        work(app)
        ask(app, f"Is {WORD} uploaded liquid?")
    (library.home / "docs" / f"{NAME}.md").unlink()
    library.run("ingest", "docs")
    library.write("docs/earth.md", "# Earth\n\nThe ground is surveyed twice a year.\n")
    library.run("ingest", "docs")
    library.write(f"docs/{NAME}.md", text_with(WORD, " Do not touch."))
    library.run("ingest", "docs")
    return library


def purge_all(app: App, because: str = "a secret") -> list[Purge]:
    """Purge what is called by the name, wherever it came from."""
    done: list[Purge] = []
    for source in sorted({one.document.id for one in app.documents(app.owner())}):
        with_name = app.plan_purge(source)
        if not with_name.documents[0].path.startswith(NAME):
            continue
        app.begin_purge(with_name, who="ann", because=because, with_copies=True)
        done += app.finish_purges()
    return done


def test_the_word_is_everywhere_before(full: Shell) -> None:
    """So that a test which finds it nowhere has looked where it was."""
    assert {name.rpartition("/")[2].removesuffix("-wal") for name in holding(full.home, WORD)} >= {
        "ledger.db",
        "state.db",
    }
    assert [name for name in holding(full.home, WORD) if "/originals/" in name]
    assert terms(full.home, WORD) > 6
    with open_app(full.home) as app:
        ids = {one.document.id for one in app.documents(app.owner()) if NAME in one.document.path}
        assert len(ids) == 2
    assert {int(one, 16) for one in ids} <= numbered(full.home)


def test_nothing_of_a_purged_document_is_left(full: Shell) -> None:
    """Not in the API, not by searching, not in a trace, and not in a byte below the data directory.

    Neither its text nor its name; and what else is there is as it was.
    """
    with open_app(full.home) as app:
        app.submit(f"{NAME}.md", text_with(WORD, " Waiting.").encode())
        others = {
            one.number: sorted(path for path in _paths(app, one.number) if NAME not in path)
            for one in app.revisions()
        }
        ids = {one.document.id for one in app.documents(app.owner()) if NAME in one.document.path}
        before = cached(full.home)
        done = purge_all(app)
        assert [one.done_at_ms is not None for one in done] == [True, True]
        assert ids <= {grave.document_id for one in done for grave in one.documents}

        assert all(problems == () for problems in app.verify().values())
        for one in app.revisions():
            assert sorted(_paths(app, one.number)) == others[one.number]
            assert one.documents == len(others[one.number])
        assert WORD not in repr(app.search(f"{WORD} liquid", app.owner(), limit=50))
        assert [WORD in repr(app.trace(one.id)) for one in app.traces()] == [False] * 3
        assert [one.is_redacted for one in app.traces()] == [True] * 3
        assert [WORD in repr(app.feedback(one.id)) for one in app.traces()] == [False] * 3
        assert not ids & {one.document.id for one in app.documents(app.owner())}
        for gone in ids:
            with pytest.raises(NotFound):
                app.document(gone, app.owner(), revision=2)
        assert [job for job in app.jobs() if NAME in repr(job)] == []
        assert cached(full.home) < before
        assert holding(full.home, WORD) == []
        assert holding(full.home, NAME) == []
    assert holding(full.home, WORD) == []
    assert holding(full.home, NAME) == []
    assert terms(full.home, WORD) == 0
    assert terms(full.home, "liquid") == 0
    assert terms(full.home, "oxygen") > 0
    assert not {int(one, 16) for one in ids} & numbered(full.home)
    assert numbered(full.home)


def _paths(app: App, number: int) -> list[str]:
    return [one.document.path for one in app._tools.state.members(number).values()]


def test_what_was_purged_does_not_come_back(full: Shell) -> None:
    """Its file, another file with its bytes, and an upload to its place are refused."""
    with open_app(full.home) as app:
        purge_all(app)
    full.write("docs/moved.md", text_with(WORD, " Do not touch."))
    ran = full.run("ingest", "docs", "--json", "--no-wait")
    refused = {(one["path"], one["code"], one["change"]) for one in ran.data[0]["outcomes"]}
    assert refused == {
        (f"{NAME}.md", "purged", "skipped"),
        ("moved.md", "purged", "skipped"),
    }
    assert ran.status == 0
    with open_app(full.home) as app:
        job = app.submit(f"{NAME}.md", b"# Something else\n\nWithout the word.\n")
        work(app)
        assert app.job(job.id).state is JobState.FAILED
        assert "purged" in app.job(job.id).result
    assert holding(full.home, WORD) == []


def test_vectors_of_others_stay(full: Shell) -> None:
    """Every revision has those of all other documents that it had before."""

    def vectored(app: App) -> dict[int, frozenset[str]]:
        index = app._tools.index
        assert isinstance(index, LocalIndex)
        return {one.number: shelves.documents(index._vectors_of(one)[2]) for one in app.revisions()}

    with open_app(full.home) as app:
        ids = {one.document.id for one in app.documents(app.owner()) if NAME in one.document.path}
        before = vectored(app)
        assert ids <= before[max(before)]
        purge_all(app)
        assert vectored(app) == {number: held - ids for number, held in before.items()}
        assert app.coverage().is_full


def test_manifests_name_the_ones_they_replace(full: Shell) -> None:
    """A revision that was built anew says from which manifest; one before all that is untouched."""
    full.write("docs/late.md", "# Late\n\nAfter all others, flames.\n")
    full.run("ingest", "docs")
    with open_app(full.home) as app:
        before = {one.number: one.manifest for one in app.revisions()}
        plan = app.plan_purge("late.md")
        assert plan.revisions == (max(before) - 1, max(before))
        app.begin_purge(plan, who="ann", because="a test", with_copies=False)
        app.finish_purges()
        for one in app.revisions():
            if one.number not in plan.revisions:
                assert one.manifest == before[one.number]
                continue
            folder = next(
                path.parent
                for path in files(full.home)
                if path.name == "manifest.json"
                and path.parent.name == f"{one.number:06d}-{one.manifest[:12]}"
            )
            said = json.loads((folder / "manifest.json").read_text())
            assert said["replaces"] == before[one.number]


def test_the_same_bytes_elsewhere_go_too_or_nothing_goes(library: Shell) -> None:
    """A copy would keep the text: it is named, and purged only when that was said."""
    library.write(f"docs/{NAME}.md", text_with(WORD))
    library.write("docs/copy.md", text_with(WORD))
    library.run("ingest", "docs")
    refused = library.run("documents", "remove", "copy.md", "--purge", "--yes")
    said = refused.check_error("conflict", status=1)
    assert f"{NAME}.md" in said
    assert "--with-copies" in said
    assert library.run("documents", "list", "--removed", "--json").data == []
    ran = library.done("documents", "remove", "copy.md", "--purge", "--yes", "--with-copies")
    assert f"{NAME}.md" in ran.err
    assert holding(library.home, WORD) == []
    assert [one["document"]["path"] for one in library.run("documents", "list", "--json").data] == [
        "fire.md",
        "water.md",
    ]


def test_the_command_says_what_it_does_and_keeps_a_record(library: Shell) -> None:
    """Who, when and why; and it does nothing that nobody has confirmed."""
    library.write(f"docs/{NAME}.md", text_with(WORD))
    library.run("ingest", "docs")
    refused = library.run("documents", "remove", f"{NAME}.md", "--purge", "--because", "a key")
    assert "--yes" in refused.check_error("bad_input", status=2)
    assert library.done("documents", "purges", "--json").data == []
    ran = library.done(
        "documents", "remove", f"{NAME}.md", "--purge", "--because", "a key", "-y", "--json"
    )
    assert "erases for good" in ran.err
    assert "is done" in ran.err
    (one,) = library.done("documents", "purges", "--json").data
    assert one == ran.data
    assert (one["who"], one["because"], one["number"]) == ("owner", "a key", 1)
    assert one["done_at_ms"] >= one["at_ms"] > 0
    listed = library.done("documents", "purges").out
    assert "a key" in listed
    assert NAME not in listed
    again = library.run("documents", "remove", f"{NAME}.md", "--purge", "--yes")
    again.check_error("not_found", status=1)


def test_a_file_that_was_ingested_by_itself_leaves_no_name(library: Shell) -> None:
    """What a revision says it was made for is not what was purged; others say what they said."""
    file = library.write(f"docs/{NAME}.md", text_with(WORD))
    library.run("ingest", "docs/water.md")
    library.run("ingest", file)
    library.done("documents", "remove", f"{NAME}.md", "--purge", "--yes")
    assert holding(library.home, NAME) == []
    because = [
        one["revision"]["because"] for one in library.run("revisions", "list", "--json").data
    ]
    assert "ingest (purged)" in because
    assert "ingest docs/water.md" in because


def test_a_removed_document_can_be_purged_later(library: Shell) -> None:
    """By its path, though nothing lists it any more."""
    library.write(f"docs/{NAME}.md", text_with(WORD))
    library.run("ingest", "docs")
    library.done("documents", "remove", f"{NAME}.md")
    library.done("documents", "remove", f"{NAME}.md", "--purge", "--yes")
    assert holding(library.home, WORD) == []
    assert library.done("documents", "list", "--removed", "--json").data == []


def test_what_was_sent_to_vanish_holds_up_no_purge(library: Shell) -> None:
    """The job of a deletion stores no file."""
    with open_app(library.home) as app:
        app.sources.add("wiki", "push", who="me")
        app.sources.push("wiki", f"{NAME}.md", text_with(WORD).encode())
        while app.work_once():
            pass
        app.sources.push("wiki", f"{NAME}.md", None)
        app.begin_purge(app.plan_purge(f"{NAME}.md"), who="me", because="x", with_copies=True)
        while app.work_once():
            pass
        assert app.purges()[0].done_at_ms is not None
    assert holding(library.home, WORD) == []


def test_a_source_that_is_purged_whole_can_be_allowed_again(library: Shell) -> None:
    """Though no document tells its name any more."""
    with open_app(library.home) as app:
        app.sources.add("wiki", "push", who="me")
        app.sources.push("wiki", "only.md", text_with(WORD).encode())
        while app.work_once():
            pass
    library.done("documents", "remove", "only.md", "--purge", "--yes")
    library.done("documents", "restore", "only.md")


def test_a_place_can_be_allowed_again(library: Shell) -> None:
    """A file without the secret is taken in at the same path; the purged bytes never are."""
    library.write(f"docs/{NAME}.md", text_with(WORD))
    library.run("ingest", "docs")
    library.done("documents", "remove", f"{NAME}.md", "--purge", "--yes")
    library.run("documents", "restore", "never-heard-of.md").check_error("not_found", status=1)
    library.done("documents", "restore", f"{NAME}.md")
    (refused,) = library.done("ingest", "docs", "--json").data[0]["outcomes"]
    assert refused["code"] == "purged"
    library.write(f"docs/{NAME}.md", "# Liquid\n\nThis liquid has no secret and boils.\n")
    library.done("ingest", "docs")
    with open_app(library.home) as app:
        trace = ask(app, "which liquid has no secret?")
        assert trace.passages[0].path == f"{NAME}.md"
        assert app.trace(trace.id).question
        assert not app.trace(trace.id).is_redacted


def test_a_question_on_its_way_leaves_no_text(full: Shell) -> None:
    """A trace that is appended after the purge, of an answer that began before, is redacted."""
    with open_app(full.home) as app:
        run = app._asks._begin(flow.Asking(text=QUESTION), app.owner(), Cancel())
        trace = flow.drained(flow.events(run))
        purge_all(app)
        assert WORD in repr(trace)
        app._tools.ledger.append(trace)
        assert app.trace(trace.id).is_redacted
        assert WORD not in repr(app.trace(trace.id))
        follower = ask(app, f"and what of fire, {WORD}?", follows=trace.id)
        assert app.trace(follower.id).is_redacted
    assert holding(full.home, WORD) == []


def test_a_server_finishes_what_was_begun(full: Shell) -> None:
    """What only was asked for is hidden at once, and erased by the background work."""
    with open_app(full.home) as app:
        for plan in _plans(app):
            app.begin_purge(plan, who="ann", because="api", with_copies=True)
        found = app.search(f"{WORD} liquid", app.owner(), limit=50)
        assert NAME not in repr(found)
        assert [one.done_at_ms for one in app.purges()] == [None, None]
    with open_app(full.home) as app:
        work(app)
        assert None not in [one.done_at_ms for one in app.purges()]
        assert holding(full.home, WORD) == []


def _plans(app: App) -> list[Any]:
    ids = [one.document.id for one in app.documents(app.owner()) if NAME in one.document.path]
    return [app.plan_purge(one) for one in ids]


def test_an_ingest_finishes_what_was_begun(full: Shell) -> None:
    """Whoever writes next does it first; a pending purge cannot be restored."""
    with open_app(full.home) as app:
        (plan, other) = _plans(app)
        app.begin_purge(plan, who="ann", because="api", with_copies=True)
        app.begin_purge(other, who="ann", because="api", with_copies=True)
        with pytest.raises(Conflict):
            app.restore(plan.documents[0].id)
        with pytest.raises(Conflict):
            app.lift_purge(plan.documents[0].id)
    full.done("ingest", "docs", "--no-wait")
    assert holding(full.home, WORD) == []


def test_the_command_waits_for_nobody_who_writes(full: Shell) -> None:
    """It hides the document, says so, and can be told later to finish."""
    with open_app(full.home) as other:
        name = _plans(other)[0].documents[0].id
        with other._tools.state.writer():
            ran = full.run("documents", "remove", name, "--purge", "--yes", "--with-copies")
        assert "hidden" in ran.check_error("locked", status=1)
        assert "purges --finish" in ran.err
        assert other.purges()[0].done_at_ms is None
    assert "pending" in full.done("documents", "purges").out
    full.done("documents", "purges", "--finish")
    with open_app(full.home) as app:
        assert app.purges()[0].done_at_ms is not None


def test_what_computes_vectors_makes_way(
    full: Shell, topics: dict[str, Topics], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filling of another process that is under way ends; what it had computed goes with it."""
    full.write("docs/more.md", "# More\n\nWater with flames.\n")
    full.run("ingest", "docs", "--no-wait")
    with open_app(full.home) as server, open_app(full.home) as app:
        assert server._filling._step(0.0, lambda _done, _of: None)
        assert server._filling._work is not None
        for plan in _plans(app):
            app.begin_purge(plan, who="ann", because="a test", with_copies=True)
        with monkeypatch.context() as patch:
            patch.setattr(purging, "_VECTORS_WAIT_S", 0.0)
            with pytest.raises(Locked):
                app.finish_purges()
        server._filling._step(0.0, lambda _done, _of: None)
        app.finish_purges()
        assert holding(full.home, WORD) == []
        server.fill_vectors(lambda _done, _of: None)
        assert server.coverage().is_full
    assert topics["minilm"].given


def test_a_restored_backup_is_purged_again(full: Shell) -> None:
    """An old copy of everything brings nothing back once purges are replayed over it."""
    data = next(path for path in files(full.home) if path.name == "state.db").parent
    old = {path: path.read_bytes() for path in files(full.home) if path.is_relative_to(data)}
    with open_app(full.home) as app:
        purge_all(app)
        purges = app.purges()
    for path in list(files(full.home)):
        if path.is_relative_to(data):
            path.unlink()
    for path, data_ in old.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data_)
    assert holding(full.home, WORD)
    with open_app(full.home) as app:
        again = app.replay_purges(purges)
        assert [one.because for one in again] == ["a secret"] * len(again)
        assert app.replay_purges(()) == ()
        app.finish_purges()
        assert app.replay_purges(purges) == ()
    assert holding(full.home, WORD) == []
    assert terms(full.home, WORD) == 0


def test_what_stands_in_retired_revisions_only_can_be_purged(full: Shell) -> None:
    """Its text went with them, but its terms are in files that later revisions share."""
    (full.home / "docs" / f"{NAME}.md").unlink()
    full.run("ingest", "docs", "--no-wait")
    with open_app(full.home) as app:
        upload = next(
            one.document for one in app.documents(app.owner()) if NAME in one.document.path
        )
        folder = next(
            one
            for one in app._tools.state.documents(app._tools.purges.named(f"{NAME}.md")).values()
            if one.source != upload.source
        )
        newest = max(one.number for one in app.revisions())
        state = app._tools.state
        with state.writer():
            old = [one.number for one in app.revisions() if one.number != newest]
            state.retire(old, at_ms=9)
            app._tools.index.sweep({(one.number, one.manifest) for one in app.revisions()})
        assert terms(full.home, WORD) > 0
        for one in (folder, upload):
            app.begin_purge(app.plan_purge(one.id), who="ann", because="a test", with_copies=True)
        app.finish_purges()
        assert all(problems == () for problems in app.verify().values())
        assert [one.is_redacted for one in app.traces()] == [True] * 3
    assert cached(full.home) == 3  # of fire, water and earth
    assert terms(full.home, WORD) == 0
    assert holding(full.home, WORD) == []
    assert holding(full.home, NAME) == []
    assert not {int(folder.id, 16), int(upload.id, 16)} & numbered(full.home)


def test_a_damaged_index_is_no_reason_to_keep_it(full: Shell) -> None:
    """Where an index cannot be read, it is built from the state, without what was purged."""
    segment = next(path for path in files(full.home) if path.suffix == ".vec")
    segment.write_bytes(b"nothing of a segment")
    with open_app(full.home) as app:
        purge_all(app)
        assert all(problems == () for problems in app.verify().values())
    assert terms(full.home, WORD) == 0


def test_an_erased_text_is_not_in_memory_either(full: Shell) -> None:
    """In memory, as on disk: nothing of it is left in a library that leaves nothing behind."""
    with open_memory() as app:
        app.ingest(full.home / "docs")
        ask(app, QUESTION)
        plan = app.plan_purge(f"{NAME}.md")
        app.begin_purge(plan, who="ann", because="a test", with_copies=True)
        app.finish_purges()
        assert [one.is_redacted for one in app.traces()] == [True]
        assert NAME not in repr(app.search("liquid", app.owner(), limit=50))
        assert WORD not in repr(app._tools.state.kept())  # type: ignore[attr-defined]
        assert all(problems == () for problems in app.verify().values())


def test_a_full_disk_leaves_it_hidden(full: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge that cannot go on hides all the same, and goes on when it can."""

    def scrub(_: Database) -> None:
        raise StorageFailure("no room", hint="free some")

    with open_app(full.home) as app:
        (plan, *_) = _plans(app)
        with monkeypatch.context() as patch:
            patch.setattr(Database, "scrub", scrub)
            app.begin_purge(plan, who="ann", because="a test", with_copies=True)
            with pytest.raises(StorageFailure):
                app.finish_purges()
        assert app.purges()[0].done_at_ms is None
        assert plan.documents[0].id not in {one.document.id for one in app.documents(app.owner())}
        app.finish_purges()
        assert app.purges()[0].done_at_ms is not None
