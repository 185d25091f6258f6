"""Segments: what is written is what is read, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerable.adapters.vectors.parts import Part, from_flags, to_flags
from answerable.adapters.vectors.segment import (
    Segment,
    dimension_of,
    from_vectored,
    ordinals_of,
    parse,
    pieces,
    ranges,
    starts_of,
)
from answerable.domain.documents import Document
from answerable.library.packing import hashes, pack, unpack
from answerable.library.ports import Vectored

documents_drawn = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.lists(st.integers(0, 3), max_size=4),
        st.sets(st.sampled_from(["x", "y", "with space", "ü"])),
    ),
    max_size=6,
    unique_by=lambda drawn: drawn[0],
)


def vectored(number: int, sentences: Sequence[int], labels: set[str], dimension: int) -> Vectored:
    """Return a document with a chunk for each number of sentences."""
    chance = np.random.default_rng(number)
    rows = chance.normal(size=(sum(sentences) + len(sentences), dimension)).astype(np.float32)
    starts = starts_of([1 + count for count in sentences])
    return Vectored(
        document=Document(id=f"{number:016x}", source="upload", path="a", labels=frozenset(labels)),
        content_id=f"{number:032x}",
        packed=[pack(rows[a], rows[a + 1 : b]) for a, b in pairwise(starts)],
        terms=[hashes(map(str, range(count))) for count in sentences],
    )


def packed_of(segment: Segment, row: int) -> bytes:
    """Return one row as `library.packing.pack` gave it."""
    start, end = segment.sentence_starts[row : row + 2]
    return b"".join(
        (
            np.uint32(end - start).tobytes(),
            segment.scales[row].tobytes(),
            segment.sentence_scales[start:end].tobytes(),
            segment.high[row].tobytes(),
            segment.low[row].tobytes(),
            segment.sentences[start:end].tobytes(),
        )
    )


def terms_of(segment: Segment, row: int) -> bytes:
    """Return the terms of one row as `library.packing.hashes` gave them."""
    start, end = segment.term_starts[row : row + 2]
    return segment.terms[start:end].tobytes()


@settings(deadline=None, max_examples=40)
@given(drawn=documents_drawn, dimension=st.sampled_from([1, 3, 64, 100]))
def test_a_segment_reads_back(drawn: list[tuple[int, list[int], set[str]]], dimension: int) -> None:
    """Every vector, sentence, label and identity survives writing and mapping, to the byte."""
    documents = [vectored(*one, dimension) for one in drawn]
    data = b"".join(pieces(from_vectored(documents, dimension)))
    segment = parse(data)
    assert b"".join(pieces(segment)) == data
    for one in documents:
        place = int(np.searchsorted(segment.document_numbers, int(one.document.id, 16)))
        start, end = segment.document_starts[place : place + 2].tolist()
        rows = segment.places[start:end].tolist()
        assert [packed_of(segment, row) for row in rows] == list(one.packed)
        assert [terms_of(segment, row) for row in rows] == list(one.terms)
        assert segment.row_ordinals[rows].tolist() == [*range(len(rows))]
        assert set(segment.row_documents[rows].tolist()) <= {place}
        assert segment.label_sets[segment.document_labels[place]] == one.document.labels
        halves = segment.content_highs[place], segment.content_lows[place]
        assert f"{halves[0]:016x}{halves[1]:016x}" == one.content_id


def test_no_row_is_farther_from_its_plane_than_said() -> None:
    """The worst rounding that is written down is one."""
    documents = [vectored(number, [0] * 9, {"x"}, 48) for number in range(20)]
    segment = from_vectored(documents, 48)
    for one in documents:
        for packed in one.packed:
            row = unpack(packed, 48)
            assert np.linalg.norm(row.scale * row.low.astype(np.float64) / 254) <= segment.error


@pytest.mark.parametrize("cut", [1, 64, 200])
def test_a_cut_file_is_no_segment(cut: int) -> None:
    """A file that lacks its end, or has one too many, is refused."""
    data = b"".join(pieces(from_vectored([vectored(1, [2, 0], {"x"}, 8)], 8)))
    with pytest.raises(ValueError, match=r"bytes|buffer"):
        parse(data[:-cut])
    with pytest.raises(ValueError, match="bytes"):
        parse(data + bytes(cut))


def test_another_file_is_no_segment() -> None:
    """What does not begin as a segment is not read on."""
    with pytest.raises(ValueError, match="no vector segment"):
        parse(b"PK\x03\x04 something else entirely")


def test_vectors_of_two_dimensions_do_not_mix() -> None:
    """A vector that is longer than the others is refused, not cut."""
    with pytest.raises(ValueError, match="no vectors of 8 numbers"):
        from_vectored([vectored(1, [1], {"x"}, 8), vectored(2, [1], {"x"}, 9)], 8)


@given(dimension=st.integers(1, 400), sentences=st.integers(0, 5))
def test_the_dimension_is_known_from_the_bytes(dimension: int, sentences: int) -> None:
    """Packed vectors say themselves how long they are."""
    packed = pack(np.ones(dimension, np.float32), np.ones((sentences, dimension), np.float32))
    assert dimension_of(packed) == dimension
    with pytest.raises(ValueError, match="no vectors"):
        dimension_of(packed + b"\0")


@given(counts=st.lists(st.integers(0, 20), max_size=6), seed=st.integers(0, 99))
def test_flags_read_back(counts: list[int], seed: int) -> None:
    """One bit a document, each part from a byte of its own."""
    chance = np.random.default_rng(seed)
    alive = [chance.random(count) < 0.5 for count in counts]
    empty = from_vectored([], 1)
    data = to_flags([Part(name="", segment=empty, alive=one) for one in alive])
    assert [one.tolist() for one in from_flags(data, counts)] == [one.tolist() for one in alive]
    with pytest.raises(ValueError, match="no flags"):
        from_flags(data + b"\0", counts)


def test_counting_from_several_starts() -> None:
    """The arithmetic of lying one after the other."""
    assert starts_of([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert starts_of([]).tolist() == [0]
    assert ordinals_of([2, 0, 3]).tolist() == [0, 1, 0, 1, 2]
    assert ranges(np.array([7, 1, 4]), np.array([2, 0, 3])).tolist() == [7, 8, 4, 5, 6]
    none = np.array([], np.int64)
    assert ranges(none, none).tolist() == []
