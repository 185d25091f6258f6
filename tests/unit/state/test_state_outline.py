"""Structure as JSON and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.state.outline import decode_outline, encode_outline
from answerable.domain.documents import Block, BlockKind, Chunk, Span

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


@given(blocks=st.lists(_TREES, max_size=5), masks=st.lists(_SPANS), chunks=st.lists(_CHUNKS))
def test_an_outline_survives(blocks: list[Block], masks: list[Span], chunks: list[Chunk]) -> None:
    """Blocks with all their children, masks and chunks come back equal, in order."""
    outline = encode_outline(blocks, masks, chunks)
    assert decode_outline(outline) == (tuple(blocks), tuple(masks), tuple(chunks))
    assert encode_outline(*decode_outline(outline)) == outline, "also when it was read before"


def test_what_comes_back_is_as_good_as_new() -> None:
    """Values filled column by column are whole: they can be hashed, shown and never changed."""
    block = Block(kind=BlockKind.CODE, start=1, end=2)
    ((found,), _, _) = decode_outline(encode_outline([block], [], []))
    assert hash(found) == hash(block)
    assert repr(found) == repr(block)
    with pytest.raises(AttributeError):
        found.start = 3  # type: ignore[misc] # what is shown


def test_every_kind_of_block_has_a_letter() -> None:
    """Letters are stored: a new kind needs one, and no two kinds share one."""
    kinds = [Block(kind=kind, start=0, end=1) for kind in BlockKind]
    letters = json.loads(encode_outline(kinds, [], []))["kinds"]
    assert letters == "hpclitrq"


_GOOD = json.loads(
    encode_outline(
        [Block(kind=BlockKind.CODE, start=1, end=2)],
        [Span(0, 1)],
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
    ],
)
def test_a_damaged_outline_is_refused(damage: dict[str, object]) -> None:
    """Whatever is missing or does not fit is a ValueError, never a half-built block."""
    damaged = json.dumps(_GOOD | damage, separators=(",", ":"))
    with pytest.raises(ValueError, match=r"outline|columns|zip"):
        list(map(len, decode_outline(damaged)))
