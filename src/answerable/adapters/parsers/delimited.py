"""CSV and TSV to a table: each record a row of the source as it stands, the first its header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from answerable.adapters.parsers.lines import Lines
from answerable.domain.documents import Block, BlockKind, Text

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 60
_RECORD_LINES_MAX = 200
_FAILURES_MAX = 20
_SEPARATOR = re.compile(r"sep=([,;|:^~\t ])[ \t]*$", re.IGNORECASE)
_NUMBER = re.compile(r"[ \t]*+[-+]?[$€£]?[ \t]?\d[\d.,:/ %eE+-]*+[ \t]*+$")


class Record(NamedTuple):
    """The lines ``[first, last)`` of a record, and its fields."""

    first: int
    last: int
    fields: Sequence[str]


def read(source: str, suffix: str) -> Text:
    """Return delimited values as a table; records without a header as lines of data.

    A record may have more or fewer fields than its header, and a quote that is never closed
    ends with its line: nothing that a spreadsheet writes is refused.

    Args:
        source: Canonical text.
        suffix: ``.tsv`` or ``.tab`` prefer tabs.
    """
    lines = Lines(source)
    first = _comments(lines)
    delimiter = "\t" if suffix in (".tsv", ".tab") and "\t" in source else ""
    if first < len(lines) and (said := _SEPARATOR.match(lines.rows[first])):
        delimiter = said[1]
        lines.hide(first)
        first += 1
    delimiter = delimiter or _delimiter(lines.rows[first : first + _SAMPLE_LINES])
    blocks = [*lines.block(BlockKind.PARAGRAPH, 0, first)]
    records = [
        record if number < _SAMPLE_LINES else record._replace(fields=())  # of a million rows
        for number, record in enumerate(_records(lines, first, delimiter))
    ]
    if not records:
        return lines.text(blocks)
    title = _titles(records)
    for record in records[:title]:
        blocks += lines.block(BlockKind.PARAGRAPH, record.first, record.last)
    return lines.text([*blocks, *_table(lines, records[title:])])


def _table(lines: Lines, records: Sequence[Record]) -> Sequence[Block]:
    kind = BlockKind.ROW if _is_header(records) else BlockKind.CODE
    rows = [row for one in records for row in lines.block(kind, one.first, one.last)]
    if kind is BlockKind.CODE or not rows:
        return rows
    table = Block(kind=BlockKind.TABLE, start=rows[0].start, end=rows[-1].end, children=tuple(rows))
    return (table,)


def _comments(lines: Lines) -> int:
    """Return the first line that is neither blank nor a comment."""
    for number, row in enumerate(lines.rows):
        if not row.startswith("#") and not lines.is_blank(number):
            return number
    return len(lines)


def _delimiter(rows: Sequence[str]) -> str:
    """Return the character that parts most lines into the same number of fields."""
    best, most = ",", (0, 0)
    for delimiter in _DELIMITERS:
        if counts := Counter(_width(row, delimiter) for row in rows if row):
            width, lines = max(counts.items(), key=lambda entry: (entry[0] > 1, entry[1], entry[0]))
            if width > 1 and (lines, width) > most:
                best, most = delimiter, (lines, width)
    return best


def _width(row: str, delimiter: str) -> int:
    """Return how many fields a line has, as far as quotes in it are closed."""
    if '"' not in row:
        return row.count(delimiter) + 1
    return sum(part.count(delimiter) for part in row.split('"')[::2]) + 1


def _records(lines: Lines, first: int, delimiter: str) -> Iterator[Record]:
    """Give the records with the lines they stand on, blank ones left out.

    A record that goes on over very many lines, or is larger than the reader takes, is a quote
    that nobody closed: its first line is a record by itself. After some of them quotes mean
    nothing in this file, or each would be looked for to its end.
    """
    failures = 0
    while first < len(lines) and failures < _FAILURES_MAX:
        for record in _quoted(lines, first, delimiter):
            first = record.last
            if record.fields:
                yield record
        if first < len(lines):
            yield from _plain(lines, first, first + 1, delimiter)
            first += 1
            failures += 1
    yield from _plain(lines, first, len(lines), delimiter)


def _quoted(lines: Lines, first: int, delimiter: str) -> Iterator[Record]:
    """Give records up to the first that is no good."""
    begin = end = first

    def rows() -> Iterator[str]:
        for number in range(first, len(lines)):
            if number - end > _RECORD_LINES_MAX:
                return
            yield lines.rows[number]

    reader = csv.reader(rows(), delimiter=delimiter)
    try:
        for fields in reader:
            begin, end = end, first + reader.line_num
            if end - begin > 1 and sum(row.count('"') for row in lines.rows[begin:end]) % 2:
                return
            yield Record(begin, end, fields)
    except csv.Error:
        return


def _plain(lines: Lines, first: int, last: int, delimiter: str) -> Iterator[Record]:
    for number in range(first, last):
        if not lines.is_blank(number):
            yield Record(number, number + 1, lines.rows[number].split(delimiter))


def _titles(records: Sequence[Record]) -> int:
    """Return how many records stand before the header: single fields above a wider table."""
    usual = Counter(len(one.fields) for one in records[:_SAMPLE_LINES]).most_common(1)[0][0]
    for number, record in enumerate(records[:5]):
        filled = sum(bool(field.strip()) for field in record.fields)
        if usual < 3 or filled > 1:  # noqa: PLR2004 -- two columns tell nothing
            return number
    return 0


def _is_header(records: Sequence[Record]) -> bool:
    """Return whether the first record names columns: it holds words, and what follows is there."""
    if len(records) < 2:  # noqa: PLR2004 -- a header alone
        return True
    fields = [field for field in records[0].fields if field.strip()]
    return bool(fields) and not all(_NUMBER.match(field) for field in fields)
