"""Spreadsheets to headings and tables: XLSX, XLSM, XLSB, XLS and ODS.

A sheet is a heading; what stands between its blank rows is a table under its header row, or a
line of words. Every row keeps its number. Formulas are what they last came to; macros, charts
and links to other files are left alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import groupby
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from answerable.adapters.parsers import zips
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import Composer
from answerable.domain.documents import FindingKind, LandmarkKind, Text

SHEETS_MAX = 1_000
CELLS_MAX = 4_000_000
"""A sheet is held as a rectangle, whatever little of it is filled."""

_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3})(\d{1,7})\"")
_REPEATED = re.compile(rb"number-(columns|rows)-repeated=\"(\d{1,9})\"")
_WHOLE = 1e15
_HIDDEN = (SheetVisibleEnum.Hidden, SheetVisibleEnum.VeryHidden)

Cell = Any
"""A string, number, boolean, date, time or duration; an empty string where there is nothing."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: tuple[str, ...]
    is_words: bool

    @property
    def filled(self) -> int:
        return sum(1 for cell in self.cells if cell)


def read(data: bytes) -> Text:
    """Return the visible sheets of a workbook.

    Raises:
        Refused: ``malformed``, ``encrypted``, ``unsafe`` when a sheet spans more cells than
            fit in memory, or ``empty``.
    """
    findings: Counter[FindingKind] = Counter()
    if data.startswith(b"PK"):
        _look_at(zips.Archive(data), findings)
    composer = Composer()
    for number, name, rows in _sheets(data, findings):
        composer.mark(LandmarkKind.SHEET, number, name)
        composer.heading(name, 1)
        _write(rows, composer)
    text = composer.text(None, findings)
    if not any(block.children or block.level == 0 for block in text.blocks):
        raise Refused("empty", "its sheets hold nothing")
    return text


def _look_at(archive: zips.Archive, findings: Counter[FindingKind]) -> None:
    """Refuse what would not fit; count what is left alone."""
    for name in archive.names:
        lower = name.lower()
        findings[FindingKind.MACROS] += lower.endswith("vbaproject.bin")
        findings[FindingKind.EMBEDDED] += "/embeddings/" in lower
        findings[FindingKind.LINKED] += lower.startswith("xl/externallinks/externallink")
        if lower.startswith("xl/worksheets/") and lower.endswith(".xml"):
            _check_span(archive.read(name))
        elif lower == "content.xml":
            _check_repeats(archive.read(name))


def _check_span(sheet: bytes) -> None:
    columns, rows = set(), set()
    for match in _CELL.finditer(sheet):
        columns.add(match[1])
        rows.add(int(match[2]))
    if columns and rows:
        wide = [_column(name) for name in columns]
        _check_cells((max(wide) - min(wide) + 1) * (max(rows) - min(rows) + 1))


def _check_repeats(content: bytes) -> None:
    """Refuse an OpenDocument sheet that says in a few bytes that it is very large."""
    counts = {b"columns": 1, b"rows": 1}
    for match in _REPEATED.finditer(content):
        counts[match[1]] = max(counts[match[1]], int(match[2]))
    # The rest of a sheet is commonly one repeated cell in one repeated row, and is not kept.
    filled = re.findall(rb"number-columns-repeated=\"(\d{1,9})\"[^>]*?value", content)
    filled += re.findall(rb"value[^>]*?number-columns-repeated=\"(\d{1,9})\"", content)
    if filled:
        _check_cells(max(map(int, filled)) * counts[b"rows"])


def _check_cells(cells: int) -> None:
    if cells > CELLS_MAX:
        raise Refused("unsafe", f"a sheet of it spans more than {CELLS_MAX:,} cells")


def _column(name: bytes) -> int:
    number = 0
    for letter in name:
        number = number * 26 + letter - 64
    return number


def _sheets(
    data: bytes, findings: Counter[FindingKind]
) -> Iterator[tuple[int, str, Iterable[_Row]]]:
    """Give number, name and rows of each visible sheet."""
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(data))
        for number, known in enumerate(workbook.sheets_metadata[:SHEETS_MAX], start=1):
            if known.visible in _HIDDEN:
                findings[FindingKind.HIDDEN_PART] += 1
            elif known.typ is SheetTypeEnum.WorkSheet:
                yield number, known.name, _rows(workbook.get_sheet_by_index(number - 1))
    except CalamineError as error:
        raise Refused(*_why(error)) from None


def _why(error: CalamineError) -> tuple[str, str]:
    if "password" in str(error).lower() or "encrypt" in type(error).__name__.lower():
        return "encrypted", "it is protected by a password"
    return "malformed", "its workbook is damaged"


def _rows(sheet: Any) -> Iterator[_Row]:
    height, width = sheet.total_height, sheet.total_width
    _check_cells(height * width)
    for number, row in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        cells = tuple(_shown(cell) for cell in row)
        is_words = all(isinstance(cell, str) for cell in row)
        yield _Row(number, cells, is_words)


def _shown(cell: Cell) -> str:
    """Return a cell as people see it, as far as that can be told without its format."""
    match cell:
        case bool():
            return str(cell).upper()
        case float():
            whole = cell.is_integer() and abs(cell) < _WHOLE
            return str(int(cell)) if whole else f"{cell:.15g}"
        case datetime():
            return cell.isoformat(" ", "seconds").removesuffix(" 00:00:00")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case _:
            return str(cell).strip()


def _write(rows: Iterable[_Row], composer: Composer) -> None:
    """Write the rows of a sheet: tables under their headers, lone cells as words."""
    table: list[_Row] = []
    for is_filled, group in groupby(rows, key=lambda row: row.filled > 0):
        if not is_filled:
            continue
        region = list(group)
        while region and region[0].filled == 1 and _leads(region, table):
            _flush(table, composer)
            composer.mark(LandmarkKind.ROW, region[0].number)
            composer.paragraph(" ".join(region.pop(0).cells))
        if not region:
            continue
        if table and _has_header(region):
            _flush(table, composer)
        table += region
    _flush(table, composer)


def _leads(region: Sequence[_Row], table: Sequence[_Row]) -> bool:
    """Return whether a lone cell stands above a table, or is a remark, not a row of its own."""
    if len(region) > 1 and region[1].filled == 1:
        return False
    return len(region) > 1 or not table or table[0].filled > 1


def _has_header(region: Sequence[_Row]) -> bool:
    """Return whether the first row names the columns: words only, above what is not."""
    return region[0].is_words and any(not row.is_words for row in region[1:])


def _flush(table: list[_Row], composer: Composer) -> None:
    """Write a table and forget it; without a header, the letters of its columns are that."""
    if not table:
        return
    used = sorted({place for row in table for place, cell in enumerate(row.cells) if cell})
    low, high = used[0], used[-1] + 1
    rows = [row.cells[low:high] for row in table]
    marks = [row.number for row in table]
    if not table[0].is_words:
        rows.insert(0, tuple(_letters(place) for place in range(low, high)))
        marks.insert(0, 0)
    composer.table(rows, marks=marks)
    table.clear()


def _letters(place: int) -> str:
    """Return what a column is called, from 0: ``A``, ``Z``, ``AA``."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name
