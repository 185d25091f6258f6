"""Where a span stands in the original, in words."""

from __future__ import annotations

import pytest

from answerable.domain.documents import Finding, FindingKind, Landmark, LandmarkKind
from answerable.library.landmarks import begins, in_words, label, whereabouts

PAGES = tuple(Landmark(10 * n, LandmarkKind.PAGE, n + 1) for n in range(4))
SHEETS = (
    Landmark(0, LandmarkKind.SHEET, 1, "Sales"),
    Landmark(5, LandmarkKind.ROW, 1),
    Landmark(10, LandmarkKind.ROW, 14),
    Landmark(20, LandmarkKind.ROW, 15),
    Landmark(30, LandmarkKind.SHEET, 2),
    Landmark(30, LandmarkKind.ROW, 1),
    Landmark(40, LandmarkKind.ROW, 20),
)


@pytest.mark.parametrize(
    ("landmarks", "span", "words"),
    [
        ((), (0, 5), ""),
        ((Landmark(3, LandmarkKind.PAGE, 1),), (0, 2), ""),
        (PAGES, (0, 5), "page 1"),
        (PAGES, (9, 10), "page 1"),
        (PAGES, (10, 11), "page 2"),
        (PAGES, (15, 31), "pages 2-4"),
        (PAGES, (15, 30), "pages 2-3"),
        (PAGES, (35, 99), "page 4"),
        ((Landmark(0, LandmarkKind.SLIDE, 3),), (1, 2), "slide 3"),
        (SHEETS, (0, 3), "Sales"),
        (SHEETS, (10, 12), "Sales, row 14"),
        (SHEETS, (10, 25), "Sales, rows 14-15"),
        (SHEETS, (22, 45), "Sales, row 15"),
        (SHEETS, (33, 35), "sheet 2, row 1"),
        (SHEETS, (40, 41), "sheet 2, row 20"),
        ((Landmark(0, LandmarkKind.ROW, 2),), (0, 1), "row 2"),
    ],
)
def test_places_in_words(
    landmarks: tuple[Landmark, ...], span: tuple[int, int], words: str
) -> None:
    """The page, slide or row a span begins in, and the one it ends in."""
    assert whereabouts(landmarks, *span) == words


def test_what_begins_in_a_span() -> None:
    """The first place of a span counts, the one behind it does not."""
    assert [label(one) for one in begins(PAGES, 10, 30)] == ["page 2", "page 3"]
    assert [label(one) for one in begins(SHEETS, 30, 31)] == ["sheet 2", "row 1"]
    assert list(begins((), 0, 9)) == []


def test_every_finding_has_words() -> None:
    """They count and name, in the singular too, and say nothing else."""
    for kind in FindingKind:
        (one,), (many,) = (in_words([Finding(kind=kind, count=count)]) for count in (1, 1234))
        assert one.startswith("1 ")
        assert many.startswith("1,234 ")
        assert one.split()[1] != many.split()[1]
