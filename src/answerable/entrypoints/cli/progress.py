"""The bar of a long run: files, rate, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

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
    """Files a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while it is unknown."""
        return Text(f"{task.speed:,.0f} files/s" if task.speed else "")


class Bar:
    """Fits `library.report.Progress`."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
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
