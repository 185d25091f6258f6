"""One page of a PDF: its visible lines with their places, and what of it cannot be seen."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ctypes import (
    POINTER,
    byref,
    c_double,
    c_float,
    c_int,
    c_uint,
    c_ushort,
    cast,
    create_string_buffer,
)
from ctypes import addressof as _addressof
from dataclasses import dataclass, field, replace
from math import hypot
from typing import Any, NamedTuple

import pypdfium2 as pdfium  # type: ignore[import-untyped] # it says nothing of types
from pypdfium2 import raw

from answerable.domain.documents import FindingKind

OBJECTS_MAX = 50_000
"""Of one page; of more, nobody says what is hidden."""
FORM_DEPTH_MAX = 6
TINY_POINTS = 0.6
WHITE_MIN = 250
SCAN_SHARE = 0.5
"""Of a page, that an image covers when the page is a scan."""

_BOLD_MIN = 600
_FORCE_BOLD = 1 << 18
_BOLD = re.compile(rb"bold|black|heavy|demi|medi\b|cmbx", re.IGNORECASE)
_NAME_BYTES = 128


class Box(NamedTuple):
    """A rectangle in points, from the lower left corner of the page as it is shown."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Return whether two rectangles have a point in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


@dataclass(slots=True)
class Line:
    """A line of text; two, where PDFium joined a word that was broken between them.

    Attributes:
        left, right: Where its first letter begins and its last one ends, in points.
        base, end: How high the first and the last letter stand.
        size: Of its letters, in points.
    """

    text: str
    left: float
    right: float
    base: float
    end: float
    size: float
    is_bold: bool


@dataclass(slots=True)
class Page:
    """What was read of a page.

    Attributes:
        number: From 1.
        is_drawn: Whether an image or drawing is on it.
    """

    number: int
    height: float
    lines: list[Line] = field(default_factory=list)
    findings: Counter[FindingKind] = field(default_factory=Counter)
    is_drawn: bool = False


