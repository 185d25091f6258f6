"""Traces in two parts, and values by their type hints."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.state.traces import join_trace, split_trace
from answerable.domain.decoding import decode
from answerable.domain.documents import Chunk
from answerable.domain.questions import (
    Abstained,
    Answered,
    Citation,
    Claim,
    Passage,
    Step,
    Trace,
    Verdict,
    VerdictValue,
)

# Letters that no id, path, hash or name below holds.
_TEXT = st.text(alphabet="äöü☃\udcff\x00", max_size=5)
_NAME = st.text(alphabet="abc/.", max_size=5)
_SCORE = st.floats(allow_nan=False, allow_infinity=False)
_OFFSET = st.integers(0, 10_000)


def _tuples(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, max_size=3).map(tuple)


_PARTS = _tuples(st.tuples(_NAME, _SCORE))
_CHUNKS = st.builds(Chunk, ordinal=_OFFSET, start=_OFFSET, end=_OFFSET, heading=_tuples(_TEXT))
_PASSAGES = st.builds(
    Passage,
    rank=_OFFSET,
    score=_SCORE,
    document_id=_NAME,
    content_id=_NAME,
    path=_NAME,
    title=_TEXT,
    chunk=_CHUNKS,
    parts=_PARTS,
)
_CITATIONS = st.builds(
    Citation,
    document_id=_NAME,
    path=_NAME,
    title=_TEXT,
    heading=_tuples(_TEXT),
    line=_OFFSET,
    start=_OFFSET,
    end=_OFFSET,
    content_hash=_NAME,
    quote=_TEXT,
)
_VERDICTS = st.builds(
    Verdict,
    value=st.sampled_from(VerdictValue),
    judge=_NAME,
    score=_SCORE,
    reasons=_tuples(_TEXT),
)
_CLAIMS = st.builds(Claim, text=_TEXT, citations=_tuples(_CITATIONS), verdict=_VERDICTS, kind=_NAME)
_OUTCOMES = st.one_of(
    st.builds(Answered, rung=_NAME, claims=_tuples(_CLAIMS), confidence=_SCORE),
    st.builds(Abstained, code=_NAME, because=_TEXT, confidence=_SCORE, closest=_tuples(_PASSAGES)),
)
_TRACES = st.builds(
    Trace,
    id=_NAME,
    at_ms=_OFFSET,
    principal=_NAME,
    question=_TEXT,
    release=_NAME,
    revision=_OFFSET,
    overrides=_tuples(_NAME),
    passages=_tuples(_PASSAGES),
    evidence=_PARTS,
    outcome=_OUTCOMES,
    steps=_tuples(st.builds(Step, name=_NAME, took_ms=_SCORE)),
    took_ms=_SCORE,
)


@given(_TRACES)
def test_two_parts_make_the_trace(trace: Trace) -> None:
    """Any trace comes back equal from its structure and its texts."""
    assert join_trace(*split_trace(trace)) == trace


@given(_TRACES)
def test_structure_alone_holds_no_text(trace: Trace) -> None:
    """Without its texts a trace has the same shape, and nothing in it can be read."""
    structure = split_trace(trace).structure
    assert not set("äöü☃\udcff\x00") & set(repr(json.loads(structure)))
    bare = join_trace(structure, None)
    assert bare.question == ""
    assert len(bare.passages) == len(trace.passages)
    assert split_trace(bare).texts in {'[""]', "[]"}
    # With the texts struck out of the original, nothing else differs.
    assert join_trace(*split_trace(bare)) == bare
    assert replace(trace, question="", passages=(), outcome=bare.outcome) == replace(
        bare, passages=()
    )


@dataclass(frozen=True, kw_only=True)
class _Old:
    name: str


@dataclass(frozen=True, kw_only=True)
class _New:
    name: str
    pair: tuple[str, float] | None = None
    kind: VerdictValue = VerdictValue.SUPPORTED


def test_newer_code_reads_older_data() -> None:
    """A field that came later takes its default."""
    assert decode(_New, {"name": "x"}) == _New(name="x")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"name": 1},
        {"name": "x", "surplus": 1},
        {"name": "x", "pair": ["a"]},
        {"name": "x", "pair": ["a", "b"]},
        {"name": "x", "pair": "ab"},
        {"name": "x", "kind": "good"},
        {"name": "x", "kind": 3},
    ],
)
def test_what_does_not_fit_is_refused(value: object) -> None:
    """A wrong type, a surplus or a missing field is a ValueError."""
    with pytest.raises(ValueError, match=r"\w"):
        decode(_New, value)


def test_older_code_refuses_newer_data() -> None:
    """What it does not know it does not drop."""
    with pytest.raises(ValueError, match="_Old"):
        decode(_Old, {"name": "x", "pair": ["a", 1.0]})
