"""Git, websites and buckets from the command line, with real servers on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import Shell, shell

from answerable.adapters.sources.spooled import Spooled
from answerable.adapters.state.sql_state import SqlState
from answerable.app import open_app, syncing
from answerable.domain.errors import Locked
from fake_sources.buckets import KEY_ID, SECRET, s3_server
from fake_sources.repositories import Repository
from fake_sources.sites import page, website

__all__ = ["shell"]  # a fixture, found by its name

ALLOWED = ("ANSWERABLE_SOURCES__ALLOW_HOSTS", "ANSWERABLE_SOURCES__ALLOW_LOCAL_GIT")
PAGES = {f"p{number}.md": f"# Page {number}\n\nZebra {number} eats.\n" for number in range(6)}

Put = Callable[[dict[str, str | None]], None]


@dataclass(frozen=True, kw_only=True)
class Far:
    """A place far away, and how its files are changed there.

    Attributes:
        arguments: Of `sources add`, behind the name.
        suffix: What its documents are called by, in place of ``.md``.
    """

    arguments: tuple[str, ...]
    put: Put
    suffix: str = ".md"


def git(stack: ExitStack, folder: Path, patch: pytest.MonkeyPatch) -> Far:
    """Give a repository with a folder of pages."""
    del stack
    patch.setenv("ANSWERABLE_SOURCES__ALLOW_LOCAL_GIT", "true")
    repository = Repository(folder / "handbook.git")

    def put(files: dict[str, str | None]) -> None:
        for path, text in files.items():
            file = repository.root / "docs" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        (repository.root / "outside.md").write_text("# Outside\n\nNot below the folder.\n")
        repository.commit()

    return Far(arguments=(str(repository.root), "-o", "path=docs", "-o", "branch=main"), put=put)


def web(stack: ExitStack, folder: Path, patch: pytest.MonkeyPatch) -> Far:
    """Give a website whose start leads to every page."""
    del folder
    site = stack.enter_context(website())
    patch.setenv("ANSWERABLE_SOURCES__ALLOW_HOSTS", json.dumps([f"127.0.0.1:{site.port}"]))
    there: dict[str, str] = {}

    def put(files: dict[str, str | None]) -> None:
        for path, text in files.items():
            name = path.removesuffix(".md")
            if text is None:
                del there[name], site.says[f"/docs/{name}"]
            else:
                there[name] = text
                site.says[f"/docs/{name}"] = page(text=text)
        site.says["/docs/"] = page(*there)

    return Far(arguments=(f"{site.url}/docs/", "-o", "delay_s=0"), put=put, suffix=".html")


def bucket(stack: ExitStack, folder: Path, patch: pytest.MonkeyPatch) -> Far:
    """Give a bucket with keys."""
    del folder
    service = stack.enter_context(s3_server())
    patch.setenv("ANSWERABLE_SOURCES__ALLOW_HOSTS", json.dumps([f"127.0.0.1:{service.site.port}"]))
    patch.setenv("OPS_KEY", KEY_ID)
    patch.setenv("OPS_SECRET", SECRET)

    def put(files: dict[str, str | None]) -> None:
        for path, text in files.items():
            if text is None:
                del service.objects[f"2026/{path}"]
            else:
                service.objects[f"2026/{path}"] = text.encode()

    options = (f"endpoint={service.site.url}", "key_env=OPS_KEY", "secret_env=OPS_SECRET")
    named = tuple(part for option in options for part in ("-o", option))
    return Far(arguments=("s3://docs/2026", *named), put=put)


@pytest.fixture(params=[git, web, bucket])
def far(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Far]:
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    with ExitStack() as stack:
        yield request.param(stack, tmp_path, monkeypatch)


def held(shell: Shell) -> dict[str, str]:
    """Return what every document says, by path."""
    with open_app(shell.home) as app:
        scope = app.owner()
        return {
            one.document.path: app.document(one.document.id, scope).content.text.text
            for one in app.documents(scope)
        }


def test_what_changes_there_changes_here(shell: Shell, far: Far) -> None:
    """Added, changed, moved and deleted, in the revision after the next reading."""
    shell.done("init", "--data-dir", "data")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    (one,) = shell.done("sources", "sync", "far", "--json").data
    assert one["state"] == "ok"
    named = {path.replace(".md", far.suffix) for path in PAGES}
    assert named <= held(shell).keys()
    assert not any("outside" in path for path in held(shell))
    assert "nothing changed" in shell.done("sources", "sync", "far").out
    far.put(
        {
            "new.md": "# New\n\nGiraffes are tall.\n",
            "p1.md": "# Page 1\n\nZebra 1 sleeps.\n",
            "p2.md": None,
            "moved.md": PAGES["p2.md"],
            "p3.md": None,
        }
    )
    shell.done("sources", "sync", "far")
    after = held(shell)
    assert {f"new{far.suffix}", f"moved{far.suffix}"} <= after.keys()
    assert not {f"p2{far.suffix}", f"p3{far.suffix}"} & after.keys()
    assert "Zebra 1 sleeps" in after[f"p1{far.suffix}"]
    assert list((shell.home / "data/spool").iterdir()) == []


def test_a_great_loss_there_is_held_here(shell: Shell, far: Far) -> None:
    """As of a folder."""
    shell.done("init")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    shell.done("sources", "sync", "far")
    far.put({f"p{number}.md": None for number in range(4)})
    assert shell.run("sources", "sync", "far").status == 4
    assert len([path for path in held(shell) if path.startswith("p")]) == 6
    shell.done("sources", "approve", "far")
    assert len([path for path in held(shell) if path.startswith("p")]) == 2


def test_the_same_place_is_registered_once(shell: Shell, far: Far) -> None:
    """Under whatever name."""
    shell.done("init")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    shell.run("sources", "add", "again", *far.arguments).check_error("conflict", status=1)


def test_what_is_private_is_not_reached_unless_allowed(
    shell: Shell, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Allowing it is a setting of its own, and the error names it."""
    shell.done("init")
    far.put(dict(PAGES))
    monkeypatch.delenv("ANSWERABLE_SOURCES__ALLOW_HOSTS", raising=False)
    monkeypatch.delenv("ANSWERABLE_SOURCES__ALLOW_LOCAL_GIT", raising=False)
    ran = shell.run("sources", "add", "far", *far.arguments)
    if ran.status == 0:
        shell.run("jobs", "list")
        with open_app(shell.home) as app:
            app.sources.sync("far", because="a test")
            app.sources.work_once()
            error = app.sources.source("far").health.error
        assert error.startswith("not_allowed"), error
    else:
        ran.check_error("not_allowed", status=1)
    assert held(shell) == {}


