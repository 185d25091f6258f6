"""Sentences: where they end, and that nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.answering.sentences import sentences, trimmed


def cut(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [text[span.start : span.end] for span in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Wait, e.g. ten minutes. Then go.", ["Wait, e.g. ten minutes.", "Then go."]),
        ("Pods, nodes, etc. are fine. Etc.", ["Pods, nodes, etc. are fine.", "Etc."]),
        ("It logs etc. Then it stops.", ["It logs etc.", "Then it stops."]),
        ("Use v1.2.3 or 3.4.22+ here. Now.", ["Use v1.2.3 or 3.4.22+ here.", "Now."]),
        ("Run `a. B c`. Done.", ["Run `a. B c`.", "Done."]),
        ("See https://x.org/a.b. Next.", ["See https://x.org/a.b.", "Next."]),
        ("Edit kubelet.conf and retry. ok?", ["Edit kubelet.conf and retry.", "ok?"]),
        ("This is expected. kubeadm waits.", ["This is expected.", "kubeadm waits."]),
        (
            "A hard-wrapped\nline is one. Two\nis two.",
            ["A hard-wrapped\nline is one.", "Two\nis two."],
        ),
        ("One\n\nTwo", ["One", "Two"]),
        ("Do:\n- first thing\n- second. Yes", ["Do:", "- first thing", "- second.", "Yes"]),
        ("1. Stop it. 2. Start it.", ["1. Stop it.", "2. Start it."]),
        ("J. Smith wrote it. Good.", ["J. Smith wrote it.", "Good."]),
        ("[Docs](a.md). Read.", ["[Docs](a.md).", "Read."]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("(It works.) Really.", ["(It works.)", "Really."]),
        ("**Never do it.** Ask.", ["**Never do it.**", "Ask."]),
        ("Is Yahoo! up or not? Yes.", ["Is Yahoo! up or not?", "Yes."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    """Full stops of abbreviations, versions, code and addresses end nothing."""
    assert cut(text) == expected


prose = st.lists(
    st.sampled_from(
        ["A pod", "e.g.", "v1.2", "`x. Y`", "stops.", "Why?", "\n", "\n\n", " ", "- ", "1. "]
    ),
    max_size=20,
).map(" ".join)


@given(prose | st.text(max_size=200), st.integers(0, 20))
def test_sentences_hold_everything_but_white_space(text: str, skip: int) -> None:
    """Spans are in order, disjoint, trimmed, inside the range, and leave only white space out."""
    start = min(skip, len(text))
    spans = sentences(text, start, len(text))
    at = start
    for span in spans:
        assert start <= at <= span.start < span.end <= len(text)
        assert not text[at : span.start].strip()
        assert trimmed(text, *span) == span
        at = span.end
    assert not text[at:].strip()
