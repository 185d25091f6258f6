"""Documents are given back as they came, and read again after an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from command_line import Shell, library, shell

import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.app import open_app
from answerable.domain.errors import NotFound
from answerable.library.ports import Parsed, Raw, Unreadable
from answerable.operations.ports import JobState

__all__ = ["library", "shell"]

LATIN = "# Grüße\r\n\r\nWir grüßen.\r\n".encode("latin-1")


class Newer:
    """A parser of a later version, which reads what the one before could not."""

    version = ""
    refuses: bytes = b""

    def __init__(self) -> None:
        self.inner = InlineParser()

    @property
    def digest(self) -> str:
        """That of the parser, and of the version."""
        return self.inner.digest + self.version

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        """Give what it makes of each file."""
        for raw in files:
            if raw.data == self.refuses:
                yield Unreadable(path=raw.path, code="crashed", reason="it is too much")
            else:
                yield from self.inner.read([raw])

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def parser(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Newer:
    """Give the parser that every command uses."""
    del shell
    made = Newer()
    monkeypatch.setattr(answerable.app.tools, "new_parser", lambda *_: made)
    return made


def kept(shell: Shell) -> list[Path]:
    """Return the files of originals."""
    return [path for path in (shell.home / "data" / "originals").rglob("*") if path.is_file()]


def upload(shell: Shell, path: str, data: bytes) -> JobState:
    """Send a file and do what waits."""
    with open_app(shell.home) as app:
        job = app.submit(path, data)
        while app.work_once():
            pass
        return app.job(job.id).state


def test_a_document_is_given_back_as_it_came(library: Shell) -> None:
    """Byte for byte, though its text was decoded; also an earlier version, by its revision."""
    library.write("docs/latin.md", LATIN)
    library.done("ingest", "docs")
    library.write("docs/latin.md", "# Now in UTF-8\n")
    library.done("ingest", "docs")
    library.done("documents", "original", "latin.md", "-o", "back.md")
    assert (library.home / "back.md").read_text() == "# Now in UTF-8\n"
    with open_app(library.home) as app:
        one = app.find_document("latin.md", app.owner())
        assert app.original(one, app.owner(), revision=2).data == LATIN
        assert app.original(one, app.owner(), revision=2).name == "latin.md"
        app.remove(one, who="ann", because="a test")
        with pytest.raises(NotFound):
            app.original(one, app.owner())
        with pytest.raises(NotFound):
            app.original(one, app.owner(), revision=2)


def test_what_is_not_kept_is_said(library: Shell) -> None:
    """Where none are wanted, or they are too large; turned on again, the next ingest keeps them."""
    library.write("answerable.toml", 'data_dir = "data"\n[ingest]\nkeep_originals = false\n')
    library.write("docs/more.md", "# More\n")
    library.done("ingest", "docs")
    ran = library.run("documents", "original", "more.md", "-o", "back.md")
    assert "was not kept" in ran.check_error("not_found", status=1)
    assert not (library.home / "back.md").exists()
    library.write("answerable.toml", 'data_dir = "data"\n')
    library.done("ingest", "docs")
    library.done("documents", "original", "more.md", "-o", "back.md")
    assert (library.home / "back.md").read_text() == "# More\n"


def test_the_server_sweeps_what_is_not_wanted(
    library: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Originals of nothing, and all when none are wanted; not what is stored or may be retried."""
    assert len(kept(library)) == 2
    stray = kept(library)[0].with_name("0" * 62)
    stray.write_bytes(b"of nothing")
    monkeypatch.setattr("answerable.app.background._HOUR_MS", -60_000)
    with open_app(library.home) as app:
        while app.work_once():
            pass
    assert len(kept(library)) == 2
    library.write("answerable.toml", 'data_dir = "data"\n[ingest]\nkeep_originals = false\n')
    with open_app(library.home) as app:
        while app.work_once():
            pass
    assert kept(library) == []


def test_after_an_upgrade_documents_are_read_again(library: Shell, parser: Newer) -> None:
    """From their originals, though their folder has gone; what has none is named."""
    assert upload(library, "sent.md", b"# Sent\n\nSent water.\n") is JobState.DONE
    ran = library.done("documents", "reparse")
    assert "as documents are now" in ran.err
    for name in ("water.md", "fire.md"):
        (library.home / "docs" / name).unlink()
    parser.version = "2"
    ran = library.done("documents", "reparse", "--json")
    assert [dict(one["counts"])["changed"] for one in ran.data["reports"]] == [2, 1]
    assert ran.data["missing"] == []
    assert len(library.done("documents", "list", "--json").data) == 3
    with open_app(library.home) as app:
        assert app.revisions()[0].line == app.line.id
        assert app.ask("when does water boil?", app.owner()).passages
    parser.version = "3"
    for path in kept(library):
        path.unlink()
    ran = library.run("documents", "reparse")
    assert ran.status == 3
    assert "no original of water.md" in ran.err
    assert len(library.done("documents", "list", "--json").data) == 3


def test_who_may_read_it_stays_as_it_was(library: Shell, parser: Newer) -> None:
    """Reading again changes what is read, not for whom."""
    with open_app(library.home) as app:
        app.sources.add("wiki", "push", who="me", labels=("ops",))
        app.sources.push("wiki", "sent.md", b"# Sent\n\nSent water.\n")
        while app.work_once():
            pass
        before = {one.document.path: one.document.labels for one in app.documents(app.owner())}
        assert before["sent.md"] > before["water.md"]
    parser.version = "2"
    library.done("documents", "reparse")
    with open_app(library.home) as app:
        after = {one.document.path: one.document.labels for one in app.documents(app.owner())}
    assert after == before


def test_an_upload_that_failed_can_be_retried(library: Shell, parser: Newer) -> None:
    """Nobody else has its bytes, so they are kept until it is read or replaced."""
    parser.refuses = b"# Sent\n\nToo much.\n"
    assert upload(library, "sent.md", parser.refuses) is JobState.FAILED
    parser.refuses = b""
    ran = library.done("documents", "quarantine", "retry", "sent.md")
    assert "1 of 1 are well now" in ran.err
    assert "Too much" in library.done("documents", "show", "sent.md", "--text").out


def test_a_purge_takes_the_originals(library: Shell) -> None:
    """Of every version it had, and of no other document."""
    library.write("docs/fire.md", "# Fire\n\nFire is hot.\n")
    library.done("ingest", "docs")
    assert len(kept(library)) == 3
    library.done("documents", "remove", "fire.md", "--purge", "--yes")
    assert len(kept(library)) == 1
    library.done("documents", "original", "water.md", "-o", "back.md")


def test_nothing_goes_to_a_terminal(library: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a document says must not steer it."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    ran = library.run("documents", "original", "water.md")
    assert "--output" in ran.check_error("bad_input", status=2)
