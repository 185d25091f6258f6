"""Units: what is quoted whole, and what has to be read first."""

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from answerable.adapters.parsers.markdown import read
from answerable.answering.units import Unit, UnitKind, units
from answerable.domain.documents import Block, BlockKind, Text


def of(source: str) -> list[tuple[str, str, str]]:
    """Return kind, text and lead of the units of a Markdown source."""
    text = read(source)
    return [
        (
            str(unit.kind),
            text.text[unit.start : unit.end],
            text.text[unit.lead.start : unit.lead.end] if unit.lead else "",
        )
        for unit in units(text, 0, len(text.text))
    ]


def test_code_is_whole_and_comes_with_the_sentence_that_introduces_it() -> None:
    """An introducing sentence is no unit of its own, and a fence is never cut."""
    code = "```sh\nkubectl get pods\n\nkubectl drain x\n```"
    assert of(f"Nothing here. To drain it:\n\n{code}\n") == [
        ("sentence", "Nothing here.", ""),
        ("code", code, "To drain it:"),
    ]


def test_a_procedure_is_all_of_its_steps_or_one_step_whole() -> None:
    """A numbered step is never cut, however many sentences it has."""
    steps = "1. Stop it. Wait.\n2. Start it:\n\n   ```\n   start\n   ```\n"
    found = of(f"Do this:\n\n{steps}")
    assert [kind for kind, _, _ in found] == ["steps", "item", "item"]
    assert found[0][1] == steps.rstrip()
    assert {lead for _, _, lead in found} == {"Do this:"}


def test_a_long_item_of_a_plain_list_gives_its_sentences() -> None:
    """A wall of text behind a bullet is quoted by the sentence."""
    long = "Alpha is here. " * 40
    assert {kind for kind, _, _ in of(f"- {long}\n- {long}\n")} == {"sentence"}


def test_a_row_comes_with_its_header() -> None:
    """A table row says nothing without the names of its columns."""
    wide = "x" * 300
    table = f"| port | use |\n|---|---|\n| 22 | ssh {wide} |\n| 80 | http {wide} |"
    found = of(table)
    assert found[0] == ("rows", f"| 22 | ssh {wide} |", "| port | use |\n|---|---|\n")
    assert len(found) == 2


def test_a_sentence_that_points_back_brings_the_one_before() -> None:
    """That something defaults to 600 is of no use without what it is."""
    found = of("The deadline is set by a field. This defaults to 600. Another fact.")
    assert found[1] == ("sentence", "This defaults to 600.", "The deadline is set by a field.")
    assert found[2][2] == ""


def test_block_quotes_are_read_like_the_rest() -> None:
    """A note in a block quote can be quoted."""
    assert ("sentence", "> Never do this.", "") in of("> Never do this. Ask first.\n")


def test_only_what_meets_the_range_is_given() -> None:
    """A passage does not bring the rest of its page."""
    text = read("One is here.\n\nTwo is here.\n\nThree is here.\n")
    start = text.text.index("Two")
    found = units(text, start, start + 5)
    assert [text.text[unit.start : unit.end] for unit in found] == ["Two is here."]


def test_a_block_of_a_megabyte_is_read_near_the_passage_only() -> None:
    """One endless paragraph neither costs its length nor gives a clipped sentence."""
    body = "The same sentence again. " * 40_000
    text = Text(
        text=body,
        title="",
        blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=len(body)),),
    )
    found = units(text, 500_000, 501_000)
    assert 40 <= len(found) <= 43
    assert {body[unit.start : unit.end] for unit in found} == {"The same sentence again."}


markdown = st.lists(
    st.sampled_from(
        [
            "A fact. This is why.",
            "Do it:",
            "- one\n- two\n  - deeper",
            "1. first\n2. second\n\n   more",
            "```\ncode\n\nmore\n```",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "> quoted. Twice.",
            "# Heading",
            "<!-- hidden -->",
            "{{< note >}}\nMind it.\n{{< /note >}}",
        ]
    ),
    max_size=12,
).map("\n\n".join)


@given(markdown, st.integers(0, 300), st.integers(0, 300))
def test_units_are_inside_the_text_and_behind_their_lead(
    source: str, first: int, length: int
) -> None:
    """Every unit is a range that meets the passage; its lead ends before it begins."""
    text = read(source)
    end = first + length
    for unit in units(text, first, end):
        assert 0 <= unit.shown.start <= unit.start < unit.end <= len(text.text)
        assert unit.lead is None or unit.lead.end <= unit.start
        assert unit.shown.start < end
        assert unit.end > first


@given(markdown)
def test_code_and_steps_are_never_cut(source: str) -> None:
    """No unit begins or ends inside a code block or a numbered step."""
    text = read(source)
    whole = list(_whole(text.blocks))
    for unit in units(text, 0, len(text.text)):
        for block in whole:
            assert not _cuts(unit, block)


def _whole(blocks: Sequence[Block], *, numbered: bool = False) -> Iterator[Block]:
    for block in blocks:
        if block.kind is BlockKind.CODE or (block.kind is BlockKind.ITEM and numbered):
            yield block
        yield from _whole(
            block.children, numbered=block.kind is BlockKind.LIST and block.level == 1
        )


def _cuts(unit: Unit, block: Block) -> bool:
    apart = unit.end <= block.start or block.end <= unit.start
    inside = block.start <= unit.start and unit.end <= block.end
    same = (unit.start, unit.end) == (block.start, block.end)
    around = unit.start <= block.start and block.end <= unit.end
    nested = unit.kind is UnitKind.CODE and inside
    return not (apart or same or around or nested)
