"""Eight hours without a person, with faults: in the end the library is what the sources are."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import answerable.app.tools as app_tools
from answerable.adapters.parsers.pool import InlineParser
from answerable.adapters.state.memory import MemoryLeases, MemoryState
from answerable.app import App
from answerable.app.tools import Tools
from answerable.domain.documents import Member, Revision
from answerable.domain.errors import StorageFailure
from answerable.library.ports import Parsed, Raw, State, Unreadable
from answerable.operations.flow import JOB_LEASE_S
from answerable.settings import load

MINUTE = 60_000
HOURS = 8
NAMES = ("runbooks", "handbook", "notes")
SCHEDULES = ("5m", "15m", "*/20 * * * *")
POISON = "poison"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)


class Trouble:
    """What goes wrong, and how often it did."""

    def __init__(self) -> None:
        self.disk = 0
        self.parser = 0
        self.seen: dict[str, int] = {}

    def happens(self, what: str) -> bool:
        """Return whether this goes wrong now; it is used up by that."""
        left: int = getattr(self, what)
        if left:
            setattr(self, what, left - 1)
            self.seen[what] = self.seen.get(what, 0) + 1
        return left > 0


class FaultyState(MemoryState):
    """Fails to seal when told to, wholly."""

    trouble: Trouble

    def seal(self, revision: Revision, *, added: Sequence[Member], gone: Any) -> None:
        """Seal, or fail with nothing sealed."""
        if self.trouble.happens("disk"):
            raise StorageFailure("the disk is gone", hint="put it back")
        super().seal(revision, added=added, gone=gone)


class FaultyParser(InlineParser):
    """Crashes on a file when told to, and on poison always."""

    trouble: Trouble

    def read(self, files: Any) -> Iterator[Parsed | Unreadable]:
        """Read files; a crash condemns one."""
        good: list[Raw] = []
        for one in files:
            if POISON.encode() in one.data or self.trouble.happens("parser"):
                yield Unreadable(path=one.path, code="crashed", reason="its child died")
            else:
                good.append(one)
        yield from super().read(good)


class World:
    """Three folders, a library that follows them, and time."""

    def __init__(self, folder: Path, stack: ExitStack, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.clock = Clock()
        self.trouble = Trouble()
        self.roots = {name: folder / name for name in NAMES}
        self.away = folder / "away"
        self.number = 0
        for root in self.roots.values():
            root.mkdir()
            for _ in range(12):
                self.add(root)
        self.app = stack.enter_context(self._app())
        for name, schedule in zip(NAMES, SCHEDULES, strict=True):
            place = str(self.roots[name])
            self.app.sources.add(name, place, schedule=schedule, watch=False, who="me")

    def _app(self) -> App:
        settings = load(None)
        own = ExitStack()
        made = app_tools.memory_tools(settings, own)
        FaultyState.trouble = FaultyParser.trouble = self.trouble
        state = FaultyState()
        tools: Tools = replace(
            made,
            state=cast("State", state),
            clock=self.clock,
            leases=MemoryLeases(now_ms=self.clock.now_ms),
            parser=FaultyParser(),
        )
        return App(settings, tools, on_close=own)

    def add(self, root: Path) -> None:
        """Write a page that says what no other does."""
        self.number += 1
        folder = root / self.random.choice(("", "a", "a/b"))
        folder.mkdir(parents=True, exist_ok=True)
        text = f"# Page {self.number}\n\nZebra {self.number} eats grass.\n"
        (folder / f"p{self.number}.md").write_text(text)

    def pages(self, root: Path) -> list[Path]:
        """Return the pages there are."""
        return sorted(root.rglob("*.md"))

    def live(self) -> None:
        """Have people work: add, change, move and delete a few pages."""
        root = self.roots[self.random.choice(NAMES)]
        if not root.exists():
            return
        pages = self.pages(root)
        match self.random.randrange(6):
            case 0 | 1:
                self.add(root)
            case 2:
                self.number += 1
                page = self.random.choice(pages)
                page.write_text(f"# Anew\n\nZebra {self.number} sleeps.\n")
            case 3:
                page = self.random.choice(pages)
                page.rename(page.with_name(f"moved-{page.name}"))
            case 4 if len(pages) > 8:
                self.random.choice(pages).unlink()
            case _:
                self.random.choice(pages).write_text(f"# Bad\n\n{POISON}\n")

    def hurt(self) -> None:
        """Have something go wrong."""
        match self.random.randrange(5):
            case 0:
                self.trouble.disk = self.random.randint(1, 3)
            case 1:
                self.trouble.parser = self.random.randint(1, 5)
            case 2 if not self.away.exists():
                name = self.random.choice(NAMES)
                if self.roots[name].exists():
                    shutil.move(self.roots[name], self.away)
                    self.trouble.seen["unmounted"] = self.trouble.seen.get("unmounted", 0) + 1
            case 3:
                self.app.sources.sync(self.random.choice(NAMES), because="somebody asked")
                dead = self.app._tools.leases.claim(  # as a worker that dies
                    ("sync",), holder="dead", lease_s=JOB_LEASE_S
                )
                if dead is not None:
                    self.trouble.seen["killed"] = self.trouble.seen.get("killed", 0) + 1
            case _:
                self.back()

    def back(self) -> None:
        """Mount again what was away."""
        for root in self.roots.values():
            if self.away.exists() and not root.exists():
                shutil.move(self.away, root)

    def work(self) -> None:
        """Do what there is to do, as a worker does; sometimes while somebody ingests."""
        with ExitStack() as stack:
            if self.random.random() < 0.1:
                stack.enter_context(self.app._tools.state.writer())
                self.trouble.seen["locked"] = self.trouble.seen.get("locked", 0) + 1
            for _ in range(5):
                if not self.app.sources.work_once():
                    break

    def expected(self) -> dict[tuple[str, str], str]:
        """Return the text of every page that can be read, by source and path."""
        return {
            (f"folder:{root}", page.relative_to(root).as_posix()): page.read_text()
            for root in self.roots.values()
            for page in self.pages(root)
            if POISON not in page.read_text()
        }

    def held(self) -> dict[tuple[str, str], str]:
        """Return the text of every document in the library, by source and path."""
        scope = self.app.owner()
        return {
            (one.document.source, one.document.path): self.app.document(
                one.document.id, scope
            ).content.text.text
            for one in self.app.documents(scope)
        }


@contextmanager
def world(folder: Path, seed: int) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(folder, stack, seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_is_no_drift_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """What can be read is there as it is; what cannot be read is as it last could."""
    monkeypatch.setenv("ANSWERABLE_RELEASE__EMBEDDER", "none")
    with world(tmp_path, seed) as it:
        for _ in range(HOURS * 60):
            it.clock.ms += MINUTE
            if it.random.random() < 0.15:
                it.live()
            if it.random.random() < 0.06:
                it.hurt()
            it.work()
        assert {"disk", "parser", "unmounted", "killed", "locked"} <= it.trouble.seen.keys()
        it.trouble.disk = it.trouble.parser = 0
        it.back()
        _pass(it, minutes=360)  # what crashed by the machine's fault is tried again seldom
        expected, held = it.expected(), it.held()
        poisoned = {key: text for key, text in held.items() if key not in expected}
        assert {key: text for key, text in held.items() if key in expected} == expected
        for source, path in poisoned:
            file = Path(source.removeprefix("folder:")) / path
            assert POISON in file.read_text(), "what cannot be read stays as it last could"
        for name in NAMES:
            health = it.app.sources.source(name).health
            assert (health.state, health.failures) == ("ok", 0)


def _pass(it: World, *, minutes: int) -> None:
    for _ in range(minutes):
        it.clock.ms += MINUTE
        for _ in range(5):
            if not it.app.sources.work_once():
                break
