"""Structure as JSON and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.state.outline import decode_outline, encode_outline
from answerable.domain.documents import (
    Block,
    BlockKind,
    Chunk,
    Finding,
    FindingKind,
    Landmark,
    LandmarkKind,
    Span,
    Text,
)

_OFFSETS = st.integers(0, 10_000)


def _blocks(children: st.SearchStrategy[tuple[Block, ...]]) -> st.SearchStrategy[Block]:
    return st.builds(
        Block,
        kind=st.sampled_from(BlockKind),
        start=_OFFSETS,
        end=_OFFSETS,
        level=st.integers(0, 6),
        children=children,
    )


_TREES = st.recursive(
    _blocks(st.just(())), lambda inner: _blocks(st.lists(inner, max_size=4).map(tuple))
)
_SPANS = st.builds(Span, _OFFSETS, _OFFSETS)
_CHUNKS = st.builds(
    Chunk,
    ordinal=st.integers(0, 99),
    start=_OFFSETS,
    end=_OFFSETS,
    heading=st.lists(st.sampled_from(["", "A", "Ünten", "🚒"]), max_size=3).map(tuple),
)


_NAMES = st.sampled_from(["", "Sheet2", ',"landmarks":', ',"findings":{}', "Ünten 🚒"])
_LANDMARKS = st.builds(
    Landmark, _OFFSETS, st.sampled_from(LandmarkKind), st.integers(1, 99), _NAMES
)
_FINDINGS = st.builds(Finding, kind=st.sampled_from(FindingKind), count=st.integers(1, 99))


def _text(
    blocks: Sequence[Block] = (),
    masks: Sequence[Span] = (),
    landmarks: Sequence[Landmark] = (),
    findings: Sequence[Finding] = (),
) -> Text:
    return Text(
        text="", title="", blocks=blocks, masks=masks, landmarks=landmarks, findings=findings
    )


@given(
    blocks=st.lists(_TREES, max_size=5).map(tuple),
    masks=st.lists(_SPANS).map(tuple),
    chunks=st.lists(_CHUNKS).map(tuple),
    landmarks=st.lists(_LANDMARKS, max_size=5).map(tuple),
    findings=st.lists(_FINDINGS, max_size=3).map(tuple),
)
def test_an_outline_survives(
    blocks: tuple[Block, ...],
    masks: tuple[Span, ...],
    chunks: tuple[Chunk, ...],
    landmarks: tuple[Landmark, ...],
    findings: tuple[Finding, ...],
) -> None:
    """Blocks with all their children, masks, chunks, landmarks and findings come back equal."""
    outline = encode_outline(_text(blocks, masks, landmarks, findings), chunks)
    found = decode_outline(outline)
    assert tuple(found) == (blocks, masks, chunks, landmarks, findings)
    again = _text(found.blocks, found.masks, found.landmarks, found.findings)
    assert encode_outline(again, found.chunks) == outline, "also when it was read before"


def test_outlines_of_before_there_were_landmarks() -> None:
    """What an earlier version stored is read; and what has landmarks, it reads without them."""
    page = Landmark(0, LandmarkKind.PAGE, 1)
    chunk = Chunk(ordinal=0, start=0, end=1, heading=(',"landmarks":',))
    old = encode_outline(_text(), [chunk])
    assert "landmarks" not in json.loads(old)
    assert decode_outline(old) == ((), (), (chunk,), (), ())
    new = encode_outline(_text(landmarks=(page,)), [chunk])
    _, _, headings = new.partition(',"headings":')
    as_before = json.loads(f'{{"headings":{headings}')
    assert as_before["chunks"] == json.loads(old)["chunks"]


def test_a_finding_of_a_newer_version_is_passed_over() -> None:
    """Going back to an earlier version needs no change to what is stored."""
    outline = encode_outline(_text(findings=[Finding(kind=FindingKind.TINY, count=2)]), [])
    assert len(decode_outline(outline).findings) == 1
    assert len(decode_outline(outline.replace('"tiny"', '"unheard_of"')).findings) == 0


def test_what_comes_back_is_as_good_as_new() -> None:
    """Values filled column by column are whole: they can be hashed, shown and never changed."""
    block = Block(kind=BlockKind.CODE, start=1, end=2)
    (found,) = decode_outline(encode_outline(_text([block]), [])).blocks
    assert hash(found) == hash(block)
    assert repr(found) == repr(block)
    with pytest.raises(AttributeError):
        found.start = 3  # type: ignore[misc] # what is shown


def test_every_kind_of_block_has_a_letter() -> None:
    """Letters are stored: a new kind needs one, and no two kinds share one."""
    kinds = [Block(kind=kind, start=0, end=1) for kind in BlockKind]
    letters = json.loads(encode_outline(_text(kinds), []))["kinds"]
    assert letters == "hpclitrq"
    marks = [Landmark(0, kind, 1) for kind in LandmarkKind]
    assert json.loads(encode_outline(_text(landmarks=marks), []))["landmarks"]["kinds"] == "psctr"


_GOOD = json.loads(
    encode_outline(
        _text(
            [Block(kind=BlockKind.CODE, start=1, end=2)],
            [Span(0, 1)],
            [Landmark(0, LandmarkKind.SHEET, 1, "Sales")],
            [Finding(kind=FindingKind.TINY, count=2)],
        ),
        [Chunk(ordinal=0, start=1, end=2, heading=("A",))],
    )
)


@pytest.mark.parametrize(
    "damage",
    [
        {"kinds": "z"},
        {"kinds": "cc"},
        {"starts": []},
        {"children": [1]},
        {"children": []},
        {"masks": [[1]]},
        {"masks": [[1, 2, 3]]},
        {"headings": []},
        {"chunks": {}},
        {"ends": None},
        {"landmarks": {}},
        {"landmarks": {"kinds": "p", "offsets": [], "numbers": [1], "names": {}}},
        {"landmarks": {"kinds": "z", "offsets": [1], "numbers": [1], "names": {}}},
        {"landmarks": {"kinds": "p", "offsets": [1], "numbers": [1], "names": [1]}},
        {"findings": [["tiny"]]},
        {"findings": 1},
    ],
)
def test_a_damaged_outline_is_refused(damage: dict[str, object]) -> None:
    """Whatever is missing or does not fit is a ValueError, never a half-built block."""
    damaged = json.dumps(_GOOD | damage, separators=(",", ":"))
    with pytest.raises(ValueError, match=r"outline|columns|zip"):
        list(map(len, decode_outline(damaged)))
