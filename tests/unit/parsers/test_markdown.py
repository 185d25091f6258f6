"""Markdown: what becomes which block, and what is masked."""

from __future__ import annotations

import pytest
from parser_laws import blocks_of, masked

from answerable.adapters.parsers import markdown
from answerable.adapters.parsers.shortcodes import front_title
from answerable.domain.documents import BlockKind, Text
from answerable.library.visible import shown


def visible_text(source: str) -> str:
    """Return what is shown of a whole page."""
    text = markdown.read(source)
    return shown(text, 0, len(text.text))


def kinds(text: Text) -> list[str]:
    """Return the kinds of the top-level blocks."""
    return [block.kind.value for block in text.blocks]


@pytest.mark.parametrize(
    ("matter", "title"),
    [
        ("---\ntitle: Pod Lifecycle\nweight: 30\n---\n", "Pod Lifecycle"),
        ('---\ntitle: "A: \\"quoted\\" one"\n---\n', 'A: "quoted" one'),
        ("---\ntitle: 'It''s'\n---\n", "It's"),
        ("---\n# comment\nweight: 1\ntitle: Plain # note\n---\n", "Plain"),
        ("---\ntitle: >-\n  Folded\n  words\nx: 1\n---\n", "Folded words"),
        ('---\ntitle: "unterminated\nweight: [1, 2\n---\n', "unterminated"),
        ("+++\ntitle = 'Toml'\n[extra]\nx = 1\n+++\n", "Toml"),
        ("---\nweight: 1\n---\n", "Heading"),
        ("", "Heading"),
    ],
)
def test_title_comes_from_front_matter_or_first_heading(matter, title):  # type: ignore[no-untyped-def]
    """Front matter is masked whole, and its title goes before the first heading."""
    text = markdown.read(matter + "# Heading {#top}\n\nwords\n")
    assert text.title == title
    assert masked(text)[: bool(matter)] == [matter][: bool(matter)]
    assert blocks_of(text, BlockKind.PARAGRAPH) == ["words"]


def test_a_break_at_the_top_is_not_front_matter() -> None:
    """Text between two thematic breaks stays."""
    assert "words" in visible_text("---\n\nwords, no key\n\n---\n\nmore\n")
    assert front_title("weight: 1\nsubtitle: x\n") == ""


def test_fences_hold_whatever_they_hold() -> None:
    """Backtick and tilde fences, nested ones and unclosed ones, keep marks as content."""
    inner = "```\n<!-- kept --> {{< note >}} <br>\n# no heading\n```"
    for source in (inner, f"~~~~\n{inner}\n~~~~", f"````md\n{inner}\n````", inner[:-4]):
        text = markdown.read(source + "\n")
        assert blocks_of(text, BlockKind.CODE) == [source]
        assert text.masks == ()


def test_code_in_a_list_item_is_its_child() -> None:
    """A step holds its command, whole lines, fence first."""
    source = (
        "1. Run:\n\n   ```bash\n   kubectl get pods\n   ```\n\n   Then wait.\n2. Stop\n   - now\n"
    )
    text = markdown.read(source)
    (steps,) = text.blocks
    assert (steps.kind, steps.level) == (BlockKind.LIST, 1)
    assert [child.kind for child in steps.children[0].children] == [
        BlockKind.PARAGRAPH,
        BlockKind.CODE,
        BlockKind.PARAGRAPH,
    ]
    assert blocks_of(text, BlockKind.CODE) == ["   ```bash\n   kubectl get pods\n   ```"]
    assert blocks_of(text, BlockKind.ITEM)[1:] == ["2. Stop\n   - now", "   - now"]


def test_table_rows_are_children_header_first() -> None:
    """Each row is a line; the line of dashes belongs to none."""
    text = markdown.read("| a | b |\n|---|---|\n| c | `d` |\n| e<br>f | g |\n")
    assert blocks_of(text, BlockKind.ROW) == ["| a | b |", "| c | `d` |", "| ef | g |"]


def test_indented_code_is_left_alone() -> None:
    """What only a parser knows to be code keeps its comments too."""
    source = "Para\n\n    <!-- kept -->\n    {{< kept >}}\n\n<!-- gone -->\n"
    text = markdown.read(source)
    assert blocks_of(text, BlockKind.CODE) == ["    <!-- kept -->\n    {{< kept >}}"]
    assert masked(text) == ["<!-- gone -->"]


