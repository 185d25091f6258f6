"""The bar of a long run: files, rate, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    """How many a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while it is unknown."""
        return Text(f"{task.speed:,.0f} {self._unit}/s" if task.speed else "")


def _progress(unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class Counted(Protocol):
    """Hears how many are done, of how many, and what they are if that has changed."""

    def __call__(self, done: int, of: int, what: str = ..., /) -> None:
        """Show it."""
        ...


@contextmanager
def counting(what: str, unit: str) -> Iterator[Counted]:
    """Give a bar that is told how many are done, of how many, and of what by now."""
    with _progress(unit) as bar:
        task = bar.add_task(what, total=None)

        def heard(done: int, of: int, what: str = what) -> None:
            bar.update(task, completed=done, total=of, description=what)

        yield heard


class Bar:
    """Fits `library.report.Progress`."""

    def __init__(self) -> None:
        self._progress = _progress("files")
        self._task = self._progress.add_task("looking", total=None)

    def begin(self, source: str, files: int) -> None:
        """Show how many files there are."""
        del source
        self._progress.update(self._task, description="reading", total=files or None)

    def file(self, done: int, chunks: int) -> None:
        """Show how many are done."""
        del chunks
        self._progress.update(self._task, completed=done)

    def kept(self, documents: int) -> None:
        """Nothing to show: the bar already moved."""

    def stage(self, name: str) -> None:
        """Show what goes on after reading."""
        self._progress.update(self._task, description=name)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
