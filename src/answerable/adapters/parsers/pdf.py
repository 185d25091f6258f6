"""PDF to text: paragraphs, headings, lists and tables of figures, with the page each begins on.

Read by PDFium. What no reader of the page would see is counted and left out. The text layer of
a scanned page, drawn invisibly over its image, is all there is to read of it, and is read.
"""

from __future__ import annotations

import re
from collections import Counter

import pypdfium2 as pdfium  # type: ignore[import-untyped] # it says nothing of types
from pypdfium2 import raw

from answerable.adapters.parsers import pdf_layout, pdf_pages
from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.compose import Composer, plain
from answerable.domain.documents import FindingKind, Text

OUTLINE_MAX = 5_000

# What programs write where nobody gave a title.
_NO_TITLE = re.compile(
    r"([\W\d_]*|\(?(anonymous|unspecified)\)?|untitled|title"
    r"|document\d*|slide \d+|microsoft \w+ - .*"
    r"|.*\.(docx?|pptx?|pdf|tex|dvi|indd))$",
    re.IGNORECASE,
)


def read(data: bytes) -> Text:
    """Return what is shown of a PDF.

    Raises:
        Refused: ``encrypted``, ``malformed``, ``needs_ocr`` when all there is are images,
            ``empty`` when there is nothing at all.
    """
    document = _open(data)
    try:
        return _read(document)
    finally:
        document.close()


def _open(data: bytes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise Refused("encrypted", "it is protected by a password") from None
        raise Refused("malformed", "it is a damaged PDF") from None
    if len(document) < 1:
        document.close()
        raise Refused("malformed", "it is a PDF without pages")
    return document


def _read(document: pdfium.PdfDocument) -> Text:
    findings: Counter[FindingKind] = Counter()
    findings[FindingKind.EMBEDDED] = max(0, raw.FPDFDoc_GetAttachmentCount(document.raw))
    pages = []
    for number in range(len(document)):
        page = pdf_pages.read(document, number)
        findings.update(page.findings)
        pages.append(page)
    if not any(page.lines for page in pages):
        _refuse_wordless(pages)
    composer = Composer()
    pdf_layout.write(pages, _outline(document), composer)
    if composer.is_empty:
        _refuse_wordless(pages)
    return composer.text(_title(document), findings)


def _refuse_wordless(pages: list[pdf_pages.Page]) -> None:
    if any(page.is_drawn for page in pages):
        raise Refused("needs_ocr", "its pages are images without text: it needs OCR")
    raise Refused("empty", "it holds no text")


def _title(document: pdfium.PdfDocument) -> str:
    try:
        title = plain(document.get_metadata_value("Title"))
    except (pdfium.PdfiumError, ValueError):
        return ""
    return "" if _NO_TITLE.match(title) else title[:300]


def _outline(document: pdfium.PdfDocument) -> dict[tuple[int, str], int]:
    """Return the level of each entry of the outline, by page, from 0, and by its words."""
    levels: dict[tuple[int, str], int] = {}
    try:
        for count, entry in enumerate(document.get_toc(max_depth=6)):
            if count >= OUTLINE_MAX:
                break
            target = entry.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                levels.setdefault((page, pdf_layout.key(entry.get_title())), entry.level + 1)
    except (pdfium.PdfiumError, ValueError, RecursionError):
        pass  # an outline that is damaged tells nothing; the pages are read all the same
    return levels
