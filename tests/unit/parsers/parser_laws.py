"""What holds for every text a parser gives, whatever the document; and documents to try it on."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from hypothesis import strategies as st

from answerable.domain.documents import Block, BlockKind, Chunk, Span, Text
from answerable.library.visible import shown, visible

CONTAINERS = {BlockKind.LIST, BlockKind.ITEM, BlockKind.TABLE, BlockKind.QUOTE}


def assert_lawful(text: Text) -> None:
    """Check the promises of `Text` and `Block`."""
    source = text.text
    assert "\r" not in source
    assert "\0" not in source
    assert unicodedata.is_normalized("NFC", source)
    at = -1
    for mask in text.masks:
        assert at < mask.start < mask.end <= len(source)
        at = mask.end
    _assert_nested(text, text.blocks, 0, len(source))
    edges = [0, *(edge for block in text.blocks for edge in (block.start, block.end)), len(source)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        assert not shown(text, start, end).strip(), (start, end)


def _assert_nested(text: Text, blocks: Sequence[Block], start: int, end: int) -> None:
    at = start
    for block in blocks:
        assert at <= block.start < block.end <= end
        assert block.start == 0 or text.text[block.start - 1] == "\n"
        assert block.end == len(text.text) or text.text[block.end] == "\n"
        assert shown(text, block.start, block.end).strip()
        assert not block.children or block.kind in CONTAINERS
        _assert_nested(text, block.children, block.start, block.end)
        at = block.end


def assert_split(text: Text, chunks: Sequence[Chunk], chars: int) -> None:
    """Check the promises of `split`."""
    at = 0
    for number, chunk in enumerate(chunks):
        assert chunk.ordinal == number
        assert at <= chunk.start < chunk.end <= len(text.text)
        assert not shown(text, at, chunk.start).strip()
        assert shown(text, chunk.start, chunk.end).strip()
        at = chunk.end
    assert not shown(text, at, len(text.text)).strip()
    cuts = {edge for chunk in chunks for edge in (chunk.start, chunk.end)}
    for block in text.blocks:
        _assert_whole(text, block, cuts, chars)
    for chunk in chunks:
        _assert_one_section(text, chunk)


def _assert_whole(text: Text, block: Block, cuts: set[int], chars: int) -> None:
    size = sum(span.end - span.start for span in visible(text, block.start, block.end))
    if size <= chars:
        inside = [cut for cut in cuts if block.start < cut < block.end]
        for cut in inside:  # white space at the end of a block may be left out
            assert not (
                shown(text, block.start, cut).strip() and shown(text, cut, block.end).strip()
            ), (block.kind, cut)
    for child in block.children:
        _assert_whole(text, child, cuts, chars)


def _assert_one_section(text: Text, chunk: Chunk) -> None:
    """In a chunk, headings come before all else, each below the one before."""
    inside = [b for b in text.blocks if b.start < chunk.end and b.end > chunk.start]
    kinds = [block.kind is BlockKind.HEADING for block in inside]
    assert kinds == sorted(kinds, reverse=True)
    levels = [block.level for block in inside if block.kind is BlockKind.HEADING]
    assert levels == sorted(set(levels))


def blocks_of(text: Text, kind: BlockKind) -> list[str]:
    """Return what is shown of each block of a kind, at any depth, in order."""
    return [shown(text, b.start, b.end) for b in _walk(text.blocks) if b.kind is kind]


def _walk(blocks: Sequence[Block]) -> list[Block]:
    return [found for block in blocks for found in (block, *_walk(block.children))]


def masked(text: Text) -> list[str]:
    """Return what is masked, piece by piece."""
    return [text.text[start:end] for start, end in text.masks]


def spans_of(text: Text) -> list[Span]:
    """Return the spans of the top-level blocks."""
    return [Span(block.start, block.end) for block in text.blocks]


_WORD = st.text(
    alphabet=st.sampled_from(
        "abcXYZ019éß日本\U0001d4b3🙂\u0301\u00a0\t#>|-+*_`~<>{}[]()!:.=/\\'\"&%$ "
    ),
    min_size=1,
    max_size=24,
)
_PROSE = st.sampled_from(
    [
        "A plain sentence.",
        "Two of them. The second one: with `code` and <pod-name>.",
        "Wrapped\nover lines",
        'See {{< glossary_tooltip text="Pods" term_id="pod" >}} for more',
        "before <!-- hidden --> after",
        "`<!-- code -->` and {{ .Values.name }}",
        "x<br>y",
        "🙂 astral \U0001d4b3, combining e\u0301, tab\there",
        "unbalanced `` tick ` and {{< open",
        "Run this:",
        "",
    ]
)
_FENCED = st.sampled_from(
    [
        "```bash\nkubectl get pods\n\n# not a heading\n```",
        "~~~\n```\nnested <!-- kept -->\n```\n~~~",
        "````md\n```\n{{< note >}}\n```\n````",
        "```\nnever closed",
        "    indented <!-- kept -->\n    {{< kept >}}",
        "{{< highlight yaml >}}\na: <b>\n{{< /highlight >}}",
    ]
)
_TABLE = st.sampled_from(
    ["| a | b |\n|---|---|\n| c | <br>d |\n| {{< skew x >}} |", "a | b\n--|--\n1 | 2"]
)
_HEADING = st.builds(
    lambda level, words, tail: "#" * level + " " + words + tail,
    st.integers(1, 6),
    st.sampled_from(["Title", "Same", "`Code` & more", '{{% heading "objectives" %}}', ""]),
    st.sampled_from(["", " {#anchor}", " ##"]),
)
_MARK = st.sampled_from(
    [
        "<!-- one line -->",
        "<!--\nmore\n\nlines\n-->",
        "{{< note >}}",
        "{{< /note >}}",
        '{{% tab name="Linux" %}}',
        "{{< comment >}}\nhidden\n{{< /comment >}}",
        "{% include x %}",
        "<details>\n<summary>More</summary>",
        "</details>",
        "<table>\n<tr><td>cell</td></tr>\n</table>",
        "<script>\nalert(1)\n</script>",
        ":::note Title",
        ":::",
        "---",
        "[ref]: https://example.org",
        "[^1]: Footnote",
        "<!-- never closed",
        "Setext\n======",
    ]
)


def _indented(prefix: str, body: str) -> str:
    first, *rest = body.split("\n")
    return "\n".join([prefix + first, *(" " * len(prefix) + line for line in rest)])


def _within(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    listed = st.builds(_indented, st.sampled_from(["- ", "1. ", "* ", "10) "]), inner)
    quoted = inner.map(lambda body: "> " + body.replace("\n", "\n> "))
    return st.one_of(listed, quoted, st.builds("{}\n{}".format, listed, listed))


_PIECE = st.one_of(_PROSE, _WORD, _FENCED, _TABLE, _HEADING, _MARK)
_NESTED = st.recursive(_PIECE, _within, max_leaves=4)
_FRONT = st.sampled_from(["", '---\ntitle: "Front: x"\n---\n', "+++\ntitle = 'T'\n+++\n", "---\n"])
_JOIN = st.sampled_from(["\n", "\n\n", "\n\n\n", "\n \n"])


@st.composite
def markdown_sources(draw: st.DrawFn) -> str:
    """Documents put together from what Markdown pages hold, well and badly nested."""
    source = draw(_FRONT)
    for piece in draw(st.lists(_NESTED, max_size=8)):
        source += piece + draw(_JOIN)
    return source
