"""The structure of a text as compact JSON: blocks, masks, chunks with their headings.

Columns, not rows: a question reads the outlines of all documents it meets, and building frozen
blocks column by column takes a quarter of the time of calling their constructor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, TypeVar, overload

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


# Nothing before them is text, so where they stand first is where their part begins.
_BEFORE_MASKS = ',"masks":'
_BEFORE_HEADINGS = ',"headings":'

_T = TypeVar("_T")


def _not_one() -> Exception:
    return ValueError("not an outline")


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
            "masks": list(masks),
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
    outline: str, damaged: Callable[[], Exception] = _not_one
) -> tuple[Sequence[Block], Sequence[Span], tuple[Chunk, ...]]:
    """Return the blocks, masks and chunks that `encode_outline` was given.

    Blocks and masks are built when they are first looked at: most of what a search reads is not
    quoted, and building them takes longer than all the rest.

    Args:
        outline: What `encode_outline` wrote.
        damaged: What to raise when blocks or masks turn out not to be that.

    Raises:
        ValueError: Chunks are not what `encode_outline` writes.
    """
    before, _, headings = outline.partition(_BEFORE_HEADINGS)
    blocks, _, masks = before.partition(_BEFORE_MASKS)
    try:
        value = json.loads(f'{{"headings":{headings}')
        chunks = _chunks(value["chunks"], [tuple(heading) for heading in value["headings"]])
    except (LookupError, TypeError) as error:
        raise ValueError("not an outline") from error
    return _Later(f"{blocks}}}", _blocks, damaged), _Later(masks, _masks, damaged), chunks


class _Later(Sequence[_T]):
    """Equal to the tuple of the same values, which it builds when it is first needed.

    Args:
        stored: JSON of what they are made of.
        make: Makes them of it.
        damaged: What to raise when they cannot be made.
    """

    __slots__ = ("_damaged", "_made", "_make", "_stored")

    def __init__(
        self, stored: str, make: Callable[[Any], tuple[_T, ...]], damaged: Callable[[], Exception]
    ) -> None:
        self._stored = stored
        self._make = make
        self._damaged = damaged
        self._made: tuple[_T, ...] | None = None

    def _all(self) -> tuple[_T, ...]:
        made = self._made
        if made is None:
            try:
                made = self._made = self._make(json.loads(self._stored))
            except (LookupError, TypeError, ValueError) as error:
                raise self._damaged() from error
        return made

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, place: int) -> _T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[_T, ...]: ...
    def __getitem__(self, place: int | slice) -> _T | tuple[_T, ...]:
        return self._all()[place]

    def __iter__(self) -> Iterator[_T]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == (other._all() if isinstance(other, _Later) else other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


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
