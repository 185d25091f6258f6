"""The table of what people say and what manuals say: read, laid over, applied to a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.errors import BadConfiguration
from answerable.library.aliases import combined, expansions, own, parse

TABLE = combined(
    parse(
        ["box = node; machine", "kick out = evict", "kick = start", "pvc = volume claim"], name="t"
    )
)


def test_a_line_names_a_phrase_and_what_else_is_said() -> None:
    """Comments and blank lines are passed over; a phrase given twice gathers."""
    lines = ["# people say", "", "Box = node ;machine # slang", "box = host"]
    assert parse(lines, name="t") == {"box": ("node", "machine", "host")}


@pytest.mark.parametrize("line", ["box", "= node", "a b c d e f = too long", "!! = node"])
def test_a_line_that_is_no_alias_is_named(line: str) -> None:
    """The error names file and line."""
    with pytest.raises(BadConfiguration, match="mine, line 2"):
        parse(["# fine", line], name="mine")


def test_a_later_table_replaces_and_takes_away() -> None:
    """An operator's line stands for the whole phrase; an empty right side removes it."""
    mine = parse(["box = server", "kick ="], name="mine")
    assert combined({"box": ("node",), "kick": ("start",), "pvc": ("claim",)}, mine) == (
        ("box", ("server",)),
        ("pvc", ("claim",)),
    )


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("why was my box gone?", ("node", "machine")),
        ("who did KICK OUT the pod", ("evict",)),
        ("kick the pod", ("start",)),
        ("is the box a machine", ("node",)),
        ("boxes", ()),
        ("pvc and box", ("volume claim", "node", "machine")),
        ("", ()),
    ],
)
def test_the_longest_phrase_counts_and_nothing_is_said_twice(
    question: str, found: tuple[str, ...]
) -> None:
    """Whole words only, in the order of the question, without what it says already."""
    assert expansions(question, TABLE) == found


@given(st.text(max_size=80))
def test_any_question_can_be_expanded(question: str) -> None:
    """Nothing a person types breaks it, and an expansion comes once."""
    found = expansions(question, combined(own()))
    assert len(found) == len(set(found))


def test_the_shipped_table_is_sound() -> None:
    """It parses, and nothing stands for itself."""
    assert all(phrase not in others for phrase, others in own().items())
