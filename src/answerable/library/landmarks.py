"""Where a span stands in the original: on which page, slide or row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from answerable.domain.documents import Finding, FindingKind, Landmark, LandmarkKind

# What counts are counts of, one and many, and what is said of them.
_FINDINGS = {
    FindingKind.HIDDEN: ("character", "characters", "marked as hidden"),
    FindingKind.INVISIBLE: ("character", "characters", "drawn invisibly"),
    FindingKind.SAME_COLOUR: ("character", "characters", "in the colour of their background"),
    FindingKind.TINY: ("character", "characters", "too small to be seen"),
    FindingKind.OFF_PAGE: ("character", "characters", "outside what is shown"),
    FindingKind.SCAN_TEXT: ("page", "pages", "scanned, read by the text layer they came with"),
    FindingKind.NO_TEXT: ("page", "pages", "of images only: not read, OCR is needed"),
    FindingKind.RECOGNISED: ("page", "pages", "scanned, recognised by OCR: words may be wrong"),
    FindingKind.HIDDEN_PART: ("sheet or slide", "sheets or slides", "hidden: not read"),
    FindingKind.MACROS: ("part", "parts", "with macros: never run"),
    FindingKind.EMBEDDED: ("file", "files", "embedded: not read"),
    FindingKind.LINKED: ("part", "parts", "elsewhere: never fetched"),
}


def whereabouts(landmarks: Sequence[Landmark], start: int, end: int) -> str:
    """Return where ``[start, end)`` stands, in words; empty where there is no landmark.

    ``page 12``, ``pages 12-13``, ``slide 3``, ``Sales, row 14``, ``Sales, rows 14-16``.
    """
    first = _at(landmarks, start)
    if first is None:
        return ""
    last = _at(landmarks, max(start, end - 1)) or first
    if first.kind is not LandmarkKind.ROW:
        return _span(first, last)
    sheet = _sheet(landmarks, start)
    if any(one.kind is LandmarkKind.SHEET for one in begins(landmarks, start + 1, end)):
        last = first
    return f"{label(sheet)}, {_span(first, last)}" if sheet else _span(first, last)


def begins(landmarks: Sequence[Landmark], start: int, end: int) -> Sequence[Landmark]:
    """Return the landmarks in ``[start, end)``."""
    low = bisect_left(landmarks, start, key=_offset)
    return landmarks[low : bisect_left(landmarks, end, lo=low, key=_offset)]


def label(landmark: Landmark) -> str:
    """Return what a place is called, without the one around it: ``page 12``, ``row 14``."""
    return landmark.name or f"{landmark.kind.value} {landmark.number}"


def in_words(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return each finding in words: ``312 characters drawn invisibly``."""
    return tuple(_worded(finding) for finding in findings)


def _worded(finding: Finding) -> str:
    one, many, what = _FINDINGS[finding.kind]
    return f"{finding.count:,} {one if finding.count == 1 else many} {what}"


def _offset(landmark: Landmark) -> int:
    return landmark.offset


def _at(landmarks: Sequence[Landmark], offset: int) -> Landmark | None:
    """Return the last landmark at or before an offset."""
    place = bisect_right(landmarks, offset, key=_offset)
    return landmarks[place - 1] if place else None


def _sheet(landmarks: Sequence[Landmark], offset: int) -> Landmark | None:
    """Return the sheet around a row."""
    place = bisect_right(landmarks, offset, key=_offset)
    above = reversed(landmarks[:place])  # a sheet may have very many rows
    return next((one for one in above if one.kind is LandmarkKind.SHEET), None)


def _span(first: Landmark, last: Landmark) -> str:
    if last.kind is not first.kind or last.number <= first.number or first.name or last.name:
        return label(first)
    return f"{first.kind.value}s {first.number}-{last.number}"
