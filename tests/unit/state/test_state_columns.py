"""Frozen values built column by column."""

from __future__ import annotations

import pytest

from answerable.adapters.columns import from_columns
from answerable.domain.documents import Chunk
from answerable.library.ports import Hit


def test_values_are_those_a_constructor_makes() -> None:
    """Equal and with the same hash, for every class that is built so."""
    want = [Chunk(ordinal=n, start=n, end=n + 1, heading=("A",)) for n in range(3)]
    found = from_columns(
        Chunk, 3, ordinal=range(3), start=range(3), end=[1, 2, 3], heading=[("A",)] * 3
    )
    assert found == want
    assert list(map(hash, found)) == list(map(hash, want))
    hit = Hit(document_id="d", content_id="c", ordinal=-1, score=0.5)
    built = from_columns(Hit, 1, document_id="d", content_id="c", ordinal=[-1], score=[0.5])
    assert built == [hit]
    assert from_columns(Hit, 0, document_id=(), content_id=(), ordinal=(), score=()) == []


def test_a_column_that_is_too_short_is_refused() -> None:
    """No value is ever given out with a field missing."""
    with pytest.raises(ValueError, match="differ in length"):
        from_columns(Chunk, 2, ordinal=[0, 1], start=[0, 1], end=[1], heading=[(), ()])
