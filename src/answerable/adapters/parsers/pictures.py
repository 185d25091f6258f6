"""A page of a PDF as a picture, drawn in the same kind of child that reads files."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import pypdfium2 as pdfium  # type: ignore[import-untyped] # it says nothing of types

from answerable.adapters.parsers.canonical import Refused
from answerable.adapters.parsers.child import Read
from answerable.domain.documents import Text

_RATIO_MAX = 3.0  # of height and width: longer ones are drawn narrower
_KINDS = {1: 0, 3: 2, 4: 6}  # colour types of PNG by bytes of a pixel


@dataclass(frozen=True, slots=True)
class _Look:
    """How a page is drawn.

    Attributes:
        level: Of compression: what nobody sends far needs little.
    """

    width_px: int
    is_grey: bool
    level: int


_LOOKS = {
    "": _Look(1_000, is_grey=False, level=6),
    "ocr": _Look(2_200, is_grey=True, level=1),  # about 260 dots an inch of A4 or Letter
}


def digest() -> str:
    """Return what changes when the same page may give another picture."""
    return "pictures-1"


def read(path: str, data: bytes) -> Read:
    """Return a page as a picture, and how many pages there are.

    Args:
        path: Number of the page, from 1, and ``.pdf``: ``3.pdf`` is drawn for people, 1,000 pixels
            wide, ``3.ocr.pdf`` for OCR, larger and grey.
        data: The document.

    Returns:
        The one part is the picture, a PNG; the text is the number of pages.

    Raises:
        Refused: ``malformed`` when it is no PDF that can be read, or has no such page.
    """
    number, _, look = path.removesuffix(".pdf").partition(".")
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        raise Refused("malformed", "it is no PDF that can be read") from None
    try:
        if not 1 <= int(number) <= len(document):
            raise Refused("malformed", f"it has no page {number}")
        drawn = _drawn(document[int(number) - 1], _LOOKS[look])
        return "png", Text(text=str(len(document)), title="", blocks=()), [("page.png", drawn)]
    finally:
        document.close()


def _drawn(page: pdfium.PdfPage, look: _Look) -> bytes:
    width, height = page.get_size()
    scale = look.width_px / max(width, height / _RATIO_MAX, 1.0)
    bitmap = page.render(
        scale=scale, grayscale=look.is_grey, rev_byteorder=not look.is_grey, prefer_bgrx=False
    )
    pixels = bitmap.to_numpy().tobytes()
    return _png(pixels, bitmap.width, bitmap.height, bitmap.n_channels, look.level)


def _png(pixels: bytes, width: int, height: int, channels: int, level: int) -> bytes:
    """Return a PNG of rows of bytes, without filters.

    Source: W3C, "Portable Network Graphics (PNG) Specification", third edition.
    """
    stride = width * channels
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, height * stride, stride))
    head = struct.pack("!IIBBBBB", width, height, 8, _KINDS[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + name + body + struct.pack("!I", zlib.crc32(name + body))
