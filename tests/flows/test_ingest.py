"""A document's path, with an in-memory state and an oracle index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from answerable.access.scopes import owner_scope
from answerable.adapters.clock import SystemClock
from answerable.adapters.index.oracle import OracleIndex
from answerable.adapters.state.memory import MemoryState
from answerable.domain.documents import Block, BlockKind, Removal, Revision, Text, document_id
from answerable.domain.errors import DiskFull
from answerable.domain.releases import Line
from answerable.library.flow import Desk, ingest, rebuild
from answerable.library.ports import Boosts, Parsed, Raw, Unreadable
from answerable.library.report import Change, Report, Silent

LINE = Line(parser="p1", splitter="s1", analyser="a1")
LABELS = frozenset({"local"})


@dataclass
class FakeSource:
    """Files in a dict; a value that is no bytes is what `Unreadable` says."""

    held: Mapping[str, bytes | Unreadable]
    name: str = "folder:/docs"
    part: str = ""

    def covers(self, path: str) -> bool:
        return path.startswith(self.part)

    def count(self) -> int:
        return len(self.held)

    def files(self) -> Iterator[Raw | Unreadable]:
        for path, value in sorted(self.held.items()):
            if self.covers(path):
                yield value if isinstance(value, Unreadable) else Raw(path=path, data=value)


@dataclass
class FakeParser:
    """Takes text as one paragraph; counts what it was given; refuses `bad`."""

    given: list[str] = field(default_factory=list)
    stop_after: int | None = None
    digest: str = "p1"

    def read(self, files: Iterable[Raw]) -> Iterator[Parsed | Unreadable]:
        for raw in files:
            if self.stop_after is not None and len(self.given) >= self.stop_after:
                raise KeyboardInterrupt
            self.given.append(raw.path)
            if raw.data == b"bad":
                yield Unreadable(path=raw.path, code="malformed", reason="it is bad")
                continue
            text = raw.data.decode()
            block = Block(kind=BlockKind.PARAGRAPH, start=0, end=len(text))
            yield Parsed(
                path=raw.path, format="text", text=Text(text=text, title="", blocks=(block,))
            )

    def close(self) -> None:
        """Nothing to close."""


class Library:
    """A library with everything faked but the flow."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.parser = FakeParser()
        self.index = OracleIndex(analyser=Words())
        self.desk = Desk(
            state=self.state, index=self.index, parser=self.parser, clock=SystemClock()
        )
        self.serves: Revision | None = None

    def ingest(self, source: FakeSource, *, line: Line = LINE) -> Report:
        report = ingest(
            source,
            line=line,
            base=self.serves,
            labels=LABELS,
            desk=self.desk,
            progress=Silent(),
            because="test",
        )
        if report.revision is not None:
            self.serves = self.state.revisions()[0]
        return report

    def paths(self, number: int | None = None) -> set[str]:
        assert self.serves is not None
        members = self.state.members(number or self.serves.number)
        return {member.document.path for member in members.values()}

    def found(self, word: str) -> set[str]:
        """Return ids of documents that hold a word in the serving revision."""
        assert self.serves is not None
        hits = self.index.open(self.serves.number, self.serves.manifest).find(
            [word],
            owner_scope(),
            hidden=frozenset(),
            unit="chunk",
            limit=50,
            boosts=Boosts(title=0, heading=0, body=1),
        )
        return {hit.document_id for hit in hits}


class Words:
    """Splits at white space."""

    digest = "a1"

    def terms(self, text: str) -> list[str]:
        return text.lower().split()

    def wholes(self, text: str) -> list[str]:
        return [word for word in self.terms(text) if "/" in word]


@pytest.fixture
def library() -> Library:
    return Library()


def _id(path: str) -> str:
    return document_id("folder:/docs", path)


def test_first_run_adds_everything_and_seals(library: Library) -> None:
    """A first run seals revision 1 with every file, and each can be found."""
    report = library.ingest(FakeSource({"a.md": b"alpha", "b/c.md": b"beta"}))
    assert report.revision == 1
    assert report.count(Change.ADDED) == 2
    assert library.found("alpha") == {_id("a.md")}


def test_an_unchanged_run_reads_nothing_and_seals_nothing(library: Library) -> None:
    """Files whose bytes are the same are not parsed again and make no revision."""
    source = FakeSource({"a.md": b"alpha"})
    library.ingest(source)
    library.parser.given.clear()
    report = library.ingest(source)
    assert report.revision is None
    assert report.count(Change.UNCHANGED) == 1
    assert library.parser.given == []


def test_changed_files_are_replaced_and_vanished_ones_hidden(library: Library) -> None:
    """The new revision finds the new words only; the old one is as it was."""
    library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    report = library.ingest(FakeSource({"a.md": b"gamma"}))
    assert (report.count(Change.CHANGED), report.count(Change.REMOVED)) == (1, 1)
    assert library.found("alpha") == library.found("beta") == set()
    assert library.found("gamma") == {_id("a.md")}
    assert library.paths(1) == {"a.md", "b.md"}


def test_a_run_over_a_part_leaves_the_rest(library: Library) -> None:
    """Ingesting one subfolder makes nothing outside it vanish."""
    library.ingest(FakeSource({"a/x.md": b"one", "b/y.md": b"two"}))
    library.ingest(FakeSource({"a/z.md": b"three"}, part="a/"))
    assert library.paths() == {"a/z.md", "b/y.md"}


