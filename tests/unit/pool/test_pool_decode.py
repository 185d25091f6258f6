"""What the parent believes of a reply."""

from __future__ import annotations

from array import array
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.parsers import pool as pools
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import REPLY, encode
from answerable.adapters.parsers.reply import decode, read_head
from answerable.domain.documents import (
    Block,
    BlockKind,
    Finding,
    FindingKind,
    Landmark,
    LandmarkKind,
    Span,
    Text,
)
from answerable.library.ports import Parsed, Raw, Unreadable

HEAD = {
    "format": "plain",
    "title": "T",
    "masks": 0,
    "landmarks": 0,
    "names": [],
    "findings": [],
}


def numbers(*values: int) -> bytes:
    """Return numbers as a child sends them."""
    return array("I", values).tobytes()


@st.composite
def blocks(draw: st.DrawFn, low: int, high: int, depth: int = 0) -> tuple[Block, ...]:
    """Draw blocks that lie in order between two offsets."""
    made = []
    cuts = sorted(draw(st.sets(st.integers(low, high), max_size=6)))
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        children = draw(blocks(start, end, depth + 1)) if depth < 3 else ()
        kind = draw(st.sampled_from(BlockKind))
        level = draw(st.integers(0, 6))
        made.append(Block(kind=kind, start=start, end=end, level=level, children=children))
    return tuple(made)


@st.composite
def landmarks(draw: st.DrawFn, length: int) -> tuple[Landmark, ...]:
    """Draw landmarks inside a text."""
    offsets = draw(st.lists(st.integers(0, length - 1), max_size=6)) if length else []
    kinds, numbered = st.sampled_from(LandmarkKind), st.integers(1, 2**32 - 1)
    names = st.sampled_from(["", "Sheet2", "ä🙂"])
    return tuple(Landmark(at, draw(kinds), draw(numbered), draw(names)) for at in sorted(offsets))


