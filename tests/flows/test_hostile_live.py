"""A service that reads hostile files and hostile places, and answers all the while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from test_serve import PATIENCE_S, Serving, serving, workspace

from answerable.app import open_app
from fake_sources.sites import Site, moved, page, website

__all__ = ["workspace"]  # a fixture, found by its name

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "ingest-samples"
HIDDEN = "narwhalspass"

pytestmark = pytest.mark.accept


def hostile_folder(folder: Path, seed: int) -> int:
    """Write a folder of what nobody should have to read; return how many files were generated."""
    script = SAMPLES / "make_malformed.py"
    if not script.exists():
        pytest.skip("no ingest-samples beside this checkout")
    command = [sys.executable, str(script), str(folder), "--seed", str(seed)]
    subprocess.run(command, check=True, capture_output=True)
    (folder.parent / "secret.md").write_text(f"# Secret\n\nThe word is {HIDDEN}.\n")
    (folder / "link.md").symlink_to(folder.parent / "secret.md")
    (folder / "up").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.md")
    (folder / "good.md").write_text("# Wombat duty\n\nThe wombat shift ends at 19:15.\n")
    return len((folder / "expected.jsonl").read_text().splitlines())


def hostile_site(site: Site) -> None:
    """Have a website loop, lie, drip and lead to where nobody should go."""
    site.says["/docs/"] = page("a/b", "private", "lies.html", "big", "endless", "slow")
    site.says["/docs/private"] = moved("http://169.254.169.254/latest/meta-data/")
    site.says["/docs/lies.html"] = page(text="words")
    site.says["/docs/lies.html"].body = b"\x89PNG\r\n\x1a\n" + bytes(100)
    site.says["/docs/big"] = page()
    site.says["/docs/big"].body = (b"x" * 65_536 for _ in range(16_000))
    site.says["/docs/endless"] = moved("/docs/endless")
    site.says["/docs/slow"] = page()
    site.says["/docs/slow"].body = _dripping()
    site.otherwise = lambda path: page(f"{path.rstrip('/')}/deeper", text="and deeper")


def _dripping() -> Iterator[bytes]:
    for _ in range(10_000):
        time.sleep(0.5)
        yield b"x"


@contextmanager
def rewriting(path: Path) -> Iterator[None]:
    """Have a file change all the time."""
    over = Event()

    def rewrite() -> None:
        for number in count():
            if over.is_set():
                return
            path.write_text(f"# Round {number}\n\n" + "words " * (number % 5_000))

    thread = Thread(target=rewrite, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def until_read(server: Serving, name: str) -> tuple[int, dict[str, Any]]:
    """Ask until a source has been read once; return how often, and the source."""
    until = time.monotonic() + 10 * PATIENCE_S
    for asked in count(1):
        status, reply = server.ask()
        assert status == 200
        assert "07:45" in reply["answer"]
        _, found = server.request("GET", f"/v1/sources/{name}")
        if found["health"]["succeeded_ms"] or found["health"]["failures"]:
            return asked, found
        assert time.monotonic() < until, found
    raise AssertionError


@pytest.mark.parametrize("seed", [1, 2])
def test_it_answers_all_the_while(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Nothing crashes, hangs or leaks; what can be read is read, the rest is named with its why."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    folder = tmp_path / "hostile"
    made = hostile_folder(folder, seed)
    with website() as site, rewriting(folder / "restless.md"):
        hostile_site(site)
        allowed = json.dumps([f"127.0.0.1:{site.port}"])
        monkeypatch.setenv("ANSWERABLE_SOURCES__ALLOW_HOSTS", allowed)
        with open_app(workspace) as app:
            app.sources.add("bad", str(folder), who="me", watch=False, schedule="1d")
            options = {"pages": "30", "delay_s": "0"}
            app.sources.add("site", f"{site.url}/docs/", who="me", options=options, schedule="1d")
        with serving(workspace) as server:
            asked, bad = until_read(server, "bad")
            assert not bad["health"]["failures"], bad
            until_read(server, "site")
            assert asked > 1, "it was answered while it was read"
            _, found = server.request("POST", "/v1/search", {"query": HIDDEN, "limit": 5})
            assert not any(HIDDEN in one["text"] for one in found["passages"])
            _, found = server.request("POST", "/v1/search", {"query": "wombat shift", "limit": 1})
            assert found["passages"][0]["path"] == "good.md"
            _, ill = server.request("GET", "/v1/documents/quarantine")
            assert len(ill["quarantine"]) > made / 3
            assert all(one["reason"] and one["advice"] for one in ill["quarantine"])
            assert server.process.poll() is None
    reached = [one.target for one in site.asked]
    assert not any("meta-data" in one for one in reached)
    assert len(reached) < 100, "the loop had an end"
