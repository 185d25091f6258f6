"""A purge is killed at every step: what was begun stays hidden, and the next run leaves nothing.

`ANSWERABLE_KILLS` above 100 kills at each single step, otherwise at some of them and all the
first ones; `ANSWERABLE_SEED` repeats a run.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_ingest_kills import KILLS, SEED, Driver, driver, say

from answerable.app import App, init_workspace, open_app

__all__ = ["driver"]

WORD = "zqvxkjwpq"
NAME = "secret.md"
STEPS_MAX = 2_000
SAMPLE = 16


@dataclass
class Grave:
    """A library with a document that is to be purged, as often as need be.

    Attributes:
        home: Where the copy that is worked on lies.
        before: The library as it was.
        steps: How many steps a whole purge has.
    """

    home: Path
    before: Path
    driver: Driver
    steps: int = 0

    @property
    def work(self) -> Path:
        """Its workspace."""
        return self.home / "work"

    def reset(self) -> None:
        """Put it back to how it was."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.before, self.work)

    def purge(self, *, name: str = NAME, kill_step: int | None = None) -> dict[str, Any]:
        """Purge the document, or go on with it; maybe not to the end."""
        how = {} if kill_step is None else {"kill_step": kill_step}
        return self.driver.order("purge", workspace=str(self.work), name=name, **how)

    def seen(self) -> dict[str, Any]:
        """Return what a fresh process finds."""
        done = self.driver.order("purged", workspace=str(self.work), word=WORD)
        assert done["status"] == 0, "the library cannot be opened"
        found: dict[str, Any] = done["said"][0]
        return found

    def check(self) -> None:
        """Make sure that it is hidden once it was begun, and that all else is whole."""
        seen = self.seen()
        assert seen["damage"] == []
        assert seen["integrity"] == ["ok", "ok"]
        is_hidden = seen["purges"] > 0
        assert seen["found"] == ([] if is_hidden else [NAME])
        assert seen["listed"] == (["other.md"] if is_hidden else ["other.md", NAME])

    def check_gone(self) -> None:
        """Make sure that nothing is left of it."""
        seen = self.seen()
        assert seen["pending"] == []
        assert seen["purges"] == 1
        assert seen["listed"] == ["other.md"]
        assert seen["damage"] == []
        data = [path for path in (self.work / "data").rglob("*") if path.is_file()]
        assert [path.name for path in data if WORD.encode() in path.read_bytes()] == []
        scratch = self.work / "data" / "index" / "build"
        assert not scratch.exists()


def _fill(app: App, docs: Path) -> None:
    (docs / NAME).write_text(f"# Keys\n\nThe key is {WORD}.\n")
    (docs / "other.md").write_text("# Other\n\nThe other page.\n")
    app.ingest(docs)
    (docs / NAME).write_text(f"# Keys\n\nThe key is {WORD}, still.\n")
    app.ingest(docs)
    (docs / "other.md").write_text("# Other\n\nThe other page, changed.\n")
    app.ingest(docs)
    app.ask(f"what is the key {WORD}?", app.owner())
    app.submit("keys.md", (docs / NAME).read_bytes())


@pytest.fixture(scope="module")
def grave(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grave]:
    """Give a library, and how many steps its purge has."""
    home = tmp_path_factory.mktemp("grave")
    docs = home / "docs"
    docs.mkdir()
    init_workspace(home / "before", data_dir="data")
    with open_app(home / "before") as app:
        _fill(app, docs)
    made = Grave(home=home, before=home / "before", driver=driver)
    made.reset()
    made.steps = made.purge()["said"][0]["steps"]
    made.check_gone()
    yield made
    shutil.rmtree(home)


def _chosen(steps: int) -> list[int]:
    """Return the steps to kill at."""
    if KILLS > 100:
        return list(range(1, steps + 1))
    rng = random.Random(f"{SEED}/purge")  # noqa: S311 - to be repeated, not to be secret
    return sorted(rng.sample(range(1, steps + 1), min(SAMPLE, steps)))


def test_a_killed_purge_is_finished_by_the_next_run(grave: Grave) -> None:
    """Killed at any step, it is hidden or untouched, nothing else suffers, and the rest follows."""
    say(f"ANSWERABLE_SEED={SEED}, {grave.steps} steps")
    assert 20 < grave.steps < STEPS_MAX
    for step in _chosen(grave.steps):
        say(f"step {step}")
        grave.reset()
        done = grave.purge(kill_step=step)
        assert done["status"] in {0, -signal.SIGKILL}
        grave.check()
        has_begun = grave.seen()["purges"] > 0
        assert grave.purge(name="" if has_begun else NAME)["status"] == 0
        grave.check_gone()


def test_a_purge_may_be_killed_again_and_again(grave: Grave) -> None:
    """However often it is killed on its way, it comes to its end."""
    rng = random.Random(f"{SEED}/again")  # noqa: S311 - as above
    say(f"ANSWERABLE_SEED={SEED}")
    grave.reset()
    for _ in range(6):
        has_begun = grave.seen()["purges"] > 0
        grave.purge(name="" if has_begun else NAME, kill_step=rng.randint(1, grave.steps))
        grave.check()
    has_begun = grave.seen()["purges"] > 0
    grave.purge(name="" if has_begun else NAME)
    grave.check_gone()
