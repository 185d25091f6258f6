"""A library in memory that sources are read into, for tests of sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from answerable.adapters.clock import SystemClock
from answerable.adapters.index.oracle import OracleIndex
from answerable.adapters.state.memory import MemoryState
from answerable.domain.documents import Block, BlockKind, Revision, Text
from answerable.domain.releases import Line
from answerable.library.flow import Desk, ingest
from answerable.library.ports import Parsed, Raw, Source, Unreadable
from answerable.library.report import Change, Report, Silent

LINE = Line(parser="p1", splitter="s1", analyser="a1")


def given(source: Source) -> dict[str, str]:
    """Return text or code of everything a source gives, in order, each path once."""
    items = list(source.files())
    found = {
        item.path: item.data.decode("utf-8", "replace") if isinstance(item, Raw) else item.code
        for item in items
    }
    assert len(found) == len(items)
    return found


def reasons(source: Source) -> dict[str, str]:
    """Return why things were not taken, by path."""
    return {item.path: item.reason for item in source.files() if isinstance(item, Unreadable)}


class _Words:
    """Splits at white space."""

    digest = "a1"

    def terms(self, text: str) -> list[str]:
        return text.split()

    def wholes(self, _text: str) -> list[str]:
        return []


class _Paragraphs:
    """Takes text as one paragraph; counts what it was given."""

    digest = "p1"

    def __init__(self) -> None:
        self.given: list[str] = []

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        for raw in files:
            self.given.append(raw.path)
            text = raw.data.decode("utf-8", "replace")
            block = Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text))
            yield Parsed(
                path=raw.path, format="text", text=Text(text=text, title="", blocks=(block,))
            )

    def close(self) -> None:
        """Nothing to close."""


class Synced:
    """A library with everything in memory but the source."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.parser = _Paragraphs()
        self.serves: Revision | None = None
        self._desk = Desk(
            state=self.state,
            index=OracleIndex(analyser=_Words()),
            parser=self.parser,
            clock=SystemClock(),
        )

    def sync(self, source: Source) -> dict[str, str]:
        """Bring the library in step; return what became of each path that is not as it was."""
        report = self.report(source)
        return {one.path: one.change.value for one in report.outcomes}

    def report(self, source: Source) -> Report:
        """Bring the library in step; return the report."""
        self.parser.given.clear()
        report = ingest(
            source,
            line=LINE,
            base=self.serves,
            labels=frozenset({"local"}),
            desk=self._desk,
            progress=Silent(),
            because="test",
        )
        if report.revision is not None:
            self.serves = self.state.revisions()[0]
        return report

    def holds(self) -> dict[str, str]:
        """Return the text of every document, by path."""
        if self.serves is None:
            return {}
        members = self.state.members(self.serves.number).values()
        contents = self.state.contents([member.content_id for member in members])
        return {member.document.path: contents[member.content_id].text.text for member in members}


ADDED, CHANGED, REMOVED = Change.ADDED.value, Change.CHANGED.value, Change.REMOVED.value
FAILED, SKIPPED = Change.FAILED.value, Change.SKIPPED.value
