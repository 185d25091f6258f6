"""What of a span is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.documents import Span, Text
from answerable.library.visible import headline, shown, visible


@st.composite
def masked_texts(draw: st.DrawFn) -> tuple[Text, int, int]:
    """A text with random masks, some of them touching, and a span of it."""
    source = draw(st.text(alphabet="ab \n\U0001f642", max_size=40))
    hidden = draw(st.lists(st.booleans(), min_size=len(source), max_size=len(source)))
    masks: list[Span] = []
    for at, mask in enumerate(hidden):
        if mask and masks and masks[-1].end == at and draw(st.booleans()):
            masks[-1] = Span(masks[-1].start, at + 1)
        elif mask:
            masks.append(Span(at, at + 1))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(source))] * 2)))
    return Text(text=source, title="", blocks=(), masks=tuple(masks)), start, end


@given(masked_texts())
def test_visible_and_masked_make_the_span(case: tuple[Text, int, int]) -> None:
    """Every place of a span is either in one visible piece or in a mask, never in both."""
    text, start, end = case
    pieces = visible(text, start, end)
    assert all(piece.start < piece.end for piece in pieces)
    seen = [at for piece in pieces for at in range(*piece)]
    hidden = {at for mask in text.masks for at in range(*mask)}
    assert seen == [at for at in range(start, end) if at not in hidden]
    assert shown(text, start, end) == "".join(text.text[at] for at in seen)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("## Pod *lifetime* ##", "Pod *lifetime*"),
        ("### `Waiting` and **more**", "Waiting and more"),
        ("# [Docs](https://example.org) for x", "Docs for x"),
        ("Setext\nover lines\n======", "Setext over lines"),
        ("=====\nOver\n=====", "Over"),
        ("# C# and __init__.py", "C# and init.py"),
        ("#", ""),
        ('  "servers": [', "servers"),
        ('"a" is: "b"', '"a" is: "b"'),
    ],
)
def test_headline(source: str, words: str) -> None:
    """A heading gives its words only."""
    assert headline(source) == words
