"""Ingest is killed wherever it is: nothing acknowledged is lost, nothing half done is seen.

What counts as acknowledged: a content once `Progress.kept` was told of it, a revision once
`App.ingest` has returned. `ANSWERABLE_KILLS` sets how often, `ANSWERABLE_SEED` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kill_driver import COMMON

from answerable.app import init_workspace

DRIVER = Path(__file__).with_name("kill_driver.py")
KILLS = int(os.environ.get("ANSWERABLE_KILLS", "54"))
KILLS_IN_ONE_LIBRARY = 9
ROUNDS = range(-(-KILLS // KILLS_IN_ONE_LIBRARY))
SEED = int(os.environ.get("ANSWERABLE_SEED") or random.SystemRandom().randrange(2**32))

FILES_MAX = 14
# Of the runs that are killed, this share has real parser processes; the others parse inline,
# which leaves the durable steps as they are and takes a quarter of the time.
REAL_PARSERS = 0.25
INTERRUPTS = max(4, KILLS // 20)
STOPPED = "stopped; what was done is kept, run the same command to go on\n"


def say(text: str) -> None:
    """Print what pytest shows when the test fails."""
    sys.stdout.write(f"{text}\n")


def rng(seed: str) -> random.Random:
    """Return the source of all chance in a test."""
    return random.Random(seed)  # noqa: S311 - to be repeated, not to be secret


class Driver:
    """The forking process of `kill_driver`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def order(self, do: str, **details: Any) -> dict[str, Any]:
        """Return how it went, and what the child said."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self._process.stdin.flush()
        done: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert done["orphans"] == 0, "a parser process lives on"
        return done

    def close(self) -> None:
        """End it."""
        with self._process:
            pass


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """Give the driver, and end it."""
    made = Driver()
    yield made
    made.close()


@dataclass
class Library:
    """A folder that changes, its workspace, and what must be found there.

    Attributes:
        files: Path to text, as the folder is now.
        sealed: By number, what every revision must hold.
        kept: Acknowledged contents: id to hash.
        words: Every word that ever marked a version of a document.
    """

    home: Path
    rng: random.Random
    driver: Driver
    files: dict[str, str] = field(default_factory=dict)
    sealed: dict[int, dict[str, str]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    kills: int = 0
    steps: int = 60
    took_s: float = 0.5

    def __post_init__(self) -> None:
        (self.home / "docs").mkdir(parents=True)
        init_workspace(self.home / "work", data_dir="data")

    def change(self) -> None:
        """Add, change and delete a few documents; one is always left."""
        self._write("always.md")
        for _ in range(self.rng.randint(0, 5)):
            path = f"{self.rng.choice(['', 'a/', 'b/c/'])}{self.rng.randrange(FILES_MAX)}.md"
            if path in self.files and self.rng.random() < 0.4:
                del self.files[path]
                (self.home / "docs" / path).unlink()
            else:
                self._write(path)

    def _write(self, path: str) -> None:
        word = f"zq{len(self.words)}v{self.rng.randrange(10**6)}"
        self.words.append(word)
        self.files[path] = f"# About {word}\n\nIt is {COMMON}.\n\n## Part\n\nAnd {word} again.\n"
        file = self.home / "docs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.files[path])

    def ingest(self, *, kill: bool) -> None:
        """Ingest the folder; maybe not to the end."""
        how: dict[str, Any] = {"inline": self.rng.random() > REAL_PARSERS}
        if kill and self.rng.random() < 0.6:
            how["kill_step"] = self.rng.randint(1, self.steps + 2)
        elif kill:
            how["kill_s"] = self.rng.uniform(0, 1.1 * self.took_s)
        say(f"{how} of about {self.steps} steps, {self.took_s:.2f} s")
        done = self.driver.order(
            "ingest", workspace=str(self.home / "work"), folder=str(self.home / "docs"), **how
        )
        for said in done["said"]:
            self.kept |= dict(said.get("kept", ()))
        if done["status"] == -signal.SIGKILL:
            assert kill
            self.kills += 1
            return
        assert done["status"] == 0, "the run failed by itself"
        self._returned(done["said"][-1])
        self.took_s = done["took_s"] if how["inline"] else self.took_s

    def _returned(self, report: Mapping[str, Any]) -> None:
        assert report["failed"] == report["skipped"] == 0
        if report["sealed"] is not None:
            self.steps = report["steps"]
            assert report["sealed"] == max(self.sealed, default=0) + 1
            self.sealed[report["sealed"]] = dict(self.files)

    def check(self, *, newest: int = 3) -> None:
        """Open the library in a fresh process and compare it with what must be there.

        Older revisions than the `newest` so many are only counted, to save time.
        """
        done = self.driver.order(
            "check",
            workspace=str(self.home / "work"),
            contents=sorted(self.kept),
            words=self.words if self.sealed else [],
            newest=newest,
        )
        assert done["status"] == 0, "the library cannot be opened"
        (seen,) = done["said"]
        assert seen["integrity"] == ["ok", "ok"]
        assert seen["contents"] == self.kept, "an acknowledged content is lost or changed"
        self._check_revisions(seen)
        if self.sealed:
            self._check_search(seen)

    def _check_revisions(self, seen: Mapping[str, Any]) -> None:
        """A killed run may have sealed one more revision, if it is exactly what the folder is."""
        newest = max(self.sealed, default=0)
        if newest + 1 in seen["numbers"]:
            newest += 1
            self.sealed[newest] = dict(self.files)
        assert sorted(seen["numbers"]) == sorted(self.sealed), "one is lost or came from nowhere"
        assert seen["serves"] == (newest or None)
        for one in seen["revisions"]:
            held = self.sealed[one["number"]]
            assert one["texts"] == held, f"revision {one['number']} is half there"
            assert one["indexed"] == sorted(held)
            assert one["documents"] == len(held)
            assert one["damage"] == []

    def _check_search(self, seen: Mapping[str, Any]) -> None:
        serves = self.sealed[max(self.sealed)]
        for word, paths in seen["found"].items():
            holds = sorted(path for path, text in serves.items() if word in text)
            assert paths == holds, f"searching {word}"

    def check_tidy(self) -> None:
        """After a whole run, nothing lies about but the sealed revisions."""
        index = self.home / "work" / "data" / "index"
        found = sorted(path.name[:6] for path in (index / "revisions").glob("*"))
        assert found == [f"{number:06d}" for number in sorted(self.sealed)]
        assert list((index / "build").glob("*")) == []


@pytest.mark.parametrize("round_", ROUNDS)
def test_nothing_acknowledged_is_lost_whenever_ingest_is_killed(
    round_: int, driver: Driver, tmp_path: Path
) -> None:
    """Nothing acknowledged is lost, nothing half done is seen, and the next run completes.

    Killed at any step or moment, every acknowledged content and revision is there unchanged,
    and what serves is exactly one whole state of the folder.
    """
    say(f"ANSWERABLE_SEED={SEED}, round {round_}")
    library = Library(home=tmp_path, rng=rng(f"{SEED}/{round_}"), driver=driver)
    wanted = min(KILLS_IN_ONE_LIBRARY, KILLS - round_ * KILLS_IN_ONE_LIBRARY)
    while library.kills < wanted:
        library.change()
        library.ingest(kill=True)
        library.check()
        if library.rng.random() < 0.3:
            library.ingest(kill=True)
            library.check()
        library.ingest(kill=False)
        library.check()
        assert library.sealed[max(library.sealed)] == library.files
        library.check_tidy()
    library.check(newest=1_000)


class Commands:
    """The command line on a library of its own, with many small documents to read."""

    def __init__(self, home: Path, driver: Driver, rng: random.Random) -> None:
        self.driver = driver
        self.rng = rng
        self.docs = home / "docs"
        self.work = home / "work"
        self.output = home / "output"
        self.docs.mkdir()
        self.texts: dict[str, str] = {}
        init_workspace(self.work, data_dir="data")

    def write(self, number: int) -> None:
        """Put documents of this generation into the folder."""
        for index in range(60):
            text = f"# Page {index}\n\nIt is {COMMON}, zq{number}v{index}.\n"
            (self.docs / f"{index}.md").write_text(text)
            self.texts[f"{index}.md"] = text

    def ingest(self, **how: Any) -> dict[str, Any]:
        """Run `answerable ingest`; maybe not to its end."""
        arguments = ["ingest", "--workspace", str(self.work), str(self.docs)]
        return self.driver.order("command", arguments=arguments, output=str(self.output), **how)

    def check_since(self, whole: list[dict[str, str]]) -> list[dict[str, str]]:
        """Make sure that there are these revisions, at most one more, and all are whole.

        Returns:
            What every revision holds, oldest first.
        """
        done = self.driver.order(
            "check", workspace=str(self.work), contents=[], words=[], newest=100
        )
        (seen,) = done["said"]
        assert seen["integrity"] == ["ok", "ok"]
        for one in seen["revisions"]:
            assert one["damage"] == []
            assert one["indexed"] == sorted(one["texts"])
        found: list[dict[str, str]] = [one["texts"] for one in reversed(seen["revisions"])]
        assert found[: len(whole)] == whole
        assert found[len(whole) :] in ([], [self.texts])
        return found


@pytest.fixture
def commands(driver: Driver, tmp_path: Path) -> Commands:
    """Give the command line with documents to read; prints the seed."""
    say(f"ANSWERABLE_SEED={SEED}")
    return Commands(tmp_path, driver, rng(str(SEED)))


def test_the_command_may_be_killed(commands: Commands) -> None:
    """SIGKILL of `answerable ingest`: the old revision stays whole, the next run completes."""
    whole: list[dict[str, str]] = []
    took_s = 1.0
    for generation in range(3):
        commands.write(generation)
        done = commands.ingest(kill_s=commands.rng.uniform(0.05, took_s))
        assert done["status"] in {0, -signal.SIGKILL}
        commands.check_since(whole)
        done = commands.ingest()
        assert done["status"] == 0, commands.output.read_text()
        took_s = done["took_s"]
        whole = commands.check_since(whole)
        assert whole[-1] == commands.texts


def test_control_c_stops_cleanly(commands: Commands) -> None:
    """SIGINT at any moment: exit 130, one sentence, no parser left; the next run goes on."""
    commands.write(0)
    took_s = commands.ingest()["took_s"]
    whole = commands.check_since([])
    for generation in range(1, INTERRUPTS + 1):
        commands.write(generation)
        done = commands.ingest(kill_s=commands.rng.uniform(0.05, took_s), signal=int(signal.SIGINT))
        said = commands.output.read_text()
        assert done["status"] in {0, 130}, said
        assert "Traceback" not in said
        # Before the command has begun, and after it has sealed, there is less to say.
        is_early = said in {"", "stopped\n"}
        assert done["status"] == 0 or is_early or said.startswith(STOPPED) or "sealed" in said
        whole = commands.check_since(whole)
    assert commands.ingest()["status"] == 0
    assert commands.check_since(whole)[-1] == commands.texts