def read(document: pdfium.PdfDocument, index: int) -> Page:
    """Return a page; one that is damaged has no lines."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return Page(number=index + 1, height=1.0)
    try:
        return _read(page, index + 1)
    finally:
        page.close()


def _read(page: pdfium.PdfPage, number: int) -> Page:
    box = Box(*page.get_bbox())
    result = Page(number=number, height=max(1.0, box.top - box.bottom))
    try:
        textpage = page.get_textpage()
    except pdfium.PdfiumError:
        return result
    try:
        seen = _Objects(page, box)
        result.is_drawn = bool(seen.images or seen.paths)
        result.lines, hidden = _lines(textpage, seen.hidden, box)
        is_scan = not result.lines and seen.covered >= SCAN_SHARE
        if is_scan and hidden[FindingKind.INVISIBLE]:
            layer = {a: k for a, k in seen.hidden.items() if k is not FindingKind.INVISIBLE}
            result.lines, hidden = _lines(textpage, layer, box)
            hidden[FindingKind.SCAN_TEXT] = 1
        if not result.lines and seen.images:
            hidden[FindingKind.NO_TEXT] = 1
        result.findings = hidden
    finally:
        textpage.close()
    return result


def _lines(
    textpage: Any, hidden: Mapping[int, FindingKind], box: Box
) -> tuple[list[Line], Counter[FindingKind]]:
    """Return the lines of a page without the letters of these objects, and how many those are."""
    count = raw.FPDFText_CountChars(textpage.raw)
    counts: Counter[FindingKind] = Counter()
    if count <= 0:
        return [], counts
    if hidden:
        text, places = _seen_letters(textpage, count, hidden, counts)
    else:
        text, places = _all_letters(textpage, count)
    ruler = _Ruler(textpage)
    lines, at = [], 0
    for words in text.split("\n"):
        units = len(words.encode("utf-16-le", "surrogatepass")) // 2
        if words.strip():
            line = ruler.line(words, places[at : at + units])
            if not _is_inside(line, box):
                line = ruler.inside(words, places[at : at + units], box)
                counts[FindingKind.OFF_PAGE] += _letters(words) - _letters(line.text)
            lines += [line] if line.text.strip() else []
        at += units + 1
    return lines, counts


def _letters(words: str) -> int:
    return sum(1 for char in words if not char.isspace())


def _is_inside(line: Line, box: Box) -> bool:
    """Return whether both ends of a line lie on the page, give or take a letter."""
    slack = line.size
    return (
        box.left - slack <= line.left
        and line.right <= box.right + slack
        and box.bottom - slack <= min(line.base, line.end)
        and max(line.base, line.end) <= box.top
    )


def _all_letters(textpage: Any, count: int) -> tuple[str, Sequence[int]]:
    """Return the text of a page and the number of the letter of each of its units."""
    buffer = create_string_buffer(2 * (count + 1))
    pointer = cast(buffer, POINTER(c_ushort))
    written = raw.FPDFText_GetText(textpage.raw, 0, count, pointer) - 1
    units = array("H", buffer.raw[: 2 * max(0, written)])
    places: Sequence[int] = range(written)
    if written != count:  # letters nobody can name are left out
        index_of = raw.FPDFText_GetCharIndexFromTextIndex
        places = [index_of(textpage.raw, unit) for unit in range(written)]
    return _joined(units, places)


def _seen_letters(
    textpage: Any, count: int, hidden: Mapping[int, FindingKind], counts: Counter[FindingKind]
) -> tuple[str, Sequence[int]]:
    units, places = array("H"), []
    for index in range(count):
        unit = raw.FPDFText_GetUnicode(textpage.raw, index)
        owner = raw.FPDFText_GetTextObject(textpage.raw, index)
        kind = hidden.get(_address(owner)) if owner else None
        if kind is not None:
            counts[kind] += unit > 32  # noqa: PLR2004 -- white space is not seen anyway
        elif 0 < unit <= 0xFFFF:  # noqa: PLR2004 -- UTF-16
            units.append(unit)
            places.append(index)
    return _joined(units, places)


def _joined(units: array[int], places: Sequence[int]) -> tuple[str, Sequence[int]]:
    """Return units of UTF-16 as text with one line feed for each line break."""
    kept = [place for place, unit in enumerate(units) if unit != 13]  # noqa: PLR2004 -- CR
    if len(kept) != len(units):
        units = array("H", [units[place] for place in kept])
        places = [places[place] for place in kept]
    return units.tobytes().decode("utf-16-le", "replace"), places


class _Ruler:
    """Measures letters of a page as it is shown."""

    def __init__(self, textpage: Any) -> None:
        self._raw = textpage.raw
        self._numbers = [c_double() for _ in range(4)]
        self._matrix = raw.FS_MATRIX()
        self._name = create_string_buffer(_NAME_BYTES)
        self._flags = c_int()

    def line(self, words: str, places: Sequence[int]) -> Line:
        """Return the line of these letters, as many as there are places."""
        first, last = _ends(words)
        left, _ = self._edges(places[first])
        _, right = self._edges(places[last])
        middle = places[(first + last) // 2]
        return Line(
            text=words,
            left=left,
            right=right,
            base=self._base(places[first]),
            end=self._base(places[last]),
            size=self._size(middle),
            is_bold=self._is_bold(middle),
        )

    def inside(self, words: str, places: Sequence[int], box: Box) -> Line:
        """Return the line of those letters that lie on the page, even in part."""
        kept, left = "", []
        for char, place in zip(words, places, strict=False):
            low, high = self._edges(place)
            if low < box.right and high > box.left and box.bottom < self._base(place) < box.top:
                kept += char
                left.append(place)
        return replace(self.line(kept if left else words, left or places), text=kept)

    def _edges(self, place: int) -> tuple[float, float]:
        left, right, bottom, top = self._numbers
        raw.FPDFText_GetCharBox(
            self._raw, place, byref(left), byref(right), byref(bottom), byref(top)
        )
        return left.value, right.value

    def _base(self, place: int) -> float:
        x, y, *_ = self._numbers
        raw.FPDFText_GetCharOrigin(self._raw, place, byref(x), byref(y))
        return float(y.value)

    def _size(self, place: int) -> float:
        size: float = raw.FPDFText_GetFontSize(self._raw, place)
        if raw.FPDFText_GetMatrix(self._raw, place, byref(self._matrix)):
            size *= hypot(self._matrix.c, self._matrix.d)
        return round(size, 1)

    def _is_bold(self, place: int) -> bool:
        if raw.FPDFText_GetFontWeight(self._raw, place) >= _BOLD_MIN:
            return True
        length = raw.FPDFText_GetFontInfo(
            self._raw, place, self._name, _NAME_BYTES, byref(self._flags)
        )
        is_named = 0 < length <= _NAME_BYTES and bool(_BOLD.search(self._name.value))
        return is_named or bool(self._flags.value & _FORCE_BOLD)


def _ends(words: str) -> tuple[int, int]:
    """Return the places of the first and last letter, counted as `places` are."""
    lead = len(words) - len(words.lstrip())
    tail = len(words.rstrip())
    astral = sum(1 for char in words if char > "\uffff")
    return lead, max(lead, tail - 1 + astral)


class _Objects:
    """What is drawn on a page, and which text objects are not seen.

    Some programs write every letter as an object of its own: what is asked of each is little,
    and places are asked of those alone that are white.

    Attributes:
        hidden: Why text objects are not seen, by their address; nothing of too many.
    """

    def __init__(self, page: pdfium.PdfPage, box: Box) -> None:
        self._box = box
        self._left = OBJECTS_MAX
        self.images: list[Box] = []
        self.paths: list[Box] = []
        self.hidden: dict[int, FindingKind] = {}
        self._white: list[tuple[int, Box]] = []
        self._edges = [c_float() for _ in range(4)]
        self._colours = [c_uint() for _ in range(4)]
        self._size = c_float()
        self._matrix = raw.FS_MATRIX()
        self._to_colours = [byref(one) for one in self._colours]
        self._to_size, self._to_matrix = byref(self._size), byref(self._matrix)
        count = raw.FPDFPage_CountObjects(page.raw)
        objects = (raw.FPDFPage_GetObject(page.raw, place) for place in range(count))
        self._look(objects, _IDENTITY, 0)
        self._judge_white()

    @property
    def covered(self) -> float:
        """The share of the page that its largest image covers."""
        area = (self._box.right - self._box.left) * (self._box.top - self._box.bottom)
        sizes = ((one.right - one.left) * (one.top - one.bottom) for one in self.images)
        return max(sizes, default=0.0) / max(1.0, area)

    def _look(self, objects: Iterator[Any], matrix: _Matrix, depth: int) -> None:
        for one in objects:
            self._left -= 1
            if self._left <= 0:
                self.hidden.clear()
                return
            kind = raw.FPDFPageObj_GetType(one)
            if kind == raw.FPDF_PAGEOBJ_TEXT:
                self._look_at_text(one, matrix)
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < FORM_DEPTH_MAX:
                count = raw.FPDFFormObj_CountObjects(one)
                below = (raw.FPDFFormObj_GetObject(one, place) for place in range(max(0, count)))
                self._look(below, _within(self._matrix_of(one), matrix), depth + 1)
            elif kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING):
                self.images.append(self._bounds(one, matrix))
            elif kind == raw.FPDF_PAGEOBJ_PATH:
                self.paths.append(self._bounds(one, matrix))

    def _look_at_text(self, one: Any, matrix: _Matrix) -> None:
        if raw.FPDFTextObj_GetTextRenderMode(one) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            self.hidden[_address(one)] = FindingKind.INVISIBLE
            return
        raw.FPDFTextObj_GetFontSize(one, self._to_size)
        if raw.FPDFPageObj_GetMatrix(one, self._to_matrix):
            scale = abs(self._matrix.c) + abs(self._matrix.d)
            if matrix is not _IDENTITY:
                scale = hypot(*_within(self._matrix_of(one), matrix)[2:4])
            if abs(self._size.value) * scale < TINY_POINTS:
                self.hidden[_address(one)] = FindingKind.TINY
                return
        if raw.FPDFPageObj_GetFillColor(one, *self._to_colours):
            red, green, blue, alpha = self._colours
            if alpha.value == 0:
                self.hidden[_address(one)] = FindingKind.INVISIBLE
            elif red.value >= WHITE_MIN and green.value >= WHITE_MIN and blue.value >= WHITE_MIN:
                self._white.append((_address(one), self._bounds(one, matrix)))

    def _judge_white(self) -> None:
        """Hide white text that lies on nothing: what is drawn may give it a ground."""
        if self._left <= 0:
            return
        grounds = (*self.images, *self.paths)
        for address, box in self._white:
            if not any(box.meets(ground) for ground in grounds):
                self.hidden[address] = FindingKind.SAME_COLOUR

    def _bounds(self, one: Any, matrix: _Matrix) -> Box:
        left, bottom, right, top = self._edges
        if not raw.FPDFPageObj_GetBounds(one, *map(byref, (left, bottom, right, top))):
            return self._box
        return _moved(Box(left.value, bottom.value, right.value, top.value), matrix)

    def _matrix_of(self, one: Any) -> _Matrix:
        if not raw.FPDFPageObj_GetMatrix(one, self._to_matrix):
            return _IDENTITY
        it = self._matrix
        return it.a, it.b, it.c, it.d, it.e, it.f


_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _within(inner: _Matrix, outer: _Matrix) -> _Matrix:
    """Return what both do, the inner one first."""
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _moved(box: Box, matrix: _Matrix) -> Box:
    if matrix is _IDENTITY:
        return box
    a, b, c, d, e, f = matrix
    corners = [(x, y) for x in (box.left, box.right) for y in (box.bottom, box.top)]
    xs = [a * x + c * y + e for x, y in corners]
    ys = [b * x + d * y + f for x, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _address(handle: Any) -> int:
    """Return where an object lies: two handles of it are not equal in Python."""
    return _addressof(handle.contents)