def test_a_user_name_may_be_a_token(shell: Shell) -> None:
    """Many hosts take one in its place, so it is refused, not repeated; over ssh it is a name."""
    shell.done("init")
    ran = shell.run("sources", "add", "far", "https://ghp-token@git.example.org/x.git")
    assert "ghp-token" not in ran.check_error("bad_input", status=2)
    shell.done("sources", "add", "ssh", "ssh://git@git.example.org/x.git")
    shell.done("sources", "add", "scp", "git@git.example.org:other/x.git")


def test_a_failure_is_told_at_once_and_tried_again_when_asked(
    shell: Shell, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits a minute for the next attempt, neither now nor when it is mended."""
    shell.done("init")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    allowed = {name: os.environ[name] for name in ALLOWED if name in os.environ}
    for name in allowed:
        monkeypatch.delenv(name)
    ran = shell.run("sources", "sync", "far")
    assert ran.status == 1
    assert "not_allowed" in ran.out + ran.err
    for name, value in allowed.items():
        monkeypatch.setenv(name, value)
    shell.done("sources", "sync", "far")
    assert len([path for path in held(shell) if path.startswith("p")]) == 6


def test_what_was_fetched_waits_for_the_library(
    shell: Shell, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is writing: it is not fetched again because of that."""
    shell.done("init")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    writer, fetch = SqlState.writer, Spooled.fetch
    turns: list[str] = []

    def busy(self: SqlState, *, is_brief: bool = False) -> AbstractContextManager[None]:
        turns.append("writer")
        if len(turns) < 4:
            raise Locked("somebody writes", hint="wait")
        return writer(self, is_brief=is_brief)

    def counted(self: Spooled, heard: Callable[[int], None]) -> None:
        turns.clear()
        turns.append("fetch")
        fetch(self, heard)

    monkeypatch.setattr(syncing, "_WRITER_LOOK_S", 0.0)
    monkeypatch.setattr(SqlState, "writer", busy)
    monkeypatch.setattr(Spooled, "fetch", counted)
    shell.done("sources", "sync", "far")
    assert turns[:4] == ["fetch", "writer", "writer", "writer"]
    assert len([path for path in held(shell) if path.startswith("p")]) == 6


def test_nothing_is_fetched_that_there_is_no_room_for(
    shell: Shell, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is known before a network is asked."""
    shell.done("init")
    far.put(dict(PAGES))
    shell.done("sources", "add", "far", *far.arguments)
    monkeypatch.setattr(Spooled, "fetch", lambda *_: pytest.fail("it was fetched"))
    monkeypatch.setenv("ANSWERABLE_INGEST__FREE_MB_MIN", "1000000000")
    ran = shell.run("sources", "sync", "far")
    assert ran.status == 1
    assert "disk_full" in ran.out + ran.err


def test_a_variable_that_is_not_set_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """When it is read; and the secret of one that is set is shown nowhere."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    shell.done("init", "--data-dir", "data")
    place = "https://git.example.org/handbook.git"
    shell.done("sources", "add", "hb", place, "-o", "secret_env=NO_SUCH_TOKEN")
    with open_app(shell.home) as app:
        app.sources.sync("hb", because="a test")
        app.sources.work_once()
        health = app.sources.source("hb").health
    assert "NO_SUCH_TOKEN" in health.error
    monkeypatch.setenv("NO_SUCH_TOKEN", "very-secret-token")
    told = shell.done("sources", "show", "hb", "--json").out
    assert "very-secret-token" not in told
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"very-secret-token" not in file.read_bytes()


@pytest.mark.parametrize(
    ("place", "options", "code"),
    [
        ("https://me:pw@git.example.org/x.git", (), "bad_input"),
        ("https://me_token:pw@git.example.org/x.git", (), "bad_input"),
        ("https://ghp-token:pw@s3.example.org/", (), "bad_input"),
        ("s3://", (), "bad_input"),
        ("s3://bucket/a?b=c", (), "bad_input"),
        ("https://docs.example.org/", ("pages=many",), "bad_input"),
        ("https://docs.example.org/", ("branch=main",), "bad_input"),
        ("gopher://x", (), "path_missing"),
    ],
)
def test_what_cannot_be_registered(
    shell: Shell, place: str, options: tuple[str, ...], code: str
) -> None:
    """It is said at once, and no password is repeated."""
    shell.done("init")
    named = [part for option in options for part in ("-o", option)]
    ran = shell.run("sources", "add", "far", place, *named)
    assert ":pw" not in ran.check_error(code, status=2)


def test_what_was_purged_is_in_no_cache_of_its_source(shell: Shell, far: Far) -> None:
    """Neither as it was fetched nor as it was packed; and it is not taken in again."""
    rare = "quokkathunder"
    shell.done("init", "--data-dir", "data")
    far.put({**PAGES, "rare.md": f"# Rare\n\nThe {rare} eats zebras.\n"})
    shell.done("sources", "add", "far", *far.arguments)
    shell.done("sources", "sync", "far")
    name = f"rare{far.suffix}"
    assert rare in held(shell)[name]
    far.put({"rare.md": None})
    shell.done("documents", "remove", name, "--purge", "--yes", "--because", "a test")
    for file in (shell.home / "data").rglob("*"):
        if file.is_file():
            assert rare.encode() not in file.read_bytes(), file
    assert not (shell.home / "data/sources").exists(), "a mirror holds it packed"
    far.put({"rare.md": f"# Rare\n\nThe {rare} eats zebras.\n"})
    shell.run("sources", "sync", "far")
    assert name not in held(shell)
