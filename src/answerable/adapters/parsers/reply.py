"""What a child says about a file, believed only after looking.

A child that a file has taken over may say anything. Nothing it says is executed, and nothing is
taken for a text, a mask or a block that no parser of ours could have given.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unicodedata import is_normalized

from answerable.adapters.parsers.child import (
    BLOCK_NUMBERS,
    KINDS,
    LANDMARK_KINDS,
    LANDMARK_NUMBERS,
)
from answerable.domain.documents import Block, Finding, FindingKind, Landmark, Span, Text
from answerable.library.ports import Parsed, Raw, Unreadable

CODES = frozenset(
    {"binary", "empty", "encoding", "malformed", "memory", "output_too_large"}
    | {"encrypted", "needs_ocr", "unsafe", "unsupported"}
)
SKIPPED = frozenset({"binary", "empty"})

DEPTH_MAX = 200  # whoever walks blocks by recursion must not meet Python's limit of 1,000

PART = re.compile(r"(?!\.)[^/\\\x00]{1,200}")

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def decode(path: str, head: Mapping[str, Any], text: bytes, numbers: bytes) -> Parsed | Unreadable:
    """Return what a reply says, after making sure that it could be true.

    Args:
        path: Of the file that was sent.
        head: ``code`` and ``reason`` of a refusal, or ``format``, ``title``, how many ``masks``
            and ``landmarks`` there are, ``names`` of landmarks by place, and ``findings``.
        text: Canonical text in UTF-8.
        numbers: Unsigned 32-bit: two for each mask, three for each landmark (offset, kind,
            number), five for each block in the order of their starts (kind, start, end, level,
            number of children); behind them the bytes of the ``parts`` that the head names.

    Raises:
        ValueError: An offset, kind, order, name or character that no parser of ours gives.
    """
    if "code" in head:
        code = _words(head, "code")
        if code not in CODES:
            raise ValueError("unknown code")
        return refusal(path, code, _words(head, "reason"))
    plain = text.decode()
    if _CONTROLS.search(plain) or not is_normalized("NFC", plain):
        raise ValueError("the text is not canonical")
    own, parts = _parts(head, numbers)
    values = array("I")
    values.frombytes(own)
    marks = 2 * _count(head, "masks")
    split = marks + LANDMARK_NUMBERS * _count(head, "landmarks")
    if split > len(values) or (len(values) - split) % BLOCK_NUMBERS:
        raise ValueError("numbers are missing")
    return Parsed(
        path=path,
        format=_words(head, "format"),
        text=Text(
            text=plain,
            title=_words(head, "title"),
            blocks=_blocks(values[split:], len(plain)),
            masks=_masks(values[:marks], len(plain)),
            landmarks=_landmarks(values[marks:split], _names(head), len(plain)),
            findings=_findings(head),
        ),
        parts=parts,
    )


def read_head(packed: bytes) -> dict[str, Any]:
    """Return the head of a reply.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        head = json.loads(packed)
    except RecursionError as error:
        raise ValueError("the head is nested") from error
    if not isinstance(head, dict):
        raise ValueError("the head is no object")  # noqa: TRY004 - nothing here is our mistake
    return head


def _words(head: Mapping[str, Any], key: str) -> str:
    value = head.get(key)
    if not isinstance(value, str) or _CONTROLS.search(value):
        raise ValueError(f"{key} is not plain text")
    value.encode()  # a lone surrogate is a ValueError too
    return value


def _count(head: Mapping[str, Any], key: str) -> int:
    value = head.get(key)
    if type(value) is not int or value < 0:
        raise ValueError(f"{key} is not a number")
    return value


def _pairs(head: Mapping[str, Any], key: str) -> list[tuple[Any, Any]]:
    value = head.get(key)
    if not isinstance(value, list) or not all(isinstance(pair, list) for pair in value):
        raise ValueError(f"{key} are not pairs")
    return [(first, second) for first, second in value]


def _parts(head: Mapping[str, Any], tail: bytes) -> tuple[bytes, tuple[Raw, ...]]:
    """Return what stands before the files that lie in a file, and those."""
    pairs = _pairs(head, "parts") if head.get("parts") else []
    if any(type(length) is not int or length < 0 for _, length in pairs):
        raise ValueError("a part has no length")
    at = len(tail) - sum(length for _, length in pairs)
    if at < 0:
        raise ValueError("parts are missing")
    own, parts = tail[:at], []
    for name, length in pairs:
        if not PART.fullmatch(_words({"name": name}, "name")):
            raise ValueError("a part has no name")
        parts.append(Raw(path=name, data=tail[at : at + length]))
        at += length
    return own, tuple(parts)


def _names(head: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of landmarks by their place."""
    names = {}
    for place, name in _pairs(head, "names"):
        if type(place) is not int or name == "":
            raise ValueError("a name is out of place")
        names[place] = _words({"name": name}, "name")
    return names


def _findings(head: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return the findings; a kind that does not exist is a ValueError, as all that is not ours."""
    counts = {}
    for kind, count in _pairs(head, "findings"):
        if type(count) is not int or not 0 < count < 2**53:
            raise ValueError("a finding is not counted")
        counts[FindingKind(kind)] = count
    return tuple(Finding(kind=kind, count=count) for kind, count in counts.items())


def _landmarks(
    values: Iterable[int], names: Mapping[int, str], length: int
) -> tuple[Landmark, ...]:
    numbers = iter(values)
    rows = zip(*[numbers] * LANDMARK_NUMBERS, strict=True)
    marks, at = [], 0
    for place, (offset, kind, number) in enumerate(rows):
        if kind >= len(LANDMARK_KINDS) or not at <= offset < length or number == 0:
            raise ValueError("a landmark is out of place")
        marks.append(Landmark(offset, LANDMARK_KINDS[kind], number, names.get(place, "")))
        at = offset
    if any(not 0 <= place < len(marks) for place in names):
        raise ValueError("a name belongs to nothing")
    return tuple(marks)


def _masks(values: Iterable[int], length: int) -> tuple[Span, ...]:
    numbers = iter(values)
    masks = tuple(Span(*pair) for pair in zip(numbers, numbers, strict=True))
    at = 0
    for mask in masks:
        if not at <= mask.start < mask.end <= length:
            raise ValueError("a mask is out of place")
        at = mask.end
    return masks


def _blocks(values: Iterable[int], length: int) -> tuple[Block, ...]:
    numbers = iter(values)
    rows = zip(*[numbers] * BLOCK_NUMBERS, strict=True)
    blocks, at = [], 0
    for row in rows:
        blocks.append(_block(row, rows, low=at, high=length, depth=1))
        at = blocks[-1].end
    return tuple(blocks)


def _block(
    row: tuple[int, ...], rows: Iterator[tuple[int, ...]], *, low: int, high: int, depth: int
) -> Block:
    kind, start, end, level, count = row
    if kind >= len(KINDS) or depth > DEPTH_MAX or not low <= start < end <= high:
        raise ValueError("a block is out of place")
    children, at = [], start
    for _ in range(count):
        below = next(rows, None)
        if below is None:
            raise ValueError("a child is missing")
        children.append(_block(below, rows, low=at, high=end, depth=depth + 1))
        at = children[-1].end
    return Block(kind=KINDS[kind], start=start, end=end, level=level, children=tuple(children))


def refusal(path: str, code: str, reason: str) -> Unreadable:
    """Return why a file was not taken, and whether that is as it should be."""
    return Unreadable(path=path, code=code, reason=reason, skipped=code in SKIPPED)
