"""Fills a small disk to the last byte and uses the command line on it; see `test_disk`.

Runs in a mount namespace of its own, where it may mount a file system in memory: the disk is
really full, for every library below Python too. Prints one JSON object a line.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import answerable.app.tools
from answerable.adapters.index.local import LocalIndex
from answerable.adapters.parsers.pool import InlineParser
from answerable.app import init_workspace, open_app
from answerable.entrypoints.cli import main as cli

DISK_MB = 20
QUESTION = "what is line 3 of the page about"


def run(*arguments: str) -> dict[str, Any]:
    """Run the command line; return its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["answerable", *arguments]
    status: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as left:
            status = left.code
    return {"status": status or 0, "out": out.getvalue(), "err": err.getvalue()}


@contextmanager
def only(disk: Path, free: int) -> Iterator[None]:
    """Leave only so many bytes free on a disk, for a while."""
    filler = disk / "filler"
    left = os.statvfs(disk)
    size = left.f_bavail * left.f_frsize - free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(size, 1))
    try:
        yield
    finally:
        filler.unlink()


def write(docs: Path, generation: int) -> None:
    """Put documents of this generation into a folder."""
    docs.mkdir(exist_ok=True)
    for number in range(40):
        lines = "\n\n".join(f"Line {line} of zq{generation}x{number}." for line in range(40))
        (docs / f"{number}.md").write_text(f"# Page {number}\n\nAbout zq{generation}.\n\n{lines}\n")


# The disks here are smaller than what has to be free before anything is taken in.
os.environ["ANSWERABLE_INGEST__FREE_MB_MIN"] = "0"


def held(work: Path) -> dict[str, Any]:
    """Return what the library holds, or why that cannot be told."""
    with open_app(work) as app:
        found = app.search("about", app.owner(), limit=1)
        return {
            "revisions": [one.number for one in app.revisions()],
            "damage": {number: said for number, said in app.verify().items() if said},
            "says": next(iter(found.contents.values())).text.text[:40],
        }


def full(home: Path, disk: Path, free: int) -> None:
    """Change the documents, ingest with too little room, ask, make room, ingest."""
    work, docs = home / "work", home / "docs"
    write(docs, free)
    with only(disk, free):
        tried = run("ingest", "-w", str(work), str(docs))
        asked = run("ask", "-w", str(work), QUESTION)
    before = held(work)
    again = run("ingest", "-w", str(work), str(docs))
    tell(free=free, tried=tried, asked=asked, before=before, again=again, after=held(work))


def serving(home: Path, disk: Path) -> None:
    """Ask an app that was open before the disk was full, as a server is."""
    with open_app(home / "work") as app:
        with only(disk, 0):
            first = app.ask(QUESTION, app.owner())
            ready = {one.name: one.ready for one in app.readiness()}
        second = app.ask(QUESTION, app.owner())
        ready_again = all(one.ready for one in app.readiness())
        kept = [line.id for line in app.traces()]
    tell(
        overrides=first.overrides,
        ready=ready,
        overrides_again=second.overrides,
        ready_again=ready_again,
        is_kept=[one.id in kept for one in (first, second)],
    )


def read_only(home: Path, disk: Path) -> None:
    """Take the right to write away from the index while an ingest comes to it."""
    work, docs, index = home / "work", home / "docs", str(disk / "data" / "index")
    write(docs, 7)
    build = LocalIndex.build

    def late(*arguments: Any, **parts: Any) -> str:
        subprocess.run(["mount", "--bind", index, index], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", index], check=True)
        return build(*arguments, **parts)

    LocalIndex.build = late  # type: ignore[method-assign]
    tried = run("ingest", "-w", str(work), str(docs))
    LocalIndex.build = build  # type: ignore[method-assign]
    asked = run("ask", "-w", str(work), QUESTION)
    before = held(work)
    subprocess.run(["mount", "-o", "remount,bind,rw", index], check=True)
    again = run("ingest", "-w", str(work), str(docs))
    tell(tried=tried, asked=asked, before=before, again=again, after=held(work))


def frozen(home: Path, disk: Path) -> None:
    """Use a data directory that nobody may write to."""
    work = str(home / "work")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    tried = run("ingest", "-w", work, str(home / "docs"))
    asked = run("ask", "-w", work, QUESTION)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    tell(tried=tried, asked=asked, again=run("ask", "-w", work, QUESTION))


def tell(**facts: object) -> None:
    """Print what was seen."""
    print(json.dumps(facts), flush=True)  # noqa: T201 - that is its answer


def main(home: Path, orders: Sequence[str]) -> None:
    """Mount the disk and carry out orders: a name, or a number of bytes to leave free."""
    answerable.app.tools.new_parser = lambda *_: InlineParser()
    disk = home / "disk"
    disk.mkdir()
    options = f"size={DISK_MB}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], check=True)
    init_workspace(home / "work", data_dir=str(disk / "data"))
    write(home / "docs", 1)
    assert run("ingest", "-w", str(home / "work"), str(home / "docs"))["status"] == 0
    named = {"serving": serving, "read_only": read_only, "frozen": frozen}
    for order in orders:
        if order in named:
            named[order](home, disk)
        else:
            full(home, disk, int(order))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
