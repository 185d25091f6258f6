"""The structure of a text as compact JSON: blocks, masks, chunks with their headings.

Columns, not rows: a question reads the outlines of all documents it meets, and building frozen
blocks column by column takes a quarter of the time of calling their constructor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

from answerable.adapters.columns import from_columns
from answerable.domain.documents import Block, BlockKind, Chunk, Span

# Stored: a letter never changes its meaning.
_LETTERS = {
    BlockKind.HEADING: "h",
    BlockKind.PARAGRAPH: "p",
    BlockKind.CODE: "c",
    BlockKind.LIST: "l",
    BlockKind.ITEM: "i",
    BlockKind.TABLE: "t",
    BlockKind.ROW: "r",
    BlockKind.QUOTE: "q",
}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


def encode_outline(blocks: Sequence[Block], masks: Sequence[Span], chunks: Sequence[Chunk]) -> str:
    """Return blocks, masks and chunks as one line of JSON; `decode_outline` turns it back.

    Blocks are listed parents first, each with the number of its children; ``kinds`` holds one
    letter for each. A chunk names its heading by place in ``headings``.
    """
    flat = tuple(_flatten(blocks))
    headings = {chunk.heading: None for chunk in chunks}
    places = {heading: place for place, heading in enumerate(headings)}
    return json.dumps(
        {
            "kinds": "".join([_LETTERS[block.kind] for block in flat]),
            "starts": [block.start for block in flat],
            "ends": [block.end for block in flat],
            "levels": [block.level for block in flat],
            "children": [len(block.children) for block in flat],
            "masks": masks,
            "headings": list(headings),
            "chunks": {
                "ordinals": [chunk.ordinal for chunk in chunks],
                "starts": [chunk.start for chunk in chunks],
                "ends": [chunk.end for chunk in chunks],
                "headings": [places[chunk.heading] for chunk in chunks],
            },
        },
        separators=(",", ":"),
    )


def decode_outline(
    outline: str,
) -> tuple[tuple[Block, ...], tuple[Span, ...], tuple[Chunk, ...]]:
    """Return the blocks, masks and chunks that `encode_outline` was given.

    Raises:
        ValueError: It is not what `encode_outline` writes.
    """
    try:
        value = json.loads(outline)
        return (
            _blocks(value),
            _masks(value["masks"]),
            _chunks(value["chunks"], [tuple(heading) for heading in value["headings"]]),
        )
    except (LookupError, TypeError) as error:
        raise ValueError("not an outline") from error


def _flatten(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        yield from _flatten(block.children)


def _blocks(value: dict[str, Any]) -> tuple[Block, ...]:
    kinds = list(map(_KINDS.__getitem__, value["kinds"]))
    blocks = from_columns(
        Block,
        len(kinds),
        kind=kinds,
        start=value["starts"],
        end=value["ends"],
        level=value["levels"],
        children=[()] * len(kinds),
    )
    return _nest(blocks, value["children"])


def _masks(pairs: list[list[int]]) -> tuple[Span, ...]:
    if not set(map(len, pairs)) <= {2}:
        raise ValueError("not an outline")
    return tuple(map(tuple.__new__, repeat(Span), pairs))


def _chunks(value: dict[str, Any], headings: list[tuple[str, ...]]) -> tuple[Chunk, ...]:
    ordinals = value["ordinals"]
    return tuple(
        from_columns(
            Chunk,
            len(ordinals),
            ordinal=ordinals,
            start=value["starts"],
            end=value["ends"],
            heading=list(map(headings.__getitem__, value["headings"])),
        )
    )


def _nest(blocks: list[Block], children: list[int]) -> tuple[Block, ...]:
    """Return the top-level blocks; walked backwards, so that children come before parents."""
    fill = Block.__dict__["children"].__set__
    waiting: list[Block] = []
    for block, count in zip(reversed(blocks), reversed(children), strict=True):
        if count:
            if count > len(waiting):
                raise ValueError("not an outline")
            fill(block, tuple(waiting[: -count - 1 : -1]))
            del waiting[-count:]
        waiting.append(block)
    return tuple(reversed(waiting))
