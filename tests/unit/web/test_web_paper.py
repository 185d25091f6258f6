"""A document on a page is its own text, in order, with exactly the cited span marked."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from fake_app import RUNBOOK, parsed
from hypothesis import given
from hypothesis import strategies as st

from answerable.domain.documents import Block, BlockKind, Landmark, LandmarkKind, Span, Text
from answerable.entrypoints.web import paper
from answerable.library.visible import shown, visible


class Reader(HTMLParser):
    """Collects the text of a page, and what of it is marked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said, self.marked, self.names, self.depth = "", "", 0, 0
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter a mark."""
        self.depth += tag == "mark"
        self.names += ("id", "cite") in attrs

    def handle_endtag(self, tag: str) -> None:
        """Leave a mark."""
        self.depth -= tag == "mark"

    def handle_data(self, data: str) -> None:
        """Keep what is said."""
        self.said += data
        self.marked += data if self.depth else ""


def sheet(text: Text, *, cited: Span | None = None, begin: int | None = None) -> paper.Sheet:
    """Return the page of a text of which everything but its masks may be shown."""
    return paper.sheet(text, visible(text, 0, len(text.text)), begin=begin, cited=cited)


def bare(text: str) -> str:
    """Return a text without white space, which pages may set as they like."""
    return "".join(text.split())


PARTS = st.sampled_from(
    [
        "# Head\n\n", "## Two ##\n\n", "A line of words.\nAnd another.\n\n",
        "- item `a`\n- two\n\n", "<script>alert(1)</script>\n\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n", "```sh\nls <x>\n\nrm\n```\n\n", "<!-- note -->\n\n",
        "Half <!-- cut --> sentence & more.\n\n", "> quoted\n> twice\n\n",
        "``` open `` ` ticks\n\n", "é\u202ex 👩‍🚒 \u0000".replace("\u0000", "") + "\n\n",
    ]
)  # fmt: skip


@given(st.lists(PARTS, max_size=12), st.data())
def test_a_page_says_what_may_be_shown_and_marks_what_is_cited(
    parts: list[str], data: st.DataObject
) -> None:
    """Every visible character stands on the page once, in order; marks hold the span's."""
    text = parsed("".join(parts))
    size = len(text.text)
    start = data.draw(st.integers(0, size))
    cited = Span(start, data.draw(st.integers(start, size)))
    read = Reader(sheet(text, cited=cited).html)
    assert bare(read.said) == bare(shown(text, 0, size))
    assert bare(read.marked) == bare(shown(text, *cited))
    assert read.names == (1 if read.marked else 0) or not bare(read.marked)
    assert read.names <= 1


@st.composite
def trees(draw: st.DrawFn, start: int, end: int, depth: int = 0) -> tuple[Block, ...]:
    """Return blocks inside a range that lie anyhow: touching, with gaps, nested, one character."""
    cuts = sorted(draw(st.lists(st.integers(start, end), max_size=6, unique=True)))
    blocks = []
    for first, last in zip(cuts[::2], cuts[1::2], strict=False):
        kind = draw(st.sampled_from(list(BlockKind)))
        children = draw(trees(first, last, depth + 1)) if depth < 3 else ()
        blocks.append(Block(kind=kind, start=first, end=last, level=1, children=children))
    return tuple(blocks)


@given(st.text(alphabet="ab`#|<&> \n", max_size=40), st.data())
def test_no_way_of_setting_blocks_loses_a_character(body: str, data: st.DataObject) -> None:
    """Whatever a parser says the blocks and masks are, what may be shown is shown, once."""
    size = len(body)
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=6, unique=True)))
    masks = tuple(Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=False))
    text = Text(text=body, title="", blocks=data.draw(trees(0, size)), masks=masks)
    start = data.draw(st.integers(0, size))
    cited = Span(start, data.draw(st.integers(start, size)))
    read = Reader(sheet(text, cited=cited).html)
    assert bare(read.said) == bare(shown(text, 0, size))
    assert bare(read.marked) == bare(shown(text, *cited))


