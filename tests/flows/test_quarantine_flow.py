"""What cannot be read is kept in mind, tried once, and holds up nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from command_line import Shell, library, shell

import answerable.app.tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.app import open_app
from answerable.library.ports import Parsed, Raw, Unreadable
from answerable.operations.ports import JobState

__all__ = ["library", "shell"]


class Fragile:
    """A parser that some files are too much for; can be a newer version.

    Attributes:
        bad: Bytes to the code they fail with.
        tried: Paths of what it was given.
    """

    def __init__(self) -> None:
        self.inner = InlineParser()
        self.version = ""
        self.bad: dict[bytes, str] = {}
        self.tried: list[str] = []

    @property
    def digest(self) -> str:
        """That of the parser, and of the version."""
        return self.inner.digest + self.version

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        """Give what it makes of each file."""
        for raw in files:
            self.tried.append(raw.path)
            if raw.data in self.bad:
                code = self.bad[raw.data]
                yield Unreadable(path=raw.path, code=code, reason=f"it is {code}")
            else:
                yield from self.inner.read([raw])

    def close(self) -> None:
        """Do nothing."""


BAD = b"# Bomb\n\nNobody can read this.\n"


@pytest.fixture
def parser(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Fragile:
    """Give the parser that every command uses."""
    del shell
    made = Fragile()
    made.bad[BAD] = "crashed"
    monkeypatch.setattr(answerable.app.tools, "new_parser", lambda *_: made)
    return made


@pytest.fixture
def ill(library: Shell, parser: Fragile) -> Shell:
    """Give a library in whose folder a file cannot be read."""
    library.write("docs/bomb.md", BAD)
    assert library.run("ingest", "docs").status == 3
    parser.tried.clear()
    return library


def listed(shell: Shell) -> list[dict[str, Any]]:
    """Return what is in quarantine."""
    found: list[dict[str, Any]] = shell.done("documents", "quarantine", "list", "--json").data
    return found


def test_what_failed_is_listed_with_what_to_do(ill: Shell) -> None:
    """Path, source, code, size, attempts, times and advice; others are read all the same."""
    (one,) = listed(ill)
    document = one["document"]
    assert document["path"] == "bomb.md"
    assert document["source"] == f"folder:{ill.home / 'docs'}"
    assert (document["code"], document["reason"]) == ("crashed", "it is crashed")
    assert (document["size"], document["format"]) == (len(BAD), "md")
    assert document["attempts"] == 1
    assert document["last_seen_ms"] == document["first_seen_ms"] > 0
    assert "report it" in one["advice"]
    assert len(ill.done("documents", "list", "--json").data) == 2
    assert "bomb.md" in ill.done("documents", "quarantine", "list").out
    shown = ill.done("documents", "quarantine", "show", "bomb.md").out
    assert "report it" in shown
    assert document["document_id"] in shown
    ill.run("documents", "quarantine", "show", "water.md").check_error("not_found", status=1)


def test_an_unchanged_file_is_not_tried_again(ill: Shell, parser: Fragile) -> None:
    """However often its folder is synced; the report still says that it failed, and why."""
    for _ in range(3):
        ran = ill.run("ingest", "docs", "--json")
        assert ran.status == 3
        (outcome,) = ran.data[0]["outcomes"]
        assert (outcome["path"], outcome["change"], outcome["code"]) == (
            "bomb.md",
            "failed",
            "crashed",
        )
        assert "not tried again" in outcome["reason"]
    assert parser.tried == []
    (one,) = listed(ill)
    assert one["document"]["attempts"] == 1
    assert one["document"]["reason"] == "it is crashed"


def test_a_changed_file_is_tried_again(ill: Shell, parser: Fragile) -> None:
    """Whether it fails again or not; what is read well is not listed any more."""
    parser.bad[BAD + b"!"] = "timeout"
    ill.write("docs/bomb.md", BAD + b"!")
    assert ill.run("ingest", "docs").status == 3
    (one,) = listed(ill)
    assert (one["document"]["attempts"], one["document"]["code"]) == (1, "timeout")
    ill.write("docs/bomb.md", "# Harmless\n\nNow it can be read.\n")
    ill.done("ingest", "docs")
    assert parser.tried == ["bomb.md", "bomb.md"]
    assert listed(ill) == []


def test_a_newer_parser_tries_again(ill: Shell, parser: Fragile) -> None:
    """It may read what the one before could not."""
    parser.version = "2"
    del parser.bad[BAD]
    ill.done("ingest", "docs")
    assert "bomb.md" in parser.tried
    assert listed(ill) == []


def test_a_file_that_has_gone_is_not_listed(ill: Shell) -> None:
    """Nor one that is left out by now; of a part of the folder nothing is said about the rest."""
    ill.done("ingest", "docs/water.md")
    assert len(listed(ill)) == 1
    ill.done("ingest", "docs", "--exclude", "bomb.md")
    assert listed(ill) == []
    ill.run("ingest", "docs")
    assert len(listed(ill)) == 1
    (ill.home / "docs" / "bomb.md").unlink()
    ill.done("ingest", "docs")
    assert listed(ill) == []


def test_a_wider_folder_takes_over(ill: Shell) -> None:
    """A file is listed once, by the source it is read through."""
    assert ill.run("ingest", ".").status == 3
    assert [one["document"]["path"] for one in listed(ill)] == ["docs/bomb.md"]


def test_the_last_good_content_stays(library: Shell, parser: Fragile) -> None:
    """A document that can no longer be read answers as it was when it last could."""
    library.write("docs/fire.md", BAD)
    assert library.run("ingest", "docs").status == 3
    assert parser.tried == ["fire.md"]
    assert "oxygen" in library.done("documents", "show", "fire.md", "--text").out
    assert library.run("ingest", "docs").status == 3
    assert "oxygen" in library.done("documents", "show", "fire.md", "--text").out
    library.write("docs/fire.md", "# Fire\n\nFire needs oxygen to burn.\n")
    library.done("ingest", "docs")
    assert listed(library) == []


def test_retry_tries_now(ill: Shell, parser: Fragile) -> None:
    """Though nothing has changed; what has become well stands in a new revision."""
    ran = ill.run("documents", "quarantine", "retry", "bomb.md")
    assert ran.status == 3
    assert parser.tried == ["bomb.md"]
    assert "1 cannot be read" in ran.err
    assert listed(ill)[0]["document"]["attempts"] == 2
    del parser.bad[BAD]
    ran = ill.done("documents", "quarantine", "retry")
    assert "1 of 1 are well now" in ran.err
    assert listed(ill) == []
    assert len(ill.done("documents", "list", "--json").data) == 3
    assert "nothing is in quarantine" in ill.done("documents", "quarantine", "retry").err
    ill.run("documents", "quarantine", "retry", "bomb.md").check_error("not_found", status=1)


def test_retry_may_wait_for_the_next_ingest(ill: Shell, parser: Fragile) -> None:
    """And is done by that."""
    ran = ill.done("documents", "quarantine", "retry", "--later")
    assert "1 are tried when" in ran.err
    assert parser.tried == []
    assert ill.run("ingest", "docs").status == 3
    assert parser.tried == ["bomb.md"]
    assert ill.run("ingest", "docs").status == 3
    assert parser.tried == ["bomb.md"]


def test_an_ignored_file_fails_no_ingest(ill: Shell, parser: Fragile) -> None:
    """It is skipped with who and why, also when it changes and fails again, until it is retried."""
    ill.run("documents", "quarantine", "ignore", "bomb.md", "--because", " ").check_error(
        "bad_input", status=2
    )
    ill.done("documents", "quarantine", "ignore", "bomb.md", "--because", "a scan")
    ran = ill.done("ingest", "docs", "--json")
    (outcome,) = ran.data[0]["outcomes"]
    assert (outcome["change"], outcome["code"]) == ("skipped", "quarantined")
    assert outcome["reason"] == "crashed, ignored by owner: a scan"
    assert "bomb.md" not in ill.done("documents", "quarantine", "list").out
    assert "a scan" in ill.done("documents", "quarantine", "list", "--ignored").out
    parser.bad[BAD + b"!"] = "timeout"
    ill.write("docs/bomb.md", BAD + b"!")
    ill.done("ingest", "docs")
    assert parser.tried == ["bomb.md"]
    ill.done("documents", "quarantine", "retry", "bomb.md", "--later")
    assert ill.run("ingest", "docs").status == 3


def test_a_removed_document_is_not_ill(ill: Shell) -> None:
    """What a person took away is not waited for."""
    ill.write("docs/bomb.md", "# Harmless\n\nNow it can be read.\n")
    ill.done("ingest", "docs")
    ill.write("docs/bomb.md", BAD)
    assert ill.run("ingest", "docs").status == 3
    ill.done("documents", "remove", "bomb.md")
    ill.done("ingest", "docs")
    assert listed(ill) == []


def test_an_upload_that_fails_is_listed_too(ill: Shell, parser: Fragile) -> None:
    """And a purge takes along what is known of it."""
    with open_app(ill.home) as app:
        job = app.submit("sent.md", BAD)
        while app.work_once():
            pass
        assert app.job(job.id).state is JobState.FAILED
        found = {one.document.path: one.document for one in app.quarantined()}
        assert set(found) == {"bomb.md", "sent.md"}
        assert found["sent.md"].source == "upload"
        parser.tried.clear()
        app.submit("sent.md", BAD)
        while app.work_once():
            pass
        assert parser.tried == []


def test_a_file_that_is_too_large_names_the_limit(library: Shell) -> None:
    """It is listed without ever having been read, and looked at each time: there are no bytes."""
    library.write("answerable.toml", 'data_dir = "data"\n[ingest]\nsize_mb_max = 1\n')
    library.write("docs/large.md", "# Large\n\n" + "water " * 200_000)
    assert library.run("ingest", "docs").status == 3
    assert library.run("ingest", "docs").status == 3
    (one,) = listed(library)
    assert (one["document"]["code"], one["document"]["attempts"]) == ("too_large", 2)
    assert "unknown" in library.done("documents", "quarantine", "show", "large.md").out
    assert "ingest.size_mb_max" in one["advice"]


def test_what_was_purged_is_not_listed(ill: Shell) -> None:
    """Neither its name nor the hash of what it had last."""
    ill.write("docs/bomb.md", "# Harmless\n\nNow it can be read.\n")
    ill.done("ingest", "docs")
    ill.write("docs/bomb.md", BAD)
    assert ill.run("ingest", "docs").status == 3
    ill.done("documents", "remove", "bomb.md", "--purge", "--yes")
    assert listed(ill) == []
    ill.done("ingest", "docs")
    assert listed(ill) == []
