"""Small documents of other formats, made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of these parts."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def compound(*streams: str) -> bytes:
    """Return a compound file (OLE) of which nothing is there but its directory."""
    entries = (f"{name}\0".encode("utf-16-le").ljust(128, b"\0") for name in streams)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + b"".join(entries)


def relations(*pairs: tuple[str, str]) -> str:
    """Return relations of these kinds to these targets, named r1, r2..."""
    rows = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs, start=1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{rows}</Relationships>'


def docx(body: str, parts: Mapping[str, str | bytes] | None = None, *kinds: str) -> bytes:
    """Return a Word document of this body; `kinds` are parts it relates to, such as styles."""
    return zipped(
        {
            "_rels/.rels": relations(("officeDocument", "word/document.xml")),
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(*((one, f"{one}.xml") for one in kinds)),
            **(parts or {}),
        }
    )


def p(words: str, properties: str = "", run: str = "") -> str:
    """Return a paragraph of a Word document."""
    return (
        f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{words}</w:t></w:r></w:p>"
    )


def pptx(*slides: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return a presentation of these shape trees."""
    space = (
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        f'xmlns:r="{OFFICE}"'
    )
    numbers = range(1, len(slides) + 1)
    listed = "".join(f'<p:sldId id="{255 + one}" r:id="r{one}"/>' for one in numbers)
    related = relations(*(("slide", f"slides/slide{one}.xml") for one in numbers))
    return zipped(
        {
            "_rels/.rels": relations(("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {space}><p:sldIdLst>{listed}"
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": related,
            **{
                f"ppt/slides/slide{number}.xml": slide.replace("<p:sld", f"<p:sld {space}", 1)
                for number, slide in enumerate(slides, start=1)
            },
            **(parts or {}),
        }
    )


def slide(title: str, *lines: str, more: str = "", attributes: str = "") -> str:
    """Return a slide with a title and a body."""
    return (
        f"<p:sld {attributes}><p:cSld><p:spTree>{shape('title', title)}"
        f"{shape('body', *lines)}{more}</p:spTree></p:cSld></p:sld>"
    )


def shape(role: str, *lines: str) -> str:
    """Return a shape; without a role it is a text box."""
    place = f'<p:nvPr><p:ph type="{role}"/></p:nvPr>' if role else "<p:nvPr/>"
    words = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
    return f"<p:sp><p:nvSpPr>{place}</p:nvSpPr><p:txBody>{words}</p:txBody></p:sp>"


def xlsx(sheets: Mapping[str, Iterable[Iterable[object]]], *, hidden: Iterable[str] = ()) -> bytes:
    """Return a workbook; None is an empty cell, whole rows of nothing are left out."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts: dict[str, str | bytes] = {}
    listed, related = "", []
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        state = ' state="hidden"' if name in set(hidden) else ""
        listed += f'<sheet name="{name}" sheetId="{number}"{state} r:id="r{number}"/>'
        related.append(("worksheet", f"worksheets/sheet{number}.xml"))
        body = "".join(_row(place, row) for place, row in enumerate(rows, start=1))
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>"
        )
    return zipped(
        {
            "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook {main} xmlns:r="{OFFICE}"><sheets>{listed}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": relations(*related),
            **parts,
        }
    )


def _row(number: int, cells: Iterable[object]) -> str:
    row = ""
    for place, cell in enumerate(cells):
        at = f'r="{chr(65 + place)}{number}"'
        if isinstance(cell, str):
            row += f'<c {at} t="inlineStr"><is><t>{cell}</t></is></c>'
        elif cell is not None:
            row += f"<c {at}><v>{cell}</v></c>"
    return f'<row r="{number}">{row}</row>'


def odt(body: str, *, kind: str = "text", parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return an OpenDocument file of this body; styles may stand before it."""
    names = ("office", "text", "table", "draw", "presentation", "style", "dc")
    space = " ".join(f'xmlns:{name}="urn:x:{name}"' for name in names)
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {space}>{body}</office:document-content>",
            **(parts or {}),
        }
    )


def epub(*chapters: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """Return a book of these chapters, XHTML bodies each."""
    numbers = range(1, len(chapters) + 1)
    items = "".join(
        f'<item id="c{one}" href="c{one}.xhtml" media-type="application/xhtml+xml"/>'
        for one in numbers
    )
    spine = "".join(f'<itemref idref="c{one}"/>' for one in numbers)
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="O/b.opf"/>'
            "</rootfiles></container>",
            "O/b.opf": "<package><metadata><title>A book</title></metadata>"
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{
                f"O/c{number}.xhtml": f"<!DOCTYPE html><html><body>{body}</body></html>"
                for number, body in enumerate(chapters, start=1)
            },
            **(parts or {}),
        }
    )


def pdf(*pages: str, media: str = "0 0 612 792", extra: str = "", info: str = "") -> bytes:
    """Return a PDF of these content streams, with the fonts F1 (regular) and F2 (bold).

    Args:
        pages: What is drawn on each.
        media: Box of every page.
        extra: Resources beside the fonts, such as ``/XObject<</I 7 0 R>>``; object 7 is an image.
        info: Entries of the document's information.
    """
    fonts = "/Font<</F1 3 0 R/F2 4 0 R>>"
    image = "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray"
    first = 8
    kids = " ".join(f"{first + 2 * place} 0 R" for place in range(len(pages)))
    objects = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        3: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        4: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
        5: f"<<{info}>>",
        7: f"{image}/BitsPerComponent 8/Length 1>>stream\nA\nendstream",
    }
    for place, body in enumerate(pages):
        number = first + 2 * place
        objects[number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[{media}]/Contents {number + 1} 0 R"
            f"/Resources<<{fonts}{extra}>>>>"
        )
        objects[number + 1] = f"<</Length {len(body)}>>stream\n{body}\nendstream"
    out = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start, size = len(out), max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        known = f"{offsets[number]:010d} 00000 n" if number in offsets else "0000000000 65535 f"
        out += f"{known} \n".encode()
    out += f"trailer<</Size {size}/Root 1 0 R/Info 5 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def lines(
    *texts: str, size: float = 11, top: float = 700, gap: float = 14, font: str = "F1"
) -> str:
    """Return lines of text below each other, for `pdf`."""
    rows = (
        f"BT /{font} {size} Tf 72 {top - place * gap} Td ({text}) Tj ET"
        for place, text in enumerate(texts)
    )
    return "\n".join(rows)
