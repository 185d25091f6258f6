"""What of a web page nobody sees: letters by the look they inherit, not all that lies below."""

from __future__ import annotations

from time import process_time

import pytest

from answerable.adapters.parsers import html
from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import FindingKind

HIDDEN, TINY, SAME = FindingKind.HIDDEN, FindingKind.TINY, FindingKind.SAME_COLOUR


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ('<div style="font-size:0">gone<p style="font-size:14px">kept</p></div>', TINY),
        ('<div style="font-size:0">gone<p style="font-size:small">kept</p></div>', TINY),
        ('<div style="visibility:hidden">gone<p style="visibility:visible">kept</p></div>', HIDDEN),
        (
            '<div style="visibility:hidden"><p>gone</p><b style="visibility:visible">kept</b>',
            HIDDEN,
        ),
        ('<div style="color:#fff">gone<p style="color:#000">kept</p></div>', SAME),
        ('<div style="color:#fff">gone<p style="background:#000">kept</p></div>', SAME),
        ('<div style="color:white">gone<a href="/">kept</a></div>', SAME),
        ('<p style="font-size:0%">gone</p><p style="font-size:90%">kept</p>', TINY),
        ('<div style="font-size:0"><p style="font-size:2em">gone</p></div><p>kept</p>', TINY),
        ('<div style="font-size:2px"><p style="font-size:50%">gone</p>kept</div>', TINY),
        ('<div style="font-size:0"><ul><li>gone</li></ul></div><p>kept</p>', TINY),
        ('<div style="font-size:0"><b class="x">gone</b></div><p>kept</p>', TINY),
    ],
)
def test_children_may_say_otherwise(page: str, kind: FindingKind) -> None:
    """Size, visibility and colour are inherited until an element inside says them anew."""
    text = html.read(f"<body><p>Seen.</p>{page}</body>")
    assert "kept" in text.text
    assert "gone" not in text.text
    assert [(one.kind, one.count) for one in text.findings] == [(kind, 4)]


@pytest.mark.parametrize(
    "page",
    [
        '<style>.x { font-size: 14px }</style><div style="font-size:0"><b class="x">kept</b></div>',
        '<link rel="stylesheet"><div style="background:#fff"><b id="y"><i style="color:#fff">kept',
    ],
)
def test_what_a_style_sheet_may_show_is_kept(page: str) -> None:
    """A class inside what is hidden may have a look of its own: nothing is sure there."""
    text = html.read(f"<body><p>Seen.</p>{page}</body>")
    assert "kept" in text.text
    assert text.findings == ()


def test_what_surrounds_many_is_looked_at_once() -> None:
    """White words far down a tree cost no more than the tree is large."""
    inside = '<i style="color:#fff">a</i>' * 4_000
    page = f"<body>{'<div data-a>' * 400}{inside}{'</div>' * 400}</body>"
    before = process_time()
    with pytest.raises(Refused):
        html.read(page)
    assert process_time() - before < 2


@pytest.mark.parametrize("piece", ["<a", "<a-", "<aaaaaaaaaaaaaaaaaaaaaaaa", "<a / ", "a-b"])
def test_tags_that_never_end_are_counted_in_a_moment(piece: str) -> None:
    """How deep a page is nested is told in one pass over it."""
    before = process_time()
    html._refuse_deep("<a" + piece * 40_000)
    assert process_time() - before < 1


def test_tags_that_close_themselves_nest_nothing() -> None:
    """A slash before the end of a tag leaves the depth as it was."""
    html._refuse_deep("<x-y a='b'/>" * 6_000)
    with pytest.raises(Refused):
        html._refuse_deep("<x-y a='b'>" * 6_000)