def test_a_fence_ended_by_its_list_hides_nothing_after_it() -> None:
    """Comments behind a fence that its list item ended are still masked."""
    text = markdown.read("- x\n  ```\n  code\n\nafter\n\n<!-- gone -->\n")
    assert masked(text) == ["<!-- gone -->"]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("a <!-- b --> c", "a  c"),
        ("`<!-- b -->`", "`<!-- b -->`"),
        ("``a ` <br>`` <br>", "``a ` <br>`` "),
        ("a ```<br>``` b", None),
        ("a ``` b\nc <br> ``` d", None),
        ("\\`<br>\\`", "\\`\\`"),
        ('The {{< glossary_tooltip text="Pods" term_id="pod" >}} run', "The Pods run"),
        ("A {{<glossary_tooltip term_id='pod'>}}.", "A pod."),
        ('{{< glossary_tooltip\n  text="Pods"\n  term_id="pod" >}} run', "Pods run"),
        ('v{{< param "version" >}} and {{< skew currentVersion >}}', "v and "),
        ('## {{% heading "prerequisites" %}}', "## prerequisites"),
        ("## Title {#id}", "## Title"),
        ("{{ .Values.x }} {{ $labels.pod }} {{range .items}}", None),
        ("{{</* note */>}}", None),
        ("kubectl describe <pod-name> <node> <object>", None),
        ("1 < 2 and 3 > 2, <https://example.org>", None),
        ("{% include x.html %}", ""),
        ("{{/* hugo */}}", ""),
        ("x <kbd>Ctrl</kbd> y", "x Ctrl y"),
        ("> [!NOTE]\n> words", "> \n> words"),
        ("text <script>let hidden = 1</script> more", "text  more"),
        ('{{< figure src="/a.svg" caption="Figure 1." link="x" >}}', "Figure 1."),
        ('{{% tab name="Linux" %}}', "Linux"),
        (":::tip Save often\nDo.\n:::", "Save often\nDo.\n"),
        ("[^1]: Foot", None),
        ("{{< unclosed", None),
    ],
)
def test_what_is_shown(source, seen):  # type: ignore[no-untyped-def]
    """Marks of site generators go, the words they stand for and templates stay."""
    assert visible_text(source) == (source if seen is None else seen)


def test_lines_of_marks_part_what_stands_around_them() -> None:
    """A shortcode, comment or tab above a paragraph is no part of it; pairs leave their text."""
    source = (
        "before\n{{< note >}}\nThe note.\n{{< /note >}}\nafter\n<!-- x -->\nlast\n"
        '{{% tab name="Linux" %}}\nrun\n{{% /tab %}}\n{{< comment >}}\nno\n\nno\n{{< /comment >}}\n'
    )
    paragraphs = blocks_of(markdown.read(source), BlockKind.PARAGRAPH)
    assert paragraphs == ["before", "The note.", "after", "last", "Linux", "run"]


def test_an_inline_shortcode_alone_on_a_line_stays_in_its_paragraph() -> None:
    """A wrapped line that is only a glossary term does not end the paragraph."""
    text = markdown.read('We run\n{{< glossary_tooltip text="Pods" >}}\non nodes.\n')
    assert blocks_of(text, BlockKind.PARAGRAPH) == ["We run\nPods\non nodes."]


def test_code_between_shortcodes_is_code() -> None:
    """Highlight, diagrams and tabs of code keep their lines, comments and all."""
    source = "{{< highlight yaml >}}\na: <b>\n\n# x\n{{< /highlight >}}\n\ntext\n"
    text = markdown.read(source)
    assert blocks_of(text, BlockKind.CODE) == ["a: <b>\n\n# x"]
    tab = markdown.read('{{< tab name="x86" codelang="bash" >}}\ncurl x\n{{< /tab >}}\n')
    assert blocks_of(tab, BlockKind.CODE) == ["x86\ncurl x"]


def test_html_blocks_keep_their_words() -> None:
    """Tags go, text stays; blocks of tags alone are none."""
    source = (
        "<details>\n<summary>More</summary>\n\nHidden part.\n\n</details>\n\n"
        "<table><tr><td>x</td></tr></table>\n"
    )
    text = markdown.read(source)
    assert blocks_of(text, BlockKind.PARAGRAPH) == ["More", "Hidden part.", "x"]


def test_breaks_and_link_definitions_are_masked() -> None:
    """What lies between blocks and is not blank is never shown."""
    text = markdown.read("a\n\n***\n\nb [x][y]\n\n[y]: https://example.org 'title'\n")
    assert masked(text) == ["***", "[y]: https://example.org 'title'"]


def test_mdx_loses_its_program() -> None:
    """Imports, exports and components are masked in MDX only."""
    source = "import X from 'y'\n\n<Tabs>\n\nwords\n\n</Tabs>\n"
    assert blocks_of(markdown.read(source, jsx=True), BlockKind.PARAGRAPH) == ["words"]
    assert "import X" in visible_text(source)


def test_generated_markdown_hides_nothing() -> None:
    """Text of an HTML page that looks like a comment or tag was visible there."""
    text = markdown.read_generated("# T\n\n<!-- x --> {{< y >}} <b>\n", "Given")
    assert text.title == "Given"
    assert blocks_of(text, BlockKind.PARAGRAPH) == ["<!-- x --> {{< y >}} <b>"]


def test_offsets_count_code_points() -> None:
    """Characters outside the basic plane and combining marks count as one each."""
    text = markdown.read("# \U0001f642 \U0001d4b3\n\nq\u0323\u0307 x\n")
    assert [text.text[b.start : b.end] for b in text.blocks] == [
        "# \U0001f642 \U0001d4b3",
        "q\u0323\u0307 x",
    ]
    assert kinds(text) == ["heading", "paragraph"]
