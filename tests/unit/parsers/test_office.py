"""Office documents and books to text."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from office_samples import (
    W,
    compound,
    docx,
    epub,
    odt,
    p,
    pptx,
    relations,
    shape,
    slide,
    xlsx,
    zipped,
)
from parser_laws import assert_lawful, assert_split, blocks_of

from answerable.adapters.parsers import formats, zips
from answerable.adapters.parsers.canonical import Refused
from answerable.domain.documents import BlockKind, Finding, FindingKind, LandmarkKind, Text
from answerable.library.landmarks import whereabouts
from answerable.library.split import split


def read(data: bytes, name: str = "a.bin") -> Text:
    """Return what is read of a file, after looking at the promises of `Text`."""
    _, text = formats.read(name, data)
    assert_lawful(text)
    assert_split(text, split(text), 1200)
    offsets = [mark.offset for mark in text.landmarks]
    assert offsets == sorted(offsets)
    assert not offsets or offsets[-1] < len(text.text)
    return text


def refusal(data: bytes, name: str = "a.docx") -> str:
    """Return the code a file is refused with."""
    with pytest.raises(Refused) as caught:
        formats.read(name, data)
    return caught.value.code


def counts(text: Text) -> dict[FindingKind, int]:
    """Return the findings as a dictionary."""
    return {one.kind: one.count for one in text.findings}


def where(text: Text, words: str) -> str:
    """Return where words of a text stand in the original."""
    at = text.text.index(words)
    return whereabouts(text.landmarks, at, at + len(words))


STYLES = (
    f"<w:styles {W}>"
    '<w:style w:styleId="T"><w:name w:val="Title"/></w:style>'
    '<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>'
    '<w:style w:styleId="Code"><w:name w:val="Source Code"/></w:style>'
    '<w:style w:styleId="Gone"><w:name w:val="Gone"/><w:rPr><w:vanish/></w:rPr></w:style>'
    "</w:styles>"
)
NUMBERING = (
    f"<w:numbering {W}>"
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="7"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)
NOTES = {
    "word/footnotes.xml": f'<w:footnotes {W}><w:footnote w:id="2">{p("see the manual")}'
    "</w:footnote></w:footnotes>",
    "word/comments.xml": f'<w:comments {W}><w:comment w:id="0" w:author="Ada">'
    f"{p('is this so?')}</w:comment></w:comments>",
}


def styled(words: str, name: str) -> str:
    """Return a paragraph in a style."""
    return p(words, f'<w:pStyle w:val="{name}"/>')


def listed(words: str, depth: int = 0) -> str:
    """Return an item of a list."""
    return p(words, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="7"/></w:numPr>')


def test_word_structure() -> None:
    """Title, headings also of derived styles, lists, code, tables with spans."""
    table = (
        "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + p("Node") + "</w:tc></w:tr>"
        "<w:tr><w:tc>" + p("a|b") + "</w:tc><w:tc>" + p("up") + p("since May") + "</w:tc></w:tr>"
        "</w:tbl>"
    )
    body = (
        styled("The guide", "T")
        + styled("First", "H2")
        + p("Words.")
        + styled("Second", "Mine")
        + listed("Stop it")
        + listed("softly", 1)
        + listed("Start it")
        + styled("kubectl get pods", "Code")
        + styled("  -n prod", "Code")
        + table
    )
    parts = {"word/styles.xml": STYLES, "word/numbering.xml": NUMBERING}
    text = read(docx(body, parts, "styles", "numbering"), "a.docx")
    assert text.title == "The guide"
    assert blocks_of(text, BlockKind.HEADING) == ["# The guide", "## First", "## Second"]
    assert blocks_of(text, BlockKind.ITEM) == [
        "1. Stop it\n    - softly",
        "    - softly",
        "2. Start it",
    ]
    assert blocks_of(text, BlockKind.CODE) == ["```\nkubectl get pods\n  -n prod\n```"]
    assert blocks_of(text, BlockKind.ROW) == ["| Node |  |", "| a\\|b | up since May |"]


def test_word_asides_are_not_lost() -> None:
    """Text boxes once, footnotes and comments follow their paragraph; deletions are gone."""
    box = (
        "<mc:AlternateContent xmlns:mc='urn:mc'><mc:Choice><w:txbxContent>"
        + p("In the box.")
        + "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
        + p("In the box.")
        + "</w:txbxContent></mc:Fallback></mc:AlternateContent>"
    )
    body = (
        "<w:p><w:r><w:t>Kept</w:t></w:r><w:del><w:r><w:delText>dropped</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t xml:space='preserve'> added</w:t></w:r></w:ins>"
        f"<w:r>{box}</w:r><w:r><w:footnoteReference w:id='2'/></w:r>"
        "<w:r><w:commentReference w:id='0'/></w:r></w:p>"
    )
    text = read(docx(body, NOTES, "footnotes", "comments"), "a.docx")
    assert blocks_of(text, BlockKind.PARAGRAPH) == [
        "Kept added",
        "In the box.",
        "[Footnote: see the manual]",
        "[Comment by Ada: is this so?]",
    ]


def test_word_hidden_text() -> None:
    """Hidden by its own format or its style, or too small: counted, not read."""
    body = (
        p("Seen.")
        + p("secret", run="<w:vanish/>")
        + styled("secret", "Gone")
        + p("secret", run='<w:sz w:val="1"/>')
        + p("also seen", run='<w:vanish w:val="0"/>')
    )
    text = read(docx(body, {"word/styles.xml": STYLES}, "styles"), "a.docx")
    assert "secret" not in text.text
    assert "also seen" in text.text
    assert counts(text) == {FindingKind.HIDDEN: 12, FindingKind.TINY: 6}


WHITE = '<w:color w:val="FFFFFF"/>'


def test_word_white_on_white() -> None:
    """It is hidden on a bare page; on whatever may be painted it is seen."""
    shaded = p("kept", '<w:shd w:fill="000000"/>', WHITE)
    marked = p("kept", run=WHITE + '<w:highlight w:val="black"/>')
    cell = f"<w:tbl><w:tr><w:tc>{p('kept', run=WHITE)}</w:tc></w:tr></w:tbl>"
    text = read(docx(p("secret", run=WHITE) + shaded + marked + cell + p("kept")), "a.docx")
    assert "secret" not in text.text
    assert text.text.count("kept") == 4
    assert counts(text) == {FindingKind.SAME_COLOUR: 6}


def test_macros_and_what_lies_elsewhere_is_left_alone() -> None:
    """They are counted, never run, opened or fetched."""
    outside = (
        '<Relationships><Relationship Id="x" Type="a/attachedTemplate" TargetMode="External" '
        'Target="http://127.0.0.1:9/evil.dotm"/></Relationships>'
    )
    parts: dict[str, str | bytes] = {
        "word/vbaProject.bin": b"\0",
        "word/embeddings/a.bin": b"\0",
        "word/_rels/document.xml.rels": outside,
    }
    text = read(docx(p("Words."), parts), "a.docm")
    assert counts(text) == {
        FindingKind.MACROS: 1,
        FindingKind.EMBEDDED: 1,
        FindingKind.LINKED: 1,
    }


def test_slides() -> None:
    """A landmark and heading each; tables, boxes, notes and comments stay; hidden ones go."""
    table = (
        "<p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Node</a:t></a:r></a:p>"
        "</a:txBody></a:tc></a:tr><a:tr><a:tc><a:txBody><a:p><a:r><a:t>n1</a:t></a:r></a:p>"
        "</a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame>"
    )
    space = 'xmlns:a="urn:a" xmlns:p="urn:p"'
    parts = {
        "ppt/slides/_rels/slide1.xml.rels": relations(
            ("notesSlide", "../notesSlides/n1.xml"), ("comments", "../comments/c1.xml")
        ),
        "ppt/notesSlides/n1.xml": f"<p:notes {space}>{shape('sldImg')}{shape('body', 'Say this')}"
        f"{shape('sldNum', '1')}</p:notes>",
        "ppt/comments/c1.xml": f"<p:cmLst {space}><p:cm><p:text>Too long</p:text></p:cm></p:cmLst>",
    }
    text = read(
        pptx(
            slide("Start", "one", "two", more=table + shape("", "a box") + shape("ftr", "Acme")),
            slide("Secret", "x", attributes='show="0"'),
            slide("End", "last"),
            parts=parts,
        ),
        "a.pptx",
    )
    assert blocks_of(text, BlockKind.HEADING) == ["# Start", "# End"]
    assert blocks_of(text, BlockKind.ITEM) == ["- one", "- two"]
    assert blocks_of(text, BlockKind.ROW) == ["| Node |", "| n1 |"]
    assert blocks_of(text, BlockKind.PARAGRAPH) == [
        *("a box", "Notes: Say this", "[Comment: Too long]", "last")
    ]
    assert where(text, "a box") == "slide 1"
    assert where(text, "last") == "slide 3"
    assert counts(text) == {FindingKind.HIDDEN_PART: 1}


def test_slides_of_images_need_ocr() -> None:
    """They are refused with a reason, never indexed empty."""
    picture = "<p:sld><p:cSld><p:spTree><p:pic/></p:spTree></p:cSld></p:sld>"
    assert refusal(pptx(picture), "a.pptx") == "needs_ocr"
    assert refusal(pptx("<p:sld/>"), "a.pptx") == "empty"
    text = read(pptx(picture, slide("Words")), "a.pptx")
    assert counts(text) == {FindingKind.NO_TEXT: 1}


def test_sheets() -> None:
    """Rows under their header, each with its number; titles above a table are words."""
    text = read(
        xlsx(
            {
                "Sales": [
                    ["Quarterly report"],
                    [],
                    ["Region", "Amount", "Share"],
                    ["North", 12, 0.25],
                    ["South|West", 1234567.5, 1],
                    [],
                    ["East", 3, 0.1],
                ],
                "Bare": [[None, 1, 2], [None, 3, 4]],
                "Hidden": [["secret", "words"], ["x", 1]],
            },
            hidden=["Hidden"],
        ),
        "a.xlsx",
    )
    assert blocks_of(text, BlockKind.HEADING) == ["# Sales", "# Bare"]
    assert blocks_of(text, BlockKind.ROW) == [
        "| Region | Amount | Share |",
        "| North | 12 | 0.25 |",
        "| South\\|West | 1234567.5 | 1 |",
        "| East | 3 | 0.1 |",
        "| B | C |",
        "| 1 | 2 |",
        "| 3 | 4 |",
    ]
    assert text.title == ""
    assert where(text, "North") == "Sales, row 4"
    assert where(text, "East") == "Sales, row 7"
    assert where(text, "Quarterly report") == "Sales, row 1"
    assert where(text, "| 3 | 4") == "Bare, row 2"
    assert where(text, "# Bare") == "Bare"
    assert "secret" not in text.text
    assert counts(text) == {FindingKind.HIDDEN_PART: 1}


def test_a_sheet_that_spans_very_much_is_refused() -> None:
    """Two cells far apart would be a billion in memory: that is seen before they are read."""
    far = xlsx({"A": [["x"]]})
    cells = '<c r="XFD1048576"><v>1</v></c>'
    with ZipFile(BytesIO(far)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"</sheetData>", f"<row>{cells}</row></sheetData>".encode())
    assert refusal(zipped(parts), "a.xlsx") == "unsafe"
    many = (
        "<office:body><office:spreadsheet><table:table table:name='A'><table:table-row "
        "table:number-rows-repeated='1000000'><table:table-cell office:value-type='float' "
        "office:value='1' table:number-columns-repeated='1000'/></table:table-row></table:table>"
        "</office:spreadsheet></office:body>"
    )
    assert refusal(odt(many, kind="spreadsheet"), "a.ods") in ("unsafe", "malformed", "empty")
    assert refusal(xlsx({"A": []}), "a.xlsx") == "empty"


def test_open_document_text() -> None:
    """Headings, nested lists, tables, notes and comments; what is hidden is counted."""
    body = (
        "<office:automatic-styles><style:style style:name='H'>"
        "<style:text-properties text:display='none'/></style:style></office:automatic-styles>"
        "<office:body><office:text><text:h text:outline-level='2'>Top</text:h>"
        "<text:p>Two<text:s/>words<text:span text:style-name='H'>secret</text:span>"
        "<text:note text:note-class='footnote'><text:note-body><text:p>see it</text:p>"
        "</text:note-body></text:note>"
        "<office:annotation><dc:creator>Ada</dc:creator><text:p>really?</text:p>"
        "</office:annotation></text:p>"
        "<text:list><text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b"
        "</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<text:section text:display='none'><text:p>secret</text:p></text:section>"
        "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>"
        "<table:table><table:table-row><table:table-cell table:number-columns-repeated='2'>"
        "<text:p>x</text:p></table:table-cell></table:table-row></table:table>"
        "</office:text></office:body>"
    )
    text = read(odt(body), "a.odt")
    assert blocks_of(text, BlockKind.HEADING) == ["## Top"]
    assert blocks_of(text, BlockKind.ITEM) == ["- a\n    - b", "    - b"]
    assert blocks_of(text, BlockKind.PARAGRAPH) == [
        *("Two words", "[Footnote: see it]", "[Comment by Ada: really?]", "boxed")
    ]
    assert blocks_of(text, BlockKind.ROW) == ["| x | x |"]
    assert "secret" not in text.text
    assert FindingKind.HIDDEN in counts(text)
    locked = {"META-INF/manifest.xml": "<m><file-entry><encryption-data/></file-entry></m>"}
    assert refusal(odt(body, parts=locked), "a.odt") == "encrypted"


def test_open_document_slides() -> None:
    """Each page is a slide."""
    pages = "".join(
        f"<draw:page><draw:frame><draw:text-box><text:p>Say {n}</text:p></draw:text-box>"
        "</draw:frame></draw:page>"
        for n in (1, 2)
    )
    body = f"<office:body><office:presentation>{pages}</office:presentation></office:body>"
    text = read(odt(body, kind="presentation"), "a.odp")
    assert where(text, "Say 2") == "slide 2"


def test_books() -> None:
    """Chapters in the order of the spine, each read as a page, with a landmark."""
    text = read(
        epub("<h1>One</h1><p>First words.</p><p hidden>secret</p>", "<h1>Two</h1><p>Last.</p>"),
        "a.epub",
    )
    assert text.title == "A book"
    assert where(text, "First words.") == "One"
    assert where(text, "Last.") == "Two"
    assert where(read(epub("<p>Bare.</p>"), "a.epub"), "Bare.") == "chapter 1"
    assert counts(text) == {FindingKind.HIDDEN: 6}
    assert blocks_of(text, BlockKind.HEADING) == ["# One", "# Two"]
    locked = "<encryption><EncryptionMethod Algorithm='urn:drm'/></encryption>"
    assert refusal(epub("<p>x", parts={"META-INF/encryption.xml": locked})) == "encrypted"
    assert refusal(epub("")) == "empty"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.docx", b"PK\x03\x04 and no more", "malformed"),
        ("a.zip", b"PK\x03\x04 and no more", "binary"),
        ("a.zip", zipped({"a.txt": "words"}), "binary"),
        ("a.docx", zipped({"a.txt": "words"}), "malformed"),
        ("a.docx", docx(""), "empty"),
        ("a.docx", docx(p("x"), {"../../evil": "x"}), "unsafe"),
        ("a.docx", docx(p("x"), {"/etc/evil": "x"}), "unsafe"),
        ("a.docx", docx(p("x"), {"C:\\evil": "x"}), "unsafe"),
        ("a.docx", docx(p("x"), {"word/media/a": b"\0" * 8_000_000}), "unsafe"),
        ("a.docx", docx("<w:p><w:r><w:t>" + "A" * 8_000_000 + "</w:t></w:r></w:p>"), "unsafe"),
        ("a.docx", docx("<w:p>" * 5000), "malformed"),
        ("a.docx", b"just words", "malformed"),
        ("a.docx", b"{\\rtf1 words}", "unsupported"),
        (
            "a.doc",
            compound("WordDocument"),
            "unsupported",
        ),
        (
            "a.docx",
            compound("EncryptedPackage"),
            "encrypted",
        ),
        (
            "a.xls",
            compound("Workbook"),
            "malformed",
        ),
        ("thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "binary"),
        ("a.xlsx", xlsx({"A": [["x", 1]]})[:200], "malformed"),
    ],
)
def test_refusals(name: str, data: bytes, code: str) -> None:
    """Whatever is wrong has its own code, and a bomb is not unpacked to see that it is one."""
    assert refusal(data, name) == code


def test_names_that_lie() -> None:
    """Bytes decide: a workbook named like a document is read as what it is, and so is a page."""
    assert where(read(xlsx({"S": [["a", "b"], ["c", 1]]}), "a.docx"), "| c") == "S, row 2"
    assert formats.read("a.doc", b"<html><body><p>Words.")[0] == "html"
    assert formats.read("a.doc", b'<?xml version="1.0"?>\n<!DOCTYPE html><p>Words.')[0] == "html"


def test_bytes_that_only_mention_a_format() -> None:
    """A compound file whose words name a stream, and an archive with a folder, are no documents."""
    said = compound("Data") + "see WordDocument\0".encode("utf-16-le")
    assert refusal(said, "a.bin") == "binary"
    assert refusal(zipped({"word/list.txt": "a"}), "a.zip") == "binary"
    assert (
        refusal(zipped({"word/list.txt": "a", "[Content_Types].xml": ""}), "a.zip") == "malformed"
    )


def test_what_nobody_sees_is_counted() -> None:
    """Also in what another program wrote: words, cells, code and pages inside of it."""
    counted = read(docx(p("a\u200bb") + p("c\u2060\u2060d")), "a.docx").findings
    assert counted == (Finding(kind=FindingKind.INVISIBLE, count=3),)
    sheet = read(xlsx({"S": [["a", "b"], ["c\u200bd", 1]]}), "a.xlsx").findings
    assert sheet == (Finding(kind=FindingKind.INVISIBLE, count=1),)
    book = read(epub("<p hidden>gone</p><p>a&#8203;b</p>"), "a.epub").findings
    assert {one.kind: one.count for one in book} == {
        FindingKind.HIDDEN: 4,
        FindingKind.INVISIBLE: 1,
    }


ENTITY = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize("declared", [ENTITY, LAUGHS])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_expanded(declared: str, encoding: str) -> None:
    """In no part and no encoding, and nothing outside is read."""
    body = f"{declared}<w:document {W}><w:body>{p('safe')}</w:body></w:document>"
    assert refusal(docx("", {"word/document.xml": body.encode(encoding)})) == "malformed"


def test_archives_that_lie_about_sizes() -> None:
    """Not one byte more is unpacked than an archive said it holds."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a", b"A" * 50_000)
    data = out.getvalue().replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(Refused) as caught:
        zips.Archive(data).read("a")
    assert caught.value.code == "malformed"
    many = zipped({f"n{place}": "" for place in range(zips.ENTRIES_MAX + 1)})
    with pytest.raises(Refused, match="10,000"):
        zips.Archive(many)


