"""Manual pages to text: both macro packages, tables, escapes, and what must not be run."""

from __future__ import annotations

from pathlib import Path

import pytest
from parser_laws import assert_lawful, assert_split, blocks_of

from answerable.adapters.parsers import formats, man, roff
from answerable.domain.documents import BlockKind
from answerable.library.split import split

DATA = Path(__file__).parents[4] / "shared" / "data" / "ingest-samples" / "files"
CODE, HEADING, ROW = BlockKind.CODE, BlockKind.HEADING, BlockKind.ROW
PARAGRAPH, ITEM, LIST = BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.LIST

MAN = r"""'\" t
.\" A licence nobody asks about.
.de Xx
.B \\$1
..
.TH PUMP 8 2026-11-30 "" "Admin's Manual"
.SH NAME
pump \- move \fBwater\fP
.SH "SYNOPSIS"
.SY pump
.OP \-v
.OP \-o file
.YS
.SH DESCRIPTION
Run
.BR pump (8)
or
.I tap ,
see \(aqx\(aq\&.
.PP
Second.
.br
Broken line.
.TP
.BR \-v ", " \-\-verbose
Says more\c
, always.
.IP
Still \-v.
.TP
\fB\-o\fP \fIfile\fP
Writes.
.RS
.IP \(bu 3
First.
.IP \(bu
Second bullet.
.RE
.SS Steps
.IP 1. 4
Open.
.EX
$ pump \e
    \-v
.EE
.IP 2.
Close.
.PP
After.
.TS
tab(;);
lb lb
l l.
Signal;Action
_
HUP;T{
reload
the file
T}
TERM;stop
.TE
.ie t .B typeset
.el shown
.if n \{\
terminal
.\}
.if t \{\
printer
.\}
.UR https://example.org
the site
.UE .
"""


def test_man_page() -> None:
    """Sections, items with their tags, steps, code and tables; fonts and comments go."""
    text = man.read(MAN)
    assert text.title == "PUMP(8)"
    assert blocks_of(text, HEADING) == ["NAME", "SYNOPSIS", "DESCRIPTION", "Steps"]
    paragraphs = blocks_of(text, PARAGRAPH)
    assert paragraphs[:4] == [
        "pump - move water",
        "pump [-v] [-o file]",
        "Run pump(8) or tap , see 'x'.",
        "Second.\nBroken line.",
    ]
    items = blocks_of(text, ITEM)
    assert items[0] == "-v, --verbose\n    Says more, always.\n\n    Still -v."
    assert items[1] == "-o file\n    Writes.\n\n    - First.\n\n    - Second bullet."
    assert items[4] == "1. Open.\n\n    $ pump \\\n        -v"
    lists = [block for block in text.blocks if block.kind is LIST]
    assert [block.level for block in lists] == [0, 1]
    assert blocks_of(text, ROW) == ["Signal | Action", "HUP | reload the file", "TERM | stop"]
    assert paragraphs[-1] == "shown terminal the site <https://example.org>."
    for gone in ("licence", "typeset", "printer", "\\", ".B", "Xx"):
        assert gone not in text.text.replace("pump \\", "")
    assert_lawful(text)
    assert_split(text, split(text, chars=40), 40)


MDOC = r""".Dd November 30, 2026
.Dt TAP 1
.Os
.Sh NAME
.Nm tap
.Nd open and close
.Sh SYNOPSIS
.Nm
.Op Fl cDv
.Op Fl o Ar file
.Ar name ...
.Nm
.Fl V
.Sh DESCRIPTION
The
.Nm
utility opens
.Dq the tap .
.Pp
See
.Xr pump 8 ,
.Pa /etc/tap.conf
and
.Oo Fl x Ns Ar n Oc .
.Bl -tag -width Ds
.It Fl c , Fl Fl close
Closes
.Pq at once .
.It Fl o Ar file
Writes:
.Bl -bullet
.It
One.
.It
Two.
.El
.El
.Bl -enum
.It
First.
.It
Second.
.El
.Bd -literal -offset indent
$ tap -c
  all
.Ed
.Dl tap -v
.Bl -column a b
.It Sy Name Ta Sy Value
.It a Ta 1
.El
.Ex -std
.Sh SEE ALSO
.Lk https://example.org Site
"""


