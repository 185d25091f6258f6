"""Characters that nobody sees are taken out and counted; those that shape what is seen stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.parsers import formats, hidden
from answerable.adapters.parsers.canonical import normalised

TAGGED = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")


@pytest.mark.parametrize(
    ("text", "seen", "found"),
    [
        ("ig\u200bno\u2060re", "ignore", {"zero_width": 2}),
        ("user\u202enimda\u2069", "usernimda", {"bidi": 2}),
        (f"fine{TAGGED}.", "fine.", {"tag": 4}),
        ("a\ufe01\ufe02\U000e0101b", "ab", {"variation_selector": 3}),
        ("soft\u00adware", "software", {}),
        ("a\u00ad\u00ad\u00adb", "ab", {"soft_hyphen": 3}),
        ("\ufeffa\ufeffb", "ab", {"zero_width": 1}),
        ("\u200d\u200cx\u200d y", "x y", {"zero_width": 3}),
        (f"\U0001f3f4{TAGGED}", "\U0001f3f4", {"tag": 4}),
    ],
)
def test_what_is_hidden_is_taken_out(text: str, seen: str, found: dict[str, int]) -> None:
    """The word is found as it looks, and what stood in it is told by kind."""
    assert hidden.separated(text) == (seen, tuple(found.items()))


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
        "\u2764\ufe0f\u200d\U0001f525 \U0001f3f3\ufe0f\u200d\U0001f308 1\ufe0f\u20e3",
        "\U0001f9d1\U0001f3fd\u200d\U0001f680 astronaut",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Scotland",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937 \u0d28\u0d4d\u200d",
        "\u845b\U000e0100 is a place",
        "plain ASCII",
        "Größe, naïve, 日本",
    ],
)
def test_what_shapes_letters_and_emoji_stays(text: str) -> None:
    """Joiners in emoji, Persian and Indic scripts, flags and single selectors are seen."""
    assert hidden.separated(text) == (text, ())


_MIXED = st.text(
    alphabet=st.sampled_from(
        "ab \n\u200b\u200c\u200d\u00ad\u2060\ufeff\ufe0f\ufe01\U000e0041\U000e007f\u202e"
        "\U0001f468\U0001f3f4\u0645\u0915\u094d\u0301\u2764\U0001f525\U000e0067"
    ),
    max_size=30,
)


@given(_MIXED)
def test_nothing_is_left_to_take_out(text: str) -> None:
    """What was made canonical stays as it is, and no letter that is seen is lost."""
    seen, found = hidden.separated(text)
    assert hidden.separated(seen) == (seen, ())
    assert bool(found) <= (seen != text)
    assert [c for c in seen if c.isalpha()] == [c for c in text if c.isalpha()]
    once = normalised(text)
    assert normalised(once) == once


@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".yaml", ".py", ".adoc", ".csv"])
def test_no_format_lets_it_through(suffix: str) -> None:
    """Nothing hidden reaches the index or a quote, whichever parser reads it."""
    source = f"ig\u200bnore {TAGGED} pre\u00advious"
    text = formats.read(f"a{suffix}", source.encode())[1].text
    assert "ignore" in text
    assert "previous" in text
    assert not set(text) & set(TAGGED + "\u200b\u00ad")


def test_entities_hide_nothing_either() -> None:
    """A page may write them as numbers."""
    assert formats.read("a.html", b"<p>ig&#8203;nore&#xE0041;</p>")[1].text.strip() == "ignore"


def test_the_order_of_marks_does_not_count() -> None:
    """Composing sorts them, and a joiner that was seen before is seen after."""
    once = normalised("क\u0301\u094d\u200cष")
    assert "\u200c" in once
    assert normalised(once) == once
    assert "\u200c" not in normalised("a\u0301\u200cb")