SAMPLES: list[tuple[str, Callable[[], bytes]]] = [
    ("a.docx", lambda: docx(styled("Head", "H2") + listed("x") + p("y"), NOTES, "styles")),
    ("a.pptx", lambda: pptx(slide("Start", "one", "two"))),
    ("a.xlsx", lambda: xlsx({"A": [["a", "b"], ["c", 1]]})),
    (
        "a.odt",
        lambda: odt("<office:body><office:text><text:p>x</text:p></office:text></office:body>"),
    ),
    ("a.epub", lambda: epub("<h1>One</h1><p>Words.</p>")),
]


@pytest.mark.parametrize(("name", "made"), SAMPLES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_damaged_files_are_refused_or_read(
    name: str, made: Callable[[], bytes], data: st.DataObject
) -> None:
    """Whatever bytes are changed or lost: a text that keeps the promises, or a refusal."""
    whole = bytearray(made())
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(20, len(whole)))
    with suppress(Refused):
        assert_lawful(formats.read(name, bytes(whole[:cut]))[1])


_WORDS = st.text(st.sampled_from("ab |#\\`-1.é\u0301\u200d\ufb01\x0b\u2028*_ "), max_size=12)


@given(st.lists(st.lists(st.one_of(st.none(), _WORDS, st.floats(), st.integers()), max_size=4)))
@settings(max_examples=100, deadline=None)
def test_any_sheet_is_lawful(rows: list[list[object]]) -> None:
    """Every cell that is filled is in a row, and the promises hold."""
    from answerable.adapters.parsers import sheets  # noqa: PLC0415
    from answerable.adapters.parsers.compose import Composer  # noqa: PLC0415

    composer = Composer()
    composer.mark(LandmarkKind.SHEET, 1, "S")
    composer.heading("S", 1)
    found = [
        sheets._Row(
            number,
            tuple("" if cell is None else sheets._shown(cell) for cell in row),
            all(cell is None or isinstance(cell, str) for cell in row),
        )
        for number, row in enumerate(rows, start=1)
    ]
    sheets._write(found, composer)
    text = composer.text(None)
    assert_lawful(text)
    assert_split(text, split(text, chars=40), 40)
    assert [mark.offset for mark in text.landmarks] == sorted(m.offset for m in text.landmarks)
