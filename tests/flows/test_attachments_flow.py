"""What is attached to a message is a document of its own, for as long as the message has it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from command_line import Shell, shell

from answerable.app import App, open_app
from answerable.domain.documents import document_id

__all__ = ["shell"]  # a fixture, found by its name


@pytest.fixture(autouse=True)
def _words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")


def mail(**attached: str | bytes | EmailMessage) -> EmailMessage:
    """Return a message; an underscore in a name stands for a dot."""
    made = EmailMessage()
    made["Subject"], made["From"] = "Pumps", "ann@example.org"
    made.set_content("The pumps are described in what is attached.")
    for name, what in attached.items():
        file = name.replace("_", ".")
        if isinstance(what, EmailMessage | str):
            made.add_attachment(what, filename=file)
        else:
            made.add_attachment(what, maintype="application", subtype="pdf", filename=file)
    return made


def write(shell: Shell, message: EmailMessage, name: str = "docs/a.eml") -> Path:
    return shell.write(name, message.as_string())


def paths(home: Path) -> set[str]:
    with open_app(home) as app:
        return {one.document.path for one in app.documents(app.owner())}


@pytest.fixture
def library(shell: Shell) -> Shell:
    """Give a workspace with a message that has two attachments, one of them a message."""
    shell.done("init")
    inner = mail(deep_md="# Deep\n\nThe deepest pump is blue.\n")
    write(shell, mail(plan_md="# Plan\n\nThe emergency pump is red.\n", fwd_eml=inner))
    shell.done("ingest", "docs")
    return shell


def test_they_are_found_and_cited_by_their_own_path(library: Shell) -> None:
    """Also those of a message that was attached itself."""
    below = {"a.eml", "a.eml/plan.md", "a.eml/fwd.eml", "a.eml/fwd.eml/deep.md"}
    assert paths(library.home) == below
    with open_app(library.home) as app:
        trace = app.ask("what colour is the emergency pump?", app.owner())
        assert trace.passages[0].path == "a.eml/plan.md"
        found = app.original(
            document_id(f"folder:{library.home / 'docs'}", "a.eml/plan.md"), app.owner()
        )
        assert b"pump is red" in found.data
    assert library.done("ingest", "docs", "--json").data[0]["revision"] is None


def test_they_follow_the_message(library: Shell) -> None:
    """Changed, gone, and gone with it."""
    write(library, mail(plan_md="# Plan\n\nThe emergency pump is green.\n", new_md="# New\n\nX.\n"))
    (report,) = library.done("ingest", "docs", "--json").data
    changes = {one["path"]: one["change"] for one in report["outcomes"]}
    assert changes["a.eml/plan.md"] == "changed"
    assert changes["a.eml/new.md"] == "added"
    assert changes["a.eml/fwd.eml/deep.md"] == "removed"
    (library.home / "docs/a.eml").rename(library.home / "docs/b.eml")
    library.done("ingest", "docs")
    assert paths(library.home) == {"b.eml", "b.eml/plan.md", "b.eml/new.md"}
    library.write("docs/other.md", "# Other\n\nWords.\n")
    (library.home / "docs/b.eml").unlink()
    library.done("ingest", "docs")
    assert paths(library.home) == {"other.md"}


def test_one_that_fails_holds_up_nothing_and_can_be_retried(library: Shell) -> None:
    """It is in quarantine by its own path; the message is read again for it when asked."""
    bad = dict.fromkeys(("bad_pdf", "ill_pdf"), b"%PDF-1.4 no")
    write(library, mail(**bad, plan_md="# Plan\n\nRed.\n"))
    assert library.run("ingest", "docs").status == 3
    listed = library.done("documents", "quarantine", "list", "--json").data
    assert [one["document"]["path"] for one in listed] == ["a.eml/bad.pdf", "a.eml/ill.pdf"]
    assert library.run("ingest", "docs").status == 3
    assert library.run("documents", "quarantine", "retry", "a.eml/bad.pdf").status == 3
    listed = library.done("documents", "quarantine", "list", "--json").data
    assert [one["document"]["attempts"] for one in listed] == [2, 1]
    assert library.run("documents", "quarantine", "retry").status == 3
    listed = library.done("documents", "quarantine", "list", "--json").data
    assert [one["document"]["attempts"] for one in listed] == [3, 2]
    assert "a.eml/plan.md" in paths(library.home)


def test_a_message_that_cannot_be_read_this_time_keeps_them(library: Shell) -> None:
    """As every file keeps what it said."""
    before = paths(library.home)
    library.write("docs/a.eml", "no header of a message")
    assert library.run("ingest", "docs").status == 3
    assert paths(library.home) == before


def test_sent_messages_have_them_too(library: Shell) -> None:
    """A newer version takes the place of all that came with the older one."""
    with open_app(library.home) as app:
        app.sources.add("wiki", "push", who="me")
        for colour in ("red", "blue"):
            sent = mail(**{f"{colour}_md": f"# {colour}\n\nIt is {colour}.\n"})
            app.sources.push("wiki", "m.eml", sent.as_bytes())
            done(app)
            members = app.documents(app.owner())
            mine = {one.document.path for one in members if one.document.source == "push:wiki"}
            assert mine == {"m.eml", f"m.eml/{colour}.md"}


def done(app: App) -> None:
    while app.work_once():
        pass


def test_a_purge_takes_the_whole_message(library: Shell) -> None:
    """Its bytes hold those of what is attached, so one of them alone cannot go."""
    ran = library.run("documents", "remove", "a.eml/plan.md", "--purge", "--yes")
    assert "a.eml/fwd.eml" in ran.check_error("conflict", status=1)
    library.done("documents", "remove", "a.eml/plan.md", "--purge", "--yes", "--with-copies")
    assert paths(library.home) == set()
    library.run("ingest", "docs")
    assert paths(library.home) == set()


def test_a_folder_that_is_called_like_a_message_is_none(library: Shell) -> None:
    """Its files are documents of their own: one can be purged without the others."""
    for name in ("one", "two"):
        library.write(f"docs/kept.eml/{name}.md", f"# {name}\n\nAbout {name}.\n")
    library.done("ingest", "docs")
    library.done("documents", "remove", "kept.eml/one.md", "--purge", "--yes")
    assert "kept.eml/two.md" in paths(library.home)
