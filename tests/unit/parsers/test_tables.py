"""CSV and TSV to a table: rows as they stand, whatever a spreadsheet wrote; header with each."""

from __future__ import annotations

from time import process_time

import pytest
from parser_laws import assert_lawful, assert_split, blocks_of

from answerable.adapters.parsers import delimited, formats
from answerable.answering.units import UnitKind, units
from answerable.domain.documents import BlockKind
from answerable.library.split import split

ROW, CODE = BlockKind.ROW, BlockKind.CODE


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("a,b\n1,2\n", ["a,b", "1,2"]),
        ("a;b;c\n1,5;2;3\n", ["a;b;c", "1,5;2;3"]),
        ("a\tb\n1\t2\n", ["a\tb", "1\t2"]),
        ("a|b\n1|2\n", ["a|b", "1|2"]),
        ('a,b\n1,"two\n\nlines"\n3,4\n', ["a,b", '1,"two\n\nlines"', "3,4"]),
        ("a,b\n\n1\n1,2,3,4\n,,\n", ["a,b", "1", "1,2,3,4", ",,"]),
        ('a,b\n1,"open\n3,4\n5,6\n', ["a,b", '1,"open', "3,4", "5,6"]),
        ("sep=;\na;b\n1;2\n", ["a;b", "1;2"]),
        ("名前,年齢\n佐藤,30\n", ["名前,年齢", "佐藤,30"]),
    ],
)
def test_rows(source: str, rows: list[str]) -> None:
    """Any delimiter, quotes over lines, ragged and blank rows, a quote that nobody closed."""
    text = delimited.read(source, ".csv")
    assert text.text == source
    assert blocks_of(text, ROW) == rows
    assert_lawful(text)
    assert_split(text, split(text, chars=10), 10)


def test_what_stands_above_a_header() -> None:
    """Comments and a line with the name of the report are no columns."""
    text = delimited.read("# made today\nReport,,\nname,port,up\ndb,1,y\nweb,2,n\n", ".csv")
    assert blocks_of(text, BlockKind.PARAGRAPH) == ["# made today", "Report,,"]
    assert blocks_of(text, ROW) == ["name,port,up", "db,1,y", "web,2,n"]


def test_numbers_are_no_header() -> None:
    """Records without names of columns are lines of data: none of them explains the others."""
    assert blocks_of(delimited.read("1,2\n3,4\n", ".csv"), CODE) == ["1,2", "3,4"]


def test_rows_are_found_and_cited_with_their_header() -> None:
    """A chunk far down names its columns, and so does the quote of a row in it."""
    source = "host,rack,owner\n" + "".join(f"node-{n:04},r{n % 9},team-{n}\n" for n in range(400))
    text = formats.read("hosts.csv", source.encode())[1]
    chunks = split(text)
    assert chunks[0].heading == ()
    assert {chunk.heading for chunk in chunks[1:]} == {("host,rack,owner",)}
    last = chunks[-1]
    found = [one for one in units(text, last.start, last.end) if one.kind is UnitKind.ROWS]
    assert found
    for unit in found:
        assert unit.lead is not None
        assert text.text[unit.lead.start : unit.lead.end] == "host,rack,owner\n"


@pytest.mark.parametrize("row", ['1,"open\n', "a,b\n", '"\n', '1,"x"y\n', '"' + "x" * 200 + ",\n"])
def test_many_bad_rows_take_no_longer_than_good_ones(row: str) -> None:
    """Quotes that are never closed do not make each line look to the end of the file."""
    began = process_time()
    text = delimited.read("a,b\n" + row * 60_000, ".csv")
    assert process_time() - began < 6
    assert len(text.blocks[-1].children) + len(text.blocks) > 50


def test_a_field_larger_than_a_spreadsheet_takes() -> None:
    """It is a row by itself, and what follows is read on."""
    text = delimited.read(f'a,b\n1,"{"x" * 200_000}\n"\n2,3\n', ".csv")
    assert blocks_of(text, ROW)[-1] == "2,3"
