"""What is embedded of a chunk, and beside it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.documents import Block, BlockKind, Chunk, Span, Text
from answerable.library.meaning import (
    SENTENCE_CHARS_MIN,
    SENTENCES_MAX,
    fingerprint,
    meaning,
    sentences,
)

_LEAVES = (BlockKind.PARAGRAPH, BlockKind.CODE, BlockKind.HEADING, BlockKind.ROW)
_PROSE = "kubelets evict pods when memory is short."
_DRAIN = "kubectl drain one --ignore-daemonsets --force"
_WATCH = "kubectl get pods --all-namespaces --watch"
_MASKED = "\U0001f512"


@st.composite
def chunks(draw: st.DrawFn) -> tuple[Text, Chunk]:
    """A text cut into blocks, some in a list, with a mask over some characters, and a chunk."""
    pieces = st.sampled_from(
        ["word ", _PROSE, ". ", "e.g. ", "\n", "```", "- ", "[a](b) ", "![", "](", "|", _MASKED]
    )
    source = "".join(draw(st.lists(pieces, max_size=60)))
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), max_size=6)) | {0, len(source)})
    leaves = [
        Block(kind=draw(st.sampled_from(_LEAVES)), start=start, end=end)
        for start, end in pairwise(cuts)
    ]
    listed = draw(st.integers(0, len(leaves)))
    blocks = leaves[:listed]
    if leaves[listed:]:
        start, end = leaves[listed].start, leaves[-1].end
        whole = Block(kind=BlockKind.LIST, start=start, end=end, children=tuple(leaves[listed:]))
        blocks = [*blocks, whole]
    masks = [Span(at, at + 1) for at, char in enumerate(source) if char == _MASKED]
    title = draw(st.sampled_from(["", "Title"]))
    first, last = sorted(draw(st.tuples(*[st.integers(0, len(source))] * 2)))
    heading = tuple(draw(st.lists(st.sampled_from(["Title", "A", "B"]), max_size=3)))
    text = Text(text=source, title=title, blocks=tuple(blocks), masks=tuple(masks))
    return text, Chunk(ordinal=0, start=first, end=last, heading=heading)


@given(chunks())
def test_nothing_masked_is_embedded(case: tuple[Text, Chunk]) -> None:
    """Whatever lies where, no text raises and no masked character is in what is embedded."""
    assert _MASKED not in meaning(*case)
    assert not any(_MASKED in sentence.text for sentence in sentences(*case))


@given(chunks())
def test_sentences_are_few_and_long_enough(case: tuple[Text, Chunk]) -> None:
    """There are none, or from two to the most allowed, and none of them is short."""
    found = sentences(*case)
    assert len(found) == 0 or 2 <= len(found) <= SENTENCES_MAX
    assert all(len(sentence.text) >= SENTENCE_CHARS_MIN for sentence in found)


@given(chunks())
def test_sentences_lie_in_order_inside_the_chunk(case: tuple[Text, Chunk]) -> None:
    """The spans of sentences are not empty, do not overlap and do not leave the chunk."""
    _, chunk = case
    places = [at for sentence in sentences(*case) for at in sentence.span]
    assert places == sorted(places)
    assert all(sentence.span.start < sentence.span.end for sentence in sentences(*case))
    assert all(chunk.start <= at <= chunk.end for at in places)


@given(chunks())
def test_the_fingerprint_changes_with_what_is_embedded(case: tuple[Text, Chunk]) -> None:
    """Chunks of one text with the same fingerprint have the same meaning."""
    text, chunk = case
    other = Chunk(ordinal=9, start=chunk.start, end=chunk.end, heading=chunk.heading)
    assert fingerprint(text, chunk) == fingerprint(text, other)
    below = Chunk(ordinal=0, start=chunk.start, end=chunk.end, heading=(*chunk.heading, "New"))
    assert fingerprint(text, chunk) != fingerprint(text, below)


@given(st.integers(SENTENCES_MAX + 1, 60))
def test_no_sentence_is_lost_when_there_are_too_many(count: int) -> None:
    """More sentences than are kept apart are joined, in order."""
    said = [f"This is the sentence with the number {number} of them." for number in range(count)]
    text, chunk = page(" ".join(said))
    found = sentences(text, chunk)
    assert len(found) == SENTENCES_MAX
    assert " ".join(sentence.text for sentence in found) == " ".join(said)


def page(source: str, kind: BlockKind = BlockKind.PARAGRAPH) -> tuple[Text, Chunk]:
    """A text of one block without a title, and the chunk that is all of it."""
    block = Block(kind=kind, start=0, end=len(source))
    text = Text(text=source, title="", blocks=(block,))
    return text, Chunk(ordinal=0, start=0, end=len(source), heading=())


def test_title_and_headings_stand_before_the_words() -> None:
    """Title and headings are on the first line, each once, and the words follow."""
    text = Text(text="Drain it\nfirst.", title="Nodes", blocks=())
    chunk = Chunk(ordinal=0, start=0, end=15, heading=("Nodes", "Maintenance"))
    assert meaning(text, chunk) == "Nodes > Maintenance\nDrain it first."


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("## Old `pods`", "Old pods"),
        ("See [the **guide**](https://example.org/x) now", "See the guide now"),
        ("![a chart](chart.png) shows [it][1]", "a chart shows it"),
        ("```shell\nls -l\n```", "ls -l"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b | | 1 | 2 |"),
        ("one<br/>two &nbsp; x < 3", "one two x < 3"),
        ("kube_pod_status __init__", "kube_pod_status init__"),
        ("- item\n- C# 5", "- item - C# 5"),
    ],
)
def test_markup_is_not_embedded(source: str, words: str) -> None:
    """Marks and addresses of links go, words and names stay."""
    assert meaning(*page(source)) == words


@pytest.mark.parametrize(
    ("kind", "source", "found"),
    [
        (
            BlockKind.PARAGRAPH,
            f"- {_PROSE} see e.g. the page\n  on **signals** and on their limits",
            (_PROSE, "see e.g. the page on signals and on their limits"),
        ),
        (
            BlockKind.CODE,
            f"```\n{_DRAIN}\nls\n{_WATCH}\n```",
            (_DRAIN, f"ls {_WATCH}"),
        ),
        (BlockKind.PARAGRAPH, "Short. Shorter. This one is the only long one here.", ()),
    ],
)
def test_sentences(kind: BlockKind, source: str, found: tuple[str, ...]) -> None:
    """Prose is cut at sentences, code at lines; a short piece goes with its neighbour."""
    assert tuple(sentence.text for sentence in sentences(*page(source, kind))) == found


def test_what_is_masked_parts_no_sentence() -> None:
    """A comment inside a sentence is left out, and the sentence stays whole."""
    text, chunk = page(f"{_PROSE} They {_MASKED * 9}also evict them when there are too many.")
    start = text.text.index(_MASKED)
    masked = Text(text=text.text, title="", blocks=text.blocks, masks=(Span(start, start + 9),))
    second = "They also evict them when there are too many."
    assert [sentence.text for sentence in sentences(masked, chunk)] == [_PROSE, second]


def test_only_what_the_chunk_holds() -> None:
    """A block that reaches beyond the chunk gives only what lies inside it."""
    one = "The first sentence of the paragraph is long."
    two = "The second sentence of the paragraph is long."
    three = "The third sentence of the paragraph is as long."
    text, _ = page(f"{one} {two} {three}")
    chunk = Chunk(ordinal=0, start=0, end=len(one) + 1 + len(two), heading=())
    assert [sentence.text for sentence in sentences(text, chunk)] == [one, two]
    assert [text.text[slice(*sentence.span)].strip() for sentence in sentences(text, chunk)] == [
        one,
        two,
    ]