def test_mdoc_page() -> None:
    """Macros are called as on a terminal: dashes, brackets, quotes, no space where none is."""
    text = man.read(MDOC)
    assert text.title == "TAP(1)"
    paragraphs = blocks_of(text, PARAGRAPH)
    assert paragraphs[:4] == [
        "tap \u2013 open and close",
        "tap [-cDv] [-o file] name ...\ntap -V",
        "The tap utility opens \u201cthe tap\u201d.",
        "See pump(8), /etc/tap.conf and [-xn].",
    ]
    items = blocks_of(text, ITEM)
    assert items[0] == "-c, --close\n    Closes (at once)."
    assert items[1] == "-o file\n    Writes:\n\n    - One.\n\n    - Two."
    assert items[4:] == ["1. First.", "2. Second."]
    assert blocks_of(text, CODE) == ["$ tap -c\n  all", "tap -v"]
    assert blocks_of(text, ROW) == ["Name | Value", "a | 1"]
    assert "The tap utility exits 0 on success, and >0 if an error occurs." in paragraphs
    assert paragraphs[-1] == "Site <https://example.org>"
    assert_lawful(text)


@pytest.mark.parametrize(
    ("escaped", "seen"),
    [
        (r"\fBa\fP\f(CWb\f[CW]c\s-1d\s0", "abcd"),
        (r"a\-b \- c\~d\ e", "a-b - c d e"),
        (r"\(bu \[u20AC] \(co \[em]", "\u2022 \u20ac \u00a9 \u2014"),
        (r"\*(Aqx\*(Aq \*[unknown]\*R", "'x' \u00ae"),
        (r"a\h'-4'b\v'1'c\w'x'd", "abcd"),
        (r"x\" comment", "x"),
        (r"\e \\ \[rs]", "\\ \\ \\"),
        (r"\N'65'\N'9999999'", "A"),
        (r"\[:o]", "o\u0308"),
        ("end\\", "end"),
    ],
)
def test_escapes(escaped: str, seen: str) -> None:
    """Fonts, sizes and motions go, characters stay."""
    assert roff.plain(escaped) == seen


def test_pages_are_known_by_what_they_say() -> None:
    """Any suffix or none will do, and a number behind a dot alone makes no manual page."""
    assert formats.read("pump.8", MAN.encode())[0] == "man"
    assert formats.read("CA.pl.1ssl", MDOC.encode())[0] == "man"
    assert formats.read("pump", MAN.encode())[0] == "man"
    assert formats.read("release-1.2", b"Words about it.\n")[0] == "text"
    assert formats.read("x.3", b".so man3/y.3\n")[1].text == "See man3/y.3.\n"


def test_nothing_in_a_page_is_run() -> None:
    """Files are not included, macros not defined, and no string can grow."""
    lines = "".join(f".ds x{n} \\*[x{n - 1}]\\*[x{n - 1}]\n" for n in range(1, 60))
    head = ".TH X 1\n.so /etc/passwd\n.sy reboot\n.pso date\n.ds x0 boom\n"
    source = f"{head}{lines}.SH A\n\\*[x59] end\n"
    text = man.read(source)
    assert "boom" not in text.text
    assert "reboot" not in text.text
    assert text.text.endswith("A\n\nend\n")


@pytest.mark.parametrize("name", ["man-pages__proc.5", "man-pages__resolv.conf.5"])
def test_real_pages(name: str) -> None:
    """Pages of Linux read as on a terminal: sections, items, no trace of roff."""
    if not DATA.is_dir():
        pytest.skip("no ingest-samples beside this checkout")
    found, text = formats.read(name, (DATA / name).read_bytes())
    assert found == "man"
    assert_lawful(text)
    assert_split(text, split(text), 1200)
    assert {"NAME", "DESCRIPTION", "SEE ALSO"} <= set(blocks_of(text, HEADING))
    assert "\\f" not in text.text
    assert not [line for line in text.text.split("\n") if line.startswith((".B", ".I", ".TP"))]
    words = text.text.split()
    assert len(words) > 0.8 * len((DATA / name).read_text("utf-8").split()) - 3_000
