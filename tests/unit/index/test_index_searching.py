"""Searching with tantivy: what the other adapters of the port do not share."""

from __future__ import annotations

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.index import fields
from answerable.adapters.index.analyser import TantivyAnalyser
from answerable.adapters.index.searching import TantivySearcher
from answerable.domain.questions import Scope
from answerable.library.ports import Boosts

ANALYSER = TantivyAnalyser()
HALVES = st.integers(0, 2**64 - 1)


def indexed(body: str) -> tantivy.Index:
    """Return an index of one chunk, readable for everyone."""
    index = fields.in_memory(ANALYSER)
    writer = index.writer(15_000_000, 1)
    document = tantivy.Document()
    document.add_text(fields.EVERY, fields.EVERY_TERM)
    document.add_text(fields.LABEL, "everyone")
    document.add_text(fields.BODY, body)
    for column in (fields.DOCUMENT_NUMBER, fields.CONTENT_HIGH, fields.CONTENT_LOW):
        document.add_unsigned(column, 7)
    document.add_integer(fields.ORDINAL, 0)
    writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def test_an_index_of_before_there_were_wholes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the field is missing the words are searched as ever."""
    index = indexed("edit /etc/hosts")
    monkeypatch.setattr(fields, "WHOLE", "of_a_later_version")
    (hit,) = TantivySearcher({"chunk": index}).find(
        ANALYSER.terms("/etc/hosts"),
        Scope(principal="someone", labels=frozenset({"everyone"}), because="a test"),
        hidden=frozenset(),
        unit="chunk",
        limit=5,
        boosts=Boosts(title=1.0, heading=1.0, body=1.0, whole=1.0),
        wholes=("/etc/hosts",),
    )
    assert hit.document_id == f"{7:016x}"


@given(st.lists(st.tuples(HALVES, HALVES)))
def test_identities_are_hexadecimal_digits(halves: list[tuple[int, int]]) -> None:
    """Columns give the ids they were made of, leading zeros included."""
    highs, lows = [high for high, _ in halves], [low for _, low in halves]
    assert fields.document_ids(highs) == [f"{high:016x}" for high in highs]
    assert fields.content_ids(highs, lows) == [f"{high:016x}{low:016x}" for high, low in halves]
