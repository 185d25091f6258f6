"""What every `Quarantine` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from state_samples import Databases

from answerable.adapters.state.memory_quarantine import MemoryQuarantine
from answerable.adapters.state.schema import STATE
from answerable.adapters.state.sql_quarantine import SqlQuarantine
from answerable.domain.documents import document_id
from answerable.library.ports import Quarantine, Quarantined

# Joining is one line.
_ADAPTERS: dict[str, Callable[[Databases], Quarantine]] = {
    "memory": lambda _: MemoryQuarantine(),
    "sqlite": lambda databases: SqlQuarantine(databases.open(STATE)),
}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Files for the adapters that need one."""
    with closing(Databases(tmp_path)) as opened:
        yield opened


@pytest.fixture(params=_ADAPTERS)
def quarantine(request: pytest.FixtureRequest, databases: Databases) -> Quarantine:
    """Every `Quarantine`, empty."""
    return _ADAPTERS[request.param](databases)


def ill(path: str, source: str = "folder:/srv") -> Quarantined:
    """Return a document that could not be read."""
    return Quarantined(
        document_id=document_id(source, path),
        source=source,
        path=path,
        code="malformed",
        reason="it is not what its name says",
        format="pdf",
        size=7,
        bytes_hash="b" * 64,
        line="line-a",
        attempts=1,
        first_seen_ms=3,
        last_seen_ms=4,
    )


A, B, BELOW = ill("a.pdf"), ill("b.pdf"), ill("c.pdf", "folder:/srv/below")


def test_what_failed_is_listed_by_path(quarantine: Quarantine) -> None:
    """As it was recorded; the same path of another source is another document."""
    other = ill("a.pdf", "upload")
    quarantine.record([B, other, A], [])
    assert quarantine.all() == (A, other, B)


def test_a_source_has_its_own_and_those_below(quarantine: Quarantine) -> None:
    """A folder in it may have been a source of its own; one that only begins alike is not in it."""
    beside = ill("d.pdf", "folder:/srvx")
    quarantine.record([A, BELOW, beside, ill("e.pdf", "folder:/s%v/below")], [])
    assert quarantine.of_source("folder:/srv") == {A.document_id: A, BELOW.document_id: BELOW}
    assert quarantine.of_source("folder:/srv/below") == {BELOW.document_id: BELOW}
    assert quarantine.of_source("folder:/s_v") == {}
    assert quarantine.of_source("upload") == {}


def test_the_last_word_counts(quarantine: Quarantine) -> None:
    """What failed again is there once, as it was last; what is well is gone."""
    quarantine.record([A, B], [])
    again = replace(A, attempts=2, code="timeout", last_seen_ms=9)
    quarantine.record([again], [B.document_id, "unknown"])
    assert quarantine.all() == (again,)
    quarantine.record([], [])
    assert quarantine.all() == (again,)


def test_one_may_be_ignored(quarantine: Quarantine) -> None:
    """With who and why; and only one that is there."""
    quarantine.record([A, B], [])
    assert quarantine.ignore(A.document_id, who="ann", because="a scan")
    assert not quarantine.ignore("unknown", who="ann", because="a scan")
    assert quarantine.all() == (replace(A, ignored_by="ann", ignored_because="a scan"), B)


def test_a_retry_is_heard_of_again(quarantine: Quarantine) -> None:
    """It holds for no line any more, so that it is tried when it is next met."""
    quarantine.record([A, B], [])
    quarantine.ignore(A.document_id, who="ann", because="a scan")
    quarantine.retry([A.document_id, "unknown"])
    assert quarantine.all() == (replace(A, line=""), B)
    assert not quarantine.all()[0].holds_for(A.bytes_hash, "line-a")
    assert B.holds_for(B.bytes_hash, "line-a")


def test_a_reading_does_not_undo_what_a_person_said_meanwhile(quarantine: Quarantine) -> None:
    """It began before they ignored one, and before they wanted the other one tried again."""
    quarantine.record([A, B], [])
    quarantine.ignore(A.document_id, who="ann", because="a scan")
    quarantine.retry([B.document_id])
    quarantine.record([replace(A, attempts=2)], [], met=[B.document_id, "unknown"], at_ms=9)
    first, second = quarantine.all()
    assert first == replace(A, attempts=2, ignored_by="ann", ignored_because="a scan")
    assert second == replace(B, line="", last_seen_ms=9)


def test_what_was_never_read_holds_for_nothing() -> None:
    """A file without bytes is tried each time."""
    assert not replace(A, bytes_hash="").holds_for("", "line-a")
