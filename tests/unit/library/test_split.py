"""Chunks follow sections and keep together what belongs together."""

from __future__ import annotations

from time import process_time

from answerable.adapters.parsers import markdown
from answerable.domain.documents import Block, BlockKind, Chunk, Span, Text
from answerable.library.split import digest, split
from answerable.library.visible import shown


def pieces(source: str, chars: int = 1200) -> list[tuple[tuple[str, ...], str]]:
    """Return heading path and visible text of every chunk of a Markdown page."""
    text = markdown.read(source)
    return [(c.heading, shown(text, c.start, c.end)) for c in split(text, chars=chars)]


def test_chunks_stand_under_their_headings() -> None:
    """The path holds the headings above, without marks, anchors and the page's own title."""
    source = "# Page\n\nintro\n\n## Use `it` {#use}\n\none\n\n### Deep\n\ntwo\n\n## Next\n\nthree\n"
    assert pieces(source) == [
        ((), "# Page\n\nintro"),
        (("Use it",), "## Use `it`\n\none"),
        (("Use it", "Deep"), "### Deep\n\ntwo"),
        (("Next",), "## Next\n\nthree"),
    ]


def test_a_first_heading_that_is_not_the_title_counts() -> None:
    """Front matter names the page, so the heading says something more."""
    assert pieces("---\ntitle: Page\n---\n# Other\n\nx\n")[0][0] == ("Other",)


def test_empty_sections() -> None:
    """A heading goes with the subsection below it; an empty section stays findable."""
    source = "# Page\n\n## A\n\n### B\n\nwords\n\n## Diagnosis\n\n## Mitigation\n\nTODO\n\n## End\n"
    assert pieces(source) == [
        (("A", "B"), "# Page\n\n## A\n\n### B\n\nwords"),
        (("Diagnosis",), "## Diagnosis"),
        (("Mitigation",), "## Mitigation\n\nTODO"),
        (("End",), "## End"),
    ]


def test_blocks_are_packed_and_not_cut() -> None:
    """Neighbours share a chunk while they fit; a fence or item is whole in one."""
    fence = "```\n" + "line\n" * 4 + "```"
    found = [words for _, words in pieces(f"one\n\ntwo\n\n{fence}\n\n{fence}\n", 40)]
    assert found == ["one\n\ntwo\n\n" + fence, fence]
    items = [words for _, words in pieces("- aaaa bbbb\n- cccc dddd\n- eeee ffff\n", 25)]
    assert items == ["- aaaa bbbb\n- cccc dddd", "- eeee ffff"]


def test_long_blocks_are_cut_where_it_hurts_least() -> None:
    """Tables between rows, code between lines, prose between sentences, words as they come."""
    assert [w for _, w in pieces("| a |\n|---|\n| bbbb |\n| cccc |\n", 17)] == [
        "| a |\n|---|",
        "| bbbb |\n| cccc |",
    ]
    assert [w for _, w in pieces("```\naaaa\nbbbb\ncccc\n```\n", 10)] == [
        "```\naaaa",
        "bbbb\ncccc",
        "```",
    ]
    assert [w for _, w in pieces("One is. Two\nare. Three\n", 12)] == [
        "One is.",
        "Two\nare.",
        "Three",
    ]
    assert [w for _, w in pieces("aaa bbb ccc " + "d" * 12, 7)] == [
        "aaa bbb",
        "ccc",
        "d" * 7,
        "d" * 5,
    ]


def test_an_announcement_goes_with_what_it_announces() -> None:
    """A paragraph that ends in a colon is not parted from its list."""
    found = [words for _, words in pieces("first words\n\nDo this:\n\n- aaaa\n- bbbb\n", 25)]
    assert found == ["first words", "Do this:\n\n- aaaa\n- bbbb"]


def test_masked_text_does_not_use_up_the_limit() -> None:
    """Only what is visible counts, and nothing but masks makes no chunk."""
    source = f"one <!-- {'x' * 100} -->\n\ntwo\n"
    assert len(pieces(source, 20)) == 1
    hidden = Text(
        text="abc",
        title="",
        blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=3),),
        masks=(Span(0, 3),),
    )
    assert split(hidden) == ()
    assert split(markdown.read("---\ntitle: x\n---\n")) == ()


def test_nested_steps_are_opened_only_when_they_must() -> None:
    """An item over the limit is cut between its own blocks, markers and all text kept."""
    source = "1. Run:\n\n   ```\n   aaaa\n   ```\n\n   Then wait a little.\n2. Stop\n"
    found = [words for _, words in pieces(source, 30)]
    assert found == ["1. Run:\n\n   ```\n   aaaa\n   ```", "   Then wait a little.\n2. Stop"]


def test_splitting_is_linear() -> None:
    """Ten times the text takes about ten times as long, masks included."""
    page = "## H\n\n" + "word {{< x >}} <br> word. " * 40 + "\n\n- item\n- item\n\n"
    small, large = (markdown.read(page * n) for n in (20, 200))

    def seconds(text: Text) -> float:
        began = process_time()
        chunks: tuple[Chunk, ...] = split(text)
        assert chunks
        return process_time() - began

    assert min(seconds(large) for _ in range(3)) < 40 * max(
        min(seconds(small) for _ in range(3)), 0.001
    )


def test_rows_far_from_their_header_are_told_it() -> None:
    """Where a table is cut, its header is the last heading of each chunk that goes on with it."""
    rows = "".join(f"| node-{n} | {n} |\n" for n in range(6))
    source = f"## Hosts\n\n| **name** | port |\n|---|---|\n{rows}\nafter\n"
    found = pieces(source, 60)
    assert found[0][0] == ()
    assert {path for path, words in found if words.startswith("| node")} == {("name | port",)}
    assert found[-1][1].endswith("after")
    assert pieces(source + "\n## Next\n\nword\n", 60)[-1][0] == ("Next",)
    wide = "| " + "x" * 500 + " |\n|---|\n" + "| a |\n" * 200
    assert pieces(wide, 600)[-1][0] == ("x" * 198,)


def test_code_beside_a_section_is_not_in_it() -> None:
    """Code that stands at the depth of a heading ends its section; deeper code is in it."""
    kinds = [("H", 1), ("a", 2), ("I", 2), ("b", 3), ("c", 2), ("d", 1), ("e", 0)]
    blocks = tuple(
        Block(
            kind=BlockKind.HEADING if name.isupper() else BlockKind.CODE,
            start=2 * at,
            end=2 * at + 1,
            level=level,
        )
        for at, (name, level) in enumerate(kinds)
    )
    text = Text(text="\n".join(name for name, _ in kinds), title="", blocks=blocks)
    found = [(one.heading, text.text[one.start : one.end]) for one in split(text)]
    assert found == [
        (("H",), "H\na"),
        (("H", "I"), "I\nb"),
        (("H",), "c"),
        ((), "d\ne"),
    ]


def test_digest_names_rules_and_size() -> None:
    """Other rules or another size give another line of revisions."""
    assert digest() == "sections-2-1200"