def test_other_sources_stay(library: Library) -> None:
    """A document of another folder is not touched, and a folder beside is not inside."""
    library.ingest(FakeSource({"a.md": b"one"}))
    library.ingest(FakeSource({"b.md": b"two"}, name="folder:/docs2"))
    assert library.paths() == {"a.md", "b.md"}


def test_a_wider_folder_takes_over_a_narrower_one(library: Library) -> None:
    """Ingesting the parent leaves no document twice."""
    library.ingest(FakeSource({"a.md": b"one"}, name="folder:/docs/inner"))
    library.ingest(FakeSource({"inner/a.md": b"one"}))
    assert library.paths() == {"inner/a.md"}
    assert library.parser.given == ["a.md"], "the same bytes are not parsed twice"


def test_a_file_that_fails_keeps_what_it_said_before(library: Library) -> None:
    """A document that can no longer be read keeps its last good version."""
    library.ingest(FakeSource({"a.md": b"alpha"}))
    report = library.ingest(FakeSource({"a.md": b"bad", "b.md": b"beta"}))
    assert report.has_failures
    assert library.found("alpha") == {_id("a.md")}
    assert report.count(Change.REMOVED) == 0


def test_a_folder_that_cannot_be_read_keeps_its_documents(library: Library) -> None:
    """A permission lost on a folder does not empty the library."""
    library.ingest(FakeSource({"a/x.md": b"alpha", "ab.md": b"beta"}))
    shut = Unreadable(path="a/", code="unreadable", reason="permission denied")
    report = library.ingest(FakeSource({"a/": shut}))
    assert library.paths() == {"a/x.md"}
    assert (report.count(Change.FAILED), report.count(Change.REMOVED)) == (1, 1)


def test_a_file_that_is_now_skipped_is_gone(library: Library) -> None:
    """A file that is ignored from now on vanishes."""
    library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    skipped = Unreadable(path="a.md", code="ignored", reason="ignored", skipped=True)
    library.ingest(FakeSource({"a.md": skipped, "b.md": b"beta"}))
    assert library.paths() == {"b.md"}


def test_a_removed_document_does_not_come_back(library: Library) -> None:
    """What a person removed is skipped while its file is still there."""
    library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    library.state.remove(Removal(document_id=_id("a.md"), who="owner", because="test", at_ms=0))
    report = library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    assert [one.code for one in report.outcomes if one.change is Change.SKIPPED] == ["removed"]
    assert library.paths() == {"b.md"}


def test_a_stopped_run_goes_on_from_what_was_kept(library: Library) -> None:
    """Ctrl-C seals nothing; the next run parses only what was not kept."""
    files = {f"{number:04}.md": f"text {number}".encode() for number in range(600)}
    library.parser.stop_after = 500
    with pytest.raises(KeyboardInterrupt):
        library.ingest(FakeSource(files))
    assert library.state.revisions() == ()
    library.parser.stop_after = None
    library.parser.given.clear()
    report = library.ingest(FakeSource(files))
    assert report.documents == 600
    assert len(library.parser.given) < 600 - 200


def test_undoing_a_sync_brings_vanished_documents_back(library: Library) -> None:
    """A run that starts from an older revision starts from what that one held."""
    library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    good = library.serves
    library.ingest(FakeSource({}))
    library.serves = good
    library.ingest(FakeSource({"c.md": b"gamma"}, name="folder:/other"))
    assert library.paths() == {"a.md", "b.md", "c.md"}
    assert library.found("alpha") == {_id("a.md")}


def test_a_new_line_reads_everything_again(library: Library) -> None:
    """Another parser or analyser gives another line: nothing of the old index is reused."""
    library.ingest(FakeSource({"a.md": b"alpha"}))
    library.ingest(FakeSource({"b.md": b"beta"}, name="folder:/other"))
    line = Line(parser="p2", splitter="s1", analyser="a1")
    report = library.ingest(FakeSource({"a.md": b"alpha"}), line=line)
    assert report.count(Change.CHANGED) == 1
    assert library.paths() == {"a.md", "b.md"}
    assert library.found("beta") == {document_id("folder:/other", "b.md")}


def test_a_full_disk_while_indexing_leaves_the_old_revision(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed build seals nothing, and the next run needs no parsing."""
    library.ingest(FakeSource({"a.md": b"alpha"}))

    def full(*_args: object, **_kwargs: object) -> str:
        raise DiskFull("no room left", hint="make room")

    with monkeypatch.context() as patched:
        patched.setattr(library.index, "build", full)
        with pytest.raises(DiskFull):
            library.ingest(FakeSource({"a.md": b"gamma"}))
    assert [one.number for one in library.state.revisions()] == [1]
    library.parser.given.clear()
    library.ingest(FakeSource({"a.md": b"gamma"}))
    assert library.parser.given == []
    assert library.found("gamma") == {_id("a.md")}


def test_a_rebuilt_index_answers_the_same(library: Library) -> None:
    """Rebuilding makes the index from the state alone."""
    library.ingest(FakeSource({"a.md": b"alpha", "b.md": b"beta"}))
    before = library.serves
    assert before is not None
    library.serves = rebuild(before, prepared=None, desk=library.desk)
    assert library.found("beta") == {_id("b.md")}