@given(st.lists(PARTS, max_size=12), st.data())
def test_pages_follow_each_other_without_gap(parts: list[str], data: st.DataObject) -> None:
    """Following `after` from the first page reads the whole document once."""
    text = parsed("".join(parts) * 3)
    size = data.draw(st.integers(50, 500))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "WINDOW", size)
        patch.setattr(paper, "_LINE_CHARS", size // 4)
        said = ""
        begin: int | None = 0
        while begin is not None:
            page = sheet(text, begin=begin)
            assert page.end - page.start <= size
            said += Reader(page.html).said
            begin = page.after
    assert bare(said) == bare(shown(text, 0, len(text.text)))


def test_a_quote_inside_a_block_is_marked_to_the_character() -> None:
    """The marks of a quote across a masked range are its pieces, white space included."""
    text = parsed(RUNBOOK)
    start = text.text.index("server is not")
    end = text.text.index(" can be deployed")
    read = Reader(sheet(text, cited=Span(start, end)).html)
    assert read.marked == shown(text, start, end) == "server is not reachable.  Nothing"
    assert read.names == 1


def test_nothing_of_a_document_becomes_markup() -> None:
    """Tags, handlers and links of a document are characters on the page."""
    hostile = '<img src=x onerror=alert(1)> [x](javascript:alert(1)) "><script>x</script> &lt;b&gt;'
    for kind in BlockKind:
        block = Block(kind=kind, start=0, end=len(hostile), level=1)
        html = sheet(Text(text=hostile, title="", blocks=(block,))).html
        assert "<img" not in html
        assert "<script" not in html
        assert "href" not in html
        assert Reader(html).said.strip() == hostile
    for unit in ("sentence", "code", "rows", "list"):
        assert "<script" not in paper.quoted(unit, hostile)
        assert Reader(paper.quoted(unit, hostile)).said.strip() == hostile


@pytest.mark.parametrize(
    "line",
    ["`" * 50_000, " " * 50_000 + "#", "`a" * 25_000, "=" * 50_000, "> " * 25_000, "\n" * 50_000],
)
@pytest.mark.parametrize("kind", list(BlockKind))
def test_a_hostile_line_costs_no_more_than_another(kind: BlockKind, line: str) -> None:
    """No text makes setting a page slow: four times as long takes about four times as long."""

    def took(text: str) -> float:
        block = Block(kind=kind, start=0, end=len(text), level=2)
        began = time.process_time()
        sheet(Text(text=text, title="", blocks=(block,)), cited=Span(10, 20))
        return time.process_time() - began

    part = max(took(line[: len(line) // 4]) for _ in range(3))
    whole = min(took(line) for _ in range(3))
    assert whole < 10 * part


def test_a_large_document_is_cut_around_the_quote() -> None:
    """Of five megabytes one page is set, which holds the quote; cheaply."""
    text = parsed("# Big\n\n" + "A line of words.\n" * 300 + "\n")
    paragraph = "One more line of the text.\n" * 40 + "\n"
    body = text.text + paragraph * 5_000
    blocks = [*text.blocks]
    for number in range(5_000):
        start = len(text.text) + number * len(paragraph)
        blocks.append(Block(kind=BlockKind.PARAGRAPH, start=start, end=start + len(paragraph) - 2))
    big = Text(text=body, title="Big", blocks=tuple(blocks))
    cited = Span(4_000_000, 4_000_100)
    began = time.process_time()
    page = sheet(big, cited=cited)
    assert time.process_time() - began < 1
    assert bare(Reader(page.html).marked) == bare(body[cited.start : cited.end])
    assert page.end - page.start <= paper.WINDOW
    assert page.before is not None
    assert page.after is not None
    assert len(page.html) < 3 * paper.WINDOW


def test_a_block_larger_than_a_page_is_cut_too() -> None:
    """One endless line is shown in windows as anything else."""
    line = "x" * 200_000
    text = Text(
        text=line, title="", blocks=(Block(kind=BlockKind.PARAGRAPH, start=0, end=len(line)),)
    )
    page = sheet(text, cited=Span(150_000, 150_010))
    assert Reader(page.html).marked == "x" * 10
    assert page.end - page.start == paper.WINDOW


def test_pages_and_rows_are_signed_where_they_begin() -> None:
    """A sign stands before their first character; its words are no words of the document."""
    body = "First page.\n\nGoes on over the edge.\n"
    blocks = tuple(
        Block(kind=BlockKind.PARAGRAPH, start=start, end=end) for start, end in ((0, 11), (13, 35))
    )
    marks = (
        Landmark(0, LandmarkKind.PAGE, 1),
        Landmark(26, LandmarkKind.PAGE, 2),
        Landmark(26, LandmarkKind.SHEET, 1, '<"&>'),
    )
    text = Text(text=body, title="", blocks=blocks, landmarks=marks)
    html = str(sheet(text, cited=Span(18, 30)).html)
    assert '<span class="landmark" data-landmark="page 1"></span>First' in html
    assert 'data-landmark="page 2"></span><span class="landmark" data-landmark="&lt;' in html
    read = Reader(html)
    assert bare(read.said) == bare(body)
    assert read.marked == body[18:30]
    assert read.names == 1
