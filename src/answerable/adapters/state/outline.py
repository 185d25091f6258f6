"""The structure of a text as compact JSON: blocks, masks, chunks with headings, landmarks.

Columns, not rows: a question reads the outlines of all documents it meets, and building frozen
blocks column by column takes a quarter of the time of calling their constructor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple, TypeVar, overload

from answerable.adapters.columns import from_columns
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
_LANDMARK_LETTERS = {
    LandmarkKind.PAGE: "p",
    LandmarkKind.SLIDE: "s",
    LandmarkKind.CHAPTER: "c",
    LandmarkKind.SHEET: "t",
    LandmarkKind.ROW: "r",
}
_LANDMARK_KINDS = {letter: kind for kind, letter in _LANDMARK_LETTERS.items()}


# Nothing before them is text, so where they stand first is where their part begins.
_BEFORE_MASKS = ',"masks":'
_BEFORE_HEADINGS = ',"headings":'
# In text a quotation mark is escaped, so that this is never part of a heading. What came before
# there were landmarks has none; and what knows none reads no further than the chunks.
_BEFORE_LANDMARKS = ',"landmarks":'
_BEFORE_FINDINGS = ',"findings":'

_T = TypeVar("_T")


def _not_one() -> Exception:
    return ValueError("not an outline")


def encode_outline(text: Text, chunks: Sequence[Chunk]) -> str:
    """Return the structure of a text and its chunks as one line of JSON.

    Blocks are listed parents first, each with the number of its children; ``kinds`` holds one
    letter for each. A chunk names its heading by place in ``headings``. `decode_outline` turns
    it back.
    """
    flat = tuple(_flatten(text.blocks))
    headings = {chunk.heading: None for chunk in chunks}
    places = {heading: place for place, heading in enumerate(headings)}
    return json.dumps(
        {
            "kinds": "".join([_LETTERS[block.kind] for block in flat]),
            "starts": [block.start for block in flat],
            "ends": [block.end for block in flat],
            "levels": [block.level for block in flat],
            "children": [len(block.children) for block in flat],
            "masks": list(text.masks),
            "headings": list(headings),
            "chunks": {
                "ordinals": [chunk.ordinal for chunk in chunks],
                "starts": [chunk.start for chunk in chunks],
                "ends": [chunk.end for chunk in chunks],
                "headings": [places[chunk.heading] for chunk in chunks],
            },
            **_noticed(text),
        },
        separators=(",", ":"),
    )


def _noticed(text: Text) -> dict[str, object]:
    """Return landmarks and findings; most documents have none."""
    marks = text.landmarks
    if not marks and not text.findings:
        return {}
    return {
        "landmarks": {
            "kinds": "".join([_LANDMARK_LETTERS[mark.kind] for mark in marks]),
            "offsets": [mark.offset for mark in marks],
            "numbers": [mark.number for mark in marks],
            "names": {place: mark.name for place, mark in enumerate(marks) if mark.name},
        },
        "findings": [[found.kind.value, found.count] for found in text.findings],
    }


class Outline(NamedTuple):
    """What `encode_outline` was given, less the text and its title."""

    blocks: Sequence[Block]
    masks: Sequence[Span]
    chunks: tuple[Chunk, ...]
    landmarks: Sequence[Landmark] = ()
    findings: Sequence[Finding] = ()


def decode_outline(outline: str, damaged: Callable[[], Exception] = _not_one) -> Outline:
    """Return what `encode_outline` was given.

    All but the chunks is built when it is first looked at: most of what a search reads is not
    quoted, and building it takes longer than all the rest.

    Args:
        outline: What `encode_outline` wrote.
        damaged: What to raise when a part turns out not to be that.

    Raises:
        ValueError: Chunks are not what `encode_outline` writes.
    """
    before, _, headings = outline.partition(_BEFORE_HEADINGS)
    blocks, _, masks = before.partition(_BEFORE_MASKS)
    headings, has_marks, after = headings.partition(_BEFORE_LANDMARKS)
    marks, _, findings = after.removesuffix("}").rpartition(_BEFORE_FINDINGS)
    try:
        value = json.loads(f'{{"headings":{headings}' + ("}" if has_marks else ""))
        chunks = _chunks(value["chunks"], [tuple(heading) for heading in value["headings"]])
    except (LookupError, TypeError) as error:
        raise ValueError("not an outline") from error
    known = Outline(_Later(f"{blocks}}}", _blocks, damaged), _Later(masks, _masks, damaged), chunks)
    if not has_marks:
        return known
    return known._replace(
        landmarks=_Later(marks, _landmarks, damaged), findings=_Later(findings, _findings, damaged)
    )


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


def _landmarks(value: dict[str, Any]) -> tuple[Landmark, ...]:
    names = {int(place): str(name) for place, name in dict(value["names"]).items()}
    marks = zip(value["offsets"], value["kinds"], value["numbers"], strict=True)
    return tuple(
        Landmark(offset, _LANDMARK_KINDS[kind], number, names.get(place, ""))
        for place, (offset, kind, number) in enumerate(marks)
    )


def _findings(pairs: list[list[Any]]) -> tuple[Finding, ...]:
    """Return the findings; of a kind that a newer version knows, nothing can be said."""
    known = set(FindingKind)
    return tuple(
        Finding(kind=FindingKind(kind), count=count) for kind, count in pairs if kind in known
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