FINDINGS = st.dictionaries(st.sampled_from(FindingKind), st.integers(1, 10**6)).map(
    lambda counts: tuple(Finding(kind=kind, count=count) for kind, count in counts.items())
)


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Draw any text a parser may give."""
    plain = draw(st.text(st.sampled_from("ab \n\tä漢🙂"), max_size=60))
    cuts = sorted(draw(st.sets(st.integers(0, len(plain)), max_size=6)))
    masks = tuple(Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    title = draw(st.text(st.sampled_from("ab ä🙂"), max_size=9))
    return Text(
        text=plain,
        title=title,
        blocks=draw(blocks(0, len(plain))),
        masks=masks,
        landmarks=draw(landmarks(len(plain))),
        findings=draw(FINDINGS),
    )


@given(texts())
def test_encode_and_decode_give_the_same(text: Text) -> None:
    """Whatever a parser may give arrives unchanged."""
    header, head, body, tail = encode(("plain", text), output_bytes_max=2**20)
    assert REPLY.unpack(header) == (len(head), len(body), len(tail))
    result = decode("a", read_head(head), body, tail)
    assert result == Parsed(path="a", format="plain", text=text)


def test_refusal_arrives() -> None:
    """Code and reason of a refusal, and whether anything is wrong."""
    _, head, _, _ = encode(Refused("empty", "nothing in it"), output_bytes_max=0)
    assert decode("a", read_head(head), b"", b"") == Unreadable(
        path="a", code="empty", reason="nothing in it", skipped=True
    )


@pytest.mark.parametrize(
    "head",
    [
        {},
        HEAD | {"format": 1},
        HEAD | {"title": None},
        HEAD | {"title": "\x1b[2J"},
        HEAD | {"title": "\ud800"},
        HEAD | {"masks": True},
        HEAD | {"masks": -1},
        HEAD | {"masks": 10**30},
        HEAD | {"masks": 1.0},
        HEAD | {"landmarks": -1},
        HEAD | {"landmarks": None},
        HEAD | {"names": None},
        HEAD | {"names": [[0]]},
        HEAD | {"names": [[0, "no such landmark"]]},
        HEAD | {"names": [["0", "a"]]},
        HEAD | {"findings": {}},
        HEAD | {"findings": [["tiny", 0]]},
        HEAD | {"findings": [["tiny", True]]},
        HEAD | {"findings": [["tiny", 2**60]]},
        HEAD | {"findings": [["unheard of", 1]]},
        HEAD | {"findings": [[["tiny"], 1]]},
        {"code": "timeout", "reason": "not for a child to say"},
        {"code": "ready", "reason": ""},
        {"code": "empty", "reason": ["list"]},
        {"code": ["empty"], "reason": ""},
    ],
)
def test_impossible_heads(head: dict[str, object]) -> None:
    """A head that no child of ours sends is refused."""
    with pytest.raises(ValueError, match=r"."):
        decode("a", head, b"text", b"")


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"a\0", b"a\r\n", b"a\xcc\x88"],
    ids=["not UTF-8", "NUL", "CR", "not NFC"],
)
def test_text_that_is_not_canonical(text: bytes) -> None:
    """The text is what the contract of `Text` says."""
    with pytest.raises(ValueError, match=r"."):
        decode("a", HEAD, text, b"")


@pytest.mark.parametrize(
    ("masks", "values"),
    [
        (0, numbers(1, 0, 5, 0, 0)),  # beyond the end
        (0, numbers(1, 2, 2, 0, 0)),  # empty
        (0, numbers(1, 3, 2, 0, 0)),  # backwards
        (0, numbers(99, 0, 1, 0, 0)),  # no such kind
        (0, numbers(1, 0, 2, 0, 0, 1, 1, 3, 0, 0)),  # overlap
        (0, numbers(1, 2, 3, 0, 0, 1, 0, 1, 0, 0)),  # out of order
        (0, numbers(3, 0, 2, 0, 1, 4, 1, 3, 0, 0)),  # child outside its parent
        (0, numbers(3, 0, 2, 0, 1)),  # child missing
        (0, numbers(3, 0, 2, 0, 2**32 - 1)),  # very many children missing
        (0, numbers(1, 0, 1)),  # cut off
        (0, b"\0\0\0"),  # not even numbers
        (1, numbers(1)),
        (1, numbers(2, 1)),
        (1, numbers(0, 5)),
        (1, numbers(1, 1)),
        (2, numbers(2, 3, 0, 1)),
        (2, numbers(0, 2, 1, 3)),
    ],
)
def test_impossible_numbers(masks: int, values: bytes) -> None:
    """Offsets, kinds and order are checked before anything is built."""
    with pytest.raises(ValueError, match=r"."):
        decode("a", HEAD | {"masks": masks}, b"text", values)


def test_what_lies_in_a_file_comes_behind_the_numbers() -> None:
    """Each with its name and its bytes, which may be any."""
    parts = [["plan.pdf", 3], ["b", 0], ["c.eml", 2]]
    found = decode("a", HEAD | {"parts": parts}, b"text", b"\0\xff\1ab")
    assert isinstance(found, Parsed)
    assert [(one.path, one.data) for one in found.parts] == [
        ("plan.pdf", b"\0\xff\1"),
        ("b", b""),
        ("c.eml", b"ab"),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [["plan.pdf", 4]],
        [["plan.pdf", -1]],
        [["plan.pdf", True]],
        [["plan.pdf", "3"]],
        [["../plan.pdf", 3]],
        [["/plan.pdf", 3]],
        [["..", 3]],
        [["", 3]],
        [["a\\b", 3]],
        [["a\x1b", 3]],
        [[3, 3]],
        [["x" * 201, 3]],
        [["a", 3], ["a", 3]],
        "parts",
    ],
)
def test_impossible_parts(parts: object) -> None:
    """A name that leads elsewhere is none that the reader of messages gives."""
    with pytest.raises(ValueError, match=r"part|name"):
        decode("a", HEAD | {"parts": parts}, b"text", b"abc")


@pytest.mark.parametrize(
    ("marks", "names", "values"),
    [
        (1, [], numbers(4, 0, 1)),  # at the end, where nothing follows
        (1, [], numbers(0, 99, 1)),  # no such kind
        (1, [], numbers(0, 0, 0)),  # counted from 1
        (1, [], numbers(0, 0)),  # cut off
        (2, [], numbers(2, 0, 1, 1, 0, 2)),  # out of order
        (1, [[0, "\x1b[2J"]], numbers(0, 3, 1)),
        (1, [[0, "\ud800"]], numbers(0, 3, 1)),
        (1, [[0, ""]], numbers(0, 3, 1)),
        (1, [[1, "a"]], numbers(0, 3, 1)),
        (1, [[-1, "a"]], numbers(0, 3, 1)),
    ],
)
def test_impossible_landmarks(marks: int, names: list[object], values: bytes) -> None:
    """Landmarks lie inside the text, in order, and their names are plain words."""
    with pytest.raises(ValueError, match=r"."):
        decode("a", HEAD | {"landmarks": marks, "names": names}, b"text", values)


def test_nesting_has_an_end() -> None:
    """Blocks nested deeper than recursion could follow are refused, not followed."""
    depth = 100_000
    nested = numbers(*(value for _ in range(depth) for value in (3, 0, 4, 0, 1)))
    with pytest.raises(ValueError, match="out of place"):
        decode("a", HEAD, b"text", nested)


@given(st.binary(max_size=64), st.binary(max_size=64), st.integers(0, 9))
def test_garbage_is_only_ever_a_value_error(text: bytes, values: bytes, masks: int) -> None:
    """No bytes whatever raise anything else, so no child can end the parent."""
    with suppress(ValueError):
        decode("a", HEAD | {"masks": masks}, text, values)


@pytest.mark.parametrize("packed", [b"[" * 10**5, b"[]", b"1" * 10**5, b"\xff", b""])
def test_head_that_is_no_head(packed: bytes) -> None:
    """A head that is nested, no object, or no JSON is refused."""
    with pytest.raises(ValueError, match=r"."):
        read_head(packed)


@pytest.mark.parametrize("lengths", [(2**31, 0, 0), (2, 2**63, 0), (2, 0, 2**40), (2, 2**26, 1)])
def test_announced_size_is_refused_before_anything_is_kept(lengths: tuple[int, int, int]) -> None:
    """A reply above its limit is never waited for."""
    child = pools._Child.__new__(pools._Child)
    child._inbox = bytearray(REPLY.pack(*lengths))
    with pytest.raises(pools._TooMuchError):
        list(child.frames(pools.Limits()))


def test_flood_of_a_lying_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that sends without end is ended, and its file is too much output."""
    (tmp_path / "lying_reader.py").write_text(
        "import os\n"
        "def read(path, data):\n"
        "    for fd in range(3, 64):\n"
        "        try:\n"
        "            while True: os.write(fd, b'\\xff' * 65536)\n"
        "        except OSError: pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pools.ParserPool(children=1, reader="lying_reader:read") as pool:
        (result,) = pool.read([Raw(path="a", data=b"a")])
    assert isinstance(result, Unreadable)
    assert result.code == "output_too_large"
